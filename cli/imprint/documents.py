"""What a descriptor, a schema or another JSON or YAML file holds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .exceptions import DataFault, ImprintError

DESCRIPTOR_NAMES = ("datapackage.json", "datapackage.yaml", "datapackage.yml")
UNFOLDED_LIMIT = 10**6  # values of a YAML document with its aliases followed
CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*"|(NaN|-?Infinity)')  # outside of texts


class _Spelled(str):
    """A number as the file spells it: Python's own numbers would round it, or write it as Infinity."""


def read_document(path: Path) -> Any:
    """The value that a JSON or YAML file holds. Raises ImprintError with line and column where it is broken."""
    return _read(path, {})


def laid_out(path: Path, change: Callable[[Any], Any] = lambda value: value) -> str:
    """The text of a JSON file with two spaces to each level, every number as it is spelled there, after a change of its value.

    Of a YAML file it is what `read_document` gives as JSON, which is YAML too. Raises ImprintError as that does, and DataFault
    where an object has a key twice, as one of its values would be lost.
    """
    hooks = {"parse_int": _Spelled, "parse_float": _Spelled, "object_pairs_hook": lambda pairs: _object(path, pairs)}
    value = _read(path, hooks)
    try:
        return _text(change(value), "\n") + "\n"
    except RecursionError as error:
        raise ImprintError("nests too deeply", where=path, fix="flatten it") from error


def _object(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            message = f'has an object with the key "{key}" twice, and can\'t be rewritten'
            raise DataFault(message, where=path, fix="leave one out")
        found[key] = value
    return found


def _text(value: Any, start: str) -> str:
    """A JSON value whose lines begin with `start`, a line feed and spaces."""
    if isinstance(value, _Spelled):
        return str(value)
    if not value or not isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    inner = start + "  "
    if isinstance(value, dict):
        items = (f"{json.dumps(key, ensure_ascii=False)}: {_text(item, inner)}" for key, item in value.items())
        return "{" + inner + f",{inner}".join(items) + start + "}"
    return "[" + inner + f",{inner}".join(_text(item, inner) for item in value) + start + "]"


def _read(path: Path, hooks: dict[str, Any]) -> Any:
    if path.exists() and not path.is_file():  # a pipe would never end
        raise ImprintError("cannot be read (no file)", where=path, fix="name a file")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImprintError(f"is not UTF-8 (byte {error.start})", where=path, fix="save it as UTF-8") from error
    except OSError as error:
        raise ImprintError(f"cannot be read ({error.strerror})", where=path, fix="check the path") from error
    value = _parse_yaml(path, text) if path.suffix.lower() in (".yaml", ".yml") else _parse_json(path, text, hooks)
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ImprintError("holds half a surrogate pair, which is no text", where=path, fix="mend it there") from error
    except RecursionError as error:
        raise ImprintError("nests too deeply", where=path, fix="flatten it") from error
    return value


def _parse_json(path: Path, text: str, hooks: dict[str, Any]) -> Any:
    def refuse(name: str) -> None:
        place = next(found.start() for found in CONSTANT.finditer(text) if found[1])
        raise json.JSONDecodeError(f"{name} is no value", text, place)

    try:
        return json.loads(text, parse_constant=refuse, **hooks)
    except json.JSONDecodeError as error:
        message = f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        raise ImprintError(message, where=path, fix="mend it there") from error
    except (ValueError, RecursionError) as error:
        raise ImprintError("nests too deeply, or holds a number too long", where=path, fix="flatten it") from error


def _parse_yaml(path: Path, text: str) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """Dates stay texts, as JSON has none."""

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in listed if not tag.endswith(":timestamp")]
        for first, listed in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        value = yaml.load(text, Loader)
        _unfold(value, {})
        return json.loads(json.dumps(value, allow_nan=False))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ImprintError(f"is not YAML: {error.problem}{place}", where=path, fix="mend it there") from error
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise ImprintError("is not YAML that JSON could say too", where=path, fix="mend it") from error


def _unfold(value: Any, sizes: dict[int, int]) -> int:
    """How many values there are once aliases are followed. Raises ValueError for more than a descriptor can need."""
    if not isinstance(value, (dict, list)):
        return 1
    if id(value) not in sizes:
        sizes[id(value)] = UNFOLDED_LIMIT  # that of a value inside itself
        items = [*value, *value.values()] if isinstance(value, dict) else value
        sizes[id(value)] = sum(_unfold(item, sizes) for item in items) + 1
    if sizes[id(value)] >= UNFOLDED_LIMIT:
        raise ValueError("unfolds to too much")
    return sizes[id(value)]


def texts(value: Any) -> Iterator[str]:
    """Every text that stands anywhere in a document as a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts(item)
