"""One pass over a table: rows are counted, and what isn't surely fine is set aside, a cell at a time.

The pass keeps little of a clean table (a hash of each key), and all of what the reference must look at, so that a file is
read once whether it is clean or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from . import expressions, rules, sql
from .engine import Engine
from .findings import Findings
from .header import Column
from .package import ForeignKey, Schema
from .tables import Table

Key = tuple[str, tuple[str, ...]]  # type of the error, fields


class Unaccounted(Exception):
    """The engine's rows don't account for all of the file's lines and cells."""


@dataclass(frozen=True)
class Scan:
    """What a pass found. `relation` is SQL with a row for each of the table's:

    `rn`, its number; `blank`; for a column N that may hold unsure cells `uN`, a struct {cell} or null; for a column of a
    unique key `hN`, the hash of a sure cell's canonical text; for foreign key N `fN`, a sure value that has no target.
    `clean` are the keys that surely hold.
    """

    relation: str
    rows: int
    blanks: int
    unsure: tuple[Column, ...]
    clean: frozenset[Key]
    missed: Mapping[ForeignKey, str] = field(default_factory=dict)


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
        return f"(SELECT min(canonical) FROM {self.stored} AS m WHERE m.cell = {cell})"

    def digest(self, cell: str) -> str:
        """SQL for the hash of a cell's canonical text; null if that is."""
        if self.own:
            return sql.digest(self.text(cell))
        return f"(SELECT min(hash(canonical)) FROM {self.stored} AS m WHERE m.cell = {cell} AND canonical IS NOT NULL)"


@dataclass
class Checked:
    """A table while it is being checked: its findings, and its values as keys and rules see them.

    `logical` is SQL for `rn` and the canonical texts `v1`, `v2`, …; `texts` has those of unsure cells, by column.
    """

    table: Table
    findings: Findings
    scan: Scan
    logical: str = ""
    clean: set[Key] = field(default_factory=set)
    texts: dict[Column, Texts] = field(default_factory=dict)

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


def scan(engine: Engine, table: Table, checked: Mapping[str, Checked]) -> Scan:
    """Read a table once. `checked` are the tables that foreign keys may point at.

    Raises Unaccounted, or EngineError, where the engine doesn't read all of the file.
    """
    doubtful = {column: sure for column in table.columns if (sure := surely_valid(table, column)) != "TRUE"}
    hashed = {column: f"h{column.number}" for _, names in unique_keys(table.schema) for column in columns_of(table, names)}
    targets = {key: target for key in table.schema.foreign_keys if (target := _target(table, key, checked))}
    missed = {key: f"f{number}" for number, key in enumerate(targets)}
    selected = [
        *(["rn"] if table.numbered == table.relation else []),
        f"{_blank(table)} AS blank",
        f"{table.delimiters_in_cells} AS inside",
        *(
            f"CASE WHEN ({sure}) IS TRUE THEN NULL ELSE {{'cell': {one.id}}} END AS u{one.number}"
            for one, sure in doubtful.items()
        ),
        *(f"{sql.digest(text(table, column))} AS {name}" for column, name in hashed.items()),
        *(f"{_missed(table, key, target)} AS {missed[key]}" for key, target in targets.items()),
    ]
    query = f"SELECT {', '.join(selected)} FROM {table.relation}"
    relation = f"({query})" if table.is_kept else _numbered(table, engine.keep(query, compressed=True))
    faults = {key: _doubles(key[0], columns) for key in unique_keys(table.schema) if (columns := columns_of(table, key[1]))}
    faults |= {("foreign-key", key.fields): f"count({name})" for key, name in missed.items()}
    counts = [f"count(u{column.number})" for column in doubtful]
    totals = ["count(*)", "count(*) FILTER (WHERE blank)", "coalesce(sum(inside), 0)::BIGINT", *counts, *faults.values()]
    rows, blanks, inside, *found = engine.one(f"SELECT {', '.join(totals)} FROM {relation}")
    if not table.accounts_for_all(engine, rows, inside):
        raise Unaccounted
    unsure = tuple(column for column, count in zip(doubtful, found, strict=False) if count)
    doubted = {column.field.name for column in unsure}
    held = (key for key, count in zip(faults, found[len(doubtful) :], strict=True) if not count)
    return Scan(relation, rows, blanks, unsure, frozenset(key for key in held if not doubted & set(key[1])), missed)


def _aside(column: Column, sure: str) -> str:
    return f"CASE WHEN ({sure}) IS TRUE THEN NULL ELSE {{'cell': {column.id}}} END"


def _numbered(table: Table, kept: str) -> str:
    """The pass's rows with their numbers: a stored table's rows are numbered from 0, in the order of the file."""
    if table.numbered == table.relation:
        return kept
    return f"(SELECT rowid + {table.resource.dialect.first_content_row} AS rn, * FROM {kept})"


def unique_keys(schema: Schema) -> Iterator[Key]:
    """Every key whose values must be unique, with the type of its error."""
    for item in schema.fields:
        if item.constraints.get("unique"):
            yield "unique-error", (item.name,)
    for names in schema.unique_keys:
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


def _target(table: Table, key: ForeignKey, checked: Mapping[str, Checked]) -> Checked | None:
    """The table that a foreign key of one field points at, if it stands already."""
    target = checked.get(key.reference)
    single = len(key.fields) == len(key.reference_fields) == 1 and columns_of(table, key.fields)
    return target if target and single and target.keys(key.reference_fields) else None


def _missed(table: Table, key: ForeignKey, target: Checked) -> str:
    """The value of a cell that isn't in the key's target."""
    (column,), theirs = columns_of(table, key.fields), target.keys(key.reference_fields) or [""]
    mine, their = text(table, column), theirs[0]
    return f"CASE WHEN {mine} NOT IN (SELECT {their} FROM {target.logical} WHERE {their} IS NOT NULL) THEN {mine} END"


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
