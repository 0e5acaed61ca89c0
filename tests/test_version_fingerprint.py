"""Fingerprints stay the same where the values do, and change with any one of them."""

from __future__ import annotations

import csv
import io
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from packages import examples, write

from imprint import descriptor, fingerprint
from imprint.engine import Engine
from imprint.findings import Findings
from imprint.fingerprint import Fingerprint
from imprint.validation import check_tables

NAMES = ("id", "name", "n", "ok")
TYPES = ("integer", "string", "number", "boolean")
CELLS = st.tuples(
    st.integers(0, 10**6),
    st.none() | st.text('ab ,;"\n~:1\xe9', max_size=4).filter(lambda text: text != "-"),
    st.none() | st.integers(-9999, 9999).map(lambda n: n / 100),
    st.none() | st.booleans(),
)
ROWS = st.lists(CELLS, min_size=1, max_size=6)


def prints(*tables: tuple[str, Any]) -> list[Fingerprint]:
    """The fingerprint of each table: a format, and its rows or its text."""
    resources = [
        {
            "name": f"t{number}", "type": "table", "path": f"t{number}.{form}",
            "schema": {
                "fields": [{"name": name, "type": kind} for name, kind in zip(NAMES, TYPES, strict=True)],
                "missingValues": ["-"],
            },
        }
        for number, (form, _) in enumerate(tables)
    ]  # fmt: skip
    files = {f"t{number}.{form}": content for number, (form, content) in enumerate(tables)}
    with tempfile.TemporaryDirectory() as folder:
        base = write(Path(folder), {"datapackage.json": {"name": "p", "resources": resources}, **files})
        package, _ = descriptor.load(base / "datapackage.json")
        found = {resource.name: Findings(resource.name, 1) for resource in package.resources}
        inputs = [file for resource in package.resources for file in resource.files]
        with Engine(inputs) as engine, ThreadPoolExecutor(2) as pool:
            return [fingerprint.of_table(engine, one) for one in check_tables(engine, package, found, pool).values()]


def text(cell: Any) -> str:
    return "-" if cell is None else str(cell).lower() if isinstance(cell, bool) else str(cell)


def as_csv(rows: list[tuple[Any, ...]], quoting: int = csv.QUOTE_MINIMAL, end: str = "\n") -> tuple[str, str]:
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, quoting=quoting, lineterminator=end)  # type: ignore[arg-type]
    writer.writerow(NAMES)
    writer.writerows([text(cell) for cell in row] for row in rows)
    return "csv", sink.getvalue()


def as_json(rows: list[tuple[Any, ...]]) -> tuple[str, list[dict[str, Any]]]:
    return "json", [dict(zip(NAMES, row, strict=True)) for row in rows]


@examples(8)
@given(ROWS, st.randoms(use_true_random=False))
def test_order_quoting_line_ends_and_format_do_not_show(rows: list[tuple[Any, ...]], random: Any) -> None:
    shuffled = random.sample(rows, len(rows))
    same = [as_csv(rows), as_csv(shuffled), as_csv(shuffled, csv.QUOTE_ALL), as_csv(rows, end="\r\n"), as_json(shuffled)]
    found = prints(*same)
    assert found == [found[0]] * len(same)
    assert found[0].rows == len(rows)


@examples(8)
@given(ROWS, CELLS, st.data())
def test_one_other_cell_changes_the_table_and_just_its_column(
    rows: list[tuple[Any, ...]], other: Any, data: st.DataObject
) -> None:
    row, column = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(0, len(NAMES) - 1))
    assume(rows[row][column] != other[column])
    changed = [list(cells) for cells in rows]
    changed[row][column] = other[column]
    before, after = prints(as_csv(rows), as_csv([tuple(cells) for cells in changed]))
    assert before.table != after.table
    assert [name for name in NAMES if before.columns[name] != after.columns[name]] == [NAMES[column]]


@examples(8)
@given(ROWS, st.integers(0, 5))
def test_a_duplicate_row_counts(rows: list[tuple[Any, ...]], which: int) -> None:
    once, twice, thrice = prints(*(as_csv(rows + [rows[which % len(rows)]] * times) for times in range(3)))
    assert len({once.table, twice.table, thrice.table}) == 3
    assert all(len({one.columns[name] for one in (once, twice, thrice)}) == 3 for name in NAMES)


def test_a_null_is_not_the_empty_string_nor_the_text_that_stands_for_null_inside() -> None:
    found = prints(*(as_csv([(1, cell, None, None)]) for cell in (None, "", "~", "1:~")))
    assert len({one.table for one in found}) == len({one.columns["name"] for one in found}) == 4


def test_where_one_cell_ends_and_the_next_begins_shows() -> None:
    one, other = prints(as_csv([(1, "a", 1, None), (2, "b", 2, None)]), as_csv([(1, "b", 1, None), (2, "a", 2, None)]))
    assert one.columns == other.columns
    assert one.table != other.table


def test_an_empty_table_has_a_fingerprint_of_its_own() -> None:
    empty, one = prints(as_csv([]), as_csv([(1, None, None, None)]))
    assert (empty.rows, one.rows) == (0, 1)
    assert empty.table != one.table


def test_the_fingerprint_is_the_documented_one() -> None:
    """Worked out by hand: other programs can check a release by it."""
    import hashlib

    def table(rows: list[str]) -> str:
        total = sum(int(hashlib.sha256(row.encode()).hexdigest(), 16) for row in rows) % 2**256
        return hashlib.sha256(f"{len(rows)}:{total:064x}".encode()).hexdigest()

    (found,) = prints(as_csv([(10, "é,b", 1.5, True), (2, None, None, None)]))
    assert found.table == table(["2:103:é,b3:1.54:true", "1:2~~~"])
    assert found.columns == {
        "id": table(["2:10", "1:2"]),
        "name": table(["3:é,b", "~"]),
        "n": table(["3:1.5", "~"]),
        "ok": table(["4:true", "~"]),
    }


@examples(8)
@given(rows=ROWS, batch=st.sampled_from([1, 2, 8]), repeated=st.sampled_from([0.0, 0.7, 9.0]))
def test_a_large_table_is_digested_otherwise_to_the_same_end(rows: list[Any], batch: int, repeated: float) -> None:
    table = as_csv(rows * 3)
    (small,) = prints(table)
    with pytest.MonkeyPatch.context() as patched:
        for name, value in (("LARGE", 0), ("BATCH", batch), ("REPEATED", repeated)):
            patched.setattr(fingerprint, name, value)
        assert prints(table) == [small]
