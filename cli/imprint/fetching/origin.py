"""What a store of releases says, believed as far as it agrees with itself and with what this machine has seen of it before.

The index leads to a manifest by its digest, the manifest to the files. `SHA256SUMS` may add the digests of files that a
library writes in bytes of its own, and may contradict nothing.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import io
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..exceptions import DataFault, ImprintError
from ..manifest import DIGEST, INDEX, MANIFEST, SUMS, Index, Listed, Manifest, read_index, read_manifest
from ..remote import is_url, path_of
from ..semver import SEMVER
from ..signing import ATTESTATION, INDEX_ATTESTATION, PAGE, Key, check_index, check_release
from . import cache, downloading
from .downloading import Patience
from .opening import Missing, Open, opener, shown

SMALL = 64 << 20  # bytes of an index, a manifest, a list of sums
FILES = {".json", ".yaml", ".yml", ".zip", ".csv", ".tsv", ".parquet", ".xlsx"}  # how an address ends that is no store's
DISTRUST = "ask its publisher"


@dataclass(frozen=True)
class Store:
    """A store: what a user calls it, what opens its files, the cache, and the folder in that of what was seen of it."""

    where: str
    open: Open
    cache: Path
    seen: Path
    offline: bool
    patience: Patience


def store(source: str, folder: Path, offline: bool, patience: Patience) -> Store:
    """The store that an argument names (the address of its index will do), with the cache in `folder`."""
    address = source.removesuffix(INDEX) if source.endswith(f"/{INDEX}") else source
    if "://" in address:
        where = named = shown(address).rstrip("/")  # a token that changes makes no other store
    else:
        where, named = address, str(Path(address).resolve())
        if not Path(address).is_dir() and not offline:
            fix = "name a store of releases: a directory such as dist, or an address"
            raise ImprintError("is no directory" if Path(address).exists() else "is not there", where=source, fix=fix)
    return Store(where, opener(address, patience.stall), folder, cache.store(folder, named), offline, patience)


def is_store(address: str) -> bool:
    """Whether there is an index of releases at an address. Raises ImprintError where no answer comes."""
    if "://" not in address or path_of(address).suffix.lower() in FILES:
        return False
    asked = store(address, cache.default(), cache.alone(), Patience())
    if asked.offline:
        return (asked.seen / INDEX).is_file()
    try:
        content = _small(asked, INDEX)
    except (Missing, DataFault):
        return False
    return content.lstrip().startswith(b"{") and b'"versions"' in content


def is_version(text: str) -> bool:
    """Whether a text names a version of a store, not a host: numbers alone may be an address, but of four parts."""
    return text == "latest" or SEMVER.fullmatch(text) is not None


def split(source: str) -> tuple[str, str]:
    """The store and the version of `STORE@VERSION`, where STORE is an address; else two empty texts.

    In one on the web without a path, what stands before the @ is a user, unless a version stands after it.
    """
    address, _, version = source.rpartition("@")
    plain = re.fullmatch(r"[^/?#]+", version) and path_of(source).suffix.lower() not in FILES
    named = path_of(address).parts or is_version(version) if is_url(address) else "://" in address
    return (address, version) if named and plain else ("", "")


def index(store: Store, *, forget: bool = False, keys: Sequence[Key] = ()) -> Index:
    """What the store lists, which must not contradict what it listed before, unless that is to be forgotten.

    Raises DataFault where it does, can't be used, or isn't signed by one of the keys, if there are any; Missing where there is
    no index.
    """
    known, where = store.seen / INDEX, f"{store.where}/{INDEX}"
    if store.offline:
        if not known.is_file():
            raise ImprintError("nothing of this store is in the cache", where=store.where, fix="fetch once without --offline")
        refuse_unsigned_index(store, known.read_bytes(), keys)
        with _called(known, where):
            return read_index(known, where)
    content = _small(store, INDEX)
    refuse_unsigned_index(store, content, keys)
    with tempfile.TemporaryDirectory(prefix="imprint-") as folder:
        new = Path(folder) / INDEX
        new.write_bytes(content)
        with _called(new, where):
            found = read_index(new, where)
    if known.is_file() and not forget:
        _refuse_contradiction(store, read_index(known, where), found, seen(store)[:10])
    cache.remember(known, content)
    return found


@contextlib.contextmanager
def _called(path: Path, where: str) -> Iterator[None]:
    """Say of a fault in a file of ours that it lies where the file came from."""
    try:
        yield
    except ImprintError as error:
        if error.where == str(path):
            error.where, error.fix = where, DISTRUST
        raise


def seen(store: Store) -> str:
    """When the index of the store was last seen, in UTC."""
    moment = datetime.datetime.fromtimestamp((store.seen / INDEX).stat().st_mtime, datetime.UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _refuse_contradiction(store: Store, before: Index, now: Index, day: str) -> None:
    """Refuse an index that lacks what it listed before, or lists it otherwise: a store only ever grows."""
    lists = {one.version: one for one in now.versions}
    fix = f"{DISTRUST}; if it is as it should be, accept it with --forget"
    if now.name and before.name and now.name != before.name:
        raise DataFault(f'is a store of "{now.name}", and was one of "{before.name}" on {day}', where=store.where, fix=fix)
    if gone := [one.version for one in before.versions if one.version not in lists]:
        raise DataFault(f"no longer lists {', '.join(gone)}, which it listed on {day}", where=store.where, fix=fix)
    for one in before.versions:
        found = lists[one.version]
        if (one.sha256, one.fingerprint, one.manifest) != (found.sha256, found.fingerprint, found.manifest):
            what = f"lists {one.version} with other digests than on {day}"
            raise DataFault(what, where=store.where, fix=fix)


def manifest(store: Store, index: Index, listed: Listed) -> tuple[Manifest, bytes]:
    """The manifest that the index leads to by its digest, and its bytes; it must be of the version that the index says.

    Raises DataFault where it isn't.
    """
    path = f"{PurePosixPath(listed.path)}/{MANIFEST}"
    where = f"{store.where}/{path}"
    if not listed.manifest:
        what = f"lists {listed.version} without the digest of its {MANIFEST}"
        raise DataFault(what, where=store.where, fix="its publisher can release it again with this imprint")
    content = _promised(store, path, listed.manifest)
    held = cache.held(store.cache, listed.manifest)
    with _called(held, where):
        found = read_manifest(held, where)
    for word, here, there in (
        ("name", found.name, index.name or found.name), ("version", found.version, listed.version),
        ("date", found.date, listed.date), ("fingerprint", found.fingerprint, listed.fingerprint),
        ("archive", found.files[found.archive].sha256, listed.sha256),
    ):  # fmt: skip
        if here != there:
            raise DataFault(f'"{word}" is {here} here and {there} in {INDEX}', where=where, fix=DISTRUST)
    _refuse_names(found, where)
    return found, content


def _refuse_names(manifest: Manifest, where: str) -> None:
    """Refuse names that can't all stand in one directory; those that lead out of it are refused already."""
    folders = {parent.as_posix() for name in manifest.files for parent in PurePosixPath(name).parents}
    for name in manifest.files:
        if name in folders or name in (MANIFEST, SUMS, ATTESTATION) or PurePosixPath(name).as_posix() != name:
            raise DataFault(f'its file "{name}" can\'t have that name', where=where, fix="don't trust this release")


def sums(store: Store, listed: Listed, manifest: Manifest, content: bytes) -> Mapping[str, str]:
    """The digests in `SHA256SUMS`. Raises DataFault where one is none, or contradicts the manifest."""
    lines = [line for line in content.decode("utf-8", "replace").split("\n") if line]
    found = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    known = {MANIFEST: listed.manifest, **{name: one.sha256 for name, one in manifest.files.items() if one.sha256}}
    for name, digest in found.items():
        if not DIGEST.fullmatch(digest) or known.get(name, digest) != digest:
            what = f"{SUMS} of {listed.version} contradicts {MANIFEST} about {name or 'a file'}"
            raise DataFault(what, where=store.where, fix=DISTRUST)
    return found


def beside(store: Store, listed: Listed) -> dict[str, bytes]:
    """What a release has that no digest is of: the sums, and an attestation if there is one."""
    found = {SUMS: _remembered(store, listed, SUMS)}
    with contextlib.suppress(Missing):
        found[ATTESTATION] = _remembered(store, listed, ATTESTATION)
    return found


def _remembered(store: Store, listed: Listed | None, name: str) -> bytes:
    """A small file of a release, or beside the index, that no digest is of, kept for when the store isn't asked."""
    known = store.seen / (listed.manifest if listed else "") / name
    if not store.offline:
        cache.remember(known, _small(store, f"{PurePosixPath(listed.path)}/{name}" if listed else name))
    if not known.is_file():
        of = f" of {listed.version}" if listed else ""
        raise Missing(f"{name}{of} is not in the cache", where=store.where, fix="fetch it without --offline")
    return known.read_bytes()


def around(store: Store) -> dict[str, bytes]:
    """What lies in a store beside its releases: the index as it was just seen, its attestation and page if there are any."""
    found = {INDEX: (store.seen / INDEX).read_bytes()}
    for name in (INDEX_ATTESTATION, PAGE):
        with contextlib.suppress(Missing):
            found[name] = _small(store, name)
    return found


# What a publisher signed


def refuse_unsigned_index(store: Store, content: bytes, keys: Sequence[Key]) -> None:
    """Raise DataFault for an index that isn't signed by one of the keys, if there are any."""
    if not keys:
        return
    with tempfile.TemporaryDirectory(prefix="imprint-") as folder:
        try:
            (Path(folder) / INDEX_ATTESTATION).write_bytes(_remembered(store, None, INDEX_ATTESTATION))
        except Missing:
            if store.offline:
                raise
        checked = check_index(Path(folder), keys)
    _refuse(checked.problems, store.where)
    if (checked.subjects or {}).get(INDEX) != hashlib.sha256(content).hexdigest():
        fix = f"try again, as a release may be on its way; else {DISTRUST}"
        raise DataFault(f"{INDEX} is not what {INDEX_ATTESTATION} says", where=store.where, fix=fix)


def refuse_unsigned(
    store: Store, listed: Listed, manifest: Manifest, beside: Mapping[str, bytes], digests: Mapping[str, str],
    keys: Sequence[Key],
) -> str:  # fmt: skip
    """Whose key signed a release: its manifest, what is beside that, and files with these digests.

    Raises DataFault where none of the keys did.
    """
    where = f"{store.where}/{PurePosixPath(listed.path)}"
    with tempfile.TemporaryDirectory(prefix="imprint-") as folder:
        if ATTESTATION in beside:
            (Path(folder) / ATTESTATION).write_bytes(beside[ATTESTATION])
        checked = check_release(Path(folder), manifest, keys)
    _refuse(checked.problems, where)
    whole = {**digests, MANIFEST: listed.manifest, SUMS: hashlib.sha256(beside[SUMS]).hexdigest()}
    signed = checked.subjects or {}
    _refuse([f"{name} is not what {ATTESTATION} says" for name, digest in whole.items() if signed.get(name) != digest], where)
    return checked.signer


def _refuse(problems: Sequence[str], where: str) -> None:
    """Raise DataFault for the first of some problems."""
    for problem in problems:
        raise DataFault(problem, where=where, fix=DISTRUST)


def _promised(store: Store, path: str, digest: str) -> bytes:
    """A small file whose SHA-256 is known, from the cache or the store."""
    known = cache.held(store.cache, digest)
    if known.is_file() and hashlib.sha256(content := known.read_bytes()).hexdigest() == digest:
        return content
    if store.offline:
        raise ImprintError(f"{path} is not in the cache", where=store.where, fix="fetch it without --offline")
    content = _small(store, path)
    refuse_other(path, INDEX, hashlib.sha256(content).hexdigest(), digest, store.where)
    cache.remember(known, content)
    return content


def refuse_other(path: str, by: str, digest: str, promised: str, where: str) -> None:
    """Raise DataFault where a file's SHA-256 is not the one that was promised by a file of the store."""
    if digest != promised:
        what = f"{path} is not what {by} says (SHA-256 {digest[:12]}…, not {promised[:12]}…)"
        raise DataFault(what, where=where, fix=DISTRUST)


def _small(store: Store, name: str) -> bytes:
    """The content of a file whose size nobody has said. Raises Missing where there is none."""
    content = io.BytesIO()
    downloading.fetch(store.open, name, content, size=None, limit=SMALL, where=store.where, patience=store.patience)
    return content.getvalue()
