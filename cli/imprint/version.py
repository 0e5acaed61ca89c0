"""Changes to a version: one table of rules, the verdict, the next version.

The rules follow the recipe "Data Package Version"; the profile "croissant" reads the same changes as Croissant 1.1 does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from .changes import Changes, Difference
from .exceptions import UsageFault
from .semver import SEMVER, parse
from .versioning import PROFILE, PROFILES, Waiver


class Bump(IntEnum):
    """How much of a version a change asks for."""

    none = 0
    patch = 1
    minor = 2
    major = 3


@dataclass(frozen=True)
class Rule:
    """What a kind of difference demands, why, and the sentence that says so: of the profile's text, or of our own design."""

    id: str
    bump: Bump
    reason: str
    basis: str


NAMES = 'recipe, major: "change the name or identifier" of package, resource or field'
FIELDS = 'recipe, major: "add, remove or re-order fields"'
TYPES = "recipe, major: a field's type or format changes"
TIGHTER = "recipe, major: a constraint becomes more restrictive"
LOOSER = "recipe, minor: a constraint becomes less restrictive"
REFERENCED = "recipe, major: data that another resource refers to is deleted or means something else"
ADDED = "recipe, minor: new resources, new data in a resource"
COMPATIBLE = "recipe, minor: metadata changes in a backwards-compatible manner"
CORRECTED = "recipe, patch: errors in existing data are corrected"
DESCRIBED = "recipe, patch: descriptive metadata changes"
INCOMPATIBLE = "recipe, major: an incompatible change"
REPOINTED = "recipe, minor: a reference is updated, data follows the data that it refers to"
SILENT = "the recipe names only the deletion of rows that are referred to"

RULES = {
    rule.id: rule
    for rule in (
        Rule("package-renamed", Bump.major, "whoever names the package finds another or none", NAMES),
        Rule("licence-restricted", Bump.major, "a use that was allowed may no longer be", INCOMPATIBLE),
        Rule("resource-renamed", Bump.major, "whoever names the resource finds none", NAMES),
        Rule("field-renamed", Bump.major, "whoever names the field finds none", NAMES),
        Rule("resource-removed", Bump.major, "a table or file that consumers read is gone", INCOMPATIBLE),
        Rule("view-changed", Bump.major, "a view that consumers read is gone, or asks something else", INCOMPATIBLE),
        Rule("field-removed", Bump.major, "a column that consumers read is gone", FIELDS),
        Rule("field-added", Bump.major, "columns are matched by position, and one more breaks that", FIELDS),
        Rule("fields-reordered", Bump.major, "columns are matched by position, and the positions change", FIELDS),
        Rule("fields-match-changed", Bump.major, "columns are matched in another way", FIELDS),
        Rule("type-changed", Bump.major, "values arrive as another type", TYPES),
        Rule("format-changed", Bump.major, "values are written in another way", TYPES),
        Rule("missing-values-changed", Bump.major, "other cells are null", INCOMPATIBLE),
        Rule("key-changed", Bump.major, "joins on the key may fail or multiply", INCOMPATIBLE),
        Rule("constraint-tightened", Bump.major, "data that was valid may no longer be", TIGHTER),
        Rule("codes-reordered", Bump.major, "ordered codes compare and sort in another way", INCOMPATIBLE),
        Rule("referenced-rows-removed", Bump.major, "rows that others referred to are gone", REFERENCED),
        Rule("referenced-rows-changed", Bump.major, "what others refer to means another row", REFERENCED),
        Rule("many-rows-removed", Bump.major, "a large share of the rows is gone", INCOMPATIBLE),
        Rule("values-revised", Bump.major, "a large share of the values is not what it was", INCOMPATIBLE),
        Rule("resource-added", Bump.minor, "there is more to read, and nothing less", ADDED),
        Rule("view-added", Bump.minor, "there is one more view, and nothing less", ADDED),
        Rule("field-added-by-name", Bump.minor, "columns are matched by name, so one more breaks nothing", ADDED),
        Rule("constraint-loosened", Bump.minor, "values may now come that did not before", LOOSER),
        Rule("codes-added", Bump.minor, "a consumer's list of codes may not know the new one", LOOSER),
        Rule("categories-changed", Bump.minor, "the same codes may load as categories, or no longer", COMPATIBLE),
        Rule("rows-added", Bump.minor, "there are more rows, and nothing less", ADDED),
        Rule("rows-removed", Bump.minor, "a few rows that nothing referred to are gone", SILENT),
        Rule("references-changed", Bump.minor, "rows refer to other rows than they did", REPOINTED),
        Rule("content-changed", Bump.minor, "a file that is not a table has other content, and may have more", ADDED),
        Rule("values-corrected", Bump.patch, "values are corrected in place", CORRECTED),
        Rule("fields-reordered-by-name", Bump.patch, "columns are matched by name, so their order is free", DESCRIBED),
        Rule("metadata-changed", Bump.patch, "titles, descriptions or other metadata change", DESCRIBED),
        Rule("storage-changed", Bump.patch, "the same content lies elsewhere or is written otherwise", DESCRIBED),
    )
}

# Croissant's three sentences (1.1, "Version") speak of the data alone: what is said about it or promised leaves it as it is.
SAME = (Bump.patch, "the data is the same, however it is described, promised or written", "patch: the data remains the same")
MORE = (Bump.minor, "the data is there as it was, and there is more", "minor: existing data the same, additional data")
GONE = (Bump.major, "data is no longer there as it was", "major: existing data is edited or removed")
GROWN = (
    Bump.major,
    "the table as it was can't be told from the rows added to it",
    "major: extended so that the data as it was can't easily be had",
)
CROISSANT = {
    **dict.fromkeys(RULES, SAME),
    **dict.fromkeys(("resource-added", "view-added", "field-added", "field-added-by-name"), MORE),
    **dict.fromkeys(("resource-renamed", "field-renamed"), GONE),
    **dict.fromkeys(("resource-removed", "view-changed", "field-removed", "type-changed"), GONE),
    **dict.fromkeys(("referenced-rows-removed", "many-rows-removed", "rows-removed"), GONE),
    **dict.fromkeys(("values-revised", "values-corrected", "content-changed"), GONE),
    **dict.fromkeys(("references-changed", "referenced-rows-changed"), GONE),
    "rows-added": GROWN,
}
BY_PROFILE = dict(zip(PROFILES, (RULES, {id_: Rule(id_, *said) for id_, said in CROISSANT.items()}), strict=True))


@dataclass(frozen=True)
class Fired:
    """A rule that a difference fell under; `waived` where the descriptor waives it, for that `reason`."""

    rule: Rule
    difference: Difference
    waived: bool
    reason: str = ""


@dataclass(frozen=True)
class Verdict:
    """The least bump that the changes demand under a profile, and the least next version."""

    bump: Bump
    fired: tuple[Fired, ...]
    next_version: str
    profile: str = PROFILE

    @property
    def demanding(self) -> tuple[Fired, ...]:
        """What demands that bump."""
        return tuple(one for one in self.fired if one.rule.bump is self.bump and not one.waived)


def rules_of(profile: str) -> Mapping[str, Rule]:
    """The rules of a profile by their ids. Raises UsageFault where there is no such profile."""
    if profile not in BY_PROFILE:
        raise UsageFault(f'there is no profile "{profile}"', where="versioning", fix=f"write one of {', '.join(PROFILES)}")
    return BY_PROFILE[profile]


def verdict(changes: Changes, profile: str | None = None) -> Verdict:
    """What the changes demand, given the waivers of the new package, under `profile` or else the one that it names.

    Raises UsageFault where there is no such profile.
    """
    profile = profile or changes.profile
    rules = rules_of(profile)
    fired = tuple(_fired(rules[one.rule], one, changes.waivers) for one in changes.differences)
    fired = tuple(sorted(fired, key=lambda one: (-one.rule.bump, one.rule.id, one.difference.path)))
    bump = max((one.rule.bump for one in fired if not one.waived), default=Bump.none)
    if bump is Bump.none and any(one.rule.id != "storage-changed" for one in fired):
        bump = Bump.patch  # a waiver lowers what a change demands, but other content needs another version
    return Verdict(bump, fired, next_version(changes.old.version, bump), profile)


def _fired(rule: Rule, difference: Difference, waivers: Iterable[Waiver]) -> Fired:
    waiver = next((one for one in waivers if waives(one, difference)), None)
    return Fired(rule, difference, waiver is not None, waiver.reason if waiver else "")


def waives(waiver: Waiver, difference: Difference) -> bool:
    """Whether a waiver sets a difference aside: it names its rule, and its path or none."""
    return waiver.rule == difference.rule and waiver.path in ("", difference.path)


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
