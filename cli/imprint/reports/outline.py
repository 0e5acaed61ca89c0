"""What all renderers share: a report's verdict, its errors by kind, and the cells around a bad one."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..explanations import TABLE
from ..remote import is_url
from ..report import Error, Report, Task

# Types that the descriptor is to be mended for, whatever resource they are about.
OF_THE_DESCRIPTOR = frozenset(
    {"package-error", "resource-error", "dialect-error", "schema-error", "field-error", "scheme-error"}
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """All errors of a type in a field: `count` is exact, `errors` the ones at hand. Without a task: the descriptor's."""

    task: Task | None
    type: str
    field: str | None
    severity: str
    count: int
    errors: tuple[Error, ...]

    @property
    def title(self) -> str:
        """What the type means, in a few words."""
        return TABLE[self.type].title if self.type in TABLE else self.type

    @property
    def name(self) -> str:
        """The type and the field."""
        return f"{self.type} in {visible(self.field, 40)}" if self.field else self.type

    @property
    def counted(self) -> str:
        """How many there are."""
        return count(self.count, self.severity)


@dataclass(frozen=True)
class Cell:
    """A cell of a row that is shown; `text` is None where the row has no such cell."""

    label: str
    text: str | None
    bad: bool


def headline(report: Report) -> str:
    """The package and the verdict on one line."""
    return f"{name_of(report)}: {verdict(report)}"


def name_of(report: Report) -> str:
    """The package and its version."""
    return " ".join(visible(part, 60) for part in (report.name or "package", report.version) if part)


def verdict(report: Report) -> str:
    """Valid or not, and of how much."""
    found = ((report.error_count, "error"), (report.warning_count, "warning"))
    parts = ("valid" if report.valid else "invalid", *(count(number, noun) for number, noun in found if number))
    rows = sum(task.rows or 0 for task in report.tasks)
    return f"{', '.join(parts)} ({count(len(report.tasks), 'resource')}, {count(rows, 'row')})"


def kinds(report: Report) -> list[Kind]:
    """Every kind of error, the descriptor's first, then resource by resource; a resource's errors before its warnings."""
    found = list(_kinds(None, (*report.errors, *report.warnings), {}))
    for task in report.tasks:
        counts = {(total.severity, total.type, total.field or None): total.count for total in task.totals}
        found += _kinds(task, (*task.errors, *task.warnings), counts)
    return found


Key = tuple[str, str, str | None]  # severity, type, field


def _kinds(task: Task | None, errors: Sequence[Error], counts: Mapping[Key, int]) -> Iterator[Kind]:
    shown: dict[Key, list[Error]] = {key: [] for key in counts}
    for error in errors:
        key = (error.severity, error.type, error.field_name or None)
        shown.setdefault(key if key in counts else (error.severity, error.type, None), []).append(error)
    for key in sorted(shown, key=lambda key: key[0]):
        severity, kind, field = key
        yield Kind(task, kind, field, severity, counts.get(key, len(shown[key])), tuple(shown[key]))


def path_of(report: Report, error: Error, task: Task | None) -> str:
    """The file that an error is in, as seen from where the command ran, or its address; "" where there is none."""
    of_data = task is not None and error.type not in OF_THE_DESCRIPTOR and task.place != "<memory>"
    path = error.path or (task.place.split(", ")[0] if task and of_data else report.descriptor)
    return path if is_url(path) or not path else posixpath.normpath(posixpath.join(report.base, path))


def where(error: Error, task: Task | None) -> str:
    """The row and line of an error, and its file where the resource has several; "" for what is about no row."""
    row = [f"row {error.row_number}"] if error.row_number is not None else []
    file = f" of {visible(error.path, 60)}" if error.path and task and error.path != task.place else ""
    return ", ".join([*row, *([f"line {error.line}{file}"] if error.line else [])])


def said(error: Error, task: Task | None) -> str:
    """Where an error is and what is wrong, as one line."""
    place = where(error, task)
    note = visible(error.note, 400)
    return f"{place}: {note}" if place else note


def cells_of(error: Error, task: Task | None) -> tuple[Cell, ...]:
    """The row that an error is in; empty where its cells aren't at hand."""
    texts = task.rows_shown.get(error.row_number) if task and error.row_number else None
    if task is None or texts is None:
        return ()
    bad = _bad(error, task.labels)
    beyond = [error.cell if index in bad else "…" for index in range(len(texts), max(bad, default=-1) + 1)]
    labels = (*task.labels, *[""] * (len(texts) + len(beyond) - len(task.labels)))
    return tuple(
        Cell(label or f"#{index + 1}", text, index in bad)
        for index, (label, text) in enumerate(zip(labels, (*texts, *beyond), strict=False))
    )


def _bad(error: Error, labels: Sequence[str]) -> set[int]:
    """Positions of the cells that an error is about; a key has several."""
    if error.field_number:
        return {error.field_number - 1}
    names = [error.field_name] if error.field_name in labels else (error.field_name or "").split(", ")
    return {index for index, label in enumerate(labels) if label and label in names}


def window(cells: Sequence[Cell], room: int, size: Callable[[Cell], int] = lambda _: 1) -> list[Cell | None]:
    """The bad cells, the first and the nearest while there is room, in order; None stands for what is left out between."""
    bad = [index for index, cell in enumerate(cells) if cell.bad] or [0]
    distances = (min(abs(index - one) for one in bad) for index in range(len(cells)))
    nearest = sorted((min(distance, 1) if not index else distance, index) for index, distance in enumerate(distances))
    kept: list[int] = []
    for _, index in nearest:
        room -= size(cells[index])
        if room < 0 and kept:
            break
        kept.append(index)
    shown: list[Cell | None] = []
    for before, index in zip([-1, *sorted(kept)], sorted(kept), strict=False):
        shown += [None, cells[index]] if index > before + 1 else [cells[index]]
    return [*shown, None] if max(kept, default=0) < len(cells) - 1 else shown


def visible(text: str, width: int) -> str:
    """A text on one line, cut in the middle if it is long, with what can't be seen (controls, marks of direction) escaped."""
    ends = text if len(text) <= 2 * width else text[:width] + text[-width:]
    line = "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in ends)
    return line if len(line) <= width else f"{line[: width // 2]}…{line[len(line) - (width - width // 2 - 1) :]}"


def count(number: int, noun: str) -> str:
    """A number of things."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def looked_for(report: Report) -> str:
    """What a user chose to look at, and not to; "" where nothing was left out."""
    only, skip = (", ".join(visible(name, 60) for name in names) for names in (report.chosen.only, report.chosen.skip))
    if only:
        return f"only {only}; not {skip}" if skip else f"only {only}"
    return f"all but {skip}" if skip else ""


def evidence(counts: Mapping[str, Any]) -> str:
    """How much of the evidence was verified."""
    spans = f"{counts['verified']:,} of {count(counts['spans'], 'span')} verified in {count(counts['documents'], 'document')}"
    exempt = ", ".join(f"{number} {why}" for why, number in counts["exempt"].items())
    blocks = f"{counts['covered']} of {counts['covered'] + counts['uncovered']} blocks covered" if counts["blocks"] else ""
    return "; ".join(part for part in (spans, blocks + (f" ({exempt} aside)" if exempt else "")) if part)
