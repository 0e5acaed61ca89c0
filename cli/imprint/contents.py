"""What a release holds, checked against what its manifest says: values, files that others write, and the verdict.

A file whose bytes depend on the library that writes it has no digest in the manifest, so what it holds is compared: a Parquet
file by its fingerprint, a SQLite file and a workbook with one that is built again.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import tempfile
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from . import descriptor, difference, fingerprint, ledger, safety, semver, spelling, sql, validation, version
from .changes import Terms
from .engine import Engine
from .exceptions import ImprintError
from .exports import columns, sqlite, workbook
from .findings import Policy
from .fingerprint import Fingerprint
from .manifest import MANIFEST, File, Manifest
from .package import Dialect, Package, Schema
from .report import Error
from .scan import Checked
from .validation import open_tables
from .versioning import PROFILE

BUILT = ("sqlite", "xlsx")  # formats of files that are compared with one that is built again
DECLARED = {"hash-count": "digest", "byte-count": "size"}  # types of faults, with what they are of
BROKEN_ZIP = (*safety.BROKEN_ZIP, OSError)


def problems(folder: Path, manifest: Manifest, wrong: Collection[str], memory: str | None) -> Iterator[str]:
    """How the values in a release differ from what its manifest says; `wrong` are files whose digests are known to be."""
    try:
        package, _ = descriptor.load(folder / "datapackage.json")
        there = {name: one for name, one in manifest.files.items() if (folder / name).is_file()}
        written = {one.table: name for name, one in there.items() if one.derived and one.form == "parquet"}
        with open_tables(package, _as_parquet(package, folder, written), memory=memory) as (engine, (tables, others)):
            prints = {name: fingerprint.of_table(engine, one) for name, one in tables.items()}
            found = [*_described(package, manifest, tables, wrong), *_values(manifest, prints)]
            if fingerprint.of_package(package, prints) != manifest.fingerprint:
                found.append("the package's fingerprint is not that of the manifest")
            yield from found
            yield from _parquet(engine, manifest, written, others)
            if not found and not any(name in wrong for name, one in manifest.files.items() if not one.form):
                yield from _built(engine, folder, manifest, package, tables, prints)
    except ImprintError as error:
        yield said(error, folder)


def declared(folder: Path, memory: str | None) -> Iterator[str]:
    """How the files of a package differ from the sizes and digests in its descriptor, and which can't be read."""
    try:
        package, faults = descriptor.load(folder / "datapackage.json")
        as_errors, wanted = replace(package, warnings=frozenset()), Policy(only=frozenset(DECLARED))
        for fault in validation.validate(as_errors, faults, memory=memory, policy=wanted).all_errors:
            yield _declared(fault) or fault.message
    except ImprintError as error:
        yield said(error, folder)


def said(error: ImprintError, folder: Path) -> str:
    """A fault as a problem of a release in `folder`, which needs no naming."""
    place = error.where.removeprefix(f"{folder}/")
    return f"{place}: {error.what}" if place else error.what


def _described(package: Package, manifest: Manifest, tables: Mapping[str, Checked], wrong: Collection[str]) -> Iterator[str]:
    for word, here, there in (("name", package.name, manifest.name), ("version", package.version, manifest.version)):
        if here != there:
            yield f'"{word}" is {here or "nothing"} in datapackage.json, and {there} in manifest.json'
    if "datapackage.json" not in wrong:
        right = (one for one in tables.values() if not {*one.table.resource.paths} & {*wrong})
        yield from filter(None, (_declared(fault) for one in right for fault in one.findings.errors))


def _declared(fault: Error) -> str:
    """A size or digest that isn't the one in the descriptor, as a problem; "" for any other fault."""
    what = DECLARED.get(fault.type)
    return f'"{fault.resource}" has another {what} than datapackage.json says' if what else ""


def _values(manifest: Manifest, prints: Mapping[str, Fingerprint]) -> Iterator[str]:
    yield from (f'table "{name}" is not in manifest.json' for name in sorted(prints.keys() - manifest.resources.keys()))
    for name, known in sorted(manifest.resources.items()):
        actual = prints.get(name)
        if actual is None:
            yield f'table "{name}" can\'t be read'
        elif actual.table != known.fingerprint:
            columns = [column for column, value in known.columns.items() if actual.columns.get(column) != value]
            yield f'the values of "{name}" are not those that were released ({", ".join(columns) or "row by row"})'
        elif (actual.rows, actual.columns) != (known.rows, known.columns):
            yield f'manifest.json has other rows or columns of "{name}" than its values give'


# Files that others write


def _as_parquet(package: Package, folder: Path, written: Mapping[str, str]) -> Package:
    """The same package, with the tables as they are in its Parquet files: of plain fields, without keys or rules."""
    resources = [
        replace(
            one, paths=(name,), files=(folder / name,), data=None, format="parquet", encoding="utf-8", compression=None,
            dialect=Dialect(), json_schema=None, descriptor={"name": one.name, "path": name, "format": "parquet"},
            schema=_plain(one.schema),
        )
        for one in package.resources
        if (name := written.get(one.name))
    ]  # fmt: skip
    return replace(package, resources=tuple(resources))


def _plain(schema: Schema | None) -> Schema | None:
    if schema is None:
        return None
    fields = tuple(map(spelling.plain, schema.fields))
    return replace(schema, fields=fields, primary_key=(), unique_keys=(), foreign_keys=())


def _parquet(engine: Engine, manifest: Manifest, written: Mapping[str, str], others: Mapping[str, Checked]) -> Iterator[str]:
    for table, name in sorted(written.items()):
        known = manifest.resources.get(table)
        if known is None:
            yield f'{name} is of "{table}", which is no table of the release'
        elif table not in others:
            yield f"{name} can't be read"
        elif fingerprint.of_table(engine, others[table], columns=False).table != known.fingerprint:
            yield f'{name} has other values than "{table}"'
        elif manifest.files[name].fingerprint != known.fingerprint:
            yield f'{MANIFEST} says another fingerprint of {name} than of "{table}"'


def _built(
    engine: Engine, folder: Path, manifest: Manifest, package: Package, tables: Mapping[str, Checked],
    prints: Mapping[str, Fingerprint],
) -> Iterator[str]:  # fmt: skip
    """SQLite files and workbooks whose content is not what a build from the tables gives."""
    tables = {name: one for name, one in tables.items() if one.columns}
    together = fingerprint.together({name: prints[name] for name in tables})
    wanted = {name: one.form for name, one in sorted(manifest.files.items()) if one.derived and one.form in BUILT}
    for name in (name for name in wanted if (folder / name).is_file()):
        if manifest.files[name].fingerprint != together:
            yield f"{MANIFEST} says another fingerprint of {name} than its tables have together"
        with tempfile.TemporaryDirectory(prefix="imprint-") as aside:
            again = Path(aside) / "again"
            if wanted[name] == "xlsx":
                workbook.write(engine, package, tables, again)
                found = _workbook_differences(folder / name, again)
            else:
                typed = {table: columns.columns(engine, one, prints[table].longest) for table, one in tables.items()}
                sqlite.write(engine, package, tables, typed, again)
                found = _sqlite_differences(folder / name, again)
            yield from (f"{name} {difference}" for difference in found)


def unchecked(files: Mapping[str, File]) -> list[str]:
    """The files of which nothing is known but what SHA256SUMS says."""
    return sorted(name for name, one in files.items() if one.derived and one.form not in {*BUILT, "parquet"})


def _sqlite_differences(path: Path, again: Path) -> Iterator[str]:
    with contextlib.closing(_opened(path)) as mine, contextlib.closing(_opened(again)) as other:
        try:
            listed = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"
            objects = other.execute(listed).fetchall()
            if mine.execute(listed).fetchmany(len(objects) + 1) != objects:
                yield "has other tables or views than a build gives"
                return
            for name in [name for kind, name, *_ in objects if kind == "table"]:
                query = f"SELECT * FROM {sql.identifier(name)}"
                if _in_any_order(mine.execute(query)) != _in_any_order(other.execute(query)):
                    yield f'has other values than "{name}"'
        except sqlite3.Error as error:
            yield f"can't be read: {error}"


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def _workbook_differences(path: Path, again: Path) -> Iterator[str]:
    try:
        with zipfile.ZipFile(path) as mine, zipfile.ZipFile(again) as other:
            sizes = [{one.filename: one.file_size for one in book.infolist()} for book in (mine, other)]
            if sizes[0].keys() != sizes[1].keys() or len(mine.infolist()) != len(sizes[0]):
                yield "has other parts than a build gives"
                return
            for name in (name for name in sizes[1] if name.startswith("xl/") and name.endswith(".xml")):
                if name.startswith("xl/worksheets/") or name in ("xl/workbook.xml", "xl/sharedStrings.xml"):
                    larger = sizes[0][name] > 2 * sizes[1][name] + 1000
                    if larger or _in_any_order(_rows(mine, name)) != _in_any_order(_rows(other, name)):
                        yield f"has other values than a build gives ({name})"
    except (*BROKEN_ZIP, ElementTree.ParseError) as error:
        yield f"can't be read: {error}"


def _rows(book: zipfile.ZipFile, name: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a sheet, each cell with its column, type and text; or the sheets, or the texts that cells share."""
    with book.open(name) as part:
        for _, element in ElementTree.iterparse(part):
            word = element.tag.rpartition("}")[2]
            if word == "row":
                yield tuple((one.get("r", "").rstrip("0123456789"), one.get("t"), "".join(one.itertext())) for one in element)
                element.clear()
            elif word in ("si", "sheet"):
                yield word, element.get("name"), "".join(element.itertext())


def _in_any_order(rows: Iterable[Any]) -> tuple[int, int]:
    """What the same rows in another order give too: how many there are, and the sum of their digests."""
    count = total = 0
    for row in rows:
        count += 1
        total += int.from_bytes(hashlib.sha256(repr(row).encode("utf-8", "surrogatepass")).digest())
    return count, total


# The verdict


def verdict_problems(
    folder: Path, manifest: Manifest, before: Path | None, memory: str | None, notes: list[str]
) -> Iterator[str]:  # fmt: skip
    """How the verdict differs from the one that the data asks for; `before` is the release before, if there was one.

    A rule that fires and isn't recorded may be younger than the release: where the bump is the same, it is added to `notes`.
    """
    known = {"bump": "none", "rules": [], "waived": [], **manifest.verdict}
    first = ledger.Entry("", "", "", "", "none")
    derived = first.verdict()
    if before is not None:
        try:
            old, _ = descriptor.load(before / "datapackage.json")
            new, _ = descriptor.load(folder / "datapackage.json")
            changes = difference.diff(old, new, Terms(all_removed=True), memory=memory)
            found = version.verdict(changes, str(known.get("profile", PROFILE)))
            low = semver.parse(old.version) >= (1, 0, 0) and semver.parse(new.version) < semver.parse(found.next_version)
        except ImprintError as error:
            yield f"its verdict can't be derived again: {said(error, folder)}"
            return
        if manifest.previous and changes.old.fingerprint != manifest.previous.get("fingerprint"):
            yield f"{old.version} is not what {manifest.version} came after: its fingerprint is another"
        if low:
            yield f"version {new.version} is too low after {old.version}: the changes ask for {found.next_version}"
        derived = ledger.judged(first, changes, found).verdict()
    if known["bump"] == derived["bump"] and isinstance(known["rules"], list):
        younger = sorted(set(derived["rules"]) - set(map(str, known["rules"])))
        if younger and set(derived["rules"]).issuperset(map(str, known["rules"])):
            notes.append(f"the data asks for the same bump also by {', '.join(younger)}, which the verdict doesn't name")
            derived["rules"] = known["rules"]
    for word in sorted(known.keys() | derived.keys()):
        if known.get(word) != derived.get(word):
            yield f'the verdict\'s "{word}" is {_shown(known.get(word))} here, and {_shown(derived.get(word))} by the data'


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(one.get("rule")) if isinstance(one, dict) else str(one) for one in value) or "none"
    return str(value) if value is not None else "none"
