"""Semantic versions: their numbers and their order."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from .exceptions import UsageFault
from .report import shorten

# As Semantic Versioning 2.0.0 has it, but for numbers of more than 18 digits, which nobody counts to.
NUMBER, WORD = r"(?:0|[1-9][0-9]{0,17})", r"[0-9]*[A-Za-z-][0-9A-Za-z-]*"
BEFORE, BUILD = rf"(?:{NUMBER}|{WORD})", r"[0-9A-Za-z-]+"
SEMVER = re.compile(rf"({NUMBER})\.({NUMBER})\.({NUMBER})(-{BEFORE}(?:\.{BEFORE})*)?(\+{BUILD}(?:\.{BUILD})*)?")
Precedence = tuple[tuple[int, int, int], bool, tuple[tuple[bool, int, str], ...]]


def parse(version: str) -> tuple[int, int, int]:
    """Major, minor and patch. Raises UsageFault where it isn't a semantic version."""
    found = SEMVER.fullmatch(version)
    if not found:
        raise UsageFault(
            f'"{shorten(version)}" is not a semantic version', fix='write "version": "MAJOR.MINOR.PATCH" in the descriptor'
        )
    return int(found[1]), int(found[2]), int(found[3])


def precedence(version: str) -> Precedence:
    """What versions are sorted by (Semantic Versioning 2.0.0, 11). Raises UsageFault where it isn't one."""
    numbers = parse(version)
    before = version.partition("+")[0].partition("-")[2]
    parts = tuple((not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in before.split("."))
    return numbers, not before, parts


def is_final(version: str, before: str) -> bool:
    """Whether a version is what a pre-release was before."""
    return precedence(version)[:2] == (parse(before), True) and not precedence(before)[1]


def misplaced(versions: Iterable[str]) -> tuple[str, str] | None:
    """The first two versions of which the second doesn't come after the first. Raises UsageFault for one that is none."""
    ordered = [(precedence(version), version) for version in versions]
    return next(((one[1], two[1]) for one, two in pairwise(ordered) if two[0] <= one[0]), None)
