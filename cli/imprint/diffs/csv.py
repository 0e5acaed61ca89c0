"""A diff as CSV: a line for each changed cell, and for each row that was added or removed. Cells are as the data has them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from ..changes import Changes, RowChange
from ..version import Verdict

HEADER = ("resource", "op", "key", "field", "old", "new")


def render(changes: Changes, _: Verdict) -> str:
    """The lines, in the order of the tables and their keys."""
    lines = [HEADER, *(line for one in changes.resources for row in one.rows for line in _lines(one.name, row))]
    return "\n".join(",".join(map(_cell, line)) for line in lines)


def _lines(resource: str, row: RowChange) -> Iterator[tuple[str | None, ...]]:
    key = ", ".join("null" if value is None else value for value in row.key.values())
    if row.op == "changed":
        for field, (old, new) in row.cells.items():
            yield resource, row.op, key, field, old, new
    elif row.op == "added":
        yield resource, row.op, key, None, None, _whole({field: new for field, (_, new) in row.cells.items()})
    else:
        yield resource, row.op, key, None, _whole({field: old for field, (old, _) in row.cells.items()}), None


def _whole(cells: Mapping[str, str | None]) -> str:
    return json.dumps(cells, ensure_ascii=False)


def _cell(text: str | None) -> str:
    """Nothing for null, quotes around what is empty, so that the two can be told apart, and where RFC 4180 wants them."""
    if text is None:
        return ""
    quoted = '"' + text.replace('"', '""') + '"'
    return quoted if text == "" or any(one in text for one in ',"\r\n') or text != text.strip() else text
