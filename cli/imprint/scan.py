"""One pass over a table: rows are counted, and what isn't surely fine is set aside, a cell at a time.

The pass keeps little of a clean table (a hash of each key), and all of what the reference must look at, so that a file is
read once whether it is clean or not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from . import expressions, passes, rules, sql
from .engine import Engine
from .findings import Findings
from .header import Column
from .package import Schema
from .passes import surely_valid
from .tables import Table

Key = tuple[str, tuple[str, ...]]  # type of the error, fields
MANY = 10  # times the rows with unsure cells, if that is more than all, these cells are made columns of all rows
SAMPLE = 1000  # rows that tell whether a column may be in its order


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
    is wanted `kN`, that text; `d`, the digest that is wanted; for a column with unsure cells `uN`, a struct {cell}, or null
    where the cell is sure. `aside` is, for such a column, SQL with `rn`, `blank` and `uN` of rows among which are all where
    that isn't null. `clean` are the unique keys that surely hold.
    """

    relation: str
    rows: int
    blanks: int
    aside: Mapping[Column, str]
    clean: frozenset[Key]
    wanted: Wanted = NOTHING

    def has_texts_of(self, columns: Sequence[Column]) -> bool:
        """Whether the pass has kept the texts of these columns, of which there are some."""
        return bool(columns) and all(column.declared and column.field.name in self.wanted.texts for column in columns)


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
    doubts = passes.doubts_of(table, _not_sure(table, wanted), _divided(table, wanted))
    keys = {key: columns for key in _checked_keys(table, wanted) if (columns := columns_of(table, key[1]))}
    texts = [column for column in table.columns if column.declared and column.field.name in wanted.texts]
    keyed = dict.fromkeys(column for columns in keys.values() for column in columns)
    first, *others = passes.groups(engine, doubts, {*keyed, *texts})
    seen = passes.run(engine, table, doubts, first, *_selected(table, wanted, doubts, keyed, texts))
    ascending = {key: columns[0] for key, columns in keys.items() if columns[0] in texts and len(columns) == 1}
    ascending = {key: column for key, column in ascending.items() if not table.is_kept and _ascends(engine, seen, column)}
    tests = {key: _doubles(key[0], columns) for key, columns in keys.items()}
    quick = tests | {key: _descents(column) for key, column in ascending.items()}
    size = "coalesce(sum(size), 0)::BIGINT" if table.is_direct else "0"
    totals = ["count(*)", size, "0" if seen.none_blank else passes.BLANKS, *quick.values()]
    totals += [f"count({name})" for name in seen.told]
    before = "".join(f", lag(k{column.number}) OVER () AS b{column.number}" for column in ascending.values())
    source = f"(SELECT *{before} FROM {seen.relation})" if before else seen.relation
    rows, content, blanks, *found = engine.one(f"SELECT {', '.join(totals)} FROM {source}")
    if not table.accounts_for_all(engine, rows, content):
        raise Unaccounted
    told = {name: count for name, count in zip(seen.told, found[len(keys) :], strict=True) if count}
    relation, blanks, aside = _set_aside(engine, table, seen, told, rows, blanks)
    for group in others:
        part = passes.run(engine, table, doubts, group)
        opened = passes.opened(engine, table, part) if part.lists else ""
        aside |= passes.aside(part, part.told, part.relation, opened)
    unique = {key for key, count in zip(keys, found, strict=False) if not count}
    unique |= {key for key in ascending if key not in unique and not engine.one(f"SELECT {tests[key]} FROM {relation}")[0]}
    clean = frozenset(key for key in unique if not set(keys[key]) & aside.keys())
    return Scan(relation, rows, blanks, aside, clean, wanted)


def _not_sure(table: Table, wanted: Wanted) -> dict[Column, str]:
    """The columns that are checked and whose cells aren't all sure, with SQL for whether one is."""
    listed = [column for column in table.columns if wanted.checks(column.field.name)]
    return {column: sure for column in listed if (sure := surely_valid(table, column)) != "TRUE"}


def _checked_keys(table: Table, wanted: Wanted) -> Iterator[Key]:
    return (key for key in unique_keys(table.schema) if wanted.keys and wanted.checks(*key[1]))


def _selected(
    table: Table, wanted: Wanted, doubts: passes.Doubts, keyed: Iterable[Column], texts: Collection[Column]
) -> tuple[list[str], list[str]]:
    """What the first pass keeps of each row, and what is made of that: the hash of a key whose text is kept."""
    divided = _divided(table, wanted)
    kept = [f"{sql.digest(text(table, column))} AS h{column.number}" for column in keyed if column not in texts]
    kept += [f"{text(table, column)} AS k{column.number}" for column in texts]
    if wanted.digest:
        kept.append(f"{_digest(table, wanted, divided)} AS d")
    if table.is_direct:
        kept.append(f"{table.content(doubts.unquoted, divided, passes.TOGETHER)} AS size")
    return kept, [f"{sql.digest(f'k{column.number}')} AS h{column.number}" for column in keyed if column in texts]


def _set_aside(
    engine: Engine, table: Table, seen: passes.Pass, told: Mapping[str, int], rows: int, blanks: int
) -> tuple[str, int, dict[Column, str]]:
    """The rows of a pass, how many are blank, and SQL for the unsure cells by column, once lists are opened that hold some.

    `told` has how many rows have an unsure cell, by the name that says so.
    """
    lists = [name for name in told if name in seen.lists]
    if not lists:
        return seen.relation, blanks, passes.aside(seen, told, seen.relation, "")
    many = max(told[name] for name in lists) * MANY > rows
    opened = passes.opened(engine, table, seen, whole=many)
    relation = opened if many else seen.relation
    held = [column for name in lists for column in seen.told[name]]
    counts = (f"count(u{column.number})" for column in held)
    blank, *unsure = engine.one(f"SELECT {', '.join([passes.BLANKS, *counts])} FROM {opened}")
    none = {column for column, count in zip(held, unsure, strict=True) if not count}
    aside = {column: source for column, source in passes.aside(seen, told, relation, opened).items() if column not in none}
    return relation, blank if seen.none_blank else blanks, aside


def unique_keys(schema: Schema) -> Iterator[Key]:
    """Every key whose values must be unique, with the type of its error."""
    for item in schema.fields:
        if item.constraints.get("unique"):
            yield "unique-error", (item.name,)
    for names in dict.fromkeys(schema.unique_keys):
        yield "unique-keys", names
    if schema.primary_key:
        yield "primary-key", schema.primary_key


def columns_of(table: Table, names: Sequence[str]) -> list[Column]:
    """The columns of a key; none if the data lacks one of its fields."""
    known = {column.field.name: column for column in table.columns if column.declared}
    return [known[name] for name in names] if all(name in known for name in names) else []


def text(table: Table, column: Column, prefix: str = "") -> str:
    """SQL for the canonical text of a sure cell."""
    return f"{prefix}v{column.number}" if table.has_texts else table.canonical(column, prefix)


def _divided(table: Table, wanted: Wanted) -> list[Column]:
    """The columns whose cells are looked at together, for a digest of raw ones and for their size; none where that can't be.

    Of a wide table all are: it takes long to tell by the shapes of so many cells whether they have quotes.
    """
    columns = columns_of(table, wanted.digest) if wanted.raw else []
    if not columns or len(set(columns)) < len(columns):
        columns = list(table.columns) if len(table.columns) > passes.GROUP else []
    return columns if table.is_direct else []


def _digest(table: Table, wanted: Wanted, divided: Sequence[Column]) -> str:
    """The digest that is wanted."""
    known = {column.field.name: column for column in table.columns if column.declared}
    columns = [known.get(name) for name in wanted.digest]
    if wanted.raw:
        together = passes.TOGETHER if columns == divided else ""
        return sql.digest_of_cells((column.id if column else "NULL::VARCHAR" for column in columns), together)
    return sql.digest_of_row(text(table, column) if column else "NULL::VARCHAR" for column in columns)


def _doubles(kind: str, columns: Sequence[Column]) -> str:
    """Rows less distinct keys: 0 if no two rows have the same one, nor (of a primary key) any lacks a part of one."""
    hashes = [f"h{column.number}" for column in columns]
    present = f"FILTER (WHERE NOT ({sql.any_null(hashes)}))"
    rows = "count(*)" if kind == "primary-key" else f"count(*) {present}"
    return f"{rows} - count(DISTINCT {sql.digest_of(hashes)}) {present}"


def _ascends(engine: Engine, seen: passes.Pass, column: Column) -> bool:
    """Whether the first values of a column of which the pass has the texts are in their order, so that all may be."""
    first = f"(SELECT k{column.number}, lag(k{column.number}) OVER () AS b{column.number} FROM {seen.relation} LIMIT {SAMPLE})"
    rows, descents = engine.one(f"SELECT count(*), {_descents(column)} FROM {first}")
    return bool(rows > 1 and not descents)


def _descents(column: Column) -> str:
    """Rows whose value doesn't come after that of the row before (`bN`): 0 if no two rows have the same one, nor any none."""
    value, before = (expressions.typed(column.field, f"{alias}{column.number}") for alias in "kb")
    return f"greatest(count(*) - 1, 0) - count(*) FILTER (WHERE {value} > {before})"
