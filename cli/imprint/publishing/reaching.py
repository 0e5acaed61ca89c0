"""Targets that can't be reached, and what is read from them: one sentence for whatever a library behind fsspec says."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from typing import Any

from ..exceptions import ImprintError
from ..report import shorten


@contextlib.contextmanager
def reached(target: str) -> Iterator[None]:
    """Turns any fault of what is called `target` into one sentence. Raises ImprintError."""
    try:
        yield
    except ImprintError:
        raise
    except Exception as error:  # the libraries behind fsspec have no common fault
        raise unreachable(target, error) from error


def unreachable(target: str, error: Exception) -> ImprintError:
    """The fault that says so in one sentence."""
    credentials = isinstance(error, PermissionError) or "credential" in type(error).__name__.lower()
    if credentials and "://" in target:
        fix = "check the credentials, and what they allow"
    elif isinstance(error, NotImplementedError):
        fix = "name another kind of address"
    else:
        fix = "check the address and the network" if "://" in target else "check the path and the disk"
    return ImprintError(f"can't be published to ({reason(error)})", where=target, fix=fix)


def reason(error: Exception) -> str:
    """What went wrong, in one line."""
    if isinstance(error, NotImplementedError):
        return "it can only be read"
    said = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return shorten(" ".join(said.split()).rstrip("."), 200)


def digest_of(files: Any, path: str) -> str:
    """The SHA-256 of a file that a file system of fsspec has, read a block at a time."""
    with files.open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
