"""Tables that are too large to be kept: rows that differ are read again, from their lines where each has one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from packages import write

import imprint
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
