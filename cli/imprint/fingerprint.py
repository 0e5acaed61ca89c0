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
from typing import Any

from .engine import Engine
from .package import Package, Resource
from .validation import Checked

LIMB = 16  # hex digits of a digest that are added up at a time
STORAGE = frozenset({"path", "data", "format", "mediatype", "encoding", "bytes", "hash", "dialect", "compression", "schema"})


@dataclass(frozen=True)
class Fingerprint:
    """The fingerprint of a table and of each of its columns, and how many rows it has."""

    rows: int
    table: str
    columns: dict[str, str]


def of_table(engine: Engine, one: Checked) -> Fingerprint:
    """The fingerprint of a table's values."""
    fields = one.columns
    encoded = {
        name: f"CASE WHEN {column} IS NULL THEN '~' ELSE length({column}) || ':' || {column} END"
        for name, column in fields.items()
    }
    row = " || ".join(encoded.values()) or "''"
    sums = [
        f"sum(('0x' || substr(h{number}, {start + 1}, {LIMB}))::UBIGINT)"
        for number in range(len(encoded) + 1)
        for start in range(0, 64, LIMB)
    ]
    hashes = ", ".join(f"sha256({text}) AS h{number}" for number, text in enumerate([row, *encoded.values()]))
    rows, *limbs = engine.one(f"SELECT count(*), {', '.join(sums)} FROM (SELECT {hashes} FROM {one.logical})")
    found = [_digest(rows, limbs[start : start + 4]) for start in range(0, len(limbs), 4)]
    return Fingerprint(rows, found[0], dict(zip(fields, found[1:], strict=True)))


def _digest(rows: int, limbs: Iterable[int | None]) -> str:
    total = 0
    for limb in limbs:
        total = (total << 64) + int(limb or 0)
    return hashlib.sha256(f"{rows}:{total % 2**256:064x}".encode()).hexdigest()


def of_package(package: Package, tables: dict[str, Fingerprint]) -> str:
    """The fingerprint of everything that a package says: metadata, schemas and values."""
    said = {key: value for key, value in package.descriptor.items() if key not in ("resources", "version")}
    resources = {resource.name: _said(resource, tables.get(resource.name)) for resource in package.resources}
    return hashlib.sha256(canonical_json([said, resources]).encode()).hexdigest()


def _said(resource: Resource, table: Fingerprint | None) -> list[Any]:
    metadata = {key: value for key, value in resource.descriptor.items() if key not in STORAGE}
    schema = resource.schema.descriptor if resource.schema else None
    content = table.table if table else of_files(resource)
    return [metadata, schema, resource.json_schema, content]


def of_files(resource: Resource) -> str:
    """The digest of the bytes of a resource that isn't a table."""
    if not resource.files:
        return hashlib.sha256(canonical_json(resource.data).encode()).hexdigest()
    found = hashlib.sha256()
    for path in resource.files:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                found.update(chunk)
    return found.hexdigest()


def canonical_json(value: Any) -> str:
    """JSON in one spelling."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
