"""Other limits than usual, so that little tables are checked as large and as wide ones are."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from imprint import passes, scan, tables


@contextlib.contextmanager
def sized(
    small: int = tables.SMALL, group: int = passes.GROUP, counted: int = passes.COUNTED, many: int = scan.MANY
) -> Iterator[None]:
    """With other limits: of bytes up to which a table is kept in memory, of columns that are checked in one pass, and how many
    times the rows with unsure cells all rows may be, so that such cells are made columns of all of them.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "SMALL", small)
        patch.setattr(passes, "GROUP", group)
        patch.setattr(passes, "COUNTED", counted)
        patch.setattr(scan, "MANY", many)
        yield
