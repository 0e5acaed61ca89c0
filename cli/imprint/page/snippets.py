"""Lines to copy that load a release in pandas, R, SQL and a shell. They run as they are.

The page's own address isn't known when it is made: it stands as ADDRESS, in the place of which the page puts where it is.
Paths are percent-encoded, so that no name can end a text of the language that it stands in. Where a language wants the name of
a file on a disk as it is, the page decodes it and escapes it as that language does.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

ADDRESS = "https://example.org/"
PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Snippet:
    """A few lines of a language; `language` is what a reader calls it."""

    language: str
    text: str


@dataclass(frozen=True)
class Offer:
    """What can be loaded, as paths in the store ("" for what isn't there): the zip with its SHA-256, a database, a table.

    `name` is the table's, and `table` one CSV file in UTF-8 with a header row.
    """

    archive: str
    sha256: str
    sqlite: str = ""
    table: str = ""
    name: str = ""


def snippets(offer: Offer) -> Iterator[Snippet]:
    """The lines for each language."""
    if offer.table:
        address = f"{ADDRESS}{quote(offer.table)}"
        yield Snippet("pandas", f'import pandas as pd\n\nrows = pd.read_csv("{address}")\nprint(rows.head())')
        yield Snippet("R", f'rows <- read.csv("{address}", encoding = "UTF-8", na.strings = "")\nhead(rows)')
        yield Snippet("DuckDB", f"SELECT * FROM read_csv('{address}') LIMIT 5;")
    if offer.sqlite:
        local = _local(offer.sqlite, "package.sqlite")
        name = offer.name.replace('"', '""')
        query = shlex.quote(f'SELECT * FROM "{name}" LIMIT 5') if _printable(name) else "'.tables'"
        yield Snippet("SQLite", f"{_download(offer.sqlite, local)}\nsqlite3 {local} {query}")
    local = _local(offer.archive, "package.zip")
    yield Snippet("curl", f"{_download(offer.archive, local)}\necho '{offer.sha256}  {local}' | sha256sum --check")


def _download(path: str, local: str) -> str:
    return f"curl --fail --location --output {local} '{ADDRESS}{quote(path)}'"


def _local(path: str, other: str) -> str:
    """A file's name, if a shell takes it as it is."""
    name = path.rpartition("/")[2]
    return name if PLAIN.fullmatch(name) else other


def _printable(name: str) -> bool:
    return bool(name) and name.isprintable()
