"""Canonical texts as fields read them: as a field's own format says, or as the standard's default format does."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from . import expressions
from .exceptions import DataFault
from .package import Field
from .reference import Reference
from .sql import UNIT_SEPARATOR

Spell = Callable[[str], str]
DURATION = re.compile(r"(?:(-?\d+) months, )?(?:(-?\d+) days?, )?(\d+):(\d\d):(\d\d)(?:\.(\d+))?")


def plain(field: Field) -> Field:
    """The field without options of its own, so that its values are spelled as the standard's default format has them.

    A time may be more exact than that format; the items of a list are divided by U+001F, as in its canonical text.
    """
    said = {"name": field.name, "type": field.type, "delimiter": UNIT_SEPARATOR, "itemType": item_type(field)}
    form = "any" if field.type == "time" else "default"
    return replace(field, format=form, constraints={}, missing_values=(), descriptor=said)


def item_type(field: Field) -> str:
    """The type of a list's items."""
    return field.option("itemType") or "string"


def speller(field: Field, where: str = "") -> Spell:
    """What writes a canonical text so that the field, which is in `where`, reads the same value again.

    It raises DataFault for one that the field can't read, however it is written, such as a list's item with its delimiter.
    """
    spell, reference = unchecked(field), Reference(field)

    def checked(text: str) -> str:
        cell = spell(text)
        if cell in field.missing_values or reference.canonical(reference.cast(cell)) != text:
            message = f'has "{cell[:40]}", which field "{field.name}" would read as another value'
            raise DataFault(message, where=where, fix="give the field another format, delimiter or missingValues")
        return cell

    return checked


def unchecked(field: Field) -> Spell:
    """What writes a canonical text as the field's type, format and options say."""
    build = SPELLERS.get(field.type)
    return build(field) if build else str


def _boolean(field: Field) -> Spell:
    said = {
        "true": (field.option("trueValues") or expressions.TRUE_VALUES)[0],
        "false": (field.option("falseValues") or expressions.FALSE_VALUES)[0],
    }
    return lambda text: str(said.get(text, text))


def _number(field: Field) -> Spell:
    point = field.option("decimalChar", ".")
    return lambda text: text.replace("Infinity", "INF").replace(".", point)


def _list(field: Field) -> Spell:
    item = unchecked(replace(plain(field), type=item_type(field)))
    delimiter = field.option("delimiter") or ","
    return lambda text: delimiter.join(map(item, text.split(UNIT_SEPARATOR)))


def _moment(read: Callable[[str], Any]) -> Callable[[Field], Spell]:
    def build(field: Field) -> Spell:
        if field.format in ("default", "any"):
            return str

        def spell(text: str) -> str:
            value = read(text)
            year = {"%Y": f"{value.year:04d}"} if isinstance(value, datetime.date) else {}  # strftime may leave zeroes out
            return str(value.strftime(re.sub("%.", lambda found: year.get(found[0], found[0]), field.format)))

        return spell

    return build


def _geopoint(field: Field) -> Spell:
    forms = {"array": "[{}, {}]", "object": '{{"lon": {}, "lat": {}}}'}
    return lambda text: forms.get(field.format, "{}, {}").format(*json.loads(text))


def _duration(_: Field) -> Spell:
    def spell(text: str) -> str:
        found = DURATION.fullmatch(text)
        if not found:
            return text
        months, days, *clock = (int(part or 0) for part in found.groups()[:5])
        micro = int((found[6] or "").ljust(6, "0"))
        time = datetime.timedelta(days, hours=clock[0], minutes=clock[1], seconds=clock[2], microseconds=micro)
        sign = "-" if months < 0 or time < datetime.timedelta() else ""
        minutes, seconds = divmod(abs(time).seconds, 60)
        second = Decimal(seconds) + Decimal(abs(time).microseconds) / 1_000_000
        date = {"M": abs(months), "D": abs(time).days}
        rest = {"H": minutes // 60, "M": minutes % 60, "S": second}
        said, at = ("".join(f"{number}{letter}" for letter, number in part.items() if number) for part in (date, rest))
        return f"{sign}P{said}{'T' if at or not said else ''}{at or ('' if said else '0S')}"

    return spell


SPELLERS: dict[str, Callable[[Field], Spell]] = {
    "boolean": _boolean,
    "number": _number,
    "list": _list,
    "date": _moment(datetime.date.fromisoformat),
    "time": _moment(datetime.time.fromisoformat),
    "datetime": _moment(datetime.datetime.fromisoformat),
    "geopoint": _geopoint,
    "duration": _duration,
}
