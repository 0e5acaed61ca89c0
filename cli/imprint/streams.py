"""A resource's files to bytes, texts and records, and the types of error that reading them ends with."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from .exceptions import Unreadable
from .package import Dialect, Resource

CHUNK = 1 << 20  # bytes read at a time
LONGEST = 64 << 20  # characters of a line or a cell; more is no table that somebody means
ROOM = 100 << 20  # bytes that any compressed file may unpack to
RATIO = 200  # times its size that a larger one may
DELIMITED = frozenset({"csv", "tsv", ""})
# What reading a file raises, with the type of the error that it is.
READING = (UnicodeError, csv.Error, OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


def text_streams(resource: Resource, errors: str = "surrogateescape") -> Iterator[IO[str]]:
    """The resource's text, one stream per file."""
    encoding = "utf-8-sig" if resource.encoding == "utf-8" else resource.encoding
    if isinstance(resource.data, str):
        yield io.StringIO(resource.data, newline="")
        return
    for path in resource.files:
        with opened(path, resource) as raw:
            yield io.TextIOWrapper(raw, encoding=encoding, errors=errors, newline="")


def unpacked(resource: Resource, new_file: Callable[[str], Path]) -> Resource:
    """The resource with its compressed files unpacked to new ones; as it is where they can't be, which reading them tells.

    Raises Unreadable for a file that unpacks to far more than such files do.
    """
    files = []
    for path in resource.files if resource.compression else ():
        target = new_file(f".{resource.format or 'csv'}")
        try:
            with opened(path, resource) as source, target.open("wb") as sink:
                _copy(source, sink, max(ROOM, RATIO * path.stat().st_size), path.name)
        except READING:
            return resource
        files.append(target)
    return replace(resource, files=tuple(files), compression=None) if files else resource


def _copy(source: IO[bytes], sink: IO[bytes], most: int, name: str) -> None:
    size = 0
    while chunk := source.read(CHUNK):
        size += len(chunk)
        if size > most:
            note = f"{name} unpacks to more than {most:,} bytes; don't trust it, or unpack it yourself"
            raise Unreadable("compression-error", note, unchecked=True)
        sink.write(chunk)


def opened(path: Path, resource: Resource) -> IO[bytes]:
    """The file's bytes, decompressed. Raises Unreadable where that fails."""
    try:
        if resource.compression in ("gz", "gzip"):
            return gzip.open(path, "rb")  # type: ignore[return-value]
        if resource.compression == "zip":
            archive = zipfile.ZipFile(path)
            names = [name for name in archive.namelist() if not name.endswith("/")]
            if not names:
                raise zipfile.BadZipFile("it is empty")
            return archive.open(str(resource.descriptor.get("innerpath") or names[0]))
        if resource.compression:
            raise Unreadable(
                "compression-error", f'compression "{resource.compression}" is not known; use gz or zip', unchecked=True
            )
        return path.open("rb")
    except OSError as error:
        raise Unreadable("scheme-error", f"{path.name} cannot be opened ({error.strerror or error})", unchecked=True) from error
    except (zipfile.BadZipFile, KeyError, RuntimeError) as error:  # the last for what is encrypted
        kind = "compression-error" if resource.compression else "source-error"
        reason = error.args[0] if isinstance(error, KeyError) else error
        raise Unreadable(kind, f"{path.name} cannot be opened ({reason})") from error


def csv_rows(resource: Resource) -> Iterator[list[str]]:
    """Records as Python's csv module reads them; of several files, all but the first lose their header."""
    csv.field_size_limit(LONGEST)
    for number, stream in enumerate(text_streams(resource)):
        reader = csv_reader(bounded(stream), resource.dialect)
        if number and resource.dialect.header:
            next(reader, None)
        yield from reader


def bounded(stream: IO[str]) -> Iterator[str]:
    """The lines of a text; csv.Error for one that is too long to be held."""
    while line := stream.readline(LONGEST):
        if len(line) == LONGEST:
            raise csv.Error(f"a line of more than {LONGEST:,} characters")
        yield line


def csv_reader(stream: Iterable[str], dialect: Dialect) -> Any:
    """Python's reader of a dialect. Raises Unreadable for options that don't go together."""
    escape = None if dialect.escape_char == dialect.quote_char else dialect.escape_char
    try:
        return csv.reader(
            stream, delimiter=dialect.delimiter, quotechar=dialect.quote_char or None, escapechar=escape or None,
            doublequote=dialect.double_quote, skipinitialspace=dialect.skip_initial_space,
            quoting=csv.QUOTE_MINIMAL if dialect.quote_char else csv.QUOTE_NONE,
        )  # fmt: skip
    except (TypeError, ValueError) as error:
        raise Unreadable("dialect-error", f"the dialect can't be used: {error}; mend it", unchecked=True) from error


def kind_of(error: Exception, resource: Resource) -> str:
    """The type of error that an exception of reading is."""
    if isinstance(error, UnicodeError):
        return "encoding-error"
    return "compression-error" if resource.compression else "source-error"


def digests(resource: Resource, algorithm: str) -> tuple[str, int]:
    """The hex digest and the size in bytes of a resource's files, one after the other."""
    try:
        found = hashlib.new(algorithm)
    except TypeError as error:  # a NUL in the name
        raise ValueError("no name of a digest") from error
    if not found.digest_size:
        raise ValueError("a digest of no fixed length")
    size = 0
    for path in resource.files:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                found.update(chunk)
                size += len(chunk)
    return found.hexdigest(), size


def measured(resource: Resource, paths: Iterable[Path]) -> dict[str, Any]:
    """What `bytes` and `hash` of a resource's descriptor have to say of these files, where they say something else.

    A digest keeps its algorithm; one that is not known here becomes SHA-256.
    """
    said = {word: resource.descriptor.get(word) for word in ("bytes", "hash")}
    if all(value in (None, "") for value in said.values()):
        return {}
    resource = replace(resource, files=tuple(paths))
    algorithm, colon, digest = str(said["hash"] or "").rpartition(":")
    try:
        found, size = digests(resource, algorithm or "md5")
    except ValueError:
        algorithm, digest = "sha256", ""
        found, size = digests(resource, algorithm)
    other = {"bytes": said["bytes"] != size, "hash": digest.lower() != found}
    holds = {"bytes": size, "hash": f"{algorithm}{colon}{found}"}
    return {word: holds[word] for word, differs in other.items() if differs and said[word] not in (None, "")}
