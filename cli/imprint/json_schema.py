"""JSON Schema: surely valid by a small reading of the common keywords, convicted by the jsonschema library alone.

Most values are valid, and most schemas use a dozen keywords. Those are read here without a further import; whatever
isn't surely valid (a keyword that isn't known here is never sure) goes to jsonschema, which says what is wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from . import limited, patterns

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "object": (dict,),
    "array": (list,),
    "boolean": (bool,),
    "null": (type(None),),
    "integer": (int,),
    "number": (int, float),
}
SILENT = frozenset({"$schema", "$id", "$defs", "definitions", "title", "description", "examples", "default", "$comment"})


@dataclass(frozen=True)
class Fault:
    """Where a value breaks a schema: the path from the root, and jsonschema's message."""

    path: tuple[str | int, ...]
    message: str


SECONDS = 10.0  # for what isn't surely valid, and more for what is long
PACE = 20_000  # characters a second
STEPS = 3 * 10**6  # keywords tried before that: a schema that refers to itself may ask for more than there are atoms


class SchemaFault(Exception):
    """The schema isn't a JSON Schema, or refers to what isn't there."""


class TooSlow(SchemaFault):
    """The schema takes too long on a value."""


def faults(schema: Any, value: Any, known: Mapping[str, Any] | None = None, *, checked: bool = False) -> Iterator[Fault]:
    """Everything in a value that breaks a schema. `known` are schemas by address; nothing is ever fetched.

    Raises SchemaFault where the schema itself is wrong (`checked` says that `check` has passed it).
    """
    if not surely_valid(schema, value, known or {}):
        if not checked:
            check(schema)
        yield from _convict(schema, value, known or {})


def check(schema: Any) -> None:
    """Raises SchemaFault for what isn't a JSON Schema."""
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for

    try:
        validator_for(schema).check_schema(schema)
    except SchemaError as error:
        raise SchemaFault(f"is not a JSON Schema: {error.message[:200]}") from error
    except (TypeError, RecursionError) as error:
        raise SchemaFault(f"is not a JSON Schema: {error}") from error


def _convict(schema: Any, value: Any, known: Mapping[str, Any]) -> Iterator[Fault]:
    try:
        seconds = SECONDS + len(json.dumps(value)) // PACE
        found, fault = limited.call("json_schema", "convicted", schema, value, known, seconds=seconds)
    except TimeoutError as error:
        raise TooSlow(f"JSON Schema {error} to check; simplify it") from error
    except (RecursionError, ChildProcessError) as error:
        raise SchemaFault("JSON Schema or value nests too deeply") from error
    yield from (Fault(tuple(path), message) for path, message in found)
    if fault:
        raise SchemaFault(fault)


def convicted(schema: Any, value: Any, known: Mapping[str, Any]) -> tuple[list[tuple[list[str | int], str]], str]:
    """Path and message of every fault, and what is wrong with the schema itself."""
    from jsonschema.validators import validator_for
    from referencing import Registry, Resource
    from referencing.exceptions import Unresolvable

    found: list[tuple[list[str | int], str]] = []
    registry: Registry[Any] = Registry().with_resources((name, Resource.from_contents(one)) for name, one in known.items())
    try:
        for error in validator_for(schema)(schema, registry=registry).iter_errors(value):
            found.append((list(error.absolute_path), error.message))
    except Unresolvable as error:
        return found, f'JSON Schema refers to "{error.ref}", which is not there'
    except (RecursionError, AttributeError, TypeError, ValueError, re.error) as error:
        return found, f"JSON Schema can't be used: {error}"
    return found, ""


def surely_valid(schema: Any, value: Any, known: Mapping[str, Any]) -> bool:
    """Whether the value surely fits; False where that isn't sure."""
    try:
        return _surely_valid(schema, value, schema, _Known(known))
    except (
        RecursionError,
        AttributeError,
        TypeError,
        ValueError,
        re.error,
        patterns.TooSlow,
    ):  # the schema isn't one, or has no end
        return False


class _Known(dict[str, Any]):
    """Schemas by address, and how many steps were taken with them."""

    steps = 0


def _surely_valid(schema: Any, value: Any, root: Any, known: _Known) -> bool:
    if isinstance(schema, bool):
        return schema
    known.steps += 1
    if not isinstance(schema, dict) or known.steps > STEPS:
        return False
    for word, rule in schema.items():
        if word in SILENT:
            continue
        if word == "additionalProperties":
            if rule is not False or (isinstance(value, dict) and not value.keys() <= schema.get("properties", {}).keys()):
                return False
        elif not _sure(word, rule, value, root, known):
            return False
    return True


def _sure(word: str, rule: Any, value: Any, root: Any, known: _Known) -> bool:  # noqa: PLR0911, PLR0912
    """Whether one keyword surely holds (JSON Schema 2020-12, validation vocabulary)."""
    match word:
        case "type":
            return _is_type(value, rule)
        case "$ref":
            target, start = _referenced(rule, root, known)
            return target is not None and _surely_valid(target, value, start, known)
        case "properties":
            pairs = rule.items() if isinstance(value, dict) else ()
            return all(_surely_valid(sub, value[key], root, known) for key, sub in pairs if key in value)
        case "required":
            return not isinstance(value, dict) or all(key in value for key in rule)
        case "items":
            return not isinstance(value, list) or all(_surely_valid(rule, item, root, known) for item in value)
        case "anyOf":
            return any(_surely_valid(sub, value, root, known) for sub in rule)
        case "oneOf" if all(isinstance(sub, dict) and sub.keys() == {"required"} for sub in rule):
            return sum(_surely_valid(sub, value, root, known) for sub in rule) == 1
        case "allOf":
            return all(_surely_valid(sub, value, root, known) for sub in rule)
        case "enum":
            return (value is None or isinstance(value, str)) and value in rule
        case "const":
            return isinstance(value, str) and value == rule
        case "pattern":
            return not isinstance(value, str) or patterns.search(rule, value)
        case "minLength":
            return not isinstance(value, str) or len(value) >= rule
        case "maxLength":
            return not isinstance(value, str) or len(value) <= rule
        case "minItems":
            return not isinstance(value, list) or len(value) >= rule
        case "minProperties":
            return not isinstance(value, dict) or len(value) >= rule
        case "minimum":
            return not _is_type(value, "number") or value >= rule
        case "uniqueItems":
            plain = isinstance(value, list) and all(type(item) in (str, int) for item in value)
            return not isinstance(value, list) or (plain and len(set(value)) == len(value))
        case _:
            return False


def _is_type(value: Any, names: Any) -> bool:
    listed = [names] if isinstance(names, str) else names
    if isinstance(value, bool):
        return "boolean" in listed
    return any(isinstance(value, TYPES.get(name, ())) for name in listed)


def _referenced(pointer: Any, root: Any, known: Mapping[str, Any]) -> tuple[Any, Any]:
    """The schema that a `$ref` names, and the root that its own references start from; (None, None) if not found."""
    address, _, fragment = str(pointer).partition("#")
    start = known.get(address) if address else root
    found = start
    for part in fragment.split("/")[1:]:
        found = found.get(part) if isinstance(found, dict) else None
    return found, start
