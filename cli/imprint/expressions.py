"""Field and constraint to SQL: *surely valid*, the canonical text of a value, and the typed value.

One table per question, one short function per type. An expression may only say yes where the reference surely says
yes; whatever else a cell holds is unsure and goes to `reference`. The canonical text of a cell is the same for equal
values (`1.0` and `1.00`), so keys, diffs and fingerprints compare texts; `reference.canonical` writes the same ones.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal

from . import sql
from .package import Field

TRUE_VALUES = ("true", "True", "TRUE", "1")
FALSE_VALUES = ("false", "False", "FALSE", "0")
DIGITS = "[+-]?[0-9]{1,18}"
NUMBER = r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?"
EXACT = 15  # digits of a number that a double tells from any other of as many
TIME = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
YEAR_MONTH = "[0-9]{4}-(0[1-9]|1[0-2])"
# What strptime and the engine surely read alike when the text is also what the pattern prints.
SURE_DIRECTIVES = frozenset("YmdHMS")


def never(_: Field, __: str) -> str:
    """Only the reference can tell."""
    return "FALSE"


def always(_: Field, __: str) -> str:
    """Every text is a value."""
    return "TRUE"


def sure_integer(field: Field, cell: str) -> str:
    """Digits with a sign; `groupChar` and `bareNumber: false` are left to the reference."""
    plain = not field.option("groupChar") and field.option("bareNumber", True)
    return sql.full_match(cell, DIGITS) if plain else "FALSE"


def sure_number(field: Field, cell: str) -> str:
    """A decimal with a point; other spellings are left to the reference."""
    options = (field.option("groupChar"), field.option("decimalChar", ".") != ".", not field.option("bareNumber", True))
    return "FALSE" if any(options) else sql.full_match(cell, NUMBER)


def sure_boolean(field: Field, cell: str) -> str:
    """Exactly one of `trueValues` and `falseValues`."""
    return sql.one_of(cell, [*_true_values(field), *_false_values(field)])


def sure_string(field: Field, cell: str) -> str:
    """Any text, in the default format."""
    return "TRUE" if field.format == "default" else "FALSE"


def sure_date(field: Field, cell: str) -> str:
    """An ISO date, or what the field's own pattern prints."""
    return sql.is_date(cell) if field.format == "default" else _sure_pattern(field, cell)


def sure_time(field: Field, cell: str) -> str:
    """hh:mm:ss."""
    return sql.full_match(cell, TIME) if field.format == "default" else "FALSE"


def sure_datetime(field: Field, cell: str) -> str:
    """yyyy-mm-ddThh:mm:ss with or without Z."""
    if field.format != "default":
        return _sure_pattern(field, cell)
    shape = sql.full_match(cell, f"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{TIME}Z?")
    return sql.both(shape, sql.is_date(f"substr({cell}, 1, 10)"))


def sure_year(_: Field, cell: str) -> str:
    """Four digits."""
    return sql.full_match(cell, "[0-9]{4}")


def sure_yearmonth(_: Field, cell: str) -> str:
    """yyyy-mm."""
    return sql.full_match(cell, YEAR_MONTH)


def sure_list(field: Field, cell: str) -> str:
    """A list of strings is any text."""
    return "TRUE" if field.option("itemType", "string") == "string" else "FALSE"


def _sure_pattern(field: Field, cell: str) -> str:
    return sql.prints_as(cell, field.format) if _sure_date_pattern(field) else "FALSE"


def _sure_date_pattern(field: Field) -> bool:
    """Whether the engine knows the pattern of the field's dates."""
    parts = field.format.split("%")
    directives = [part[:1] for part in parts[1:]]
    known = set(directives) <= SURE_DIRECTIVES and len(set(directives)) == len(directives) and "Y" in directives
    plain = all(char.isascii() and not char.isalpha() for char in "".join(p[1:] for p in parts[1:]) + parts[0])
    return known and plain and {"Y", "m", "d"} <= set(directives)


SURE: dict[str, Callable[[Field, str], str]] = {
    "string": sure_string,
    "integer": sure_integer,
    "number": sure_number,
    "boolean": sure_boolean,
    "date": sure_date,
    "time": sure_time,
    "datetime": sure_datetime,
    "year": sure_year,
    "yearmonth": sure_yearmonth,
    "list": sure_list,
    "any": always,
    "object": never,
    "array": never,
    "duration": never,
    "geopoint": never,
    "geojson": never,
}


def canonical_boolean(field: Field, cell: str) -> str:
    """`true` or `false`."""
    return f"CASE WHEN {sql.one_of(cell, _true_values(field))} THEN 'true' ELSE 'false' END"


def canonical_date(field: Field, cell: str) -> str:
    """An ISO date."""
    if _sure_date_pattern(field):
        return f"{sql.parse_with(cell, field.format, 'DATE')}::VARCHAR"
    return cell if field.format == "default" else "NULL::VARCHAR"


def canonical_datetime(field: Field, cell: str) -> str:
    """An ISO date and time."""
    if _sure_date_pattern(field):
        return f"strftime(try_strptime({cell}, {sql.literal(field.format)}), '%Y-%m-%dT%H:%M:%S')"
    return cell if field.format == "default" else "NULL::VARCHAR"


def canonical_list(field: Field, cell: str) -> str:
    """Items divided by U+001F, whatever the field's delimiter."""
    return f"replace({cell}, {sql.literal(field.option('delimiter') or ',')}, chr(31))"


CANONICAL: dict[str, Callable[[Field, str], str]] = {
    "integer": lambda _, cell: f"{sql.cast_or_null(cell, 'BIGINT')}::VARCHAR",
    "number": lambda _, cell: sql.plain_decimal(cell),
    "boolean": canonical_boolean,
    "date": canonical_date,
    "datetime": canonical_datetime,
    "list": canonical_list,
}

# The SQL type of a canonical text, for rules: what isn't here compares as text.
TYPED = {"integer": "HUGEINT", "number": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE", "year": "INTEGER"}


def _true_values(field: Field) -> list[str]:
    return list(field.option("trueValues") or TRUE_VALUES)


def _false_values(field: Field) -> list[str]:
    return list(field.option("falseValues") or FALSE_VALUES)


def missing(field: Field, cell: str) -> str:
    """Whether the cell is exactly one of `missingValues`; unknown (null) for a cell that isn't there."""
    return sql.one_of(cell, field.missing_values)


def surely_valid(field: Field, cell: str) -> str:
    """Whether the reference would surely accept the cell: true, or anything else (null too) where it isn't sure."""
    meets = SURE[field.type](field, cell)
    for name, build in CONSTRAINTS.items():
        if meets != "FALSE" and name in field.constraints:
            meets = sql.both(meets, build(field, cell))
    if meets != "FALSE" and field.categories and set(map(str, field.categories)) != _enum_texts(field):
        meets = sql.both(meets, _sure_member(field, cell, field.categories))
    if "jsonSchema" in field.constraints:
        meets = "FALSE"
    absent = missing(field, cell)
    if field.required:
        return sql.both(f"{cell} IS NOT NULL" if absent == "FALSE" else f"NOT {absent}", meets)
    return "TRUE" if meets == "TRUE" else f"{absent} OR ({meets})"


def _enum_texts(field: Field) -> set[str]:
    return set(map(str, field.constraints.get("enum", ())))


def _sure_pattern_constraint(field: Field, cell: str) -> str:
    pattern = sql.in_re2(str(field.constraints["pattern"]))
    return "FALSE" if pattern is None or field.type not in ("string", "any") else sql.full_match(cell, pattern)


def _sure_length(operator: str, name: str) -> Callable[[Field, str], str]:
    def build(field: Field, cell: str) -> str:
        if field.type not in ("string", "any"):
            return "FALSE"
        return sql.has_length(cell, operator, int(field.constraints[name]))

    return build


def _sure_bound(operator: str, name: str) -> Callable[[Field, str], str]:
    def build(field: Field, cell: str) -> str:
        bound = str(field.constraints[name])
        if field.type in ("integer", "year") and _fits(bound, "0"):
            return f"{sql.cast_or_null(cell, 'BIGINT')} {operator} {int(Decimal(bound))}"
        if field.type == "number" and _fits(bound, "1e-15"):
            return _sure_number_bound(cell, operator, bound)
        if field.type == "date" and field.format == "default" and _is_date(bound):
            return f"{cell} {operator} {sql.literal(bound)}"
        return "FALSE"

    return build


def _is_date(bound: str) -> bool:
    try:
        return datetime.date.fromisoformat(bound).isoformat() == bound
    except ValueError:
        return False


def _fits(bound: str, step: str) -> bool:
    """Whether a bound is a decimal below 10^15 with no digits under `step` ("0": a whole number)."""
    try:
        exact = Decimal(bound)
        return exact.is_finite() and abs(exact) < 10**15 and exact == exact.quantize(Decimal(step if step != "0" else 1))
    except ArithmeticError:
        return False


def _sure_number_bound(cell: str, operator: str, bound: str) -> str:
    """Rounding to a double keeps order, so a strict difference is sure; equality is sure up to 15 digits of both."""
    value, limit = sql.cast_or_null(cell, "DOUBLE"), f"{float(bound)!r}::DOUBLE"
    strict = f"{value} {operator[0]} {limit}"
    return (
        strict
        if len(operator) == 1 or len(Decimal(bound).normalize().as_tuple().digits) > EXACT
        else f"({strict} OR ({value} = {limit} AND {sql.length(cell)} <= {EXACT}))"
    )


def _sure_enum(field: Field, cell: str) -> str:
    return _sure_member(field, cell, field.constraints["enum"])


MEMBERS = {"string": (str,), "any": (str,), "integer": (str, int), "year": (str, int), "yearmonth": (str,)}


def _sure_member(field: Field, cell: str, values: object) -> str:
    """A member surely if spelled as in the list, for types whose spelling is the value."""
    kinds = MEMBERS.get(field.type)
    if kinds is None or not isinstance(values, (list, tuple)):
        return "FALSE"
    return sql.one_of(cell, [str(value) for value in values if type(value) in kinds])


CONSTRAINTS: dict[str, Callable[[Field, str], str]] = {
    "pattern": _sure_pattern_constraint,
    "minLength": _sure_length(">=", "minLength"),
    "maxLength": _sure_length("<=", "maxLength"),
    "minimum": _sure_bound(">=", "minimum"),
    "maximum": _sure_bound("<=", "maximum"),
    "exclusiveMinimum": _sure_bound(">", "exclusiveMinimum"),
    "exclusiveMaximum": _sure_bound("<", "exclusiveMaximum"),
    "enum": _sure_enum,
}


def canonical(field: Field, cell: str) -> str:
    """The canonical text of a sure cell; null for a missing value."""
    build = CANONICAL.get(field.type)
    text = build(field, cell) if build else cell
    if text == cell and len(field.missing_values) == 1:
        return sql.null_if(cell, field.missing_values[0])
    return f"CASE WHEN {missing(field, cell)} THEN NULL ELSE {text} END"


def typed(field: Field, text: str) -> str:
    """A canonical text as a value that rules can compare."""
    kind = TYPED.get(field.type)
    return sql.cast_or_null(text, kind) if kind else text
