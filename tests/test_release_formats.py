"""What a release writes of a package, format by format, and what it says of what a format can't hold."""

from __future__ import annotations

import contextlib
import gzip
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from packages import CASES, imprint, write

from imprint import sql
from imprint.profile import PROFILE_2_0

TABLE = json.loads((CASES / "release-formats.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case["what"])
def test_a_release_of(case: dict[str, Any], tmp_path: Path) -> None:
    files = dict(case.get("files", {}))
    files |= {f"{name}.gz": gzip.compress(text.encode()) for name, text in case.get("gzip", {}).items()}
    files |= {name: text.encode("latin-1") for name, text in case.get("latin-1", {}).items()}
    resources = [{"type": "table", **one} for one in case["resources"]]
    said = {"$schema": PROFILE_2_0, "name": "herbs", "version": "1.0.0", "resources": resources, **case.get("package", {})}
    said |= {"severities": case["severities"]} if "severities" in case else {}
    write(tmp_path, {"datapackage.json": said, **files})
    done = imprint("release", cwd=tmp_path)
    if "refused" in case:
        assert (done.stderr, [path.name for path in tmp_path.glob("dist/*")]) == (case["refused"], [])
        return
    assert done.exit_code == 0, done.stderr
    assert case.get("says", "") in done.stdout + done.stderr
    assert "says" in case or "leaves out" not in done.stdout + done.stderr
    folder = tmp_path / "dist" / "1.0.0"
    for name, content in case.get("made", {}).items():
        assert ((folder / name).read_text(encoding="utf-8") if (folder / name).is_file() else None) == content
    croissant = json.loads((folder / "metadata/croissant.json").read_text(encoding="utf-8"))
    fields = [field for records in croissant.get("recordSet", ()) for field in records["field"]]
    described = {field["source"]["fileObject"]["@id"] for field in fields}
    assert "described" not in case or described == {f"#{name}" for name in case["described"]}
    if "sqlite" in case:
        with contextlib.closing(sqlite3.connect(folder / "herbs.sqlite")) as connection:
            names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema ORDER BY rowid")]
            assert {name for name in names if name in case["sqlite"] or case["sqlite"] == {}} == set(case["sqlite"])
            for name, rows in case["sqlite"].items():
                assert list(map(list, connection.execute(f"SELECT * FROM {sql.identifier(name)}"))) == rows
            connection.execute("PRAGMA foreign_keys = ON")
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
            for statement in case.get("keeps", ()):
                with pytest.raises(sqlite3.IntegrityError):
                    connection.execute(statement)
    done = imprint("verify", folder)
    assert done.exit_code == 0, done.stdout
