"""One pass over a table: rows are counted, and what isn't surely fine is set aside, a cell at a time.

The pass keeps little of a clean table (a hash of each key), and all of what the reference must look at, so that a file is
read once whether it is clean or not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from . import expressions, rules, shapes, sql
from .engine import Engine
from .findings import Findings
from .header import Column
from .package import Schema
from .tables import Table

Key = tuple[str, tuple[str, ...]]  # type of the error, fields
GROUP = 100  # columns set aside in one pass: the time to store them grows faster than their number
MANY = 10  # times the rows with unsure cells, if that is more than all, these cells are made columns of all rows
BLANKS = "count(*) FILTER (WHERE blank)"
SAMPLE = 1000  # rows that tell whether a column may be in its order
TOGETHER = "together"  # what the cells are called that a digest is made of, as one text
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
    listed = [column for column in table.columns if wanted.checks(column.field.name)]
    divided = _divided(table, wanted)
    doubts = _doubts(table, {column: sure for column in listed if (sure := surely_valid(table, column)) != "TRUE"}, divided)
    wanted_keys = (key for key in unique_keys(table.schema) if wanted.keys and wanted.checks(*key[1]))
    keys = {key: columns for key in wanted_keys if (columns := columns_of(table, key[1]))}
    hashed = dict.fromkeys(column for columns in keys.values() for column in columns)
    texts = [column for column in table.columns if column.declared and column.field.name in wanted.texts]
    first, *others = _groups(engine, doubts, {*hashed, *texts})
    hashes = {column: f"{sql.digest(text(table, column))} AS h{column.number}" for column in hashed if column not in texts}
    derived = [f"{sql.digest(f'k{column.number}')} AS h{column.number}" for column in hashed if column in texts]
    selected = [
        *hashes.values(),
        *(f"{text(table, column)} AS k{column.number}" for column in texts),
        *([f"{_digest(table, wanted, TOGETHER if divided else '')} AS d"] if wanted.digest else []),
        *([f"{table.content(doubts.unquoted, divided, TOGETHER)} AS size"] if table.is_direct else []),
    ]
    seen = _pass(engine, table, doubts, first, selected, derived)
    doubles = {key: _doubles(key[0], columns) for key, columns in keys.items()}
    ascending = {key: columns[0] for key, columns in keys.items() if columns[0] in texts and len(columns) == 1}
    ascending = {key: column for key, column in ascending.items() if not table.is_kept and _ascends(engine, seen, column)}
    quick = doubles | {key: _descents(column) for key, column in ascending.items()}
    before = "".join(f", lag(k{column.number}) OVER () AS b{column.number}" for column in ascending.values())
    size = "coalesce(sum(size), 0)::BIGINT" if table.is_direct else "0"
    totals = ["count(*)", size, "0" if seen.none_blank else BLANKS, *quick.values(), *(f"count({name})" for name in seen.told)]
    source = f"(SELECT *{before} FROM {seen.relation})" if before else seen.relation
    rows, content, blanks, *found = engine.one(f"SELECT {', '.join(totals)} FROM {source}")
    if not table.accounts_for_all(engine, rows, content):
        raise Unaccounted
    told = {name: count for name, count in zip(seen.told, found[len(keys) :], strict=True) if count}
    relation, opened = seen.relation, ""
    if lists := [name for name in told if name in seen.lists]:
        many = max(told[name] for name in lists) * MANY > rows
        opened = _opened(engine, table, seen, whole=many)
        relation = opened if many else relation
    aside = _aside(seen, told, relation, opened)
    if held := [column for name in lists for column in seen.told[name]]:
        counts = (f"count(u{column.number})" for column in held)
        blank, *unsure = engine.one(f"SELECT {', '.join([BLANKS, *counts])} FROM {opened}")
        blanks = blank if seen.none_blank else blanks
        none = {column for column, count in zip(held, unsure, strict=True) if not count}
        aside = {column: source for column, source in aside.items() if column not in none}
    for group in others:
        part = _pass(engine, table, doubts, group)
        aside |= _aside(part, part.told, part.relation, _opened(engine, table, part) if part.lists else "")
    unique = [
        key
        for key, count in zip(keys, found, strict=False)
        if not count or (key in ascending and not engine.one(f"SELECT {doubles[key]} FROM {relation}")[0])
    ]
    clean = frozenset(key for key in unique if not set(keys[key]) & aside.keys())
    return Scan(relation, rows, blanks, aside, clean, wanted)


@dataclass(frozen=True)
class _Doubts:
    """The columns whose cells may be unsure: SQL for whether a cell is sure, and for most the flag that says so of a row.

    `relation` is the table with the flags `r1`, …: whether the cells of some columns have the shapes of their fields. For some
    columns that means that they are `unquoted`, too: without a quote in them. It has the cells that a digest is made of, too,
    if they are looked at together.
    """

    relation: str
    sure: Mapping[Column, str]
    flags: Mapping[Column, str]
    unquoted: Mapping[str, Sequence[Column]] = field(default_factory=dict)

    def cell(self, column: Column) -> str:
        """SQL for whether a cell is sure: by its row's flag, else on its own."""
        said = self.sure[column]
        return f"CASE WHEN {self.flags[column]} THEN TRUE ELSE {said} END" if column in self.flags else said


def _doubts(table: Table, sure: Mapping[Column, str], divided: Sequence[Column]) -> _Doubts:
    shaped = {column: shape for column in sure if (shape := shapes.shape(column.field)) is not None}
    listed = list(shaped)
    groups = [listed[at : at + shapes.TOGETHER] for at in range(0, len(listed), shapes.TOGETHER)]
    tried = {
        f"r{number}": shapes.together([(column.id, shaped[column]) for column in group], whole=table.whole)
        for number, group in enumerate(groups, 1)
    }
    flags = {column: f"r{number}" for number, group in enumerate(groups, 1) for column in group}
    if divided:
        tried[TOGETHER] = sql.divided(column.id for column in divided)
    if not tried:
        return _Doubts(table.relation, sure, {})
    flagged = ", ".join(f"{condition} AS {name}" for name, condition in tried.items())
    quote = table.resource.dialect.quote_char or '"'
    unquoted = {f"r{number}": [one for one in group if quote not in shaped[one]] for number, group in enumerate(groups, 1)}
    return _Doubts(f"(SELECT *, {flagged} FROM {table.relation})", sure, flags, unquoted)


def _groups(engine: Engine, doubts: _Doubts, keyed: Collection[Column]) -> list[list[Column]]:
    """The doubtful columns by pass, those of keys first; of a wide table only those with unsure cells."""
    columns = sorted(doubts.sure, key=lambda column: column not in keyed)
    if len(columns) > GROUP:
        doubted = []
        for at in range(0, len(columns), COUNTED):
            part = columns[at : at + COUNTED]
            counts = (f"count(CASE WHEN {doubts.cell(column)} THEN NULL ELSE 1 END)" for column in part)
            found = engine.one(f"SELECT {', '.join(counts)} FROM {doubts.relation}")
            doubted += [column for column, count in zip(part, found, strict=True) if count]
        columns = doubted
    groups = [columns[at : at + GROUP] for at in range(0, len(columns), GROUP)] or [[]]
    last = sum(column in keyed for column in columns)
    return groups if last <= GROUP else [columns[:last], *(columns[at : at + GROUP] for at in range(last, len(columns), GROUP))]


@dataclass(frozen=True)
class _Pass:
    """SQL for a pass's rows, with `rn`, `blank`, `uN` of each column and what is selected.

    `told` are names in it, each with the columns of which it is null where their cells are sure. Those of `lists` hold their
    cells, in the `rows` as they are stored. If `none_blank`, a row whose cells are sure is not blank.
    """

    relation: str
    told: Mapping[str, Sequence[Column]]
    rows: str = ""
    lists: Mapping[str, _List] = field(default_factory=dict)
    none_blank: bool = False


def _pass(
    engine: Engine, table: Table, doubts: _Doubts, columns: Sequence[Column], selected: Sequence[str] = (),
    derived: Sequence[str] = (),
) -> _Pass:  # fmt: skip
    """A pass over a table's rows, which stores them unless the table is stored; what is `derived` is computed again each time.

    A stored table's rows are numbered from 0, in the order of the file. No join may be in the pass, as joins lose that order.
    """
    lists = {} if table.is_kept else _lists(table, doubts, columns)
    alone = [column for column in columns if not any(column in each.doubtful for each in lists.values())]
    told = {**{name: each.doubtful for name, each in lists.items()}, **{f"u{column.number}": [column] for column in alone}}
    own_numbers, none_blank = table.numbered == table.relation, any(each.tells_blank for each in lists.values())
    selected = [
        *(["rn"] if own_numbers else []),
        *([] if none_blank else [f"{_blank(table, {column: column.id for column in table.columns})} AS blank"]),
        *(f"{each.cells(doubts)} AS {name}" for name, each in lists.items()),
        *(f"{_unsure(column.id, doubts.cell(column))} AS u{column.number}" for column in alone),
        *selected,
    ]
    query = f"SELECT {', '.join(selected)} FROM {doubts.relation}"
    if table.is_kept:
        return _Pass(f"(SELECT *, {', '.join(derived)} FROM ({query}))" if derived else f"({query})", told)
    stored, first = engine.keep(query, compressed=True), table.resource.dialect.first_content_row
    numbered = [] if own_numbers else [f"rowid + {first} AS rn"]
    rows = f"(SELECT {', '.join([*numbered, '*', *derived])} FROM {stored})" if numbered or derived else stored
    held = [part for name, each in lists.items() for part in each.columns(table, name, each.places(name))]
    return _Pass(f"(SELECT *, {', '.join(held)} FROM {rows})" if held else rows, told, rows, lists, none_blank)


def _aside(seen: _Pass, names: Iterable[str], relation: str, opened: str) -> dict[Column, str]:
    """SQL for the unsure cells of the columns that are `told` by these names: `opened` where they were in lists."""
    return {column: opened if name in seen.lists else relation for name in names for column in seen.told[name]}


def _opened(engine: Engine, table: Table, seen: _Pass, *, whole: bool = False) -> str:
    """The rows of a pass in which some cell of a list is unsure, or the `whole` of them, with columns for the lists: stored."""
    spread, held = dict[str, str](), list[str]()  # what a cell of a list is called, and SQL for it; SQL for the columns
    for name, one in seen.lists.items():
        cells = {column: f"{name}_{column.number}" for column in one.places(name)}
        spread |= {cells[column]: place for column, place in one.places(name).items()}
        held += one.columns(table, name, cells)
    rows = f"SELECT *, {', '.join(f'{place} AS {cell}' for cell, place in spread.items())} FROM {seen.rows}"
    if not whole:
        rows += f" WHERE {' OR '.join(f'{name} IS NOT NULL' for name in seen.lists)}"
    left_out = ", ".join([*seen.lists, *spread])
    return engine.keep(f"SELECT * EXCLUDE ({left_out}), {', '.join(held)} FROM ({rows})", compressed=True)


@dataclass(frozen=True)
class _List:
    """The cells of columns with the same flag, stored as one list: it takes its time to store a column, even one of nulls.

    The list is null where all `doubtful` cells are sure. If it `tells_blank`, one of these is required, and the `others` are
    all other columns: a row is blank only where the list isn't null, and that tells.
    """

    flag: str
    doubtful: Sequence[Column]
    others: Sequence[Column] = ()
    tells_blank: bool = False

    def cells(self, doubts: _Doubts) -> str:
        """SQL for the list."""
        sure = " AND ".join(f"({doubts.sure[column]})" for column in self.doubtful)
        listed = ", ".join(column.id for column in (*self.doubtful, *self.others))
        return f"CASE WHEN {self.flag} THEN NULL WHEN {sure} THEN NULL ELSE [{listed}] END"

    def places(self, name: str) -> dict[Column, str]:
        """SQL for each cell in the list that is called `name`."""
        return {column: f"{name}[{at}]" for at, column in enumerate((*self.doubtful, *self.others), 1)}

    def columns(self, table: Table, name: str, cells: Mapping[Column, str]) -> Iterator[str]:
        """SQL for `uN` of the doubtful columns, and `blank` if it tells, of the list that is called `name`, with its cells."""
        for column in self.doubtful:
            unsure = _unsure(cells[column], expressions.surely_valid(column.field, cells[column]))
            yield f"CASE WHEN {name} IS NULL THEN NULL ELSE {unsure} END AS u{column.number}"
        if self.tells_blank:
            yield f"CASE WHEN {name} IS NULL THEN FALSE ELSE {_blank(table, cells)} END AS blank"


def _lists(table: Table, doubts: _Doubts, columns: Sequence[Column]) -> dict[str, _List]:
    """The columns that are stored as lists."""
    by_flag: dict[str, list[Column]] = {}
    for column in columns:
        if column in doubts.flags:
            by_flag.setdefault(doubts.flags[column], []).append(column)
    lists = {f"g{flag}": _List(flag, each) for flag, each in by_flag.items()}
    for name, one in lists.items():
        if any(column.field.required for column in one.doubtful) and len(table.columns) <= GROUP:
            others = [column for column in table.columns if column not in one.doubtful]
            return {**lists, name: replace(one, others=others, tells_blank=True)}
    return lists


def _unsure(cell: str, sure: str) -> str:
    return f"CASE WHEN ({sure}) IS TRUE THEN NULL ELSE {{'cell': {cell}}} END"


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


def _divided(table: Table, wanted: Wanted) -> list[Column]:
    """The columns whose cells are looked at together, for a digest of raw ones and for their size; none where that can't be."""
    columns = columns_of(table, wanted.digest)
    return columns if wanted.raw and table.is_direct and len(set(columns)) == len(columns) else []


def _digest(table: Table, wanted: Wanted, together: str) -> str:
    """The digest that is wanted."""
    known = {column.field.name: column for column in table.columns if column.declared}
    columns = [known.get(name) for name in wanted.digest]
    if wanted.raw:
        return sql.digest_of_cells((column.id if column else "NULL::VARCHAR" for column in columns), together)
    return sql.digest_of_row(text(table, column) if column else "NULL::VARCHAR" for column in columns)


def _doubles(kind: str, columns: Sequence[Column]) -> str:
    """Rows less distinct keys: 0 if no two rows have the same one, nor (of a primary key) any lacks a part of one."""
    hashes = [f"h{column.number}" for column in columns]
    present = f"FILTER (WHERE NOT ({sql.any_null(hashes)}))"
    rows = "count(*)" if kind == "primary-key" else f"count(*) {present}"
    return f"{rows} - count(DISTINCT {sql.digest_of(hashes)}) {present}"


def _ascends(engine: Engine, seen: _Pass, column: Column) -> bool:
    """Whether the first values of a column of which the pass has the texts are in their order, so that all may be."""
    first = f"(SELECT k{column.number}, lag(k{column.number}) OVER () AS b{column.number} FROM {seen.relation} LIMIT {SAMPLE})"
    rows, descents = engine.one(f"SELECT count(*), {_descents(column)} FROM {first}")
    return bool(rows > 1 and not descents)


def _descents(column: Column) -> str:
    """Rows whose value doesn't come after that of the row before (`bN`): 0 if no two rows have the same one, nor any none."""
    value, before = (expressions.typed(column.field, f"{alias}{column.number}") for alias in "kb")
    return f"greatest(count(*) - 1, 0) - count(*) FILTER (WHERE {value} > {before})"


def _blank(table: Table, cells: Mapping[Column, str]) -> str:
    """Whether a row is blank: every cell is missing. Most rows tell by one cell, best by one that is required."""
    if table.native or not table.columns:
        return "FALSE"
    first, *others = sorted(table.columns, key=lambda column: not column.field.required)
    rest = " AND ".join(_absent(table, column, cells[column]) for column in others) or "TRUE"
    return f"CASE WHEN {_absent(table, first, cells[first])} THEN {rest} ELSE FALSE END"


def _absent(table: Table, column: Column, cell: str) -> str:
    """Whether a cell is missing. Each column is asked for, as the engine overlooks a cell too many where it skips one."""
    absent = expressions.missing(column.field, cell)
    return absent if table.whole and absent != "FALSE" else f"({cell} IS NULL OR {absent})"
