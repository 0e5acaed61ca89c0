"""The standard's profile as JSON Schema: where a descriptor, or a part of one, breaks it, in words for its author."""

from __future__ import annotations

import functools
import json
from importlib import resources as importlib_resources
from typing import Any

from . import json_schema
from .package import Descriptor
from .report import Error

PROFILE_1_0 = "https://datapackage.org/profiles/1.0/datapackage.json"  # in force where none is declared
PROFILE_2_0 = "https://datapackage.org/profiles/2.0/datapackage.json"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
PART_PROFILES = {
    f"https://datapackage.org/profiles/2.0/{name}.json": {"$schema": DRAFT, "$ref": f"{PROFILE_2_0}#/$defs/{part}"}
    for name, part in {"dataresource": "resource", "tabledialect": "dialect", "tableschema": "schema"}.items()
}


@functools.cache
def load() -> dict[str, Any]:
    """Our JSON Schema of Data Package 2.0, written from the standard."""
    text = importlib_resources.files("imprint").joinpath("profiles/datapackage-2.0.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def of_part(part: tuple[str, ...], content: Any) -> list[json_schema.Fault]:
    """Where a descriptor breaks a part of the profile."""
    schema = {"$ref": "/".join((f"{PROFILE_2_0}#/$defs", *part))}
    return list(json_schema.faults(schema, content, {PROFILE_2_0: load()}, checked=True))


@functools.cache
def _forms() -> dict[str, str]:
    """What jsonschema says of a text that breaks a pattern of the profile, and what we say."""
    forms: dict[str, str] = {}

    def note(part: Any) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("pattern"), str) and "description" in part:
                forms[f"does not match {part['pattern']!r}"] = f"is not {part['description']}"
            for inner in part.values():
                note(inner)

    note(load())
    return forms


def faults(kind: str, part: tuple[str, ...], content: Any, resource: str = "") -> list[Error]:
    """Errors of some kind, one for each place where a descriptor breaks a part of the profile."""
    return [error_of(fault, kind, resource) for fault in of_part(part, content)]


def without(content: Descriptor, faults: list[json_schema.Fault]) -> dict[str, Any]:
    """A descriptor less what is wrong with it: a property, or one of its `constraints`."""
    wrong = {fault.path[:2] if fault.path[:1] == ("constraints",) else fault.path[:1] for fault in faults}
    kept = {key: value for key, value in content.items() if (key,) not in wrong}
    if "constraints" in kept:
        kept["constraints"] = {key: value for key, value in kept["constraints"].items() if ("constraints", key) not in wrong}
    return kept


def json_schema_faults(schema: Any, value: Any, kind: str, resource: str = "") -> list[Error]:
    """Where a value breaks a JSON Schema; the standard's profile is known by its address, without a network."""
    try:
        found = json_schema.faults(schema, value, {PROFILE_2_0: load(), **PART_PROFILES})
        return [error_of(fault, kind, resource) for fault in found]
    except json_schema.SchemaFault as error:
        return [Error("schema-error", str(error), resource, unchecked=True)]


def error_of(fault: json_schema.Fault, kind: str, resource: str, whose: str = "") -> Error:
    """A fault as an error; `whose` says of what."""
    path = "/".join(str(part) for part in fault.path)
    message = next(
        (fault.message.replace(form, said) for form, said in _forms().items() if form in fault.message), fault.message
    )
    message = message if len(message) <= 200 else f"{message[:200]}…"
    note = f"{message} at property '{path}'{whose}" if path else f"{message}{whose}"
    return Error(type=kind, note=note, resource=resource)
