"""One cell, one verdict: slow and exact. frictionless-py decides, save where the standard says otherwise.

Only this module may call a cell wrong. Each departure from frictionless-py is a short function of `STANDARD`, and is
listed with its reason in docs/departures.md.
"""

from __future__ import annotations

import datetime
import functools
import importlib.util
import itertools
import json
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from . import json_schema, parquet, patterns
from .exceptions import Unreadable
from .expressions import FALSE_VALUES, TRUE_VALUES
from .package import Field, Resource
from .sql import UNIT_SEPARATOR

Notes = tuple[tuple[str, str], ...]  # (error type, note)
BOUNDS: dict[str, Callable[[Any, Any], bool]] = {
    "minimum": operator.ge,
    "maximum": operator.le,
    "exclusiveMinimum": operator.gt,
    "exclusiveMaximum": operator.lt,
}
LENGTHS: dict[str, Callable[[Any, Any], bool]] = {"minLength": operator.ge, "maxLength": operator.le}

# A JSON value that is of the field's type as it stands: no reader is needed.
OWN_TYPES: dict[str, type] = {"string": str, "object": dict, "array": list, "integer": int, "boolean": bool}
# JSON values that are the decimals that they are written as.
NUMBERS: dict[str, tuple[type, ...]] = {"number": (int, float, Decimal), "integer": (Decimal,), "any": (float,)}
NUMERIC = re.compile(r"[-\d]")  # where a number begins for `bareNumber: false`
PLAIN = 1000  # digits before or after the point, beyond which a canonical number has an exponent
LONG_INTEGER = re.compile(r"\s*[+-]?[0-9]{4000,}\s*")  # Python's int() refuses these, the standard doesn't


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda cell: compiled.fullmatch(cell) is not None


def _standard_number(cell: str) -> bool:
    """No spelling that only Python's Decimal has: `1_0`, `Infinity`, `sNaN`, `NaN1`."""
    return re.search(r"_|infinity|snan|nan[0-9]", cell, re.IGNORECASE) is None


# The standard's lexical form, where frictionless-py would cast text that isn't in it.
STANDARD: dict[tuple[str, str], Callable[[str], bool]] = {
    ("integer", "default"): lambda cell: "_" not in cell,
    ("number", "default"): _standard_number,
    ("date", "default"): _matches(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    ("time", "default"): _matches(r"[0-9]{2}:[0-9]{2}:[0-9]{2}"),
    ("datetime", "default"): _matches(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?"
    ),
    ("year", "default"): _matches(r"[0-9]{4}"),
    ("yearmonth", "default"): _matches(r"[0-9]{4}-[0-9]{2}"),
    ("duration", "default"): _matches(
        r"-?P(?=.)([0-9]+Y)?([0-9]+M)?([0-9]+D)?(T(?=.)([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]+)?S)?)?"
    ),
    ("string", "binary"): _matches(r"([A-Za-z0-9+/]\s*)*(=\s*){0,2}"),
}


class Reference:
    """Reads the cells of one field."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self._own_type = OWN_TYPES.get(field.type) if field.format == "default" else None
        self._allowed = STANDARD.get((field.type, field.format))
        self._plain = _plain_reader(field)
        pattern = field.constraints.get("pattern")
        self._pattern = pattern if isinstance(pattern, str) else None
        self._enum = self._cast_all(field.constraints.get("enum"))
        self._categories = self._cast_all(field.categories or None)

    @functools.cached_property
    def _cast(self) -> Callable[[Any], Any]:
        return _value_reader(self.field)

    @functools.cached_property
    def _item(self) -> Reference:
        """What reads the items of a list: values of their own type, in its default format."""
        kind = self.field.option("itemType", "string")
        return Reference(replace(self.field, type=kind, format="default", constraints={}, missing_values=(), descriptor={}))

    @functools.cached_property
    def bounds(self) -> dict[str, Any]:
        """The logical value of each bound; None where it isn't of the field's type."""
        bounds = {name: self.field.constraints[name] for name in BOUNDS if name in self.field.constraints}
        return {name: self.cast(bound) for name, bound in bounds.items()}

    def _cast_all(self, values: Any) -> list[Any] | None:
        return None if values is None else [self.cast(value) for value in values]

    def read(self, cell: Any) -> tuple[Any, Notes]:
        """The logical value of a cell and what is wrong with it. `cell` is a text, a JSON value, or None if absent.

        Raises Unreadable where a constraint takes too long to tell.
        """
        if cell is None or str(cell) in self.field.missing_values:
            return None, ((("constraint-error", 'constraint "required" is "True"'),) if self.field.required else ())
        value = self.cast(cell)
        if value is None:
            return None, (("type-error", type_note(self.field)),)
        return value, tuple(("constraint-error", note) for note in self._broken_constraints(value))

    def cast(self, cell: Any) -> Any:
        """The logical value of a text or JSON value that isn't missing; None where it isn't of the field's type."""
        field = self.field
        if isinstance(cell, str):
            if field.type in ("integer", "number"):
                cell = _bare(cell, field)
            if self._allowed is not None and not self._allowed(cell):
                return None
            if field.type == "integer" and LONG_INTEGER.fullmatch(cell):
                return Decimal(cell)
            if field.type == "list":
                items = [self._item.cast(item) for item in cell.split(field.option("delimiter") or ",")]
                return None if None in items else items
        if isinstance(cell, str) and self._plain is not None:
            return self._plain(cell)
        if type(cell) in NUMBERS.get(field.type, ()):
            return _decimal(cell, field)
        value = cell if self._is_own(cell) else self._cast(cell)
        return value if _is_possible(value) else None

    def _is_own(self, cell: Any) -> bool:
        if self._own_type is None or not isinstance(cell, self._own_type):
            return False
        return not (isinstance(cell, bool) and self._own_type is int)

    def _broken_constraints(self, value: Any) -> Iterator[str]:
        constraints = self.field.constraints
        if self._pattern is not None and not (isinstance(value, str) and self._matches(self._pattern, value)):
            yield f'constraint "pattern" is "{constraints["pattern"]}"'
        if self._enum is not None and value not in self._enum:
            yield f'constraint "enum" is "{constraints["enum"]}"'
        if self._categories is not None and value not in self._categories:
            yield "value is not one of the field's categories"
        for name, bound in self.bounds.items():
            if bound is not None and not _holds(BOUNDS[name], value, bound):
                yield f'constraint "{name}" is "{constraints[name]}"'
        for name, compare in LENGTHS.items():
            if name in constraints and hasattr(value, "__len__") and not compare(len(value), constraints[name]):
                yield f'constraint "{name}" is "{constraints[name]}"'
        if "jsonSchema" in constraints:
            yield from _json_schema_notes(constraints["jsonSchema"], value)

    def _matches(self, pattern: str, value: str) -> bool:
        try:
            return patterns.full_match(pattern, value)
        except patterns.TooSlow as error:
            raise Unreadable("constraint-error", f'field "{self.field.name}": {error}', unchecked=True) from error

    def canonical(self, value: Any) -> str | None:
        """The text that is the same for equal values of the field; None for a null."""
        return canonical(value, self.field)


def _decimal(cell: float | Decimal, field: Field) -> Decimal | None:
    """A JSON number; one for an integer is whole, and not written with an exponent that nobody could write out."""
    exact = Decimal(str(cell))
    exponent = exact.as_tuple().exponent
    whole = isinstance(exponent, int) and exponent <= PLAIN and exact == exact.to_integral_value()
    return exact if whole or field.type != "integer" else None


def _is_possible(value: Any) -> bool:
    """False for a time in a zone that no clock has (dateutil takes `+25:00`)."""
    if isinstance(value, (datetime.datetime, datetime.time)):
        try:
            value.utcoffset()
        except ValueError:
            return False
    return True


def _bare(cell: str, field: Field) -> str:
    """A number without what `bareNumber` and `groupChar` allow around and inside it."""
    bare = cell if field.option("bareNumber", True) else _between(cell.strip())
    return bare.replace(field.option("groupChar") or "", "")


def _between(text: str) -> str:
    """A text from its first minus or digit to its last digit."""
    found = NUMERIC.search(text)
    last = next((place for place in range(len(text), 0, -1) if text[place - 1].isdecimal()), 0)
    return text[found.start() : last] if found else ""


def _holds(compare: Callable[[Any, Any], bool], value: Any, bound: Any) -> bool:
    """Whether a value is within a bound; False where the two have no order (NaN, a time with a zone beside one without)."""
    try:
        return compare(_ordered(value), _ordered(bound))
    except (TypeError, ArithmeticError):
        return False


def type_note(field: Field) -> str:
    """What frictionless-py says of a cell that can't be cast."""
    return f'type is "{field.type}/{field.format}"'


def _ordered(value: Any) -> Any:
    if hasattr(value, "totimedelta"):  # a duration with months: XML Schema's partial order
        return value.totimedelta(start=datetime.datetime(2000, 1, 1))
    return value


def _json_schema_notes(schema: Any, value: Any) -> Iterator[str]:
    try:
        for fault in json_schema.faults(schema, value, checked=True):
            yield f'constraint "jsonSchema": {fault.message[:200]}'
    except json_schema.TooSlow as error:
        raise Unreadable("constraint-error", str(error), unchecked=True) from error
    except json_schema.SchemaFault as error:
        yield f'constraint "jsonSchema": {error}'


def _plain_reader(field: Field) -> Callable[[str], Any] | None:
    """What frictionless-py's reader does with a text of the commonest types, without the half second that its import takes."""
    if field.format != "default" or any(option in field.descriptor for option in TYPE_OPTIONS.get(field.type, ())):
        return None
    return PLAIN_READERS.get(field.type)


def _plain_integer(cell: str) -> int | None:
    try:
        return int(cell.strip())
    except ValueError:
        return None


def _plain_number(cell: str) -> Decimal | None:
    try:
        return Decimal(cell.strip())
    except ArithmeticError:
        return None


def _plain_date(cell: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(cell)
    except ValueError:
        return None


PLAIN_READERS: dict[str, Callable[[str], Any]] = {
    "integer": _plain_integer,
    "number": _plain_number,
    "boolean": {**dict.fromkeys(TRUE_VALUES, True), **dict.fromkeys(FALSE_VALUES, False)}.get,
    "date": _plain_date,
    "year": int,
}


def _value_reader(field: Field) -> Callable[[Any], Any]:
    """frictionless-py's own reader of the field's values, which knows nothing of constraints."""
    import frictionless

    options = TYPE_OPTIONS.get(field.type, ())
    content = {key: value for key, value in field.descriptor.items() if key in options and value != ""}
    content |= {"name": field.name or "field", "type": field.type, "format": field.format}
    try:
        reader: Callable[[Any], Any] = frictionless.Field.from_descriptor(content).create_value_reader()
    except (frictionless.FrictionlessException, TypeError, ValueError):
        return lambda _: None
    return reader


TYPE_OPTIONS = {
    "boolean": ("trueValues", "falseValues"),
    "number": ("decimalChar", "groupChar"),  # `_bare` sees to `bareNumber`
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
        if field.type == "year" and isinstance(value, int):
            return f"{value:04d}"
        return _number(value, whole="integer" in (field.type, field.option("itemType")))
    if isinstance(value, (datetime.datetime, datetime.time)):
        return _moment(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if hasattr(value, "totimedelta"):
        return f"{value.years * 12 + value.months} months, {value.tdelta}"
    if field.type == "yearmonth":
        return f"{value[0]:04d}-{value[1]:02d}"
    if field.type == "list":
        return UNIT_SEPARATOR.join(canonical(item, field) or "" for item in value)
    if field.type == "geopoint":
        return json.dumps([canonical(part, field) for part in value], separators=(",", ":"))
    if isinstance(value, (list, tuple, dict)):
        text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_number)
        return text.encode(errors="backslashreplace").decode()  # half a surrogate pair is no text to the engine
    return str(value)


def _number(value: float | Decimal, *, whole: bool = False) -> str:
    """A number in full, unless that would take too many digits; a whole one always is, as an integer has no exponent."""
    exact = Decimal(str(value))
    if exact and abs(exact.adjusted()) > PLAIN and not whole:
        first, _, rest = f"{exact:E}".partition("E")[0].partition(".")
        return f"{first}.{rest.rstrip('0') or '0'}E{exact.adjusted()}"
    text = f"{exact:f}" if exact else "0"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _moment(value: datetime.datetime | datetime.time) -> str:
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        try:
            return value.astimezone(datetime.UTC).replace(tzinfo=None).isoformat() + "Z"
        except OverflowError:  # in the first or the last hours that the calendar has
            return value.isoformat()
    return value.isoformat()


READERS = {"xlsx": "openpyxl", "xls": "xlrd", "ods": "ezodf"}  # packages of the extra "spreadsheets"


def read_cells(resource: Resource) -> Iterator[list[Any]]:
    """Rows of Parquet, a spreadsheet or another format that frictionless-py reads, the header included.

    Raises Unreadable where it can't: an unknown format, or one that needs an extra.
    """
    if not resource.files:
        note = f'data in the descriptor can\'t be "{resource.format}"; put it into a file'
        raise Unreadable("format-error", note, where=resource.place)
    if resource.format == "parquet":
        yield from parquet.rows(resource)
        return
    for number, file in enumerate(resource.files):
        yield from itertools.islice(_cells_of(file, resource), resource.dialect.first_content_row - 1 if number else 0, None)


def _cells_of(file: Path, resource: Resource) -> Iterator[list[Any]]:
    import frictionless

    if resource.format in READERS and importlib.util.find_spec(READERS[resource.format]) is None:
        note = f'format "{resource.format}" needs a reader; install it with `pip install "frictionless[excel,ods]"`'
        raise Unreadable("format-error", note, where=resource.place)
    content: dict[str, Any] = {"name": "resource", "type": "table", "path": file.name, "format": resource.format}
    content |= {"encoding": resource.encoding, "dialect": _sheet(resource)}
    if resource.compression:
        content["compression"] = resource.compression
    try:
        opened = frictionless.Resource.from_descriptor(content, basepath=str(file.parent))
        with opened:
            yield from opened.cell_stream
    except frictionless.FrictionlessException as error:
        kind = error.error.type if error.error.type != "error" else "format-error"
        raise Unreadable(kind, error.error.note.replace(str(file), file.name), where=resource.place) from error


def _sheet(resource: Resource) -> dict[str, Any]:
    """The dialect of a spreadsheet, as frictionless-py writes it."""
    control = {"xlsx": "excel", "xls": "excel", "ods": "ods"}.get(resource.format)
    return {control: {"sheet": resource.dialect.sheet_name or resource.dialect.sheet_number}} if control else {}
