"""The rows of two tables, compared by value: by the primary key or a key that is given, without one as a multiset.

The pass over each table has kept the texts of its key and one digest of the other cells (`scan.Wanted`), so both are matched
without their cells. Those are read again for the rows whose digests differ, and only what differs by value is a change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal
from typing import Any

from . import expressions, keys, sql
from .changes import ResourceDiff, RowChange, Terms
from .engine import Engine
from .exceptions import DataFault
from .header import Column
from .scan import Checked, Wanted, columns_of
from .validation import of_rows

FEW = 0.1  # of a file's rows, those that are copied from their lines


@dataclass(frozen=True)
class Pair:
    """A table that both packages have. Fields have the new package's names; `renamed` has the old one's where it has others.

    `key` is what rows are matched by, nothing for whole rows; `values` are compared; numbers of those in `near` may differ by
    an absolute amount, or by a share of the larger one; `lone` are the other fields that the old and the new table has, which
    are shown of a row with a key that is gone or new.
    """

    name: str
    old: Checked
    new: Checked
    key: tuple[str, ...]
    values: tuple[str, ...]
    near: Mapping[str, tuple[float, float]]
    renamed: Mapping[str, str]
    lone: tuple[tuple[str, ...], tuple[str, ...]]

    @property
    def names(self) -> list[str]:
        """The columns that hold the key in the engine's tables: `k0`, …"""
        return [f"k{number}" for number in range(len(self.key))]

    @property
    def shares_fields(self) -> bool:
        """Whether there is a field that both sides have."""
        return any(self.renamed.get(field, field) in self.old.columns for field in self.new.columns)

    def side(self, which: str) -> Side:
        """The old table or the new one."""
        fields = (*self.key, *self.values)
        if which == "new":
            return Side(self.new, {field: field for field in (*fields, *self.lone[1])})
        return Side(self.old, {field: self.renamed.get(field, field) for field in (*fields, *self.lone[0])})


@dataclass(frozen=True)
class Side:
    """One of the two tables, with its own name for each field that is compared or shown."""

    table: Checked
    names: Mapping[str, str]

    def columns(self, fields: Sequence[str]) -> list[Column]:
        """The table's columns of some fields."""
        return columns_of(self.table.table, [self.names[field] for field in fields])

    def ordered(self, field: str, text: str) -> str:
        """SQL that puts a field's canonical texts in the order of their values."""
        declared = self.table.table.schema.field(self.names[field])
        return f"{expressions.typed(declared, text)}, {text}" if declared else text

    def shown(self, field: str, value: str | None) -> str | None:
        """A canonical text as the table writes it."""
        declared = self.table.table.schema.field(self.names[field]) if value is not None else None
        if value is not None and declared is not None and declared.type == "list":
            return value.replace(sql.UNIT_SEPARATOR, declared.option("delimiter", ","))
        return value


def wanted(key: Sequence[str], values: Sequence[str], *, raw: bool, lean: bool) -> Wanted:
    """What a pass over a table should keep, so that it can be compared without reading it again."""
    return Wanted(frozenset(key), tuple(values), raw, frozenset(key) if lean and raw else None)


def keys_of(
    given: Sequence[str], old: Sequence[str], new: Sequence[str], common: Sequence[str]
) -> tuple[list[tuple[str, ...]], bool]:
    """By what the rows of a table may be matched, the best first, and whether that is said to be a key of both sides.

    It is the key that is given, else the new primary key and the old one, as far as both sides have their fields.
    """
    said = bool(given) or set(old) == set(new)
    listed = [given] if given else [new] if said else [new, old]
    return [tuple(key) for key in listed if key and all(field in common for field in key)], said


def is_key(engine: Engine, one: Checked, fields: Sequence[str]) -> bool:
    """Whether no two rows of a table have the same values, nulls among them, of some fields that it has."""
    columns = one.keys(fields) or []
    return ("primary-key", tuple(fields)) in one.clean or not _repeated(engine, one.unnumbered, columns, "ALL")


@dataclass(frozen=True)
class Cells:
    """Some rows of a side, stored as they were read, and SQL for the keys `k0`, … and values `f0`, … of such a row `t`."""

    stored: str
    keys: tuple[str, ...]
    values: tuple[str, ...]

    @property
    def all(self) -> str:
        """SQL for the keys and values."""
        return self._of(f"{self.stored} AS t")

    def having(self, table: str) -> str:
        """SQL for those of the rows whose keys are in a table."""
        same = " AND ".join(f"s.k{number} IS NOT DISTINCT FROM {key}" for number, key in enumerate(self.keys))
        return self._of(f"(SELECT t.* FROM {self.stored} AS t SEMI JOIN {table} AS s ON {same}) AS t")

    def _of(self, rows: str) -> str:
        named = (
            f"{text} AS {alias}{n}" for alias, texts in (("k", self.keys), ("f", self.values)) for n, text in enumerate(texts)
        )
        return f"(SELECT {', '.join(named)} FROM {rows})"


@dataclass(frozen=True)
class Matched:
    """What a comparison by key leaves in the engine, for who looks into it further.

    `sides` is SQL for the old and the new rows: the key `k0`, … and the digest `d` of the values; `cells` are the rows that may
    have changed, and some others; `changed` is a table of the key of those that have, with `x0`, … for whether a value differs.
    """

    sides: tuple[str, str]
    cells: tuple[Cells, Cells]
    changed: str


def compare(engine: Engine, pair: Pair, terms: Terms) -> tuple[ResourceDiff, Matched | None]:
    """The rows of a table, and how they were matched if by key and not all alike.

    Raises DataFault for a key that isn't unique.
    """
    return _keyed(engine, pair, terms) if pair.key else (_multiset(engine, pair, terms), None)


def _matchable(engine: Engine, pair: Pair, side: Side) -> str:
    """SQL for `rn`, the key `k0`, … and the digest `d` of the values; equal digests mean equal values."""
    checked, kept = side.table, side.table.scan.wanted
    keys_, values = side.columns(pair.key), side.columns(pair.values)
    planned = kept.digest == tuple(side.names[field] for field in pair.values) and kept.texts.issuperset(
        side.names[field] for field in pair.key
    )
    if planned and (kept.raw or not checked.texts):
        return keys.texts(checked, keys_, "d" if pair.values else "0 AS d")
    texts = [f"v{column.number} AS {name}" for column, name in zip(keys_, pair.names, strict=True)]
    digest = sql.digest_of_row(f"v{column.number}" for column in values)
    return engine.keep(f"SELECT {', '.join(('rn', *texts, f'{digest} AS d'))} FROM {checked.logical}", compressed=True)


def _digest(side: Side, fields: Sequence[str]) -> str:
    """SQL for the same digest of a row of the table's relation."""
    kept, columns = side.table.scan.wanted, side.columns(fields)
    if kept.raw and kept.digest == tuple(side.names[field] for field in fields):
        cells = [f"t.{column.id}" for column in columns]
        return sql.digest_of_cells(cells, sql.divided(cells) if side.table.table.is_direct else "")
    return sql.digest_of_row(side.table.value(column, "t.") for column in columns)


def _cells(engine: Engine, side: Side, pair: Pair, numbers: str, condition: str) -> Cells:
    """The rows with these numbers, which are the rows `t` that a condition picks, with the values of all that is shown of them.

    Few of the rows of a file whose rows are its lines are copied from there: quicker than to read all of it.
    """
    table = side.table.table
    cells = ", ".join(f"t.{column.id}" for column in table.columns)
    source = f"{table.relation} AS t {condition}"
    if not table.is_kept and table.has_a_line_for_each(side.table.rows):
        (count,) = engine.one(f"SELECT count(*) FROM ({numbers})")
        if 0 < count <= FEW * side.table.rows:
            listed = (number for (number,) in engine.stream(f"{numbers} ORDER BY rn"))
            source = f"{table.lines(engine, listed)} AS t"
    stored = engine.keep(f"SELECT {cells} FROM {source}", compressed=True)
    some = of_rows(engine, side.table, stored)
    texts = (
        [some.value(column, "t.") for column in side.columns(fields)] for fields in (pair.key, [*side.names][len(pair.key) :])
    )
    return Cells(stored, *map(tuple, texts))


# Rows that have a key


def _keyed(engine: Engine, pair: Pair, terms: Terms) -> tuple[ResourceDiff, Matched | None]:
    old, new = pair.side("old"), pair.side("new")
    sides = _matchable(engine, pair, old), _matchable(engine, pair, new)
    for one, matchable, label in zip((old, new), sides, ("old", "new"), strict=True):
        _refuse_duplicates(engine, pair, one, matchable, label)
    differing = _differing(engine, pair, *sides)
    totals = (f"count(*) FILTER (WHERE op = '{op}')" for op in "+-~")
    added, removed, candidates = engine.one(f"SELECT {', '.join(totals)} FROM {differing}")
    if not added + removed + candidates:
        return ResourceDiff(pair.name, pair.key, 0, 0, 0, pair.old.rows, {}), None
    order = ", ".join(new.ordered(field, name) for field, name in zip(pair.key, pair.names, strict=True))
    one_sided = _one_sided(engine, differing, order, terms)
    changes = f"{differing} WHERE op = '~'"
    before = engine.background(lambda: _needed(engine, pair, old, "old_rn", changes, f"{one_sided} WHERE op = '-'"))
    after = _needed(engine, pair, new, "new_rn", changes, f"{one_sided} WHERE op = '+'")
    cells = before(), after
    matched = Matched(sides, cells, _changed(engine, pair, cells))
    changed, fields = _counts(engine, pair, matched)
    rows = tuple(_examples(engine, pair, matched, one_sided, order, terms))
    total = added + removed + changed
    unchanged = pair.old.rows - removed - changed
    return ResourceDiff(pair.name, pair.key, added, removed, changed, unchanged, fields, rows, len(rows) < total), matched


def _differing(engine: Engine, pair: Pair, before: str, after: str) -> str:
    """A table of the rows that are on one side or may differ: `op` (`+`, `-`, `~`), their numbers and the key `k0`, …"""
    texts = ", ".join(f"CASE WHEN n.rn IS NULL THEN o.{name} ELSE n.{name} END AS {name}" for name in pair.names)
    op = "CASE WHEN o.rn IS NULL THEN '+' WHEN n.rn IS NULL THEN '-' ELSE '~' END AS op"
    return engine.keep(
        f"SELECT {op}, o.rn AS old_rn, n.rn AS new_rn, {texts} "
        f"FROM {before} AS o FULL JOIN {after} AS n ON {_same(pair, 'o', 'n')} "
        "WHERE o.rn IS NULL OR n.rn IS NULL OR o.d <> n.d"
    )


def _same(pair: Pair, one: str, other: str) -> str:
    """SQL for whether two rows have the same key; a null equals a null."""
    return " AND ".join(f"{one}.{name} IS NOT DISTINCT FROM {other}.{name}" for name in pair.names)


def _refuse_duplicates(engine: Engine, pair: Pair, side: Side, matchable: str, label: str) -> None:
    own = tuple(side.names[field] for field in pair.key)
    if ("primary-key", own) in side.table.clean:
        return
    order = ", ".join(side.ordered(field, name) for field, name in zip(pair.key, pair.names, strict=True))
    if found := _repeated(engine, matchable, pair.names, order):
        listed = ((", ".join("null" if value is None else value for value in values), count) for *values, count in found)
        shown = "; ".join(f"{key} ({count} times)" for key, count in listed)
        message = f'the key {", ".join(own)} of the {label} "{pair.name}" is not unique: {shown}'
        raise DataFault(message, fix="mend the data or name another key with --key")


def _repeated(engine: Engine, table: str, columns: Sequence[str], order: str) -> list[tuple[Any, ...]]:
    """The first values of some columns that several rows have, with the number of those."""
    total, distinct = engine.one(f"SELECT count(*), count(DISTINCT {sql.digest_of_row(columns)}) FROM {table}")
    if total == distinct:
        return []
    key = ", ".join(columns)
    return engine.rows(f"SELECT {key}, count(*) FROM {table} GROUP BY {key} HAVING count(*) > 1 ORDER BY {order} LIMIT 3")


def _one_sided(engine: Engine, differing: str, order: str, terms: Terms) -> str:
    """A table of the added and removed rows that may be shown: the first of each."""
    cap = f" LIMIT {terms.limit_rows}" if terms.limit_rows else ""
    added, removed = (f"SELECT * FROM {differing} WHERE op = '{op}' ORDER BY {order}" for op in "+-")
    return engine.keep(f"({added}{cap}) UNION ALL ({removed}{'' if terms.all_removed else cap})")


def _needed(engine: Engine, pair: Pair, side: Side, number: str, *sources: str) -> Cells:
    """The rows of a side that some tables name by their number and key."""
    numbers, keys_ = (
        " UNION ALL ".join(f"SELECT {columns} FROM {one}" for one in sources)
        for columns in (f"{number} AS rn", ", ".join(pair.names))
    )
    texts = (side.table.value(column, "t.") for column in side.columns(pair.key))
    same = " AND ".join(f"s.{name} IS NOT DISTINCT FROM {text}" for name, text in zip(pair.names, texts, strict=True))
    return _cells(engine, side, pair, numbers, f"SEMI JOIN ({keys_}) AS s ON {same}")


def _changed(engine: Engine, pair: Pair, cells: tuple[Cells, Cells]) -> str:
    """A table of the keys of the rows that changed, with `x0`, … for whether a value differs."""
    differs = [_differs(pair, field, number) for number, field in enumerate(pair.values)]
    flags = [f"{one} AS x{number}" for number, one in enumerate(differs)]
    joined = f"{cells[0].all} AS o JOIN {cells[1].all} AS n ON {_same(pair, 'o', 'n')}"
    some = " OR ".join(f"x{number}" for number in range(len(differs))) or "FALSE"
    keys_ = [f"o.{name}" for name in pair.names]
    return engine.keep(f"SELECT * FROM (SELECT {', '.join([*keys_, *flags])} FROM {joined}) WHERE {some}", compressed=True)


def _counts(engine: Engine, pair: Pair, matched: Matched) -> tuple[int, dict[str, int]]:
    """How many rows changed, and how many cells of each field."""
    counts = (f"count(*) FILTER (WHERE x{number})" for number in range(len(pair.values)))
    changed, *cells = engine.one(f"SELECT {', '.join(('count(*)', *counts))} FROM {matched.changed}")
    return changed, {field: count for field, count in zip(pair.values, cells, strict=True) if count}


def _differs(pair: Pair, field: str, number: int) -> str:
    old, new = f"o.f{number}", f"n.f{number}"
    if field not in pair.near:
        return f"{old} IS DISTINCT FROM {new}"
    return f"({old} IS DISTINCT FROM {new} AND NOT {_near(old, new, *pair.near[field])})"


def _near(old: str, new: str, absolute: float, relative: float) -> str:
    """SQL for whether two texts are numbers that differ by no more than an amount, or than a share of the larger one.

    The difference of usual decimals is exact, and is held against their share up to 15 digits. Doubles stand in for other
    numbers: they are near where the rounding doesn't matter. Whatever isn't finite is near nothing.
    """
    first, second = (sql.cast_or_null(text, "DOUBLE") for text in (old, new))
    larger = f"greatest(abs({first}), abs({second}))"
    share = f"{relative!r}::DOUBLE * {larger}"
    exact = f"abs({sql.cast_or_null(old, sql.DECIMAL)} - {sql.cast_or_null(new, sql.DECIMAL)})"
    rough = f"abs({first} - {second}) + {ROUNDED!r}::DOUBLE * {larger}"
    usual = " AND ".join(sql.full_match(text, USUAL) for text in (old, new))
    finite = f"isfinite({first}) AND isfinite({second})"
    return (
        f"CASE WHEN {usual} THEN {exact} <= {_decimal(absolute)} OR {exact}::DOUBLE <= {share} * {1 + ROUNDED!r}::DOUBLE "
        f"WHEN {finite} THEN {rough} <= greatest({absolute!r}::DOUBLE, {share}) ELSE FALSE END"
    )


USUAL = r"-?[0-9]{1,19}(\.[0-9]{1,18})?"  # two of these and their difference are DECIMALs
ROUNDED = 1e-15  # of a number, what doubles may lose or add


def _decimal(number: float) -> str:
    """SQL for a number as it is written, as a DECIMAL of which no more than a difference of usual ones is asked."""
    most, step = Decimal(10) ** 20 - 1, Decimal(1).scaleb(-18)
    return f"{min(Decimal(repr(number)), most).quantize(step, ROUND_FLOOR, Context(prec=40)):f}::{sql.DECIMAL}"


def _examples(engine: Engine, pair: Pair, matched: Matched, one_sided: str, order: str, terms: Terms) -> Iterator[RowChange]:
    """The rows that are shown, in the order of their keys."""
    old, new, width = pair.side("old"), pair.side("new"), len(pair.values)
    names, cap = ", ".join(pair.names), f" LIMIT {terms.limit_rows}" if terms.limit_rows else ""
    flags = [f"x{number}" for number in range(width)]
    both = ", ".join(["'~' AS op", names, *flags])
    single = ", ".join(["op", names, *(f"TRUE AS {flag}" for flag in flags)])
    changed = f"(SELECT {both} FROM {matched.changed} ORDER BY {order}{cap})"
    removed = f"(SELECT {single} FROM {one_sided} WHERE op = '-')"
    others = f"(SELECT * FROM (SELECT {single} FROM {one_sided} WHERE op = '+' UNION ALL {changed}) ORDER BY {order}{cap})"
    shown = f"SELECT * FROM ({removed} UNION ALL {others})"
    shown = engine.keep(shown if terms.all_removed else f"{shown} ORDER BY {order}{cap}")
    cells = [(field, f"o.f{number}", f"n.f{number}", f"s.x{number}") for number, field in enumerate(pair.values)]
    cells += [(field, f"o.f{number}", "NULL", "s.op = '-'") for number, field in enumerate(pair.lone[0], width)]
    cells += [(field, "NULL", f"n.f{number}", "s.op = '+'") for number, field in enumerate(pair.lone[1], width)]
    fields, *told = zip(*cells, strict=True) if cells else ((), (), (), ())
    selected = ", ".join(["s.op", *(f"s.{name}" for name in pair.names), *(text for texts in told for text in texts)])
    joins = [
        f"LEFT JOIN {some.having(shown)} AS {alias} ON {_same(pair, 's', alias)}"
        for alias, some in zip("on", matched.cells, strict=True)
    ]
    order = ", ".join(new.ordered(field, f"s.{name}") for field, name in zip(pair.key, pair.names, strict=True))
    for op, *found in engine.rows(f"SELECT {selected} FROM {shown} AS s {' '.join(joins)} ORDER BY {order}"):
        key, rest = found[: len(pair.key)], found[len(pair.key) :]
        before, after, differs = (rest[start * len(fields) : (start + 1) * len(fields)] for start in range(3))
        differing = {
            field: (old.shown(field, was), new.shown(field, is_))
            for field, was, is_, differ in zip(fields, before, after, differs, strict=True)
            if differ and (was, is_) != (None, None)
        }
        side = old if op == "-" else new
        named = {field: side.shown(field, text) for field, text in zip(pair.key, key, strict=True)}
        yield RowChange(OPS[op], named, differing)


OPS = {"+": "added", "-": "removed", "~": "changed"}


# Rows without a key


def _multiset(engine: Engine, pair: Pair, terms: Terms) -> ResourceDiff:
    if not pair.values:  # where both sides have fields that nobody looks at, rows are told apart by nothing
        alike = min(pair.old.rows, pair.new.rows) if pair.shares_fields else 0
        return ResourceDiff(pair.name, (), pair.new.rows - alike, pair.old.rows - alike, 0, alike, {})
    sides = [pair.side("old"), pair.side("new")]
    rows = [_matchable(engine, pair, side) for side in sides]
    signed = (f"SELECT d, {sign} AS n FROM {matchable}" for matchable, sign in zip(rows, (-1, 1), strict=True))
    candidates = engine.keep(f"SELECT d FROM ({' UNION ALL '.join(signed)}) GROUP BY d HAVING sum(n) <> 0")
    names = [f"f{number}" for number in range(len(pair.values))]
    cells = [
        _cells(
            engine,
            side,
            pair,
            f"SELECT rn FROM {matchable} SEMI JOIN {candidates} USING (d)",
            f"SEMI JOIN {candidates} AS s ON s.d = {_digest(side, pair.values)}",
        )
        for side, matchable in zip(sides, rows, strict=True)
    ]
    signed = (f"SELECT {', '.join(names)}, {sign} AS n FROM {some.all}" for some, sign in zip(cells, (-1, 1), strict=True))
    differing = engine.keep(
        f"SELECT {', '.join(names)}, sum(n) AS n FROM ({' UNION ALL '.join(signed)}) GROUP BY ALL HAVING sum(n) <> 0"
    )
    counted = f"SELECT coalesce(sum(greatest(n, 0)), 0), coalesce(sum(greatest(-n, 0)), 0) FROM {differing}"
    added, removed = (int(value) for value in engine.one(counted))
    shown = tuple(_whole_rows(engine, pair, differing, terms))
    return ResourceDiff(pair.name, (), added, removed, 0, pair.old.rows - removed, {}, shown, len(shown) < added + removed)


def _whole_rows(engine: Engine, pair: Pair, differing: str, terms: Terms) -> Iterator[RowChange]:
    """The rows that one side has more often, in the order of their texts, each as often as it has it more."""
    cap = f" LIMIT {terms.limit_rows}" if terms.limit_rows else ""
    shown = 0
    for *cells, n in engine.rows(f"SELECT * FROM {differing} ORDER BY ALL{cap}"):
        side = pair.side("new" if n > 0 else "old")
        texts = {field: side.shown(field, cell) for field, cell in zip(pair.values, cells, strict=True) if cell is not None}
        both = {field: (None, text) if n > 0 else (text, None) for field, text in texts.items()}
        for _ in range(abs(int(n))):
            if terms.limit_rows and shown == terms.limit_rows:
                return
            shown += 1
            yield RowChange("added" if n > 0 else "removed", {}, both)
