"""What `import imprint` offers; see `imprint.__all__`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from . import descriptor, locate, validation
from .package import Package
from .report import Error, Report


@contextlib.contextmanager
def open_package(source: str | PathLike[str]) -> Iterator[tuple[Package, tuple[Error, ...]]]:
    """The package that `source` names (a directory, descriptor, zip, URL or `git:REV[:path]`), and its faults.

    What had to be unpacked or downloaded is gone when the context ends. Raises ImprintError where there is no package.
    """
    with locate.located(str(source)) as path:
        yield descriptor.load(path, str(source))


def validate(
    source: str | PathLike[str], *, limit: int = validation.LIMIT, memory: str | None = None,
    documents: str | PathLike[str] | None = None,
) -> Report:  # fmt: skip
    """Check a package against the Data Package 2.0 standard and its own rules.

    `limit` caps the examples per resource, field and type (0: all); totals are exact. `memory` is the engine's limit, such
    as "1GB". `documents` is a directory with the source documents that evidence spans point into. Raises ImprintError
    where there is no package, or where the environment fails.
    """
    with open_package(source) as (package, faults):
        where = Path(documents) if documents is not None else None
        return validation.validate(package, faults, limit=limit, memory=memory, documents=where)
