"""Tables that are too large to be kept: rows that differ are read again, from their lines where each has one."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits import sized
from packages import examples, write

import imprint
from imprint import rows
from imprint.tables import SMALL

ROWS = 60_000
NOTE = "a note, with a comma, that takes some room in the file so that it is a large one"
FIELDS = [{"name": "id", "type": "integer"}, {"name": "height", "type": "number"}, {"name": "note", "type": "string"}]
# How both sides are written: the line's end, whether the last line has one, what stands in a note, whether there is a header.
WAYS: dict[str, dict[str, Any]] = {
    "LF": {},
    "CRLF": {"end": "\r\n"},
    "no last line end": {"last": False},
    "CRLF, and no last line end": {"end": "\r\n", "last": False},
    "CRLF, a byte order mark and no header": {"end": "\r\n", "start": "\ufeff", "header": False},
    "a line end in a cell": {"inside": "two\nlines"},
    "CRLF, and LF in a cell": {"end": "\r\n", "inside": "two\n\nlines"},
    "LF, and CRLF in a cell": {"inside": "two\r\nlines"},
    "no header": {"header": False},
    "a byte order mark": {"start": "\ufeff"},
    "a byte order mark and no header": {"start": "\ufeff", "header": False},
    "semicolons and single quotes": {"delimiter": ";", "quote": "'"},
}


def package(folder: Path, rows: list[tuple[int, str, str]], way: dict[str, Any], *, key: bool) -> Path:
    end, delimiter, quote = way.get("end", "\n"), way.get("delimiter", ","), way.get("quote", '"')
    header = way.get("header", True)
    lines = [delimiter.join(field["name"] for field in FIELDS)] if header else []
    lines += [delimiter.join((str(number), height, f"{quote}{note}{quote}")) for number, height, note in rows]
    schema = {"fields": FIELDS, **({"primaryKey": ["id"]} if key else {})}
    dialect = {"delimiter": delimiter, "quoteChar": quote, "header": header}
    resource = {"name": "t", "type": "table", "path": "t.csv", "schema": schema, "dialect": dialect}
    text = way.get("start", "") + end.join(lines) + (end if way.get("last", True) else "")
    folder = write(folder, {"datapackage.json": {"name": "p", "version": "1.0.0", "resources": [resource]}})
    (folder / "t.csv").write_bytes(text.encode())
    assert (folder / "t.csv").stat().st_size > SMALL
    return folder


@pytest.mark.parametrize("key", [True, False], ids=["with a key", "without a key"])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_what_differs_is_found(way: dict[str, Any], key: bool, tmp_path: Path) -> None:
    inside = way.get("inside", NOTE)
    old = [(number, f"{number}.5", inside if number == 3 else NOTE) for number in range(ROWS)]
    new = [(number, f"+{height}0" if number == 9 else height, note) for number, height, note in old]  # 9: another spelling
    new[0] = (0, "0.25", NOTE)
    new[777] = (777, "777.5", "another note")
    new[-1] = (ROWS - 1, "1", NOTE)
    new[100] = (ROWS, "100.5", NOTE)
    changes = imprint.diff(
        package(tmp_path / "old", old, way, key=key), package(tmp_path / "new", new[::-1], way, key=key), fingerprints=False
    )
    (found,) = changes.resources
    if not key:
        assert (found.added, found.removed, found.unchanged) == (4, 4, ROWS - 4)
        added = {row.cells["id"][1]: row.cells["height"][1] for row in found.rows if row.op == "added"}
        assert added == {"0": "0.25", "777": "777.5", str(ROWS - 1): "1", str(ROWS): "100.5"}
        return
    assert (found.added, found.removed, found.changed, found.unchanged) == (1, 1, 3, ROWS - 4)
    assert found.fields == {"height": 2, "note": 1}
    assert [(row.op, row.key["id"], dict(row.cells)) for row in found.rows] == [
        ("changed", "0", {"height": ("0.5", "0.25")}),
        ("removed", "100", {"height": ("100.5", None), "note": (NOTE, None)}),
        ("changed", "777", {"note": (NOTE, "another note")}),
        ("changed", str(ROWS - 1), {"height": (f"{ROWS - 1}.5", "1")}),
        ("added", str(ROWS), {"height": (None, "100.5"), "note": (None, NOTE)}),
    ]


# However a table is read

ODD = ["a", "b", "", " x", "x ", "é", '"q"', "a,b", "1", "2.0", "-", "z\ny", "z\r\ny", "it's", "\ufeff", '""', " "]
TYPES = ["string", "string", "integer", "number", "any"]
Row = list[str]


@st.composite
def pairs(draw: st.DrawFn) -> tuple[list[Row], list[Row]]:
    """The rows of two tables, by an id that mostly is unique; the new ones in any order."""
    old = [[f"k{draw(st.integers(0, 30))}", *draw(CELLS_OF_A_ROW)] for _ in range(draw(st.integers(0, 8)))]
    new = [[row[0], *draw(CELLS_OF_A_ROW)] if draw(st.booleans()) else row for row in old if draw(st.integers(0, 5))]
    return old, draw(st.permutations([*new, *([["new", "a", "1"]] if draw(st.booleans()) else [])]))


CELLS_OF_A_ROW = st.tuples(st.sampled_from(ODD), st.sampled_from(ODD))


@st.composite
def ways(draw: st.DrawFn) -> dict[str, Any]:
    """How two tables are written, and what their schema says."""
    return {
        "end": draw(st.sampled_from(["\n", "\r\n"])),
        "last": draw(st.booleans()),
        "start": draw(st.sampled_from(["", "", "\ufeff"])),
        "blank": draw(st.integers(0, 20)),  # the line that a blank one comes after, if there is one
        "quoting": draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        "dialect": {
            "header": draw(st.booleans()),
            "delimiter": draw(st.sampled_from(",;\t")),
            "quoteChar": draw(st.sampled_from("\"'")),
        },
        "schema": {
            "fields": [{"name": "id"}, {"name": "v"}, {"name": "w", "type": draw(st.sampled_from(TYPES))}],
            "missingValues": draw(st.sampled_from([[""], ["", "-"], []])),
            **({"primaryKey": ["id"]} if draw(st.booleans()) else {}),
        },
    }


def written(folder: Path, table: list[Row], way: dict[str, Any]) -> Path:
    """A package of a table."""
    dialect, sink = way["dialect"], io.StringIO(newline="")
    writer = csv.writer(
        sink, delimiter=dialect["delimiter"], quotechar=dialect["quoteChar"], quoting=way["quoting"], lineterminator="\0"
    )
    writer.writerows([["id", "v", "w"], *table] if dialect["header"] else table)
    lines = sink.getvalue().split("\0")[:-1]
    lines[way["blank"] : way["blank"]] = [""] if 0 < way["blank"] < len(lines) else []
    text = way["start"] + way["end"].join(lines) + (way["end"] if way["last"] else "")
    resource = {"name": "t", "type": "table", "path": "t.csv", "schema": way["schema"], "dialect": dialect}
    write(folder, {"datapackage.json": {"name": "p", "version": "1.0.0", "resources": [resource]}})
    (folder / "t.csv").write_bytes(text.encode())
    return folder


@examples(100)
@given(tables=pairs(), way=ways())
def test_a_large_table_is_compared_as_a_small_one(tables: tuple[list[Row], list[Row]], way: dict[str, Any]) -> None:
    """Read again for each query, and whatever differs copied from its lines: with the same result, or the same refusal."""
    with tempfile.TemporaryDirectory() as folder:
        sides = [written(Path(folder, name), table, way) for name, table in zip(("old", "new"), tables, strict=True)]
        with sized(small=-1), pytest.MonkeyPatch.context() as patch:
            patch.setattr(rows, "FEW", 1)
            large = compared(*sides)
        assert compared(*sides) == large


def compared(old: Path, new: Path) -> str:
    try:
        return repr(imprint.diff(old, new))
    except imprint.ImprintError as error:
        return str(error)
