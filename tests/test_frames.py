"""`imprint.load`: each column has the type that its field says, and every value."""

import json
from pathlib import Path
from typing import Any

import pytest
from packages import CASES, write

import imprint

ROWS = json.loads((CASES / "frames.json").read_text(encoding="utf-8"))["rows"]


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
