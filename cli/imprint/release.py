"""Release: gate, verdict, build, one rename, ledger. What was released stays as it is.

A release is built in a temporary directory from a copy of the package, which is validated, and appears whole in
`<out>/<version>/`; `building` says what is in it.
"""

from __future__ import annotations

import contextlib
import datetime
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from . import (
    archive,
    building,
    changelog,
    fingerprint,
    ledger,
    locate,
    page,
    previous,
    revisions,
    semver,
    signing,
    store,
    validation,
    version,
)
from .building import Examined
from .changes import Changes
from .exceptions import DataFault, ExitCode, ImprintError, UsageFault
from .fingerprint import Fingerprint
from .ledger import Entry
from .manifest import INDEX, MANIFEST, SUMS, Manifest, read_manifest
from .package import Package
from .report import Error, Report

TOOL = installed("imprint")


@dataclass(frozen=True)
class Released:
    """What `release` did, and `notes` for its user.

    `released` is False where there was nothing to release: `found` says what was there instead. `signer` is the name of the key
    by which it was signed.
    """

    version: str
    released: bool
    bump: str
    path: Path
    archive: Path
    sha256: str
    fingerprint: str
    notes: tuple[str, ...] = ()
    found: str = ""
    signer: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        said = {"signedBy": self.signer or None, "notes": list(self.notes)}
        if not self.released:
            return {"version": self.version, "bump": "none", "released": False, "path": str(self.path), **said}
        return {
            "version": self.version, "bump": self.bump, "path": str(self.path), "archive": str(self.archive),
            "sha256": self.sha256, "fingerprint": self.fingerprint, **said,
        }  # fmt: skip


class Refused(DataFault):
    """The release is refused; `report` says why where the data is invalid, `verdict` where the version is too low.

    It is the environment's fault where something could not be checked.
    """

    def __init__(
        self, what: str, *, where: object = "", fix: str = "", report: Report | None = None,
        verdict: version.Verdict | None = None,
    ) -> None:  # fmt: skip
        super().__init__(what, where=where, fix=fix)
        self.report = report
        self.verdict = verdict
        if report is not None and not report.complete:
            self.exit_code = ExitCode.ENVIRONMENT


@dataclass(frozen=True)
class Asked:
    """How a release is made: where to, in which formats, with which key; see `release`. `say` hears what is being done."""

    out: Path = Path("dist")
    against: str | None = None
    allow_unbumped: bool = False
    profile: str | None = None
    memory: str | None = None
    formats: tuple[str, ...] = building.FORMATS
    key: Path | None = None
    pictures: tuple[Path, ...] = ()
    say: Callable[[str], None] = lambda _: None

    @property
    def signer(self) -> str:
        """The name of the key, as a user knows it; "" where there is none."""
        return self.key.name if self.key else ""


PLAIN = Asked()


@dataclass(frozen=True)
class Built:
    """A release's directory: the digest of its zip, and what a user should know."""

    sha256: str
    notes: tuple[str, ...] = ()


def release(package: Package, faults: tuple[Error, ...] = (), asked: Asked = PLAIN) -> Released:
    """Build `<out>/<version>/` of a valid package whose version is high enough by the rules of `profile`.

    `against` names the last release's data where it is neither in `out` nor in git. `formats` are some of `building.FORMATS`.
    With a `key` the release and the index are signed. Raises Refused where the data is invalid or the version too low,
    ImprintError where the environment fails or another release is being made; nothing is left half-written, and what was
    released before is untouched.
    """
    if package.base != Path(package.source) and package.descriptor_path != Path(package.source):
        raise UsageFault("can't be released from where it is", where=package.source, fix="name the package's own directory")
    if package.bare:
        raise UsageFault("is a data file, and no package", where=package.source, fix="give it a datapackage.json")
    try:
        semver.parse(package.version)
    except UsageFault as error:
        what = error.what if package.version else "has no version"
        raise UsageFault(what, where=package.source, fix=error.fix) from error
    if asked.against is not None:
        with locate.located(asked.against, package.base):
            pass  # there is such a package
    if asked.key is not None:
        signing.load_key(asked.key)
    for picture in asked.pictures:
        page.read_picture(picture)
    changelog.read(package.base)
    with _made(asked.out), store.alone(package.base, asked.out):
        target = asked.out / package.version
        _refuse_unreleasable(package, faults, asked)
        with archive.temporary(target) as folder, _examined(package, folder, asked) as examined:
            return _judged(package, examined, folder, asked)


@contextlib.contextmanager
def _made(out: Path) -> Iterator[None]:
    """The store's directory, which goes again where nothing came into it."""
    there = out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImprintError(f"cannot be written to ({error.strerror})", where=out, fix="choose another place") from error
    try:
        yield
    finally:
        if not there:
            with contextlib.suppress(OSError):
                out.rmdir()


def _refuse_unreleasable(package: Package, faults: tuple[Error, ...], asked: Asked) -> None:
    """Refuse, before anything is copied, a package whose descriptor is wrong or whose files aren't all there."""
    if faults:
        report = validation.validate(package, faults, memory=asked.memory)
        if not report.valid:
            raise _not_valid(package, report)
    lost = [resource.name for resource in package.resources if resource.paths and not resource.files]
    if lost:  # which the package may declare to be a warning
        raise ImprintError(f'has no file of resource "{lost[0]}"', where=package.source, fix="add it or take the resource away")
    for file in (file for resource in package.resources for file in resource.files):
        if not file.is_file():
            raise _not_valid(package, validation.validate(package, faults, memory=asked.memory))


def _not_valid(package: Package, report: Report) -> Refused:
    count = f"{report.error_count:,} error{'' if report.error_count == 1 else 's'}"
    what = f"is not valid: {count}" if report.complete else f"could not be checked whole: {count}"
    return Refused(what, where=package.source, fix="mend it, and release it then", report=report)


@contextlib.contextmanager
def _examined(package: Package, folder: Path, asked: Asked) -> Iterator[Examined]:
    """A copy of the package in a directory, validated and fingerprinted. Raises Refused where it isn't valid."""
    asked.say("copying the package")
    snapshot = building.snapshot(package, folder)
    asked.say("validating")
    checked = validation.validated(snapshot.package, memory=asked.memory, writable=folder, texts=True)
    with checked as (report, engine, tables):
        if not report.valid:
            raise _not_valid(package, report)
        prints = {}
        for name, one in tables.items():
            asked.say(f"fingerprints of {name}")
            prints[name] = fingerprint.of_table(engine, one)
        yield Examined(snapshot, report, engine, tables, prints)


def _judged(package: Package, examined: Examined, folder: Path, asked: Asked) -> Released:
    """The release of a package that is valid: a new one, or one that the ledger has."""
    content = fingerprint.of_package(examined.snapshot.package, dict(examined.prints))
    entries = ledger.read(package.base)
    store.refuse_disagreement(asked.out, entries, package)
    known = next((entry for entry in entries if entry.version == package.version), None)
    if known is not None and known.fingerprint == content:
        return _rebuild(package, examined, folder, known, entries, asked)
    if known is not None:
        if not asked.allow_unbumped or semver.parse(package.version) >= (1, 0, 0):
            raise _changed_after_release(package, known, entries, asked)
        entries = tuple(entry for entry in entries if entry is not known)
    return _release_new(package, examined, folder, entries, content, asked, instead=known is not None)


def _release_new(
    package: Package, examined: Examined, folder: Path, entries: tuple[Entry, ...], content: str, asked: Asked, *,
    instead: bool,
) -> Released:  # fmt: skip
    date = _date(package, asked.out, content)
    contents = {name: {"rows": one.rows, "fingerprint": one.table} for name, one in examined.prints.items()}
    notes: list[str] = []
    if entries or asked.against:
        changes = _compare(package, examined.snapshot.package, entries, asked)
        verdict = version.verdict(changes, asked.profile)
        last = entries[-1].version if entries else changes.old.version
        final = semver.is_final(package.version, last)
        if not changes.differences and changes.old.fingerprint == changes.new.fingerprint and not final:
            if semver.precedence(package.version) < semver.precedence(last):
                what = f"version {package.version} comes before {last}, which was released with the same content"
                raise Refused(what, where=package.source, fix=f'set "version" to {last} again')
            there = asked.out / last
            return Released(
                package.version, False, "none", there, asked.out, "", content, found=f"nothing has changed since {last}"
            )
        _refuse_used_again(package, examined)
        unused = (note.message for note in changes.notes if note.kind == "waiver-unused")
        notes += [*unused, *_gate(package, last, verdict)]
        part = changelog.release(package.version, date, changes, verdict)
        before = {} if entries else {"version": last, "fingerprint": changes.old.fingerprint}
        entry = Entry(package.version, date, "", content, "", resources=contents, previous=before)
        entry = ledger.judged(entry, changes, verdict)
    else:
        part = changelog.first_release(package.version, date, {name: one.rows for name, one in examined.prints.items()})
        entry = Entry(package.version, date, "", content, "none", resources=contents)
    if not os.access(package.base, os.W_OK):
        what = f"cannot be written to, and {changelog.NAME} and {ledger.NAME} belong there"
        raise ImprintError(what, where=package.base, fix="check its permissions")
    built = _build(package, examined, folder, entry, entries, part, asked, instead=instead)
    entry = replace(entry, sha256=built.sha256)
    existing = changelog.read(package.base) or changelog.HEAD
    log = (package.base / changelog.NAME).resolve()
    archive.replace_text(log, changelog.with_part(existing, package.version, part))
    ledger.write(package.base, (*entries, entry))
    said = _publish_here((*entries, entry), asked)
    target = asked.out / package.version
    whole = (*notes, *built.notes, *said)
    return Released(
        package.version, True, entry.bump, target, target / building.zip_name(package), built.sha256, content, whole,
        signer=asked.signer,
    )  # fmt: skip


def _refuse_used_again(package: Package, examined: Examined) -> None:
    """Refuse an id that a released version used for a row that was withdrawn since; a key of several fields is no id."""
    gone = changelog.withdrawn(changelog.read(package.base))
    for name, one in examined.tables.items() if gone else ():
        columns = one.keys(one.table.schema.primary_key) or []
        if name in gone and len(columns) == 1:
            for row, key in examined.engine.stream(f"SELECT rn, {columns[0]} FROM {one.logical} ORDER BY rn"):
                if key in gone[name]:
                    message = f'"{name}", row {row}: the id "{key}" was withdrawn, and is not to be used for something else'
                    raise Refused(message, where=package.source, fix="give the row an id of its own")


def _gate(package: Package, last: str, verdict: version.Verdict) -> list[str]:
    """Refuse a version that is too low after the last one; below 1.0.0 only say so."""
    mine, before, needed = map(semver.precedence, (package.version, last, verdict.next_version))
    if mine > before and mine[0] >= needed[0]:
        return []
    said = f"version {package.version} is too low after {last}: the changes ask for {verdict.next_version}"
    if mine <= before or before[0] >= (1, 0, 0):
        raise Refused(said, where=package.source, fix=f'set "version" to {verdict.next_version} or higher', verdict=verdict)
    rules = dict.fromkeys(fired.rule.id for fired in verdict.demanding)
    return [f"{said} ({', '.join(rules)})"]


def _compare(package: Package, new: Package, entries: tuple[Entry, ...], asked: Asked) -> Changes:
    asked.say("comparing with the release before")
    return previous.compare(package, new, entries, asked.out, asked.against, asked.memory)


def _changed_after_release(package: Package, known: Entry, entries: tuple[Entry, ...], asked: Asked) -> Refused:
    """The refusal of a version that was released with other content, with the least next version where it can be had."""
    try:
        verdict = version.verdict(_compare(package, package, entries, asked), asked.profile)
        needed = verdict.next_version
    except UsageFault:
        raise
    except ImprintError:
        verdict, needed = None, version.next_version(entries[-1].version, version.Bump.patch)
    message = f"version {known.version} was released with other content on {known.date}"
    unheard = "; --allow-unbumped is for versions below 1.0.0" if asked.allow_unbumped else ""
    return Refused(message, where=package.source, fix=f'set "version" to {needed} or higher{unheard}', verdict=verdict)


# The build


def _date(package: Package, out: Path, content: str) -> str:
    """The release's date: SOURCE_DATE_EPOCH, else that of the commit, else today (UTC)."""
    started = out / package.version / MANIFEST
    if started.is_file():  # an earlier try got as far as the rename: it is gone on with
        manifest = read_manifest(started)
        if manifest.fingerprint == content:
            return manifest.date
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


def _build(
    package: Package, examined: Examined, folder: Path, entry: Entry, before: tuple[Entry, ...], part: str, asked: Asked, *,
    instead: bool = False,
) -> Built:  # fmt: skip
    """Fill the release's directory and put it in its place: the digest of its zip, which must be the ledger's if that has one.

    A finished directory with the same bytes is left as it is.
    """
    target, write_delta = asked.out / entry.version, None
    before = before or ledger.elsewhere(entry)
    if "delta" in asked.formats and before:
        sides = (package, examined.snapshot, before, asked.out, asked.against, asked.memory)
        write_delta = partial(previous.write_delta, *sides)
    last = before[-1] if before else None
    manifest, notes = building.fill(examined, entry, last, part, asked.formats, TOOL, write_delta, asked.say)
    digest = manifest.files[manifest.archive].sha256
    if entry.sha256 and digest != entry.sha256:
        message = (
            f"has the content of {entry.version} in other bytes than were released: the zip's SHA-256 would be "
            f"{digest[:12]}…, the ledger says {entry.sha256[:12]}…"
        )
        fix = f"restore the files and {changelog.NAME} from git, or use the imprint that released it"
        raise Refused(message, where=package.source, fix=fix)
    there = target.exists() and not instead
    if there:
        _refuse_different(folder, manifest, target, notes)
    if asked.key is not None:
        notes = (*notes, *_signed_anew(target / signing.ATTESTATION, asked.key))
        signing.attest_release(target if there else folder, manifest, _commit(package), asked.key)
    if not there:
        archive.put(folder, target, instead=_unlisted(before, folder, asked.out) if instead else None)
    return Built(digest, notes)


@contextlib.contextmanager
def _unlisted(before: tuple[Entry, ...], folder: Path, out: Path) -> Iterator[None]:
    """Take a version out of the index while another is put in its place: what is listed is there as listed, at any moment."""
    index = out / INDEX
    text = index.read_text(encoding="utf-8") if index.is_file() else ""
    store.write_index(out, before)
    try:
        yield
    except BaseException:
        if text and folder.exists():  # the old one is still there
            with contextlib.suppress(OSError):
                archive.replace_text(index, text)
        raise


def _commit(package: Package) -> str:
    """The id of the commit that is released; "" outside of git."""
    try:
        return revisions.git("rev-parse", "HEAD", where=package.source, directory=package.base).decode().strip()
    except ImprintError:
        return ""


def _refuse_different(folder: Path, manifest: Manifest, target: Path, notes: Sequence[str]) -> None:
    """Refuse a release that is there in other bytes than those that were just built, or in other formats.

    What another writer wrote in bytes of its own is compared with the sums that it was released with.
    """
    derived = {name for name, file in manifest.files.items() if file.derived}
    both = [set(archive.files_below(one)) - {SUMS, signing.ATTESTATION} for one in (folder, target)]
    wrong = both[0] ^ both[1]
    same = sorted((both[0] & both[1]) - derived)
    wrong |= {name for name in same if archive.sha256(folder / name) != archive.sha256(target / name)}
    if not wrong:
        listed = (target / SUMS).read_bytes().decode("utf-8", "replace") if (target / SUMS).is_file() else ""
        lines = set(listed.split("\n")) ^ set(archive.sums(target, both[1]).split("\n"))
        wrong = {line.partition("  ")[2] or SUMS for line in lines}
    if wrong:
        name = min(wrong - {MANIFEST} or wrong)
        fix = "move it away, or ask for the formats that it has, then release again"
        why = f" ({'; '.join(notes)})" if notes else ""
        raise Refused(f'is there, but "{name}" is not what a build gives{why}', where=target, fix=fix)


def _rebuild(
    package: Package, examined: Examined, folder: Path, known: Entry, entries: tuple[Entry, ...], asked: Asked
) -> Released:
    """A version that the ledger has, with the same content: built again where it isn't there, and the same bytes."""
    target = asked.out / known.version
    there = target.exists()
    part = _part_of(package, known, dict(examined.prints))
    built = _build(package, examined, folder, known, entries[: entries.index(known)], part, asked)
    notes = _publish_here(entries, asked)
    said = f"{target} {'is there' if there else 'rebuilt'}, identical to the ledger's"
    zipped = target / building.zip_name(package)
    whole = (*built.notes, *notes)
    return Released(
        known.version, False, "none", target, zipped, built.sha256, known.fingerprint, whole, said, signer=asked.signer
    )


def _part_of(package: Package, known: Entry, prints: dict[str, Fingerprint]) -> str:
    """The changelog's part of a version, as it was written when that was released."""
    for part in changelog.read(package.base).split("\n## ")[1:]:
        if part.startswith((f"{known.version} ", f"{known.version}\n")):
            return changelog.finished(["## " + part])
    return changelog.first_release(known.version, known.date, {name: one.rows for name, one in prints.items()})


def _publish_here(entries: Sequence[Entry], asked: Asked) -> tuple[str, ...]:
    """Write the index, the page and the signature of both; notes on what a user should know."""
    signature = asked.out / signing.INDEX_ATTESTATION
    signed = signature.is_file()
    notes = _signed_anew(signature, asked.key) if asked.key else ()
    asked.say("index and page")
    store.write_index(asked.out, entries)
    store.replace(asked.out / page.NAME, page.render(page.read_store(asked.out, asked.pictures)))
    if asked.key is not None:
        signing.attest_index(asked.out, asked.key)
    return ("the index is no longer signed: sign it with --sign",) if signed and not signature.is_file() else notes


def _signed_anew(path: Path, key: Path) -> tuple[str, ...]:
    """A note where another key's signature is going to be replaced."""
    replaced = signing.another_signed(path, key)
    return (f"another key's signature was in {path}, and that of {key.name} replaces it",) if replaced else ()
