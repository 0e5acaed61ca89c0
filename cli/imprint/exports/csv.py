"""A table as plain CSV: one file in UTF-8 with a header, commas, and quotes where they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .. import spelling, sql, storing
from ..engine import Engine
from ..exceptions import DataFault
from ..package import Dialect, Resource
from ..scan import Checked


def is_plain(resource: Resource) -> bool:
    """Whether a resource's own file is plain CSV."""
    plain = resource.format == "csv" and resource.encoding == "utf-8" and not resource.compression
    return plain and resource.dialect == Dialect() and len(resource.files) == 1


def write(engine: Engine, one: Checked, path: Path) -> str:
    """Write a table, to be read with its own schema: cells stay as they are written, values are spelled as it says.

    Where that schema can't read a value from any text, there is no file, and the reason is given back.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    resource = one.table.resource
    if not storing.is_native(resource):
        listed = one.table.columns
        bare = len(listed) > 1  # an empty cell without quotes, which alone in its row would be a blank line
        cells = (f"nullif({column.id}, '')" if bare else column.id for column in listed)
        names = (sql.identifier(column.field.name) for column in listed)
        selected = ", ".join(f"{cell} AS {name}" for cell, name in zip(cells, names, strict=True))
        engine.write(f"SELECT {selected} FROM {one.table.relation}", path, "csv, HEADER true")
        return ""
    target = storing.plain(storing.shape(resource, dict.fromkeys(one.columns, "")), "csv", None)
    try:
        storing.write(target, _cells(engine, one, target), path)
    except DataFault as error:
        path.unlink()
        return error.what
    return ""


def _cells(engine: Engine, one: Checked, target: storing.Shape) -> Iterator[list[Any]]:
    spellers = [spelling.speller(field) for field in target.fields]
    nulls = ["" if "" in field.missing_values else (*field.missing_values, "")[0] for field in target.fields]
    listed = ", ".join(one.columns.values())
    for _, *cells in engine.stream(f"SELECT rn, {listed} FROM {one.logical} ORDER BY rn"):
        yield [null if cell is None else spell(cell) for spell, null, cell in zip(spellers, nulls, cells, strict=True)]
