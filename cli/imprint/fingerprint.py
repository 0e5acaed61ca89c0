"""Content fingerprints: the same for the same values, whatever the order of rows, the quoting, the format or the archive.

A cell is written `length:text` in its canonical text (`~` for a null), a row is its cells in schema order. A table's
fingerprint is SHA-256 over "rows:sum", where sum adds the SHA-256 of every row as a number, modulo 2^256: rows may be
sorted anew, but a duplicate counts twice. A column's fingerprint is the same over its cells. The package's adds what the
descriptor and the schemas say, without where and how the data is stored.
"""

from __future__ import annotations

import binascii
import dataclasses
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .engine import Engine
from .package import Package, Resource, Schema
from .remote import is_url
from .scan import Checked
from .validation import open_tables

LARGE = 200_000  # rows
REPEATED = 0.5  # distinct texts per row
BATCH = 1 << 10  # rows whose digests are added up at a time
SHORT, FEW = 64, 100  # characters of texts whose length is looked up rather than written, and columns of which that is
ROOM = 8  # hex digits before each digest, for what is carried
LIMB = 16  # hex digits of a digest that are added up at a time
STORAGE = frozenset(
    {"path", "data", "format", "mediatype", "encoding", "bytes", "hash", "dialect", "compression", "schema", "jsonSchema"}
)
DOCUMENTS = ("$schema", "sqlViews")


@dataclass(frozen=True)
class Fingerprint:
    """The fingerprint of a table and of each of its columns, and how many rows it has.

    `longest` is the number of characters of the longest canonical text of each column of numbers.
    """

    rows: int
    table: str
    columns: dict[str, str]
    longest: dict[str, int] = dataclasses.field(default_factory=dict)


def of_table(engine: Engine, one: Checked, schema: Schema | None = None, *, columns: bool = True) -> Fingerprint:
    """The fingerprint of a table's values, and that of each column unless `columns` is off (they take most of the time).

    `schema` says which fields count, and in which order, if not the table's own does.
    """
    known = one.columns
    fields = {name: known[name] for name in (schema or one.table.schema).names if name in known}
    large = one.rows >= LARGE
    numbers = [name for name in fields if _numeric(one, name)]
    lengths = [f"max(strlen({fields[name]}))" for name in numbers]
    # To digest each text once is quicker where most texts come many times; to ask that of a small table costs more.
    distinct = [f"approx_count_distinct({column})" for column in fields.values() if large and columns]
    rows, *found = engine.one(f"SELECT {', '.join(['count(*)', *lengths, *distinct])} FROM {one.unnumbered}")
    longest = {name: length or 0 for name, length in zip(numbers, found, strict=False)}
    counted = dict(zip(fields, found[len(numbers) :], strict=False))
    grouped = [name for name, number in counted.items() if number < REPEATED * rows]
    single = [name for name in fields if columns and name not in grouped]
    digests = [f"sha256({_encoded(cells)})" for cells in [list(fields.values()), *([fields[name]] for name in single)]]
    path = _written(engine, one, digests) if large else None
    by_group = engine.background(lambda: _of_groups(engine, one, grouped))  # while the others are added up
    table, *own = _added_up(path, len(digests)) if path else _summed(engine, one, digests)
    sums = {**dict(zip(single, own, strict=True)), **by_group()}
    return Fingerprint(rows, _digest(rows, table), {name: _digest(rows, sums[name]) for name in fields if columns}, longest)


def _numeric(one: Checked, name: str) -> bool:
    field = one.table.schema.field(name)
    return field is not None and field.type in ("integer", "number", "year")


def _summed(engine: Engine, one: Checked, digests: Sequence[str]) -> list[int]:
    """The sum of each digest over all rows."""
    named = ", ".join(f"{digest} AS h{number}" for number, digest in enumerate(digests))
    limbs = [limb for number in range(len(digests)) for limb in _limbs(f"h{number}")]
    found = engine.one(f"SELECT {', '.join(limbs)} FROM (SELECT {named} FROM {one.unnumbered})")
    return [_joined(found[start : start + 4]) for start in range(0, len(found), 4)]


def _written(engine: Engine, one: Checked, digests: Sequence[str]) -> Path:
    """The digests of a large table in a file, a row to a line, with room before each.

    The engine takes longer to read a number from a text than to make the digest.
    """
    path = engine.new_file(".csv")
    padded = ", ".join(f"'{'0' * ROOM}', {digest}" for digest in digests)
    engine.write(f"SELECT concat({padded}) FROM {one.unnumbered}", path, "csv, HEADER false")
    return path


def _added_up(path: Path, digests: int) -> list[int]:
    """The sum of each digest in a file, which goes.

    Its lines are read as one number whose upper half is added to its lower, and so on, until the sum of all is left.
    """
    width = (64 + ROOM) * digests
    totals = [0] * digests
    with path.open("rb") as file:
        while lines := file.read((width + 1) * BATCH):
            added, half = int.from_bytes(binascii.unhexlify(lines.translate(None, b"\n")), "big"), BATCH
            while half := half // 2:
                bits = 4 * width * half
                added = (added >> bits) + (added & ((1 << bits) - 1))
            for place in reversed(range(digests)):
                totals[place] += added & ((1 << 4 * (64 + ROOM)) - 1)
                added >>= 4 * (64 + ROOM)
    path.unlink()
    return totals


def _encoded(columns: Collection[str]) -> str:
    """SQL for some cells as they are digested, each `length:text`; a short length is looked up unless there are many cells."""
    lengths = {column: f"CASE WHEN {column} IS NULL THEN '~' ELSE concat(length({column}), ':') END" for column in columns}
    if len(columns) <= FEW:
        listed = ", ".join(f"'{length}:'" for length in range(SHORT))
        lengths = {column: f"coalesce([{listed}][length({column}) + 1], {text})" for column, text in lengths.items()}
    return f"concat('', {', '.join(f'{text}, {column}' for column, text in lengths.items()) or 'NULL'})"


def _limbs(digest: str, times: str = "") -> list[str]:
    """SQL for the sums of each 64 bits of a hexadecimal digest, each counted so many times."""
    return [f"sum(('0x' || substr({digest}, {start + 1}, {LIMB}))::UBIGINT{times})" for start in range(0, 64, LIMB)]


def _of_groups(engine: Engine, one: Checked, names: Sequence[str]) -> dict[str, int]:
    """The sums of columns by their distinct texts and how often each comes."""
    if not names:
        return {}
    known = one.columns
    columns = [known[name] for name in names]
    listed, sets = ", ".join(columns), ", ".join(f"({column})" for column in columns)
    # Of the bits of GROUPING, that of the column that a row is of is 0.
    masks = [(1 << len(columns)) - 1 - (1 << place) for place in reversed(range(len(columns)))]
    texts = " ".join(f"WHEN {mask} THEN {_encoded([column])}" for mask, column in zip(masks, columns, strict=True))
    groups = f"SELECT {listed}, GROUPING({listed}) AS g, count(*)::HUGEINT AS n FROM {one.unnumbered}"
    digests = f"SELECT g, n, sha256(CASE g {texts} END) AS h FROM ({groups} GROUP BY GROUPING SETS ({sets}))"
    found = engine.rows(f"SELECT g, {', '.join(_limbs('h', ' * n'))} FROM ({digests}) GROUP BY g")
    by_mask = {mask: _joined(limbs) for mask, *limbs in found}
    return {name: by_mask[mask] for name, mask in zip(names, masks, strict=True)}


def of_tables(package: Package, memory: str | None = None) -> dict[str, Fingerprint]:
    """The fingerprint of each table of a package, by name."""
    with open_tables(package, memory=memory) as (engine, (tables,)):
        return {name: of_table(engine, one) for name, one in tables.items()}


def _joined(limbs: Iterable[int | None]) -> int:
    """The number that 64 bits at a time make."""
    total = 0
    for limb in limbs:
        total = (total << 64) + int(limb or 0)
    return total


def _digest(rows: int, total: int) -> str:
    return hashlib.sha256(f"{rows}:{total % 2**256:064x}".encode()).hexdigest()


def together(tables: Mapping[str, Fingerprint]) -> str:
    """One fingerprint for the values of several tables."""
    return hashlib.sha256(canonical_json({name: one.table for name, one in tables.items()}).encode()).hexdigest()


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
