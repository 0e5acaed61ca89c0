"""Content fingerprints: the same for the same values, whatever the order of rows, the quoting, the format or the archive.

A cell is written `length:text` in its canonical text (`~` for a null), a row is its cells in schema order. A table's
fingerprint is SHA-256 over "rows:sum", where sum adds the SHA-256 of every row as a number, modulo 2^256: rows may be
sorted anew, but a duplicate counts twice. A column's fingerprint is the same over its cells. The package's adds what the
descriptor and the schemas say, without where and how the data is stored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .engine import Engine
from .package import Package, Resource
from .remote import is_url
from .scan import Checked
from .validation import open_tables

LIMB = 16  # hex digits of a digest that are added up at a time
STORAGE = frozenset(
    {"path", "data", "format", "mediatype", "encoding", "bytes", "hash", "dialect", "compression", "schema", "jsonSchema"}
)
DOCUMENTS = ("$schema", "sqlViews")


@dataclass(frozen=True)
class Fingerprint:
    """The fingerprint of a table and of each of its columns, and how many rows it has."""

    rows: int
    table: str
    columns: dict[str, str]


def of_table(engine: Engine, one: Checked, *, columns: bool = True) -> Fingerprint:
    """The fingerprint of a table's values, and that of each column unless `columns` is off (they take most of the time)."""
    fields = one.columns
    encoded = {
        name: f"CASE WHEN {column} IS NULL THEN '~' ELSE concat(length({column}), ':', {column}) END"
        for name, column in fields.items()
    }
    texts = [f"concat('', {', '.join(encoded.values()) or 'NULL'})", *(encoded.values() if columns else ())]
    sums = [
        f"sum(('0x' || substr(h{number}, {start + 1}, {LIMB}))::UBIGINT)"
        for number in range(len(texts))
        for start in range(0, 64, LIMB)
    ]
    hashes = ", ".join(f"sha256({text}) AS h{number}" for number, text in enumerate(texts))
    rows, *limbs = engine.one(f"SELECT count(*), {', '.join(sums)} FROM (SELECT {hashes} FROM {one.unnumbered})")
    found = [_digest(rows, limbs[start : start + 4]) for start in range(0, len(limbs), 4)]
    return Fingerprint(rows, found[0], dict(zip(fields, found[1:], strict=columns)))


def of_tables(package: Package, memory: str | None = None) -> dict[str, Fingerprint]:
    """The fingerprint of each table of a package, by name."""
    with open_tables(package, memory=memory) as (engine, (tables,)):
        return {name: of_table(engine, one) for name, one in tables.items()}


def _digest(rows: int, limbs: Iterable[int | None]) -> str:
    total = 0
    for limb in limbs:
        total = (total << 64) + int(limb or 0)
    return hashlib.sha256(f"{rows}:{total % 2**256:064x}".encode()).hexdigest()


def of_package(package: Package, tables: dict[str, Fingerprint]) -> str:
    """The fingerprint of everything that a package says: metadata, schemas and values."""
    said = {key: value for key, value in metadata(package).items() if key not in ("resources", "version")}
    resources = {resource.name: _said(resource, tables.get(resource.name)) for resource in package.resources}
    return hashlib.sha256(canonical_json([said, resources]).encode()).hexdigest()


def metadata(package: Package) -> dict[str, Any]:
    """The descriptor, with digests in the place of the documents that it names."""
    files = {word: package.base / name for word, name in documents(package).items()}
    return {**package.descriptor, **{word: digest([path]) for word, path in files.items() if path.is_file()}}


def documents(package: Package) -> dict[str, str]:
    """The files beside the data that a descriptor names, by the property that names them."""
    named = {word: package.descriptor.get(word) for word in DOCUMENTS}
    return {word: path for word, path in named.items() if isinstance(path, str) and not is_url(path)}


def _said(resource: Resource, table: Fingerprint | None) -> list[Any]:
    said = {key: value for key, value in resource.descriptor.items() if key not in STORAGE}
    schema = resource.schema.descriptor if resource.schema else None
    content = table.table if table else of_files(resource)
    return [said, schema, resource.json_schema, content]


def of_files(resource: Resource) -> str:
    """The digest of the bytes of a resource that isn't a table."""
    if not resource.files:
        return hashlib.sha256(canonical_json(resource.data).encode()).hexdigest()
    return digest(resource.files)


def digest(files: Iterable[Path]) -> str:
    """The digest of the bytes of some files, one after the other."""
    found = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                found.update(chunk)
    return found.hexdigest()


def canonical_json(value: Any) -> str:
    """JSON in one spelling."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
