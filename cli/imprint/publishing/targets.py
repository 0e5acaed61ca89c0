"""Where a store is published to: a directory, S3, or what else fsspec can write to; and how safely each is written.

In a directory a file appears whole, by a rename, and one publisher works at a time. S3 shows whole objects, keeps the SHA-256
of each, and puts one in the place of another only if that is still the one that was read. Elsewhere a file is looked at again
just before it is replaced, and read back to compare it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from ..archive import CHUNK, sha256
from ..exceptions import ImprintError, UsageFault
from ..remote import is_url
from .bucket import Bucket
from .reaching import digest_of, reached, reason, unreachable

PART = ".imprint.part"  # what is being copied to a directory, until it is whole
BUCKETS = {"abfs", "abfss", "adl", "az", "gcs", "gs", "memory", "oci", "oss"}  # have no directories to make


class Target(Protocol):
    """A place to publish to; a path is relative to it. Every call raises ImprintError where the target fails."""

    @property
    def name(self) -> str:
        """What a user calls it."""
        ...

    def read(self, path: str) -> tuple[bytes, str] | None:
        """A small file's bytes and a mark of this state of it; None where there is no such file."""
        ...

    def same(self, path: str, size: int | None, digest: str) -> bool | None:
        """Whether the file there has that size in bytes, if given, and that SHA-256; None where there is no such file."""
        ...

    def put(self, path: str, source: Path, digest: str, *, fresh: bool) -> bool:
        """Copy a file there. If `fresh`, a target that can tell writes only where there is none, and says False otherwise."""
        ...

    def swap(self, path: str, content: bytes, mark: str) -> bool:
        """Put bytes in the place of what has that mark, "" being no file; False where that isn't there any more."""
        ...


@contextlib.contextmanager
def opened(target: str, *, write: bool = True) -> Iterator[Target]:
    """The target that a directory's path or an fsspec URL names; nobody else publishes to a directory while it is open.

    Raises UsageFault for an address that is none, ImprintError where the target can't be reached or its library is missing.
    """
    root = directory_of(target)
    if root is None:
        yield _remote(target)
        return
    with _locked(root) if write else contextlib.nullcontext():
        yield Directory(target, root)


def directory_of(target: str) -> Path | None:
    """The directory that a target is; None for one that is elsewhere. Raises UsageFault for what names none."""
    path = target.removeprefix("file://").removeprefix("local://")
    if not path:
        raise UsageFault("names no place to publish to", where=target or '""', fix="name a directory or a URL")
    if target.startswith("file://") and not path.startswith(("/", ".")):
        raise UsageFault(f'names the machine "{path.partition("/")[0]}"', where=target, fix="write file:///DIRECTORY")
    return None if "://" in path else Path(path)


# A directory


@contextlib.contextmanager
def _locked(root: Path) -> Iterator[None]:
    import fcntl

    with reached(str(root)):
        root.mkdir(parents=True, exist_ok=True)
        handle = os.open(root, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network disks lock no directory; the index is looked at again there, too
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@dataclass(frozen=True)
class Directory:
    """A directory, in which a file is there whole or not at all."""

    name: str
    root: Path

    def read(self, path: str) -> tuple[bytes, str] | None:
        with reached(self.name):
            try:
                content = (self.root / path).read_bytes()
            except FileNotFoundError:
                return None
        return content, hashlib.sha256(content).hexdigest()

    def same(self, path: str, size: int | None, digest: str) -> bool | None:
        with reached(self.name):
            try:
                found = (self.root / path).stat().st_size
            except FileNotFoundError:
                return None
            return size in (None, found) and sha256(self.root / path) == digest

    def put(self, path: str, source: Path, digest: str, *, fresh: bool) -> bool:
        with source.open("rb") as file:
            self._write(path, file)
        return True

    def swap(self, path: str, content: bytes, mark: str) -> bool:
        found = self.read(path)
        if (found[1] if found else "") != mark:
            return False
        self._write(path, BytesIO(content))
        return True

    def _write(self, path: str, source: BinaryIO) -> None:
        part, target = self.root / PART, self.root / path
        with reached(self.name):
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with part.open("wb") as file:
                    shutil.copyfileobj(source, file, CHUNK)
                    file.flush()
                    os.fsync(file.fileno())
                part.chmod(0o644)
                part.replace(target)
            except BaseException:
                part.unlink(missing_ok=True)
                raise


# Elsewhere


def _remote(target: str) -> Target:
    try:
        import fsspec
    except ImportError as error:
        raise ImprintError("publishing there needs fsspec", where=target, fix="pip install fsspec") from error
    protocol = target.partition("://")[0]
    if is_url(target):
        raise UsageFault("can only be read", where=target, fix="name what the web server serves, such as a directory")
    try:
        files, root = fsspec.url_to_fs(target, use_listings_cache=False)
    except ImportError as error:
        if protocol in ("s3", "s3a"):
            raise ImprintError("publishing there needs s3fs", where=target, fix="pip install s3fs") from error
        raise ImprintError(f"a library is missing ({reason(error)})", where=target, fix="install it") from error
    except ValueError as error:
        raise UsageFault(f"is no address ({reason(error)})", where=target, fix="name a directory or a URL") from error
    except Exception as error:  # the libraries behind fsspec have no common fault
        raise unreachable(target, error) from error
    if protocol not in ("s3", "s3a"):
        return Remote(target, files, str(root).rstrip("/"))
    bucket, _, prefix = str(root).strip("/").partition("/")
    if not bucket:
        raise UsageFault("names no bucket", where=target, fix="write s3://BUCKET/PREFIX")
    return Bucket(target, files, bucket, prefix)


@dataclass(frozen=True)
class Remote:
    """What fsspec can write to: `files` is its file system."""

    name: str
    files: Any
    root: str

    def read(self, path: str) -> tuple[bytes, str] | None:
        with reached(self.name):
            try:
                content: bytes = self.files.cat_file(self._at(path))
            except FileNotFoundError:
                return None
        return content, hashlib.sha256(content).hexdigest()

    def same(self, path: str, size: int | None, digest: str) -> bool | None:
        with reached(self.name):
            try:
                found = self.files.info(self._at(path))["size"]
            except FileNotFoundError:
                return None
            return size in (None, found) and digest_of(self.files, self._at(path)) == digest

    def put(self, path: str, source: Path, digest: str, *, fresh: bool) -> bool:
        with reached(self.name):
            self._make_parent(path)
            self.files.put_file(str(source), self._at(path))
        return True

    def swap(self, path: str, content: bytes, mark: str) -> bool:
        found = self.read(path)
        if (found[1] if found else "") != mark:
            return False
        with reached(self.name):
            self._make_parent(path)
            self.files.pipe_file(self._at(path), content)
        return True

    def _at(self, path: str) -> str:
        return f"{self.root}/{path}"

    def _make_parent(self, path: str) -> None:
        if self.name.partition("://")[0] not in BUCKETS:
            self.files.makedirs(self._at(path).rpartition("/")[0], exist_ok=True)
