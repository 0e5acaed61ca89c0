"""Canonical form: rows sorted by primary key, minimal quoting, LF, UTF-8; JSON with two spaces. Values stay as they are.

So a git diff of the data shows changes of content only. Rows are sorted by the engine, whatever their number.
"""

from __future__ import annotations

import csv
import io
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import archive, expressions
from .engine import Engine
from .exceptions import DataFault
from .locate import read_document
from .package import Package, Resource
from .tables import DELIMITED, Findings
from .validation import Checked, check_tables

STRUCTURE = frozenset({"extra-cell", "missing-cell", "encoding-error", "source-error", "blank-row"})


@dataclass(frozen=True)
class Formatted:
    """One file and its canonical text; `changed` where that isn't what the file holds."""

    path: Path
    text: str
    changed: bool


def canonical_files(package: Package, *, memory: str | None = None) -> tuple[Formatted, ...]:
    """The canonical text of the descriptor, the schemas and the data of a package; what can't have one is left out.

    Raises DataFault where a table's structure is broken, as a canonical form would hide that.
    """
    documents = {package.descriptor_path} if package.descriptor_path.suffix == ".json" else set()
    for resource in package.resources:
        for word in ("schema", "jsonSchema", "dialect"):
            named = resource.descriptor.get(word)
            if isinstance(named, str) and named.endswith(".json") and (package.base / named).is_file():
                documents.add(package.base / named)
    done = [_formatted(path, _json_text(read_document(path))) for path in sorted(documents)]
    return (*done, *_data_files(package, memory))


def write(files: tuple[Formatted, ...]) -> None:
    """Replace the files that aren't in canonical form."""
    for file in files:
        if file.changed:
            archive.replace_text(file.path, file.text)


def _formatted(path: Path, text: str) -> Formatted:
    return Formatted(path, text, text.encode() != path.read_bytes())


def _json_text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _data_files(package: Package, memory: str | None) -> tuple[Formatted, ...]:
    files = [file for resource in package.resources for file in resource.files]
    found = {resource.name: Findings(resource.name, 1) for resource in package.resources}
    done = []
    with Engine(files, memory=memory) as engine, ThreadPoolExecutor(os.cpu_count()) as pool:
        checked = check_tables(engine, package, found, pool)
        for resource in package.resources:
            one = checked.get(resource.name)
            if one is None or not _has_canonical_form(resource):
                continue
            broken = [error for error in found[resource.name].errors if error.type in STRUCTURE]
            if broken:
                raise DataFault(f"{resource.place}: {broken[0].message}", where=package.source, fix="mend it before formatting")
            make = _json_rows if resource.format == "json" else _csv_text
            done.append(_formatted(resource.files[0], make(engine, one)))
    return tuple(done)


def _has_canonical_form(resource: Resource) -> bool:
    """A single, plain, local file; a dialect of its own is the publisher's choice and is kept."""
    plain = len(resource.files) == 1 and not resource.compression and resource.encoding == "utf-8"
    dialect = resource.dialect
    usual = dialect.header and not (dialect.comment_char or dialect.comment_rows or dialect.escape_char or dialect.property_)
    return plain and usual and dialect.header_rows == (1,) and resource.format in DELIMITED | {"json"}


def _order(one: Checked) -> str:
    keys = [name for name in one.table.schema.primary_key if name in one.columns]
    fields = [(one.table.schema.field(name), one.columns[name]) for name in keys]
    return ", ".join([*(expressions.typed(field, f"l.{column}") for field, column in fields if field), "l.rn"])


def _csv_text(engine: Engine, one: Checked) -> str:
    table, dialect = one.table, one.table.resource.dialect
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, delimiter=dialect.delimiter, quotechar=dialect.quote_char or '"', lineterminator="\n")
    writer.writerow(table.labels)
    cells = ", ".join(f"t.{column.id}" for column in table.columns)
    query = f"SELECT {cells} FROM {table.numbered} AS t JOIN {one.logical} AS l ON l.rn = t.rn ORDER BY {_order(one)}"
    for row in engine.stream(query):
        writer.writerow(row)
    return sink.getvalue()


def _json_rows(engine: Engine, one: Checked) -> str:
    path = one.table.resource.files[0]
    value = read_document(path)
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        first = one.table.resource.dialect.first_content_row
        value = [value[rn - first] for (rn,) in engine.stream(f"SELECT l.rn FROM {one.logical} AS l ORDER BY {_order(one)}")]
    return _json_text(value)
