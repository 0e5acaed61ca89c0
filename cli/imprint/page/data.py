"""The rows of the tables as data for the script of the page."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ..package import Field
from .content import Sample
from .texts import words

HALF_PAIRS = range(0xD800, 0xE000)  # surrogates, which no file can hold
UNSAFE = {sign: f"\\u{sign:04x}" for sign in (*map(ord, "<>&\u2028\u2029"), *HALF_PAIRS)}


def data(samples: Iterable[Sample]) -> str:
    """The rows for the script: tables are lists, so that no name of one can be taken for something else."""
    kept = list(samples)
    places = {one.resource.name: number for number, one in enumerate(kept)}
    said = {"tables": [_table(one, kept, places) for one in kept]}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"), allow_nan=False).translate(UNSAFE)


def _table(one: Sample, samples: list[Sample], places: dict[str, int]) -> dict[str, Any]:
    names = [field.name for field in one.fields]
    schema = one.resource.schema
    links = []
    for key in schema.foreign_keys if schema else ():
        target = places.get(key.reference or one.resource.name)
        if target is None or not set(key.fields) <= set(names):
            continue
        theirs = [field.name for field in samples[target].fields]
        if set(key.reference_fields) <= set(theirs):
            pair = [names.index(name) for name in key.fields], [theirs.index(name) for name in key.reference_fields]
            links.append({"fields": pair[0], "table": target, "references": pair[1]})
    primary = schema.primary_key if schema and set(schema.primary_key) <= set(names) else ()
    return {
        "name": one.resource.name,
        "title": words(one.resource.descriptor.get("title")),
        "fields": [_field(field) for field in one.fields],
        "key": [names.index(name) for name in primary],
        "label": one.label,
        "links": links,
        "total": one.total,
        "rows": one.rows,
    }


def _field(one: Field) -> dict[str, Any]:
    codes = [item for item in one.descriptor.get("categories", ()) if isinstance(item, dict)] if one.categories else []
    said = {
        "name": one.name,
        "type": one.type,
        "title": words(one.descriptor.get("title")),
        "description": words(one.descriptor.get("description")),
        "values": list(one.categories or (one.constraints.get("enum") or ())),
        "codes": [[item["value"], words(item.get("label")), words(item.get("definition"))] for item in codes],
    }
    return {word: value for word, value in said.items() if value}
