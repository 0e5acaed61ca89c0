"""A release, checked: every digest, the zip against the files, the fingerprints against the values."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import archive, descriptor, fingerprint
from .documents import read_document
from .exceptions import ImprintError
from .manifest import INDEX, MANIFEST, SUMS
from .validation import open_tables

# What Python raises for a zip whose bytes were changed.
BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError)


@dataclass(frozen=True)
class Verification:
    """What was checked in one release, and what is wrong with it."""

    version: str
    path: Path
    files: int
    problems: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "version": self.version, "path": str(self.path), "valid": not self.problems, "files": self.files,
            "problems": list(self.problems),
        }  # fmt: skip


def verify(path: Path, *, memory: str | None = None) -> tuple[Verification, ...]:
    """Check a release's directory, or each release of a store (a directory with `index.json`).

    Raises ImprintError where there is neither.
    """
    if (path / MANIFEST).is_file():
        return (_verify_release(path, memory, None),)
    if (path / INDEX).is_file():
        return tuple(_verify_store(path, memory))
    if not path.exists():
        raise ImprintError("is not there", where=path, fix="name a release's directory or a store, such as dist")
    raise ImprintError(f"has neither {MANIFEST} nor {INDEX}", where=path, fix="name a release's directory or a store")


def _verify_store(path: Path, memory: str | None) -> Iterator[Verification]:
    """Each release that the index lists, and the index itself where it is wrong."""
    try:
        content = read_document(path / INDEX)
        listed, latest = content["versions"], content["latest"]
        if latest != (listed[-1]["version"] if listed else None):
            yield Verification(str(latest), path / INDEX, 0, (f'"latest" is {latest}, not the last version',))
        for item in listed:
            yield _verify_release(path / item["path"], memory, item)
    except (ImprintError, KeyError, TypeError) as error:
        yield Verification("", path / INDEX, 0, (f"{INDEX} can't be used: {error}",))


def _verify_release(path: Path, memory: str | None, listed: dict[str, Any] | None) -> Verification:
    try:
        manifest = read_document(path / MANIFEST)
        problems = [
            *_digests(path, manifest),
            *_listed(manifest, listed),
            *_zip(path, manifest),
            *_values(path, manifest, memory),
        ]
        return Verification(str(manifest.get("version", "")), path, len(manifest.get("files", {})), tuple(problems))
    except (ImprintError, KeyError, TypeError, AttributeError) as error:
        return Verification(str((listed or {}).get("version", path.name)), path, 0, (f"{MANIFEST} can't be used: {error}",))


def _digests(path: Path, manifest: dict[str, Any]) -> Iterator[str]:
    """Files against `SHA256SUMS` and against the manifest; files that neither knows."""
    sums = {}
    lines = (path / SUMS).read_text(encoding="utf-8", errors="replace").split("\n") if (path / SUMS).is_file() else ()
    for line in filter(None, lines):
        digest, _, name = line.partition("  ")
        sums[name] = digest
    if not sums:
        yield f"{SUMS} is missing"
    declared = {name: item["sha256"] for name, item in manifest["files"].items()}
    for name in sorted(sums.keys() | declared.keys()):
        file = path / name
        if not file.is_file():
            yield f"{name} is missing"
            continue
        actual = archive.sha256(file)
        for source, known in ((SUMS, sums), (MANIFEST, declared)):
            if name in known and known[name] != actual:
                yield f"{name} is not what {source} says (SHA-256 {actual[:12]}…, not {known[name][:12]}…)"
    unlisted = (declared.keys() | archive.files_below(path)) - sums.keys() - {SUMS}
    yield from (f"{name} is not in {SUMS}" for name in sorted(unlisted) if sums)


def _listed(manifest: dict[str, Any], listed: dict[str, Any] | None) -> Iterator[str]:
    """The release against the store's index."""
    if listed is None:
        return
    for word in ("version", "date", "fingerprint"):
        if manifest.get(word) != listed.get(word):
            yield f'"{word}" is {manifest.get(word)} here and {listed.get(word)} in {INDEX}'
    digest = manifest["files"].get(manifest["archive"], {}).get("sha256")
    if digest != listed.get("sha256"):
        yield f"{manifest['archive']} is not what {INDEX} says"


def _zip(path: Path, manifest: dict[str, Any]) -> Iterator[str]:
    """The zip's members against the files."""
    name = manifest["archive"]
    if not (path / name).is_file():
        return
    try:
        with zipfile.ZipFile(path / name) as opened:
            for member in opened.namelist():
                inner = member.partition("/")[2]
                file = path / inner
                with opened.open(member) as packed:
                    digest = hashlib.file_digest(packed, "sha256").hexdigest()  # type: ignore[arg-type]
                if not file.is_file() or digest != archive.sha256(file):
                    yield f"{name}: {inner} is not the file beside it"
    except BROKEN_ZIP as error:
        yield f"{name} can't be read: {error}"


def _values(path: Path, manifest: dict[str, Any], memory: str | None) -> Iterator[str]:
    """The fingerprints of tables and columns, computed again."""
    try:
        package, _ = descriptor.load(path / "datapackage.json")
    except ImprintError as error:
        yield str(error)
        return
    with open_tables(package, memory=memory) as (engine, (tables,)):
        prints = {name: fingerprint.of_table(engine, one) for name, one in tables.items()}
    faults = [fault for one in tables.values() for fault in one.findings.errors]
    for fault in [fault for fault in faults if fault.type in ("hash-count", "byte-count")]:
        yield f'"{fault.resource}" is not what datapackage.json says: {fault.note}'
    for name, known in sorted(manifest["resources"].items()):
        actual = prints.get(name)
        if actual is None:
            yield f'table "{name}" can\'t be read'
        elif actual.table != known["fingerprint"]:
            columns = [column for column, value in known["columns"].items() if actual.columns.get(column) != value]
            yield f'the values of "{name}" are not those that were released ({", ".join(columns) or "row by row"})'
    if fingerprint.of_package(package, prints) != manifest["fingerprint"]:
        yield "the package's fingerprint is not that of the manifest"
