"""A result to text or JSON. Nothing else in imprint prints."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .report import Error, Report, Task, shorten

SHOWN = 5  # rows of each kind in text


def to_json(value: Any) -> str:
    """JSON in one form: two spaces, text as it is."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def report_text(report: Report) -> str:
    """A report as a person reads it: the verdict, a table of totals, the first rows of each kind."""
    return "\n".join(_report_lines(report))


def _report_lines(report: Report) -> Iterator[str]:
    warnings = sum(len(task.warnings) for task in report.tasks)
    rows = sum(task.rows or 0 for task in report.tasks)
    verdict = "valid" if report.valid else f"invalid, {_count(report.error_count, 'error')}"
    extra = f", {_count(warnings, 'warning')}" if warnings else ""
    name = " ".join(part for part in (report.name or "package", report.version) if part)
    yield f"{name}: {verdict}{extra} ({_count(len(report.tasks), 'resource')}, {_count(rows, 'row')})"
    for error in report.errors:
        yield f"  {error.type}: {error.note}"
    totals = [(t.resource, t.field or "", t.type, f"{t.count:,}") for task in report.tasks for t in task.totals]
    if totals:
        yield ""
        yield from table([("resource", "field", "type", "errors"), *sorted(totals)], right=(3,))
    for task in report.tasks:
        yield from _task_lines(task)


def _task_lines(task: Task) -> Iterator[str]:
    shown: dict[tuple[str, str | None], int] = {}
    lines = []
    for error in (*task.errors, *task.warnings):
        key = (error.type, error.field_name)
        shown[key] = shown.get(key, 0) + 1
        if shown[key] <= SHOWN:
            lines.append(f"  {_where(error)}{error.note}{_cell(error)}")
    if lines:
        yield ""
        yield f"{task.name} ({task.place})"
        yield from lines
        more = task.error_count + len(task.warnings) - len(lines)
        if more > 0:
            yield f"  … and {more:,} more of the kinds above (--format json --limit-errors 0 lists them all)"


def _where(error: Error) -> str:
    parts = [f"row {error.row_number}"] if error.row_number is not None else []
    parts += [error.field_name] if error.field_name else []
    marked = "warning: " if error.severity == "warning" else ""
    return marked + (", ".join(parts) + ": " if parts else f"{error.type}: ")


def _cell(error: Error) -> str:
    return "" if error.cell is None else f"  «{shorten(error.cell, 40)}»"


def table(rows: Sequence[Sequence[str]], right: Iterable[int] = ()) -> Iterator[str]:
    """Columns in line, two spaces apart; those in `right` end in line."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    ends = set(right)
    for row in rows:
        cells = (
            cell.rjust(width) if i in ends else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield ("  " + "  ".join(cells)).rstrip()


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
