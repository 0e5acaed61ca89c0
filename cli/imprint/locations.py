"""Where in a file the rows are that a report shows: their path, physical line and cells."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from .engine import Engine
from .lines import lines_of
from .package import Resource
from .report import Error
from .scan import Checked
from .tables import Table

SHOWN = 5  # rows of each type and field whose cells are given
ROWS = 200  # rows of a resource whose cells are given

OF_THE_HEADER = frozenset(
    {"blank-header", "blank-label", "duplicate-label", "extra-label", "missing-label", "incorrect-label", "unmatched-header"}
)
Cells = tuple[str | None, ...]


def located(
    engine: Engine, resource: Resource, one: Checked | None, errors: Sequence[Error]
) -> tuple[list[Error], Mapping[int, Cells]]:
    """The errors of a resource with their paths and lines, and the cells of the first rows of each kind."""
    if one is None or not errors:
        return list(errors), {}
    on_one_line = one.table.has_a_line_for_each(one.rows)
    dialect = one.table.resource.dialect
    head = dialect.header_rows[0] if dialect.header else 0
    rows = [head if error.type in OF_THE_HEADER else error.row_number or 0 for error in errors]
    wanted = set(rows) - {0}
    in_lines = bool(resource.paths) and not resource.compression
    places = {row: (resource.paths[0], row) for row in wanted} if on_one_line and in_lines else lines_of(resource, wanted)
    placed = [_placed(error, places.get(row)) for error, row in zip(errors, rows, strict=True)]
    first = _first_rows(errors)
    cells = _lines(one.table, first) if on_one_line and not one.table.is_kept else _cells(engine, one.table, first)
    return placed, cells | {row: one.findings.rows[row] for row in first if row in one.findings.rows}


def _placed(error: Error, place: tuple[str, int] | None) -> Error:
    return replace(error, path=place[0], line=place[1]) if place else error


def _first_rows(errors: Sequence[Error]) -> list[int]:
    seen: Counter[tuple[str, str | None]] = Counter()
    first: dict[int, None] = {}
    for error in errors:
        kind = (error.type, error.rule or error.field_name)
        if error.row_number is not None and seen[kind] < SHOWN and len(first) < ROWS:
            seen[kind] += 1
            first[error.row_number] = None
    return sorted(first)


def _cells(engine: Engine, table: Table, rows: Collection[int]) -> dict[int, Cells]:
    if not rows or not table.columns:
        return {}
    columns = ", ".join(column.id for column in table.columns)
    listed = ", ".join(str(row) for row in rows)
    return {
        row: tuple(cells) for row, *cells in engine.rows(f"SELECT rn, {columns} FROM {table.numbered} WHERE rn IN ({listed})")
    }


def _lines(table: Table, rows: Sequence[int]) -> dict[int, Cells]:
    """The rows of a file whose records are its lines."""
    dialect, wanted, found = table.resource.dialect, set(rows), dict[int, Cells]()
    if not rows:
        return found
    with table.resource.files[0].open(encoding="utf-8-sig", newline="", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if number in wanted:
                found[number] = tuple(
                    next(csv.reader([line], delimiter=dialect.delimiter, quotechar=dialect.quote_char or '"'))
                )
                if number == rows[-1]:
                    break
    return found
