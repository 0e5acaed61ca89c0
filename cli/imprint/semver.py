"""Semantic versions: their numbers and their order."""

from __future__ import annotations

import re

from .exceptions import UsageFault

SEMVER = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")


def parse(version: str) -> tuple[int, int, int]:
    """Major, minor and patch. Raises UsageFault where it isn't a semantic version."""
    found = SEMVER.fullmatch(version)
    if not found:
        raise UsageFault(f'"{version}" is not a semantic version', fix='write "version": "MAJOR.MINOR.PATCH" in the descriptor')
    return int(found[1]), int(found[2]), int(found[3])


def precedence(version: str) -> tuple[tuple[int, int, int], bool, tuple[tuple[bool, int, str], ...]]:
    """What versions are sorted by (Semantic Versioning 2.0.0, 11). Raises UsageFault where it isn't one."""
    before = version.partition("+")[0].partition("-")[2]
    parts = tuple((not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in before.split("."))
    return parse(version), not before, parts
