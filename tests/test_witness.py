"""A witness is tried: its query on both packages in an engine, its value on both fields, its row in both tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pytest
from packages import CASES
from test_diff_cases import FOLDERS, expected_of

import imprint
from imprint import api, difference, formats, sql, witness
from imprint.changes import Difference
from imprint.package import Package
from imprint.reference import Reference
from imprint.validation import open_tables

QUERY = "SELECT "
PROMISES = ("HAVING count(*) > 1", "ANTI JOIN")  # what finds nothing as long as a key holds


@dataclass
class Tried:
    """A case's differences that have a witness, with both packages, and their tables in an engine when they are asked."""

    differences: tuple[Difference, ...]
    old: Package
    new: Package

    @cached_property
    def before(self) -> duckdb.DuckDBPyConnection:
        return tables_of(self.old)

    @cached_property
    def after(self) -> duckdb.DuckDBPyConnection:
        return tables_of(self.new)


def tables_of(package: Package) -> duckdb.DuckDBPyConnection:
    """The tables of a package as a consumer's engine holds them, and its views."""
    connection = duckdb.connect()
    with open_tables(package) as (engine, (tables,)):
        for name, one in tables.items():
            schema = one.table.schema
            types = [witness.TYPES.get(getattr(schema.field(field), "type", ""), "VARCHAR") for field in one.columns]
            listed = ", ".join(f"{sql.identifier(field)} {kind}" for field, kind in zip(one.columns, types, strict=True))
            connection.execute(f"CREATE TABLE {sql.identifier(name)} ({listed})")
            for row in formats.values(engine, one):
                values = [None if row[field] is None else str(row[field]) for field in one.columns]
                marks = ", ".join("?" for _ in values)
                connection.execute(f"INSERT INTO {sql.identifier(name)} VALUES ({marks})", values)
    views = package.descriptor.get("sqlViews")
    if views:
        connection.execute((package.base / views).read_text(encoding="utf-8"))
    return connection


def cases() -> Iterator[Any]:
    for folder in FOLDERS:
        expected = expected_of(folder)
        if "refused" not in expected:
            yield pytest.param(folder, {word: expected.get(word, {}) for word in ("keys", "rename")}, id=folder.name)


def kinds_of(folder: Path, terms: dict[str, Any]) -> list[str]:
    """Try every witness of a case; of what kind each is."""
    changes = imprint.diff(folder / "old", folder / "new", **terms)
    found = tuple(one for one in changes.differences if one.witness)
    with api.open_package(folder / "old") as (old, _), api.open_package(folder / "new") as (new, _):
        tried = Tried(found, difference.widened(old, new), difference.widened(new, old))
        return [check(tried, one) for one in found]


@pytest.mark.parametrize(("folder", "terms"), list(cases()))
def test_the_witnesses_of_a_case_hold(folder: Path, terms: dict[str, Any]) -> None:
    kinds_of(folder, terms)


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        ("field-removed", "query that fails"),
        ("view-removed", "query that fails"),
        ("field-added-in-the-middle", "query with another answer"),
        ("referenced-row-removed-beside-another", "query with another answer"),
        ("unique-key-removed-and-a-name-is-there-twice", "query that finds what the key forbade"),
        ("foreign-key-removed-and-a-row-refers-to-nothing", "query that finds what the key forbade"),
        ("primary-key-removed", "query that still finds nothing"),
        ("rows-removed", "row"),
        ("maximum-raised", "value"),
        ("decimal-char-changed", "value"),
    ],
)
def test_a_witness_of_every_kind_is_tried(case: str, kind: str) -> None:
    assert kind in kinds_of(CASES / "diff" / case, {})


def check(tried: Tried, one: Difference) -> str:
    """Try one witness; the kind of it."""
    said = str(one.witness)
    if said.startswith(QUERY):
        return check_query(tried, said)
    if one.rule.startswith("rows-") or one.rule in ("many-rows-removed", "referenced-rows-removed"):
        assert rows(tried.before, tried.old, one)[said] != rows(tried.after, tried.new, one)[said]
        return "row"
    if one.field and one.rule in ("constraint-tightened", "constraint-loosened", "codes-added", "format-changed"):
        return check_value(tried, one)
    return "other"


def check_query(tried: Tried, query: str) -> str:
    before = tried.before.execute(query).fetchall()
    try:
        after = tried.after.execute(query).fetchall()
    except duckdb.Error:
        return "query that fails"
    if any(word in query for word in PROMISES):
        assert before == []
        return "query that finds what the key forbade" if after else "query that still finds nothing"
    assert sorted(map(repr, before)) != sorted(map(repr, after))
    return "query with another answer"


def rows(connection: duckdb.DuckDBPyConnection, package: Package, one: Difference) -> Counter[str]:
    """The rows of a table as witnesses name them, by key or whole, and how often they are there."""
    resource = package.resource(str(one.resource))
    key = resource.schema.primary_key if resource and resource.schema else ()
    columns = ", ".join(map(sql.identifier, key)) or "*"
    found = connection.execute(f"SELECT {columns} FROM {sql.identifier(str(one.resource))}").fetchall()
    return Counter(", ".join(str(value) for value in row) for row in found)


def check_value(tried: Tried, one: Difference) -> str:
    fields = [package.resource(one.resource).schema.field(one.field) for package in (tried.old, tried.new)]
    if one.witness == "the same value twice":
        assert fields[0].constraints.get("unique") is not fields[1].constraints.get("unique")
        return "value"
    cell = {"null": None, '""': ""}.get(str(one.witness), one.witness)
    (was, refused_before), (is_, refused_after) = (Reference(field).read(cell) for field in fields)
    if one.rule == "format-changed":
        assert not refused_before
        assert refused_after or was != is_
    else:
        assert bool(refused_before) is (one.rule != "constraint-tightened")
        assert bool(refused_after) is (one.rule == "constraint-tightened")
    return "value"


CELLS = {
    "integer": "2021", "year": "2021", "number": "1.5", "boolean": "true", "date": "2021-03-14", "time": "15:09:26",
    "datetime": "2021-03-14 15:09:26", "string": "mint", "list": "mint,dill", "any": "mint",
}  # fmt: skip


@pytest.mark.parametrize("new", CELLS)
@pytest.mark.parametrize("old", CELLS)
def test_the_query_for_a_type_tells_every_pair_of_types_apart(old: str, new: str) -> None:
    query = witness.uses_type('a "b"', 'the "n"', old, new)
    if query is None:
        assert witness.TYPES.get(old) == witness.TYPES.get(new)
        return
    answers = []
    for kind in (old, new):
        connection = duckdb.connect()
        column = f"'{CELLS[kind]}'::{witness.TYPES.get(kind, 'VARCHAR')}"
        connection.execute(f'CREATE TABLE "a ""b""" AS SELECT {column} AS "the ""n"""')
        try:
            answers.append(connection.execute(query).fetchall())
        except duckdb.BinderException:
            answers.append("fails")
    assert answers[0] != "fails"
    assert answers[0] != answers[1]
