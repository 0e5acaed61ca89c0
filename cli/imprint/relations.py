"""Relationships between two fields of a table (recipe "Relationship between Fields"): derived, coupled or crossed.

A relationship is known by three numbers: of the values of one field, of the other, and of the pairs that rows have. A row
without one of its two values (missing, or no value of its field) says nothing of a relationship.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import keys, sql
from .engine import Engine
from .package import Descriptor, Package, Schema
from .report import Error, shorten
from .scan import Checked

LINKS = ("derived", "coupled", "crossed")
TYPE = "relationship-error"


def faults(package: Package) -> Iterator[Error]:
    """What is wrong with the relationships that the schemas of a package declare."""
    for resource in package.resources:
        for note in _faults(resource.schema) if resource.schema else ():
            yield Error("schema-error", note, resource.name)


def _faults(schema: Schema) -> Iterator[str]:
    listed = schema.descriptor.get("relationships", [])
    if not isinstance(listed, list):
        yield '"relationships" is not a list; make it one of objects, each with "fields" and "link"'
        return
    for number, item in enumerate(listed, 1):
        yield from (f"relationship {number} {fault}" for fault in _faults_of(item, schema))


def _faults_of(item: Any, schema: Schema) -> Iterator[str]:
    if not isinstance(item, dict):
        yield 'is not an object; make it one with "fields" and "link"'
        return
    fields, link = item.get("fields"), item.get("link")
    if not isinstance(fields, list) or len(fields) != 2 or not all(isinstance(name, str) for name in fields):
        yield 'needs "fields", a list of the names of two fields'
    else:
        yield from (f'names field "{name}", which is not there' for name in fields if name not in schema.names)
    if link not in LINKS:
        yield f'needs a "link", one of {", ".join(LINKS)}' + (f', which "{link}" is not' if link is not None else "")
    if not isinstance(item.get("description", ""), str):
        yield "has a description that is no text"


def check(engine: Engine, one: Checked) -> None:
    """Rows that break a relationship of their table."""
    listed = one.table.schema.descriptor.get("relationships")
    for item in listed if isinstance(listed, list) and one.findings.wants(TYPE) else ():
        columns = None if any(_faults_of(item, one.table.schema)) else one.keys(item["fields"])
        if columns:
            _check(engine, one, item, columns)


def _check(engine: Engine, one: Checked, item: Descriptor, columns: list[str]) -> None:
    first, second = columns
    values = f"(SELECT rn, {first} AS a, {second} AS b FROM {one.logical} AS t WHERE NOT ({sql.any_null(columns)}))"
    pairs = engine.keep(f"SELECT a, b, min(rn) AS rn, count(*) AS rows FROM {values} GROUP BY a, b")
    number, parents, children = engine.one(f"SELECT count(*), count(DISTINCT a), count(DISTINCT b) FROM {pairs}")
    coupled = item["link"] == "coupled"
    if item["link"] == "crossed":
        if number < parents * children:
            _note_incomplete(engine, one, item["fields"], pairs, children)
    elif number > parents or (coupled and number > children):
        _note_ambiguous(engine, one, item["fields"], pairs, values, coupled=coupled)


def _note_ambiguous(engine: Engine, one: Checked, fields: list[str], pairs: str, values: str, *, coupled: bool) -> None:
    """Rows whose value has another partner than in the first row that has the value."""
    query = (
        "SELECT *, first_value(rn) OVER by_a AS row_a, first_value(b) OVER by_a AS first_b,"
        f" first_value(rn) OVER by_b AS row_b, first_value(a) OVER by_b AS first_a FROM {pairs}"
        " WINDOW by_a AS (PARTITION BY a ORDER BY rn), by_b AS (PARTITION BY b ORDER BY rn)"
    )
    wrong = engine.keep(f"SELECT * FROM ({query}) WHERE row_a < rn{' OR row_b < rn' if coupled else ''}")
    label, (parent, child) = ", ".join(fields), fields
    one.findings.count(TYPE, label, engine.one(f"SELECT sum(rows)::BIGINT FROM {wrong}")[0])
    rows = f"SELECT t.rn, a, b, row_a < p.rn, row_a, first_b, row_b, first_a FROM {values} AS t JOIN {wrong} AS p USING (a, b)"
    for row, a, b, by_a, row_a, first_b, row_b, first_a in engine.rows(f"{rows} ORDER BY t.rn{keys.cap(one.findings)}"):
        said = (parent, a, child, b, first_b, row_a) if by_a else (child, b, parent, a, first_a, row_b)
        one.findings.show(TYPE, _ambiguous(*said), row_number=row, field_name=label)


def _ambiguous(field: str, value: str, other: str, here: str, there: str, row: int) -> str:
    value, here, there = shorten(value), shorten(here), shorten(there)
    return f'"{value}" in "{field}" has "{here}" in "{other}" here, and "{there}" in the row at position {row}'


def _note_incomplete(engine: Engine, one: Checked, fields: list[str], pairs: str, children: int) -> None:
    """Values of the first field that are not with every value of the second, each at the first row that has it."""
    ranked = f"SELECT *, min(rn) OVER (PARTITION BY b) AS first FROM {pairs}"
    placed = f"SELECT *, dense_rank() OVER (ORDER BY first) AS place FROM ({ranked})"
    stored = engine.keep(f"SELECT *, row_number() OVER (PARTITION BY a ORDER BY place) AS nth FROM ({placed})")
    gap = "coalesce(min(nth) FILTER (WHERE nth <> place), count(*) + 1)"  # the first place that a value doesn't have
    lacking = engine.keep(
        f"SELECT a, min(rn) AS rn, count(*) AS known, {gap} AS gap FROM {stored} GROUP BY a HAVING count(*) < {children}"
    )
    label, (parent, child) = ", ".join(fields), fields
    one.findings.count(TYPE, label, engine.one(f"SELECT count(*) FROM {lacking}")[0])
    rows = f"SELECT g.rn, g.a, known, p.b FROM {lacking} AS g JOIN (SELECT DISTINCT place, b FROM {stored}) AS p ON place = gap"
    for row, a, known, b in engine.rows(f"{rows} ORDER BY g.rn{keys.cap(one.findings)}"):
        note = (
            f'"{shorten(a)}" in "{parent}" is with {known:,} of the {children:,} values of "{child}", never with "{shorten(b)}"'
        )
        one.findings.show(TYPE, note, row_number=row, field_name=label)
