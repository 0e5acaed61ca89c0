"""A table's header: where it is, its labels, and how they match the schema (`fieldsMatch`)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from .exceptions import Unreadable
from .findings import Findings
from .package import Dialect, Field, Resource, Schema
from .streams import READING, kind_of

HEAD = 1000  # rows among which the header is looked for, where comments may come first
WIDE = 10_000  # columns; planning a query takes time that grows with their square
NO_TEXT = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, eq=False)
class Column:
    """One column of the data: `id` is its name in the engine, `number` its position from 1."""

    id: str
    field: Field
    number: int
    declared: bool = True


def find_header(resource: Resource, rows: Iterable[list[Any]], findings: Findings) -> tuple[Resource, tuple[str, ...] | None]:
    """The header's labels (None for an empty source), and the resource with the row where the header really is.

    Raises Unreadable where the file breaks off before that.
    """
    dialect = resource.dialect
    try:
        if dialect.header_rows == Dialect.header_rows and (dialect.comment_char or dialect.comment_rows):
            rows = list(itertools.islice(rows, HEAD))
            first = next((number for number, cells in enumerate(rows, 1) if not is_comment(number, cells, dialect)), 1)
            resource = replace(resource, dialect=replace(dialect, header_rows=(first,)))
        labels = _labels(rows, resource.dialect)
    except READING as error:
        raise Unreadable(kind_of(error, resource), f"can't be read: {error}") from error
    if labels and len(labels) > WIDE:
        raise Unreadable(
            "source-error", f"has {len(labels):,} columns; more than {WIDE:,} can't be checked; divide it", unchecked=True
        )
    mended: list[str | None] = list(labels or ())
    mend(resource.dialect.first_content_row - 1, mended, (), findings, resource.encoding)
    return resource, labels and tuple(str(label) for label in mended)


def _labels(rows: Iterable[list[Any]], dialect: Dialect) -> tuple[str, ...] | None:
    """The header's labels, several rows joined; () without a header, None for an empty source."""
    labels: list[str] = []
    previous: dict[int, str] = {}
    empty = True
    for number, cells in enumerate(rows, 1):
        empty = False
        if dialect.header and number in dialect.header_rows and not is_comment(number, cells, dialect):
            for index, cell in enumerate(cells):
                text = "" if cell is None else str(cell).strip()
                if previous.get(index) == text:
                    continue
                previous[index] = text
                if len(labels) <= index:
                    labels.append(text)
                else:
                    labels[index] = dialect.header_join.join([labels[index], text])
        if number >= dialect.first_content_row - 1:
            break
    return None if empty else tuple(labels)


def is_comment(number: int, cells: list[Any], dialect: Dialect) -> bool:
    """Whether a row is a comment (dialect `commentChar`, `commentRows`)."""
    marked = bool(dialect.comment_char and cells and isinstance(cells[0], str) and cells[0].startswith(dialect.comment_char))
    return marked or number in dialect.comment_rows


def mend(number: int, record: list[Any], columns: tuple[Column, ...], findings: Findings, encoding: str) -> None:
    """What is no text (a byte that isn't in the encoding, half a surrogate pair) is an error; U+FFFD takes its place."""
    for index, cell in enumerate(record):
        if isinstance(cell, str) and not cell.isascii() and NO_TEXT.search(cell):
            name = columns[index].field.name if index < len(columns) else ""
            record[index] = NO_TEXT.sub("\ufffd", cell)
            note = f"the cell holds what is not {encoding}"
            findings.add("encoding-error", note, row_number=number, field_name=name, field_number=index + 1, cell=record[index])


def match(labels: tuple[str, ...], resource: Resource, findings: Findings) -> tuple[Column, ...]:
    """The columns that the data has, each with its field; what doesn't match is noted."""
    schema = resource.schema
    if schema is None:
        fields: tuple[Field, ...] = tuple(any_field(label) for label in labels)
        schema = Schema(fields)
    if not labels:
        if resource.dialect.header:
            findings.add("blank-header", "the header row is blank")
        return tuple(Column(f"c{number}", field, number) for number, field in enumerate(schema.fields, 1))
    if schema.fields_match == "exact":
        return _match_by_order(labels, schema, resource.schema is not None, findings)
    return _match_by_name(labels, schema, findings)


def any_field(name: str) -> Field:
    """The field of a column that the schema doesn't have."""
    return Field(name, "any", "default", {}, ("",), {"name": name, "type": "any"})


def _match_by_order(labels: tuple[str, ...], schema: Schema, said: bool, findings: Findings) -> tuple[Column, ...]:
    """The columns by position; a label may be there twice if so it is `said` by the schema, which isn't made of the labels."""
    columns = []
    seen: dict[str, int] = {}
    for number, label in enumerate(labels, 1):
        field = schema.fields[number - 1] if number <= len(schema.fields) else None
        place = {"field_name": field.name if field else "", "field_number": number, "cell": label}
        if field is None:
            findings.add("extra-label", f'label "{label}" at position {number} has no field in the schema', **place)
        elif not label:
            findings.add("blank-label", f"the label at position {number} is blank", **place)
        elif label in seen and not (said and schema.names.count(label) > 1):
            findings.add("duplicate-label", f'label "{label}" is at position {seen[label]} too', **place)
        elif label != field.name:
            findings.add("incorrect-label", f'label "{label}" is not the field\'s name "{field.name}"', **place)
        seen.setdefault(label, number)
        columns.append(Column(f"c{number}", field or any_field(label), number, declared=field is not None))
    for number, field in enumerate(schema.fields[len(labels) :], len(labels) + 1):
        findings.add(
            "missing-label",
            f'the header has no label for field "{field.name}"',
            field_name=field.name,
            field_number=number,
        )
    return tuple(columns)


def _match_by_name(labels: tuple[str, ...], schema: Schema, findings: Findings) -> tuple[Column, ...]:
    mode = schema.fields_match
    columns = []
    for number, label in enumerate(labels, 1):
        field = schema.field(label)
        place = {"field_name": label, "field_number": number, "cell": label}
        if labels.index(label) != number - 1:
            findings.add("duplicate-label", f'label "{label}" is at position {labels.index(label) + 1} too', **place)
            field = None
        elif field is None and mode not in ("subset", "partial"):
            note = f'label "{label}" at position {number} has no field in the schema'
            findings.add("extra-label", note, **{**place, "field_name": ""})
        columns.append(Column(f"c{number}", field or any_field(label), number, declared=field is not None))
    if mode == "partial" and not any(column.declared for column in columns):
        findings.add("unmatched-header", "no label is the name of a field")
    for offset, field in enumerate(field for field in schema.fields if field.name not in labels):
        needed = field.required or field.name in schema.primary_key
        if mode in ("equal", "subset") or needed:
            note = f'the header has no label for field "{field.name}"'
            findings.add("missing-label", note, field_name=field.name, field_number=len(labels) + offset + 1)
    return tuple(columns)
