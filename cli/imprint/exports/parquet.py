"""A table as a Parquet file, with the types that its schema says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .. import sql
from ..engine import Engine
from ..scan import Checked
from .columns import Column, query

WRITER = "DuckDB"


def write(engine: Engine, one: Checked, columns: Sequence[Column], path: Path) -> None:
    """Write a table. A number or an integer that 64 bits don't hold makes its column one of texts; objects are JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    selected = ", ".join(f"{column.value} AS {sql.identifier(column.name)}" for column in columns)
    engine.write(query(one, columns, selected), path, "parquet, COMPRESSION zstd")
