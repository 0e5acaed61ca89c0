"""What `import imprint` offers; see `imprint.__all__`."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from . import choices, descriptor, locate, validation
from .package import Package
from .report import Error, Report

if TYPE_CHECKING:
    import pandas

    from .changes import Changes

ROWS = 100  # example rows of a resource in a diff


@contextlib.contextmanager
def open_package(source: str | PathLike[str], *, remote: bool = False) -> Iterator[tuple[Package, tuple[Error, ...]]]:
    """The package that `source` names (a directory, descriptor, zip, URL or `git:REV[:path]`), and its faults.

    What the package names by URL is fetched only if `remote`. What had to be unpacked or downloaded is gone when the context
    ends. Raises ImprintError where there is no package.
    """
    with locate.located(str(source)) as path, tempfile.TemporaryDirectory(prefix="imprint-") as downloads:
        yield descriptor.load(path, str(source), Path(downloads) if remote else None)


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
    with open_package(source, remote=remote) as (package, faults):
        where = Path(documents) if documents is not None else None
        policy = choices.policy(package, only=only, skip=skip, warn=warn, strict=strict)
        return validation.validate(package, faults, limit=limit, memory=memory, documents=where, policy=policy, tell=tell)


def diff(
    old: str | PathLike[str], new: str | PathLike[str], *, keys: Mapping[str, Sequence[str]] | None = None,
    ignore: Collection[str] = (), abs_tol: Mapping[str, float] | None = None, rel_tol: Mapping[str, float] | None = None,
    rename: Mapping[str, str] | None = None, limit_rows: int = ROWS, memory: str | None = None,
) -> Changes:  # fmt: skip
    """What changed from package `old` to package `new`: metadata, schemas and rows.

    A path is `resource`, `resource.field` or, of a package with one table, `field`, in the words of `old`. `keys` names a
    resource's key where its schema has none. What `ignore` names is not looked at. Numbers of a field in `abs_tol` or `rel_tol`
    are equal if they differ by no more than that, or by no more than that share of the larger one. `rename` gives a resource or
    field of `old` the name that it has in `new`. `limit_rows` caps the example rows per resource (0: all); totals are exact.
    Raises DataFault where a key isn't unique, UsageFault where a path names nothing, ImprintError where there is no package.
    """
    from . import difference
    from .changes import Terms

    terms = Terms(keys or {}, frozenset(ignore), abs_tol or {}, rel_tol or {}, rename or {}, limit_rows)
    with open_package(old) as (before, _), open_package(new) as (after, _):
        return difference.diff(before, after, terms, memory=memory)


def load(source: str | PathLike[str], *, memory: str | None = None) -> dict[str, pandas.DataFrame]:
    """The tables of a package as pandas frames, by name: dates, nullable integers, categoricals and lists are typed.

    Raises ImprintError where there is no package, or no pandas.
    """
    from . import frames

    with open_package(source) as (package, _):
        return frames.load(package, memory=memory)


def last_release(source: str | PathLike[str], out: Path) -> str:
    """Where the data of a package's last release is: a directory in `out`, or a git revision. Raises ImprintError."""
    from . import ledger, release

    with open_package(source) as (package, _):
        return release.last_release(package, ledger.read(package.base), out)
