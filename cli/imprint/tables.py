"""A resource's data to a Table: structure is checked here, cells are left as text for `validate`.

A plain file is read by the engine directly. Where that isn't sure to read what the standard says (a dialect, encoding or
compression that the engine reads otherwise, a line that is blank, too short or too long), Python's csv module reads it,
names what is wrong with the structure, and hands the engine a plain copy.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from . import expressions, marks, reference, sql
from .engine import Engine, EngineError, PlainFile, read_csv
from .exceptions import Unreadable
from .findings import Findings
from .header import Column, find_header, is_comment, match, mend
from .marks import Marks
from .package import Dialect, Resource, Schema
from .streams import CHUNK, DELIMITED, READING, csv_reader, csv_rows, kind_of, text_streams, unpacked

JSON_LINES = frozenset({"jsonl", "ndjson"})
LINE_ENDS = (None, "\n", "\r\n", "\r")
ROWS = 1000  # rows with wrong cells whose cells are remembered as they were
SMALL = 4 << 20  # bytes up to which a table is kept in memory rather than read again for each query
NARROW = 500  # columns up to which it is


@dataclass(frozen=True)
class Table:
    """A resource's cells as text in the engine.

    `relation` is SQL with columns `c1`, `c2`, …; `numbered` has the row number `rn` too (header is row 1). A table is
    `native` where the data has types of its own: its cells are checked already, and the columns hold canonical texts. It is
    `whole` where no row was too short; its `worded` columns have no type, and their values are all texts. `marks` gives the
    marks of a file that the engine reads itself, once they are counted, and `quoted` whether quotes are expected in it; a
    `small` table is stored in the engine at once.
    """

    resource: Resource
    labels: tuple[str, ...]
    columns: tuple[Column, ...]
    relation: str
    numbered: str
    native: bool = False
    whole: bool = False
    worded: frozenset[Column] = frozenset()
    marks: Callable[[], Marks | None] | None = None
    quoted: bool = False
    small: bool = False

    @property
    def logical(self) -> tuple[str, ...]:
        """SQL for the canonical text of each column's sure cells, named `v1`, `v2`, …"""
        return tuple(f"{self.canonical(column)} AS v{column.number}" for column in self.columns)

    def canonical(self, column: Column, prefix: str = "") -> str:
        """SQL for the canonical text of a column's sure cells."""
        cell = prefix + column.id
        return cell if self.native or not column.declared else expressions.canonical(column.field, cell)

    def kept(self, engine: Engine) -> Table:
        """The same table stored in the engine; a small one with its canonical texts, which makes later queries short."""
        texts = self.logical if self.small else ()
        selected = ", ".join(("rn", *(column.id for column in self.columns), *texts))
        stored = engine.keep(f"SELECT {selected} FROM {self.numbered}")
        return replace(self, relation=stored, numbered=stored)

    @property
    def has_texts(self) -> bool:
        """Whether the stored table has its canonical texts as `v1`, `v2`, …"""
        return self.is_kept and self.small

    def content(self, flags: Mapping[str, Sequence[Column]], divided: Sequence[Column] = (), text: str = "") -> str:
        """SQL for how many bytes a row's cells are without quotes, which are looked for only if the file is `quoted`.

        `flags` has columns by a flag of a row that says that their cells have none; `text` has the cells of some, divided by a
        byte each.
        """
        alone = dict.fromkeys(self.columns)
        for column in divided:
            del alone[column]
        sizes = [f"strlen({column.id})" for column in alone]
        if divided:
            sizes.append(f"strlen({text}) - {len(divided) - 1}")
        if self.quoted:
            plain = {column for listed in flags.values() for column in listed}
            sizes += [f"-({self._quotes(column.id)})" for column in alone if column not in plain]
            for flag, listed in flags.items():
                quotes = _sum(self._quotes(column.id) for column in listed if column in alone)
                sizes += [] if quotes == "0" else [f"-(CASE WHEN {flag} THEN 0 ELSE {quotes} END)"]
            sizes += [f"-({self._quotes(text)})"] if divided else []
        return _sum(sizes)

    @property
    def is_direct(self) -> bool:
        """Whether the engine reads the file itself: no cell is null then, and none has a NUL in it."""
        return self.marks is not None

    def _quotes(self, text: str) -> str:
        """SQL for how many quotes a text has."""
        quote = sql.literal(self.resource.dialect.quote_char or '"')
        return f"CASE WHEN contains({text}, {quote}) THEN len(string_split({text}, {quote})) - 1 ELSE 0 END"

    def accounts_for_all(self, engine: Engine, rows: int, content: int) -> bool:
        """Whether so many rows of the engine's, with as much content, hold every line and every cell of the file."""
        if self.marks is None:
            return True
        marks = self.marks()
        if marks is None:
            return False
        if marks.quotes and not self.quoted:  # they come late in the file
            quotes = _sum(self._quotes(column.id) for column in self.columns)
            content -= int(engine.one(f"SELECT coalesce(sum({quotes}), 0)::BIGINT FROM {self.relation}")[0])
        return marks.size == marks.size_of(rows, len(self.columns), content)

    def has_a_line_for_each(self, rows: int) -> bool:
        """Whether each of so many rows takes one line of the one file that there is."""
        marks = self.marks() if self.marks is not None else None
        return marks is not None and marks.lines == rows

    def lines(self, engine: Engine, numbers: Iterable[int]) -> str:
        """SQL for the cells of some rows, ascending, of a file that has a line for each: they are copied from there."""
        (path,), dialect, target = self.resource.files, self.resource.dialect, engine.new_file(".csv")
        line = 1
        with path.open("rb", CHUNK) as source, target.open("wb") as sink:
            for number in numbers:
                sink.write(next(itertools.islice(source, number - line, None)))
                line = number + 1
        ids = [column.id for column in self.columns]
        crlf = self.marks is not None and (found := self.marks()) is not None and found.crlf
        return read_csv(target, ids, delimiter=dialect.delimiter, quote=dialect.quote_char or '"', crlf=crlf)

    @property
    def is_kept(self) -> bool:
        """Whether the table is stored in the engine."""
        return not self.numbered.startswith("(")

    @property
    def schema(self) -> Schema:
        """The schema in force: the resource's, or one made of the labels."""
        return self.resource.schema or Schema(tuple(column.field for column in self.columns))


def read_table(engine: Engine, resource: Resource, findings: Findings) -> Table | None:
    """The Table of a tabular resource, its structure's faults in `findings`; None if there is no file to read.

    A large file that the engine reads itself may turn out not to be readable only when a query comes to the bad line:
    it raises EngineError then, and `reread` gives the exact Table. Raises Unreadable where there is no table at all.
    """
    if resource.data is None and not resource.files:
        return None
    resource = unpacked(resource, engine.new_file)
    if _is_delimited(resource):
        return _read_delimited(engine, resource, findings)
    return _read_native(engine, resource, findings, _cells(resource))


def reread(engine: Engine, resource: Resource, findings: Findings) -> Table:
    """The Table of a delimited resource, read by Python's csv module whatever the engine makes of the file."""
    return _read_delimited(engine, unpacked(resource, engine.new_file), findings, exactly=True)


def load_json(resource: Resource) -> Any:
    """A JSON resource's whole value, the arrays of several files joined. Raises Unreadable where it isn't JSON."""
    values = _json_values(resource, exactly=False)
    if len(values) == 1:
        return values[0]
    if not all(isinstance(value, list) for value in values):
        raise Unreadable("source-error", "is several JSON values, which only arrays can be joined to", where=resource.place)
    return list(itertools.chain.from_iterable(values))


def labels(resource: Resource) -> tuple[str, ...]:
    """The labels of a delimited resource, read off its first rows; none where there are none to read."""
    if resource.format not in DELIMITED or len(resource.dialect.delimiter) != 1 or isinstance(resource.data, list):
        return ()
    try:
        return find_header(resource, csv_rows(resource), Findings(resource.name, 1))[1] or ()
    except Unreadable:
        return ()


def unlisted(resource: Resource) -> tuple[str, ...]:
    """The labels of a table that its schema doesn't list, where `fieldsMatch` allows such; none where they can't be read."""
    schema = resource.schema
    if schema is None or schema.fields_match not in ("subset", "partial") or not (resource.files or resource.data is not None):
        return ()
    rows = csv_rows(resource) if _is_delimited(resource) else _cells(resource)
    try:
        found = find_header(resource, rows, Findings(resource.name, 1))[1] or ()
    except Unreadable:
        return ()
    return tuple(label for label in dict.fromkeys(found) if label not in schema.names)


def _is_delimited(resource: Resource) -> bool:
    return (resource.format in DELIMITED or resource.format == "txt") and not isinstance(resource.data, list)


# Delimited text


def _read_delimited(engine: Engine, resource: Resource, findings: Findings, *, exactly: bool = False) -> Table:
    if len(resource.dialect.delimiter) != 1 or resource.dialect.line_terminator not in LINE_ENDS:
        note = "a delimiter of more than one character, or line ends of its own, are not known here; convert the file"
        raise Unreadable("dialect-error", note, where=resource.place, unchecked=True)
    resource, labels = find_header(resource, csv_rows(resource), findings)
    if labels is None:
        findings.add("source-error", "the source is empty")
        return _table(engine, resource, findings, (), (), None)
    columns = match(labels, resource, findings)
    if columns and not exactly and _is_plain(resource):
        table = _direct(engine, resource, labels, columns)
        if table is not None:
            return table
    return _table(engine, resource, findings, labels, columns, csv_rows(resource))


def _is_plain(resource: Resource) -> bool:
    """Whether the engine should read a file as Python's csv module does, if its bytes are as expected."""
    dialect = resource.dialect
    plain = Dialect(
        delimiter=dialect.delimiter,
        quote_char=dialect.quote_char,
        line_terminator=dialect.line_terminator,
        header=dialect.header,
    )
    simple = dialect in (plain, replace(plain, escape_char=dialect.quote_char))
    one_file = len(resource.files) == 1 and resource.data is None and resource.compression is None
    marked = dialect.quote_char and dialect.quote_char != " " and (dialect.delimiter + dialect.quote_char).isascii()
    known = marked and resource.encoding in ("utf-8", "ascii", "utf-8-sig")
    return bool(simple and one_file and known)


def _direct(engine: Engine, resource: Resource, labels: tuple[str, ...], columns: tuple[Column, ...]) -> Table | None:
    """The file read by the engine; None where it says no."""
    (path,), dialect = resource.files, resource.dialect
    counted = functools.partial(_data_marks, resource, narrow=len(columns) == 1)
    small = _is_small(path, columns)
    first = counted(limit=None if small else CHUNK)
    if first is None or (dialect.header and _spans_lines(resource)):
        return None
    relation = read_csv(
        path, [column.id for column in columns], delimiter=dialect.delimiter, quote=dialect.quote_char or '"',
        skip=1 if dialect.header else 0, crlf=first.crlf,
    )  # fmt: skip
    numbered = f"(SELECT row_number() OVER () + {dialect.first_content_row - 1} AS rn, * FROM {relation})"
    later = (lambda: first) if small else engine.background(counted)  # the file is read by both at the same time
    table = Table(resource, labels, columns, relation, numbered, whole=True, marks=later, quoted=first.quotes > 0, small=small)
    try:
        return table.kept(engine) if table.small else table
    except EngineError:
        return None


def _data_marks(resource: Resource, *, narrow: bool, limit: int | None = None) -> Marks | None:
    """The marks of a file's data."""
    dialect, quote = resource.dialect, resource.dialect.quote_char or '"'
    return marks.count(
        resource.files[0], dialect.delimiter, quote, resource.encoding, narrow=narrow, header=dialect.header, limit=limit
    )


def _sum(terms: Iterable[str]) -> str:
    """SQL for a sum, in parts: the engine takes no expression that is very deep."""
    listed = list(terms)
    parts = (" + ".join(listed[at : at + NARROW]) for at in range(0, len(listed), NARROW))
    return " + ".join(f"({part})" for part in parts) or "0"


def _is_small(path: Path, columns: Sequence[Column]) -> bool:
    """Whether a table is kept in memory, where each column takes a block for itself."""
    return path.stat().st_size <= SMALL and len(columns) <= NARROW


def _spans_lines(resource: Resource) -> bool:
    """Whether the header row takes more than one line."""
    for stream in text_streams(resource):
        reader = csv_reader(stream, resource.dialect)
        next(reader, None)
        return bool(reader.line_num > 1)
    return False


# A plain copy, with the structure's faults named


def _table(
    engine: Engine, resource: Resource, findings: Findings, labels: tuple[str, ...], columns: tuple[Column, ...],
    rows: Iterator[list[str]] | None,
) -> Table:  # fmt: skip
    with PlainFile(engine.new_file(".csv"), ["rn", *(column.id for column in columns)]) as file:
        for number, cells in _records(rows, resource, columns, findings) if rows is not None else ():
            file.write((str(number), *cells))
    table = _copied(resource, labels, columns, file)
    return table.kept(engine) if table.small else table


def _copied(resource: Resource, labels: tuple[str, ...], columns: tuple[Column, ...], file: PlainFile) -> Table:
    typed = f"SELECT rn::BIGINT AS rn{''.join(f', {column.id}' for column in columns)} FROM {file.relation}"
    return Table(resource, labels, columns, f"({typed})", f"({typed})", small=_is_small(file.path, columns))


def _records(
    rows: Iterator[list[str]], resource: Resource, columns: tuple[Column, ...], findings: Findings
) -> Iterator[tuple[int, list[str | None]]]:
    """Data rows in the table's width; too short, too long and badly encoded ones are noted."""
    dialect, width, number = resource.dialect, len(columns), 0
    try:
        for number, cells in enumerate(rows, 1):
            if number < dialect.first_content_row or is_comment(number, cells, dialect):
                continue
            record: list[str | None] = [None if cell == dialect.null_sequence else cell for cell in cells]
            mend(number, record, columns, findings, resource.encoding)
            if len(record) != width and not _is_blank(record, columns):
                _note_width(number, record, columns, findings)
            yield number, (record + [None] * width)[:width]
    except READING as error:
        note = f"the rows after row {number} can't be read: {error}"
        findings.add(kind_of(error, resource), note, row_number=number + 1)


def _is_blank(record: list[str | None], columns: tuple[Column, ...]) -> bool:
    padded = record + [None] * len(columns)
    return all(padded[c.number - 1] is None or padded[c.number - 1] in c.field.missing_values for c in columns)


def _note_width(number: int, cells: list[str | None], columns: tuple[Column, ...], findings: Findings) -> None:
    for column in columns[len(cells) :]:
        note = f"row {number} has {len(cells)} cells of {len(columns)}: none for this field"
        findings.add("missing-cell", note, row_number=number, field_name=column.field.name, field_number=column.number)
    for position, cell in enumerate(cells[len(columns) :], len(columns) + 1):
        note = f"row {number} has a cell at position {position}, where there is no field"
        findings.add("extra-cell", note, row_number=number, field_name="", field_number=position, cell=cell or "")


# Data with types of its own: JSON, JSON lines, spreadsheets


def _cells(resource: Resource) -> Iterator[list[Any]]:
    """Rows of a resource whose data has types of its own, the labels first."""
    as_json = resource.format == "json" or resource.format in JSON_LINES or isinstance(resource.data, list)
    return _json_rows(resource) if as_json else reference.read_cells(resource)


def _json_rows(resource: Resource) -> Iterator[list[Any]]:
    """Rows of a JSON resource, the labels first (dialect `property`, `itemType`, `itemKeys`)."""
    items: list[Any] = []
    for number, value in enumerate(_json_values(resource, exactly=True)):
        under = resource.dialect.property_
        rows = value if not under else value.get(under) if isinstance(value, dict) else None
        if not isinstance(rows, list):
            raise Unreadable("source-error", 'is not an array of rows; see "property" of the dialect', where=resource.place)
        again = number and rows and isinstance(rows[0], list)  # the header of a further file
        items += rows[resource.dialect.first_content_row - 1 :] if again else rows
    if not any(all(isinstance(item, kind) for item in items) for kind in (list, dict)):
        raise Unreadable("source-error", "has rows that are neither all arrays nor all objects", where=resource.place)
    if items and isinstance(items[0], dict):
        keys = list(resource.dialect.item_keys or ())
        if not keys:
            declared = resource.schema.names if resource.schema else ()
            found = dict.fromkeys(key for item in items for key in item)
            keys = [
                *(name for name in declared if name in found or not found),
                *(key for key in found if key not in declared),
            ]
        yield keys
        for item in items:
            yield [_as_cell(item.get(key)) for key in keys]
    else:
        for item in items:
            yield [*map(_as_cell, item)]


def _json_values(resource: Resource, *, exactly: bool) -> list[Any]:
    """The JSON value of each file, for JSON lines the array of them; of the rows of a table, numbers are exact."""
    lines = resource.format in JSON_LINES
    if resource.data is not None and not (isinstance(resource.data, str) and (lines or resource.format == "json")):
        return [resource.data]
    load = _json_exactly if exactly else _json
    try:
        return [
            [load(line) for line in stream if line.strip()] if lines else load(stream.read())
            for stream in text_streams(resource, errors="strict")
        ]
    except READING as error:
        raise Unreadable(kind_of(error, resource), f"can't be read: {error}", where=resource.place) from error
    except (ValueError, RecursionError) as error:
        raise Unreadable("source-error", f"is not JSON: {error}", where=resource.place) from error


def _json(text: str) -> Any:
    return json.loads(text, parse_constant=_no_constant, parse_int=_integer)


def _json_exactly(text: str) -> Any:
    return json.loads(text, parse_constant=_no_constant, parse_int=_integer, parse_float=Decimal)


def _integer(text: str) -> int | Decimal:
    """Python's int() refuses very many digits, JSON doesn't."""
    try:
        return int(text)
    except ValueError:
        return Decimal(text)


def _as_cell(value: Any) -> Any:
    """A cell with the numbers inside an array or an object as they are in one that is written as text."""
    if isinstance(value, dict):
        return {key: _inside(item) for key, item in value.items()}
    return [_inside(item) for item in value] if isinstance(value, list) else value


def _inside(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else _as_cell(value)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON value")


def _read_native(engine: Engine, resource: Resource, findings: Findings, rows: Iterator[list[Any]]) -> Table:
    """Cells are checked one by one; the engine gets their canonical texts."""
    listed = list(rows)
    resource, labels = find_header(resource, listed, findings)
    if labels is None:
        findings.add("source-error", "the source is empty")
        return _table(engine, resource, findings, (), (), None)
    columns = match(labels, resource, findings)
    readers = [reference.Reference(column.field) for column in columns]
    worded = {column for column in columns if column.field.type == "any"}
    with PlainFile(engine.new_file(".csv"), ["rn", *(column.id for column in columns)]) as file:
        for number, cells in enumerate(listed, 1):
            if number >= resource.dialect.first_content_row and not is_comment(number, cells, resource.dialect):
                mend(number, cells, columns, findings, resource.encoding)
                file.write((str(number), *_read_row(number, cells, columns, readers, findings)))
                worded -= {column for column in worded if not isinstance(_at(cells, column), str | None)}
    return replace(_copied(resource, labels, columns, file), native=True, worded=frozenset(worded)).kept(engine)


def _read_row(
    number: int, cells: list[Any], columns: tuple[Column, ...], readers: list[reference.Reference], findings: Findings
) -> list[str | None]:
    padded = [*cells, *[None] * (len(columns) - len(cells))]
    read = [reader.read(cell) for reader, cell in zip(readers, padded, strict=False)]
    texts = [reader.canonical(value) for reader, (value, _) in zip(readers, read, strict=True)]
    if all(
        text is None and not any(kind == "type-error" for kind, _ in notes)
        for text, (_, notes) in zip(texts, read, strict=True)
    ):
        findings.add("blank-row", "the row is blank", row_number=number)
        return texts
    if len(cells) != len(columns):
        _note_width(number, [_shown(cell) for cell in cells], columns, findings)
    if any(notes for _, notes in read) and len(findings.rows) < ROWS:
        findings.rows[number] = tuple(None if cell is None else _shown(cell) for cell in padded)
    for column, cell, (_, notes) in zip(columns, padded, read, strict=False):
        for kind, note in notes:
            if kind == "type-error":
                findings.no_values.add((number, column.number))
            findings.add(
                kind,
                note,
                row_number=number,
                field_name=column.field.name,
                field_number=column.number,
                cell=_shown(cell),
            )
    return texts


def _at(cells: Sequence[Any], column: Column) -> Any:
    """A row's cell in a column; None where it is too short."""
    return cells[column.number - 1] if column.number <= len(cells) else None


def _shown(cell: Any) -> str:
    if isinstance(cell, Decimal):
        return str(cell)
    return "" if cell is None else cell if isinstance(cell, str) else json.dumps(cell, default=str)
