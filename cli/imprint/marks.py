"""The marks that end the cells and rows of a delimited file: what the engine's rows must account for.

The engine skips blank lines, and drops an empty cell too many. So its rows hold the whole file only if there are as many as
lines, but for line ends inside cells; and, where some line ends with a delimiter, if the delimiters add up too. It also takes
spaces beside a quote for no part of the cell, which nothing in its rows tells: where there are some, each quote must stand
where both read it alike.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from .engine import LINE
from .streams import CHUNK

LONE_CR, LONE_LF, CRLF = (re.compile(end) for end in (rb"\r(?!\n)", rb"\n(?<!\r\n)", rb"\r\n"))
BLANK = b"\n\n", b"\n\r"  # where a line is blank, or a cell has one


@dataclass(frozen=True)
class Marks:
    """How many lines of data a file has, and how many delimiters if a line ends with one; None where that doesn't matter.

    Rows end as the first line does, with CRLF if `crlf`, else with LF; cells may hold the other.
    """

    lines: int
    delimiters: int | None = None
    crlf: bool = False


def count(
    path: Path, delimiter: str, quote: str, encoding: str, *, narrow: bool, header: bool, limit: int | None = None
) -> Marks | None:
    """The marks of a file, or of its first `limit` bytes, less a `header` of one line; None for a file that the engine wouldn't
    read as Python does.

    That is one with lone CRs, mixed line ends (without a header, which tells its own), NULs, a line too long, spaces between a
    quote and the end of its cell or, at its begin or end, blank lines (anywhere in it, if it is `narrow`: of a single column).
    """
    crlf, last, lines, empty_tail, spaced = None, b"", 0, False, False
    mark, between = quote.encode(), delimiter.encode()
    beside, tail = _beside(re.escape(mark), re.escape(between)), _tail(between, mark, b"")
    with path.open("rb") as file:
        while chunk := file.read(CHUNK if limit is None else limit):
            if chunk[-1:] != b"\n":
                chunk += file.readline(LINE)
            if crlf is None:
                crlf = chunk[: chunk.find(b"\n") + 1].endswith(b"\r\n")
                tail = _tail(between, mark, b"\r" if crlf else b"")
            mixed = bool(LONE_CR.search(chunk)) or (not header and bool((LONE_LF if crlf else CRLF).search(chunk)))
            foreign = encoding == "ascii" and not chunk.isascii()
            text = chunk.removeprefix(codecs.BOM_UTF8)
            blank = ((narrow or not lines) and text[:1] in b"\r\n") or (narrow and any(pair in chunk for pair in BLANK))
            if mixed or foreign or blank or b"\0" in chunk:
                return None
            lines += chunk.count(b"\n")
            empty_tail = empty_tail or bool(tail.search(chunk))
            spaced = spaced or text[:1] == b" " or bool(beside.search(text))
            last = (last + chunk[-4:])[-4:]
            if limit is not None:
                break
            if chunk[-1:] != b"\n" and file.read(1):
                return None
    if last.endswith((b"\n\n", b"\n\r\n")):
        return None
    if last[-1:] != b"\n":
        lines += 1
        empty_tail = empty_tail or last.endswith((between, between + 2 * mark))
    if (spaced or last[-1:] == b" ") and limit is None and not _quotes_are_plain(path, mark, between):
        return None
    return Marks(lines - header, _count(path, between, header, limit) if empty_tail else None, bool(crlf))


def _tail(delimiter: bytes, quote: bytes, end: bytes) -> re.Pattern[bytes]:
    """A line that ends with an empty cell; a pattern that begins with one character is quicker than the search for two."""
    tails = (re.escape(delimiter + tail + end + b"\n") for tail in (b"", 2 * quote))
    return re.compile(rb"\n(?:%b)" % b"|".join(rb"(?<=%b)" % tail for tail in tails))


def _beside(quote: bytes, delimiter: bytes) -> re.Pattern[bytes]:
    """A quote with a space between it and the end of its cell, before or after it; a pattern that begins with it is quick."""
    before, after = rb"(?<=[%b\n ] %b)" % (delimiter, quote), rb" +[%b%b\r\n]" % (quote, delimiter)
    return re.compile(rb"%b(?:%b|%b)" % (quote, before, after))


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


def _count(path: Path, mark: bytes, header: bool, limit: int | None) -> int:
    if limit is not None:
        return 0  # enough to tell that they matter
    with path.open("rb") as file:
        if header:
            file.readline()
        return sum(chunk.count(mark) for chunk in iter(lambda: file.read(CHUNK), b""))
