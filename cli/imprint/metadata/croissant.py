"""Croissant 1.0, for machine learning: the tables' records, read from the release's CSV files.

Each table is described by its plain CSV file, its own or the one in `csv/`; one that has neither is left out. A field is
`sc:Text` where its cells are spelled in a way that Croissant's types don't have, such as `1.000,5`.
"""

from __future__ import annotations

import contextlib
import csv
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ..package import Field, Resource, Schema
from . import schema_org
from .summary import Piece, Summary, as_json, stated

VERSION = "http://mlcommons.org/croissant/1.0"
WORDS = (
    "citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject", "fileSet", "format", "includes",
    "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex", "repeated", "replace",
    "samplingRate", "separator", "source", "subField", "transform",
)  # fmt: skip
CONTEXT = {
    "@language": None,  # the package doesn't say what language its texts are in
    "@vocab": schema_org.VOCABULARY,
    "sc": schema_org.VOCABULARY,
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    **{word: f"cr:{word}" for word in WORDS},
}
TYPES = {
    "boolean": "sc:Boolean", "integer": "sc:Integer", "year": "sc:Integer", "number": "sc:Float", "date": "sc:Date",
    "datetime": "sc:DateTime",
}  # fmt: skip
NULLS = frozenset({"", "NA", "N/A", "n/a", "NULL", "null", "NaN", "nan", "None"})  # what readers of Croissant take for none
LOOK = 10_000  # rows that are looked at to see whether two columns can be joined
BOOLEANS = ({"true", "True", "TRUE", "1"}, {"false", "False", "FALSE", "0"})


@dataclass(frozen=True)
class _Table:
    """A table with its CSV file: the fields that have a column, and what those hold ("text", "number" or "", if neither)."""

    resource: Resource
    piece: Piece
    fields: Mapping[str, Field]
    holds: Mapping[str, str]

    @property
    def name(self) -> str:
        return self.resource.name

    @property
    def schema(self) -> Schema:
        return self.resource.schema or Schema(())


def text(said: Summary) -> str:
    """The file."""
    found = (_table(said, one) for one in said.package.tables)
    tables = {table.name: table for table in found if table and table.fields}
    described = {
        "@context": CONTEXT,
        **stated(**{**schema_org.dataset(said), **_credit(said)}),
        "conformsTo": VERSION,
        **stated(
            distribution=[_object(piece) for piece in said.pieces if piece.sha256],
            recordSet=[_records(table, tables) for table in tables.values()],
        ),
    }
    return as_json(described)


def _table(said: Summary, resource: Resource) -> _Table | None:
    """The table with its plain CSV file; None where there is none, or two of its columns have the same name."""
    found = (one for one in said.pieces if one.table == resource.name and one.form in ("", "csv") and one.sha256)
    piece = next(found, None)
    if piece is None or resource.schema is None:
        return None
    with (said.package.base / piece.path).open(encoding="utf-8-sig", errors="replace", newline="") as file:
        header, holds = _look(csv.reader(file))
    if len(set(header)) < len(header):
        return None
    fields = {field.name: field for field in resource.schema.fields if field.name and field.name in header}
    return _Table(resource, piece, fields, dict(zip(header, holds, strict=True)))


def _look(reader: Iterator[list[str]]) -> tuple[list[str], list[str]]:
    """The header, and whether a reader that goes by the cells takes each column for text or for numbers.

    It is "" where the first rows don't tell; they end before a cell that is too long to be looked at.
    """
    header: list[str] = []
    kinds: list[set[str]] = []
    with contextlib.suppress(csv.Error):
        header = next(reader, [])
        kinds = [set() for _ in header]
        for row in itertools.islice(reader, LOOK):
            for seen, cell in zip(kinds, row, strict=False):
                seen.add(_kind(cell))
    return header, ["text" if "text" in seen else "number" if seen - {""} == {"number"} else "" for seen in kinds]


def _kind(cell: str) -> str:
    if cell in NULLS:
        return ""
    if cell in BOOLEANS[0] | BOOLEANS[1] and not cell.isdigit():
        return "boolean"
    try:
        float(cell)
    except ValueError:
        return "text"
    return "number"


def _credit(said: Summary) -> dict[str, Any]:
    """Creators and publishers, who must be persons or organizations here; of other creators, the names alone are said."""
    sides = {"creator": said.creators, "publisher": said.publishers}
    typed = {word: [schema_org.agent(one) for one in agents if one.kind] for word, agents in sides.items()}
    return {**typed, "creditText": "; ".join(one.name for one in said.creators if not one.kind)}


def _object(piece: Piece) -> dict[str, Any]:
    """A file, by its path as it is: a reader looks for it beside the description, not on the web."""
    return stated(
        at_type="cr:FileObject",
        at_id=_file_id(piece),
        name=piece.path,
        contentUrl=f"../{piece.path}",
        contentSize="" if piece.bytes is None else f"{piece.bytes} B",
        encodingFormat=piece.media,
        sha256=piece.sha256,
    )


def _records(table: _Table, tables: Mapping[str, _Table]) -> dict[str, Any]:
    key = table.schema.primary_key if set(table.schema.primary_key) <= set(table.fields) else ()
    keys = [{"@id": _id(table.name, name)} for name in key]
    references = dict(_references(table, tables))
    return stated(
        at_type="cr:RecordSet",
        at_id=_id(table.name),
        name=table.name,
        description=_words(table.resource.descriptor),
        key=keys[0] if len(keys) == 1 else keys,
        field=[_field(table, field, references.get(name, {})) for name, field in table.fields.items()],
    )


def _field(table: _Table, field: Field, reference: Mapping[str, Any]) -> dict[str, Any]:
    return stated(
        at_type="cr:Field",
        at_id=_id(table.name, field.name),
        name=field.name,
        description=_words(field.descriptor),
        dataType=_type(field),
        source=_column(table, field.name),
        references=reference,
    )


def _references(table: _Table, tables: Mapping[str, _Table]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The column that a field refers to, as far as a reader that joins the two, cell by cell as they look, comes to no harm.

    So there is none for a foreign key of several fields, nor where the other field isn't its table's key, nor where one
    column looks like numbers and the other doesn't, or is empty.
    """
    for key in reversed(table.schema.foreign_keys):  # the first one of a field is the one that stands
        other = tables.get(key.reference or table.name)
        if other is None or len(key.fields) != 1 or other.schema.primary_key != key.reference_fields:
            continue
        one, target = table.fields.get(key.fields[0]), other.fields.get(key.reference_fields[0])
        if one and target and table.holds[one.name] == other.holds[target.name] == _sure(one, target):
            yield one.name, _column(other, target.name)


def _sure(one: Field, target: Field) -> str:
    """What two columns are, if their first rows look alike: whole numbers are numbers to the end, one text makes a text."""
    return "number" if one.type == target.type == "integer" else "text"


def _column(table: _Table, name: str) -> dict[str, Any]:
    return {"fileObject": {"@id": _file_id(table.piece)}, "extract": {"column": name}}


def _words(descriptor: Mapping[str, Any]) -> str:
    """The description of a table or a field, else its title."""
    return str(descriptor.get("description") or descriptor.get("title") or "")


def _type(field: Field) -> str:
    """A field's type, or `sc:Text` where its cells may be spelled in a way that the type doesn't have."""
    usual = field.format in ("", "default") or (field.type == "date" and field.format == "%Y-%m-%d")
    if field.type == "string":
        return "sc:URL" if field.format == "uri" else "sc:Text"
    if not (usual and set(field.missing_values) <= NULLS and _bare(field)):
        return "sc:Text"
    return TYPES.get(field.type, "sc:Text")


def _bare(field: Field) -> bool:
    """Whether numbers and booleans are written as readers expect them."""
    true, false = ({*field.option(word, ())} for word in ("trueValues", "falseValues"))
    spelled = true <= BOOLEANS[0] and false <= BOOLEANS[1]
    number = field.option("decimalChar", ".") == "." and not field.option("groupChar") and field.option("bareNumber", True)
    return bool(spelled and number)


def _id(*names: str) -> str:
    """The identifier of a table or a field, without a character that an address can't have."""
    return "/".join(quote(name, safe="") for name in names)


def _file_id(piece: Piece) -> str:
    """The identifier of a file, which no table or field can have."""
    return f"#{piece.href}"
