"""A table to another format, in the values that its schema says.

What JSON has no value for is a text, spelled as the standard's default format has it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from . import spelling
from .engine import Engine
from .package import Field
from .scan import Checked
from .sql import UNIT_SEPARATOR, is_text

TOO_LONG = 2**53  # an integer over this is not the same in every JSON reader; it stays a text then
DIGITS = 17  # characters that an integer below that has at most, with its sign


def _number(text: str) -> Any:
    exact = Decimal(text)
    if not exact.is_finite():
        return text.replace("Infinity", "INF")
    if exact == exact.to_integral_value() and abs(exact) < TOO_LONG:
        return int(exact)
    return float(text) if Decimal(repr(float(text))) == exact else text


def _integer(text: str) -> Any:
    return int(text) if len(text) <= DIGITS and abs(int(text)) < TOO_LONG else text


def _items(text: str) -> list[str]:
    return text.split(UNIT_SEPARATOR) if text else []


def _json(text: str) -> Any:
    """A JSON value; NaN and what is beyond a double's range, which JSON has no number for, are texts."""
    return json.loads(text, parse_constant=str)


VALUES: dict[str, Callable[[str], Any]] = {
    "integer": _integer,
    "year": _integer,
    "number": _number,
    "boolean": lambda text: text == "true",
    "list": _items,
    "object": _json,
    "array": _json,
    "geojson": _json,
}


def values(engine: Engine, one: Checked) -> Iterator[dict[str, Any]]:
    """The rows of a table as JSON values by field name, in file order: a null is None, a date a text."""
    fields = [(name, column, one.table.schema.field(name)) for name, column in one.columns.items()]
    readers = [(name, reader(field)) for name, _, field in fields]
    columns = ", ".join(column for _, column, _ in fields)
    for _, *cells in engine.stream(f"SELECT rn, {columns} FROM {one.logical} ORDER BY rn"):
        pairs = zip(readers, cells, strict=True)
        yield {name: None if cell is None else read(cell) for (name, read), cell in pairs}


def reader(field: Field | None) -> Callable[[str], Any]:
    """What makes a JSON value of a canonical text."""
    if field is None:
        return str
    if field.type == "list" and spelling.item_type(field) in VALUES:
        read = VALUES[spelling.item_type(field)]
        return lambda text: [read(item) for item in _items(text)]
    return VALUES.get(field.type) or spelling.unchecked(spelling.plain(field))


def as_json(value: Any) -> str:
    """JSON on one line, as it is; but half a surrogate pair, which no file can hold, is escaped with all that isn't ASCII."""
    text = json.dumps(value, ensure_ascii=False)
    return text if is_text(text) else json.dumps(value)


def write_json(engine: Engine, one: Checked, path: Path) -> None:
    """A table as a JSON array of objects, one line per row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("[")
        for number, row in enumerate(values(engine, one)):
            file.write(",\n" if number else "\n")
            file.write(as_json(row))
        file.write("\n]\n")
