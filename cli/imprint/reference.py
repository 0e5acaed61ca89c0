"""One cell, one verdict: slow and exact. frictionless-py decides, save where the standard says otherwise.

Only this module may call a cell wrong. Each departure from frictionless-py is a short function of `STANDARD`, and is
listed with its reason in docs/departures.md.
"""

from __future__ import annotations

import datetime
import functools
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from .exceptions import ImprintError
from .package import Field, Resource
from .sql import UNIT_SEPARATOR

Notes = tuple[tuple[str, str], ...]  # (error type, note)
OWN_CONSTRAINTS = frozenset({"pattern", "jsonSchema", "enum"})
BOUNDS = {
    "minimum": lambda value, bound: value >= bound,
    "maximum": lambda value, bound: value <= bound,
    "exclusiveMinimum": lambda value, bound: value > bound,
    "exclusiveMaximum": lambda value, bound: value < bound,
}


# A JSON value that is of the field's type as it stands: no reader is needed, constraints are checked here.
OWN_TYPES: dict[str, type] = {"string": str, "object": dict, "array": list, "integer": int, "boolean": bool}


def _no_underscore(cell: str) -> bool:
    return "_" not in cell


def _iso_date(cell: str) -> bool:
    return re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", cell) is not None


# Text that frictionless-py would cast although the standard's lexical form forbids it.
STANDARD = {
    ("integer", "default"): _no_underscore,
    ("number", "default"): _no_underscore,
    ("date", "default"): _iso_date,
    ("year", "default"): lambda cell: re.fullmatch(r"[0-9]{4}", cell) is not None,
    ("yearmonth", "default"): lambda cell: re.fullmatch(r"[0-9]{4}-[0-9]{2}", cell) is not None,
}


class Reference:
    """Reads the cells of one field."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self._own_type = OWN_TYPES.get(field.type) if field.format == "default" else None
        self._allowed = STANDARD.get((field.type, field.format))
        pattern = field.constraints.get("pattern")
        self._pattern = re.compile(f"(?:{pattern})") if isinstance(pattern, str) else None
        self._enum = self._cast_all(field.constraints.get("enum"))
        self._categories = self._cast_all(field.categories or None)

    @functools.cached_property
    def _reader(self) -> Any:
        return _cell_reader(self.field)

    def _cast_all(self, values: Any) -> list[Any] | None:
        if values is None or self._own_type is str:
            return values if values is None else list(values)
        return [self._reader(value)[0] if isinstance(value, str) else value for value in values]

    def read(self, cell: Any) -> tuple[Any, Notes]:
        """The logical value of a cell and what is wrong with it. `cell` is a text, a JSON value, or None if absent."""
        field = self.field
        if isinstance(cell, str):
            if cell in field.missing_values:
                cell = None
            elif self._allowed is not None and not self._allowed(cell):
                return None, (("type-error", type_note(field)),)
            elif field.type == "integer" and field.option("groupChar"):
                cell = cell.replace(field.option("groupChar"), "")
        if cell is None:
            return None, ((("constraint-error", 'constraint "required" is "True"'),) if field.required else ())
        if self._is_own(cell):
            return cell, tuple(("constraint-error", note) for note in self._own_constraints(cell))
        value, notes = self._reader(cell)
        notes = notes or {}
        if "type" in notes:
            return None, (("type-error", str(notes["type"])),)
        found = [("constraint-error", str(note)) for note in notes.values()]
        if value is not None:
            found += [("constraint-error", note) for note in self._own_constraints(value)]
        return value, tuple(found)

    def _is_own(self, cell: Any) -> bool:
        if self._own_type is None or not isinstance(cell, self._own_type):
            return False
        return not (isinstance(cell, bool) and self._own_type is int) and str(cell) not in self.field.missing_values

    def _own_constraints(self, value: Any) -> Iterator[str]:
        field = self.field
        if self._pattern is not None and not (isinstance(value, str) and self._pattern.fullmatch(value)):
            yield f'constraint "pattern" is "{field.constraints["pattern"]}"'
        if self._enum is not None and value not in self._enum:
            yield f'constraint "enum" is "{field.constraints["enum"]}"'
        if self._categories is not None and value not in self._categories:
            yield "value is not one of the field's categories"
        if field.type in ("duration", "integer"):
            yield from self._bounds(value)
        if self._own_type in (str, dict, list) or field.type == "any":
            yield from self._lengths(value)
        if "jsonSchema" in field.constraints:
            yield from _json_schema_notes(field.constraints["jsonSchema"], value)

    def _bounds(self, value: Any) -> Iterator[str]:
        for name, holds in BOUNDS.items():
            if name in self.field.constraints:
                bound = self.field.constraints[name]
                bound = bound if isinstance(bound, int) else self._reader(str(bound))[0]
                if bound is not None and not holds(_comparable(value), _comparable(bound)):
                    yield f'constraint "{name}" is "{self.field.constraints[name]}"'

    def _lengths(self, value: Any) -> Iterator[str]:
        if not hasattr(value, "__len__"):
            return
        for name, wrong in (("minLength", lambda n, m: n < m), ("maxLength", lambda n, m: n > m)):
            if name in self.field.constraints and wrong(len(value), self.field.constraints[name]):
                yield f'constraint "{name}" is "{self.field.constraints[name]}"'

    def canonical(self, value: Any) -> str | None:
        """The text that is the same for equal values of the field; None for a null."""
        return canonical(value, self.field)


def type_note(field: Field) -> str:
    """What frictionless-py says of a cell that can't be cast."""
    return f'type is "{field.type}/{field.format}"'


def _comparable(value: Any) -> Any:
    if isinstance(value, (int, datetime.timedelta)):
        return value
    return value.totimedelta(start=datetime.datetime(2000, 1, 1))  # a duration with months: XML Schema's partial order


def _json_schema_notes(schema: Any, value: Any) -> Iterator[str]:
    from .descriptor import json_schema_faults

    for fault in json_schema_faults(schema, value, "constraint-error"):
        yield f'constraint "jsonSchema": {fault.note}'


def _cell_reader(field: Field) -> Any:
    """frictionless-py's own reader of the field, with what it lacks or does otherwise taken out of the descriptor."""
    import frictionless

    kept = {name: value for name, value in field.constraints.items() if name not in OWN_CONSTRAINTS | {"unique"}}
    if field.type in ("duration", *OWN_TYPES, "any"):
        kept = {name: value for name, value in kept.items() if name == "required"}
    content = {key: value for key, value in field.descriptor.items() if key in TYPE_OPTIONS.get(field.type, ())}
    content |= {"name": field.name or "field", "type": field.type, "format": field.format, "constraints": kept}
    content |= {"missingValues": list(field.missing_values)}
    try:
        built = frictionless.Field.from_descriptor(content)
        return built.create_cell_reader()
    except (frictionless.FrictionlessException, TypeError, ValueError) as error:
        return functools.partial(_unreadable, str(error))


def _unreadable(reason: str, _: Any) -> tuple[None, dict[str, str]]:
    return None, {"type": f"the field's descriptor can't be used: {reason}"}


TYPE_OPTIONS = {
    "boolean": ("trueValues", "falseValues"),
    "integer": ("bareNumber",),
    "number": ("bareNumber", "decimalChar", "groupChar"),
    "list": ("delimiter", "itemType"),
}


def canonical(value: Any, field: Field) -> str | None:  # noqa: PLR0911 - one line per kind of value
    """The canonical text of a logical value: the same as `expressions.canonical` gives for a sure cell."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float, Decimal)):
        return f"{value:04d}" if field.type == "year" and isinstance(value, int) else _number(value)
    if isinstance(value, (datetime.datetime, datetime.time)):
        return _moment(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if field.type == "yearmonth":
        return f"{value[0]:04d}-{value[1]:02d}"
    if field.type == "list" and field.option("itemType", "string") == "string":
        return UNIT_SEPARATOR.join(value)
    if field.type == "list":
        return UNIT_SEPARATOR.join(canonical(item, field) or "" for item in value)
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return str(value)


def _number(value: float | Decimal) -> str:
    exact = Decimal(str(value))
    if not exact.is_finite():
        return str(exact)
    text = f"{exact:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _moment(value: datetime.datetime | datetime.time) -> str:
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.astimezone(datetime.UTC).replace(tzinfo=None).isoformat() + "Z"
    return value.isoformat()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return _number(value) if isinstance(value, Decimal) else value


def read_cells(resource: Resource) -> Iterator[list[Any]]:
    """Rows of a spreadsheet or another format that frictionless-py reads, the header included.

    Raises ImprintError where it can't: an unknown format, or one that needs an extra.
    """
    import frictionless

    keep = ("path", "format", "dialect", "encoding", "compression")
    content = {key: resource.descriptor[key] for key in keep if key in resource.descriptor}
    content |= {"name": "resource", "type": "table", "path": str(resource.files[0].name)}
    try:
        opened = frictionless.Resource.from_descriptor(content, basepath=str(resource.files[0].parent))
        with opened:
            yield from opened.cell_stream
    except frictionless.FrictionlessException as error:
        raise ImprintError(error.error.note, where=resource.place, fix="convert it to CSV") from error
