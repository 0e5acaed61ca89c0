"""The release before: where its data is, and what changed since."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import building, delta, descriptor, difference, ledger, locate, revisions
from .building import Snapshot
from .changes import Changes, Terms
from .documents import DESCRIPTOR_NAMES
from .engine import EngineError
from .exceptions import ImprintError
from .ledger import Entry
from .manifest import MANIFEST
from .package import Package

NAMED = "name it: imprint release with --against, imprint diff as OLD"


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
        found = _revision(package, last)
    except ImprintError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            message = f"the data of {last.version} is not in {out}, and git, which may have it, is not installed"
            raise ImprintError(
                message,
                where=package.source,
                fix=f"install git, or {NAMED}",
            ) from None
        found = ""
    if not found:
        cut = "fetch the whole history, or " if _is_cut(package) else ""
        fix = f"{cut}{NAMED}"
        raise ImprintError(f"the data of {last.version} is neither in {out} nor in git", where=package.source, fix=fix)
    return found


def _is_cut(package: Package) -> bool:
    """Whether a package lies in a clone that lacks a part of its history."""
    try:
        return revisions.shallow(package.source, package.base)
    except ImprintError:
        return False


def _revision(package: Package, last: Entry) -> str:
    """The package in the git revision that put a version into the ledger, be it in a merge; "" where there is none."""
    where, base = package.source, package.base
    prefix = revisions.git("rev-parse", "--show-prefix", where=where, directory=base).decode().strip()
    search = ("log", "-m", "--topo-order", "--format=%H", f"-S{last.fingerprint}", "--", ledger.NAME)
    commits = revisions.git(*search, where=where, directory=base).decode().split()
    own = package.descriptor_path.name
    path = prefix + ("" if own in DESCRIPTOR_NAMES else own)
    return f"git:{commits[-1]}:{path or '.'}" if commits else ""


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
    if entries and changes.old.fingerprint != entries[-1].fingerprint:
        raise _another(package, entries[-1], source)
    return changes


def _another(package: Package, last: Entry, source: str) -> ImprintError:
    """What to say of data that isn't the last release's: in a shallow clone the oldest commit seems to have released all."""
    cut = source.startswith("git:") and revisions.shallow(package.source, package.base)
    fix = revisions.CUT if cut else f"name the data of {last.version} with --against"
    return ImprintError(f"is not what the ledger says that {last.version} was", where=source, fix=fix)


def write_delta(
    package: Package, snapshot: Snapshot, entries: tuple[Entry, ...], store: Path, against: str | None, memory: str | None,
    out: Path,
) -> str:  # fmt: skip
    """Write the change since the last release to a directory; where that can't be had, the reason is given back.

    What `against` names may be another release, where a version is built again.
    """
    try:
        source, found = _make_delta(package, snapshot, entries, store, against, memory, out)
        if against and found != entries[-1].fingerprint:
            shutil.rmtree(out)
            source, found = _make_delta(package, snapshot, entries, store, None, memory, out)
        if found != entries[-1].fingerprint:
            shutil.rmtree(out)
            raise _another(package, entries[-1], source)
    except ImprintError as error:
        if isinstance(error.__cause__, (OSError, EngineError)):
            raise  # a full disk is no reason to release less
        return f"without a delta: {error}"
    return ""


def _make_delta(
    package: Package, snapshot: Snapshot, entries: tuple[Entry, ...], store: Path, against: str | None, memory: str | None,
    out: Path,
) -> tuple[str, str]:  # fmt: skip
    """Write the change since a release; where that is, and its fingerprint."""
    with opened(package, entries, store, against) as (last, source), tempfile.TemporaryDirectory(prefix="imprint-") as name:
        # As it was released, wherever it is found: so that the delta depends on what is released alone.
        old = building.snapshot(last, Path(name))
        before, after = (descriptor.load(one.package.base / "datapackage.json")[0] for one in (old, snapshot))
        delta.make(before, after, out, memory=memory)
    return source, delta.opened(descriptor.load(out / "datapackage.json")[0]).base.fingerprint
