"""Regular expressions of the `pattern` constraint (standard, "pattern"): those of XML Schema, as Python reads them."""

from __future__ import annotations

import re

# What Python's `re` doesn't know, or reads otherwise: categories and names of characters, a class less another.
OF_XML_SCHEMA = re.compile(r"\\[pPiIcC]|\[[^\]]*-\[")
FLAGS = re.compile(r"\(\?[aiLmsux]+\)")


class PatternFault(ValueError):
    """The text is no regular expression."""


def compiled(pattern: str) -> re.Pattern[str]:
    """The expression, grouped as one. Look-around, as Python has it, is understood too. Raises PatternFault."""
    if flags := FLAGS.match(pattern):
        raise PatternFault(f"is not a regular expression: XML Schema has no flags such as {flags[0]}")
    try:
        return re.compile(f"(?:{_in_python(pattern)})")
    except (re.error, RecursionError, OverflowError) as error:
        raise PatternFault(f"is not a regular expression: {error}") from error


def _in_python(pattern: str) -> str:
    if not OF_XML_SCHEMA.search(pattern):
        re.compile(pattern)  # so that an error's position is the user's
        return pattern
    from elementpath.regex import RegexError, translate_pattern

    try:
        return translate_pattern(pattern, back_references=False)
    except RegexError as error:
        raise PatternFault(f"is not a regular expression: {error}") from error
