"""What descriptors and schemas say otherwise: cases/declared.json has both sides of a field `x`, a schema or a package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from packages import CASES, write

import imprint

ROWS = json.loads((CASES / "declared.json").read_text(encoding="utf-8"))


def package(case: dict[str, Any], side: int) -> dict[str, Any]:
    """A package of the empty table `t`, fields `id` and `x`, with what the case says besides; a name with a dot is a file's."""
    said = {word: case.get(word, ({}, {}))[side] for word in ("field", "schema", "package")}
    fields = [{"name": "id", "type": "integer"}, {"name": "x", "type": "string", **said["field"]}]
    table = {"name": "t", "type": "table", "path": "t.csv", "schema": {"fields": fields, **said["schema"]}}
    files = {name: text for name, text in said["package"].items() if "." in name}
    top = {word: value for word, value in said["package"].items() if word not in files}
    described = {"name": "p", "version": "1.0.0", **top, "resources": [table, *top.get("resources", ())]}
    return {"datapackage.json": described, "t.csv": "id,x\n", **files}


@pytest.mark.parametrize("case", ROWS, ids=lambda case: case["what"])
def test_declared(case: dict[str, Any], tmp_path: Path) -> None:
    old, new = (write(tmp_path / name, package(case, side)) for side, name in enumerate(("old", "new")))
    changes = imprint.diff(old, new)
    assert sorted(f"{one.rule} {one.path}".strip() for one in changes.differences) == sorted(case["rules"])
    assert [note.kind for note in changes.notes] == case.get("notes", [note.kind for note in changes.notes])
    assert case.get("says", "") in "; ".join(one.message for one in changes.differences)
