"""A PACKAGE argument to a descriptor on this machine.

A PACKAGE is a directory, a descriptor file, a zip, a bare data file, a URL, a version in a store (`STORE@VERSION`) or
`git:REV[:path]`. What isn't a plain file is unpacked into a temporary directory that lives as long as the context.
"""

from __future__ import annotations

import codecs
import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from .documents import DESCRIPTOR_NAMES
from .exceptions import ImprintError, UsageFault
from .package import Package
from .remote import fetch, is_url, path_of
from .safety import unzip

CHUNK = 1 << 16
KNOWN = (".json", ".yaml", ".yml", ".jsonl", ".ndjson")  # what a file is that may begin as a JSON object
POINTER = b"version https://git-lfs.github.com/spec/"


@contextlib.contextmanager
def located(source: str, directory: Path | None = None) -> Iterator[Path]:
    """The path of the descriptor (or bare data file) that a PACKAGE argument names.

    `directory` is where git is asked, this one if not given. Raises ImprintError where there is none, UsageFault where the
    argument makes no sense.
    """
    with _aside(source) as folder:
        path = _local(source, folder, directory)
        if path.suffix.lower() == ".zip" and path.is_file():
            path = unzip(path, folder / "unpacked")
        yield find_descriptor(path, source)


def _local(source: str, folder: Path, directory: Path | None) -> Path:
    """What a PACKAGE argument names, in `folder` if it isn't on this machine."""
    if source.startswith("git:"):
        from .revisions import checkout

        return checkout(source, folder, directory)
    if "://" in source:
        return _far(source, folder)
    path = Path(source)
    return _release(source) if "@" in source and not path.exists() else path


def _far(source: str, folder: Path) -> Path:
    """What an address names."""
    from . import fetching
    from .fetching import origin

    store, version = origin.split(source)
    if version and (not is_url(store) or origin.is_store(store)):  # an @ may be part of a URL
        return fetching.fetch(store, version, folder / "release", forms=(fetching.PACKAGE,)).path
    if is_url(source):
        return _download(source, folder)
    fix = f"name one, as {source.rstrip('/')}@latest, if it is a store of releases"
    raise UsageFault("is an address, and names no version of a package", where=source, fix=fix)


@contextlib.contextmanager
def _aside(source: str) -> Iterator[Path]:
    """A temporary directory; a fault in one of its files is said to lie in `source`, which the user knows."""
    with tempfile.TemporaryDirectory(prefix="imprint-") as folder:
        try:
            yield Path(folder)
        except ImprintError as error:
            if error.where.startswith(folder):
                name = Path(error.where).name
                error.where = source if source.endswith(name) else f"{name} in {source}"
            raise


def _release(source: str) -> Path:
    """Where a version in a store of releases lies: `STORE@VERSION`, or `STORE@latest`."""
    from .manifest import INDEX, read_index

    store, _, version = source.rpartition("@")
    folder = Path(store)
    if not folder.is_dir():
        return Path(source)
    if not (folder / INDEX).is_file():
        raise ImprintError(f"is no store of releases: it has no {INDEX}", where=store, fix="name the directory of releases")
    index = read_index(folder / INDEX)
    listed = index.version(version)
    if listed is None:
        has = ", ".join(one.version for one in index.versions) or "none"
        raise UsageFault(f'has no version "{version}"', where=store, fix=f"it has {has}")
    if not (folder / listed.path).is_dir():
        fix = "build it again from its commit, or name it as git:REV"
        raise ImprintError(f"version {listed.version} is listed, but isn't there any more", where=store, fix=fix)
    return folder / listed.path


def refuse_pointers(files: Iterable[Path], source: str) -> None:
    """Raise ImprintError where a file is no data but what Git LFS leaves in its place."""
    for path in files:
        with contextlib.suppress(OSError), path.open("rb") as file:
            if file.read(len(POINTER)) == POINTER:
                fix = "install git-lfs and run `git lfs pull`"
                raise ImprintError(f'"{path.name}" is a Git LFS pointer, not the data', where=source, fix=fix)


def refuse_no_table(package: Package) -> None:
    """Raise ImprintError where a bare data file is no table."""
    if package.bare and not package.resources[0].tabular:
        raise ImprintError("is no table", where=package.source, fix="name a package, or a table such as a CSV file")


def refuse_no_text(package: Package) -> None:
    """Raise ImprintError where a bare data file that is delimited text has none."""
    if package.bare and package.resources[0].format in ("csv", "tsv", "txt", ""):
        with package.descriptor_path.open("rb") as file:
            start = file.read(CHUNK)
        if b"\0" in start:
            fix = 'convert it, or give it a datapackage.json with its "encoding"'
            raise ImprintError("has NUL characters, so it is no text in UTF-8", where=package.source, fix=fix)
        if not start.strip():
            raise ImprintError("is empty: it has not even a header", where=package.source, fix="give it one")


def find_descriptor(path: Path, source: str) -> Path:
    """The descriptor in a directory, or the file itself."""
    if path.is_file():
        return path
    if not path.exists():
        raise ImprintError(
            "is not there", where=source, fix="name a directory, a descriptor, a data file, a zip, a URL or git:REV"
        )
    if not path.is_dir():
        raise ImprintError("is neither a file nor a directory", where=source, fix="name a directory or a descriptor")
    for name in DESCRIPTOR_NAMES:
        if (path / name).is_file():
            return path / name
    from .manifest import INDEX

    what, fix = "has no datapackage.json or datapackage.yaml", "name the package's directory"
    if (path / INDEX).is_file():
        raise _store_fault(source)
    raise ImprintError(what, where=source, fix=fix)


def _download(source: str, folder: Path) -> Path:
    """Fetch a zip, a descriptor or a bare data file; what lies beside a descriptor is fetched when it is asked for."""
    try:
        urlsplit(source)
    except ValueError as error:
        raise UsageFault(f"is no address ({error})", where=source, fix="mend it") from error
    target = folder / "download" / (path_of(source).name or DESCRIPTOR_NAMES[0])
    fetch(source, target)
    if _begins(target, b"<"):
        _refuse_store(source)
    if target.suffix.lower() not in KNOWN and _begins(target, b"{"):
        target = target.rename(target.with_name(DESCRIPTOR_NAMES[0]))
    return target


def _refuse_store(source: str) -> None:
    """Raise UsageFault for the address of a store, at which a page may be."""
    from .fetching import origin

    if origin.is_store(source):
        raise _store_fault(source)


def _store_fault(source: str) -> UsageFault:
    fix = f"name one of them, as {source.rstrip('/')}@latest"
    return UsageFault("is a store of releases, and no package", where=source, fix=fix)


def _begins(path: Path, mark: bytes) -> bool:
    """Whether a text begins with a mark: a descriptor with a brace, a page with a tag, whatever its name."""
    with path.open("rb") as file:
        return file.read(CHUNK).removeprefix(codecs.BOM_UTF8).lstrip().startswith(mark)
