"""What a store of releases says of itself: `index.json`, and in each release `manifest.json`.

Both may come from elsewhere, so nothing in them is believed before it is read here: names stay inside, digests are digests,
versions are in order. The index leads to a manifest by its digest, the manifest to every file; a file that a library
writes in bytes of its own (a Parquet file, a workbook) has the fingerprint of its content in the place of a digest.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .documents import read_document
from .exceptions import DataFault, UsageFault
from .safety import unsafe
from .semver import misplaced

MANIFEST, SUMS, INDEX, NOTES = "manifest.json", "SHA256SUMS", "index.json", "CHANGES.md"
DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class File:
    """A file of a release: its size in bytes and SHA-256, or who writes it in bytes of their own, and its content.

    `form` is the format that it was made for ("" for the package's own files), `table` the only table that it holds.
    """

    bytes: int | None = None
    sha256: str = ""
    derived: str = ""
    fingerprint: str = ""
    form: str = ""
    table: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The JSON form: what it has."""
        return {word: value for word, value in vars(self).items() if value not in ("", None)}


@dataclass(frozen=True)
class Content:
    """A table of a release: how many rows, its fingerprint and those of its columns."""

    rows: int
    fingerprint: str
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """All that a release says of itself. `previous` has version, sha256 and fingerprint of the release before, if any.

    `archive` is the name of the zip, `verdict` the bump with the rules fired and waived, `tool` the version of imprint.
    """

    name: str
    version: str
    date: str
    fingerprint: str
    archive: str
    verdict: Mapping[str, Any]
    resources: Mapping[str, Content]
    files: Mapping[str, File]
    previous: Mapping[str, str] = field(default_factory=dict)
    tool: str = ""

    def text(self) -> str:
        """The manifest as JSON."""
        said = {
            "name": self.name, "version": self.version, "date": self.date, "fingerprint": self.fingerprint,
            **({"tool": self.tool} if self.tool else {}),
            **({"previous": dict(self.previous)} if self.previous else {}),
            "verdict": self.verdict,
            "archive": self.archive,
            "resources": {
                name: {"rows": one.rows, "fingerprint": one.fingerprint, "columns": dict(one.columns)}
                for name, one in self.resources.items()
            },
            "files": {name: one.to_dict() for name, one in sorted(self.files.items())},
        }  # fmt: skip
        return json.dumps(said, indent=2, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class Listed:
    """A release as the index lists it: `sha256` and `bytes` are of the zip, `manifest` is the SHA-256 of the manifest.

    `path` is its directory, relative to the index.
    """

    version: str
    date: str
    path: str
    sha256: str
    fingerprint: str
    bytes: int | None = None
    manifest: str = ""


@dataclass(frozen=True)
class Index:
    """The releases of a store, oldest first, and which is the latest (None where there is none)."""

    name: str
    latest: str | None
    versions: tuple[Listed, ...]

    def text(self) -> str:
        """The index as JSON."""
        listed = [{word: value for word, value in vars(one).items() if value not in ("", None)} for one in self.versions]
        said = {"name": self.name, "latest": self.latest, "versions": listed}
        return json.dumps(said, indent=2, ensure_ascii=False) + "\n"

    def version(self, wanted: str) -> Listed | None:
        """The release of that version, or the latest for "latest"."""
        name = self.latest if wanted == "latest" else wanted
        return next((one for one in self.versions if one.version == name), None)


def read_index(path: Path, where: str = "") -> Index:
    """The index in a file; `where` is what a user calls it.

    Raises DataFault where it can't be used, ImprintError where it can't be read.
    """
    content, place = read_document(path), where or str(path)
    try:
        versions = tuple(_listed(one, place) for one in content["versions"])
        latest, name = content["latest"], content.get("name", "")
        if not isinstance(name, str) or not isinstance(latest, str | None):
            raise TypeError
    except (KeyError, TypeError, AttributeError) as error:
        raise _unusable("is no index of releases", place) from error
    names = [one.version for one in versions]
    try:
        wrong = misplaced(names)
    except UsageFault as error:
        raise _unusable(f"lists a version that is none: {error.what}", place) from error
    if wrong:
        raise _unusable(f"lists versions out of order: {wrong[1]} after {wrong[0]}", place)
    if latest != (names[-1] if names else None):
        raise _unusable(f'"latest" is {latest}, not the last version', place)
    return Index(name, latest, versions)


def _listed(one: Any, place: str) -> Listed:
    found = Listed(
        _text(one, "version"), _day(one), _text(one, "path", one["version"]), _digest(one, "sha256"),
        _digest(one, "fingerprint"), _size(one), _digest(one, "manifest", optional=True),
    )  # fmt: skip
    if reason := unsafe(found.path):
        raise _unusable(f"the path of version {found.version} {reason}", place, "don't trust this store")
    return found


def read_manifest(path: Path, where: str = "") -> Manifest:
    """The manifest in a file; `where` is what a user calls it.

    Raises DataFault where it can't be used, ImprintError where it can't be read.
    """
    content, place = read_document(path), where or str(path)
    try:
        files = {name: _file(name, one, place) for name, one in content["files"].items()}
        resources = {name: _content(one) for name, one in content["resources"].items()}
        previous = {str(word): str(text) for word, text in content.get("previous", {}).items()}
        archive = _text(content, "archive")
        if archive not in files:
            raise _unusable(f'its archive "{archive}" is not among its files', place)
        return Manifest(
            _text(content, "name"), _text(content, "version"), _day(content), _digest(content, "fingerprint"),
            archive, dict(content["verdict"]), resources, files, previous, _text(content, "tool", ""),
        )  # fmt: skip
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise _unusable("is no manifest of a release", place) from error


def _file(name: str, one: Any, place: str) -> File:
    if reason := "has no name" if not name else unsafe(name):
        raise _unusable(f'its file "{name}" {reason}', place, "don't trust this release")
    words = {word: _text(one, word, "") for word in ("derived", "form", "table")}
    return File(
        _size(one), _digest(one, "sha256", optional=bool(words["derived"])),
        fingerprint=_digest(one, "fingerprint", optional=True), **words,
    )  # fmt: skip


def _content(one: Any) -> Content:
    columns = {str(name): str(value) for name, value in one["columns"].items()}
    return Content(int(one["rows"]), _digest(one, "fingerprint"), columns)


def _text(one: Any, word: str, default: str | None = None) -> str:
    value = one[word] if default is None else one.get(word, default)
    if not isinstance(value, str):
        raise TypeError(word)
    return value


def _day(one: Any) -> str:
    if not is_day(value := _text(one, "date")):
        raise TypeError("date")
    return value


def is_day(text: str) -> bool:
    """Whether a text is a date as releases have it, YYYY-MM-DD."""
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _digest(one: Any, word: str, *, optional: bool = False) -> str:
    value = _text(one, word, "" if optional else None)
    if not (DIGEST.fullmatch(value) or (optional and not value)):
        raise TypeError(word)
    return value


def _size(one: Any) -> int | None:
    value = one.get("bytes")
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise TypeError("bytes")
    return value


def _unusable(what: str, place: str, fix: str = "download it again, or tell its publisher") -> DataFault:
    return DataFault(what, where=place, fix=fix)
