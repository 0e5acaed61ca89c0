"""What all renderings of a diff share: its headline, its differences by kind, the rows to show, cells cut to what differs."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..changes import Changes, Difference, Note, ResourceDiff, RowChange
from ..reports.outline import count, visible
from ..version import Bump, Rule, Verdict

NAME = 60  # characters of a name
TOKEN = 24  # characters that what differs is widened by, at most, to begin and end where a word does
SIGNS = {"added": "+", "removed": "-", "changed": "~"}
COUNTS = ("added", "removed", "changed", "unchanged")


@dataclass(frozen=True)
class Kind:
    """All differences under one version rule, waived or not."""

    rule: Rule
    bump: Bump
    waived: bool
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class Excerpt:
    """A cell on one line: `middle` is what differs from the other side, `before` and `after` what it shares with it."""

    before: str
    middle: str
    after: str

    @property
    def text(self) -> str:
        """The whole excerpt."""
        return self.before + self.middle + self.after


def title(changes: Changes) -> str:
    """The two sides on one line."""
    old = " ".join(visible(part, NAME) for part in (changes.old.name or "package", changes.old.version) if part)
    renamed = changes.old.name != changes.new.name or not changes.new.version
    parts = (changes.new.name or "package", changes.new.version) if renamed else (changes.new.version,)
    return f"{old} → {' '.join(visible(part, NAME) for part in parts if part)}"


def demand(changes: Changes, verdict: Verdict, inert: Callable[[str], str] = str) -> str:
    """The least bump and the least next version, which `inert` keeps from acting: it may be the old one, and any text."""
    if not verdict.fired and not verdict.bump:
        unread = any(note.kind == "not-valid" for note in changes.notes)  # what is no value may yet be another
        return f"no change of content{', as far as it can be read' if unread else ''}"
    least = f", next version at least {inert(visible(verdict.next_version, NAME))}" if verdict.next_version else ""
    return f"{verdict.bump.name}{least}"


def headline(changes: Changes, verdict: Verdict) -> str:
    """Which two packages, and what their difference demands, on one line."""
    return f"{title(changes)}: {demand(changes, verdict)}"


def kinds(verdict: Verdict) -> list[Kind]:
    """The differences by rule, the gravest first."""
    found: dict[tuple[str, bool], Kind] = {}
    for one in verdict.fired:
        known = found.get((one.rule.id, one.waived), Kind(one.rule, one.rule.bump, one.waived, ()))
        found[one.rule.id, one.waived] = Kind(known.rule, known.bump, known.waived, (*known.differences, one.difference))
    return list(found.values())


def place(difference: Difference | Note) -> str:
    """The resource and the field."""
    return ".".join(visible(part, NAME) for part in (difference.resource, difference.field) if part)


def told(difference: Difference | Note) -> str:
    """Where it is, unless the message says so itself, and what it is, as one line."""
    named = all(f'"{part}"' in difference.message for part in (difference.resource, difference.field) if part)
    message = visible(difference.message, 400)
    return message if named else f"{place(difference)}: {message}"


def tables(changes: Changes) -> list[ResourceDiff]:
    """The tables whose rows differ."""
    return [one for one in changes.resources if total(one)]


def total(one: ResourceDiff) -> int:
    """Rows that differ."""
    return one.added + one.removed + one.changed


def counted(one: ResourceDiff) -> str:
    """How many rows of each sort a table has."""
    return ", ".join(f"{getattr(one, word):,} {word}" for word in COUNTS)


def compared_by(one: ResourceDiff) -> str:
    """What the rows of a table were matched by."""
    return f"by {', '.join(visible(field, 40) for field in one.key)}" if one.key else "no key: whole rows are compared"


def picked(rows: Sequence[RowChange], room: int) -> list[RowChange]:
    """The first rows, each sort having its share of the room, in their order."""
    by_op = [[number for number, row in enumerate(rows) if row.op == op] for op in ("changed", "removed", "added")]
    kept: list[int] = []
    for turn in range(room):
        kept += [numbers[turn] for numbers in by_op if turn < len(numbers)]
        if len(kept) >= min(room, len(rows)):
            break
    return [rows[number] for number in sorted(kept[:room])]


def key_of(row: RowChange, width: int) -> str:
    """The key of a row as one line; "" where the table has none."""
    return visible(", ".join("null" if value is None else value for value in row.key.values()), width)


def columns(one: ResourceDiff, rows: Sequence[RowChange], room: int) -> tuple[list[str], int]:
    """The fields to show of rows side by side, those that changed most if there are too many, and how many are left out."""
    fullest = sorted(rows, key=lambda row: -len(row.cells))  # the more cells a row has, the more it tells of their order
    found = dict.fromkeys(field for row in fullest for field in row.cells)
    first = set(sorted(found, key=lambda field: -one.fields.get(field, 0))[:room])
    return [field for field in found if field in first], len(found) - len(first)


def left_out(one: ResourceDiff, shown: int) -> str:
    """How many rows that differ are not shown, and how to see them; "" where all are."""
    more = total(one) - shown
    return f"… and {count(more, 'row')} more (--limit-rows 0 --format json lists all)" if more > 0 else ""


# Cells


def pair(old: str | None, new: str | None, width: int) -> tuple[Excerpt | None, Excerpt | None]:
    """Two cells, each on at most `width` characters of a line (10 or more), cut so that what differs can be seen."""
    if old is None or new is None:
        return _alone(old, width), _alone(new, width)
    start, end = _shared(old, new, width)
    before, after = old[:start], old[len(old) - end :]
    middles = old[start : len(old) - end], new[start : len(new) - end]
    context = width // 5  # what a cut cell keeps on each side of what differs, at least
    most = width - min(context, start) - min(context, end)
    shown = [visible(middle, most) for middle in middles]
    if len({unicodedata.normalize("NFKC", one) for one in shown}) == 1:  # an accent of its own, a control character's escape
        shown = [visible(middle.encode("unicode_escape").decode(), most) for middle in middles]
    room = width - max(map(len, shown))
    left = _tail(before, max(room // 2, room - end))
    right = _head(after, room - len(left))
    first, second = (Excerpt(left, middle, right) for middle in shown)
    return first, second


def _alone(text: str | None, width: int) -> Excerpt | None:
    return None if text is None else Excerpt("", visible(text, width), "")


def _shared(old: str, new: str, width: int) -> tuple[int, int]:
    """How many characters two texts share at their start and at their end, between them whole words if there is room."""
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    spare = width * 3 // 5 - (max(len(old), len(new)) - start - end)
    for _ in range(min(TOKEN, spare // 2)):
        start -= start > 0 and _of_word(old[start - 1])
        end -= end > 0 and _of_word(old[len(old) - end])
    return start, end


def _of_word(one: str) -> bool:
    return one.isprintable() and not one.isspace()


def _common(one: str, other: str) -> int:
    """How many characters two texts have in common from the start on."""
    low, high = 0, min(len(one), len(other))
    while low < high:  # a slice is compared far faster than its characters one by one
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low


def _head(text: str, size: int) -> str:
    line = visible(text[:size], 12 * size + 1)
    return line if len(text) <= size >= len(line) else f"{line[: size - 1]}…" if size else ""


def _tail(text: str, size: int) -> str:
    line = visible(text[len(text) - min(size, len(text)) :], 12 * size + 1)
    return line if len(text) <= size >= len(line) else f"…{line[len(line) - size + 1 :]}" if size else ""


def fitting(parts: Iterable[str], room: int) -> Iterator[str]:
    """The first parts that have room together, with a character between any two."""
    for part in parts:
        room -= len(part) + 1
        if room < 0:
            return
        yield part
