"""The terms of a diff (what is ignored, near, renamed, the key) and what it doubts: cases/terms.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from packages import CASES, write

import imprint
from imprint.version import verdict

ROWS = json.loads((CASES / "terms.json").read_text(encoding="utf-8"))
CONTENT = {"full": True, "lean": False}  # with fingerprints every cell is checked, without only those of rows that may differ


def table(fields: str, rows: str, key: str | None) -> dict[str, Any]:
    """A package of the table `t`: fields as `name` or `name:type`, rows divided by `|`, the fields of the key by a space."""
    listed = [{"name": name, "type": kind or "string"} for name, _, kind in (one.partition(":") for one in fields.split())]
    schema = {"fields": listed, **({"primaryKey": key.split()} if key else {})}
    resource = {"name": "t", "type": "table", "path": "t.csv", "schema": schema}
    lines = [",".join(field["name"] for field in listed), *rows.split("|")]
    return {"datapackage.json": {"name": "p", "version": "1.0.0", "resources": [resource]}, "t.csv": "\n".join(lines) + "\n"}


@pytest.mark.parametrize("fingerprints", CONTENT.values(), ids=CONTENT)
@pytest.mark.parametrize("case", ROWS, ids=lambda case: case["what"])
def test_terms(case: dict[str, Any], fingerprints: bool, tmp_path: Path) -> None:
    key = case.get("key", "id")
    old_fields = case.get("order", f"{case['fields']} {case.get('gone', '')}")
    old = write(tmp_path / "old", table(old_fields, case["old"], case.get("old_key", key)))
    new = write(tmp_path / "new", table(case["fields"], case["new"], key))
    if "refused" in case:
        with pytest.raises(imprint.ImprintError) as raised:
            imprint.diff(old, new, fingerprints=fingerprints, **case["terms"])
        assert case["refused"] in str(raised.value)
        assert raised.value.exit_code == case["exit"]
        return
    changes = imprint.diff(old, new, fingerprints=fingerprints, **case["terms"])
    decided = verdict(changes)
    assert sorted(one.rule.id for one in decided.fired) == case["rules"]
    assert bool(decided.bump) == bool(case["rules"]), "what isn't looked at asks for no version"
    if case["counts"] is None:
        assert changes.resources == ()
    else:
        (found,) = changes.resources
        assert [found.added, found.removed, found.changed, found.unchanged] == case["counts"]
        assert found.fields == case.get("cells", {})
        assert len(found.rows) == case.get("listed", sum(case["counts"][:3]))
    notes = [note.kind for note in changes.notes]
    assert notes == case.get("notes", notes)
    for words in case.get("says", ()):
        assert any(words in note.message for note in changes.notes)
