"""A diff as a person reads it in a terminal of 80 columns: the verdict, what demands it, then each table's first rows."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from ..changes import Changes, Difference, Note, ResourceDiff, RowChange
from ..reports.outline import count, visible
from ..reports.text import WIDTH, Paint, plain, table
from ..version import Verdict
from .outline import (
    COUNTS,
    SIGNS,
    Excerpt,
    Kind,
    compared_by,
    counted,
    fitting,
    headline,
    key_of,
    kinds,
    pair,
    picked,
    place,
    tables,
    told,
    total,
)

ROWS = 10  # of each table
TABLES = 20  # that are shown
LISTED = 10  # differences of a table
NOTED = 3  # notes of a kind
CELLS = 5  # of a row
INLINE = 30  # characters of a cell that shares its line with others
COLOURS = {"major": "red", "minor": "yellow", "patch": "green", "added": "green", "removed": "red", "changed": "yellow"}

Rows = frozenset[tuple[str, str]]  # the rows that are shown: the table, and the row as a witness names it


def render(changes: Changes, verdict: Verdict, paint: Paint = plain) -> str:
    """The headline, notes, a line for each kind of difference, totals of rows, and details by table."""
    return "\n".join(_lines(changes, verdict, paint))


def _lines(changes: Changes, verdict: Verdict, paint: Paint) -> Iterator[str]:
    yield paint(headline(changes, verdict), bold=True, fg=COLOURS.get(verdict.bump.name))
    if changes.notes:
        yield ""
        yield from _notes(changes.notes, paint)
    found = kinds(verdict)
    differ = tables(changes)
    rows = frozenset(row for one in differ for row in _names(one))
    if found:
        yield ""
        yield from _kinds(found, rows, paint)
    if len(differ) > 1:
        yield ""
        yield from _totals(differ)
    shown = {one.name: one for one in differ}
    said: dict[str, list[Difference]] = {}
    for one in _counted_only(found, rows):
        said.setdefault(one.resource or "", []).append(one)
    names = sorted({**shown, **said}, key=lambda name: name != "")  # what is said of the package stands first
    for name in names[:TABLES]:
        yield ""
        yield from _resource(name, shown.get(name), said.get(name, ()), rows, paint)
    left = len(names) - TABLES
    if left > 0:
        yield ""
        yield f"{count(left, 'more resource')} with differences (--format json lists all)"


# The summary


def _notes(notes: Sequence[Note], paint: Paint) -> Iterator[str]:
    for kind in dict.fromkeys(one.kind for one in notes):
        listed = [one for one in notes if one.kind == kind]
        for one in listed[:NOTED]:
            yield from _filled(f"{told(one)} ({one.kind})", "note: ", " " * 6, paint, "yellow")
        if len(listed) > NOTED:
            yield f"      … and {len(listed) - NOTED:,} more (--format json lists all)"


def _kinds(found: Sequence[Kind], rows: Rows, paint: Paint) -> Iterator[str]:
    """A line, or a few, for each kind, under the bump that it demands."""
    width = max(len(one.rule.id) for one in found)
    for number, one in enumerate(found):
        again = number and found[number - 1].bump == one.bump
        bump = "" if again else one.bump.name
        head = f"  {bump:5}  {one.rule.id:{width}}  "
        lines = list(_filled(_summed(one), head, " " * len(head), plain, None))
        painted = paint(bump, fg=COLOURS.get(bump), bold=True)
        yield f"  {painted}{lines[0][2 + len(bump) :]}"
        yield from lines[1:]
        if len(one.differences) == 1:
            yield from _witness(one.differences[0], rows, " " * len(head))


def _witness(one: Difference, rows: Rows, indent: str) -> Iterator[str]:
    """An example of a difference, unless it is a row that is shown."""
    if one.witness and (one.resource, one.witness) not in rows:
        yield from _filled(f"such as {visible(one.witness, 140)}", indent, indent, plain, None)


def _summed(kind: Kind) -> str:
    waived = " (waived)" if kind.waived else ""
    if len(kind.differences) == 1:
        return visible(told(kind.differences[0]), 240) + waived
    places = list(dict.fromkeys(place(one) or "the package" for one in kind.differences))
    shown = list(fitting((f"{one}, " for one in places), 120)) or [f"{visible(places[0], 100)}, "]
    more = f", and {len(places) - len(shown):,} more" if len(shown) < len(places) else ""
    return f"{len(kind.differences):,}: {''.join(shown).removesuffix(', ')}{more}{waived}"


def _totals(differ: Sequence[ResourceDiff]) -> Iterator[str]:
    rows = [(visible(one.name, 32), *(f"{getattr(one, word):,}" for word in COUNTS)) for one in differ[:TABLES]]
    more = len(differ) - len(rows)
    rest = [(f"{more:,} more", *(f"{sum(getattr(one, word) for one in differ[-more:]):,}" for word in COUNTS))] if more else []
    return table([("rows of", *COUNTS), *rows, *rest], right=range(1, 5))


# Details


def _counted_only(found: Sequence[Kind], rows: Rows) -> Iterator[Difference]:
    """The differences that the summary only counts, but for those of rows whose table says it all."""
    for kind in found:
        for one in kind.differences if len(kind.differences) > 1 else ():
            if one.count is None or list(_witness(one, rows, "")):
                yield one


def _names(one: ResourceDiff) -> Iterator[tuple[str, str]]:
    """The rows that are shown, as witnesses name them."""
    for row in picked(one.rows, ROWS):
        yield one.name, ", ".join(str(value) for value in row.key.values())


def _resource(name: str, table_: ResourceDiff | None, said: Sequence[Difference], rows: Rows, paint: Paint) -> Iterator[str]:
    about = f" ({compared_by(table_)}): {counted(table_)}" if table_ else ""
    yield from _filled(f"{visible(name, 60) if name else 'package'}{about}", "", "  ", paint, None, bold=True)
    for one in said[:LISTED]:
        field = f"{visible(one.field, 40)}: " if one.field else ""
        yield from _filled(f"{field}{visible(one.message, 400)} ({one.rule})", "  ", "    ", plain, None)
        yield from _witness(one, rows, "    ")
    if len(said) > LISTED:
        yield f"  … and {count(len(said) - LISTED, 'more difference')}"
    if table_:
        yield from _rows(table_, paint)


def _rows(one: ResourceDiff, paint: Paint) -> Iterator[str]:
    if one.fields:
        cells = [f"{visible(field, 40)} {number:,}" for field, number in sorted(one.fields.items(), key=lambda item: -item[1])]
        more = f", … and {count(len(cells) - 20, 'more field')}" if len(cells) > 20 else ""
        yield from _filled(", ".join(cells[:20]) + more, "  cells changed: ", " " * 4, plain, None)
    shown = picked(one.rows, ROWS)
    for row in shown:
        yield from _row(row, paint)
    more_rows = total(one) - len(shown)
    if more_rows > 0:
        every = "lists them" if not one.sampled else "--limit-rows 0 lists all"
        yield f"  … and {more_rows:,} more (--format json {every})"


def _row(row: RowChange, paint: Paint) -> Iterator[str]:
    """A row on a line, or where its changed cells don't fit on it, on one line for each side of a cell."""
    key = key_of(row, 40)
    name = f"{SIGNS[row.op]} {key}  " if key else f"{SIGNS[row.op]} "
    head = f"  {paint(name, fg=COLOURS[row.op])}"
    room = WIDTH - 2 - len(name)
    parts = [_cell(field, old, new, row.op, paint) for field, (old, new) in row.cells.items()]
    if row.op != "changed":
        yield f"{head}{_joined(parts, room)}" if parts else f"  {paint(name.rstrip(), fg=COLOURS[row.op])}"
    elif sum(size + 2 for _, size in parts) - 2 <= room:
        yield head + "; ".join(text for text, _ in parts)
    else:
        yield f"  {paint(name.rstrip(), fg=COLOURS[row.op])}"
        for field, (old, new) in list(row.cells.items())[:CELLS]:
            yield from _both(field, old, new, paint)
        if len(parts) > CELLS:
            yield f"      … and {count(len(parts) - CELLS, 'more field')}"


def _joined(parts: Sequence[tuple[str, int]], room: int) -> str:
    """The first parts that there is room for; an ellipsis if that isn't all."""
    shown: list[str] = []
    for number, (text, size) in enumerate(parts):
        room -= size + 2
        if room + 2 < (0 if number == len(parts) - 1 else 3):
            return "; ".join([*shown, "…"])
        shown.append(text)
    return "; ".join(shown)


def _cell(field: str, old: str | None, new: str | None, op: str, paint: Paint) -> tuple[str, int]:
    """A cell and its label, and how many columns they take."""
    label = f"{visible(field, 24)}: "
    if op != "changed":
        text = _quoted(pair(None, new if op == "added" else old, INLINE)[1])
        return label + text, len(label) + len(text)
    before, after = (_quoted(one) for one in pair(old, new, INLINE))
    painted = f"{paint(before, fg='red')} → {paint(after, fg='green')}"
    return label + painted, len(f"{label}{before} → {after}")


def _both(field: str, old: str | None, new: str | None, paint: Paint) -> Iterator[str]:
    """A changed cell on a line, or on two that have room for more of it."""
    label = f"      {visible(field, 24)}: "
    before, after = (_quoted(one) for one in pair(old, new, WIDTH - len(label) - 2))
    between = " → " if len(f"{label}{before} → {after}") <= WIDTH else f"\n{'→ ':>{len(label)}}"
    yield f"{label}{paint(before, fg='red')}{between}{paint(after, fg='green')}"


def _quoted(cell: Excerpt | None) -> str:
    return "null" if cell is None else f"«{cell.text}»"


def _filled(text: str, head: str, later: str, paint: Paint, colour: str | None, **style: object) -> Iterator[str]:
    """A text behind a head, in lines of a terminal's width."""
    lines = textwrap.wrap(text, WIDTH - max(len(head), len(later)), break_on_hyphens=False) or [""]
    for number, line in enumerate(lines):
        yield (later if number else head) + paint(line, fg=colour, **style)
