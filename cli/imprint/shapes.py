"""What most cells of a valid table look like, as regular expressions, so that a whole row is tried at once.

A cell that has its field's shape is surely valid. A shape may be narrower than `expressions.surely_valid`: cells of a row
that hasn't the shapes of its columns are looked at one by one. No shape has the character that divides the cells of a row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation

from . import expressions, sql
from .package import Field

TOGETHER = 12  # cells tried at once: the time to compile an expression grows faster than its size
LONG = 1000  # characters of an expression, or of a list of codes, beyond which none is tried
DIGITS = 18
EXACT = 11  # digits of a bound that a cell may be equal to, with two decimals and a sign
BOUNDS = frozenset({"minimum", "maximum"})
PLAIN = frozenset({"required", "unique"})
CLASS, RANGE = re.compile(r"\[((?:[^\]\\]|\\.)*)\]"), re.compile(r"(\\.|[^\\])-(\\.|[^\\])")
DAYS = "(?:0[13-9]|1[0-2])-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13578]|1[02])-31"


def shape(field: Field) -> str | None:
    """An expression that only surely valid cells of a field match; None for a field without one."""
    build = SHAPES.get(field.type)
    pattern = build(field) if build and not _never_sure(field) else None
    if pattern is None or len(pattern) > LONG:
        return None
    if field.required:
        return f"(?:{pattern})" if field.missing_values in ((), ("",)) and not _may_be_empty(pattern) else None
    absent = _one_of([value for value in field.missing_values if value])
    if absent is None:
        return None
    return f"(?:{'|'.join(part for part in (absent, pattern) if part)}){'?' if '' in field.missing_values else ''}"


def _never_sure(field: Field) -> bool:
    """Whether no cell is surely valid, such as by a bound with more digits than the engine compares exactly."""
    return any(limit(field, "c") == "FALSE" for word, limit in expressions.CONSTRAINTS.items() if word in field.constraints)


def together(shaped: Sequence[tuple[str, str]], *, whole: bool) -> str:
    """SQL for whether cells have their shapes; `shaped` has a cell and its shape each, none of them null if all is `whole`."""
    cells, patterns = zip(*shaped, strict=True)
    return sql.full_match(sql.joined(cells, whole=whole), sql.UNIT_SEPARATOR.join(patterns))


def may_hold(shape: str, char: str) -> bool:
    """Whether a text of a shape may have a character in it: one that is written there, or meant by a range or a shorthand."""
    ranges = [both for listed in CLASS.findall(shape) for both in RANGE.findall(listed)]
    return char in shape or char.isalnum() or char == "_" or any(low[-1] <= char <= high[-1] for low, high in ranges)


def _may_be_empty(pattern: str) -> bool:
    return re.fullmatch(pattern, "") is not None


def _only(field: Field, *words: str) -> bool:
    """Whether a field has no constraints but these, and those that don't concern a single cell."""
    return not (field.constraints.keys() - PLAIN - {*words}) and not field.categories


def _one_of(values: Sequence[object]) -> str | None:
    """An expression for exactly these texts; None for too many, or one that can't be in a shape."""
    texts = [str(value) for value in values]
    if any(sql.UNIT_SEPARATOR in text or "\0" in text or not sql.is_text(text) for text in texts):
        return None
    pattern = "|".join(map(re.escape, texts))
    return pattern if len(pattern) <= LONG else None


# Numbers


def _digits(low: str, high: str) -> str:
    """Texts of as many digits as both bounds have, between them."""
    if not low:
        return ""
    if low[0] == high[0]:
        rest = _digits(low[1:], high[1:])
        return low[0] + (f"(?:{rest})" if "|" in rest else rest)
    left = len(low) - 1
    first, last = int(low[0]), int(high[0])
    parts = []
    if low[1:] != "0" * left:
        parts.append(_digits(low, low[0] + "9" * left))
        first += 1
    if high[1:] != "9" * left:
        parts.append(_digits(high[0] + "0" * left, high))
        last -= 1
    if first <= last:
        parts.append((f"[{first}-{last}]" if first < last else str(first)) + (f"[0-9]{{{left}}}" if left else ""))
    return "|".join(parts)


def between(low: int, high: int) -> str | None:
    """Whole numbers from `low` to `high`, neither negative, as texts without leading zeroes; None for none."""
    high = min(high, 10**DIGITS - 1)
    if low > high:
        return None
    parts, least, most = [], len(str(low)), len(str(high))
    for size in {least, most}:
        parts.append(_digits(*(str(max(low, 10 ** (size - 1) if size > 1 else 0)), str(min(high, 10**size - 1)))))
    if most - least > 1:
        parts.append(f"[1-9][0-9]{{{least},{most - 2}}}")
    return "|".join(parts)


def _bounds(field: Field) -> tuple[Decimal | None, Decimal | None] | None:
    """Minimum and maximum; None where one can't be read."""
    try:
        low, high = (
            Decimal(str(field.constraints[word])) if word in field.constraints else None for word in ("minimum", "maximum")
        )
    except InvalidOperation:
        return None
    finite = all(bound is None or bound.is_finite() for bound in (low, high))
    return (low, high) if finite else None


def _whole(bound: Decimal | None) -> bool:
    return bound is None or (bound.adjusted() < DIGITS and bound == bound.to_integral_value())


def _integer(field: Field) -> str | None:
    bounds = _bounds(field) if _only(field, *BOUNDS) else None
    if bounds is None or not all(map(_whole, bounds)) or expressions.SURE["integer"](field, "c") == "FALSE":
        return None
    low, high = bounds
    if low is None and high is None:
        return expressions.DIGITS
    top = 10**DIGITS - 1
    least, most = int(low) if low is not None else -top, int(high) if high is not None else top
    above = between(max(least, 0), most) if most >= 0 else None
    below = between(max(-most, 1), -least) if least < 0 else None
    return "|".join(part for part in (above, f"-(?:{below})" if below else None) if part) or None


def _number(field: Field) -> str | None:
    bounds = _bounds(field) if _only(field, *BOUNDS) else None
    if bounds is None or not all(map(_whole, bounds)) or expressions.SURE["number"](field, "c") == "FALSE":
        return None
    low, high = bounds
    if low is None and high is None:
        return expressions.NUMBER.replace("(", "(?:")
    top = Decimal(10**DIGITS)
    above = _decimals(low if low is not None else -top, high if high is not None else top)
    below = _decimals(-(high if high is not None else top), -(low if low is not None else -top))
    return "|".join(part for part in (above, f"-(?:{below})" if below else None) if part) or None


def _decimals(low: Decimal, high: Decimal) -> str:
    """Decimals from `low` to `high` (whole numbers) that aren't negative: 3, 3.5; and the upper bound itself, as 4 or 4.0."""
    if high < 0:
        return ""
    least, most = max(int(low), 0), int(high)
    whole = between(least, most - 1)
    parts = [f"(?:{whole})(?:\\.[0-9]{{1,{DIGITS}}})?"] if whole else []
    if least <= most < 10**EXACT:
        parts.append(f"{most}(?:\\.0{{1,2}})?")
    return "|".join(parts)


# Other types


def _boolean(field: Field) -> str | None:
    values = [
        *(field.option("trueValues") or expressions.TRUE_VALUES),
        *(field.option("falseValues") or expressions.FALSE_VALUES),
    ]
    return _one_of(values) if _only(field) else None


def _string(field: Field) -> str | None:
    if field.format != "default":
        return None
    codes = field.constraints.get("enum") if "enum" in field.constraints else field.categories
    if codes and isinstance(codes, (list, tuple)) and not (field.categories and "enum" in field.constraints):
        listed = [code for code in codes if isinstance(code, str)]
        return _one_of(listed) if not (field.constraints.keys() - PLAIN - {"enum"}) and listed else None
    if "pattern" not in field.constraints or not _only(field, "pattern"):
        return None
    pattern = sql.in_re2(str(field.constraints["pattern"]))
    return f"(?:{pattern})" if pattern and "[^" not in pattern else None


def _years(field: Field) -> str | None:
    """The years that are wholly within the bounds of a date."""
    if not _only(field, *BOUNDS) or field.format != "default":
        return None
    low, high = (
        str(field.constraints.get(word, default)) for word, default in (("minimum", "0001-01-01"), ("maximum", "9999-12-31"))
    )
    if not all(re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", bound) for bound in (low, high)):
        return None
    first = int(low[:4]) + (low[4:] != "-01-01")
    last = int(high[:4]) - (high[4:] != "-12-31")
    return _digits(f"{first:04}", f"{last:04}") if 0 < first <= last <= 9999 else None


def _date(field: Field) -> str | None:
    years = _years(field)
    return years and f"(?:{years})-(?:{DAYS})"


def _datetime(field: Field) -> str | None:
    day = _date(field) if _only(field) else None
    return day and f"{day}T{expressions.TIME.replace('(', '(?:')}Z?"


def _fixed(pattern: str) -> Callable[[Field], str | None]:
    return lambda field: pattern.replace("(", "(?:") if _only(field) and field.format == "default" else None


SHAPES: dict[str, Callable[[Field], str | None]] = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "string": _string,
    "date": _date,
    "datetime": _datetime,
    "time": _fixed(expressions.TIME),
    "year": _fixed("[0-9]{4}"),
    "yearmonth": _fixed(expressions.YEAR_MONTH),
}
