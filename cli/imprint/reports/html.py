"""A report as one self-contained page: no script, nothing loaded, readable on a phone, in the dark and by a screen reader."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from html import escape
from importlib import resources

from ..explanations import TABLE
from ..report import Error, Report
from .outline import Cell, Kind, cells_of, count, evidence, headline, kinds, looked_for, visible, where, window

SHOWN = 20  # rows of each kind
CELLS = 7  # of a row
WIDE = 200  # characters of a cell


def render(report: Report) -> str:
    """The page."""
    return page(headline(report), _body(report))


def page(title: str, body: Iterable[str], style: str = "") -> str:
    """A whole page in the style of report.css, and in `style` after that; nothing else may act in it or be loaded by it."""
    style = resources.files(__package__).joinpath("report.css").read_text(encoding="utf-8") + style
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{text(title, 300)}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>",
            *body,
            "</main>\n</body>\n</html>\n",
        ]
    )


def _body(report: Report) -> Iterator[str]:
    found = kinds(report)
    name = text(report.name or "package", 200)
    yield f"<h1><bdi>{name}</bdi> <small>{text(report.version, 60)}</small></h1>"
    yield _verdict(report)
    if chosen := looked_for(report):
        yield f"<p>Looked for: {text(chosen, 400)}</p>"
    if report.evidence:
        yield f"<p>Evidence: {text(evidence(report.evidence), 400)}</p>"
    yield from _resources(report)
    if found:
        yield from _totals(found)
        yield "<h2>Rows</h2>"
    for number, kind in enumerate(found):
        yield from _section(kind, f"kind-{number}")


def _verdict(report: Report) -> str:
    word, sign = ("valid", "✓") if report.valid else ("invalid", "✗")
    parts = [
        count(number, noun) for number, noun in ((report.error_count, "error"), (report.warning_count, "warning")) if number
    ]
    return f'<p class="verdict {word}"><span aria-hidden="true">{sign}</span> {", ".join([word, *parts])}</p>'


def _resources(report: Report) -> Iterator[str]:
    rows = (
        (
            f"<bdi>{text(task.name, 100)}</bdi>",
            f"<bdi>{text(task.place, 100)}</bdi>",
            "" if task.rows is None else f"{task.rows:,}",
            f"{task.error_count:,}",
            f"{task.warning_count:,}",
        )
        for task in report.tasks
    )
    yield from table("Resources", ("resource", "path", "rows", "errors", "warnings"), rows, right=2)


def _totals(found: list[Kind]) -> Iterator[str]:
    rows = (
        (
            f"<bdi>{text(kind.task.name, 100)}</bdi>" if kind.task else "<i>descriptor</i>",
            f"<bdi>{text(kind.field or '', 100)}</bdi>",
            f'<a href="#kind-{number}">{text(kind.type, 60)}</a>',
            f'<span class="{kind.severity}">{kind.severity}</span>',
            f"{kind.count:,}",
        )
        for number, kind in enumerate(found)
    )
    yield from table("Totals", ("resource", "field", "type", "severity", "count"), rows, right=4)


def table(caption: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]], right: int) -> Iterator[str]:
    """A table that scrolls by itself where it is wide; columns from `right` on hold numbers."""
    yield f'<div class="wide" role="region" aria-label="{caption}" tabindex="0">\n<table>\n<caption>{caption}</caption>'
    classes = [' class="number"' if index >= right else "" for index in range(len(head))]
    labels = (f'<th scope="col"{kind}>{one}</th>' for one, kind in zip(head, classes, strict=True))
    yield f"<thead><tr>{''.join(labels)}</tr></thead>\n<tbody>"
    for row in rows:
        yield f"<tr>{''.join(f'<td{kind}>{cell}</td>' for cell, kind in zip(row, classes, strict=True))}</tr>"
    yield "</tbody>\n</table>\n</div>"


def _section(kind: Kind, anchor: str) -> Iterator[str]:
    place = f"<bdi>{text(kind.task.name, 100)}</bdi>" if kind.task else "descriptor"
    field = f" in <bdi>{text(kind.field, 100)}</bdi>" if kind.field else ""
    yield f'<section id="{anchor}" aria-labelledby="{anchor}-title">'
    yield f'<h3 id="{anchor}-title">{place}: {text(kind.type, 60)}{field}</h3>'
    yield f'<p><b class="{kind.severity}">{kind.counted}</b>. {_explained(kind)}</p>\n<ol>'
    for error in kind.errors[:SHOWN]:
        yield from _error(kind, error)
    yield "</ol>"
    more = kind.count - len(kind.errors[:SHOWN])
    if more > 0:
        yield f"<p>… and {more:,} more (<code>--limit-errors 0 --format json</code> lists every error).</p>"
    yield "</section>"


def _explained(kind: Kind) -> str:
    if kind.type not in TABLE:
        return ""
    one = TABLE[kind.type]
    return f"{text(f'{one.title}. {one.meaning} To mend: {one.mend}', 1000)}"


def _error(kind: Kind, error: Error) -> Iterator[str]:
    place = where(error, kind.task)
    bad = f" <code><bdi>{text(error.cell, WIDE)}</bdi></code>" if error.cell is not None else ""
    yield f"<li><p>{f'<b>{text(place, 200)}</b>: ' if place else ''}<bdi>{text(error.note, 400)}</bdi>{bad}</p>"
    cells = window(cells_of(error, kind.task), CELLS)
    if any(cell and (cell.text or cell.bad) for cell in cells):
        label = f"Cells of {text(place, 200)}"
        yield f'<div class="wide" role="region" aria-label="{label}" tabindex="0"><table class="row">'
        yield f"<thead><tr>{''.join(map(_label, cells))}</tr></thead><tbody><tr>{''.join(map(_cell, cells))}</tr></tbody>"
        yield "</table></div>"
    yield "</li>"


def _label(cell: Cell | None) -> str:
    return f'<th scope="col"><bdi>{text(cell.label, 60)}</bdi></th>' if cell else "<td>…</td>"


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return "<td>…</td>"
    shown = "<i>no cell</i>" if cell.text is None else f"<bdi>{text(cell.text, WIDE)}</bdi>" if cell.text else "<i>empty</i>"
    return f'<td class="bad"><mark>{shown}</mark></td>' if cell.bad else f"<td>{shown}</td>"


def text(raw: str, width: int) -> str:
    """A text as it stands in a page, on one line, cut in the middle if it is long."""
    return escape(visible(raw, width))
