"""Which files the engine reads itself: those that it reads as Python does, all of them, and no other; cases/read-by-engine.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from limits import sized
from packages import CASES, write

from imprint import descriptor, marks, tables
from imprint.engine import Engine
from imprint.findings import Findings
from imprint.scan import Wanted
from imprint.validation import open_tables

FILES = json.loads((CASES / "read-by-engine.json").read_text(encoding="utf-8"))
FIRST = 16  # bytes that are looked at before the engine is told how to read the rest
SIZES = {"small": {}, "large": {"small": -1}, "wide": {"small": -1, "group": 1}}
DIGESTS = {"checked": False, "with a digest of its cells": True}


def cells(engine: Engine, table: tables.Table) -> list[tuple[Any, ...]]:
    return engine.rows(f"SELECT rn, {', '.join(column.id for column in table.columns)} FROM {table.numbered} ORDER BY rn")


@pytest.mark.parametrize("digested", DIGESTS.values(), ids=DIGESTS)
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("case", FILES, ids=lambda case: case["what"])
def test_who_reads_a_file(
    case: dict[str, Any], size: dict[str, int], digested: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = case.get("fields", ["a", "b"])
    dialect = {"header": case.get("header", True), "delimiter": case.get("delimiter", ","), "quoteChar": case.get("quote", '"')}
    schema = {"fields": [{"name": name} for name in names], "missingValues": []}
    resource = {"name": "t", "path": "t.csv", "dialect": dialect, "schema": schema}
    write(tmp_path, {"datapackage.json": {"name": "p", "resources": [resource]}, "t.csv": case["file"]})
    package, _ = descriptor.load(tmp_path / "datapackage.json")
    for module in (marks, tables):
        monkeypatch.setattr(module, "CHUNK", FIRST)
    wanted = Wanted(digest=tuple(names), raw=True) if digested else Wanted()
    with sized(**size), open_tables(package, wanted=[{"t": wanted}]) as (engine, (found,)):
        assert found["t"].table.is_direct == (case["by"] == "engine")
        exact = tables.reread(engine, package.resources[0], Findings("t", 0))
        assert cells(engine, found["t"].table) == cells(engine, exact)
