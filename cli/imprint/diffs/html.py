"""A diff as one self-contained page: no script, nothing loaded, readable on a phone, in the dark, on paper and by ear.

What was is struck through, what is now is underlined; the sign and the word before a row say what became of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import resources

from ..changes import Changes, ResourceDiff, RowChange
from ..reports.html import page, table, text
from ..reports.outline import count
from ..version import Fired, Verdict
from .outline import (
    COUNTS,
    NAME,
    SIGNS,
    Excerpt,
    columns,
    compared_by,
    counted,
    demand,
    headline,
    left_out,
    pair,
    place,
    tables,
    title,
    told,
)

SHOWN = 1_000  # rows of a table
COLUMNS = 30  # fields side by side
WIDE = 160  # characters of a cell
MESSAGE = 400  # characters of a message


def render(changes: Changes, verdict: Verdict) -> str:
    """The page."""
    style = resources.files(__package__).joinpath("diff.css").read_text(encoding="utf-8")
    return page(headline(changes, verdict), _body(changes, verdict), style)


def _body(changes: Changes, verdict: Verdict) -> Iterator[str]:
    yield f"<h1><bdi>{text(title(changes), 3 * NAME)}</bdi></h1>"
    yield f'<p class="verdict {verdict.bump.name}">{text(demand(changes, verdict), 200)}</p>'
    for note in changes.notes:
        yield f'<p class="note"><b>Note</b> <bdi>{text(told(note), MESSAGE)}</bdi> ({text(note.kind, NAME)})</p>'
    if verdict.fired:
        yield from table("What changed", ("bump", "rule", "where", "what"), map(_fired, verdict.fired), right=4)
    differ = tables(changes)
    if differ:
        rows = (_total(one, number) for number, one in enumerate(differ))
        yield from table("Rows", ("table", "key", *COUNTS), rows, right=2)
    for number, one in enumerate(differ):
        yield from _section(one, f"table-{number}")


def _fired(one: Fired) -> tuple[str, ...]:
    bump = f'<b class="{one.rule.bump.name}">{one.rule.bump.name}</b>'
    witness = f"<br>such as <code><bdi>{text(one.difference.witness, WIDE)}</bdi></code>" if one.difference.witness else ""
    return (
        f"<s>{bump}</s> waived{f': <bdi>{text(one.reason, WIDE)}</bdi>' if one.reason else ''}" if one.waived else bump,
        one.rule.id,
        f"<bdi>{text(place(one.difference), 2 * NAME)}</bdi>" if one.difference.path else "<i>package</i>",
        f"<bdi>{text(one.difference.message, MESSAGE)}</bdi>{witness}",
    )


def _total(one: ResourceDiff, number: int) -> tuple[str, ...]:
    key = f"<bdi>{text(', '.join(one.key), NAME)}</bdi>" if one.key else "<i>whole rows</i>"
    link = f'<a href="#table-{number}"><bdi>{text(one.name, NAME)}</bdi></a>'
    return (link, key, *(f"{getattr(one, word):,}" for word in COUNTS))


def _section(one: ResourceDiff, anchor: str) -> Iterator[str]:
    rows = one.rows[:SHOWN]
    fields, more = columns(one, rows, COLUMNS)
    name = text(one.name, NAME)
    yield f'<section id="{anchor}" aria-labelledby="{anchor}-title">'
    yield f'<h2 id="{anchor}-title"><bdi>{name}</bdi></h2>\n<p>{counted(one)} (<bdi>{text(compared_by(one), 200)}</bdi>)</p>'
    if one.fields:
        counts = (f"<bdi>{text(field, NAME)}</bdi> {number:,}" for field, number in one.fields.items())
        yield f"<p>Cells changed: {', '.join(counts)}</p>"
    if rows:
        yield f'<div class="wide" role="region" aria-label="Rows of {name}" tabindex="0"><table class="rows">'
        labels = (f'<th scope="col"{kind}><bdi>{text(label, NAME)}</bdi></th>' for label, kind in _labels(one, fields))
        yield f'<thead><tr><th scope="col">row</th>{"".join(labels)}</tr></thead>\n<tbody>'
        for row in rows:
            yield _row(row, one.key, fields)
        yield "</tbody></table></div>"
    if more:
        yield f"<p>{count(more, 'more field')} with differences: not shown here (<code>--format json</code> has them).</p>"
    rest = left_out(one, len(rows))
    if rest:
        yield f"<p>{rest}</p>"
    yield "</section>"


def _labels(one: ResourceDiff, fields: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield from ((field, ' class="key"') for field in one.key)
    yield from ((field, "") for field in fields)


def _row(row: RowChange, key: Sequence[str], fields: Sequence[str]) -> str:
    names = (f'<td class="key">{_alone(pair(None, row.key.get(field), WIDE)[1])}</td>' for field in key)
    said = f'<th scope="row"><span aria-hidden="true">{SIGNS[row.op]}</span> {row.op}</th>'
    return f'<tr class="{row.op}">{said}{"".join(names)}{"".join(_cell(row, field) for field in fields)}</tr>'


def _cell(row: RowChange, field: str) -> str:
    if row.op == "changed" and field not in row.cells:
        return "<td></td>"
    old, new = pair(*row.cells.get(field, (None, None)), WIDE)
    if row.op != "changed":
        return f"<td>{_alone(new if row.op == 'added' else old)}</td>"
    arrow = '<span aria-hidden="true">→</span>'
    return f'<td><span class="was">{_side(old, "del")}</span> {arrow} <span class="now">{_side(new, "ins")}</span></td>'


def _side(cell: Excerpt | None, tag: str) -> str:
    """A side of a changed cell; what the other side doesn't have is in the tag."""
    if cell is None or not cell.text:
        return f"<{tag}>{_alone(cell)}</{tag}>"
    before, middle, after = (text(part, len(part)) for part in (cell.before, cell.middle, cell.after))
    return f"<bdi>{before}{f'<{tag}>{middle}</{tag}>' if middle else ''}{after}</bdi>"


def _alone(cell: Excerpt | None) -> str:
    if cell is None:
        return "<i>null</i>"
    return f"<bdi>{text(cell.text, len(cell.text))}</bdi>" if cell.text else "<i>empty</i>"
