"""What `import imprint` offers; see `imprint.__all__`."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import choices, descriptor, locate, validation
from .documents import DESCRIPTOR_NAMES
from .exceptions import ImprintError, UsageFault
from .package import Package
from .report import Error, Report

if TYPE_CHECKING:
    import pandas

    from .changes import Changes
    from .impact import Impact
    from .uses import Lock

ROWS = 100  # example rows of a resource in a diff


@contextlib.contextmanager
def open_package(
    source: str | PathLike[str], *, remote: bool = False, directory: Path | None = None
) -> Iterator[tuple[Package, tuple[Error, ...]]]:
    """The package that `source` names (a directory, descriptor, zip, URL, `STORE@VERSION` or `git:REV[:path]`), and its faults.

    What the package names by URL is fetched only if `remote`. What had to be unpacked or downloaded is gone when the context
    ends. `directory` is where git is asked. Raises ImprintError where there is none, or where Git LFS has left pointers
    in the place of its files.
    """
    with locate.located(str(source), directory) as path, tempfile.TemporaryDirectory(prefix="imprint-") as downloads:
        package, faults = descriptor.load(path, str(source), Path(downloads) if remote else None)
        locate.refuse_no_table(package)
        locate.refuse_pointers((file for resource in package.resources for file in resource.files), str(source))
        yield package, faults


def validate(
    source: str | PathLike[str], *, limit: int = validation.LIMIT, memory: str | None = None,
    documents: str | PathLike[str] | None = None, only: Collection[str] = (), skip: Collection[str] = (),
    warn: Collection[str] = (), strict: bool = False, remote: bool = False, tell: Callable[[float], None] | None = None,
) -> Report:  # fmt: skip
    """Check a package against the Data Package 2.0 standard and its own rules.

    `limit` caps the examples per resource, field and type (0: all); totals are exact. `memory` is the engine's limit, such
    as "1GB". `documents` is a directory with the source documents that evidence spans point into. `only` and `skip` name
    types of error, ids of rules or resources to look at, or not; what `warn` names is a warning, besides what the descriptor's
    `severities` say; a package with warnings isn't valid if `strict`. What it names by URL is fetched only if `remote`. `tell`
    is called a few times a second with the share of the data that is read (0 to 1), if that takes longer than a second.
    Raises ImprintError where there is no package, where a name is unknown (UsageFault), or where the environment fails.
    """
    if limit < 0:
        raise UsageFault(f"limit {limit} is negative", fix="write 0 for all")
    with open_package(source, remote=remote) as (package, faults):
        where = Path(documents) if documents is not None else None
        policy = choices.policy(package, only=only, skip=skip, warn=warn, strict=strict)
        report = validation.validate(package, faults, limit=limit, memory=memory, documents=where, policy=policy, tell=tell)
        return replace(report, chosen=choices.chosen(package, policy))


def diff(
    old: str | PathLike[str], new: str | PathLike[str], *, keys: Mapping[str, Sequence[str]] | None = None,
    ignore: Collection[str] = (), abs_tol: Mapping[str, float] | None = None, rel_tol: Mapping[str, float] | None = None,
    rename: Mapping[str, str] | None = None, limit_rows: int = ROWS, fingerprints: bool = True, memory: str | None = None,
    directory: Path | None = None, opened: Callable[[Package, Package], None] | None = None,
) -> Changes:  # fmt: skip
    """What changed from package `old` to package `new`: metadata, schemas and rows.

    A path is `resource`, `resource.field` or, of a package with one table, `field`, in the words of `old`. `keys` names a
    resource's key where its schema has none, "" being the only table that there is. What `ignore` names is not looked at. A
    text, there and as a key, is one name.
    Numbers of a field in `abs_tol` or `rel_tol` are equal if they differ by no more than that, or by no more than that share of
    the larger one. `rename` gives a resource or field of `old` the name that it has in `new`. `limit_rows` caps the example
    rows per resource (0: all); totals are exact. Without `fingerprints`, which take longer than the rest, both sides' are "".
    `directory` is where git is asked, this one if not given. `opened` is called with both packages before they are compared.
    Raises DataFault where a key isn't unique, UsageFault where a path names nothing, ImprintError where there is no package.
    """
    from . import difference
    from .changes import Terms

    if limit_rows < 0:
        raise UsageFault(f"limit_rows {limit_rows} is negative", fix="write 0 for all")
    listed = {name: choices.several(fields) for name, fields in (keys or {}).items()}
    terms = Terms(listed, frozenset(choices.several(ignore)), abs_tol or {}, rel_tol or {}, rename or {}, limit_rows)
    with open_package(old, directory=directory) as (before, _), open_package(new, directory=directory) as (after, _):
        locate.refuse_no_text(before)
        locate.refuse_no_text(after)
        if opened is not None:
            opened(before, after)
        return difference.diff(before, after, terms, fingerprints=fingerprints, memory=memory)


def impacts(
    locks: Sequence[str | PathLike[str]], compare: Callable[..., Changes], rename: Mapping[str, str] | None = None
) -> tuple[Changes, tuple[Impact, ...]]:
    """What `compare` finds, and how that affects the consumers whose locks (or lists, or scripts) these are.

    `compare` is `diff` or `since_last_release` with all but `opened` filled in, `rename` among it. Raises UsageFault for a lock
    that is none, DataFault for one that doesn't fit the old package.
    """
    from . import impact, uses

    read: list[Lock] = []
    sides: list[Package] = []

    def look(old: Package, new: Package) -> None:
        sides.extend((uses.with_labels(old), uses.with_labels(new)))
        read.extend(uses.read(str(lock), sides[0]) for lock in locks)

    changes = compare(opened=look)
    return changes, impact.of(read, sides[0], sides[1], rename or {}, changes)


def uses_of(source: str, package: str | PathLike[str] | None = None, text: bytes | None = None) -> Lock:
    """What a consumer relies on, by its lock, a list or a script; what is named is in `package`, if that is given.

    `text` is the content of `source`, if that is no file. Raises UsageFault for a source that is none of these, DataFault where
    the package lacks what is named, ImprintError for what can't be read.
    """
    from . import uses

    if package is None:
        return uses.read(source, None, text)
    with open_package(package) as (opened, _):
        return uses.read(source, uses.with_labels(opened), text)


def load(
    source: str | PathLike[str], *, version: str | None = None,
    keys: str | PathLike[str] | Sequence[str | PathLike[str]] = (), memory: str | None = None,
) -> dict[str, pandas.DataFrame]:  # fmt: skip
    """The tables of a package as pandas frames, by name: dates, nullable integers, categoricals and lists are typed.

    `source` may be a store of releases, in a directory or at an address that `fetch` takes, of which `version` names one
    ("latest" if it isn't given). What comes from an address is checked against the store's manifest and kept in the cache. With
    `keys` (PEM files of public keys, or one) the store and the release must be signed by one of them. Raises DataFault where it
    isn't what the store or a signature says, ImprintError where there is no package, or no pandas.
    """
    from . import fetching, frames
    from .fetching import origin
    from .manifest import INDEX

    listed = origin.is_store(str(source)) or (Path(source) / INDEX).is_file()
    trusted = [Path(key) for key in ([keys] if isinstance(keys, str | PathLike) else keys)]
    if trusted:
        with tempfile.TemporaryDirectory(prefix="imprint-") as aside:
            place, only = Path(aside) / "release", (fetching.PACKAGE,)
            fetching.fetch(str(source), version or "latest", place, forms=only, keys=trusted)
            return load(place, memory=memory)
    if version is not None and not listed:
        fix = "leave the version out, or name the directory of releases"
        raise UsageFault(f"is no store of releases: it has no {INDEX}", where=source, fix=fix)
    if version is not None or (listed and not any((Path(source) / name).is_file() for name in DESCRIPTOR_NAMES)):
        # With a slash, as a host without a path would be read as a user's name.
        source = f"{str(source).rstrip('/')}/@{version or 'latest'}"
    with open_package(source) as (package, _):
        return frames.load(package, memory=memory)


def since_last_release(source: str | PathLike[str], out: Path, **options: Any) -> Changes:
    """What changed in a package since its last release, whose data is in `out` or in git; `options` are those of `diff`.

    Raises ImprintError where there is no release, or its data is nowhere or isn't what was released.
    """
    from . import ledger, previous

    with open_package(source) as (package, _):
        entries = ledger.read(package.base)
        old = previous.last_release(package, entries, out)
    directory = package.base if old.startswith("git:") else None
    changes = diff(old, source, **{**options, "directory": directory, "fingerprints": True})
    if changes.old.fingerprint != entries[-1].fingerprint:
        what = f"is not what the ledger says that {entries[-1].version} was"
        raise ImprintError(what, where=old, fix="fetch the whole history, or name the release's data as OLD")
    return changes
