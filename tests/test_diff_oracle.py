"""The diff of random small tables against one made of Python dictionaries and counters."""

from __future__ import annotations

import csv
import datetime
import io
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from packages import examples, write

from imprint import descriptor, difference
from imprint.changes import Changes, ResourceDiff, RowChange, Terms

NULL = "-"  # a missing value; of most tables the only one, so that the empty string is a value of its own
TEXTS = st.text('ab0 ,;"\n\r\tö\u0301-', max_size=4).filter(lambda text: text != NULL)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "string": TEXTS,
    "integer": st.integers(-3, 3) | st.integers(-(10**24), 10**24),
    "number": st.decimals(-99, 99, places=2, allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "date": st.dates(datetime.date(1999, 12, 30), datetime.date(2000, 1, 2)),
    "list": st.lists(st.sampled_from(["a", "b", "b c"]), min_size=1, max_size=3).map(tuple),
}
KINDS = sorted(VALUES)
# Ways to write a value; the first is the plain one.
SPELLINGS: dict[str, list[Any]] = {
    "integer": [str, "{:+d}".format, lambda value: str(value) if value < 0 else f"00{value}"],
    "number": [str, "{:+.2f}".format, "{:.4f}".format, "{:E}".format],
    "boolean": [{True: "true", False: "false"}.get, {True: "1", False: "0"}.get, {True: "TRUE", False: "False"}.get],
    "list": [",".join],
}
# The value that a text of a diff stands for, where that is not the text.
READ: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "number": Decimal,
    "boolean": {"true": True, "false": False}.__getitem__,
    "date": datetime.date.fromisoformat,
    "list": lambda text: tuple(text.split(",")),
}
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Side:
    """A table in one of the packages: its missing value, its columns in their order, and its rows."""

    null: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Pair:
    """A table in both packages: types of all columns that it has on a side, and its key, which a schema says unless `given`."""

    types: Mapping[str, str]
    key: tuple[str, ...]
    given: bool
    old: Side
    new: Side

    @property
    def common(self) -> list[str]:
        return [name for name in self.types if name in self.old.columns and name in self.new.columns]


@st.composite
def pairs(draw: st.DrawFn, others: Sequence[str] = KINDS) -> Pair:
    keys, given_ = draw(st.integers(0, 2)), draw(st.booleans())
    kinds = [*draw(st.lists(st.sampled_from(["string", "integer", "date"]), min_size=keys, max_size=keys))]
    kinds += draw(st.lists(st.sampled_from(others), min_size=1, max_size=3))
    types = {f"{kind} {number}": kind for number, kind in enumerate(kinds)}
    key = tuple(types)[:keys]
    # A null is a value of a key that no schema says.
    cells = {name: VALUES[kind] if name in key and not given_ else st.none() | VALUES[kind] for name, kind in types.items()}
    known = draw(st.lists(st.fixed_dictionaries(cells), min_size=2, max_size=4, unique_by=lambda row: identity(row, types)))
    return Pair(types, key, given_, *(draw(sides(known, key, given_)) for _ in range(2)))


@st.composite
def sides(draw: st.DrawFn, known: list[Row], key: tuple[str, ...], given_: bool) -> Side:
    """Known rows, some with the key of another. Mostly all columns in their order, else some with the key or the first one."""
    columns = [*known[0]]
    if draw(st.sampled_from([False, False, True])):
        gone = draw(st.sets(st.sampled_from(columns))) - set(key or columns[:1])
        columns = draw(st.permutations([name for name in columns if name not in gone]))
    one = st.sampled_from(known)
    mixed = st.builds(lambda row, other: {**row, **{name: other[name] for name in key}}, one, one)
    rows = draw(st.lists(one | mixed, min_size=draw(st.sampled_from([4, 2, 0])), max_size=7))
    null = draw(st.sampled_from([NULL, NULL, ""])) if given_ else NULL
    rows = [{name: None if value == null else value for name, value in row.items()} for row in rows]
    if key:
        rows = [*{identity(row, key): row for row in rows}.values()]
    return Side(null, tuple(columns), tuple({name: row[name] for name in columns} for row in rows))


def identity(row: Row, names: Iterable[str]) -> tuple[Any, ...]:
    """The values of some columns."""
    return tuple(row[name] for name in names)


def table(draw: st.DrawFn, types: Mapping[str, str], side: Side) -> str:
    """The rows as CSV, each value in some spelling, all in some order and some style."""
    style = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, quoting=style, lineterminator=draw(st.sampled_from(["\n", "\r\n"])))
    writer.writerow(side.columns)
    for row in draw(st.permutations(side.rows)):
        ways = [draw(st.sampled_from(SPELLINGS.get(types[name], [str]))) for name in row]
        cells = [side.null if value is None else way(value) for value, way in zip(row.values(), ways, strict=True)]
        if any("\r" in cell for cell in cells):  # the csv module of older Pythons leaves a lone CR unquoted
            sink.write(",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\n")
        else:
            writer.writerow(cells)
    return sink.getvalue()


def schema(pair: Pair, side: Side) -> dict[str, Any]:
    fields = [{"name": name, "type": pair.types[name]} for name in side.columns]
    key = {"primaryKey": list(pair.key)} if pair.key and not pair.given else {}
    return {"fields": fields, "missingValues": [side.null], **key}


@dataclass(frozen=True)
class Drawn:
    """Some tables, both packages' files, and the keys that no schema says."""

    pairs: list[Pair]
    old: dict[str, Any]
    new: dict[str, Any]

    @property
    def keys(self) -> dict[str, tuple[str, ...]]:
        return {f"t{number}": pair.key for number, pair in enumerate(self.pairs) if pair.key and pair.given}


@st.composite
def package_pairs(draw: st.DrawFn, others: Sequence[str] = KINDS) -> Drawn:
    listed = draw(st.lists(pairs(others), min_size=1, max_size=4))
    packages = []
    for word in ("old", "new"):
        tables = [(f"t{number}", pair, getattr(pair, word)) for number, pair in enumerate(listed)]
        resources = [
            {"name": name, "type": "table", "path": f"{name}.csv", "schema": schema(pair, side)} for name, pair, side in tables
        ]
        files = {f"{name}.csv": table(draw, pair.types, side) for name, pair, side in tables}
        packages.append({"datapackage.json": {"name": "p", "version": "1.0.0", "resources": resources}, **files})
    return Drawn(listed, *packages)


@dataclass(frozen=True)
class Expected:
    """Rows added and removed, pairs of rows changed, and how many are the same: the slow and plain way."""

    added: list[Row]
    removed: list[Row]
    changed: list[tuple[Row, Row]]
    unchanged: int

    def cells(self, names: list[str]) -> dict[str, int]:
        return dict(Counter(name for was, is_ in self.changed for name in names if was[name] != is_[name]))

    def listed(self, key: tuple[str, ...], names: list[str]) -> Counter[Any]:
        """The rows as `listed` has them: one with a key that is on one side with all that it holds."""
        sided = [("added", None, row) for row in self.added] + [("removed", row, None) for row in self.removed]
        rows: Counter[Any] = Counter()
        for op, was, is_ in [*sided, *(("changed", *pair) for pair in self.changed)]:
            some = was or is_ or {}
            shown = [*some] if key and op != "changed" else names
            cells = {name: (was and was[name], is_ and is_[name]) for name in shown if name not in key}
            differing = {name: pair for name, pair in cells.items() if pair[0] != pair[1]}
            rows[op, frozenset((name, some[name]) for name in key), frozenset(differing.items())] += 1
        return rows


def expected_of(pair: Pair) -> Expected:
    before, after = list(pair.old.rows), list(pair.new.rows)
    if pair.key:
        old, new = ({identity(row, pair.key): row for row in rows} for rows in (before, after))
        both = [(old[key], new[key]) for key in old if key in new]
        changed = [(was, is_) for was, is_ in both if identity(was, pair.common) != identity(is_, pair.common)]
        added, removed = ([mine[key] for key in mine if key not in other] for mine, other in ((new, old), (old, new)))
        return Expected(added, removed, changed, len(both) - len(changed))
    added, removed = list(after), []
    for row in before:
        same = next((one for one in added if identity(one, pair.common) == identity(row, pair.common)), None)
        removed += [row] if same is None else []
        added = [one for one in added if one is not same]
    return Expected(added, removed, [], len(before) - len(removed))


def expected_counts(pair: Pair) -> tuple[int, int, int, int, dict[str, int]]:
    expected = expected_of(pair)
    sizes = [len(rows) for rows in (expected.added, expected.removed, expected.changed)]
    return (sizes[0], sizes[1], sizes[2], expected.unchanged, expected.cells(pair.common))


def listed(pair: Pair, rows: Iterable[RowChange]) -> Counter[Any]:
    """The rows that a diff lists, with values for texts: what was done, the key, and both values of each cell."""

    def value(name: str, text: str | None) -> Any:
        return None if text is None else READ.get(pair.types[name], str)(text)

    return Counter(
        (
            row.op,
            frozenset((name, value(name, text)) for name, text in row.key.items()),
            frozenset((name, (value(name, was), value(name, is_))) for name, (was, is_) in row.cells.items()),
        )
        for row in rows
    )


def counts(found: ResourceDiff) -> tuple[int, int, int, int, dict[str, int]]:
    return found.added, found.removed, found.changed, found.unchanged, dict(found.fields)


def diff_of(old: dict[str, Any], new: dict[str, Any], **options: Any) -> Changes:
    with tempfile.TemporaryDirectory() as folder:
        before, after = (write(Path(folder, name), files) for name, files in (("old", old), ("new", new)))
        (first, _), (second, _) = (descriptor.load(path / "datapackage.json") for path in (before, after))
        return difference.diff(first, second, Terms(**options))


@examples(20)
@given(package_pairs())
def test_counts_are_those_of_dictionaries_and_counters(drawn: Drawn) -> None:
    changes = diff_of(drawn.old, drawn.new, keys=drawn.keys)
    assert [counts(found) for found in changes.resources] == [expected_counts(pair) for pair in drawn.pairs]


@examples(6)
@given(package_pairs())
def test_a_package_does_not_differ_from_itself(drawn: Drawn) -> None:
    changes = diff_of(drawn.old, drawn.old, keys=drawn.keys)
    assert changes.differences == ()
    assert all(counts(found)[:3] == (0, 0, 0) and not found.rows for found in changes.resources)
    assert changes.old.fingerprint == changes.new.fingerprint


@examples(8)
@given(package_pairs())
def test_the_diff_back_mirrors_the_diff(drawn: Drawn) -> None:
    there = diff_of(drawn.old, drawn.new, keys=drawn.keys, limit_rows=0)
    back = diff_of(drawn.new, drawn.old, keys=drawn.keys, limit_rows=0)
    assert (there.old, there.new) == (back.new, back.old)
    for pair, one, other in zip(drawn.pairs, there.resources, back.resources, strict=True):
        removed, added, *rest = counts(other)
        assert counts(one) == (added, removed, *rest)
        assert listed(pair, one.rows) == listed(pair, map(mirrored, other.rows))


def mirrored(row: RowChange) -> RowChange:
    op = {"added": "removed", "removed": "added", "changed": "changed"}[row.op]
    return RowChange(op, row.key, {field: pair[::-1] for field, pair in row.cells.items()})


@examples(10)
@given(package_pairs())
def test_without_a_limit_every_row_that_differs_is_listed_with_its_cells(drawn: Drawn) -> None:
    changes = diff_of(drawn.old, drawn.new, keys=drawn.keys, limit_rows=0)
    for pair, found in zip(drawn.pairs, changes.resources, strict=True):
        assert listed(pair, found.rows) == expected_of(pair).listed(pair.key, pair.common)
        assert not found.sampled


@examples(6)
@given(package_pairs(), st.integers(1, 3))
def test_a_limit_leaves_the_totals_exact(drawn: Drawn, limit: int) -> None:
    changes = diff_of(drawn.old, drawn.new, keys=drawn.keys, limit_rows=limit)
    for pair, found in zip(drawn.pairs, changes.resources, strict=True):
        assert counts(found) == expected_counts(pair)
        total = found.added + found.removed + found.changed
        assert len(found.rows) == min(limit, total)
        assert found.sampled == (total > limit)
        assert listed(pair, found.rows) <= expected_of(pair).listed(pair.key, pair.common)


@examples(6)
@given(package_pairs())
def test_columns_that_come_go_or_move_are_named(drawn: Drawn) -> None:
    changes = diff_of(drawn.old, drawn.new, keys=drawn.keys)
    found = {(one.rule, one.resource, one.field) for one in changes.differences if one.rule.startswith("field")}
    expected: set[tuple[str, str, str | None]] = set()
    for name, pair in zip((one.name for one in changes.resources), drawn.pairs, strict=True):
        old, new = pair.old.columns, pair.new.columns
        expected |= {("field-removed", name, field) for field in old if field not in new}
        expected |= {("field-added", name, field) for field in new if field not in old}
        if [field for field in old if field in new] != [field for field in new if field in old]:
            expected.add(("fields-reordered", name, None))
    assert found == expected


@examples(6)
@given(package_pairs())
def test_an_ignored_column_is_as_if_it_were_not_there(drawn: Drawn) -> None:
    spare = {
        f"t{number}": pair.common[-1] for number, pair in enumerate(drawn.pairs) if len(pair.common) > max(1, len(pair.key))
    }
    changes = diff_of(drawn.old, drawn.new, keys=drawn.keys, ignored=frozenset(map(".".join, spare.items())))
    for pair, found in zip(drawn.pairs, changes.resources, strict=True):
        types = {name: kind for name, kind in pair.types.items() if name != spare.get(found.name)}
        assert counts(found) == expected_counts(replace(pair, types=types))


@examples(8)
@given(package_pairs(["number"]))
def test_numbers_within_a_tolerance_are_the_same(drawn: Drawn) -> None:
    limit = Decimal(50)
    numbers = [[name for name in pair.common if pair.key and pair.types[name] == "number"] for pair in drawn.pairs]
    paths = {f"t{number}.{name}": float(limit) for number, names in enumerate(numbers) for name in names}
    changes = diff_of(drawn.old, drawn.new, keys=drawn.keys, absolute=paths)
    for pair, found, close in zip(drawn.pairs, changes.resources, numbers, strict=True):
        cells = [
            [
                name
                for name in pair.common
                if was[name] != is_[name] and not (name in close and near(was[name], is_[name], limit))
            ]
            for was, is_ in expected_of(pair).changed
        ]
        assert found.changed == sum(map(bool, cells))
        assert found.fields == Counter(name for names in cells for name in names)


def near(one: Decimal | None, other: Decimal | None, limit: Decimal) -> bool:
    return one is not None and other is not None and abs(one - other) <= limit


def test_numbers_are_compared_as_decimals_not_as_doubles() -> None:
    fields = [{"name": "id", "type": "integer"}, {"name": "n", "type": "number"}]
    resource = {"name": "t", "type": "table", "path": "t.csv", "schema": {"fields": fields, "primaryKey": "id"}}
    close = [Decimal("0.1"), Decimal("0.1000000000000000055511151231257827")]
    assert float(close[0]) == float(close[1])
    files = [{"datapackage.json": {"name": "p", "resources": [resource]}, "t.csv": f"id,n\n1,{number}\n"} for number in close]
    assert diff_of(*files).resources[0].changed == 1


@examples(6)
@given(package_pairs())
def test_all_removed_lists_every_removed_row_that_has_a_key_beyond_the_limit(drawn: Drawn) -> None:
    changes = diff_of(drawn.old, drawn.new, keys=drawn.keys, limit_rows=1, all_removed=True)
    for pair, found in zip(drawn.pairs, changes.resources, strict=True):
        if pair.key:
            removed = [row for row in found.rows if row.op == "removed"]
            assert len(removed) == found.removed
            assert len(found.rows) - len(removed) == min(1, found.added + found.changed)
