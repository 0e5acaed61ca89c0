"""A diff as GitHub's Markdown, for a comment on a pull request: the verdict, what demands it, and the rows, folded.

Whatever comes from the packages stands in `<code>`, as in the Markdown of a report, so that nothing of it acts. GitHub takes
no more than 65,536 characters: what is left out for length is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..changes import Changes, ResourceDiff, RowChange
from ..reports.markdown import LIMIT, code
from ..reports.outline import count, visible
from ..version import Fired, Verdict
from .outline import (
    COUNTS,
    SIGNS,
    Excerpt,
    columns,
    counted,
    demand,
    fitting,
    key_of,
    left_out,
    pair,
    place,
    tables,
    title,
    told,
)

ROOM = {"notes": 6_000, "differences": 16_000, "tables": 8_000}  # of LIMIT, in characters; the rows have the rest
COLUMNS = 6  # fields side by side
WIDE = 60  # characters of a cell
LEAST = 2_000  # characters for a table's rows, however many tables there are


def render(changes: Changes, verdict: Verdict) -> str:
    """The whole, or as much as GitHub takes with sentences on what is left out."""
    differ = tables(changes)
    head = "\n".join(_head(changes, verdict, differ))
    sections, left = [], LIMIT - len(head)
    for number, one in enumerate(differ):
        section = _section(one, max(left // (len(differ) - number), LEAST))
        if len(section) > left:
            break
        sections.append(section)
        left -= len(section)
    missing = len(differ) - len(sections)
    said = f"The rows of {count(missing, 'more table')} are left out here, for length; the other forms have them."
    return "\n".join([head, *sections, *([said] if missing else [])])


def _head(changes: Changes, verdict: Verdict, differ: Sequence[ResourceDiff]) -> Iterator[str]:
    yield f"### {code(title(changes))}: {demand(changes, verdict, code)}\n"
    if changes.notes:
        yield from (*_within("notes", [f"> Note: {code(told(one))} ({one.kind})\n>" for one in changes.notes]), "")
    if verdict.fired:
        fired = _within("differences", [_fired(one) for one in verdict.fired])
        yield from (*_heads("bump", "rule", "where", "what"), *fired, "")
    if differ:
        totals = _within("tables", [_total(one) for one in differ])
        yield from (*_heads("table", "key", *COUNTS, right=2), *totals, "")


def _heads(*labels: str, right: int = 99) -> Iterator[str]:
    """The first lines of a table; columns from `right` on hold numbers."""
    yield _line(labels)
    yield _line("--:" if number >= right else "---" for number, _ in enumerate(labels))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _within(things: str, lines: Sequence[str]) -> Iterator[str]:
    """The lines that there is room for, and how many there is none for."""
    shown = list(fitting(lines, ROOM[things]))
    yield from shown
    if len(shown) < len(lines):
        yield f"\n{len(lines) - len(shown):,} more {things} are left out here, for length."


def _fired(one: Fired) -> str:
    bump = one.rule.bump.name
    where = code(place(one.difference)) or "the package"
    witness = f", such as {_code(one.difference.witness)}" if one.difference.witness else ""
    what = code(visible(one.difference.message, 160)) + witness
    reason = f": {_code(one.reason)}" if one.reason else ""
    return _line([f"<del>{bump}</del> waived{reason}" if one.waived else f"**{bump}**", one.rule.id, where, what])


def _total(one: ResourceDiff) -> str:
    numbers = (f"{getattr(one, word):,}" for word in COUNTS)
    return _line([_code(one.name), _code(", ".join(one.key)) if one.key else "none: whole rows", *numbers])


def _section(one: ResourceDiff, room: int) -> str:
    """A table's rows, folded; as many as there is room for."""
    fields, more = columns(one, one.rows, COLUMNS)
    heads = _heads("", *([_code(", ".join(one.key))] if one.key else []), *map(_code, fields))
    start = [f"<details><summary>{_code(one.name)}: {counted(one)}</summary>", "", *heads]
    without = [f"\n{count(more, 'more field')} with differences are left out here."] if more else []
    rows = list(fitting((_row(one, row, fields) for row in one.rows), room - sum(map(len, (*start, *without))) - 200))
    rest = [f"\n{sentence}" for sentence in [left_out(one, len(rows))] if sentence]
    return "\n".join([*start, *rows, *without, *rest, "", "</details>", ""])


def _row(one: ResourceDiff, row: RowChange, fields: Sequence[str]) -> str:
    key = [code(key_of(row, WIDE))] if one.key else []
    return _line([f"`{SIGNS[row.op]}`", *key, *(_cell(row, field) for field in fields)])


def _cell(row: RowChange, field: str) -> str:
    if row.op == "changed" and field not in row.cells:
        return ""
    old, new = pair(*row.cells.get(field, (None, None)), WIDE)
    if row.op == "changed":
        return f"<del>{_shown(old)}</del> → <ins>{_shown(new)}</ins>"
    return _shown(new if row.op == "added" else old)


def _shown(cell: Excerpt | None) -> str:
    return "<i>null</i>" if cell is None else code(cell.text) or "<i>empty</i>"


def _code(text: str) -> str:
    return code(visible(text, WIDE))
