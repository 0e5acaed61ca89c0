"""Matching regular expressions that a package brings: Python's `re`, with a limit on how long it may backtrack.

In how many ways an expression can try to match is read off its syntax tree. Where those may be many, it is tried in a
process that a clock stops (`limited`).
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterable
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from . import limited, xml_schema
from .report import shorten

SECONDS = 1.0  # for one text
QUICK = 100_000  # ways to match a text; no more take about a millisecond


class TooSlow(Exception):
    """An expression that takes too long on a text."""


def full_match(pattern: str, text: str) -> bool:
    """Whether the whole text matches, as Table Schema has it. Raises TooSlow."""
    ways = _ways(_compiled(pattern).pattern, len(text))
    return matched(pattern, text) if ways <= QUICK else _tried("matched", pattern, text)


def search(pattern: str, text: str) -> bool:
    """Whether some part of the text matches, as JSON Schema has it. Raises TooSlow."""
    ways = _ways(pattern, len(text)) * (len(text) + 1)
    return searched(pattern, text) if ways <= QUICK else _tried("searched", pattern, text)


def _tried(name: str, pattern: str, text: str) -> bool:
    try:
        return bool(limited.call("patterns", name, pattern, text, seconds=SECONDS))
    except TimeoutError as error:
        raise TooSlow(f'pattern "{shorten(pattern)}" {error} on "{shorten(text)}"; simplify it') from error


def matched(pattern: str, text: str) -> bool:
    """The same as `full_match`, however long it takes."""
    return _compiled(pattern).fullmatch(text) is not None


def searched(pattern: str, text: str) -> bool:
    """The same as `search`, however long it takes."""
    return re.search(pattern, text) is not None


@functools.lru_cache(1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return xml_schema.compiled(pattern)


@functools.lru_cache(4096)
def _ways(pattern: str, length: int) -> float:
    """In how many ways an expression can at most try to match from one place of a text of that length."""
    return _product(parser.parse(pattern), length)


def _product(nodes: Iterable[tuple[Any, Any]], length: int) -> float:
    return math.prod((_ways_of(code, value, length) for code, value in nodes), start=1.0)


def _ways_of(code: Any, value: Any, length: int) -> float:
    """One node of the syntax tree: a branch adds, a repetition multiplies, once for each time that it may be repeated."""
    if code is codes.BRANCH:
        return sum(_product(branch, length) for branch in value[1])
    if code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
        least, most, body = int(value[0]), int(min(value[1], length + 1)), _product(value[2], length)
        often = 1.0 if body == 1 else math.inf if most > 64 else body**most
        return often * max(most - least + 1, 1)
    if code in (codes.SUBPATTERN, codes.ASSERT, codes.ASSERT_NOT):
        return _product(value[-1], length)
    if code is codes.ATOMIC_GROUP:
        return _product(value, length)
    if code is codes.GROUPREF_EXISTS:
        return sum(_product(branch, length) for branch in value[1:] if branch)
    return 1.0
