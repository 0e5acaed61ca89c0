"""A release out of a store, on the web or elsewhere: every byte is what index and manifest promise, or nothing appears."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from .. import archive, signing
from ..documents import DESCRIPTOR_NAMES
from ..exceptions import DataFault, ImprintError, UsageFault
from ..manifest import MANIFEST, SUMS, File, Index, Listed, Manifest
from ..safety import unzip
from ..signing import ATTESTATION, Key
from . import cache, downloading, origin
from .downloading import Patience
from .origin import DISTRUST, SMALL, Store, refuse_other

UNSAID = 10  # times all that a manifest declares, at most, for a file whose size it doesn't say
PACKAGE, ZIP = "package", "zip"  # words of --formats for what is no format: the package alone, and its zip


@dataclass(frozen=True)
class Fetched:
    """A release that was fetched: where it is, how many files and bytes it has, and how many bytes came from the store.

    `latest` is the store's latest version, `seen` the moment (UTC) of the index that says so; `offline` says that the store
    wasn't asked, `there` that the release was in its place already, `signer` whose signature is good.
    """

    name: str
    version: str
    date: str
    path: Path
    files: int
    bytes: int
    downloaded: int
    latest: str
    seen: str
    offline: bool = False
    there: bool = False
    signer: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        said = {word: value for word, value in vars(self).items() if word != "signer"}
        return {**said, "path": str(self.path), "signedBy": self.signer or None}


@dataclass(frozen=True)
class Wanted:
    """A file to fetch: its name in the store and in the release, its size if known, the most bytes, its SHA-256 by whom."""

    path: str
    name: str
    size: int | None
    limit: int
    sha256: str
    by: str


def fetch(
    source: str, version: str = "latest", out: Path | None = None, *, forms: Collection[str] = (), folder: Path | None = None,
    offline: bool = False, forget: bool = False, keys: Sequence[Path] = (), patience: Patience | None = None,
    tell: Callable[[float], None] | None = None,
) -> Fetched:  # fmt: skip
    """Fetch a release from a store (an http or https address, a directory, an fsspec address) into the directory `out`.

    `out` is `<name>-<version>` here, if not given. `forms` names the formats that are wanted besides the package itself
    ("package" alone: none); without it the whole release comes. `folder` is the cache. `offline` asks no store: all must be in
    the cache. `forget` accepts a store that contradicts what it said before. With `keys` (PEM files of public keys) index and
    release must be signed by one of them. `tell` hears the share of the bytes that came.
    Raises DataFault where something isn't what the index, the manifest or a signature says, `opening.Missing` where there is no
    store or no such file, UsageFault for a version or format that isn't there, ImprintError where the store or the disk fails.
    """
    trusted = [signing.public_key(key) for key in keys]
    store = origin.store(source, folder or cache.default(), offline or cache.alone(), patience or Patience())
    index = origin.index(store, forget=forget, keys=trusted)
    return _release(store, index, chosen(index, version, store.where), out, forms, trusted, tell)


def chosen(index: Index, version: str, where: str) -> Listed:
    """The release of that version, or the latest. Raises UsageFault where there is none."""
    listed = index.version(version)
    if listed is None:
        has = ", ".join(one.version for one in index.versions) or "no release yet"
        raise UsageFault(f'has no version "{version}"', where=where, fix=f"it has {has}")
    return listed


def _release(
    store: Store, index: Index, listed: Listed, out: Path | None, forms: Collection[str], keys: Sequence[Key],
    tell: Callable[[float], None] | None,
) -> Fetched:  # fmt: skip
    manifest, content = origin.manifest(store, index, listed)
    beside = {MANIFEST: content, **origin.beside(store, listed)}
    wanted = _wanted(store, listed, manifest, origin.sums(store, listed, manifest, beside[SUMS]), forms)
    digests = {one.name: one.sha256 for one in wanted}
    signer = origin.refuse_unsigned(store, listed, manifest, beside, digests, keys) if keys else ""
    target = out or Path(f"{_file_name(manifest.name)}-{manifest.version}")
    done = Fetched(
        manifest.name, manifest.version, manifest.date, target, len(wanted) + len(beside), 0, 0, index.latest or "",
        origin.seen(store), store.offline, signer=signer,
    )  # fmt: skip
    if os.path.lexists(target):
        return _identical(done, wanted, beside)
    came = _download(store, wanted, tell)
    with archive.new_directory(target) as building:
        for one in wanted:
            if not cache.copy(store.cache, one.sha256, building / one.name):  # the cache's own went bad
                came += _download(store, [one], None)
                cache.copy(store.cache, one.sha256, building / one.name)
        for name, text in beside.items():
            (building / name).write_bytes(text)
        size = _size(building)
    return replace(done, bytes=size, downloaded=came)


def mirror(
    source: str, version: str | None, folder: Path, *, before: bool = False, tell: Callable[[float], None] | None = None
) -> str:  # fmt: skip
    """Bring a store's releases, or one of them, into the directory `folder` as they are in the store now; its address.

    `before` brings the package of the release before too. What is in the cache is asked for all the same, as the store might
    have lost it; what was seen of the store is remembered there. Raises what `fetch` raises.
    """
    if cache.alone():
        raise UsageFault("is not asked, as IMPRINT_OFFLINE says", where=source, fix="fetch it, and verify what was fetched")
    with tempfile.TemporaryDirectory(prefix="imprint-", ignore_cleanup_errors=True) as aside:
        store = replace(origin.store(source, cache.default(), False, Patience()), cache=Path(aside))
        index = origin.index(store)
        wanted = [chosen(index, version, store.where)] if version else index.versions
        for one in wanted:
            _release(store, index, one, folder / one.path, (), (), tell)
            manifest, _ = origin.manifest(store, index, one)
            previous = index.version(manifest.previous.get("version", "")) if before else None
            if previous is not None and previous not in wanted:
                _release(store, index, previous, folder / previous.path, (PACKAGE,), (), tell)
        for name, content in origin.around(store).items():
            (folder / name).write_bytes(content)
    return store.where


def unpack(source: Path, out: Path | None = None) -> Path:
    """Unpack the zip of a release into a new directory, `out` or its name here; that directory.

    Raises ImprintError for a zip that isn't safe or can't be read, DataFault where there is no package in it.
    """
    target = out or Path(source.stem)
    if os.path.lexists(target):
        raise UsageFault("is there already", where=target, fix="choose another place with --out")
    with tempfile.TemporaryDirectory(prefix="imprint-") as folder:
        inner = unzip(source, Path(folder) / "unpacked")
        if not any((inner / name).is_file() for name in DESCRIPTOR_NAMES):
            raise DataFault("has no datapackage.json in it", where=source, fix="name the zip of a release")
        with archive.new_directory(target) as building:
            shutil.copytree(inner, building, dirs_exist_ok=True)
    return target


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]", "-", name).lstrip(".") or "package"


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _wanted(
    store: Store, listed: Listed, manifest: Manifest, sums: Mapping[str, str], forms: Collection[str]
) -> list[Wanted]:  # fmt: skip
    """The files to fetch: all, or the package itself and the formats in `forms`."""
    has = {one.form for one in manifest.files.values() if one.form}
    for form in forms:
        if form not in has | {PACKAGE, ZIP}:
            fix = f"it has {', '.join([PACKAGE, *sorted(has - {PACKAGE, ZIP}), ZIP])}"
            raise UsageFault(f'{listed.version} has no format "{form}"', where=store.where, fix=fix)

    def asked_for(name: str, one: File) -> bool:
        if name == manifest.archive:
            return not forms or ZIP in forms
        return not forms or not one.form or one.form in forms

    most = max(UNSAID * sum(one.bytes or 0 for one in manifest.files.values()), SMALL)
    wanted = []
    for name, one in manifest.files.items():
        if asked_for(name, one):
            digest, by = (one.sha256, MANIFEST) if one.sha256 else (sums.get(name, ""), SUMS)
            if not digest:
                raise DataFault(f"{SUMS} of {listed.version} has no digest of {name}", where=store.where, fix=DISTRUST)
            path = f"{PurePosixPath(listed.path)}/{name}"
            wanted.append(Wanted(path, name, one.bytes, most if one.bytes is None else one.bytes, digest, by))
    return wanted


def _download(store: Store, wanted: Sequence[Wanted], tell: Callable[[float], None] | None) -> int:
    """Get what the cache lacks of some files into it, each checked; how many bytes came."""
    lacking = {one.sha256: one for one in wanted if not cache.held(store.cache, one.sha256).is_file()}
    if lacking and store.offline:
        names = ", ".join([one.name for one in lacking.values()][:3]) + (", …" if len(lacking) > 3 else "")
        what = f"{len(lacking)} of {len(wanted)} files are not in the cache ({names})"
        raise ImprintError(what, where=store.where, fix="fetch it without --offline")
    total = sum(one.size or 0 for one in lacking.values())
    store.cache.mkdir(parents=True, exist_ok=True)
    if total > (free := shutil.disk_usage(store.cache).free):
        what = f"has too little room for {total:,} bytes: {free:,} are free"
        raise ImprintError(what, where=store.cache, fix="make room, or name another place with --cache")
    came, share, lock = [0], [0], threading.Lock()

    def told(fresh: int, done: int) -> None:
        with lock:
            came[0] += fresh
            share[0] += done
            if tell is not None and total:
                tell(min(share[0] / total, 1.0))

    downloading.each(list(lacking.values()), lambda one, over: _one(store, one, told, over))
    return came[0]


def _one(store: Store, one: Wanted, told: Callable[[int, int], None], over: threading.Event) -> None:
    """Get one file into the cache. Raises DataFault where its bytes aren't those that were promised."""
    with cache.partial(store.cache, one.sha256) as file:
        while True:
            resumed = file.tell()
            told(0, resumed)
            if resumed != one.size or not resumed:
                downloading.fetch(
                    store.open, one.path, file, size=one.size, limit=one.limit, where=store.where, patience=store.patience,
                    told=lambda count: told(max(count, 0), count), over=over,
                )  # fmt: skip
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
            if digest == one.sha256:
                cache.keep(store.cache, one.sha256, file)
                return
            told(0, -file.tell())
            file.seek(0)
            file.truncate()
            if not resumed:  # else what an earlier run left was wrong
                refuse_other(one.path, one.by, digest, one.sha256, store.where)


def _identical(done: Fetched, wanted: Sequence[Wanted], beside: Mapping[str, bytes]) -> Fetched:
    """What is in the place of a release, if that is the release. Raises UsageFault otherwise."""
    folder = done.path
    digests = {one.name: one.sha256 for one in wanted}
    digests |= {name: hashlib.sha256(text).hexdigest() for name, text in beside.items()}
    digests.pop(ATTESTATION, None)  # it may have come later
    names = set(archive.files_below(folder)) - {ATTESTATION} if folder.is_dir() else set()
    if names != digests.keys() or any(archive.sha256(folder / name) != digests[name] for name in names):
        what = f"is there already, and is not what was asked for of {done.name} {done.version}"
        raise UsageFault(what, where=folder, fix="choose another place with --out")
    return replace(done, files=len(names), bytes=_size(folder), there=True)
