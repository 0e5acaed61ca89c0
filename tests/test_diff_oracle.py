"""The diff of random small tables against one made of Python dictionaries and counters."""

from __future__ import annotations

import csv
import datetime
import io
import tempfile
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packages import write

from imprint import descriptor, difference
from imprint.changes import Changes, ResourceDiff, Terms

NULL = "-"  # the only missing value, so that the empty string is a value of its own
TEXTS = st.text('ab0 ,;"\n\r\tö\u0301-', max_size=4).filter(lambda text: text != NULL)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "string": TEXTS,
    "integer": st.integers(-3, 3) | st.integers(-(10**24), 10**24),
    "number": st.decimals(-99, 99, places=2, allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "date": st.dates(datetime.date(1999, 12, 30), datetime.date(2000, 1, 2)),
    "list": st.lists(st.sampled_from(["a", "b", "b c"]), min_size=1, max_size=3),
}
# Ways to write a value; the first is the plain one.
SPELLINGS: dict[str, list[Any]] = {
    "integer": [str, "{:+d}".format, lambda value: str(value) if value < 0 else f"00{value}"],
    "number": [str, "{:+.2f}".format, "{:.4f}".format, "{:E}".format],
    "boolean": [{True: "true", False: "false"}.get, {True: "1", False: "0"}.get, {True: "TRUE", False: "False"}.get],
    "list": [",".join],
}


@dataclass(frozen=True)
class Pair:
    """A table on both sides: types of its columns, the first `keys` of which are the key, and its rows."""

    types: tuple[str, ...]
    keys: int
    old: tuple[tuple[Any, ...], ...]
    new: tuple[tuple[Any, ...], ...]

    @property
    def names(self) -> list[str]:
        return [f"{kind} {number}" for number, kind in enumerate(self.types)]


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    keys = draw(st.integers(0, 2))
    types = [*draw(st.lists(st.sampled_from(["string", "integer", "date"]), min_size=keys, max_size=keys))]
    types += draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=3))
    cells = [VALUES[kind] if number < keys else st.none() | VALUES[kind] for number, kind in enumerate(types)]
    # Few values per column, so that rows of both sides meet.
    row = st.tuples(*(st.sampled_from(draw(st.lists(cell, min_size=1, max_size=3))) for cell in cells))
    sides = [draw(st.lists(row, max_size=7)) for _ in range(2)]
    if keys:
        sides = [list({one[:keys]: one for one in side}.values()) for side in sides]
    return Pair(tuple(types), keys, tuple(sides[0]), tuple(sides[1]))


def table(draw: st.DrawFn, pair: Pair, rows: tuple[tuple[Any, ...], ...]) -> str:
    """The rows as CSV, each value in some spelling, all in some order and some style."""
    style = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, quoting=style, lineterminator=draw(st.sampled_from(["\n", "\r\n"])))
    writer.writerow(pair.names)
    for row in draw(st.permutations(rows)):
        ways = [draw(st.sampled_from(SPELLINGS.get(kind, [str]))) for kind in pair.types]
        cells = [NULL if value is None else way(value) for value, way in zip(row, ways, strict=True)]
        if any("\r" in cell for cell in cells):  # the csv module of older Pythons leaves a lone CR unquoted
            sink.write(",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\n")
        else:
            writer.writerow(cells)
    return sink.getvalue()


@st.composite
def package_pairs(draw: st.DrawFn) -> tuple[list[Pair], list[dict[str, Any]]]:
    """Some tables, and both packages' files."""
    listed = draw(st.lists(pairs(), min_size=1, max_size=4))
    resources = [
        {
            "name": f"t{number}", "type": "table", "path": f"t{number}.csv",
            "schema": {
                "fields": [{"name": n, "type": kind} for n, kind in zip(pair.names, pair.types, strict=True)],
                "missingValues": [NULL],
                **({"primaryKey": pair.names[: pair.keys]} if pair.keys else {}),
            },
        }
        for number, pair in enumerate(listed)
    ]  # fmt: skip
    descriptor = {"name": "p", "version": "1.0.0", "resources": resources}
    sides = [
        {f"t{number}.csv": table(draw, pair, getattr(pair, side)) for number, pair in enumerate(listed)}
        for side in ("old", "new")
    ]
    return listed, [{"datapackage.json": descriptor, **side} for side in sides]


def expected_of(pair: Pair) -> tuple[int, int, int, int, dict[str, int]]:
    """Added, removed, changed, unchanged and cells changed per field, the slow and plain way."""
    if not pair.keys:
        old, new = (Counter(tuple(map(repr, row)) for row in side) for side in (pair.old, pair.new))
        return (new - old).total(), (old - new).total(), 0, (old & new).total(), {}
    before, after = ({row[: pair.keys]: row for row in side} for side in (pair.old, pair.new))
    both = before.keys() & after.keys()
    changed = [key for key in both if before[key] != after[key]]
    fields = Counter(
        name for key in both for name, was, is_ in zip(pair.names, before[key], after[key], strict=True) if was != is_
    )
    added, removed = after.keys() - before.keys(), before.keys() - after.keys()
    return len(added), len(removed), len(changed), len(both) - len(changed), dict(fields)


def counts(found: ResourceDiff) -> tuple[int, int, int, int, dict[str, int]]:
    return found.added, found.removed, found.changed, found.unchanged, dict(found.fields)


def diff_of(old: dict[str, Any], new: dict[str, Any], **options: Any) -> Changes:
    with tempfile.TemporaryDirectory() as folder:
        before, after = (write(Path(folder, name), files) for name, files in (("old", old), ("new", new)))
        (first, _), (second, _) = (descriptor.load(path / "datapackage.json") for path in (before, after))
        return difference.diff(first, second, Terms(**options))


def modest(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))


@modest(25)
@given(package_pairs())
def test_counts_are_those_of_dictionaries_and_counters(drawn: tuple[list[Pair], list[dict[str, Any]]]) -> None:
    listed, (old, new) = drawn
    changes = diff_of(old, new)
    assert [counts(found) for found in changes.resources] == [expected_of(pair) for pair in listed]


@modest(6)
@given(package_pairs())
def test_a_package_does_not_differ_from_itself(drawn: tuple[list[Pair], list[dict[str, Any]]]) -> None:
    _, (old, _) = drawn
    changes = diff_of(old, old)
    assert changes.differences == ()
    assert all(counts(found)[:3] == (0, 0, 0) and not found.rows for found in changes.resources)
    assert changes.old.fingerprint == changes.new.fingerprint


@modest(10)
@given(package_pairs())
def test_the_diff_back_mirrors_the_diff(drawn: tuple[list[Pair], list[dict[str, Any]]]) -> None:
    _, (old, new) = drawn
    there, back = diff_of(old, new, limit_rows=0), diff_of(new, old, limit_rows=0)
    assert (there.old, there.new) == (back.new, back.old)
    mirror = {"added": "removed", "removed": "added", "changed": "changed"}
    for one, other in zip(there.resources, back.resources, strict=True):
        removed, added, *rest = counts(other)
        assert counts(one) == (added, removed, *rest)
        turned = [(mirror[row.op], row.key, {field: pair[::-1] for field, pair in row.cells.items()}) for row in other.rows]
        assert sorted(map(repr, ((row.op, row.key, row.cells) for row in one.rows))) == sorted(map(repr, turned))


@modest(6)
@given(package_pairs())
def test_without_a_limit_every_row_that_differs_is_listed(drawn: tuple[list[Pair], list[dict[str, Any]]]) -> None:
    _, (old, new) = drawn
    for found in diff_of(old, new, limit_rows=0).resources:
        assert Counter(row.op for row in found.rows) == +Counter(
            added=found.added, removed=found.removed, changed=found.changed
        )
        assert not found.sampled


@modest(6)
@given(package_pairs(), st.integers(1, 3))
def test_a_limit_leaves_the_totals_exact(drawn: tuple[list[Pair], list[dict[str, Any]]], limit: int) -> None:
    listed, (old, new) = drawn
    for pair, found in zip(listed, diff_of(old, new, limit_rows=limit).resources, strict=True):
        assert counts(found) == expected_of(pair)
        total = found.added + found.removed + found.changed
        assert len(found.rows) == min(limit, total)
        assert found.sampled == (total > limit)


def test_numbers_are_compared_as_decimals_not_as_doubles() -> None:
    fields = [{"name": "id", "type": "integer"}, {"name": "n", "type": "number"}]
    resource = {"name": "t", "type": "table", "path": "t.csv", "schema": {"fields": fields, "primaryKey": "id"}}
    close = [Decimal("0.1"), Decimal("0.1000000000000000055511151231257827")]
    assert float(close[0]) == float(close[1])
    files = [{"datapackage.json": {"name": "p", "resources": [resource]}, "t.csv": f"id,n\n1,{number}\n"} for number in close]
    assert diff_of(*files).resources[0].changed == 1


@modest(6)
@given(package_pairs())
def test_all_removed_lists_every_removed_row_that_has_a_key_beyond_the_limit(
    drawn: tuple[list[Pair], list[dict[str, Any]]],
) -> None:
    listed, (old, new) = drawn
    for pair, found in zip(listed, diff_of(old, new, limit_rows=1, all_removed=True).resources, strict=True):
        if pair.keys:
            removed = [row for row in found.rows if row.op == "removed"]
            assert len(removed) == found.removed
            assert len(found.rows) - len(removed) == min(1, found.added + found.changed)
