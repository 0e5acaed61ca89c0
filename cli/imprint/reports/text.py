"""A report as a person reads it in a terminal of 80 columns: verdict, totals, the first rows of each kind with their cells."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence

from ..report import Error, Report, Task
from .outline import Cell, Kind, cells_of, evidence, headline, kinds, looked_for, said, visible, window

SHOWN = 5  # rows of each kind
WIDTH = 80  # columns of a terminal
INDENT = 6
ABSENT = "∅"  # stands for a cell that the row doesn't have
COLOURS = {"error": "red", "warning": "yellow"}

Paint = Callable[..., str]


def plain(text: str, **_: object) -> str:
    """A Paint that leaves the text as it is."""
    return text


def render(report: Report, paint: Paint = plain) -> str:
    """The verdict, a table of totals, the first rows of each kind."""
    return "\n".join(_lines(report, paint))


def _lines(report: Report, paint: Paint) -> Iterator[str]:
    yield paint(headline(report), bold=True, fg="green" if report.valid else "red")
    if chosen := looked_for(report):
        yield from _filled(f"looked for: {chosen}", "  ", plain)
    if report.evidence:
        yield f"  evidence: {evidence(report.evidence)}"
    found = kinds(report)
    if found:
        yield ""
        yield from _totals(found)
    for kind in found:
        yield ""
        yield from _kind_lines(kind, paint)
    if any(len(kind.errors[:SHOWN]) < kind.count for kind in found):
        yield ""
        yield "--limit-errors 0 --format json lists every error"


def _totals(found: Sequence[Kind]) -> Iterator[str]:
    warned = any(kind.severity == "warning" for kind in found)
    head = ("resource", "field", "type", *(("severity",) if warned else ()), "errors" if not warned else "count")
    rows = [
        (
            visible(kind.task.name, 22) if kind.task else "(descriptor)",
            visible(kind.field or "", 18),
            kind.type,
            *((kind.severity,) if warned else ()),
            f"{kind.count:,}",
        )
        for kind in found
    ]
    return table([head, *rows], right=(len(head) - 1,))


def _kind_lines(kind: Kind, paint: Paint) -> Iterator[str]:
    place = f"{visible(kind.task.name, 30)} ({visible(kind.task.place, 40)})" if kind.task else "descriptor"
    yield from _filled(f"{place}: {kind.name}", "", paint, bold=True)
    yield from _filled(f"{kind.title}: {kind.counted}", "  ", paint, fg=COLOURS[kind.severity])
    yield from kind_rows(kind, paint)


def kind_rows(kind: Kind, paint: Paint = plain) -> Iterator[str]:
    """The first rows of a kind of error, and how many more there are."""
    for error in kind.errors[:SHOWN]:
        yield from _error_lines(error, kind.task, paint)
    more = kind.count - len(kind.errors[:SHOWN])
    if more > 0:
        yield f"    … and {more:,} more"


def _error_lines(error: Error, task: Task | None, paint: Paint) -> Iterator[str]:
    """An error, and the cell in its row: label, cell, and a mark below."""
    yield from _filled(said(error, task), "    ", plain)
    cells = cells_of(error, task)
    if any(cell.text or cell.bad for cell in cells):
        yield from _excerpt(window(cells, WIDTH - INDENT - 3, lambda cell: _size(cell) + 5), COLOURS[error.severity], paint)
    elif error.cell is not None:
        yield f"{' ' * INDENT}{paint(f'«{visible(error.cell, 60)}»', fg=COLOURS[error.severity])}"


def _excerpt(cells: Sequence[Cell | None], colour: str, paint: Paint) -> Iterator[str]:
    heads, texts, marks = [], [], []
    for cell in cells:
        size = _size(cell) if cell else 1
        heads.append(_padded(visible(cell.label, 20) if cell else "…", size))
        shown = _shown(cell) if cell else "…"
        painted = paint(shown, fg=colour, bold=True) if cell and cell.bad else shown
        texts.append(painted + " " * (size - _columns(shown)))
        marks.append(_padded("^" * max(_columns(shown), 1) if cell and cell.bad else "", size))
    for parts in (heads, texts, marks):
        line = "  ".join(parts).rstrip()
        if line:
            yield " " * INDENT + line


def _shown(cell: Cell) -> str:
    return ABSENT if cell.text is None else visible(cell.text, 24)


def _size(cell: Cell) -> int:
    return max(_columns(visible(cell.label, 20)), _columns(_shown(cell)), 1)


def _padded(text: str, size: int) -> str:
    return text + " " * (size - _columns(text))


def _columns(text: str) -> int:
    """Columns that a text takes in a terminal: two for wide characters, none for combining ones."""
    return sum(0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def _filled(text: str, head: str, paint: Paint, **style: object) -> Iterator[str]:
    lines = textwrap.wrap(text, WIDTH - len(head) - 2, break_on_hyphens=False)
    for number, line in enumerate(lines):
        yield head + ("  " if number else "") + paint(line, **style)


def table(rows: Sequence[Sequence[str]], right: Iterable[int] = ()) -> Iterator[str]:
    """Columns in line, two spaces apart; those in `right` end in line."""
    widths = [max(_columns(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (
            " " * (width - _columns(cell)) + cell if index in right else _padded(cell, width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield ("  " + "  ".join(cells)).rstrip()
