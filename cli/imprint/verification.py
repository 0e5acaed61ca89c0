"""A release, checked: every digest, the zip against the files, the fingerprints against the values."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import archive, descriptor, fingerprint
from .engine import Engine
from .exceptions import ImprintError
from .locate import read_document
from .release import INDEX, MANIFEST, SUMS
from .tables import Findings
from .validation import check_tables


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
        content = read_document(path / INDEX)
        listed = content.get("versions", []) if isinstance(content, dict) else []
        return tuple(_verify_release(path / str(item.get("path")), memory, item) for item in listed)
    if not path.exists():
        raise ImprintError("is not there", where=path, fix="name a release's directory or a store, such as dist")
    raise ImprintError(f"has neither {MANIFEST} nor {INDEX}", where=path, fix="name a release's directory or a store")


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
    for line in (path / SUMS).read_text(encoding="utf-8").splitlines() if (path / SUMS).is_file() else ():
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
    for name in sorted(set(archive.files_below(path)) - sums.keys() - {SUMS}):
        yield f"{name} is in no list"
    for name in sorted(declared.keys() - sums.keys()):
        yield f"{name} is not in {SUMS}"


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
                same = file.is_file() and hashlib.sha256(opened.read(member)).hexdigest() == archive.sha256(file)
                if not same:
                    yield f"{name}: {inner} is not the file beside it"
    except (zipfile.BadZipFile, OSError) as error:
        yield f"{name} can't be read: {error}"


def _values(path: Path, manifest: dict[str, Any], memory: str | None) -> Iterator[str]:
    """The fingerprints of tables and columns, computed again."""
    try:
        package, _ = descriptor.load(path / "datapackage.json")
    except ImprintError as error:
        yield str(error)
        return
    files = [file for resource in package.resources for file in resource.files]
    found = {resource.name: Findings(resource.name, 1) for resource in package.resources}
    with Engine(files, memory=memory) as engine, ThreadPoolExecutor(os.cpu_count()) as pool:
        prints = {n: fingerprint.of_table(engine, one) for n, one in check_tables(engine, package, found, pool).items()}
    for name, known in sorted(manifest["resources"].items()):
        actual = prints.get(name)
        if actual is None:
            yield f'table "{name}" can\'t be read'
        elif actual.table != known["fingerprint"]:
            columns = [column for column, value in known["columns"].items() if actual.columns.get(column) != value]
            yield f'the values of "{name}" are not those that were released ({", ".join(columns) or "row by row"})'
    if fingerprint.of_package(package, prints) != manifest["fingerprint"]:
        yield "the package's fingerprint is not that of the manifest"
