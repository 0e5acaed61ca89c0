"""Which cells the engine waves through alone, and with which canonical text: what it must leave, and what it must not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from packages import CASES
from peer import read_json

from imprint import expressions, sql
from imprint.engine import Engine
from imprint.package import Field
from imprint.reference import Reference


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """One engine for all cases."""
    with Engine() as opened:
        yield opened


@pytest.mark.parametrize("case", read_json(CASES / "sure.json"), ids=lambda case: str(case["field"]))
def test_the_engine_is_sure_of_plain_cells_and_of_no_others(engine: Engine, case: dict[str, Any]) -> None:
    """Of a field's cells some are `sure`, some `null` and surely so; others are left to the reference, which accepts those in
    `unsure`, as the canonical text given there, and rejects the `wrong`; null is a cell that isn't there."""
    content = case["field"]
    form, missing = content.get("format", "default"), tuple(case.get("missingValues", [""]))
    field = Field("f", content["type"], form, content.get("constraints", {}), missing, content)
    cells = [(word, cell) for word in ("sure", "null", "unsure", "wrong") for cell in case.get(word, ())]
    listed = ", ".join(f"({number}, {'NULL' if cell is None else sql.literal(cell)})" for number, (_, cell) in enumerate(cells))
    query = f"({expressions.surely_valid(field, 'c')}) IS TRUE, {expressions.canonical(field, 'c')}"
    rows = engine.rows(f"SELECT {query} FROM (VALUES {listed}) AS t(n, c) ORDER BY n")
    ((_, plan),) = engine.rows(f"EXPLAIN SELECT {query} FROM {engine.keep(f'SELECT * FROM (VALUES {listed}) AS t(n, c)')}")
    assert "JOIN" not in plan  # which would lose the order of rows
    for (word, cell), (sure, text) in zip(cells, rows, strict=True):
        value, notes = Reference(field).read(cell)
        canonical = Reference(field).canonical(value)
        assert sure == (word in ("sure", "null")), cell
        assert bool(notes) == (word == "wrong"), cell
        assert canonical == (text if sure else case["unsure"][cell] if word == "unsure" else canonical), cell
        assert word == "wrong" or (value is None) == (word == "null"), cell


@pytest.mark.parametrize("number", [1, 2, 4, 5, 8, 50, 51, 3000])
def test_one_of_many_is_exact_and_no_join(number: int) -> None:
    values = [f"code '{item}'" for item in range(number)]
    condition = sql.one_of("c", values)
    engine = duckdb.connect()
    engine.execute("CREATE TABLE t AS SELECT unnest(?) AS c", [[*values, "code", "", None]])
    found = engine.execute(f"SELECT c, {condition} FROM t").fetchall()
    assert found == [*((value, True) for value in values), ("code", False), ("", False), (None, None)]
    (plan,) = engine.execute(f"EXPLAIN SELECT CASE WHEN c = '' OR ({condition}) THEN 1 END FROM t").fetchall()
    assert "JOIN" not in plan[1]
