"""One pass over a table: rows are counted, and what isn't surely fine is set aside, a cell at a time.

The pass keeps little of a clean table (a hash of each key), and all of what the reference must look at, so that a file is
read once whether it is clean or not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from . import expressions, rules, shapes, sql
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
class Wanted:
    """What a pass keeps of each row besides what it checks: the canonical texts of some fields, one digest of others.

    The digest is of the fields' sure texts in that order, or of their `raw` cells; a field that the data lacks counts as null.
    If `checked` isn't None, only the fields in it are, and the keys made of them: texts of others hold for sure cells alone.
    Without `keys`, no key is checked.
    """

    texts: frozenset[str] = frozenset()
    digest: tuple[str, ...] = ()
    raw: bool = False
    checked: frozenset[str] | None = None
    keys: bool = True

    def checking(self, names: frozenset[str]) -> Wanted:
        """The same, with some fields checked too."""
        return self if self.checked is None else replace(self, checked=self.checked | names)

    def checks(self, *names: str) -> bool:
        """Whether all of these fields are checked."""
        return self.checked is None or self.checked.issuperset(names)


NOTHING = Wanted()


@dataclass(frozen=True)
class Scan:
    """What a pass found. `relation` is SQL with a row for each of the table's:

    `rn`, its number; `blank`; for a column N of a unique key `hN`, the hash of a sure cell's canonical text, for one whose text
    is wanted `kN`, that text; `d`, the digest that is wanted. `aside` is, for a column N with unsure cells, SQL with `rn`,
    `blank` and `uN`, a struct {cell} or null where the cell is sure; for a column of a key it is `relation`. `clean` are the
    unique keys that surely hold.
    """

    relation: str
    rows: int
    blanks: int
    aside: Mapping[Column, str]
    clean: frozenset[Key]
    wanted: Wanted = NOTHING


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

    `logical` is SQL for `rn` and the canonical texts `v1`, `v2`, …, `unnumbered` for the texts alone, which the engine reads in
    several threads; `texts` has those of unsure cells, by column; of a column in `untold` they aren't all known.
    """

    table: Table
    findings: Findings
    scan: Scan
    logical: str = ""
    unnumbered: str = ""
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

    def value(self, column: Column, prefix: str = "") -> str:
        """SQL for the canonical text of a cell of the table's relation, sure or not; null for what is missing or no value."""
        sure = text(self.table, column, prefix)
        if column not in self.texts:
            return sure
        unsure = self.texts[column].text(prefix + column.id)
        return f"CASE WHEN ({surely_valid(self.table, column, prefix)}) IS TRUE THEN {sure} ELSE {unsure} END"

    def view(self) -> rules.View:
        """The table as rules see it."""
        primary = self.table.schema.primary_key
        unique = primary if ("primary-key", primary) in self.clean else ()
        return rules.View(self.name, self.table.schema, self.logical, self.columns, unique)


def scan(engine: Engine, table: Table, wanted: Wanted = NOTHING) -> Scan:
    """Read a table once (a wide one in several passes).

    Raises Unaccounted, or EngineError, where the engine doesn't read all of the file.
    """
    listed = [column for column in table.columns if wanted.checks(column.field.name)]
    relation, doubtful = _tried(table, {c: sure for c in listed if (sure := surely_valid(table, c)) != "TRUE"})
    wanted_keys = (key for key in unique_keys(table.schema) if wanted.keys and wanted.checks(*key[1]))
    keys = {key: columns for key in wanted_keys if (columns := columns_of(table, key[1]))}
    hashed = dict.fromkeys(column for columns in keys.values() for column in columns)
    texts = [column for column in table.columns if column.declared and column.field.name in wanted.texts]
    first, *others = _groups(engine, relation, doubtful, {*hashed, *texts})
    stored = _stored(
        engine,
        table,
        relation,
        [
            *(_aside(column, doubtful[column]) for column in first),
            *(f"{sql.digest(text(table, column))} AS h{column.number}" for column in hashed),
            *(f"{text(table, column)} AS k{column.number}" for column in texts),
            *([f"{_digest(table, wanted)} AS d"] if wanted.digest else []),
        ],
    )
    counts = [f"count(u{column.number})" for column in first]
    doubles = [_doubles(kind, columns) for (kind, _), columns in keys.items()]
    totals = ["count(*)", "count(*) FILTER (WHERE blank)", *counts, *doubles]
    rows, blanks, *found = engine.one(f"SELECT {', '.join(totals)} FROM {stored}")
    if not table.accounts_for_all(engine, rows):
        raise Unaccounted
    aside = {column: stored for column, count in zip(first, found, strict=False) if count}
    for group in others:
        part = _stored(engine, table, relation, [_aside(column, doubtful[column]) for column in group])
        aside |= dict.fromkeys(group, part)
    held = [key for key, count in zip(keys, found[len(first) :], strict=True) if not count]
    clean = frozenset(key for key in held if not set(keys[key]) & aside.keys())
    return Scan(stored, rows, blanks, aside, clean, wanted)


def _tried(table: Table, doubtful: Mapping[Column, str]) -> tuple[str, dict[Column, str]]:
    """The table with `r1`, …, whether some cells of a row have the shapes of their fields, and the doubts with that."""
    shaped = {column: shape for column in doubtful if (shape := shapes.shape(column.field)) is not None}
    listed = list(shaped)
    groups = [listed[at : at + shapes.TOGETHER] for at in range(0, len(listed), shapes.TOGETHER)]
    if not groups:
        return table.relation, dict(doubtful)
    tried = {
        f"r{number}": shapes.together([(column.id, shaped[column]) for column in group])
        for number, group in enumerate(groups, 1)
    }
    flags = {column: f"r{number}" for number, group in enumerate(groups, 1) for column in group}
    flagged = ", ".join(f"{condition} AS {name}" for name, condition in tried.items())
    sure = {c: f"CASE WHEN {flags[c]} THEN TRUE ELSE {said} END" if c in flags else said for c, said in doubtful.items()}
    return f"(SELECT *, {flagged} FROM {table.relation})", sure


def _groups(engine: Engine, relation: str, doubtful: Mapping[Column, str], keyed: Collection[Column]) -> list[list[Column]]:
    """The doubtful columns by pass, those of keys first; of a wide table only those with unsure cells."""
    columns = sorted(doubtful, key=lambda column: column not in keyed)
    if len(columns) > GROUP:
        doubted = []
        for at in range(0, len(columns), COUNTED):
            part = columns[at : at + COUNTED]
            counts = (f"count(CASE WHEN {doubtful[column]} THEN NULL ELSE 1 END)" for column in part)
            found = engine.one(f"SELECT {', '.join(counts)} FROM {relation}")
            doubted += [column for column, count in zip(part, found, strict=True) if count]
        columns = doubted
    groups = [columns[at : at + GROUP] for at in range(0, len(columns), GROUP)] or [[]]
    last = sum(column in keyed for column in columns)
    return groups if last <= GROUP else [columns[:last], *(columns[at : at + GROUP] for at in range(last, len(columns), GROUP))]


def _aside(column: Column, sure: str) -> str:
    return f"CASE WHEN ({sure}) IS TRUE THEN NULL ELSE {{'cell': {column.id}}} END AS u{column.number}"


def _stored(engine: Engine, table: Table, relation: str, selected: Sequence[str]) -> str:
    """A pass's rows with their numbers: a stored table's rows are numbered from 0, in the order of the file.

    No join may be in the pass, as joins lose that order.
    """
    own_numbers = table.numbered == table.relation
    columns = [*(["rn"] if own_numbers else []), f"{_blank(table)} AS blank", *selected]
    query = f"SELECT {', '.join(columns)} FROM {relation}"
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


def _digest(table: Table, wanted: Wanted) -> str:
    """The digest that is wanted."""
    known = {column.field.name: column for column in table.columns if column.declared}
    columns = [known.get(name) for name in wanted.digest]
    texts = ((column.id if wanted.raw else text(table, column)) if column else "NULL::VARCHAR" for column in columns)
    return sql.digest_of_row(texts)


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
    """Whether a cell is missing. Each column is asked for, as the engine overlooks a cell too many where it skips one."""
    absent = expressions.missing(column.field, column.id)
    return absent if table.whole and absent != "FALSE" else f"({column.id} IS NULL OR {absent})"
