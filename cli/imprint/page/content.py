"""What the page shows, read from a store: its releases, the first rows of the latest one's tables, pictures."""

from __future__ import annotations

import base64
import html
import itertools
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import descriptor, formats
from ..engine import Engine
from ..exceptions import ImprintError, Unreadable, UsageFault
from ..findings import Findings
from ..manifest import INDEX, MANIFEST, NOTES, Index, Listed, Manifest, read_index, read_manifest
from ..package import Field, Package, Resource, Schema
from ..safety import unsafe
from ..scan import Checked, Scan
from ..signing import ATTESTATION
from ..streams import DELIMITED, text_streams
from ..tables import read_table
from ..validation import of_rows

WHOLE = 10_000  # rows up to which a table is on the page as a whole
FIRST = 1_000  # rows of a larger one
TABLE, PAGE = 2_000_000, 6_000_000  # characters of the rows of a table, and of all
CELL = 2_000  # characters of a cell
LARGE = 4 << 20  # bytes of a delimited file from which on only its beginning is read
PICTURE = 8 << 20  # bytes of a picture
TYPES = {
    ".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif",
    ".webp": "image/webp", ".avif": "image/avif",
}  # fmt: skip
LABELS = ("title", "label", "name")  # fields that say in words what a row is, if there are such


@dataclass(frozen=True)
class Release:
    """A release as its store has it: the line of the index, the manifest, the text of CHANGES.md, whether it is signed."""

    listed: Listed
    manifest: Manifest
    changes: str
    signed: bool = False


@dataclass(frozen=True)
class Sample:
    """The first rows of a table as JSON values in the order of `fields`, and how many rows it has in `total`.

    `label` is the position of the field that says in words what a row is, None if none does.
    """

    resource: Resource
    fields: tuple[Field, ...]
    label: int | None
    rows: tuple[tuple[Any, ...], ...]
    total: int


@dataclass(frozen=True)
class Picture:
    """A picture as a `data:` address, its title and what it shows in words ("" where it doesn't say)."""

    title: str
    words: str
    address: str


@dataclass(frozen=True)
class Store:
    """All that the page shows; `releases` newest first, `package` is the latest's (None in a store without releases)."""

    index: Index
    releases: tuple[Release, ...]
    package: Package | None
    samples: tuple[Sample, ...]
    pictures: tuple[Picture, ...]


def read_store(out: Path, pictures: Sequence[Path] = ()) -> Store:
    """What the page of a store shows, with these pictures after the package's own.

    Raises UsageFault for a file that is no picture, DataFault where the store can't be used, ImprintError where a file of it
    can't be read.
    """
    index = read_index(out / INDEX)
    releases = tuple(_release(out / one.path, one) for one in reversed(index.versions))
    if not releases:
        return Store(index, (), None, (), tuple(map(read_picture, pictures)))
    folder = out / releases[0].listed.path
    package, _ = descriptor.load(folder / "datapackage.json")
    shown = (*_own_pictures(package), *pictures)
    return Store(index, releases, package, tuple(_samples(package, releases[0].manifest)), tuple(map(read_picture, shown)))


def _release(folder: Path, listed: Listed) -> Release:
    notes = folder / NOTES
    try:
        changes = notes.read_text(encoding="utf-8", errors="replace") if notes.is_file() else ""
    except OSError as error:
        raise ImprintError(f"cannot be read ({error.strerror})", where=notes, fix="check its permissions") from error
    return Release(listed, read_manifest(folder / MANIFEST), changes, (folder / ATTESTATION).is_file())


# Tables


def _samples(package: Package, manifest: Manifest) -> Iterator[Sample]:
    tables = {one.name: one for one in package.resources if one.tabular and one.name in manifest.resources}
    files = [file for one in tables.values() for file in one.files]
    room = min(TABLE, PAGE // max(1, len(tables)))
    with Engine(files) as engine:
        for name, resource in tables.items():
            total = manifest.resources[name].rows
            found = _first_rows(engine, resource, total)
            if found is None:
                continue
            fields = found.table.schema.fields
            values = ([_short(row.get(field.name)) for field in fields] for row in formats.values(engine, found))
            rows = tuple(_fitting(values, room))
            yield Sample(resource, fields, _label(resource, fields, rows), rows, total)


def _first_rows(engine: Engine, resource: Resource, total: int) -> Checked | None:
    """The first rows of a table; of a large delimited file no more than those is read."""
    shortened = _beginning(resource, engine.new_file)
    try:
        table = read_table(engine, shortened, Findings(resource.name, 1))
    except Unreadable:
        return None
    if table is None or not table.columns:
        return None
    wanted = total if total <= WHOLE else FIRST
    if shortened is not resource:  # whose last row may be torn
        wanted = min(wanted, int(engine.one(f"SELECT count(*) FROM {table.numbered}")[0]) - 1)
    cells = ", ".join(column.id for column in table.columns)
    stored = engine.keep(f"SELECT {cells} FROM {table.numbered} ORDER BY rn LIMIT {max(0, wanted)}")
    unread = Scan("", total, 0, {}, frozenset())
    return of_rows(engine, Checked(table, Findings(resource.name, 1), unread), stored)


def _beginning(resource: Resource, new_file: Callable[[str], Path]) -> Resource:
    """A resource of large delimited files with the first lines of the first one in their place; others as they are."""
    large = sum(file.stat().st_size for file in resource.files) > LARGE
    if not large or resource.format not in DELIMITED or resource.data is not None:
        return resource
    target, room = new_file(".csv"), LARGE
    streams = text_streams(resource)  # which closes its file when it is gone
    stream = next(streams)
    with target.open("w", encoding=resource.encoding, errors="surrogateescape", newline="") as sink:
        for _ in range(max(WHOLE, FIRST) + 100):
            line = stream.readline(room)
            sink.write(line)
            room -= len(line)
            if not (line and room):
                break
    return replace(resource, files=(target,), paths=resource.paths[:1], compression=None)


def _label(resource: Resource, fields: Sequence[Field], rows: Sequence[Sequence[Any]]) -> int | None:
    """The field that says in words what a row is: one called so, else the first text that isn't a key or a code.

    Most rows must have it.
    """
    schema = resource.schema or Schema(())
    keys = {*schema.primary_key, *(name for key in schema.foreign_keys for name in key.fields)}
    texts = [
        number for number, one in enumerate(fields)
        if one.type == "string" and one.name not in keys and 2 * sum(row[number] is None for row in rows) < len(rows)
    ]  # fmt: skip
    named = [number for word in LABELS for number in texts if fields[number].name == word]
    free = (
        number for number in texts
        if not {"pattern", "enum", "maxLength"} & set(fields[number].constraints) and not fields[number].categories
        and fields[number].format == "default"
    )  # fmt: skip
    return next(iter(named), next(free, None))


def _short(value: Any) -> Any:
    """A value, or the beginning of one that is too long for the page, which says so."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else ""
    if len(text) <= CELL:
        return value
    return f"{text[:CELL]}… (the first {CELL:,} of {len(text):,} characters; the rest is in the files)"


def _fitting(rows: Iterator[list[Any]], room: int) -> Iterator[tuple[Any, ...]]:
    """The rows that fit into so many characters of JSON."""
    for row in rows:
        room -= len(json.dumps(row, ensure_ascii=False, separators=(",", ":"))) + 1
        if room < 0:
            return
        yield tuple(row)


# Pictures


def _own_pictures(package: Package) -> Iterator[Path]:
    """The package's `image` and the pictures among its resources, if they are in the release."""
    image = package.descriptor.get("image")
    named = [image] if isinstance(image, str) and not unsafe(image) else []
    others = (one.files for one in package.resources if not one.tabular)
    files = itertools.chain((package.base / name for name in named), *others)
    for path in dict.fromkeys(files):
        if path.suffix.lower() in TYPES and path.is_file() and path.stat().st_size <= PICTURE:
            yield path


def read_picture(path: Path) -> Picture:
    """A picture that a page can show. Raises UsageFault for what is none, ImprintError where it can't be read."""
    kind = TYPES.get(path.suffix.lower())
    if kind is None:
        known = ", ".join(suffix.removeprefix(".") for suffix in TYPES)
        raise UsageFault("is no picture that a page can show", where=path, fix=f"name a file in one of these formats: {known}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ImprintError(f"cannot be read ({error.strerror})", where=path, fix="check the path") from error
    if len(content) > PICTURE:
        raise UsageFault(f"has more than {PICTURE >> 20} MiB, too much for a page", where=path, fix="make it smaller")
    said = content.decode("utf-8", errors="replace") if kind == "image/svg+xml" else ""
    title = _said("title", said) or re.sub(r"[-_\s]+", " ", path.stem).strip().capitalize()
    return Picture(title, _said("desc", said), f"data:{kind};base64,{base64.b64encode(content).decode()}")


def _said(word: str, svg: str) -> str:
    """What a drawing says of itself in its first `title` or `desc`."""
    found = re.search(rf"<{word}(?:\s[^>]*)?>([^<]*)</{word}>", svg)
    return " ".join(html.unescape(found[1]).split()) if found else ""
