"""What differs between two packages, as values: differences, each under the id of its version rule, and rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .versioning import PROFILE, Waiver

LIMIT = 100  # example rows of a resource


@dataclass(frozen=True)
class Terms:
    """On what terms two packages are compared. A path is `resource` or `resource.field`, in the words of the old package.

    `keys` gives a resource's key where its schema has none. What `ignored` names is not looked at. Values of a field in
    `absolute` or `relative` are equal if they differ by no more than that, or by no more than that share of the larger one.
    `renamed` gives a resource or field of the old package the name that it has in the new one. `limit_rows` caps the example
    rows per resource (0: all), but not the removed ones that have a key if `all_removed`; totals are exact whatever it is.
    """

    keys: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    absolute: Mapping[str, float] = field(default_factory=dict)
    relative: Mapping[str, float] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    limit_rows: int = LIMIT
    all_removed: bool = False


@dataclass(frozen=True)
class Note:
    """What whoever reads a diff should know before believing it: `kind` is one of NOTES."""

    kind: str
    message: str
    resource: str | None = None
    field: str | None = None


NOTES = {
    "keyless": "a table has no key, so whole rows are compared",
    "key-suspect": "most rows differ under their keys, and hardly any without: the key was numbered anew, or is no key",
    "mapping-suspect": "a whole column changes by one mapping: an encoding, a code list or a unit was changed",
    "rename-suggested": "what is gone and what is new hold the same values: it may be renamed, which --rename says",
    "not-valid": "a package isn't valid, and is compared as far as it can be read",
    "unrelated": "two packages have next to nothing in common",
    "waiver-unused": "a waiver in the descriptor names no rule, or sets nothing aside",
    "version-lower": "the new version is lower than the old one",
}


@dataclass(frozen=True)
class Difference:
    """One difference: `rule` is the id of the version rule that it falls under; `witness` is an example."""

    rule: str
    message: str
    resource: str | None = None
    field: str | None = None
    count: int | None = None
    witness: str | None = None

    @property
    def path(self) -> str:
        """Where it lies, as waivers name it: `resource`, `resource.field`, or "" for the package."""
        return ".".join(part for part in (self.resource, self.field) if part)


@dataclass(frozen=True)
class RowChange:
    """A row that was added, removed or changed; `cells` has [old, new] of what differs."""

    op: str
    key: Mapping[str, str | None]
    cells: Mapping[str, tuple[str | None, str | None]]


@dataclass(frozen=True)
class ResourceDiff:
    """The rows of a table that both packages have. Totals are exact, `rows` is a sample if `sampled`."""

    name: str
    key: tuple[str, ...]
    added: int
    removed: int
    changed: int
    unchanged: int
    fields: Mapping[str, int]
    rows: tuple[RowChange, ...] = ()
    sampled: bool = False


@dataclass(frozen=True)
class Side:
    """One of the two packages."""

    name: str
    version: str
    fingerprint: str


@dataclass(frozen=True)
class Changes:
    """Everything that differs between two packages; `profile` is the one of version rules that the new package names."""

    old: Side
    new: Side
    differences: tuple[Difference, ...]
    resources: tuple[ResourceDiff, ...]
    waivers: tuple[Waiver, ...] = ()
    notes: tuple[Note, ...] = ()
    profile: str = PROFILE
