"""A table to another format, in the values that its schema says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from .engine import Engine
from .package import Field
from .scan import Checked
from .sql import UNIT_SEPARATOR

TOO_LONG = 2**53  # an integer over this is not the same in every JSON reader; it stays a text then


def _number(text: str) -> Any:
    exact = Decimal(text)
    if not exact.is_finite():
        return text
    if exact == exact.to_integral_value() and abs(exact) < TOO_LONG:
        return int(exact)
    return float(text) if Decimal(repr(float(text))) == exact else text


def _integer(text: str) -> Any:
    return int(text) if abs(int(text)) < TOO_LONG else text


def _items(text: str) -> list[str]:
    return text.split(UNIT_SEPARATOR) if text else []


VALUES: dict[str, Callable[[str], Any]] = {
    "integer": _integer,
    "year": _integer,
    "number": _number,
    "boolean": lambda text: text == "true",
    "list": _items,
    "object": json.loads,
    "array": json.loads,
    "geojson": json.loads,
}


def values(engine: Engine, one: Checked) -> Iterator[dict[str, Any]]:
    """The rows of a table as JSON values by field name, in file order: a null is None, a date a text."""
    fields = [(name, column, one.table.schema.field(name)) for name, column in one.columns.items()]
    readers = [(name, _reader(field)) for name, _, field in fields]
    columns = ", ".join(column for _, column, _ in fields)
    for _, *cells in engine.stream(f"SELECT rn, {columns} FROM {one.logical} ORDER BY rn"):
        pairs = zip(readers, cells, strict=True)
        yield {name: None if cell is None else read(cell) for (name, read), cell in pairs}


def _reader(field: Field | None) -> Callable[[str], Any]:
    if field is None:
        return str
    if field.type == "list" and field.option("itemType") in ("integer", "number", "boolean"):
        read = VALUES[field.option("itemType")]
        return lambda text: [read(item) for item in _items(text)]
    return VALUES.get(field.type, str)


def write_json(engine: Engine, one: Checked, path: Path) -> None:
    """A table as a JSON array of objects, one line per row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("[")
        for number, row in enumerate(values(engine, one)):
            file.write(",\n" if number else "\n")
            file.write(json.dumps(row, ensure_ascii=False))
        file.write("\n]\n")
