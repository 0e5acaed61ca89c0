"""Release: gate, verdict, build, one rename, ledger. What was released stays as it is.

A release is the package with sizes and digests filled in, each table as JSON beside it, a deterministic zip, the part of
the changelog, a manifest and SHA256SUMS, in `<out>/<version>/`. It is built in a temporary directory and appears whole.
"""

from __future__ import annotations

import datetime
import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from . import (
    archive,
    changelog,
    descriptor,
    difference,
    documents,
    fingerprint,
    formats,
    ledger,
    locate,
    revisions,
    safety,
    semver,
    sqlite,
    version,
)
from .changes import Changes, Terms
from .exceptions import DataFault, ImprintError, UsageFault
from .fingerprint import Fingerprint
from .ledger import Entry
from .manifest import INDEX, MANIFEST, NOTES, SUMS
from .package import Package, Resource
from .report import Error, Report
from .validation import open_tables, validate


@dataclass(frozen=True)
class Released:
    """What `release` did. `released` is False where the version was released before with the same content."""

    version: str
    released: bool
    bump: str
    path: Path
    archive: Path
    sha256: str
    fingerprint: str
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        if not self.released:
            return {"version": self.version, "bump": "none", "released": False, "path": str(self.path)}
        return {
            "version": self.version, "bump": self.bump, "path": str(self.path), "archive": str(self.archive),
            "sha256": self.sha256, "fingerprint": self.fingerprint,
        }  # fmt: skip


class Refused(DataFault):
    """The release is refused; `report` says why where the data is invalid, `verdict` where the version is too low."""

    def __init__(
        self, what: str, *, where: object = "", fix: str = "", report: Report | None = None,
        verdict: version.Verdict | None = None,
    ) -> None:  # fmt: skip
        super().__init__(what, where=where, fix=fix)
        self.report = report
        self.verdict = verdict


def release(
    package: Package, faults: tuple[Error, ...] = (), *, out: Path = Path("dist"), against: str | None = None,
    allow_unbumped: bool = False, profile: str | None = None, memory: str | None = None,
) -> Released:  # fmt: skip
    """Build `<out>/<version>/` of a valid package whose version is high enough by the rules of `profile`.

    `against` names the last release's data where it is neither in `out` nor in git. Raises Refused where the data is invalid
    or the version too low, ImprintError where the environment fails; nothing is left half-written, and what was released
    before is untouched.
    """
    if package.base != Path(package.source) and package.descriptor_path != Path(package.source):
        raise UsageFault("can't be released from where it is", where=package.source, fix="name the package's own directory")
    semver.parse(package.version)
    report = validate(package, faults, memory=memory)
    if not report.valid:
        raise Refused(
            f"is not valid: {report.error_count:,} errors", where=package.source, fix="run imprint validate", report=report
        )
    lost = [resource.name for resource in package.resources if resource.paths and not resource.files]
    if lost:  # which the package may declare to be a warning
        raise Refused(f'has no file of resource "{lost[0]}"', where=package.source, fix="add it or take the resource away")
    prints = fingerprint.of_tables(package, memory)
    content = fingerprint.of_package(package, prints)
    entries = ledger.read(package.base)
    known = next((entry for entry in entries if entry.version == package.version), None)
    if known is not None and known.fingerprint == content:
        return _rebuild(package, known, entries, prints, out)
    if known is not None:
        if not allow_unbumped or semver.parse(package.version) >= (1, 0, 0):
            raise _changed_after_release(package, known, entries, out, against, profile, memory)
        entries = tuple(entry for entry in entries if entry is not known)
    return _release_new(package, entries, content, prints, out, against, profile, memory, instead=known is not None)


def _release_new(
    package: Package, entries: tuple[Entry, ...], content: str, prints: dict[str, Fingerprint], out: Path,
    against: str | None, profile: str | None, memory: str | None, *, instead: bool,
) -> Released:  # fmt: skip
    date = _date(package, out, content)
    notes: list[str] = []
    if entries or against:
        changes = _compare(package, entries, out, against, memory)
        verdict = version.verdict(changes, profile)
        if not changes.differences and changes.same_content:
            return Released(
                package.version, False, "none", out / changes.old.version, out, "", content, ("nothing has changed",)
            )
        _refuse_used_again(package, memory)
        notes += [*(note.message for note in changes.notes if note.kind == "waiver-unused"), *_gate(package, changes, verdict)]
        part = changelog.release(package.version, date, changes, verdict)
        entry = Entry(
            package.version, date, "", content, verdict.bump.name, _rules(verdict, waived=False), _rules(verdict, waived=True),
            _contents(prints), _waivers(changes), verdict.profile,
        )  # fmt: skip
    else:
        part = changelog.first_release(package.version, date, {name: one.rows for name, one in prints.items()})
        entry = Entry(package.version, date, "", content, "none", resources=_contents(prints))
    target = out / package.version
    digest = _build(package, entry, prints, part, target, instead=instead)
    entry = replace(entry, sha256=digest)
    log = package.base / changelog.NAME
    existing = log.read_text(encoding="utf-8") if log.exists() else changelog.HEAD
    archive.replace_text(log, changelog.with_part(existing, package.version, part))
    ledger.write(package.base, (*entries, entry))
    _write_index(out, (*entries, entry))
    return Released(package.version, True, entry.bump, target, target / _zip_name(package), digest, content, tuple(notes))


def _rules(verdict: version.Verdict, *, waived: bool) -> tuple[str, ...]:
    return tuple(sorted({fired.rule.id for fired in verdict.fired if fired.waived is waived}))


def _waivers(changes: Changes) -> tuple[dict[str, str], ...]:
    """The waivers that set something aside."""
    used = (one for one in changes.waivers if any(version.waives(one, difference) for difference in changes.differences))
    return tuple({word: text for word, text in asdict(waiver).items() if text} for waiver in used)


def _refuse_used_again(package: Package, memory: str | None) -> None:
    """Refuse an id that a released version used for a row that was withdrawn since; a key of several fields is no id."""
    log = package.base / changelog.NAME
    gone = changelog.withdrawn(log.read_text(encoding="utf-8")) if log.exists() else {}
    if not gone:
        return
    with open_tables(package, memory=memory) as (engine, (tables,)):
        for name, one in tables.items():
            columns = one.keys(one.table.schema.primary_key) or []
            if name in gone and len(columns) == 1:
                for row, key in engine.stream(f"SELECT rn, {columns[0]} FROM {one.logical} ORDER BY rn"):
                    if key in gone[name]:
                        message = f'"{name}", row {row}: the id "{key}" was withdrawn, and is not to be used for something else'
                        raise Refused(message, where=package.source, fix="give the row an id of its own")


def _contents(prints: dict[str, Fingerprint]) -> dict[str, dict[str, Any]]:
    return {name: {"rows": one.rows, "fingerprint": one.table} for name, one in prints.items()}


def _gate(package: Package, changes: Changes, verdict: version.Verdict) -> list[str]:
    """Refuse a version that is too low; below 1.0.0 only say so."""
    last, mine = semver.parse(changes.old.version), semver.parse(package.version)
    needed = semver.parse(verdict.next_version)
    if mine >= needed and package.version != changes.old.version:
        return []
    said = f"version {package.version} is too low after {changes.old.version}: the changes ask for {verdict.next_version}"
    if mine <= last or last >= (1, 0, 0):
        raise Refused(said, where=package.source, fix=f'set "version" to {verdict.next_version} or higher', verdict=verdict)
    rules = dict.fromkeys(fired.rule.id for fired in verdict.demanding)
    return [f"{said} ({', '.join(rules)})"]


def _changed_after_release(
    package: Package, known: Entry, entries: tuple[Entry, ...], out: Path, against: str | None, profile: str | None,
    memory: str | None,
) -> Refused:  # fmt: skip
    """The refusal of a version that was released with other content, with the least next version where it can be had."""
    try:
        verdict = version.verdict(_compare(package, entries, out, against, memory), profile)
        needed = verdict.next_version
    except UsageFault:
        raise
    except ImprintError:
        verdict, needed = None, version.next_version(entries[-1].version, version.Bump.patch)
    message = f"version {known.version} was released with other content on {known.date}"
    return Refused(message, where=package.source, fix=f'set "version" to {needed} or higher', verdict=verdict)


def _compare(package: Package, entries: tuple[Entry, ...], out: Path, against: str | None, memory: str | None) -> Changes:
    source = against or last_release(package, entries, out)
    with locate.located(source, package.base) as path:
        old, _ = descriptor.load(path, source)
        changes = difference.diff(old, package, Terms(all_removed=True), memory=memory)
    expected = entries[-1].fingerprint if entries and not against else None
    if expected and changes.old.fingerprint != expected:
        message = f"is not what the ledger says that {entries[-1].version} was"
        raise ImprintError(message, where=source, fix="name the last release's data with --against")
    return changes


def last_release(package: Package, entries: tuple[Entry, ...], out: Path) -> str:
    """Where the data of the ledger's last version is: in `out`, else the git revision that released it.

    Raises ImprintError where it is in neither.
    """
    if not entries:
        raise ImprintError("has no release yet", where=package.source, fix="run imprint release first, or name two packages")
    last = entries[-1]
    if (out / last.version / MANIFEST).is_file():
        return str(out / last.version)
    try:
        prefix = revisions.git("rev-parse", "--show-prefix", where=package.source, directory=package.base).decode().strip()
        found = revisions.git(
            "log", "--format=%H", f"-S{last.fingerprint}", "--", ledger.NAME, where=package.source, directory=package.base
        )
    except ImprintError:
        found, prefix = b"", ""
    commits = found.decode().split()
    if not commits:
        fix = "fetch the whole history, or name it yourself"
        raise ImprintError(f"the data of {last.version} is neither in {out} nor in git", where=package.source, fix=fix)
    return f"git:{commits[-1]}:{prefix or '.'}"


# The build


def _date(package: Package, out: Path, content: str) -> str:
    """The release's date: SOURCE_DATE_EPOCH, else that of the commit, else today (UTC)."""
    started = out / package.version / MANIFEST
    if started.is_file():  # an earlier try got as far as the rename: it is gone on with
        manifest = documents.read_document(started)
        if isinstance(manifest, dict) and manifest.get("fingerprint") == content and "date" in manifest:
            return str(manifest["date"])
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch:
        try:
            epoch = revisions.git("log", "-1", "--format=%ct", where=package.source, directory=package.base).decode().strip()
        except ImprintError:
            epoch = ""
    if not epoch:
        return datetime.datetime.now(datetime.UTC).date().isoformat()
    try:
        return datetime.datetime.fromtimestamp(int(epoch), datetime.UTC).date().isoformat()
    except (ValueError, OverflowError) as error:
        raise ImprintError(f'"{epoch}" is not a number of seconds', where="SOURCE_DATE_EPOCH", fix="unset it") from error


def _zip_name(package: Package) -> str:
    return f"{(package.name or 'package').replace('/', '-')}-{package.version}.zip"


def _build(
    package: Package, entry: Entry, prints: dict[str, Fingerprint], part: str, target: Path, *, instead: bool = False
) -> str:
    """Build the release's directory; the digest of its zip, which must be the ledger's where that has one.

    A finished directory with the same bytes is left as it is.
    """
    if target.exists() and not instead:
        return _identical(package, entry, prints, part, target)
    with archive.new_directory(target, instead=instead) as building:
        _fill(package, entry, prints, part, building)
        digest = archive.sha256(building / _zip_name(package))
        if entry.sha256 and digest != entry.sha256:
            message = (
                f"has the content of {entry.version} in other bytes than were released: the zip's SHA-256 would be "
                f"{digest[:12]}…, the ledger says {entry.sha256[:12]}…"
            )
            fix = f"restore the files and {changelog.NAME} from git, or use the imprint that released it"
            raise Refused(message, where=package.source, fix=fix)
        return digest


def _identical(package: Package, entry: Entry, prints: dict[str, Fingerprint], part: str, target: Path) -> str:
    """The digest of the zip in `target`, if that has just the bytes that a build gives. Raises Refused otherwise."""
    with tempfile.TemporaryDirectory(prefix="imprint-") as folder:
        again = Path(folder) / target.name
        digest = _build(package, entry, prints, part, again)
        differing = set(archive.sums(again, archive.files_below(again)).splitlines()) ^ set(
            archive.sums(target, archive.files_below(target)).splitlines()
        )
    if differing:
        name = min(line.split("  ", 1)[1] for line in differing)
        raise Refused(f'is there, but "{name}" is not what a build gives', where=target, fix="move it away, then release again")
    return digest


def _fill(package: Package, entry: Entry, prints: dict[str, Fingerprint], part: str, folder: Path) -> None:
    names = _copy_package(package, folder)
    _refuse_taken(package, names)
    archive.write_text(folder / NOTES, part)
    moment = int(datetime.datetime.fromisoformat(f"{entry.date}T00:00:00+00:00").timestamp())
    root = _zip_name(package).removesuffix(".zip")
    archive.write_zip(folder / _zip_name(package), folder, [*names, NOTES], root, moment)
    _write_formats(package, folder)
    manifest = _manifest(package, entry, prints, folder)
    archive.write_text(folder / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    archive.write_text(folder / SUMS, archive.sums(folder, archive.files_below(folder)))


def _copy_package(package: Package, folder: Path) -> list[str]:
    """The package's own files: descriptor with sizes and digests, data, schemas. Their names are given back."""
    resources = []
    copied: set[str] = set()
    for resource in package.resources:
        for path, file in zip(resource.paths, resource.files, strict=True):
            copied.add(_copy(file, folder, path))
        for word in ("schema", "jsonSchema", "dialect"):
            named = resource.descriptor.get(word)
            if isinstance(named, str):
                copied.add(_copy(package.base / named, folder, named))
        resources.append(_described(resource))
    for named in fingerprint.documents(package).values():
        if reason := safety.unsafe(named):
            raise UsageFault(f'names "{named}", which is not safe: it {reason}', where=package.source, fix="keep it inside")
        copied.add(_copy(package.base / named, folder, named))
    described = {**package.descriptor, "resources": resources}
    archive.write_text(folder / "datapackage.json", json.dumps(described, indent=2, ensure_ascii=False) + "\n")
    return sorted({"datapackage.json", *copied})


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


def _write_formats(package: Package, folder: Path) -> None:
    """Each table as JSON and all of them in one SQLite file, read from the copy that is released."""
    copy, _ = descriptor.load(folder / "datapackage.json")
    with open_tables(copy) as (engine, (tables,)):
        for name, one in tables.items():
            formats.write_json(engine, one, folder / _json_name(name))
        sqlite.write(engine, copy, tables, folder / _sqlite_name(package))


def _sqlite_name(package: Package) -> str:
    return f"{(package.name or 'package').replace('/', '-')}.sqlite"


def _json_name(table: str) -> str:
    return f"json/{table.replace('/', '-')}.json"


def _refuse_taken(package: Package, names: list[str]) -> None:
    """Refuse a package that has a file where the release would write one of its own."""
    own = {
        NOTES,
        MANIFEST,
        SUMS,
        _zip_name(package),
        _sqlite_name(package),
        *(_json_name(one.name) for one in package.resources if one.tabular),
    }
    for name in sorted(own.intersection(names)):
        raise UsageFault(f'has a file "{name}", which a release writes itself', where=package.source, fix="move it elsewhere")


def _manifest(package: Package, entry: Entry, prints: dict[str, Fingerprint], folder: Path) -> dict[str, Any]:
    listed = {
        name: {"bytes": (folder / name).stat().st_size, "sha256": archive.sha256(folder / name)}
        for name in archive.files_below(folder)
    }
    return {
        "name": package.name,
        "version": entry.version,
        "date": entry.date,
        "fingerprint": entry.fingerprint,
        "verdict": entry.verdict(),
        "archive": _zip_name(package),
        "resources": {
            name: {"rows": one.rows, "fingerprint": one.table, "columns": one.columns} for name, one in prints.items()
        },
        "files": listed,
    }


def _rebuild(package: Package, known: Entry, entries: tuple[Entry, ...], prints: dict[str, Fingerprint], out: Path) -> Released:
    """A version that the ledger has, with the same content: built again where it isn't there, and the same bytes."""
    target = out / known.version
    there = target.exists()
    digest = _build(package, known, prints, _part_of(package, known, prints), target)
    _write_index(out, entries)
    said = "is there, identical to the ledger's" if there else "rebuilt, identical to the ledger's"
    return Released(known.version, False, "none", target, target / _zip_name(package), digest, known.fingerprint, (said,))


def _part_of(package: Package, known: Entry, prints: dict[str, Fingerprint]) -> str:
    """The changelog's part of a version, as it was written when that was released."""
    path = package.base / changelog.NAME
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    for part in text.split("\n## ")[1:]:
        if part.startswith((f"{known.version} ", f"{known.version}\n")):
            return changelog.finished(["## " + part])
    return changelog.first_release(known.version, known.date, {name: one.rows for name, one in prints.items()})


def _write_index(out: Path, entries: tuple[Entry, ...]) -> None:
    """`index.json`: the versions that are here, newest last, and which is the latest."""
    here = [entry for entry in entries if (out / entry.version / MANIFEST).is_file()]
    listed = [
        {"version": e.version, "date": e.date, "sha256": e.sha256, "fingerprint": e.fingerprint, "path": f"{e.version}/"}
        for e in here
    ]
    index = {"latest": here[-1].version if here else None, "versions": listed}
    archive.replace_text(out / INDEX, json.dumps(index, indent=2, ensure_ascii=False) + "\n")
