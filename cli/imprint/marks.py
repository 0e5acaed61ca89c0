"""The marks that end the cells and rows of a delimited file: what the engine's rows must account for.

The engine skips blank lines, and drops an empty cell too many. So its rows hold the whole file only if there are as many as
lines, but for line ends inside cells; and, where some line ends with a delimiter, if the delimiters add up too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from .streams import CHUNK


@dataclass(frozen=True)
class Marks:
    """How many lines a file has, and how many delimiters if a line ends with one; None where that doesn't matter."""

    lines: int
    delimiters: int | None = None

    def without(self, lines: int, delimiters: int) -> Marks:
        """The marks without those of the header."""
        return Marks(self.lines - lines, None if self.delimiters is None else self.delimiters - delimiters)


def count(path: Path, delimiter: str, encoding: str, *, narrow: bool, limit: int | None = None) -> Marks | None:
    """The marks of a file, or of its first `limit` bytes; None for a file that the engine wouldn't read as Python does.

    That is one with mixed line ends, lone CRs, NULs or, at its begin or end, blank lines (anywhere in it, if it is `narrow`:
    of a single column).
    """
    crlf, last, lines, empty_tail = None, b"\n", 0, False
    tails: tuple[bytes, ...] = ()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK if limit is None else limit):
            if chunk[-1:] == b"\r":
                chunk += file.read(1)
            if crlf is None:
                crlf = b"\r" in chunk
                tails = tuple(delimiter.encode() + tail + (b"\r\n" if crlf else b"\n") for tail in (b"", b'""'))
            seam = last + chunk[:4]  # what the ends of two chunks may hide
            feeds = chunk.count(b"\n")
            mixed = chunk.count(b"\r\n") != feeds or chunk.count(b"\r") != feeds if crlf else b"\r" in chunk
            foreign = encoding == "ascii" and not chunk.isascii()
            double = b"\n\r" if crlf else b"\n\n"
            blank = (narrow or not lines) and (double in seam or double in chunk)
            if mixed or foreign or blank or b"\0" in chunk:
                return None
            lines += feeds
            empty_tail = empty_tail or any(tail in seam or chunk.rfind(tail) >= 0 for tail in tails)  # quicker than `in`
            last = chunk[-4:]
            if limit is not None:
                break
    if last.endswith((b"\n\n", b"\n\r\n")):
        return None
    if last[-1:] != b"\n":
        lines += 1
        empty_tail = empty_tail or any((last + tail[-1:]).endswith(tail.replace(b"\r", b"")) for tail in tails)
    marks = Marks(lines)
    return replace(marks, delimiters=_count(path, delimiter.encode(), limit)) if empty_tail else marks


def _count(path: Path, mark: bytes, limit: int | None) -> int:
    if limit is not None:
        return 0  # enough to tell that they matter
    with path.open("rb") as file:
        return sum(chunk.count(mark) for chunk in iter(lambda: file.read(CHUNK), b""))
