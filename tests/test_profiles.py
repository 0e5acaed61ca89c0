"""Our profile, written from the standard, accepts and rejects what the standard's own does, but for what is listed here."""

from __future__ import annotations

import copy
import fnmatch
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema.validators import validator_for

from imprint import descriptor, profile

Json = dict[str, Any]
RUBBISH: list[Any] = [None, 0, "x y", "../x", [], ["x", "x"], [1], {"x": 1}]
# Where the standard's profile says otherwise than its text, or says less.
KNOWN = {
    "$schema": "a reference, which is looked up",
    "*missingValues": "the text: values are unique",
    "*/fields/*/constraints/enum*": "the text: values of the field, and of its categories",
    "created": "the text: a moment of RFC 3339",
    "image": "the text: a URL or a path",
    "contributors*": "the text: an array of objects with roles",
    "resources/0/encoding": "a name, which is looked up",
    "resources/0/path*": "a path, which is looked up",
    "resources/0/schema": "a reference, which is looked up",
    "*/dialect/*Char": "the text: of one character",
    "*/schema/*Key*": "keys name fields, which are looked up",
    "*/fields/schema/name": "keys name fields, which are looked up",
    "*/fields/schema": "keys name fields, which are looked up",
    "*/fields": "keys name fields, which are looked up",
    "*/fields/*/type": "without its type a field is any, which has fewer constraints",
    "*/fields/*/format": "the profile leaves out the format of most types",
    "*/fields/*/categories*": "the text: a set of values; the profile takes an empty one, and values twice",
    "*/fields/*/constraints": "the text: other constraints are not supported, and should be told",
    "*/fields/boolean/constraints/unique": "the profile forgets its type",
    "*/fields/boolean/constraints/enum*": "the text: values may be given as texts",
}
PACKAGE: Json = {
    "$schema": profile.PROFILE_2_0, "name": "n", "id": "i", "title": "t", "description": "d", "homepage": "http://example.org",
    "version": "1.0.0", "created": "2020-01-01T00:00:00Z", "keywords": ["k"], "image": "i.png",
    "licenses": [{"name": "CC0-1.0", "path": "http://example.org", "title": "t"}],
    "contributors": [{"title": "t", "path": "http://example.org", "email": "a@b.c", "roles": ["r"]}],
    "sources": [{"title": "t", "path": "http://example.org", "email": "a@b.c", "version": "1"}],
}  # fmt: skip
RESOURCE: Json = {
    "name": "r", "path": "r.csv", "type": "table", "title": "t", "description": "d", "format": "csv", "mediatype": "text/csv",
    "encoding": "utf-8", "bytes": 1, "hash": "d41d8cd98f00b204e9800998ecf8427e", "sources": [{"title": "t"}], "licenses": [{"name": "X"}],
}  # fmt: skip
DIALECT: Json = {
    "header": True, "headerRows": [1], "headerJoin": " ", "commentRows": [2], "commentChar": "#", "delimiter": ",", "quoteChar": '"',
    "lineTerminator": "\n", "doubleQuote": True, "escapeChar": "\\", "nullSequence": "NA", "skipInitialSpace": False, "property": "p",
    "itemType": "array", "itemKeys": ["a"], "sheetNumber": 1, "sheetName": "s", "table": "t",
}  # fmt: skip
SCHEMA: Json = {
    "missingValues": [""], "primaryKey": ["f"], "uniqueKeys": [["f"]],
    "foreignKeys": [{"fields": ["f"], "reference": {"resource": "r", "fields": ["f"]}}],
}  # fmt: skip
TYPES = [
    "string",
    "integer",
    "number",
    "boolean",
    "object",
    "array",
    "date",
    "time",
    "datetime",
    "year",
    "yearmonth",
    "duration",
    "geopoint",
    "geojson",
    "any",
]
OPTIONS: dict[str, Json] = {
    "string": {"categories": ["a"], "categoriesOrdered": True},
    "integer": {"groupChar": ",", "bareNumber": True, "categories": [1]},
    "number": {"groupChar": ",", "decimalChar": ".", "bareNumber": True},
    "boolean": {"trueValues": ["y"], "falseValues": ["n"]},
}
CONSTRAINTS: dict[str, Json] = {
    "string": {"minLength": 1, "pattern": "a", "enum": ["a"]},
    "array": {"minLength": 1, "jsonSchema": {}, "enum": [[1]]},
    "object": {"maxLength": 1, "jsonSchema": {}, "enum": [{}]},
    "boolean": {"enum": [True]},
    "any": {"enum": ["a"]},
} | {kind: {"minimum": "1", "exclusiveMaximum": "2", "enum": ["1"]} for kind in ("integer", "number", "year")}


def field(kind: str) -> Json:
    """A field of a type with all that it may have, what all types share for strings only."""
    constraints = {"required": True, "unique": True, **CONSTRAINTS.get(kind, {})}
    shared = {"title": "t", "description": "d", "format": "default", "rdfType": "http://example.org", "missingValues": ["-"]}
    return {
        "name": "f",
        "type": kind,
        **(shared if kind == "string" else {}),
        **OPTIONS.get(kind, {}),
        "constraints": constraints,
    }


def of(resource: Json) -> Json:
    """A package of one resource."""
    return {"$schema": profile.PROFILE_2_0, "resources": [resource]}


SMALL = {"name": "r", "path": "r.csv"}
PARTS: dict[str, tuple[Json, int]] = {
    "package": ({**PACKAGE, "resources": [SMALL]}, 0),
    "resource": (of(RESOURCE), 2),
    "dialect": (of({**SMALL, "dialect": DIALECT}), 3),
    "schema": (of({**SMALL, "schema": {"fields": [{"name": "f", "type": "string"}], **SCHEMA}}), 3),
    **{kind: (of({**SMALL, "schema": {"fields": [field(kind)]}}), 5) for kind in TYPES},
}


@pytest.fixture(scope="module")
def standard(corpus: Path) -> Any:
    """The standard's own profile of version 2."""
    profile = json.loads((corpus / "profiles" / "2.0" / "datapackage.json").read_text(encoding="utf-8"))
    return validator_for(profile)(profile)


def spoilt(content: Json, depth: int) -> Iterator[tuple[tuple[Any, ...], Json]]:
    """The same descriptor with rubbish in one place, or with nothing there."""
    for place in places(content):
        if len(place) > depth:
            for rubbish in RUBBISH:
                yield place, changed(content, place, rubbish)
            yield place, changed(content, place, ...)


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a value."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*above, key)
        yield from places(item, (*above, key))


def changed(content: Json, place: tuple[Any, ...], rubbish: Any) -> Json:
    """A copy with another value in one place."""
    content = copy.deepcopy(content)
    inner: Any = content
    for key in place[:-1]:
        inner = inner[key]
    if rubbish is ...:
        del inner[place[-1]]
    else:
        inner[place[-1]] = rubbish
    return content


def faults(content: Json, folder: Path) -> list[str]:
    """What imprint says of a descriptor."""
    path = folder / "datapackage.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return [fault.note for fault in descriptor.load(path)[1]]


@pytest.mark.parametrize("part", PARTS)
def test_our_profile_agrees_with_the_standards(part: str, standard: Any, tmp_path: Path) -> None:
    content, depth = PARTS[part]
    (tmp_path / "r.csv").write_text("f\n", encoding="utf-8")
    assert standard.is_valid(content)
    assert faults(content, tmp_path) == []
    differing = {}
    for place, one in spoilt(content, depth):
        name = "/".join(map(str, place)).replace("fields/0", f"fields/{part}")
        if not any(fnmatch.fnmatch(name, known) for known in KNOWN):
            told = faults(one, tmp_path)
            if bool(told) == standard.is_valid(one):
                differing[name] = told or "accepted here"
    assert differing == {}


@pytest.mark.parametrize("mode", ["exact", "equal", "subset", "superset", "partial"])
def test_fields_match_is_a_text_as_the_standards_text_has_it(mode: str, tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("f\n", encoding="utf-8")
    schema = {"fields": [{"name": "f"}], "fieldsMatch": mode}
    assert faults(of({**SMALL, "schema": schema}), tmp_path) == []
    assert faults(of({**SMALL, "schema": {**schema, "fieldsMatch": [mode]}}), tmp_path) != []
