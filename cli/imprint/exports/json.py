"""A table as a JSON array of objects, one line per row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from .. import formats, sql
from ..engine import Engine
from ..scan import Checked
from .columns import Column, query


def write(engine: Engine, one: Checked, columns: Sequence[Column], path: Path) -> None:
    """Write a table. A null is null, a date a text, an integer that not every reader holds a text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not columns or not all(column.json for column in columns):
        formats.write_json(engine, one, path)
        return
    # No JSON text has the delimiter in it: control characters are escaped there.
    names = (json.dumps(column.name, ensure_ascii=False) for column in columns)
    pairs = (f"{sql.literal(name + ': ')}, {column.json}" for name, column in zip(names, columns, strict=True))
    line = "concat('{', " + ", ', ', ".join(pairs) + ", '},')"
    engine.write(query(one, columns, f'{line} AS "["'), path, "csv, HEADER true, QUOTE '', ESCAPE '', DELIMITER '\x01'")
    with path.open("r+b") as file:  # the last row ends with a comma too
        file.seek(-2, 2)
        empty = file.read() == b"[\n"
        file.seek(0 if empty else -2, 2)
        file.truncate()
        file.write(b"]\n" if empty else b"\n]\n")
