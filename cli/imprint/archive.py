"""Bytes that don't depend on the machine: a deterministic zip, digests, and writing that is whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from .exceptions import ImprintError

CHUNK = 1 << 20
EARLIEST, LATEST = 315532800, 4354819198  # 1980-01-01 and the end of 2107, between which a zip can name a moment
FILE_MODE = 0o100644


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()


def files_below(folder: Path) -> list[str]:
    """Every file below a folder, as sorted relative paths with forward slashes."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def write_zip(target: Path, folder: Path, names: Iterable[str], root: str, moment: int) -> None:
    """A zip whose bytes depend on the files' names and bytes, `root` and `moment` (seconds since 1970, UTC) alone.

    Entries are sorted, stored without compression, and have one mode and one time, so that no compressor's version, umask,
    user, time zone or file system order shows.
    """
    date = time.gmtime(min(max(moment, EARLIEST), LATEST))[:6]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True, strict_timestamps=True) as archive:
        for name in sorted(names):
            entry = zipfile.ZipInfo(f"{root}/{name}", date)
            entry.create_system = 3
            entry.external_attr = FILE_MODE << 16
            entry.file_size = (folder / name).stat().st_size
            with (folder / name).open("rb") as source, archive.open(entry, "w") as sink:
                shutil.copyfileobj(source, sink, CHUNK)


def sums(folder: Path, names: Iterable[str], known: Mapping[str, str] | None = None) -> str:
    """Lines that `sha256sum --check` reads; a digest that is `known` is not computed again."""
    return "".join(f"{(known or {}).get(name) or sha256(folder / name)}  {name}\n" for name in sorted(names))


def write_text(path: Path, text: str) -> None:
    """A text file in UTF-8 with LF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def replace_text(path: Path, text: str) -> None:
    """Put a text in the place of a file: a reader sees the old one or the new one, never a half."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        fix = "check the path and the disk"
        raise ImprintError(f"cannot be written ({error.strerror})", where=path, fix=fix) from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync(path.parent)


@contextlib.contextmanager
def new_directory(target: Path) -> Iterator[Path]:
    """A directory to build in, which becomes `target` in one rename if the context ends well, and nothing otherwise.

    Raises ImprintError where the parent can't be written to, or `target` is there already.
    """
    with temporary(target) as building:
        yield building
        put(building, target)


@contextlib.contextmanager
def temporary(target: Path) -> Iterator[Path]:
    """A directory beside `target` that is gone when the context ends, unless it was `put` in its place."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    except OSError as error:
        message = f"cannot be written to ({error.strerror})"
        raise ImprintError(message, where=target.parent, fix="choose another place") from error
    try:
        yield building
    finally:
        shutil.rmtree(building, ignore_errors=True)


def put(building: Path, target: Path, *, instead: contextlib.AbstractContextManager[None] | None = None) -> None:
    """Make a directory `target` in one rename, once the disk has it whole; within `instead`, in the place of one that is there.

    Raises ImprintError where `target` is there already.
    """
    for path in (building, *building.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
        _sync(path)
    there = target.exists()
    if there and instead is None:
        raise ImprintError("is there already", where=target, fix="a released version is never written twice")
    with instead if there and instead else contextlib.nullcontext():
        _take_place(building, target, instead=there)
    _sync(target.parent)


def _take_place(building: Path, target: Path, *, instead: bool) -> None:
    """Rename a directory to `target`, which fails where one is there; with `instead` that one goes, if all goes well."""
    if not instead:
        building.rename(target)
        return
    old = building.with_name(f"{building.name}.old")
    target.rename(old)
    try:
        building.rename(target)
    except BaseException:
        old.rename(target)
        raise
    shutil.rmtree(old)


def _sync(path: Path) -> None:
    """Ask the disk to keep what was written."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems can't sync a directory; the rename is whole
            raise
    finally:
        os.close(handle)
