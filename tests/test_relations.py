"""Relationships between fields: what the cases of cases/validate/relations-* say holds for any table, and its totals are exact."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packages import examples, write

import imprint

Rows = Sequence[tuple[str, str]]
HEADER = 1
CELL = st.sampled_from(["a", "b", "c", "d", ""])
ROWS = st.lists(st.tuples(CELL, CELL).filter(any), max_size=12)


def checked(folder: Path, rows: Rows, link: str, limit: int = 0) -> imprint.Report:
    """A table of two fields that are linked."""
    fields = [{"name": "x", "type": "string"}, {"name": "y", "type": "string"}]
    schema = {"fields": fields, "relationships": [{"fields": ["x", "y"], "link": link}]}
    resource = {"name": "table", "type": "table", "path": "table.csv", "schema": schema}
    csv = "x,y\n" + "".join(f"{x},{y}\n" for x, y in rows)
    return imprint.validate(write(folder, {"table.csv": csv, "datapackage.json": {"resources": [resource]}}), limit=limit)


def expected(rows: Rows, link: str) -> list[int]:
    """The numbers of the rows that break a link, found the slow way."""
    full = [(row, x, y) for row, (x, y) in enumerate(rows, HEADER + 1) if x and y]
    if link == "crossed":
        pairs = {(x, y) for _, x, y in full}
        lacking = {x for x, y in itertools.product({x for x, _ in pairs}, {y for _, y in pairs}) if (x, y) not in pairs}
        return sorted(min(row for row, x, _ in full if x == one) for one in lacking)
    first_y = {x: y for _, x, y in reversed(full)}
    first_x = {y: x for _, x, y in reversed(full)}
    return [row for row, x, y in full if first_y[x] != y or (link == "coupled" and first_x[y] != x)]


@pytest.mark.parametrize("link", ["derived", "coupled", "crossed"])
def test_the_rows_reported_are_those_that_break_the_link(link: str) -> None:
    @examples(40)
    @given(rows=ROWS)
    def holds(rows: Rows) -> None:
        with tempfile.TemporaryDirectory() as folder:
            found = checked(Path(folder), rows, link).all_errors
        assert [error.row_number for error in found if error.type == "relationship-error"] == expected(rows, link)

    holds()


@pytest.mark.parametrize(("link", "total"), [("derived", 3000), ("coupled", 4000), ("crossed", 1500)])
def test_totals_are_exact_where_examples_are_capped(tmp_path: Path, link: str, total: int) -> None:
    rows = [(str(row % 500), str(row % 1000) if row < 5000 else "x") for row in range(5500)]
    rows += [(str(row), "1") for row in range(1000, 2000)]
    (task,) = checked(tmp_path, rows, link, limit=7).tasks
    assert total == len(expected(rows, link))
    assert [(one.type, one.field, one.count) for one in task.totals] == [("relationship-error", "x, y", total)]
    assert [error.row_number for error in task.errors] == expected(rows, link)[:7] and task.sampled
