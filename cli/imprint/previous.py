"""The release before: where its data is, and what changed since."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import building, delta, descriptor, difference, ledger, locate, revisions
from .building import Snapshot
from .changes import Changes, Terms
from .engine import EngineError
from .exceptions import ImprintError
from .ledger import Entry
from .manifest import MANIFEST
from .package import Package


def last_release(package: Package, entries: tuple[Entry, ...], out: Path) -> str:
    """Where the data of the ledger's last version is: in `out`, else the git revision that released it.

    Raises ImprintError where it is in neither.
    """
    if not entries:
        raise ImprintError("has no release yet", where=package.source, fix="run imprint release first, or name two packages")
    last = entries[-1]
    if (out / last.version / MANIFEST).is_file():
        return str(out / last.version)
    try:
        prefix = revisions.git("rev-parse", "--show-prefix", where=package.source, directory=package.base).decode().strip()
        found = revisions.git(
            "log", "--format=%H", f"-S{last.fingerprint}", "--", ledger.NAME, where=package.source, directory=package.base
        )
    except ImprintError:
        found, prefix = b"", ""
    commits = found.decode().split()
    if not commits:
        fix = "fetch the whole history, or name it yourself"
        raise ImprintError(f"the data of {last.version} is neither in {out} nor in git", where=package.source, fix=fix)
    return f"git:{commits[-1]}:{prefix or '.'}"


@contextlib.contextmanager
def opened(package: Package, entries: tuple[Entry, ...], out: Path, against: str | None) -> Iterator[tuple[Package, str]]:
    """The last release's package, which `against` names or `last_release` finds, and where it is."""
    source = against or last_release(package, entries, out)
    with locate.located(source, package.base) as path:
        yield descriptor.load(path, source)[0], source


def compare(
    package: Package, new: Package, entries: tuple[Entry, ...], out: Path, against: str | None, memory: str | None
) -> Changes:
    """What changed since the last release in `new`, which is `package` or a copy of it.

    Raises ImprintError where the last release's data is nowhere, or isn't what the ledger says.
    """
    with opened(package, entries, out, against) as (old, source):
        changes = difference.diff(old, new, Terms(all_removed=True), memory=memory)
    expected = entries[-1].fingerprint if entries and not against else None
    if expected and changes.old.fingerprint != expected:
        message = f"is not what the ledger says that {entries[-1].version} was"
        raise ImprintError(message, where=source, fix="name the last release's data with --against")
    return changes


def write_delta(
    package: Package, snapshot: Snapshot, entries: tuple[Entry, ...], store: Path, against: str | None, memory: str | None,
    out: Path,
) -> str:  # fmt: skip
    """Write the change since the last release to a directory; where that can't be had, the reason is given back."""
    try:
        found = opened(package, entries, store, against)
        with found as (last, _), tempfile.TemporaryDirectory(prefix="imprint-") as name:
            # As it was released, wherever it is found: so that the delta depends on what is released alone.
            old = building.snapshot(last, Path(name))
            before, after = (descriptor.load(one.package.base / "datapackage.json")[0] for one in (old, snapshot))
            delta.make(before, after, out, memory=memory)
    except ImprintError as error:
        if isinstance(error.__cause__, (OSError, EngineError)):
            raise  # a full disk is no reason to release less
        return f"without a delta: {error}"
    return ""
