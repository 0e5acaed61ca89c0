"""Canonical form: rows sorted by primary key, minimal quoting, LF, UTF-8; JSON with two spaces. Values stay as they are.

So a git diff of the data shows changes of content only. Rows are sorted by the engine, whatever their number.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import archive, descriptor, expressions
from .documents import laid_out
from .engine import Engine
from .exceptions import DataFault, ImprintError
from .package import Dialect, Package, Resource
from .remote import is_url
from .scan import Checked
from .streams import DELIMITED, measured
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

    Raises DataFault where a table's structure is broken, as a canonical form would hide that, where an object of JSON has a
    key twice, and where `bytes` or `hash` would have to change in a descriptor that has no canonical form, such as YAML;
    ImprintError where a file isn't there, or can't be read.
    """
    _refuse_lost(package)
    files: dict[Path, Formatted] = {}
    for path in sorted(set(_documents(package))):
        files.setdefault(path.resolve(), _formatted(path, laid_out(path)))
    _add_data(files, package, memory)
    _add_measures(files, package)
    return tuple(files.values())


def write(files: tuple[Formatted, ...]) -> None:
    """Replace the files that aren't in canonical form."""
    for file in files:
        if file.changed:
            archive.replace_text(file.path.resolve(), file.text)


def _refuse_lost(package: Package) -> None:
    for resource in package.resources:
        if resource.paths and not resource.files and not any(map(is_url, resource.paths)):
            what = f'has no file of resource "{resource.name}"'
            raise ImprintError(what, where=package.source, fix="add it, or mend the path: imprint validate says more")
        for path in resource.files:
            with path.open("rb"):  # which says why it can't be
                pass


def _documents(package: Package) -> Iterator[Path]:
    """The JSON files of a package's metadata; none that leads out of it."""
    inside = package.base.resolve()
    named = [resource.descriptor.get(word) for resource in package.resources for word in ("schema", "jsonSchema", "dialect")]
    for path in (package.descriptor_path, *(package.base / name for name in named if isinstance(name, str))):
        if path.suffix == ".json" and path.resolve().is_relative_to(inside) and path.is_file():
            yield path


def _formatted(path: Path, text: str) -> Formatted:
    return Formatted(path, text, text.encode() != path.read_bytes())


def _add_data(files: dict[Path, Formatted], package: Package, memory: str | None) -> None:
    """Put in the data files, each by where it lies: one that resources share has the order of the first."""
    with open_tables(package, memory=memory) as (engine, (checked,)):
        for resource in package.resources:
            one = checked.get(resource.name)
            sharing = [other for other in package.resources if other.files == resource.files]
            if one is None or not all(map(_has_canonical_form, sharing)) or resource.files[0].resolve() in files:
                continue
            broken = [error for error in one.findings.errors if error.type in STRUCTURE]
            if broken:
                raise DataFault(f"{resource.place}: {broken[0].message}", where=package.source, fix="mend it before formatting")
            make = _json_rows if resource.format == "json" else _csv_text
            files[resource.files[0].resolve()] = _formatted(resource.files[0], make(engine, one))


def _add_measures(files: dict[Path, Formatted], package: Package) -> None:
    """Put `bytes` and `hash` of what is rewritten into the descriptor, where they were right before."""
    with tempfile.TemporaryDirectory(prefix="imprint-") as folder:
        words = [_measures(files, resource, Path(folder)) for resource in package.resources]
    if not any(words):
        return
    path = package.descriptor_path
    if path.resolve() not in files:
        names = ", ".join(resource.place for resource, said in zip(package.resources, words, strict=True) if said)
        fix = 'take its "bytes" and "hash" out first: this descriptor is not rewritten'
        raise DataFault(f"{names}: would be another file than the descriptor says", where=package.source, fix=fix)
    files[path.resolve()] = _formatted(path, descriptor.with_words(path, words))


def _measures(files: Mapping[Path, Formatted], resource: Resource, folder: Path) -> dict[str, Any]:
    new = [files.get(path.resolve()) for path in resource.files]
    if not any(file and file.changed for file in new) or not resource.descriptor.keys() & {"bytes", "hash"}:
        return {}
    paths = list(resource.files)
    for number, file in enumerate(new):
        if file:
            paths[number] = folder / str(number)
            paths[number].write_bytes(file.text.encode())
    wrong = measured(resource, resource.files)
    return {word: value for word, value in measured(resource, paths).items() if word not in wrong}


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
    def in_order(value: Any) -> Any:
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            return value
        first = one.table.resource.dialect.first_content_row
        return [value[rn - first] for (rn,) in engine.stream(f"SELECT l.rn FROM {one.logical} AS l ORDER BY {_order(one)}")]

    return laid_out(one.table.resource.files[0], in_order)
