"""The ledger `releases.json`: what was released, when, with which content. It is tracked beside the descriptor."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .archive import replace_text
from .exceptions import ImprintError
from .locate import read_document

NAME = "releases.json"


@dataclass(frozen=True)
class Entry:
    """One release: its version and UTC date, the digest of its zip, the fingerprints and the verdict."""

    version: str
    date: str
    sha256: str
    fingerprint: str
    bump: str
    rules: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)


def read(base: Path) -> tuple[Entry, ...]:
    """The ledger's entries, oldest first; none without a ledger. Raises ImprintError where it can't be read."""
    path = base / NAME
    if not path.exists():
        return ()
    content = read_document(path)
    try:
        return tuple(
            Entry(**{**item, "rules": tuple(item["rules"]), "waived": tuple(item["waived"])}) for item in content["releases"]
        )
    except (KeyError, TypeError) as error:
        raise ImprintError("is not a ledger of releases", where=path, fix="restore it from git") from error


def text(entries: tuple[Entry, ...]) -> str:
    """The ledger as JSON."""
    return json.dumps({"releases": [asdict(entry) for entry in entries]}, indent=2, ensure_ascii=False) + "\n"


def write(base: Path, entries: tuple[Entry, ...]) -> None:
    """Replace the ledger."""
    replace_text(base / NAME, text(entries))
