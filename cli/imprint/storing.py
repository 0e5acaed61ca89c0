"""Rows to a file, stored as a resource says: CSV in its dialect, or JSON.

A cell stays as it was written where it is read the same; else its value is spelled anew.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from . import expressions, formats, reference
from .declared import READING
from .engine import Engine
from .exceptions import DataFault
from .fingerprint import canonical_json
from .header import any_field
from .package import Dialect, Field, Resource
from .scan import Checked
from .spelling import speller
from .streams import DELIMITED
from .tables import JSON_LINES

Read = Callable[[str], Any]


@dataclass(frozen=True)
class Shape:
    """How a table is stored: its fields in the order of the columns; its resource says the rest."""

    resource: Resource
    fields: tuple[Field, ...]

    @property
    def native(self) -> bool:
        """Whether it has values rather than texts."""
        return is_native(self.resource)

    @property
    def key(self) -> tuple[Field, ...]:
        """The fields of the primary key that the data has."""
        primary = self.resource.schema.primary_key if self.resource.schema else ()
        return tuple(field for name in primary for field in self.fields if field.name == name)


@dataclass(frozen=True)
class Rows:
    """Rows of a table: those whose numbers `chosen`, SQL with `rn`, has."""

    one: Checked
    chosen: str


def shape(resource: Resource, columns: Mapping[str, str | None]) -> Shape:
    """The shape of a table with these columns; a column is None where the schema doesn't have it."""
    return Shape(resource, tuple(_field(resource, name, declared=columns[name] is not None) for name in columns))


def _field(resource: Resource, name: str, *, declared: bool) -> Field:
    found = resource.schema.field(name) if resource.schema and declared else None
    if found is not None:
        return found
    plain = any_field(name)
    return plain if declared else replace(plain, missing_values=(), descriptor={**plain.descriptor, "missingValues": []})


def plain(target: Shape, form: str, null: str | None) -> Shape:
    """The same fields and key, stored plainly: one file in UTF-8, without a dialect but for the text of a null."""
    resource = replace(
        target.resource, format=form, data=None, encoding="utf-8", compression=None, dialect=Dialect(null_sequence=null)
    )
    return replace(target, resource=resource)


def is_native(resource: Resource) -> bool:
    """Whether a resource's data has types of its own: JSON, a spreadsheet, Parquet."""
    return isinstance(resource.data, (list, dict)) or resource.format not in DELIMITED | {"txt"}


def obstacle(resource: Resource) -> tuple[str, str] | None:
    """Why a table can't be written as its resource says, and what to do; None if it can."""
    if resource.format not in DELIMITED | JSON_LINES | {"txt", "json"}:
        return f'is stored as "{resource.format}", and only CSV and JSON can be written', "store it as CSV or JSON"
    if resource.compression not in (None, "gz", "gzip"):
        return f'is compressed as "{resource.compression}", and only gz can be written', "store it as gz, or plainly"
    if resource.dialect.comment_rows or (resource.dialect.header and resource.dialect.header_rows != Dialect.header_rows):
        what = "has comments or other rows around its header, which can't be written again"
        return what, "store it with the header in the first row, and without comments"
    return None


def reads_as(old: Field, new: Field) -> bool:
    """Whether each text is the same value of both fields."""
    return _reading(old) == _reading(new)


def _reading(field: Field) -> str:
    options = {word: field.option(word, default) for word, default in READING.items()}
    return canonical_json([field.type, field.format, sorted(field.missing_values), options])


# Rows


def rows(engine: Engine, sources: Sequence[Rows], target: Shape, *, by_content: bool = False) -> Iterator[list[Any]]:
    """The rows of some tables as the target stores them, None for a JSON null, in the order of its primary key.

    Without a key, rows come in the order of the sources, and of the rows in them; `by_content` orders them by their cells.
    """
    if not sources:
        return
    parts, readers = [], []
    for number, source in enumerate(sources):
        cells, spell = _cells(source.one, target)
        columns = {column.field.name: f"l.v{column.number}" for column in source.one.table.columns}
        keys = (expressions.typed(field, columns.get(field.name, "NULL::VARCHAR")) for field in target.key)
        named = [f"{key} AS k{n}" for n, key in enumerate(keys)] + [f"{cell} AS x{n}" for n, cell in enumerate(cells)]
        readers.append(spell)
        parts.append(
            f"SELECT {', '.join((f'{number} AS src', 't.rn', *named))} FROM {source.one.table.numbered} AS t "
            f"JOIN {source.one.logical} AS l ON l.rn = t.rn WHERE t.rn IN (SELECT rn FROM {source.chosen})"
        )
    names = [f"x{n}" for n in range(len(target.fields))]
    order = [f"k{n}" for n in range(len(target.key))] + (names if by_content else []) + ["src", "rn"]
    query = f"SELECT {', '.join(('src', *names))} FROM ({' UNION ALL '.join(parts)}) ORDER BY {', '.join(order)}"
    for src, *found in engine.stream(query):
        yield [spell(cell) for spell, cell in zip(readers[src], found, strict=True)]


def _cells(one: Checked, target: Shape) -> tuple[list[str], list[Callable[[str | None], Any]]]:
    """For each of the target's columns SQL for its text in a table, and what makes a cell of that."""
    columns = {column.field.name: column for column in one.table.columns}
    cells, spell = [], []
    for field in target.fields:
        column = columns.get(field.name)
        if target.native:
            cells.append(f"l.v{column.number}" if column else "NULL::VARCHAR")
            as_texts = field.type == "any" and column in one.table.worded
            spell.append(_or(None, str if as_texts else value_reader(field, target.resource.place)))
            continue
        raw = column is not None and not one.table.native and reads_as(column.field, field)
        cells.append(f"t.{column.id}" if column and raw else f"l.v{column.number}" if column else "NULL::VARCHAR")
        spell.append(_or(_null(field, target.resource), str if raw else speller(field, target.resource.place)))
    return cells, spell


def _or(null: str | None, spell: Read) -> Callable[[str | None], Any]:
    return lambda cell: null if cell is None else spell(cell)


def _null(field: Field, resource: Resource) -> str:
    """How a null is written."""
    if resource.dialect.null_sequence is not None:
        return resource.dialect.null_sequence
    return field.missing_values[0] if field.missing_values else ""


def value_reader(field: Field, where: str) -> Read:
    """What makes a JSON value of a canonical text so that the field, which is in `where`, reads the same value again."""
    if field.type == "any":
        return lambda text: _any(field, text)
    read, spell = formats.reader(field), speller(field, where)
    if field.type == "number":
        return lambda text: _number(read(text), text, spell)
    return read if field.type in formats.VALUES else spell


def _number(value: Any, text: str, spell: Read) -> Any:
    """A number; one that JSON can't hold exactly is a text, written as the field reads it."""
    return spell(text) if isinstance(value, str) else value


def _any(field: Field, text: str) -> Any:
    """The JSON value that has this text, where there is one; else the text itself."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if reference.canonical(value, field) == text else text


# Files


def write(target: Shape, found: Iterable[list[Any]], path: Path) -> None:
    """A table in a file. Raises DataFault where a text can't be written in the resource's encoding or dialect, or read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _opened(path, target.resource) as file:
            if target.native:
                _write_json(target, found, file)
            else:
                _write_csv(target, found, file)
    except UnicodeEncodeError as error:
        fix = "store the table in another encoding"
        raise DataFault(f"can't be written in {target.resource.encoding}", where=target.resource.place, fix=fix) from error


@contextlib.contextmanager
def _opened(path: Path, resource: Resource) -> Iterator[IO[str]]:
    with path.open("wb") as raw, contextlib.ExitStack() as stack:
        packed = stack.enter_context(gzip.GzipFile("", "wb", fileobj=raw, mtime=0)) if resource.compression else raw
        yield stack.enter_context(io.TextIOWrapper(packed, encoding=resource.encoding, newline=""))


def _write_csv(target: Shape, found: Iterable[list[Any]], file: IO[str]) -> None:
    dialect = target.resource.dialect
    quoted, end = _quoting(target.resource), dialect.line_terminator or "\n"
    if dialect.header:
        file.write(_line([field.name for field in target.fields], quoted, dialect) + end)
    for cells in found:
        file.write(_line(cells, quoted, dialect) + end)


def _line(cells: Sequence[str], quoted: Callable[[str], str], dialect: Dialect) -> str:
    line = dialect.delimiter.join(map(quoted, cells))
    return line or 2 * (dialect.quote_char or "")  # a row of one empty cell is no blank line


def _quoting(resource: Resource) -> Callable[[str], str]:
    """What quotes a cell where it must be quoted."""
    dialect = resource.dialect
    quote, escape = dialect.quote_char or "", dialect.escape_char if dialect.escape_char != dialect.quote_char else None
    leading = "|^ " if dialect.skip_initial_space else ""
    special = re.compile(f"[\r\n{re.escape(dialect.delimiter + quote + (escape or ''))}]{leading}")
    escaped = re.compile(f"[{re.escape((escape or '') + (quote or dialect.delimiter))}{'' if quote else chr(10) + chr(13)}]")
    doubled = quote and dialect.double_quote and not escape

    def quoted(cell: str) -> str:
        if not special.search(cell):
            return cell
        if doubled:
            return quote + cell.replace(quote, 2 * quote) + quote
        if escape:
            return quote + escaped.sub(lambda found: escape + found[0], cell) + quote
        if quote and quote not in cell:
            return quote + cell + quote
        raise DataFault(f'can\'t hold "{cell[:40]}" in its dialect', where=resource.place, fix="give it a quoteChar")

    return quoted


def _write_json(target: Shape, found: Iterable[list[Any]], file: IO[str]) -> None:
    resource = target.resource
    names = [field.name for field in target.fields]
    arrays = resource.dialect.item_type == "array" or not resource.dialect.header
    items: Iterable[Any] = found if arrays else (dict(zip(names, row, strict=True)) for row in found)
    if arrays and resource.dialect.header:
        items = (row for part in ([names], items) for row in part)
    if resource.format in JSON_LINES:
        file.writelines(json.dumps(item, ensure_ascii=False) + "\n" for item in items)
        return
    inside = resource.dialect.property_
    start, indent, finish = (f"{{\n  {json.dumps(inside, ensure_ascii=False)}: [", 4, "  ]\n}\n") if inside else ("[", 2, "]\n")
    file.write(start)
    count = 0
    for count, item in enumerate(items, 1):
        text = json.dumps(item, indent=2, ensure_ascii=False).replace("\n", "\n" + indent * " ")
        file.write(f"{',' if count > 1 else ''}\n{indent * ' '}{text}")
    file.write(("\n" if count else "") + (finish if count else finish.lstrip()))
