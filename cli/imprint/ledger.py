"""The ledger `releases.json`: what was released, when, with which content. It is tracked beside the descriptor."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from . import version
from .archive import replace_text
from .changes import Changes
from .documents import read_document
from .exceptions import ImprintError, UsageFault
from .manifest import is_day
from .semver import misplaced
from .version import Verdict
from .versioning import PROFILE

NAME = "releases.json"


@dataclass(frozen=True)
class Entry:
    """One release: its version and UTC date, the digest of its zip, the fingerprints and the verdict.

    `waivers` has rule, path and reason of each waiver that set something aside, `profile` names the version rules. `previous`
    has version and fingerprint of the release that it came after, where the ledger doesn't have that one.
    """

    version: str
    date: str
    sha256: str
    fingerprint: str
    bump: str
    rules: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    waivers: tuple[dict[str, str], ...] = ()
    profile: str = PROFILE
    previous: dict[str, str] = field(default_factory=dict)

    def verdict(self) -> dict[str, Any]:
        """The verdict as it is recorded; a profile only where it isn't the usual one, waivers where there are some."""
        said = {"bump": self.bump, "rules": list(self.rules), "waived": list(self.waived)}
        return {**said, **self.extra()}

    def extra(self) -> dict[str, Any]:
        """What few releases have to say."""
        waivers = {"waivers": [dict(one) for one in self.waivers]} if self.waivers else {}
        return {**waivers, **({"profile": self.profile} if self.profile != PROFILE else {})}


def judged(entry: Entry, changes: Changes, verdict: Verdict) -> Entry:
    """An entry with the verdict on what changed, and the waivers that set something aside."""
    fired = (tuple(sorted({one.rule.id for one in verdict.fired if one.waived is aside})) for aside in (False, True))
    used = (one for one in changes.waivers if any(version.waives(one, difference) for difference in changes.differences))
    waivers = tuple({word: text for word, text in asdict(waiver).items() if text} for waiver in used)
    rules, waived = fired
    return replace(entry, bump=verdict.bump.name, rules=rules, waived=waived, waivers=waivers, profile=verdict.profile)


def read(base: Path) -> tuple[Entry, ...]:
    """The ledger's entries, oldest first; none without a ledger. Raises ImprintError where it can't be read."""
    path = base / NAME
    return read_file(path) if path.exists() else ()


def read_file(path: Path) -> tuple[Entry, ...]:
    """The entries of the ledger in a file, oldest first. Raises ImprintError where it can't be read."""
    content, fix = read_document(path), "restore it from git"
    try:
        entries = tuple(_entry(item) for item in content["releases"])
        wrong = misplaced(entry.version for entry in entries)
    except (KeyError, TypeError, ValueError, AttributeError, UsageFault) as error:
        raise ImprintError("is not a ledger of releases", where=path, fix=fix) from error
    if wrong:
        raise ImprintError(f"lists versions out of order: {wrong[1]} after {wrong[0]}", where=path, fix=fix)
    return entries


def _entry(item: Any) -> Entry:
    """An entry of the ledger. Raises TypeError, ValueError or AttributeError where it is none."""
    listed = {word: item.get(word, []) for word in ("rules", "waived", "waivers")}
    entry = Entry(**{**item, **{word: tuple(one) for word, one in listed.items()}})
    texts = (entry.version, entry.date, entry.sha256, entry.fingerprint, entry.bump, entry.profile, *entry.rules, *entry.waived)
    records = (entry.resources, entry.previous, *entry.resources.values(), *entry.waivers)
    for kind, values in ((str, texts), (dict, records), (list, listed.values())):
        if not all(isinstance(one, kind) for one in values):
            raise TypeError(f"not a {kind.__name__}")
    if not is_day(entry.date) or (entry.previous and entry.previous.keys() != {"version", "fingerprint"}):
        raise ValueError("no date, or no release before")
    return entry


def elsewhere(entry: Entry) -> tuple[Entry, ...]:
    """The release that came before the ledger's first, as far as that says something of it."""
    said = entry.previous
    return (Entry(said["version"], "", "", said["fingerprint"], ""),) if said else ()


def text(entries: tuple[Entry, ...]) -> str:
    """The ledger as JSON."""
    rare = {"waivers", "profile", "previous"}
    listed = [{**{k: v for k, v in asdict(one).items() if k not in rare}, **one.extra(), **_previous(one)} for one in entries]
    return json.dumps({"releases": listed}, indent=2, ensure_ascii=False) + "\n"


def _previous(entry: Entry) -> dict[str, Any]:
    return {"previous": entry.previous} if entry.previous else {}


def write(base: Path, entries: tuple[Entry, ...]) -> None:
    """Replace the ledger."""
    replace_text((base / NAME).resolve(), text(entries))
