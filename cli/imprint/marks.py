"""The bytes of a delimited file that the engine's rows must account for.

The engine skips blank lines, drops an empty cell too many, and takes spaces beside a quote for no part of the cell; nothing in
its rows tells. But it never adds anything. So its rows hold the whole file if their cells, with what divides them, are as many
bytes as the file has. Quotes are left out on both sides, as a cell has them less often than the file; where there are only
spaces between two, each must stand where the engine and Python read it alike.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from .engine import LINE

CHUNK = 1 << 17  # bytes read at a time: of a file with few lines, larger ones take twice as long
LONE_CR, LONE_LF, CRLF = (re.compile(end) for end in (rb"\r(?!\n)", rb"\n(?<!\r\n)", rb"\r\n"))
BLANK = b"\n\n", b"\n\r"  # where a line is blank, or a cell has one
SELDOM = 1024  # bytes per mark from which on it is quicker to look at each than to search all bytes


@dataclass(frozen=True)
class Marks:
    """How many lines of data a file has, how many `quotes` are in them, and the `size` of the rest, in bytes.

    A last line without an end counts as if it had one. Rows end as the first line does, with CRLF if `crlf`, else with LF;
    cells may hold the other.
    """

    lines: int
    quotes: int
    size: int
    crlf: bool = False

    def size_of(self, rows: int, columns: int, content: int) -> int:
        """The size of so many rows and columns of cells whose `content` is so many bytes without quotes."""
        return content + rows * (columns + self.crlf)


def count(
    path: Path, delimiter: str, quote: str, encoding: str, *, narrow: bool, header: bool, limit: int | None = None
) -> Marks | None:
    """The marks of a file, or of its first `limit` bytes, less a `header` of one line; None for a file that the engine wouldn't
    read as Python does.

    That is one with lone CRs, mixed line ends (without a header, which tells its own), NULs, a line too long, blank lines at
    its begin (anywhere in it, if it is `narrow`: of a single column) or quotes that aren't plain.
    """
    mark, first, last, lines, quotes, size, spaced = quote.encode(), b"", b"", 0, 0, 0, False
    between = re.compile(rb"%b +%b" % (re.escape(mark), re.escape(mark)))
    with path.open("rb") as file:
        while chunk := file.read(CHUNK if limit is None else limit):
            if chunk[-1:] != b"\n":
                chunk += file.readline(LINE)
            if not first:
                chunk = chunk.removeprefix(codecs.BOM_UTF8)
                first = chunk[: chunk.find(b"\n") + 1] or chunk
            crlf = first.endswith(b"\r\n")
            ends, marked = _often(b"\n", chunk), _often(mark, chunk)
            mixed = _has(LONE_CR, b"\r", chunk, ends) or (not header and bool((LONE_LF if crlf else CRLF).search(chunk)))
            foreign = encoding == "ascii" and not chunk.isascii()
            blank = ((narrow or not lines) and chunk[:1] in b"\r\n") or (narrow and any(pair in chunk for pair in BLANK))
            if mixed or foreign or blank or b"\0" in chunk:
                return None
            lines += ends
            quotes += marked
            spaced = spaced or _has(between, mark, chunk, marked)
            size += len(chunk)
            last = chunk[-1:]
            if limit is not None:
                break
            if last != b"\n" and file.read(1):
                return None
    if spaced and limit is None and not _quotes_are_plain(path, mark, delimiter.encode()):
        return None
    crlf, unfinished = first.endswith(b"\r\n"), last != b"\n"
    lines, size = lines + unfinished, size + unfinished * (1 + crlf)
    if header:
        lines, quotes, size = lines - 1, quotes - _often(mark, first), size - len(first) - (first[-1:] != b"\n")
    return Marks(lines, quotes, size - quotes, crlf)


def _often(mark: bytes, chunk: bytes) -> int:
    """How often one byte is there: Python is quicker to take it out than to count it."""
    return len(chunk) - len(chunk.replace(mark, b""))


def _has(pattern: re.Pattern[bytes], mark: bytes, chunk: bytes, often: int) -> bool:
    """Whether a pattern that begins with a mark is in a chunk, where that may be `often`.

    Python finds a mark in no time, but searches byte by byte.
    """
    at = chunk.find(mark)
    if often * SELDOM > len(chunk):
        return at >= 0 and bool(pattern.search(chunk, at))
    while at >= 0 and not pattern.match(chunk, at):
        at = chunk.find(mark, at + 1)
    return at >= 0


def _quotes_are_plain(path: Path, quote: bytes, delimiter: bytes) -> bool:
    """Whether each quote of a file opens or closes a whole cell, is doubled inside one, or is in the midst of another."""
    q, d = re.escape(quote), re.escape(delimiter)
    quoted = rb"(?<=[%b\n])%b[^%b]*(?:%b%b[^%b]*)*%b(?=[%b\r\n])" % (d, q, q, q, q, q, q, d)
    in_midst = rb"(?:(?<=[^%b\n ])|(?<=[^%b\n ] ))%b[^%b\r\n]*" % (d, d, q, d)
    cells = re.compile(rb"(?:[^%b]*(?:%b|%b))*" % (q, quoted, in_midst))
    rest = b"\n"  # what may belong to a cell that goes on
    with path.open("rb") as file:
        rest += file.read(len(codecs.BOM_UTF8)).removeprefix(codecs.BOM_UTF8)
        while chunk := file.read(CHUNK):
            rest = _after(cells, rest + chunk + file.readline(LINE))
            if quote not in rest:
                rest = rest[-2:]
            elif len(rest) > 2 * LINE:
                return False
    return quote not in _after(cells, rest + b"\n")


def _after(cells: re.Pattern[bytes], text: bytes) -> bytes:
    found = cells.match(text)
    return text[found.end() :] if found else text
