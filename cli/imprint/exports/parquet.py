"""A table as a Parquet file, with the types that its schema says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..engine import Engine
from ..scan import Checked
from .columns import Column, rows, selected

WRITER = "DuckDB"


def write(engine: Engine, one: Checked, columns: Sequence[Column], path: Path) -> None:
    """Write a table. A number or an integer that 64 bits don't hold makes its column one of texts, as do objects."""
    path.parent.mkdir(parents=True, exist_ok=True)
    engine.write(f"SELECT {selected(columns)} FROM {rows(one)}", path, "parquet, COMPRESSION zstd")
