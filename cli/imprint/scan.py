"""One pass over a table: rows are counted, and what isn't surely fine is set aside, a cell at a time.

The pass keeps little of a clean table (a hash of each key), and all of what the reference must look at, so that a file is
read once whether it is clean or not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from . import expressions, rules, sql
from .engine import Engine
from .findings import Findings
from .header import Column
from .package import Schema
from .tables import Table

Key = tuple[str, tuple[str, ...]]  # type of the error, fields
GROUP = 100  # columns set aside in one pass: the time to store them grows faster than their number
COUNTED = 400  # columns counted in one pass: the time to plan it grows faster than their number


class Unaccounted(Exception):
    """The engine's rows don't account for all of the file's lines and cells."""


@dataclass(frozen=True)
class Scan:
    """What a pass found. `relation` is SQL with a row for each of the table's:

    `rn`, its number; `blank`; for a column N of a unique key `hN`, the hash of a sure cell's canonical text, for one of a
    foreign key `kN`, that text. `aside` is, for a column N with unsure cells, SQL with `rn`, `blank` and `uN`, a struct {cell}
    or null where the cell is sure; for a column of a key it is `relation`. `clean` are the unique keys that surely hold.
    """

    relation: str
    rows: int
    blanks: int
    aside: Mapping[Column, str]
    clean: frozenset[Key]


@dataclass(frozen=True)
class Texts:
    """The canonical texts of a column's unsure cells: in the engine's table `stored`, as (cell, canonical, bad).

    They are `own` texts where each cell that isn't missing is its own.
    """

    column: Column
    stored: str
    own: bool

    def text(self, cell: str) -> str:
        """SQL for a cell's canonical text; null for what is missing or no value."""
        if self.own:
            return f"CASE WHEN {expressions.missing(self.column.field, cell)} THEN NULL ELSE {cell} END"
        return f"(SELECT min(canonical) FROM {self.stored} AS m WHERE m.cell = {cell} AND canonical IS NOT NULL)"

    def digest(self, cell: str) -> str:
        """SQL for the hash of a cell's canonical text; null if that is."""
        if self.own:
            return sql.digest(self.text(cell))
        return f"(SELECT min(hash(canonical)) FROM {self.stored} AS m WHERE m.cell = {cell} AND canonical IS NOT NULL)"


@dataclass
class Checked:
    """A table while it is being checked: its findings, and its values as keys and rules see them.

    `logical` is SQL for `rn` and the canonical texts `v1`, `v2`, …; `texts` has those of unsure cells, by column;
    of a column in `untold` they aren't all known.
    """

    table: Table
    findings: Findings
    scan: Scan
    logical: str = ""
    clean: set[Key] = field(default_factory=set)
    texts: dict[Column, Texts] = field(default_factory=dict)
    untold: set[Column] = field(default_factory=set)

    @property
    def name(self) -> str:
        """The resource's name."""
        return self.table.resource.name

    @property
    def rows(self) -> int:
        """How many rows of data there are."""
        return self.scan.rows

    @property
    def columns(self) -> dict[str, str]:
        """The logical relation's column of each field that the data has."""
        return {column.field.name: f"v{column.number}" for column in self.table.columns if column.declared}

    def keys(self, names: Sequence[str]) -> list[str] | None:
        """The logical columns of a key; None if the data lacks one of its fields."""
        known = self.columns
        return [known[name] for name in names] if names and all(name in known for name in names) else None

    def view(self) -> rules.View:
        """The table as rules see it."""
        primary = self.table.schema.primary_key
        unique = primary if ("primary-key", primary) in self.clean else ()
        return rules.View(self.name, self.table.schema, self.logical, self.columns, unique)


def scan(engine: Engine, table: Table, linked: Collection[str] = ()) -> Scan:
    """Read a table once (a wide one in several passes). `linked` are its fields that foreign keys need.

    Raises Unaccounted, or EngineError, where the engine doesn't read all of the file.
    """
    doubtful = {column: sure for column in table.columns if (sure := surely_valid(table, column)) != "TRUE"}
    keys = {key: columns for key in unique_keys(table.schema) if (columns := columns_of(table, key[1]))}
    hashed = dict.fromkeys(column for columns in keys.values() for column in columns)
    texts = [column for column in table.columns if column.declared and column.field.name in linked]
    first, *others = _groups(engine, table, doubtful, {*hashed, *texts})
    relation = _stored(
        engine,
        table,
        [
            *(_aside(column, doubtful[column]) for column in first),
            *(f"{sql.digest(text(table, column))} AS h{column.number}" for column in hashed),
            *(f"{text(table, column)} AS k{column.number}" for column in texts),
        ],
    )
    counts = [f"count(u{column.number})" for column in first]
    doubles = [_doubles(kind, columns) for (kind, _), columns in keys.items()]
    totals = ["count(*)", "count(*) FILTER (WHERE blank)", *counts, *doubles]
    rows, blanks, *found = engine.one(f"SELECT {', '.join(totals)} FROM {relation}")
    if not table.accounts_for_all(engine, rows):
        raise Unaccounted
    aside = {column: relation for column, count in zip(first, found, strict=False) if count}
    for group in others:
        stored = _stored(engine, table, [_aside(column, doubtful[column]) for column in group])
        aside |= dict.fromkeys(group, stored)
    held = [key for key, count in zip(keys, found[len(first) :], strict=True) if not count]
    return Scan(relation, rows, blanks, aside, frozenset(key for key in held if not set(keys[key]) & aside.keys()))


def _groups(engine: Engine, table: Table, doubtful: Mapping[Column, str], keyed: Collection[Column]) -> list[list[Column]]:
    """The doubtful columns by pass, those of keys first; of a wide table only those with unsure cells."""
    columns = sorted(doubtful, key=lambda column: column not in keyed)
    if len(columns) > GROUP:
        doubted = []
        for at in range(0, len(columns), COUNTED):
            part = columns[at : at + COUNTED]
            counts = (f"count(CASE WHEN {doubtful[column]} THEN NULL ELSE 1 END)" for column in part)
            found = engine.one(f"SELECT {', '.join(counts)} FROM {table.relation}")
            doubted += [column for column, count in zip(part, found, strict=True) if count]
        columns = doubted
    groups = [columns[at : at + GROUP] for at in range(0, len(columns), GROUP)] or [[]]
    last = sum(column in keyed for column in columns)
    return groups if last <= GROUP else [columns[:last], *(columns[at : at + GROUP] for at in range(last, len(columns), GROUP))]


def _aside(column: Column, sure: str) -> str:
    return f"CASE WHEN ({sure}) IS TRUE THEN NULL ELSE {{'cell': {column.id}}} END AS u{column.number}"


def _stored(engine: Engine, table: Table, selected: Sequence[str]) -> str:
    """A pass's rows with their numbers: a stored table's rows are numbered from 0, in the order of the file.

    No join may be in the pass, as joins lose that order.
    """
    own_numbers = table.numbered == table.relation
    columns = [*(["rn"] if own_numbers else []), f"{_blank(table)} AS blank", *selected]
    query = f"SELECT {', '.join(columns)} FROM {table.relation}"
    if table.is_kept:
        return f"({query})"
    stored = engine.keep(query, compressed=True)
    first = table.resource.dialect.first_content_row
    return stored if own_numbers else f"(SELECT rowid + {first} AS rn, * FROM {stored})"


def unique_keys(schema: Schema) -> Iterator[Key]:
    """Every key whose values must be unique, with the type of its error."""
    for item in schema.fields:
        if item.constraints.get("unique"):
            yield "unique-error", (item.name,)
    for names in dict.fromkeys(schema.unique_keys):
        yield "unique-keys", names
    if schema.primary_key:
        yield "primary-key", schema.primary_key


def surely_valid(table: Table, column: Column, prefix: str = "") -> str:
    """SQL for whether a column's cell is surely valid."""
    if table.native or not column.declared:
        return "TRUE"
    return expressions.surely_valid(column.field, prefix + column.id)


def columns_of(table: Table, names: Sequence[str]) -> list[Column]:
    """The columns of a key; none if the data lacks one of its fields."""
    known = {column.field.name: column for column in table.columns if column.declared}
    return [known[name] for name in names] if all(name in known for name in names) else []


def text(table: Table, column: Column, prefix: str = "") -> str:
    """SQL for the canonical text of a sure cell."""
    return f"{prefix}v{column.number}" if table.has_texts else table.canonical(column, prefix)


def _doubles(kind: str, columns: Sequence[Column]) -> str:
    """Rows less distinct keys: 0 if no two rows have the same one, nor (of a primary key) any lacks a part of one."""
    hashes = [f"h{column.number}" for column in columns]
    present = f"FILTER (WHERE NOT ({sql.any_null(hashes)}))"
    rows = "count(*)" if kind == "primary-key" else f"count(*) {present}"
    return f"{rows} - count(DISTINCT {sql.digest_of(hashes)}) {present}"


def _blank(table: Table) -> str:
    """Whether a row is blank: every cell is missing. Most rows tell by one cell, best by one that is required."""
    if table.native or not table.columns:
        return "FALSE"
    first, *others = sorted(table.columns, key=lambda column: not column.field.required)
    rest = " AND ".join(_absent(table, column) for column in others) or "TRUE"
    return f"CASE WHEN {_absent(table, first)} THEN {rest} ELSE FALSE END"


def _absent(table: Table, column: Column) -> str:
    absent = expressions.missing(column.field, column.id)
    return absent if table.whole else f"({column.id} IS NULL OR {absent})"
