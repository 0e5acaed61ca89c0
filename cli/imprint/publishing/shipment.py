"""What a store has to send: its releases, once each file is what the index leads to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..archive import files_below, sha256
from ..exceptions import DataFault, ImprintError
from ..manifest import DIGEST, INDEX, MANIFEST, SUMS, Index, Listed, read_index, read_manifest
from ..signing import ATTESTATION, check_release

LAST = {SUMS: 1, ATTESTATION: 2, MANIFEST: 3}  # what is sent after a release's other files


@dataclass(frozen=True)
class Copied:
    """A file of a release: its size in bytes and SHA-256; a derived one may have other bytes where it was built again."""

    path: str
    source: Path
    size: int
    digest: str
    derived: bool = False


@dataclass(frozen=True)
class Release:
    """A release of the store, which is what index and manifest say; `files` by name, in the order in which they are sent."""

    listed: Listed
    files: Mapping[str, Copied]


def check(store: Path, add: Callable[[int], None] = lambda _: None) -> tuple[Index, tuple[Release, ...]]:
    """The index of a store and its releases, once every digest is what the index, or a manifest that it leads to, says.

    `add` is called with the size of each file that was read. Raises DataFault at the first that differs, ImprintError where
    there is no store.
    """
    if not (store / INDEX).is_file():
        raise ImprintError(f"has no {INDEX}", where=store, fix="name a store of releases, such as dist")
    index = read_index(store / INDEX)
    if not index.versions:
        raise ImprintError("holds no release", where=store, fix="run imprint release first")
    return index, tuple(_release(store, index, listed, add) for listed in index.versions)


def _release(store: Path, index: Index, listed: Listed, add: Callable[[int], None]) -> Release:
    folder = store / listed.path
    if not listed.manifest:
        message = f"lists {listed.version} without the digest of its manifest"
        raise DataFault(message, where=store / INDEX, fix="run imprint release again, which writes it")
    if not (folder / MANIFEST).is_file():
        raise _differs(folder / MANIFEST, f"is missing, and {INDEX} lists version {listed.version}")
    if sha256(folder / MANIFEST) != listed.manifest:
        raise _differs(folder / MANIFEST, f"is not what {INDEX} says")
    manifest = read_manifest(folder / MANIFEST)
    said = (index.name or manifest.name, listed.version, listed.date, listed.fingerprint, listed.sha256)
    zipped = manifest.files[manifest.archive].sha256
    if said != (manifest.name, manifest.version, manifest.date, manifest.fingerprint, zipped):
        raise _differs(folder / MANIFEST, f"has another name, version, date, fingerprint or zip than {INDEX}")
    names, expected = set(files_below(folder)), {*manifest.files, MANIFEST, SUMS}
    for name in sorted(expected - names):
        raise _differs(folder / name, "is missing")
    for name in sorted(names - expected - {ATTESTATION}):
        raise _differs(folder / name, f"is not in {MANIFEST}")
    sums = sums_of((folder / SUMS).read_bytes())
    root = Path(listed.path).as_posix().strip("/")
    files = {}
    for name in sorted(names, key=lambda name: (LAST.get(name, 0), name)):
        size, digest = (folder / name).stat().st_size, sha256(folder / name)
        derived = name in manifest.files and not manifest.files[name].sha256
        if name in manifest.files and not derived and digest != manifest.files[name].sha256:
            raise _differs(folder / name, f"is not what {MANIFEST} says")
        if name not in (SUMS, ATTESTATION) and digest != sums.get(name):
            raise _differs(folder / name, f"is not what {SUMS} says")
        files[name] = Copied(f"{root}/{name}", folder / name, size, digest, derived)
        add(size)
    signed = check_release(folder, manifest, ())
    for problem in signed.problems:
        raise _differs(folder, problem)
    attested = signed.subjects or {name: file.digest for name, file in files.items()}
    for name in sorted(expected | attested.keys()):
        if name not in files or attested.get(name) != files[name].digest:
            raise _differs(folder / name, f"is not what {ATTESTATION} says")
    return Release(listed, files)


def sums_of(content: bytes) -> dict[str, str]:
    """The digests in `SHA256SUMS`, by name."""
    lines = (line.partition("  ") for line in content.decode("utf-8", "replace").split("\n"))
    return {name: digest for digest, _, name in lines if DIGEST.fullmatch(digest)}


def _differs(place: Path, what: str) -> DataFault:
    return DataFault(what, where=place, fix="nothing was published; see imprint verify, and restore the store")
