"""What a descriptor says under `versioning`: by whose rules a new version is judged, what is waived, how much is many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .exceptions import UsageFault
from .package import Package

PROFILE = "datapackage"  # whose rules count where nothing else is said: the Data Package version recipe's
PROFILES = (PROFILE, "croissant")
CHANGES = ("correction", "revision")
SHARES = {"changedShare": 0.25, "removedShare": 0.1}
SETTINGS = ("profile", "waive", "change", *SHARES)


@dataclass(frozen=True)
class Waiver:
    """A version rule that is set aside, at `path` or, if that is "", everywhere."""

    rule: str
    path: str
    reason: str = ""


@dataclass(frozen=True)
class Versioning:
    """The settings in force; a `change` that isn't declared is "", and shares are of a table's rows."""

    profile: str = PROFILE
    waivers: tuple[Waiver, ...] = ()
    change: str = ""
    changed_share: float = SHARES["changedShare"]
    removed_share: float = SHARES["removedShare"]


def read(package: Package) -> Versioning:
    """The settings of a package; what is `unknown` counts for nothing. Raises UsageFault for the first that is `wrong`."""
    for what, fix in wrong(package):
        raise UsageFault(what, where="versioning", fix=fix)
    said = _said(package)
    waivers = (Waiver(*(str(item.get(word, "")) for word in ("rule", "path", "reason"))) for item in said.get("waive", ()))
    shares = (float(said.get(word, default)) for word, default in SHARES.items())
    return Versioning(said.get("profile", PROFILE), tuple(waivers), said.get("change") or "", *shares)


def _said(package: Package) -> Mapping[str, Any]:
    said = package.descriptor.get("versioning")
    return said if isinstance(said, Mapping) else {}


def unknown(package: Package) -> Iterator[tuple[str, str]]:
    """What no setting is, and what to do."""
    fix = f"it may have {', '.join(SETTINGS)}"
    if not isinstance(package.descriptor.get("versioning", {}), Mapping):
        yield "it is no object of settings", fix
    for word in _said(package):
        if word not in SETTINGS:
            yield f'"{word}" is no setting', fix


def wrong(package: Package) -> Iterator[tuple[str, str]]:
    """Settings that make no sense, and what to do."""
    said = _said(package)
    profile, change, waive = said.get("profile", PROFILE), said.get("change"), said.get("waive", [])
    if profile not in PROFILES:
        yield f'there is no profile "{profile}"', f"write one of {', '.join(PROFILES)}"
    if change not in (None, *CHANGES):
        yield f'"change" is "{change}"', 'write "correction" or "revision" in the descriptor, or leave it out'
    for word, default in SHARES.items():
        share = said.get(word, default)
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
            yield f'"{word}" is not a number from 0 to 1', "write a share such as 0.1 in the descriptor"
    if not isinstance(waive, list) or not all(isinstance(item, Mapping) and "rule" in item for item in waive):
        fix = 'write "waive": [{"rule": ..., "path": ..., "reason": ...}]'
        yield '"waive" is not a list of objects that each have a "rule"', fix


def unexplained(package: Package) -> Iterator[tuple[str, str]]:
    """Waivers without a reason, which ledger, manifest and changelog are to record."""
    for waiver in () if any(wrong(package)) else read(package).waivers:
        if not waiver.reason.strip(" ."):
            yield f'the waiver of "{waiver.rule}" has no "reason"', "say why, which the ledger records"
