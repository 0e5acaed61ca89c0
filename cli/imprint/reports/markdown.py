"""A report as GitHub's Markdown, for a comment or a step's summary: verdict, totals, and the rows, folded.

Whatever comes from the package stands in `<code>` or `<pre>` with its marks as character references, so that no markup,
link, mention or table cell of the data acts.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from ..report import Report
from .outline import Kind, count, evidence, kinds, looked_for, name_of, verdict, visible
from .text import kind_rows

LIMIT = 60_000  # characters; GitHub takes 65,536
ROWS = 100  # of the table of totals


def render(report: Report) -> str:
    """The whole, or as much as GitHub takes with a sentence on what is left out."""
    found = kinds(report)
    head = "\n".join(_head(report, found))
    shown, size = [], len(head)
    for kind in found:
        section = _section(kind)
        size += len(section)
        if size > LIMIT:
            break
        shown.append(section)
    left = len(found) - len(shown)
    ending = [
        f"The rows of {count(left, 'kind')} of error are left out here, for length; see the log or a report of another format."
    ]
    return "\n".join([head, *shown, *(ending if left else [])])


def _head(report: Report, found: list[Kind]) -> Iterator[str]:
    yield f"### {'✅' if report.valid else '❌'} {code(name_of(report))}: {verdict(report)}"
    if chosen := looked_for(report):
        yield f"\nLooked for: {code(chosen)}"
    if report.evidence:
        yield f"\nEvidence: {code(evidence(report.evidence))}"
    if found:
        rows = (
            (
                code(kind.task.name if kind.task else "(descriptor)"),
                code(kind.field or ""),
                kind.type,
                kind.severity,
                f"{kind.count:,}",
            )
            for kind in found[:ROWS]
        )
        yield from ("", *_table(("resource", "field", "type", "severity", "count"), rows))
    if len(found) > ROWS:
        rest = sum(kind.count for kind in found[ROWS:])
        yield f"\nThe table leaves out {count(len(found) - ROWS, 'kind')} of error, {count(rest, 'error')} in all."
    yield ""


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---|---|---|---|--:|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _section(kind: Kind) -> str:
    about = f"{kind.task.name}: {kind.name}" if kind.task else kind.name
    lines = html.escape("\n".join(kind_rows(kind)))
    summary = f"<summary>{code(about)} {kind.title}: {kind.counted}</summary>"
    return f"<details>{summary}\n\n<pre>\n{lines}\n</pre>\n\n</details>\n"


def code(text: str) -> str:
    """A text in which nothing acts, in the middle of Markdown."""
    inert = re.sub(r"[^\w (),-]|_", lambda mark: f"&#{ord(mark.group())};", visible(text, 200))
    return f"<code>{inert}</code>" if inert else ""
