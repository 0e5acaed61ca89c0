"""A report as workflow commands of GitHub Actions: an annotation at the file and line of each error.

GitHub shows ten annotations of errors and ten of warnings per step, so the first of each kind comes first; the rest is in a
group of the log, and the last line has the totals.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..report import Error, Report
from .outline import Kind, cells_of, headline, kinds, path_of, visible, where


def render(report: Report) -> str:
    """A line for each error that is at hand."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    found = kinds(report)
    for kind in found:
        if kind.errors:
            more = f" ({kind.counted} of this kind)" if kind.count > 1 else ""
            yield _annotation(report, kind, kind.errors[0], more)
    rest = [(kind, error) for kind in found for error in kind.errors[1:]]
    if rest:
        yield "::group::More errors of these kinds"
        for kind, error in rest:
            yield _annotation(report, kind, error)
        yield "::endgroup::"
    hidden = sum(kind.count - len(kind.errors) for kind in found)
    left_out = f"; {hidden:,} more are not listed here (--limit-errors 0 lists all)" if hidden else ""
    yield command("notice", headline(report) + left_out, title="imprint")


def _annotation(report: Report, kind: Kind, error: Error, more: str = "") -> str:
    about = f"{visible(kind.task.name, 60)}: {kind.name}" if kind.task else kind.name
    place = f"{where(error, kind.task)}: " if error.row_number else ""
    bad = "" if error.cell is None else f" (cell «{visible(error.cell, 60)}»)"
    row = " | ".join(f"{visible(cell.label, 30)}: {_shown(cell.text)}" for cell in cells_of(error, kind.task)[:8])
    message = f"{place}{visible(error.note, 400)}{bad}{more}" + (f"\n{row}" if row else "")
    file = visible(path_of(report, error, kind.task), 4096)
    return command(error.severity, message, file=file, line=error.line, title=about)


def _shown(text: str | None) -> str:
    return "(none)" if text is None else visible(text, 30)


def command(name: str, message: str, **properties: object) -> str:
    """A workflow command; properties without a value are left out."""
    given = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items() if value)
    return f"::{name}{' ' if given else ''}{given}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
