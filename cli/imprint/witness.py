"""Witnesses: a consumer's query that a change breaks, or a value that is allowed or read in another way now.

A query reads a table by the resource's name, its columns typed as the schema says. It works on the old package, and on the
new one it fails or gives another answer; the one of a key finds nothing as long as the key holds.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from . import expressions, sql
from .package import Field, ForeignKey, Schema

LONG = 40  # characters of a value that is worth showing
COLUMNS = 20  # of a table that a query lists

QUERIES = {
    "resource": "SELECT * FROM {resource}",
    "field": "SELECT {field} FROM {resource}",
    "position": "SELECT #{number} FROM {resource}",
    "columns": "SELECT * FROM {resource} UNION ALL VALUES ({nulls})",
    "type": "SELECT {use} FROM {resource}",
    "unique": "SELECT {fields} FROM {resource} GROUP BY ALL HAVING count(*) > 1",
    "orphans": "SELECT {fields} FROM {resource} ANTI JOIN {other} ON {match}",
    "referenced": "SELECT DISTINCT {fields} FROM {other} SEMI JOIN {resource} ON {match}",
}

# How a consumer's engine holds a type, and what it does with it that it can't do with others.
TYPES = {
    "integer": "BIGINT", "year": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE", "datetime": "TIMESTAMP",
    "time": "TIME",
}  # fmt: skip
TEXT = "VARCHAR"
USES = {"BIGINT": "sum({})", "DOUBLE": "sum({})", "DATE": "year({})", "TIMESTAMP": "year({})", TEXT: "upper({})"}


def reads(resource: str) -> str:
    """A query of a table or view that is gone."""
    return QUERIES["resource"].format(resource=sql.identifier(resource))


def reads_field(resource: str, field: str) -> str:
    """A query of a column that is gone."""
    return QUERIES["field"].format(resource=sql.identifier(resource), field=sql.identifier(field))


def reads_position(resource: str, old: Sequence[str], new: Sequence[str]) -> str | None:
    """A query of a column by its position, from where it has moved; of all of them where their number is another."""
    name = sql.identifier(resource)
    for number, (before, after) in enumerate(zip(old, new, strict=False), 1):
        if before != after and before in new:
            return QUERIES["position"].format(resource=name, number=number)
    if len(old) == len(new) or not 0 < len(old) <= COLUMNS:
        return None
    return QUERIES["columns"].format(resource=name, nulls=", ".join(["NULL"] * len(old)))


def uses_type(resource: str, field: str, old: str, new: str) -> str | None:
    """A query that does with a column what its old type allows; None where an engine holds both types alike."""
    before, after = TYPES.get(old, TEXT), TYPES.get(new, TEXT)
    if before == after:
        return None
    told = before in USES and USES[before] != USES.get(after) and after != "BOOLEAN"
    use = (USES[before] if told else "typeof({})").format(sql.identifier(field))
    return QUERIES["type"].format(resource=sql.identifier(resource), use=use)


def needs_unique(resource: str, key: Sequence[str]) -> str:
    """A query that finds nothing as long as the key is unique."""
    return QUERIES["unique"].format(resource=sql.identifier(resource), fields=_listed(key))


def needs_reference(resource: str, key: ForeignKey) -> str:
    """A query that finds nothing as long as the foreign key holds."""
    return _joined("orphans", resource, key, key.fields)


def reads_referenced(resource: str, key: ForeignKey) -> str:
    """A query of the rows that a foreign key of `resource` points at."""
    return _joined("referenced", resource, key, key.reference_fields)


def _joined(query: str, resource: str, key: ForeignKey, fields: Sequence[str]) -> str:
    own = "a." if (key.reference or resource) == resource else f"{sql.identifier(resource)}."
    other = "b." if own == "a." else f"{sql.identifier(key.reference)}."
    pairs = zip(key.fields, key.reference_fields, strict=False)
    match = " AND ".join(f"{own}{sql.identifier(mine)} = {other}{sql.identifier(theirs)}" for mine, theirs in pairs)
    names = [f"{sql.identifier(resource)}{' AS a' if own == 'a.' else ''}"]
    names += [f"{sql.identifier(key.reference or resource)}{' AS b' if own == 'a.' else ''}"]
    prefix = own if query == "orphans" else other
    selected = ", ".join(f"{prefix}{sql.identifier(field)}" for field in fields)
    return QUERIES[query].format(fields=selected, resource=names[0], other=names[1], match=match)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(sql.identifier, names))


# Values


def code(value: Any) -> str:
    """A value as it is shown."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text or '""'


def missing_value(old: Field, new: Field) -> str | None:
    """A text that is null under one of two fields only."""
    apart = sorted(set(old.missing_values) ^ set(new.missing_values))
    return code(apart[0]) if apart else None


def written(old: Field, new: Field) -> str | None:
    """A text that the old field reads and the new one doesn't, or not as the same value."""
    before, after = _sample(old, new), _sample(new, old)
    return None if before == after else before


MOMENT = datetime.datetime(2021, 3, 14, 15, 9, 26)
STRINGS = {"email": "mint@example.org", "uri": "https://example.org/mint", "uuid": "5f2b0c6e-9d37-4c1a-8a54-0d1e9c3b7a10"}
POINTS = {"array": "[9, 45]", "object": '{"lon": 9, "lat": 45}'}


def _sample(field: Field, other: Field) -> str | None:
    """A text in the way in which a field is written, where that differs from another's."""
    maker = WRITTEN.get(field.type)
    if field.type in ("date", "time", "datetime") and field.format.startswith("%"):
        return MOMENT.strftime(field.format)
    return maker(field, other) if maker else None


def _number(field: Field, other: Field) -> str | None:
    group, point = field.option("groupChar"), field.option("decimalChar", ".")
    if group and group != other.option("groupChar"):
        return f"1{group}234"
    if field.type == "number" and point != other.option("decimalChar", "."):
        return f"1{point}5"
    return "5 cm" if field.option("bareNumber", True) is False else None


def _boolean(field: Field, other: Field) -> str | None:
    for word, default in (("trueValues", expressions.TRUE_VALUES), ("falseValues", expressions.FALSE_VALUES)):
        known = other.option(word, default)
        gone = [text for text in field.option(word, default) if text not in known]
        if gone:
            return code(gone[0])
    return None


def _list(field: Field, other: Field) -> str | None:
    mark = field.option("delimiter", ",")
    return f"a{mark}b" if mark != other.option("delimiter", ",") else None


WRITTEN: Mapping[str, Callable[[Field, Field], str | None]] = {
    "date": lambda *_: MOMENT.date().isoformat(),
    "time": lambda *_: MOMENT.time().isoformat(),
    "datetime": lambda *_: MOMENT.isoformat(),
    "string": lambda field, other: None if other.format == "default" else STRINGS.get(field.format, "mint"),
    "geopoint": lambda field, _: POINTS.get(field.format, "9, 45"),
    "number": _number,
    "integer": _number,
    "boolean": _boolean,
    "list": _list,
}


def allowed_by_one(field: Field, constraint: str, looser: Any, tighter: Any) -> str | None:
    """A value that a field allows under one value of a constraint and refuses under another; None where none is known.

    Nothing is known of a field that says in other ways too which values it allows.
    """
    others = {"enum", "pattern", "jsonSchema"} & (field.constraints.keys() - {constraint})
    if others or field.option("categories") or (field.type == "string" and field.format != "default"):
        return None
    maker = VALUES.get(constraint)
    return maker(field, None if looser is False else looser, tighter) if maker else None


def _length(field: Field, looser: Any, tighter: Any, *, beyond: int) -> str | None:
    """A text as long as the looser bound allows, or just beyond the tighter one."""
    long = looser if isinstance(looser, int) else int(tighter) + beyond
    return code("x" * long) if field.type == "string" and 0 <= long <= LONG else None


def _bound(field: Field, looser: Any, tighter: Any, *, beyond: int) -> str | None:
    """The looser bound itself, or a value just beyond the tighter one."""
    return code(looser) if looser is not None else _beside(field, tighter, beyond)


def _beside(field: Field, bound: Any, step: int) -> str | None:
    try:
        if field.type in ("integer", "number", "year"):
            return str(Decimal(str(bound)) + step)
        if field.type == "date":
            return (datetime.date.fromisoformat(str(bound)) + datetime.timedelta(days=step)).isoformat()
    except (InvalidOperation, ValueError, OverflowError):
        return None
    return None


# What makes a value that the looser of two values of a constraint allows and the tighter one doesn't.
VALUES: Mapping[str, Callable[[Field, Any, Any], str | None]] = {
    "required": lambda *_: "null",
    "unique": lambda *_: "the same value twice",
    "minLength": lambda *known: _length(*known, beyond=-1),
    "maxLength": lambda *known: _length(*known, beyond=1),
    "minimum": lambda *known: _bound(*known, beyond=-1),
    "maximum": lambda *known: _bound(*known, beyond=1),
    "exclusiveMinimum": lambda field, looser, tighter: code(tighter),
    "exclusiveMaximum": lambda field, looser, tighter: code(tighter),
}


def first_typed(schema: Schema) -> Field | None:
    """The first field that isn't read as text."""
    return next((field for field in schema.fields if field.type in TYPES), None)
