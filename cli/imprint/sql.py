"""SQL in one spelling per engine: the only place where identifiers and literals are quoted.

`expressions` and `rules` build their SQL from these primitives alone, so that a second engine (a cluster's) needs a
second set of these functions and nothing else. The spelling here is DuckDB's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from decimal import Decimal

UNIT_SEPARATOR = "\x1f"
DECIMAL = "DECIMAL(38, 18)"

# What Python's `re` and RE2 read alike; in a negated class no shorthand, as \d means more characters to Python.
_SAME_IN_RE2 = re.compile(
    r"""(?: [A-Za-z0-9 _,:;@\#%&=<>~/!'"-]   # a literal
        | \\[.\-/+*?()\[\]{}|^$\\]         # an escaped literal
        | \\[dw]                           # ASCII in RE2, more in Python: RE2 accepts less
        | \[\^?(?:[A-Za-z0-9 _,:;@\#%&=<>~/!'".+*?(){}|$-]|\\[.\-/\]\[\\^])+\]
        | \(\?: | \((?!\?) | \) | \|
        | (?:[*+?] | \{[0-9]{1,3}(?:,[0-9]{0,3})?\})\??(?![*+?{])
    )*""",
    re.VERBOSE,
)
_REPEATED = re.compile(r"([0-9]+),?\}")
_LARGE = 1000  # characters of an expression, or repetitions within repetitions, beyond which RE2 may refuse it


def identifier(name: str) -> str:
    """A quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | int | bool | Decimal) -> str:
    """A quoted literal."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, Decimal)):
        return str(value)
    quoted = "'" + value.replace("'", "''") + "'"
    return "(" + quoted.replace("\0", "' || chr(0) || '") + ")" if "\0" in value else quoted


def is_text(value: str) -> bool:
    """Whether a string can be written in a query at all: half a surrogate pair can't."""
    return not any("\ud800" <= char <= "\udfff" for char in value)


def one_of(text: str, values: Iterable[str]) -> str:
    """Whether a text is exactly one of the values; null for a null.

    IN with five values or more is a join to the engine, which loses the order of rows.
    """
    listed = [literal(value) for value in dict.fromkeys(values)]
    if not listed:
        return "FALSE"
    if len(listed) == 1:
        return f"{text} = {listed[0]}"
    if len(listed) <= 4:
        return f"{text} IN ({', '.join(listed)})"
    plain = len(listed) <= 50 or any(value.startswith("(") for value in listed)
    found = f"list_contains([{', '.join(listed)}], {text})" if plain else f"{cast_or_null(text, _codes(listed))} IS NOT NULL"
    return f"CASE WHEN {text} IS NULL THEN NULL ELSE {found} END"


def _codes(listed: Iterable[str]) -> str:
    return f"ENUM({', '.join(listed)})"


def null_if(text: str, value: str) -> str:
    """The text, null where it is the value."""
    return f"nullif({text}, {literal(value)})"


def full_match(text: str, pattern: str) -> str:
    """Whether the whole text matches an RE2 expression."""
    return f"regexp_full_match({text}, {literal(pattern)})"


def in_re2(pattern: str) -> str | None:
    """A pattern that RE2 surely reads as Python does (or accepts less); None if that isn't sure."""
    small = len(pattern) <= _LARGE and math.prod(max(int(often), 1) for often in _REPEATED.findall(pattern)) <= _LARGE
    return pattern if small and _SAME_IN_RE2.fullmatch(pattern) else None


def joined(texts: Iterable[str], *, whole: bool = False) -> str:
    """Texts divided by U+001F; a null is left out, which takes longer than where there are none, and all is `whole`."""
    return f"concat({', chr(31), '.join(texts)})" if whole else f"concat_ws(chr(31), {', '.join(texts)})"


def length(text: str) -> str:
    """Length in code points."""
    return f"length({text})"


def has_length(text: str, operator: str, limit: int) -> str:
    """Whether a text is of a length, >= or <= a limit. Its size, for which it isn't read, mostly tells: 1 to 4 bytes each."""
    told = f"strlen({text}) <= {limit}" if operator == "<=" else f"strlen({text}) >= {4 * limit}"
    return f"({told} OR {length(text)} {operator} {limit})"


def words(text: str) -> str:
    """How many words a text has, divided by white space."""
    return f"len(list_filter(regexp_split_to_array({text}, '\\s+'), lambda w: w <> ''))"


def cast_or_null(text: str, kind: str) -> str:
    """The text as a value of an SQL type, null where it isn't one."""
    return f"TRY_CAST({text} AS {kind})"


def is_date(text: str) -> str:
    """Whether a text is exactly an ISO date that exists, years 0001 to 9999."""
    return f"({length(text)} = 10 AND TRY_CAST({text} AS DATE)::VARCHAR = {text})"


def plain_decimal(text: str) -> str:
    """The shortest spelling of a decimal: no plus, no leading or trailing zeroes, no minus before a zero.

    Usual spellings are left as they are, or cut as texts: printing a DECIMAL costs many times as much.
    """
    plain = full_match(text, "0|-?[1-9][0-9]*|-?(0|[1-9][0-9]*)\\.[0-9]*[1-9]")
    usual = full_match(text, "-?(0|[1-9][0-9]*)\\.[0-9]+")
    cut = f"rtrim(rtrim({text}, '0'), '.')"
    slow = f"rtrim(rtrim(TRY_CAST({text} AS {DECIMAL})::VARCHAR, '0'), '.')"
    zero = full_match(text, "-?0+(\\.0+)?")
    return f"CASE WHEN {plain} THEN {text} WHEN {zero} THEN '0' WHEN {usual} THEN {cut} ELSE {slow} END"


def parse_with(text: str, pattern: str, kind: str) -> str:
    """The text parsed with a strptime pattern, null where it doesn't fit."""
    return f"TRY_CAST(try_strptime({text}, {literal(pattern)}) AS {kind})"


def prints_as(text: str, pattern: str) -> str:
    """Whether a text is exactly what the strptime pattern prints for the time that it names, years 0001 to 9999."""
    parsed = f"try_strptime({text}, {literal(pattern)})"
    return f"coalesce(strftime({parsed}, {literal(pattern)}) = {text} AND year({parsed}) BETWEEN 1 AND 9999, FALSE)"


def both(*conditions: str) -> str:
    """All of the conditions, empty ones left out."""
    kept = [condition for condition in conditions if condition and condition != "TRUE"]
    return " AND ".join(f"({condition})" for condition in kept) or "TRUE"


def key(columns: Iterable[str]) -> str:
    """Columns as one comparable value."""
    listed = list(columns)
    return listed[0] if len(listed) == 1 else f"({', '.join(listed)})"


def all_null(columns: Iterable[str]) -> str:
    """Whether every column is null."""
    return " AND ".join(f"{column} IS NULL" for column in columns)


def any_null(columns: Iterable[str]) -> str:
    """Whether some column is null."""
    return " OR ".join(f"{column} IS NULL" for column in columns)


def digest(text: str) -> str:
    """A hash of a text, null for a null: unlike texts may share one, equal texts always do."""
    return f"CASE WHEN {text} IS NULL THEN NULL ELSE hash({text}) END"


def digest_of(digests: Iterable[str]) -> str:
    """Several hashes as one."""
    listed = list(digests)
    return listed[0] if len(listed) == 1 else f"hash({', '.join(listed)})"


def divided(cells: Iterable[str]) -> str:
    """Cells as one text, divided by NULs; a null is like an empty one."""
    return f"concat({', chr(0), '.join(cells)})"


def digest_of_cells(cells: Iterable[str], together: str = "") -> str:
    """One hash of several cells, nulls among them; `together` is their `divided` text, if none is null or has a NUL in it."""
    listed = list(cells)
    if together:
        return f"hash({together})"
    odd = " OR ".join(f"{cell} IS NULL OR contains({cell}, chr(0))" for cell in listed) or "TRUE"
    return f"CASE WHEN {odd} THEN {digest_of_row(listed)} ELSE hash({divided(listed)}) END"


def digest_of_row(texts: Iterable[str]) -> str:
    """One 64-bit hash of several texts, nulls among them: rows with equal texts share it, others by a chance in 10^19."""
    return f"hash({', '.join(texts) or 'NULL::VARCHAR'})"
