"""Row numbers to the physical lines of the files that hold the rows, for what points into a file."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator

from .exceptions import Unreadable
from .package import Resource
from .streams import DELIMITED, LONGEST, READING, bounded, csv_reader, text_streams


def lines_of(resource: Resource, rows: Collection[int]) -> dict[int, tuple[str, int]]:
    """For each row number of a delimited resource: its file, as the descriptor names it, and the line it begins on, from 1.

    Rows are numbered as in `tables`, across all files of the resource; a line ends with LF, CRLF or CR, inside quotes too.
    The files are read up to the last row asked for. Empty for data that has no lines that an editor would show.
    """
    wanted, found = set(rows), dict[int, tuple[str, int]]()
    if not wanted or not _has_lines(resource):
        return found
    try:
        for number, place in enumerate(_places(resource), 1):
            if number in wanted:
                found[number] = place
                if len(found) == len(wanted):
                    break
    except (Unreadable, LookupError):
        pass  # the file is gone, or its encoding is unknown: the report says so already
    return found


def _has_lines(resource: Resource) -> bool:
    is_text = resource.format in DELIMITED or resource.format == "txt"
    return is_text and bool(resource.files) and resource.data is None and resource.compression is None


def _places(resource: Resource) -> Iterator[tuple[str, int]]:
    """The file and first line of each record, in the order of the row numbers."""
    csv.field_size_limit(LONGEST)
    for number, (path, stream) in enumerate(zip(resource.paths, text_streams(resource), strict=True)):
        reader = csv_reader(bounded(stream), resource.dialect)
        line = 1
        try:
            if number and resource.dialect.header:
                next(reader, None)
                line = reader.line_num + 1
            for _ in reader:
                yield path, line
                line = reader.line_num + 1
        except READING:
            yield path, line  # the record that can't be read has a number too
