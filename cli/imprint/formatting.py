"""Canonical form: rows sorted by primary key, minimal quoting, LF, UTF-8; JSON with two spaces. Values stay as they are.

So a git diff of the data shows changes of content only. Rows are sorted by the engine, whatever their number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import archive, expressions
from .documents import read_document
from .engine import Engine
from .exceptions import DataFault
from .package import Dialect, Package, Resource
from .scan import Checked
from .streams import DELIMITED
from .validation import open_tables

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
    done = [_formatted(path, _json_text(read_document(path))) for path in sorted(set(_documents(package)))]
    return (*done, *_data_files(package, memory))


def write(files: tuple[Formatted, ...]) -> None:
    """Replace the files that aren't in canonical form."""
    for file in files:
        if file.changed:
            archive.replace_text(file.path, file.text)


def _documents(package: Package) -> Iterator[Path]:
    """The JSON files of a package's metadata; none that leads out of it."""
    inside = package.base.resolve()
    named = [resource.descriptor.get(word) for resource in package.resources for word in ("schema", "jsonSchema", "dialect")]
    for path in (package.descriptor_path, *(package.base / name for name in named if isinstance(name, str))):
        if path.suffix == ".json" and path.resolve().is_relative_to(inside) and path.is_file():
            yield path


def _formatted(path: Path, text: str) -> Formatted:
    return Formatted(path, text, text.encode() != path.read_bytes())


def _json_text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _data_files(package: Package, memory: str | None) -> tuple[Formatted, ...]:
    done = []
    with open_tables(package, memory=memory) as (engine, (checked,)):
        for resource in package.resources:
            one = checked.get(resource.name)
            if one is None or not _has_canonical_form(resource):
                continue
            broken = [error for error in one.findings.errors if error.type in STRUCTURE]
            if broken:
                raise DataFault(f"{resource.place}: {broken[0].message}", where=package.source, fix="mend it before formatting")
            make = _json_rows if resource.format == "json" else _csv_text
            done.append(_formatted(resource.files[0], make(engine, one)))
    return tuple(done)


def _has_canonical_form(resource: Resource) -> bool:
    """A single, plain, local file; a dialect of its own is the publisher's choice and is kept."""
    plain = len(resource.files) == 1 and not resource.compression and resource.encoding == "utf-8"
    usual = Dialect(delimiter=resource.dialect.delimiter, line_terminator=resource.dialect.line_terminator)
    return plain and resource.dialect == usual and resource.format in DELIMITED | {"json"}


def _order(one: Checked) -> str:
    keys = [name for name in one.table.schema.primary_key if name in one.columns]
    fields = [(one.table.schema.field(name), one.columns[name]) for name in keys]
    return ", ".join([*(expressions.typed(field, f"l.{column}") for field, column in fields if field), "l.rn"])


def _csv_text(engine: Engine, one: Checked) -> str:
    table, dialect = one.table, one.table.resource.dialect
    special = re.compile(f'["\r\n{re.escape(dialect.delimiter)}]')
    cells = ", ".join(f"t.{column.id}" for column in table.columns)
    query = f"SELECT {cells} FROM {table.numbered} AS t JOIN {one.logical} AS l ON l.rn = t.rn ORDER BY {_order(one)}"
    lines = (dialect.delimiter.join(_quoted(cell, special) for cell in row) for row in (table.labels, *engine.stream(query)))
    end = dialect.line_terminator or "\n"
    return "".join((line or '""') + end for line in lines)


def _quoted(cell: str, special: re.Pattern[str]) -> str:
    """A cell, quoted where it must be: the csv module's minimum differs from one Python to the next."""
    return '"' + cell.replace('"', '""') + '"' if special.search(cell) else cell


def _json_rows(engine: Engine, one: Checked) -> str:
    path = one.table.resource.files[0]
    value = read_document(path)
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        first = one.table.resource.dialect.first_content_row
        value = [value[rn - first] for (rn,) in engine.stream(f"SELECT l.rn FROM {one.logical} AS l ORDER BY {_order(one)}")]
    return _json_text(value)
