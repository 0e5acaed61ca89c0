"""What a release is made of: the package itself, its tables in other formats, what describes it, and the digests of all."""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from . import archive, changelog, fingerprint, metadata, safety
from .engine import Engine
from .exceptions import UsageFault
from .exports import columns, csv, parquet, sqlite, workbook
from .exports import json as json_table
from .fingerprint import Fingerprint
from .ledger import NAME as LEDGER
from .ledger import Entry
from .manifest import MANIFEST, NOTES, SUMS, Content, File, Manifest
from .package import Package, Resource
from .report import Report, shorten
from .scan import Checked
from .signing import ATTESTATION

TABLES = ("csv", "json", "parquet", "sqlite", "xlsx")  # formats of the tables
FORMATS = (*TABLES, "delta", *metadata.FORMS)
REPORT, DELTA = "report.json", "delta"
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # which no list of files can hold
LONGEST = 240  # bytes of a file's name, as file systems take 255, and whoever writes one may add to it meanwhile


@dataclass(frozen=True)
class Snapshot:
    """A package as it is released: its files are copied to `package.base`; `names` are their paths there."""

    package: Package
    names: tuple[str, ...]


@dataclass(frozen=True)
class Examined:
    """A snapshot that was validated: the report, the engine with its tables, and their fingerprints."""

    snapshot: Snapshot
    report: Report
    engine: Engine
    tables: Mapping[str, Checked]
    prints: Mapping[str, Fingerprint]


def formats(text: str | None) -> tuple[str, ...]:
    """The formats that a list such as "csv,parquet" names; all for None. Raises UsageFault for one that there isn't."""
    if text is None:
        return FORMATS
    named = [one.strip() for one in text.split(",") if one.strip()]
    for one in named:
        if one not in (*FORMATS, "all", "none"):
            raise UsageFault(f'there is no format "{one}"', where="--formats", fix=f"name some of {', '.join(FORMATS)}")
    return FORMATS if "all" in named else tuple(one for one in FORMATS if one in named)


# The package


def snapshot(package: Package, folder: Path) -> Snapshot:
    """Copy a package to a directory: its descriptor with sizes and digests, data, schemas. Nothing else of it is read again.

    Raises UsageFault where it names a document that isn't inside it, or its files can't have their names in a release.
    """
    copied: set[str] = set()
    for resource in package.resources:
        for path, file in zip(resource.paths, resource.files, strict=True):
            copied.add(_copy(file, folder, path))
        for word in ("schema", "jsonSchema", "dialect"):
            named = resource.descriptor.get(word)
            if isinstance(named, str):
                copied.add(_copy(package.base / named, folder, named))
    for word, named in fingerprint.documents(package).items():
        if reason := safety.unsafe(named):
            raise UsageFault(f'names "{named}", which is not safe: it {reason}', where=package.source, fix="keep it inside")
        if not (package.base / named).is_file():
            message = f'names "{named}" in "{word}", which isn\'t there'
            raise UsageFault(message, where=package.source, fix="add the file, or leave the property out")
        copied.add(_copy(package.base / named, folder, named))
    resources = tuple(
        replace(resource, files=tuple(folder / path for path in resource.paths) if resource.files else ())
        for resource in package.resources
    )
    with ThreadPoolExecutor() as pool:
        described = list(pool.map(_described, resources))
    said = {**package.descriptor, "resources": described}
    archive.write_text(folder / "datapackage.json", json.dumps(said, indent=2, ensure_ascii=False) + "\n")
    _refuse_names(package, sorted(copied))
    names = tuple(sorted({"datapackage.json", *copied}))
    return Snapshot(replace(package, base=folder, resources=resources), names)


def _copy(source: Path, folder: Path, name: str) -> str:
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return Path(name).as_posix()


def _described(resource: Resource) -> dict[str, Any]:
    """A resource's descriptor with the size and digest of its one file."""
    described = dict(resource.descriptor)
    if len(resource.files) == 1:
        described["bytes"] = resource.files[0].stat().st_size
        described["hash"] = f"sha256:{archive.sha256(resource.files[0])}"
    return described


def _refuse_names(package: Package, names: Sequence[str]) -> None:
    """Refuse a package whose files can't lie beside those that a release writes, in whatever format, wherever it is fetched."""
    tables = [one.name for one in package.resources if one.tabular]
    made = [_table_name(table, form) for form in ("csv", "json", "parquet") for table in tables]
    own = [zip_name(package), *(_whole_name(package, form) for form in ("sqlite", "xlsx")), *made, *metadata.FORMS.values()]
    for name in (*names, *own):
        if reason := _unfit(name):
            what = f'makes a file "{shorten(name, 200)}", which is no name for one: {reason}'
            raise UsageFault(what, where=package.source, fix="name the package, the table or the file otherwise")
    if twins := _twins(tables, lambda table: _table_name(table, "csv")):
        what = f'has tables "{twins[0]}" and "{twins[1]}", whose files would have the same name'
        raise UsageFault(what, where=package.source, fix="name one of them otherwise")
    if twins := _twins(names, lambda name: name):
        what = f'has files "{twins[0]}" and "{twins[1]}", which are one where case doesn\'t count'
        raise UsageFault(what, where=package.source, fix="name one of them otherwise")
    files = ["datapackage.json", NOTES, MANIFEST, SUMS, REPORT, ATTESTATION, DELTA, changelog.NAME, LEDGER, *own]
    taken = {_alike(name): name for name in files}
    folders = {folder: name for name in reversed(files) for folder in _above(name)}
    for name in names:
        if other := next((taken[one] for one in (_alike(name), *_above(name)) if one in taken), folders.get(_alike(name))):
            what = f'has a file "{name}", and a release writes its own "{other}"'
            raise UsageFault(what, where=package.source, fix="move it elsewhere")


def _unfit(name: str) -> str:
    """Why no file can have a name; an empty text where one can."""
    if CONTROL.search(name):
        return "it has a control character"
    if found := safety.unsafe(name):
        return f"it {found}"
    return "it is too long" if max(len(os.fsencode(part)) for part in name.split("/")) > LONGEST else ""


def _twins(names: Sequence[str], file: Callable[[str], str]) -> tuple[str, str] | None:
    """The first two whose files a file system may take for one."""
    seen: dict[str, str] = {}
    return next(((other, one) for one in names if (other := seen.setdefault(_alike(file(one)), one)) != one), None)


def _alike(name: str) -> str:
    """The same text for all names that are one on some file system: of macOS and Windows, case doesn't count."""
    return unicodedata.normalize("NFC", name).casefold()


def _above(name: str) -> list[str]:
    """The folders that a file lies in, as `_alike` has them."""
    return [str(folder) for folder in PurePosixPath(_alike(name)).parents][:-1]


def zip_name(package: Package) -> str:
    """The name of a release's zip."""
    return f"{_stem(package)}-{package.version}.zip"


def _stem(package: Package) -> str:
    return (package.name or "package").replace("/", "-")


def _whole_name(package: Package, form: str) -> str:
    return f"{_stem(package)}.{form}"


def _table_name(table: str, form: str) -> str:
    return f"{form}/{table.replace('/', '-')}.{form}"


# The rest


def fill(
    examined: Examined, entry: Entry, previous: Entry | None, part: str, forms: Collection[str], tool: str,
    write_delta: Callable[[Path], str] | None, say: Callable[[str], None],
) -> tuple[Manifest, tuple[str, ...]]:  # fmt: skip
    """Write all of a release beside its snapshot; the manifest, and what a user should know of it.

    `part` is the changelog's; `write_delta` writes the change since `previous` to a directory, or says why not. `say` hears
    what is being done.
    """
    package, folder = examined.snapshot.package, examined.snapshot.package.base
    archive.write_text(folder / NOTES, part)
    moment = int(datetime.datetime.fromisoformat(f"{entry.date}T00:00:00+00:00").timestamp())
    name = zip_name(package)
    with ThreadPoolExecutor(1) as pool:
        names = [*examined.snapshot.names, NOTES]
        zipped = pool.submit(archive.write_zip, folder / name, folder, names, name.removesuffix(".zip"), moment)
        archive.write_text(folder / REPORT, _report_text(examined.report))
        made, notes = _tables(examined, forms, say)
        say("the zip")
        zipped.result()
    if write_delta is not None:
        say("the delta")
        if note := write_delta(folder / DELTA):
            notes = (*notes, note)
    say("digests")
    contents = {
        table: Content(one.rows, one.table, one.columns) for table, one in sorted(examined.prints.items(), key=_order(package))
    }
    words = ("version", "sha256", "fingerprint")  # the digest is unknown of a release that isn't in the ledger
    before = {word: text for word in words if (text := str(getattr(previous, word)))} if previous else {}
    manifest = Manifest(
        package.name, entry.version, entry.date, entry.fingerprint, name, entry.verdict(), contents, {}, before, tool
    )
    manifest = replace(manifest, files=_files(folder, made))
    described = metadata.render(package, manifest, [form for form in forms if form in metadata.FORMS])
    for path, text in described.items():
        archive.write_text(folder / path, text)
    kinds = {path: File(form=form) for form, path in metadata.FORMS.items() if path in described}
    manifest = replace(manifest, files={**manifest.files, **_digests(folder, kinds)})
    archive.write_text(folder / MANIFEST, manifest.text())
    known = {path: one.sha256 for path, one in manifest.files.items()}
    archive.write_text(folder / SUMS, archive.sums(folder, archive.files_below(folder), known))
    return manifest, notes


def _order(package: Package) -> Callable[[tuple[str, Any]], int]:
    names = [resource.name for resource in package.resources]
    return lambda item: names.index(item[0])


def _report_text(report: Report) -> str:
    """The validation's report as JSON, without how long it took."""
    return json.dumps(replace(report, seconds=0).to_dict(), indent=2, ensure_ascii=False) + "\n"


def _tables(
    examined: Examined, forms: Collection[str], say: Callable[[str], None]
) -> tuple[dict[str, File], tuple[str, ...]]:  # fmt: skip
    """Write the tables in the formats that are asked for: what was made, and notes."""
    package, engine, prints = examined.snapshot.package, examined.engine, examined.prints
    folder, made, notes = package.base, dict[str, File](), list[str]()
    tables = {name: one for name, one in examined.tables.items() if one.columns}
    resources = {resource.name: resource for resource in package.resources}  # as they are stored, not as they were unpacked
    typed = {name: columns.columns(engine, one, prints[name].longest) for name, one in tables.items()}
    for name, one in tables.items():
        if csv.is_plain(resources[name]):
            made[Path(resources[name].paths[0]).as_posix()] = File(table=name)
        elif "csv" in forms:
            say(f"CSV of {name}")
            if reason := csv.write(engine, one, folder / _table_name(name, "csv")):
                notes.append(f'without a CSV file of "{name}": it {reason}')
            else:
                made[_table_name(name, "csv")] = File(form="csv", table=name)
        if "json" in forms:
            say(f"JSON of {name}")
            json_table.write(engine, one, typed[name], folder / _table_name(name, "json"))
            made[_table_name(name, "json")] = File(form="json", table=name)
        if "parquet" in forms:
            say(f"Parquet of {name}")
            parquet.write(engine, one, typed[name], folder / _table_name(name, "parquet"))
            made[_table_name(name, "parquet")] = File(
                derived=parquet.WRITER, fingerprint=prints[name].table, form="parquet", table=name
            )
    together = fingerprint.together({name: prints[name] for name in tables})
    if "sqlite" in forms:
        say("SQLite")
        notes += sqlite.write(engine, package, tables, typed, folder / _whole_name(package, "sqlite"))
        made[_whole_name(package, "sqlite")] = File(derived=sqlite.WRITER, fingerprint=together, form="sqlite")
    if "xlsx" in forms:
        say("the workbook")
        notes += workbook.write(engine, package, tables, folder / _whole_name(package, "xlsx"))
        made[_whole_name(package, "xlsx")] = File(derived=workbook.WRITER, fingerprint=together, form="xlsx")
    return made, tuple(notes)


def _files(folder: Path, made: Mapping[str, File]) -> dict[str, File]:
    """Every file of the directory, with size and digest where these depend on the content alone."""
    delta = {name: File(form="delta") for name in archive.files_below(folder) if name.startswith(f"{DELTA}/")}
    kinds = {**dict.fromkeys(archive.files_below(folder), File()), **delta, **made}
    return _digests(folder, kinds)


def _digests(folder: Path, kinds: Mapping[str, File]) -> dict[str, File]:
    def digested(name: str) -> File:
        one, path = kinds[name], folder / name
        return one if one.derived else replace(one, bytes=path.stat().st_size, sha256=archive.sha256(path))

    with ThreadPoolExecutor() as pool:
        return dict(zip(kinds, pool.map(digested, kinds), strict=True))
