"""A release or a store of releases, checked: every digest, the values, the signatures, the order of versions, the verdicts.

The index leads to each manifest by its digest, the manifest to each file; SHA256SUMS, the attestations and the ledger must
agree with both. Nothing is written, and nothing that a release says of itself is believed before it fits.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

from . import archive, contents, fetching, ledger, safety, signing
from .documents import read_document
from .exceptions import ImprintError
from .fetching import origin
from .ledger import Entry
from .manifest import INDEX, MANIFEST, SUMS, Index, Listed, Manifest, read_index, read_manifest
from .report import shorten
from .signing import ATTESTATION, INDEX_ATTESTATION, PAGE, Key

OUTSIDE = {SUMS: {SUMS, ATTESTATION}, MANIFEST: {MANIFEST, SUMS, ATTESTATION}, ATTESTATION: {ATTESTATION}}
"""The files of a release that a list of its files has not: what is written after it."""
NAMES = {"name", "latest", "versions"}, {"version", "date", "path", "sha256", "bytes", "fingerprint", "manifest"}


@dataclass(frozen=True)
class Verification:
    """What was checked in one release, or in a store's index (whose `version` is ""), and what is wrong with it.

    `path` is a text where that is on the web. `files` says how many files there should be, `signer` whose signature is good,
    `derived` that the verdict was derived again, `notes` what was not checked.
    """

    version: str
    path: Path | str
    files: int
    problems: tuple[str, ...]
    signer: str = ""
    derived: bool = False
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "version": self.version, "path": str(self.path), "valid": not self.problems, "files": self.files,
            "signedBy": self.signer or None, "verdictDerived": self.derived, "problems": list(self.problems),
            "notes": list(self.notes),
        }  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What is to be checked: by which keys, against which ledger, whether verdicts and values are, of which version of a store.

    `partial` allows for formats that were not fetched.
    """

    keys: tuple[Key, ...] = ()
    known: Mapping[str, Entry] | None = None
    recompute: bool = False
    quick: bool = False
    partial: bool = False
    memory: str | None = None
    version: str = ""


def verify(
    source: str | PathLike[str], *, keys: Sequence[Path] = (), ledger_file: Path | None = None, recompute: bool = False,
    quick: bool = False, partial: bool = False, memory: str | None = None, tell: Callable[[float], None] | None = None,
) -> tuple[Verification, ...]:  # fmt: skip
    """Check a release's directory, each release of a store or one of them (`STORE@VERSION`), or a zip of either.

    A store is a directory with `index.json`, on this machine, at an address on the web or where fsspec reaches; from there all
    of it is fetched (`tell` hears how much of a release came), and a file that isn't as promised ends that with a DataFault.
    With `keys` (PEM files of public keys) each release and the index must be signed by one of them. With `ledger_file` the
    versions must be those of that `releases.json`. `recompute` derives each verdict again from the data of the release before.
    `quick` checks digests, and no values. With `partial` a format of which there is no file at all is no problem. Raises
    ImprintError where there is nothing to check, UsageFault for what is no key.
    """
    entries = ledger.read_file(ledger_file) if ledger_file else None
    known = {one.version: one for one in entries} if entries is not None else None
    asked = Asked(tuple(signing.public_key(key) for key in keys), known, recompute, quick, partial, memory)
    name, path = str(source), Path(source)
    if path.suffix.lower() == ".zip" and path.is_file():
        return _verify_zip(path, asked)
    if "://" in name:
        store, version = _split(name)
        return _verify_remote(store, replace(asked, version=version), tell)
    if "@" in name and not path.exists():
        store, version = _split(name)
        if not (Path(store) / INDEX).is_file():
            raise ImprintError(f"is no store of releases: it has no {INDEX}", where=store, fix="name its directory")
        return _verify(Path(store), replace(asked, version=version))
    return _verify(path.parent if path.name == INDEX and path.is_file() else path, asked)


def _split(source: str) -> tuple[str, str]:
    """A store and the version that is named with it, "" if none is."""
    if "://" in source:
        found = origin.split(source)
        return found if found[1] else (source, "")
    store, _, version = source.rpartition("@")
    return (store, version) if store and "/" not in version else (source, "")


def _verify_remote(source: str, asked: Asked, tell: Callable[[float], None] | None) -> tuple[Verification, ...]:
    with tempfile.TemporaryDirectory(prefix="imprint-") as aside:
        folder = Path(aside)
        where = fetching.mirror(source, asked.version or None, folder, before=asked.recompute, tell=tell)
        return tuple(
            replace(one, path=f"{where}/{Path(one.path).relative_to(folder).as_posix()}") for one in _verify(folder, asked)
        )


def _verify(path: Path, asked: Asked) -> tuple[Verification, ...]:
    if (path / MANIFEST).is_file():
        return (_verify_release(path, asked, None, path.resolve().parent),)
    if (path / INDEX).is_file():
        return tuple(_verify_store(path, asked))
    if not path.exists():
        raise ImprintError("is not there", where=path, fix="name a release's directory or a store, such as dist")
    raise ImprintError(f"has neither {MANIFEST} nor {INDEX}", where=path, fix="name a release's directory or a store")


def _verify_zip(path: Path, asked: Asked) -> tuple[Verification, ...]:
    """A zip of a release or a store; the zip inside a release, which has no manifest, needs a ledger that knows it."""
    with tempfile.TemporaryDirectory(prefix="imprint-") as aside:
        folder = safety.unzip(path, Path(aside) / "unpacked")
        if (folder / MANIFEST).is_file() or (folder / INDEX).is_file():
            return tuple(replace(one, path=path / Path(one.path).relative_to(folder)) for one in _verify(folder, asked))
        if asked.keys or asked.recompute:
            raise ImprintError(f"holds no {MANIFEST}", where=path, fix="name the release's directory")
        if asked.known is None:
            note = f"only the digests in datapackage.json were checked: name a {ledger.NAME} with --ledger"
            return (Verification("", path, 0, tuple(contents.declared(folder, asked.memory)), notes=(note,)),)
        digest = archive.sha256(path)
        entry = next((one for one in asked.known.values() if one.sha256 == digest), None)
        problems = () if entry else (f"{path.name} is no zip of a release that the ledger lists",)
        return (Verification(entry.version if entry else "", path, 1, problems),)


# A store


def _verify_store(store: Path, asked: Asked) -> Iterator[Verification]:
    """Each release that the index lists, and the index itself where there is something to say of it."""
    problems: list[str] = []
    index, wanted = Index("", None, ()), None
    signature = signing.Checked(())
    try:
        index = read_index(store / INDEX)
    except ImprintError as error:
        _refuse_unread(error)
        problems.append(f"{INDEX} can't be used ({error.what})")
    else:
        signature = signing.check_index(store, asked.keys)
        problems += [*_form(store / INDEX), *signature.problems, *_signed(store, signature.subjects or {})]
        if asked.version:
            wanted = (fetching.chosen(index, asked.version, str(store)),)
    for one in index.versions if wanted is None else wanted:
        yield _verify_release(store / one.path, asked, one, store, index)
    problems += [f"{name} is a link" for name in (INDEX, PAGE, INDEX_ATTESTATION) if (store / name).is_symlink()]
    problems += _versions(store, index, asked.known) if index.versions or not problems else ()
    notes = [*_unsigned_note(store / INDEX_ATTESTATION, asked), *_gaps(store, index)]
    if problems or notes or signature.signer:
        yield Verification("", store / INDEX, 1, tuple(problems), signature.signer, notes=tuple(notes))


def _refuse_unread(error: ImprintError) -> None:
    """What this machine doesn't let us read says nothing of the release."""
    if isinstance(error.__cause__, OSError):
        raise error


def _form(path: Path) -> Iterator[str]:
    """An index is one text, so that no byte of it can be another without a sign."""
    content = read_document(path)
    if json.dumps(content, indent=2, ensure_ascii=False) + "\n" != path.read_bytes().decode("utf-8"):
        yield f"{INDEX} isn't in the form that a release gives it"
    unknown = {*content.keys() - NAMES[0]}.union(*(one.keys() - NAMES[1] for one in content["versions"]))
    yield from (f'{INDEX} has "{word}", which this version of imprint doesn\'t know' for word in sorted(unknown))


def _signed(store: Path, subjects: Mapping[str, str]) -> Iterator[str]:
    for name, digest in sorted(subjects.items()):
        if name not in (INDEX, PAGE) or not (store / name).is_file():
            yield f"{name} was signed, and is missing"
        elif archive.sha256(store / name) != digest:
            yield f"{name} is not what {INDEX_ATTESTATION} says"


def _versions(store: Path, index: Index, known: Mapping[str, Entry] | None) -> Iterator[str]:
    """Versions that the index, the store and the ledger don't all have."""
    listed = {one.version for one in index.versions}
    places = {(store / one.path).resolve() for one in index.versions}
    for folder in sorted(path.parent for path in store.glob(f"*/{MANIFEST}")):
        if folder.resolve() not in places and not folder.name.startswith("."):
            yield f"{folder.name} is a release, and is not in {INDEX}"
    if known is not None:
        yield from (f"{version} is in the ledger, and not in {INDEX}" for version in known if version not in listed)


def _gaps(store: Path, index: Index) -> Iterator[str]:
    """Releases that came after one that the index hasn't, though it has older ones."""
    for number, one in enumerate(index.versions[1:], 1):
        try:
            before = read_manifest(store / one.path / MANIFEST).previous.get("version")
        except ImprintError:
            continue
        if before and all(before != other.version for other in index.versions[:number]):
            yield f"{one.version} came after {before}, which is not in {INDEX}"


def _unsigned_note(path: Path, asked: Asked) -> Iterator[str]:
    if path.is_file() and not asked.keys:
        yield "its signature was not checked: name the public key with --key"


# A release


def _verify_release(path: Path, asked: Asked, listed: Listed | None, store: Path, index: Index | None = None) -> Verification:
    version = listed.version if listed else path.resolve().name
    if not (path / MANIFEST).is_file():
        return Verification(version, path, 0, (f"is in {INDEX}, and has no {MANIFEST}",))
    try:
        manifest = read_manifest(path / MANIFEST)
    except ImprintError as error:
        _refuse_unread(error)
        other = listed is not None and listed.manifest not in ("", archive.sha256(path / MANIFEST))
        said = f"is not what {INDEX} says, and can't be used" if other else "can't be used"
        return Verification(version, path, 0, (f"{MANIFEST} {said} ({error.what})",))
    signature = signing.check_release(path, manifest, asked.keys)
    entry = asked.known.get(manifest.version) if asked.known is not None else None
    lacking = _left_out(path, manifest)
    left_out = lacking if asked.partial else {}
    away = {name for names in left_out.values() for name in names}
    sources = _sources(path, manifest, signature.subjects, listed, entry)
    files = dict(_files(path, manifest, sources, away))
    problems = [*signature.problems, *files.values(), *_agreement(path, manifest, listed, index, entry)]
    if asked.known is not None and entry is None:
        problems.append("is not in the ledger")
    if not asked.quick:
        wrong = files.keys() | away
        problems += [*_zip(path, manifest, wrong), *contents.problems(path, manifest, wrong, asked.memory)]
    notes = [*_unsigned_note(path / ATTESTATION, asked)]
    if asked.recompute:
        problems += _verdict(path, manifest, store, index, asked.memory, notes)
    notes += [f"{name} was checked against {SUMS} only" for name in contents.unchecked(manifest.files) if not asked.quick]
    notes += ["values were not checked (--quick)"] if asked.quick else []
    if lacking:
        names_ = _listing([*lacking], "and")
        notes.append(f"without its {names_}" + ("" if asked.partial else ": if it was fetched so, say --partial"))
    number = len(manifest.files) - len(away) + 2 + (path / ATTESTATION).is_file()
    return Verification(manifest.version, path, number, tuple(problems), signature.signer, asked.recompute, tuple(notes))


def _sources(
    path: Path, manifest: Manifest, subjects: Mapping[str, str] | None, listed: Listed | None, entry: Entry | None
) -> dict[str, Mapping[str, str]]:
    """The digests of a release's files, by who says so; "" where it only says that there is such a file."""
    lines = (path / SUMS).read_text(encoding="utf-8", errors="replace").split("\n") if (path / SUMS).is_file() else []
    pairs = [line.partition("  ") for line in lines if line]
    return {
        SUMS: {name: digest for digest, _, name in pairs},
        MANIFEST: {name: one.sha256 for name, one in manifest.files.items()},
        INDEX: {manifest.archive: listed.sha256, **({MANIFEST: listed.manifest} if listed.manifest else {})} if listed else {},
        ledger.NAME: {manifest.archive: entry.sha256} if entry else {},
        **({ATTESTATION: subjects} if subjects is not None else {}),
    }


def _left_out(path: Path, manifest: Manifest) -> dict[str, list[str]]:
    """The formats of which a release's directory has no file, with the names of their files; the zip is one of them."""
    forms: dict[str, list[str]] = {}
    for name, one in manifest.files.items():
        if form := "zip" if name == manifest.archive else one.form:
            forms.setdefault(form, []).append(name)
    return {form: names for form, names in sorted(forms.items()) if not any((path / name).exists() for name in names)}


def _files(
    path: Path, manifest: Manifest, sources: Mapping[str, Mapping[str, str]], away: Collection[str]
) -> Iterator[tuple[str, str]]:  # fmt: skip
    """What is wrong with each file by its name, but for those `away`: against everything that lists it, and with the lists."""
    there = set(archive.files_below(path))
    if not sources[SUMS]:
        yield SUMS, f"{SUMS} is {'empty' if SUMS in there else 'missing'}"
    elif _sums_text(sources[SUMS]) != (path / SUMS).read_bytes():
        yield SUMS, f"{SUMS} isn't in the form that a release gives it"
    for name in sorted(there.union(*sources.values()).difference(away, () if sources[SUMS] else (SUMS,))):
        said = _missing(path, name) if name not in there or safety.unsafe(name) else _file(path, name, manifest, sources)
        if said:
            yield name, f"{name} {said}"


def _missing(path: Path, name: str) -> str:
    return "is a broken link" if (path / name).is_symlink() else "is missing"


def _file(path: Path, name: str, manifest: Manifest, sources: Mapping[str, Mapping[str, str]]) -> str:
    """What is wrong with a file that is there."""
    if (path / name).is_symlink():
        return "is a link"
    actual, size = archive.sha256(path / name), (path / name).stat().st_size
    wrong = [source for source, digests in sources.items() if digests.get(name) not in (None, "", actual)]
    if wrong:
        return f"is not what {_listing(wrong, 'and')} {'say' if len(wrong) > 1 else 'says'}"
    lists = [source for source, outside in OUTSIDE.items() if sources.get(source) and name not in outside]
    without = [source for source in lists if name not in sources[source]]
    if without:
        return f"is not in {_listing(without, 'or')}"
    known = manifest.files[name].bytes if name in manifest.files else None
    return f"has {size:,} bytes, and {known:,} in {MANIFEST}" if known not in (None, size) else ""


def _sums_text(digests: Mapping[str, str]) -> bytes:
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items())).encode("utf-8", "replace")


def _listing(names: Sequence[str], word: str) -> str:
    return f" {word} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _agreement(
    path: Path, manifest: Manifest, listed: Listed | None, index: Index | None, entry: Entry | None
) -> Iterator[str]:
    """The manifest against the index and the ledger, and the release before against its place in the index."""
    for one, source in ((listed, INDEX), (entry, ledger.NAME)):
        for word in ("version", "date", "fingerprint") if one else ():
            here, there = getattr(manifest, word), getattr(one, word)
            if here != there:
                yield f'"{word}" is {shorten(here, 24)} here, and {shorten(there, 24)} in {source}'
    if index and index.name and index.name != manifest.name:
        yield f'"name" is {manifest.name} here, and {index.name} in {INDEX}'
    file = path / manifest.archive
    if listed and file.is_file() and listed.bytes not in (None, file.stat().st_size) and archive.sha256(file) == listed.sha256:
        yield f"{manifest.archive} has {file.stat().st_size:,} bytes, and {listed.bytes:,} in {INDEX}"
    before = index.version(manifest.previous["version"]) if index and "version" in manifest.previous else None
    known = {"fingerprint": "", **manifest.previous}
    if before and any(getattr(before, word) != known[word] for word in ("sha256", "fingerprint") if word in known):
        yield f"{before.version} in {INDEX} is not what {manifest.version} came after"


def _zip(path: Path, manifest: Manifest, wrong: Collection[str]) -> Iterator[str]:
    """The zip's members against the files; of those in `wrong` enough is said."""
    name = manifest.archive
    if name in wrong:
        return
    try:
        with zipfile.ZipFile(path / name) as opened:
            for member in opened.namelist():
                inner = member.partition("/")[2]
                file = path / inner
                if inner in wrong:
                    continue
                if safety.unsafe(inner) or not file.is_file():
                    yield f"{name}: {inner} is not beside it"
                    continue
                with opened.open(member) as packed:
                    digest = hashlib.file_digest(packed, "sha256").hexdigest()  # type: ignore[arg-type]
                if digest != archive.sha256(file):
                    yield f"{name}: {inner} is not the file beside it"
    except contents.BROKEN_ZIP as error:
        yield f"{name} can't be read: {error}"


def _verdict(
    path: Path, manifest: Manifest, store: Path, index: Index | None, memory: str | None, notes: list[str]
) -> Iterator[str]:  # fmt: skip
    """The verdict, derived again from the release before: the one that the manifest names, or that the index lists before."""
    wanted = manifest.previous.get("version", "")
    if not wanted and index:
        older = [one.version for one in index.versions]
        place = older.index(manifest.version) if manifest.version in older else 0
        wanted = older[place - 1] if place else ""
    listed = index.version(wanted) if index and wanted else None
    before = store / (listed.path if listed else wanted)
    if not wanted and not index and manifest.verdict.get("bump") != "none":
        yield "its verdict can't be derived again: it doesn't say what it came after"
    elif wanted and (safety.unsafe(wanted) or not (before / MANIFEST).is_file()):
        yield f"its verdict can't be derived again: {wanted}, which it came after, is not in {store}"
    else:
        yield from contents.verdict_problems(path, manifest, before if wanted else None, memory, notes)
