"""Passes over a table: a row is stored with little of it, and with the cells that aren't surely valid.

A cell is sure by the shape of its row or by itself. Cells with the same shape are stored as one list, which most rows haven't.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from . import expressions, shapes, sql
from .engine import Engine
from .header import Column
from .tables import Table

GROUP = 100  # columns set aside in one pass: the time to store them grows faster than their number
COUNTED = 1000  # columns counted in one pass: the time to plan it grows faster than their number
BLANKS = "count(*) FILTER (WHERE blank)"
TOGETHER = "together"  # what the cells are called that a digest is made of, as one text


@dataclass(frozen=True)
class Doubts:
    """The columns whose cells may be unsure: SQL for whether a cell is sure, and for most the flag that says so of a row.

    `relation` is the table with the flags `r1`, …: whether the cells of some columns have the shapes of their fields; of some
    that means that they are `unquoted`, too: without a quote in them. It has the text TOGETHER of the cells that a digest is
    made of, if they are looked at together.
    """

    relation: str
    sure: Mapping[Column, str]
    flags: Mapping[Column, str]
    unquoted: Mapping[str, Sequence[Column]] = field(default_factory=dict)

    def cell(self, column: Column) -> str:
        """SQL for whether a cell is sure: by its row's flag, else on its own."""
        said = self.sure[column]
        return f"CASE WHEN {self.flags[column]} THEN TRUE ELSE {said} END" if column in self.flags else said


def doubts_of(table: Table, sure: Mapping[Column, str], divided: Sequence[Column]) -> Doubts:
    """The doubts about a table: `sure` has SQL for whether a cell is, and the cells of `divided` are looked at together."""
    shaped = {column: shape for column in sure if (shape := shapes.shape(column.field)) is not None}
    listed = list(shaped)
    parts = (listed[at : at + shapes.TOGETHER] for at in range(0, len(listed), shapes.TOGETHER))
    by_flag = {f"r{number}": part for number, part in enumerate(parts, 1)}
    tried = {
        flag: shapes.together([(column.id, shaped[column]) for column in part], whole=table.whole)
        for flag, part in by_flag.items()
    }
    flags = {column: flag for flag, part in by_flag.items() for column in part}
    if divided:
        tried[TOGETHER] = sql.divided(column.id for column in divided)
    if not tried:
        return Doubts(table.relation, sure, {})
    flagged = ", ".join(f"{condition} AS {name}" for name, condition in tried.items())
    quote = table.resource.dialect.quote_char or '"'
    unquoted = {
        flag: [column for column in part if not shapes.may_hold(shaped[column], quote)] for flag, part in by_flag.items()
    }
    return Doubts(f"(SELECT *, {flagged} FROM {table.relation})", sure, flags, unquoted)


def groups(engine: Engine, doubts: Doubts, keyed: Collection[Column]) -> list[list[Column]]:
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
    parts = [columns[at : at + GROUP] for at in range(0, len(columns), GROUP)] or [[]]
    last = sum(column in keyed for column in columns)
    return parts if last <= GROUP else [columns[:last], *(columns[at : at + GROUP] for at in range(last, len(columns), GROUP))]


@dataclass(frozen=True)
class Pass:
    """SQL for a pass's rows, with `rn`, `blank`, `uN` of each column and what is selected.

    `told` are names in it, each with the columns of which it is null where their cells are sure. Those of `lists` hold their
    cells, in the `rows` as they are stored. If `none_blank`, a row whose cells are sure is not blank.
    """

    relation: str
    told: Mapping[str, Sequence[Column]]
    rows: str = ""
    lists: Mapping[str, _List] = field(default_factory=dict)
    none_blank: bool = False


def run(
    engine: Engine, table: Table, doubts: Doubts, columns: Sequence[Column], selected: Sequence[str] = (),
    derived: Sequence[str] = (),
) -> Pass:  # fmt: skip
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
        return Pass(f"(SELECT *, {', '.join(derived)} FROM ({query}))" if derived else f"({query})", told)
    stored, first = engine.keep(query, compressed=True), table.resource.dialect.first_content_row
    numbered = [] if own_numbers else [f"rowid + {first} AS rn"]
    rows = f"(SELECT {', '.join([*numbered, '*', *derived])} FROM {stored})" if numbered or derived else stored
    held = [part for name, each in lists.items() for part in each.columns(table, name, each.places(name))]
    return Pass(f"(SELECT *, {', '.join(held)} FROM {rows})" if held else rows, told, rows, lists, none_blank)


def aside(seen: Pass, names: Iterable[str], relation: str, opened: str) -> dict[Column, str]:
    """SQL for the unsure cells of the columns that are `told` by these names: `opened` where they were in lists."""
    return {column: opened if name in seen.lists else relation for name in names for column in seen.told[name]}


def opened(engine: Engine, table: Table, seen: Pass, *, whole: bool = False) -> str:
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

    def cells(self, doubts: Doubts) -> str:
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


def _lists(table: Table, doubts: Doubts, columns: Sequence[Column]) -> dict[str, _List]:
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


def surely_valid(table: Table, column: Column, prefix: str = "") -> str:
    """SQL for whether a column's cell is surely valid."""
    if table.native or not column.declared:
        return "TRUE"
    return expressions.surely_valid(column.field, prefix + column.id)


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
