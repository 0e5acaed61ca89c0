"""What was fetched once, kept by its content: objects by SHA-256, halves of objects, and what was seen of each store.

    objects/ab/abcd…        a whole file, under the SHA-256 of its bytes
    partial/abcd…           the beginning of one, which the next run goes on with
    stores/<name>/          the last index of a store, and what its releases say beside their manifests

Several processes may use it at once: an object appears whole, by a rename, and a half is written by whoever holds its lock.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from .. import archive

if sys.platform != "win32":
    import fcntl


def default() -> Path:
    """Where the cache is: IMPRINT_CACHE, else `imprint` in XDG_CACHE_HOME, else in ~/.cache."""
    if own := os.environ.get("IMPRINT_CACHE"):
        return Path(own)
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "imprint"  # a relative one is to be ignored


def alone() -> bool:
    """Whether no store is to be asked, by IMPRINT_OFFLINE: any text but an empty one and 0."""
    return os.environ.get("IMPRINT_OFFLINE", "") not in ("", "0")


def held(cache: Path, digest: str) -> Path:
    """Where the object of that SHA-256 is, if it is there."""
    return cache / "objects" / digest[:2] / digest


def store(cache: Path, address: str) -> Path:
    """The folder of what was seen of the store at an address, which needn't be there."""
    return cache / "stores" / hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def copy(cache: Path, digest: str, target: Path) -> bool:
    """Copy an object to `target`, which a user may then change; False where there is none with these bytes any more.

    One that isn't what its name says is dropped.
    """
    source, found = held(cache, digest), hashlib.sha256()
    if not source.is_file():
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as old, target.open("wb") as new:
        while block := old.read(archive.CHUNK):
            found.update(block)
            new.write(block)
    if found.hexdigest() == digest:
        return True
    target.unlink()
    source.unlink(missing_ok=True)
    return False


@contextlib.contextmanager
def partial(cache: Path, digest: str) -> Iterator[IO[bytes]]:
    """A file for the bytes of an object, open at the end of what an earlier run left of it.

    Where another process is writing that one, it is a file of this process's own, which isn't kept.
    """
    folder = cache / "partial"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / digest
    with contextlib.ExitStack() as stack:
        file: IO[bytes] = stack.enter_context(path.open("a+b"))
        if not _alone(file, path):
            file = stack.enter_context(tempfile.NamedTemporaryFile(dir=folder, prefix=f"{digest}.", delete=False))
            path = Path(file.name)
            stack.callback(path.unlink, missing_ok=True)
        file.seek(0, os.SEEK_END)
        yield file


def keep(cache: Path, digest: str, file: IO[bytes]) -> None:
    """Make an object of a partial file that has all its bytes; `copy` notices if a power cut took some of them away."""
    file.flush()
    path, target = Path(file.name), held(cache, digest)
    target.parent.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":
        file.close()
    path.replace(target)
    target.chmod(0o444)


def remember(path: Path, content: bytes) -> None:
    """Put what a store says in the place of what it said before, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            file.close()
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _alone(file: IO[bytes], path: Path) -> bool:
    """Whether this process has the lock of a partial file, and that hasn't become an object meanwhile."""
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False
