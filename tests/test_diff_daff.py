"""The counts of the diff of small tables against daff's, which matches rows by the same key."""

from __future__ import annotations

from collections import Counter
from typing import Any

import daff
from hypothesis import given
from hypothesis import strategies as st
from packages import examples
from test_diff_oracle import NULL, diff_of

TEXTS = ["", "a", "b", "B", "a b", " a", "ö", "1", "01", "1.0", "->", "NULL", '"', "a,b", "a\nb"]
Table = list[list[Any]]
WORDS = ("added", "removed", "changed")


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, Table, Table]:
    """How many columns are the key, and both tables under their headers: one of them may lack the last column."""
    keys, others = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    header: list[Any] = [f"k{number}" for number in range(keys)] + [f"v{number}" for number in range(others)]
    known = draw(st.lists(st.sampled_from(TEXTS).filter(bool), min_size=2, max_size=4))  # daff matches no row by an empty text
    key = st.tuples(*[st.sampled_from(known)] * keys)
    cells = st.tuples(*[st.none() | st.sampled_from(TEXTS)] * others)
    sides = []
    for lacks in draw(st.sampled_from([(0, 0), (0, 0), (0, 1), (1, 0)])):
        rows = draw(st.dictionaries(key, cells, min_size=draw(st.integers(0, 2)), max_size=9))
        table = [header, *([*one, *rows[one]] for one in draw(st.permutations(sorted(rows))))]
        sides.append([row[: len(header) - lacks * (others > 1)] for row in table])
    return keys, sides[0], sides[1]


def daff_counts(keys: int, old: Table, new: Table) -> dict[str, Any]:
    """Rows added, removed and changed, and cells changed of each field, as daff has them."""
    flags = daff.CompareFlags()
    flags.ordered = False
    flags.show_unchanged_columns = True
    for name in old[0][:keys]:
        flags.addPrimaryKey(name)
    views = [daff.PythonTableView([list(row) for row in side]) for side in (old, new)]
    difference = daff.TableDiff(daff.Coopy.compareTables(*views, flags).align(), flags)
    difference.setCellBuilder(daff.NestedCellBuilder())  # a cell that changed is a dictionary
    shown = daff.PythonTableView([])
    difference.hilite(shown)
    header = next((row[1:] for row in shown.data if row[0] == "@@"), [])
    fields = Counter(name for row in shown.data for name, cell in zip(header, row[1:], strict=True) if isinstance(cell, dict))
    summary = difference.getSummary()
    rows = (summary.row_inserts, summary.row_deletes, summary.row_updates)
    return {**dict(zip(WORDS, rows, strict=True)), "fields": dict(fields)}


def package(keys: list[int], tables: list[Table]) -> dict[str, Any]:
    """The tables as CSV, all of whose values are quoted."""
    files: dict[str, Any] = {}
    resources: list[dict[str, Any]] = []
    for count, (names, *rows) in zip(keys, tables, strict=True):
        name = f"t{len(resources)}"
        fields = [{"name": name, "type": "string"} for name in names]
        schema = {"fields": fields, "missingValues": [NULL], "primaryKey": names[:count]}
        resources.append({"name": name, "type": "table", "path": f"{name}.csv", "schema": schema})
        files[f"{name}.csv"] = "".join(map(line, [names, *rows]))
    return {"datapackage.json": {"name": "p", "version": "1.0.0", "resources": resources}, **files}


def line(row: list[Any]) -> str:
    return ",".join('"' + (NULL if cell is None else cell).replace('"', '""') + '"' for cell in row) + "\n"


@examples(20)
@given(st.lists(tables(), min_size=1, max_size=6))
def test_counts_are_those_of_daff(drawn: list[tuple[int, Table, Table]]) -> None:
    keys, *sides = ([*side] for side in zip(*drawn, strict=True))
    changes = diff_of(*(package(keys, side) for side in sides))
    found = [{**{word: getattr(one, word) for word in WORDS}, "fields": dict(one.fields)} for one in changes.resources]
    assert found == [daff_counts(*one) for one in drawn]
