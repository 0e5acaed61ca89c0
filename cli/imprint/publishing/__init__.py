"""A store, copied to where others can read it: nothing that was published there changes, and the index comes last.

A version is published when the target's index lists it. Its files are sent and compared before that, so whoever stops half-way
leaves the index as it was, and goes on where he stopped by publishing again. Nothing is ever deleted.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256 as sha256_of
from pathlib import Path
from typing import Any

from ..archive import files_below, sha256
from ..exceptions import DataFault, ImprintError, UsageFault
from ..manifest import INDEX, SUMS, Index, Listed, read_index
from ..semver import precedence
from ..signing import ATTESTATION, INDEX_ATTESTATION, PAGE
from . import targets
from .shipment import Copied, Release, check, sums_of
from .targets import Target

TRIES = 5  # how often somebody else may publish at the same moment
CHECKING = 0.2  # the share of the work that is looking at the store itself


@dataclass(frozen=True)
class Published:
    """What `publish` did, or with `dry_run` would do.

    `versions` are all that the target's index lists, `added` those that are new in it; `sent` has the size in bytes of each
    file that was sent, `kept` counts those that were there already.
    """

    target: str
    versions: tuple[str, ...]
    added: tuple[str, ...]
    sent: Mapping[str, int]
    kept: int
    notes: tuple[str, ...] = ()
    dry_run: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "target": self.target, "latest": self.versions[-1], "versions": list(self.versions), "added": list(self.added),
            "files": len(self.sent), "bytes": sum(self.sent.values()), "kept": self.kept, "notes": list(self.notes),
            "dryRun": self.dry_run,
        }  # fmt: skip


@dataclass
class _Run:
    """What one run has done so far."""

    there: Target
    dry_run: bool
    tell: Callable[[int], None]
    sent: dict[str, int] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    replaced: list[str] = field(default_factory=list)

    def same(self, file: Copied, digest: str = "") -> bool | None:
        """Whether a file is there as it is here, or with that digest; None where it isn't there."""
        found = self.there.same(file.path, None if digest else file.size, digest or file.digest)
        if found and file.path not in self.sent:
            self.kept.add(file.path)
        return found

    def send(self, file: Copied, *, fresh: bool = False) -> bool:
        done = self.dry_run or self.there.put(file.path, file.source, file.digest, fresh=fresh)
        if done:
            self.sent[file.path] = file.size
            self.tell(file.size)
        return done


def publish(store: Path, target: str, *, dry_run: bool = False, tell: Callable[[float], None] | None = None) -> Published:
    """Copy the store to a directory or an fsspec URL. Versions that only the target lists stay; `dry_run` writes nothing.

    `tell` is called with the share that is done (0 to 1). Raises DataFault where the store isn't what it says, or the target
    has something else under a version; ImprintError where the target can't be reached or written to.
    """
    root = targets.directory_of(target)
    if root is not None and (root.resolve() == store.resolve() or store.resolve() in root.resolve().parents):
        raise UsageFault("is the store itself, or in it", where=target, fix="name another directory")
    index, releases = check(store, _meter(store, tell, 0, CHECKING))
    own, first = (store / INDEX).read_bytes(), None
    with targets.opened(target, write=not dry_run) as there:
        run = _Run(there, dry_run, _meter(store, tell, CHECKING, 1))
        for _ in range(TRIES):
            known, content, mark = index_of(there)
            first = known if first is None else first
            merged = merge(index, known, there.name)
            changed = merged != known
            _refuse_signed(store, index, known, merged, there)
            _restore([one for one in releases if one.listed in known.versions], run)
            if not _send_new([one for one in releases if one.listed not in known.versions], run, mark):
                continue
            text = own if merged == index else merged.text().encode()
            if not changed or dry_run or there.swap(INDEX, text, mark):
                break
        else:
            raise ImprintError("somebody else publishes there all the time", where=target, fix="try again later")
        if changed:
            run.sent[INDEX] = len(text)
        late = [one.version for one in merged.versions if one not in first.versions and one not in index.versions]
        notes = [f"somebody else published {', '.join(late)} there at the same time; both are listed"] if late else []
        if run.replaced:
            notes.append(f"{', '.join(run.replaced)}: this store's replaces what is there")
        notes += _send_beside(store, index, merged, run, signed=(text if changed else content) == own)
    if tell is not None:
        tell(1.0)
    listed = tuple(one.version for one in merged.versions)
    before = {one.version for one in first.versions}
    added = tuple(version for version in listed if version not in before and index.version(version))
    return Published(target, listed, added, run.sent, len(run.kept), tuple(notes), dry_run)


def _meter(store: Path, tell: Callable[[float], None] | None, start: float, end: float) -> Callable[[int], None]:
    """Adds up bytes, and tells how far that is between two shares of the work."""
    if tell is None:
        return lambda _: None
    total, done = max(sum((store / name).stat().st_size for name in files_below(store)), 1), 0

    def add(size: int) -> None:
        nonlocal done
        done += size
        tell(start + (end - start) * min(done / total, 1.0))

    return add


# The index there


def index_of(there: Target) -> tuple[Index, bytes, str]:
    """The target's index, its bytes and its mark; an empty one, no bytes and "" where there is none.

    Raises DataFault where it can't be used.
    """
    place = f"{there.name.rstrip('/')}/{INDEX}"
    found = there.read(INDEX)
    if found is None:
        return Index("", None, ()), b"", ""
    with tempfile.TemporaryDirectory(prefix="imprint-") as folder:
        path = Path(folder) / INDEX
        path.write_bytes(found[0])
        try:
            return read_index(path, place), *found
        except ImprintError as error:
            raise DataFault(error.what, where=place, fix="mend it there, or publish to another place") from error


def merge(mine: Index, known: Index, target: str) -> Index:
    """An index with the versions of both. Raises DataFault where these are of two packages, or a version differs."""
    if mine.name and known.name and mine.name != known.name:
        message = f'has releases of "{known.name}", not of "{mine.name}"'
        raise DataFault(message, where=target, fix="publish to another place")
    versions = {precedence(one.version): one for one in known.versions}
    for one in mine.versions:
        other = versions.setdefault(precedence(one.version), one)
        if other != one:
            fix = "a published version stays as it is: give this one another number"
            raise DataFault(f"lists version {other.version} with {_difference(one, other)}", where=target, fix=fix)
    ordered = tuple(versions[key] for key in sorted(versions))
    return Index(known.name or mine.name, ordered[-1].version if ordered else None, ordered)


def _difference(mine: Listed, other: Listed) -> str:
    if mine.manifest != other.manifest:
        return f"other content (SHA-256 of the manifest {other.manifest[:12] or 'unknown'}, here {mine.manifest[:12]})"
    word = next(word for word, value in vars(mine).items() if getattr(other, word) != value)
    return f'"{word}" {getattr(other, word)}, here {getattr(mine, word)}'


def _refuse_signed(store: Path, index: Index, known: Index, merged: Index, there: Target) -> None:
    """Refuse what would leave a signature beside an index that it isn't of."""
    if merged == known:
        return
    signed = (store / INDEX_ATTESTATION).is_file()
    if signed and merged != index:
        foreign = ", ".join(one.version for one in merged.versions if one not in index.versions)
        message = f"lists {foreign}, which this store lacks, and its index is signed"
        raise DataFault(message, where=there.name, fix="put that into the store, and sign its index again")
    if not signed and there.read(INDEX_ATTESTATION) is not None:
        message = "has a signed index, and this store's isn't signed"
        raise DataFault(message, where=there.name, fix="sign it with imprint release --sign")


# Sending


def _restore(releases: list[Release], run: _Run) -> None:
    """Look at each file of the versions that the target lists: what differs is refused, else what is missing is sent.

    A signature that differs is replaced: it comes after what was published, and is no part of that.
    """
    missing, anew = [], []
    for file, digest in (pair for release in releases for pair in _as_published(release, run.there)):
        found = run.same(file, digest)
        if found is False and file.path.endswith(f"/{ATTESTATION}"):
            anew.append(file)  # signed with another key since, say; it is of the very files that were published
            continue
        if found is False:
            fix = "somebody changed it there: delete it, and publish again"
            raise DataFault(f"{file.path} is not what was published", where=run.there.name, fix=fix)
        if found is None and digest != file.digest:
            fix = "bring back what was published there"
            raise DataFault(f"{file.path} is missing, and this store has other bytes", where=run.there.name, fix=fix)
        if found is None:
            missing.append(file)
        else:
            run.tell(file.size)
    for file in missing:
        if not run.send(file, fresh=True) and not run.same(file):
            raise _contested(file, run.there)
    for file in anew:
        run.send(file)
        run.replaced.append(file.path)


def _as_published(release: Release, there: Target) -> list[tuple[Copied, str]]:
    """The files of a listed version with the digest that each has there: derived ones may have other bytes than here."""
    own = {name: file.digest for name, file in release.files.items()}
    path = release.files[SUMS].path
    found = there.read(path)
    if found is None or sha256_of(found[0]).hexdigest() == own[SUMS]:
        return [(file, file.digest) for file in release.files.values()]
    theirs = sums_of(found[0])
    fixed = {name for name, file in release.files.items() if not file.derived and name not in (SUMS, ATTESTATION)}
    if theirs.keys() != own.keys() - {SUMS, ATTESTATION} or any(theirs[name] != own[name] for name in fixed):
        fix = "somebody changed it there: delete it, and publish again"
        raise DataFault(f"{path} is not what was published", where=there.name, fix=fix)
    theirs[SUMS] = sha256_of(found[0]).hexdigest()
    return [(release.files[name], digest) for name, digest in theirs.items()]  # not the attestation, which is of the bytes here


def _send_new(releases: list[Release], run: _Run, mark: str) -> bool:
    """Send versions that the target doesn't list yet, and compare them; False where its index has changed meanwhile.

    Raises DataFault where somebody else sends other content for them.
    """
    files = [file for release in releases for file in release.files.values()]
    for file in files:
        found = run.same(file)
        if found:
            run.tell(file.size)
        elif found is None:
            if not run.send(file, fresh=True) and not run.same(file):
                raise _contested(file, run.there)
        elif file.path in run.sent or file.path in run.kept:
            raise _contested(file, run.there)
        else:  # left by somebody who stopped half-way, as long as no index lists it
            if index_of(run.there)[2] != mark:
                return False
            run.send(file)
    for file in files:
        if not run.dry_run and not run.same(file):
            raise _contested(file, run.there)
    return True


def _contested(file: Copied, there: Target) -> DataFault:
    fix = "find out who, then publish again; the index there is as it was"
    return DataFault(f"somebody else is publishing other content there: {file.path}", where=there.name, fix=fix)


def _send_beside(store: Path, index: Index, merged: Index, run: _Run, *, signed: bool) -> list[str]:
    """Send the page and the index's signature, unless another store has the latest version; what a user should know.

    They come after the index, since who loses the race for that must not replace the winner's.
    """
    if merged.latest != index.latest:
        return [f"{PAGE} there stays as it is, since its latest version is {merged.latest}"]
    for name in (PAGE, *([INDEX_ATTESTATION] if signed else [])):
        if (store / name).is_file():
            file = Copied(name, store / name, (store / name).stat().st_size, sha256(store / name))
            if not run.same(file):
                run.send(file)
    foreign = [one.version for one in merged.versions if one not in index.versions]
    page = (store / PAGE).is_file() and foreign
    return [f"{PAGE} doesn't show {', '.join(foreign)}, which this store lacks"] if page else []
