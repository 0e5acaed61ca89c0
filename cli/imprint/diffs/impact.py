"""What a consumer relies on, and how a change affects it, as a person reads it in a terminal of 80 columns and as JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..changes import Changes
from ..impact import Effect, Impact, Level
from ..reports.outline import visible
from ..reports.text import WIDTH, Paint, plain
from ..uses import Lock, Use
from ..version import Verdict
from .json import to_dict
from .outline import NAME, title

WORDS = {Level.breaks: "breaks", Level.may_differ: "may differ", Level.untouched: "not affected"}
COLOURS = {Level.breaks: "red", Level.may_differ: "yellow", Level.untouched: "green"}
HEAD = 14  # columns before what an effect says
SHOWN = 20  # effects of a lock
TEXT = 200  # characters of a message
SEEN = 24  # columns of a name beside the places where it was seen
LOOK = (
    "This is what the names in the script say, which may be too much: a word that only looks like a field is here, too. "
    "A name that is put together while it runs isn't. Look it over before relying on it; whether it reads columns by position "
    "(order), and whether new rows and values matter to it (values), is for you to say."
)


def render(changes: Changes, verdict: Verdict, impacts: Sequence[Impact], form: str = "text", paint: Paint = plain) -> str:
    """How a diff affects the consumers of some locks: text, or the JSON of the diff with `impact` besides."""
    if form == "json":
        rendered = json.dumps({**to_dict(changes, verdict), "impact": impact_json(impacts)}, indent=2, ensure_ascii=False)
    else:
        rendered = "\n".join(_lines(changes, impacts, paint))
    return rendered.encode("utf-8", "backslashreplace").decode()


def impact_json(impacts: Sequence[Impact]) -> dict[str, Any]:
    """The worst of all consumers, and each of them."""
    worst = max((one.level for one in impacts), default=Level.untouched)
    consumers = [
        {
            "lock": one.lock.source,
            "affected": one.affected,
            "level": one.level.word,
            "effects": [_effect_json(effect) for effect in one.effects],
            "untouched": one.untouched,
        }
        for one in impacts
    ]
    return {"affected": worst > Level.untouched, "level": worst.word, "consumers": consumers}


def _effect_json(effect: Effect) -> dict[str, Any]:
    difference = effect.difference
    optional = {
        "resource": difference.resource, "field": difference.field, "count": difference.count, "witness": effect.witness,
    }  # fmt: skip
    known = {word: value for word, value in optional.items() if value is not None}
    return {
        "level": effect.level.word, "rule": difference.rule, **known, "message": difference.message, "effect": effect.why,
    }  # fmt: skip


def _lines(changes: Changes, impacts: Iterable[Impact], paint: Paint) -> Iterator[str]:
    yield paint(title(changes), bold=True)
    used = {use.resource for one in impacts for use in one.lock.uses}
    for note in changes.notes:
        if note.resource is None or note.resource in used:
            place = ".".join(visible(part, NAME) for part in (note.resource, note.field) if part)
            yield from _wrapped(f"{place}: {note.message}" if place else note.message, "  note  ", 8)
    for one in impacts:
        yield ""
        yield paint(f"{visible(one.lock.source, NAME)}: {WORDS[one.level]}", bold=True, fg=COLOURS[one.level])
        for effect in one.effects[:SHOWN]:
            yield from _effect_lines(effect, paint)
        if len(one.effects) > SHOWN:
            yield f"  … and {len(one.effects) - SHOWN:,} more (--format json lists them)"
        if one.untouched:
            other = "other " if one.effects else ""
            yield f"  {one.untouched:,} {other}difference{'s' * (one.untouched > 1)}, which it doesn't rely on"


def _effect_lines(effect: Effect, paint: Paint) -> Iterator[str]:
    difference = effect.difference
    place = ".".join(visible(part, NAME) for part in (difference.resource, difference.field) if part)
    said = f"{place}: {visible(difference.message, TEXT)}" if place else visible(difference.message, TEXT)
    word = WORDS[effect.level]
    first, *rest = _wrapped(f"{said} ({difference.rule})", f"  {word}".ljust(HEAD), HEAD)
    yield first.replace(word, paint(word, fg=COLOURS[effect.level]), 1)
    yield from rest
    yield from _wrapped(visible(effect.why, TEXT), " " * HEAD, HEAD)
    if effect.witness:
        yield from _wrapped(f"for example: {visible(effect.witness, TEXT)}", " " * HEAD, HEAD)


def _wrapped(text: str, head: str, indent: int) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=head, subsequent_indent=" " * indent, break_on_hyphens=False)


# Locks


def lock_json(lock: Lock) -> str:
    """A lock as its file has it."""
    return json.dumps(lock.to_dict(), indent=2, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()


def lock_text(lock: Lock, checked: str = "") -> str:
    """What a lock says that its consumer relies on; `checked` is the package that has all of it."""
    return "\n".join(_lock_lines(lock, checked))


def _lock_lines(lock: Lock, checked: str) -> Iterator[str]:
    name = " ".join(visible(part, NAME) for part in (lock.package, lock.version) if part)
    yield f"{visible(lock.source, NAME)} relies on{f' {name}' if name else ''}:"
    for use in lock.uses:
        yield ""
        yield from _use_lines(use, lock.source)
    if lock.read == "script":
        yield ""
        yield from textwrap.wrap(LOOK, WIDTH)
    elif checked:
        yield ""
        yield f"{visible(checked, NAME)} has all of it."


def _use_lines(use: Use, source: str) -> Iterator[str]:
    yield from _seen_line(use.resource, _told(use.seen.get(use.resource, ()), source), "")
    how = ["by position" if use.order else "by name", *([] if use.values else ["its form, not its values"])]
    how += [f"key {', '.join(use.key)}"] if use.key else []
    how += [f"opens {', '.join(use.paths)}"] if use.paths else []
    how += ["all fields"] if use.fields is None else []
    yield from _wrapped(visible("; ".join(how), TEXT), "  ", 2)
    for name in use.named if use.fields is not None else use.codes:
        path = f"{use.resource}.{name}"
        yield from _seen_line(name, _told(use.seen.get(path, ()), source), "  ")
        for code in use.codes.get(name, ()):
            yield from _seen_line(f"= {code}", _told(use.seen.get(f"{path}={code}", ()), source), "    ")


def _told(places: Iterable[str], source: str) -> str:
    """Places with each file named once, and not at all where it is the source itself."""
    files: dict[str, list[str]] = {}
    for place in places:
        file, _, line = place.rpartition(":")
        files.setdefault(file, []).append(line)
    return ", ".join(f"{'line ' if file == source else f'{file}:'}{', '.join(lines)}" for file, lines in files.items())


def _seen_line(name: str, places: str, indent: str) -> Iterator[str]:
    head = f"{indent}{visible(name, NAME)}"
    yield from _wrapped(visible(places, TEXT), f"{head.ljust(SEEN)}  ", SEEN + 2) if places else [head]
