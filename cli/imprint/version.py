"""Changes to a version: one table of rules, the verdict, the next version (recipe "Data Package Version")."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from .changes import Changes, Difference, Waiver
from .exceptions import UsageFault

SEMVER = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")


class Bump(IntEnum):
    """How much of a version a change asks for."""

    none = 0
    patch = 1
    minor = 2
    major = 3


@dataclass(frozen=True)
class Rule:
    """What a kind of difference demands, and why."""

    id: str
    bump: Bump
    reason: str


RULES = {
    rule.id: rule
    for rule in (
        Rule("package-renamed", Bump.major, "whoever names the package finds another or none"),
        Rule("licence-restricted", Bump.major, "a use that was allowed may no longer be"),
        Rule("resource-removed", Bump.major, "a table or file that consumers read is gone"),
        Rule("field-removed", Bump.major, "a column that consumers read is gone"),
        Rule("field-added", Bump.major, "columns are matched by position, and one more breaks that"),
        Rule("fields-reordered", Bump.major, "columns are matched by position, and the positions change"),
        Rule("fields-match-changed", Bump.major, "columns are matched in another way"),
        Rule("type-changed", Bump.major, "values arrive as another type"),
        Rule("format-changed", Bump.major, "values are written in another way"),
        Rule("missing-values-changed", Bump.major, "other cells are null"),
        Rule("key-changed", Bump.major, "joins on the key may fail or multiply"),
        Rule("constraint-tightened", Bump.major, "data that was valid may no longer be"),
        Rule("referenced-rows-removed", Bump.major, "rows that others referred to are gone"),
        Rule("many-rows-removed", Bump.major, "a large share of the rows is gone"),
        Rule("values-revised", Bump.major, "a large share of the values is not what it was"),
        Rule("resource-added", Bump.minor, "there is more to read, and nothing less"),
        Rule("field-added-by-name", Bump.minor, "columns are matched by name, so one more breaks nothing"),
        Rule("constraint-loosened", Bump.minor, "values may now come that did not before"),
        Rule("codes-added", Bump.minor, "a consumer's list of codes may not know the new one"),
        Rule("rules-changed", Bump.minor, "the package promises something else about its rows"),
        Rule("rows-added", Bump.minor, "there are more rows, and nothing less"),
        Rule("rows-removed", Bump.minor, "a few rows that nothing referred to are gone"),
        Rule("values-corrected", Bump.patch, "values are corrected in place"),
        Rule("fields-reordered-by-name", Bump.patch, "columns are matched by name, so their order is free"),
        Rule("metadata-changed", Bump.patch, "titles, descriptions or other metadata change"),
        Rule("storage-changed", Bump.patch, "the same content lies elsewhere or is written otherwise"),
        Rule("content-changed", Bump.patch, "a file that is not a table has other content"),
    )
}


@dataclass(frozen=True)
class Fired:
    """A rule that a difference fell under; `waived` where the descriptor waives it."""

    rule: Rule
    difference: Difference
    waived: bool


@dataclass(frozen=True)
class Verdict:
    """The least bump that the changes demand, and the least next version."""

    bump: Bump
    fired: tuple[Fired, ...]
    next_version: str


def verdict(changes: Changes) -> Verdict:
    """What the changes demand, given the waivers of the new package."""
    fired = tuple(_fired(difference, changes.waivers) for difference in changes.differences)
    fired = tuple(sorted(fired, key=lambda one: (-one.rule.bump, one.rule.id, one.difference.path)))
    bump = max((one.rule.bump for one in fired if not one.waived), default=Bump.none)
    if bump is Bump.none and changes.old.fingerprint != changes.new.fingerprint:
        bump = Bump.patch  # a waiver lowers what a change demands, but other content needs another version
    return Verdict(bump, fired, next_version(changes.old.version, bump))


def _fired(difference: Difference, waivers: Iterable[Waiver]) -> Fired:
    waived = any(waiver.rule == difference.rule and waiver.path in ("", difference.path) for waiver in waivers)
    return Fired(RULES[difference.rule], difference, waived)


def parse(version: str) -> tuple[int, int, int]:
    """Major, minor and patch. Raises UsageFault where it isn't a semantic version."""
    found = SEMVER.fullmatch(version)
    if not found:
        raise UsageFault(f'"{version}" is not a semantic version', fix='write "version": "MAJOR.MINOR.PATCH" in the descriptor')
    return int(found[1]), int(found[2]), int(found[3])


def next_version(version: str, bump: Bump) -> str:
    """The least version after a bump; the version itself for no bump or where there is none yet."""
    if not SEMVER.fullmatch(version):
        return version
    major, minor, patch = parse(version)
    ahead = "-" not in version.partition("+")[0]  # a pre-release comes before the version that it names
    match bump:
        case Bump.major:
            return f"{major + (ahead or minor + patch > 0)}.0.0"
        case Bump.minor:
            return f"{major}.{minor + (ahead or patch > 0)}.0"
        case Bump.patch:
            return f"{major}.{minor}.{patch + ahead}"
        case _:
            return version
