"""`imprint.load`: each column has the type that its field says, and every value."""

import json
from pathlib import Path
from typing import Any

import pytest
from packages import CASES, write

import imprint

TABLE = json.loads((CASES / "frames.json").read_text(encoding="utf-8"))
ROWS = TABLE["rows"]


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['field']['type']}-{row['dtype']}" for row in ROWS])
def test_a_column_is_typed_by_its_field(row: dict[str, Any], tmp_path: Path) -> None:
    fields = [{"name": "id", "type": "integer"}, {"name": "x", **row["field"]}]
    resource = {"name": "t", "type": "table", "path": "t.csv", "schema": {"fields": fields}}
    lines = "".join(f"{number},{cell}\n" for number, cell in enumerate(row["cells"]))
    write(tmp_path, {"datapackage.json": {"name": "p", "resources": [resource]}, "t.csv": f"id,x\n{lines}"})
    found = imprint.load(tmp_path)["t"]["x"]
    assert str(found.dtype) == row["dtype"]
    assert ["null" if null else str(value) for value, null in zip(found, found.isna(), strict=True)] == [
        "null" if value is None else str(value) for value in row["values"]
    ]


@pytest.mark.parametrize("case", TABLE["doubts"], ids=lambda case: case["what"])
def test_what_is_lost_is_told(case: dict[str, Any], tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    schema = {"fields": [{"name": name, "type": "integer"} for name in ("id", "x")]}
    resource = {"name": "t", "type": "table", "path": "t.csv", "schema": schema}
    write(tmp_path, {"datapackage.json": {"name": "p", "resources": [resource]}, **case["files"]})
    imprint.load(tmp_path)
    said = [f"{tmp_path}: {case['warns']}"] if case["warns"] else []
    assert [str(one.message) for one in recwarn] == said
    assert {one.filename for one in recwarn} <= {__file__}  # the caller's line is shown
