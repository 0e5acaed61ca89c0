"""The directory of releases: one writer at a time, nothing left of what broke off, and an index of what is there."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import archive
from .exceptions import ImprintError, UsageFault
from .ledger import NAME as LEDGER
from .ledger import Entry
from .manifest import INDEX, MANIFEST, Index, Listed, Manifest, read_manifest
from .package import Package
from .semver import SEMVER
from .signing import INDEX_ATTESTATION, PAGE

# What `archive` writes before it is renamed: a directory for a version, a file for a text.
LEFT = re.compile(rf"\.({SEMVER.pattern})\.[a-z0-9_]{{8}}(\.old)?")
TEXTS = (INDEX, PAGE, INDEX_ATTESTATION, LEDGER, "CHANGELOG.md")
LEFT_TEXT = re.compile(rf"\.({'|'.join(map(re.escape, TEXTS))})\.[a-z0-9_]{{8}}")


@contextlib.contextmanager
def alone(*folders: Path) -> Iterator[None]:
    """Let nobody else release to or from these directories; what a killed release left in them is cleared away.

    Raises ImprintError where somebody does.
    """
    with contextlib.ExitStack() as stack:
        for folder in dict.fromkeys(one.resolve() for one in folders if one.is_dir()):
            stack.enter_context(_locked(folder))
            _restore(folder)
        yield


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the directory itself, so that no file is left to say that somebody does; the system lets go of it in any case."""
    try:
        import fcntl
    except ImportError:  # where directories can't be held, the rename alone decides who wins
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ImprintError("another release is being made there", where=folder, fix="wait until it is done") from error
        except OSError:
            pass  # a file system without locks
        yield
    finally:
        os.close(handle)


def _restore(folder: Path) -> None:
    """Undo what a release that was killed had begun here."""
    for path in sorted(folder.iterdir()):
        found = LEFT.fullmatch(path.name)
        if found and path.is_dir() and path.name.endswith(".old") and not (folder / found[1]).exists():
            path.rename(folder / found[1])  # it was killed between the two renames that put a version in another's place
        elif found and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif LEFT_TEXT.fullmatch(path.name):
            path.unlink(missing_ok=True)


def refuse_disagreement(out: Path, entries: Sequence[Entry], package: Package) -> None:
    """Raise ImprintError where the store holds a release that the ledger hasn't, or has otherwise.

    Raises UsageFault where that is of another package. What the ledger has and the store hasn't may be elsewhere; the
    package's version is judged by its content.
    """
    known = {entry.version: entry for entry in entries}
    for path in sorted(out.glob(f"*/{MANIFEST}")):
        name = path.parent.name
        if name not in known and SEMVER.fullmatch(name) and (other := read_manifest(path).name) != package.name:
            what = f'has releases of "{other}", not of "{package.name}"'
            raise UsageFault(what, where=out, fix="name another directory with --out")
        if name == package.version or not SEMVER.fullmatch(name):
            continue
        if name not in known:
            fix = f"restore {LEDGER} from git, or move it away"
            raise ImprintError(f"is a release, and {LEDGER} doesn't list it", where=path.parent, fix=fix)
        manifest, entry = read_manifest(path), known[name]
        digest = manifest.files[manifest.archive].sha256
        if (manifest.fingerprint, digest) != (entry.fingerprint, entry.sha256):
            raise ImprintError(
                f"is not what {LEDGER} says that {name} was",
                where=path.parent,
                fix="run imprint verify, and restore what is wrong",
            )


def write_index(out: Path, entries: Sequence[Entry]) -> Index:
    """Write `index.json`: the versions that are here, oldest first, and which is the latest.

    It has the package's name, unless that was another one in some of them.
    """
    paths = {entry.version: out / entry.version / MANIFEST for entry in entries}
    here = {version: read_manifest(path) for version, path in paths.items() if path.is_file()}
    listed = tuple(_listed(one, here[one.version], paths[one.version]) for one in entries if one.version in here)
    names = {manifest.name for manifest in here.values()}
    name = names.pop() if len(names) == 1 else ""
    index = Index(name, listed[-1].version if listed else None, listed)
    replace(out / INDEX, index.text())
    return index


def _listed(entry: Entry, manifest: Manifest, path: Path) -> Listed:
    size, digest = manifest.files[manifest.archive].bytes, archive.sha256(path)
    return Listed(entry.version, entry.date, f"{entry.version}/", entry.sha256, entry.fingerprint, size, digest)


def replace(path: Path, text: str) -> None:
    """Put a text in the place of the index or the page, unless it is the same; their signature, which fits no longer, goes."""
    if not (path.is_file() and path.read_bytes() == text.encode()):
        (path.parent / INDEX_ATTESTATION).unlink(missing_ok=True)
        archive.replace_text(path, text)
