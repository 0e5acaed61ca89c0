"""For a curator: section rows and span fields of a new document, and the tables with their passages for who holds them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import evidence
from .engine import Engine
from .evidence import BLOCK, digest
from .exceptions import DataFault, ImprintError, UsageFault
from .package import Package
from .rules import RuleFault, View
from .scan import Checked
from .validation import open_tables

HEADING = re.compile(r"(?:(?P<number>[IVXLC]+|[0-9]+(?:\.[0-9]+)*)[.)]\s+)?(?P<title>[^\n]{1,120})")
SECTION_FIELDS = ("id", "source_id", "ordinal", "level", "kind", "number", "title", "start", "end", "sha256", "notes")


@dataclass(frozen=True)
class Found:
    """A span of a document, as the fields of a row."""

    start: int
    end: int
    sha256: str


def read_text(path: Path) -> str:
    """A document's text, exactly. Raises ImprintError where it can't be read or isn't UTF-8."""
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ImprintError(f"is not UTF-8 (byte {error.start})", where=path, fix="save it as UTF-8") from error
    except OSError as error:
        raise ImprintError(f"cannot be read ({error.strerror})", where=path, fix="check the path") from error


def span(path: Path, words: str, nth: int | None = None) -> Found:
    """Where the words stand in a document; white space in `words` stands for any white space.

    Raises DataFault where they aren't there, or are there more than once and `nth` (from 1) doesn't say which.
    """
    text = read_text(path)
    parts = words.split()
    if not parts:
        raise UsageFault("no words to look for", where="WORDS", fix="give the words as the document has them")
    found = [match.span() for match in re.finditer(r"\s+".join(map(re.escape, parts)), text)]
    if not found:
        raise DataFault(f'has no "{words[:60]}"', where=path, fix="copy the words from the document, spelling and case")
    if nth is None and len(found) > 1:
        places = ", ".join(f"{start}–{end}" for start, end in found[:5])
        raise DataFault(
            f'has "{words[:60]}" {len(found)} times ({places})', where=path, fix="say which with --nth, or give more words"
        )
    if nth is not None and not 1 <= nth <= len(found):
        raise UsageFault(f"{nth} is not from 1 to {len(found)}", where="--nth", fix=f"{path} has the words {len(found)} times")
    start, end = found[(nth or 1) - 1]
    return Found(start, end, digest(text[start:end]))


def sections(path: Path, source: str) -> Iterator[dict[str, str]]:
    """A first draft of a document's section rows: a section begins at each line that looks like a heading.

    `kind` is `body` throughout and `level` is empty: both are for the curator to say.
    """
    text = read_text(path)
    blocks = [match.span() for match in BLOCK.finditer(text)]
    starts = [at for at, (start, end) in enumerate(blocks) if at == 0 or _is_heading(text[start:end])]
    for ordinal, first in enumerate(starts, 1):
        last = starts[ordinal] - 1 if ordinal < len(starts) else len(blocks) - 1
        start, end = blocks[first][0], blocks[last][1]
        heading = HEADING.fullmatch(text[slice(*blocks[first])].strip()) if _is_heading(text[slice(*blocks[first])]) else None
        values = (
            f"{source}-s{ordinal:02d}",
            source,
            ordinal,
            "",
            "body",
            heading and heading["number"],
            heading and heading["title"],
        )
        row = (*values, start, end, digest(text[start:end]), "")
        yield {name: "" if value is None else str(value) for name, value in zip(SECTION_FIELDS, row, strict=True)}


def _is_heading(block: str) -> bool:
    line = block.strip()
    return (
        "\n" not in line
        and HEADING.fullmatch(line) is not None
        and line[-1] not in ".!?:;,"
        and not line.startswith(("•", "-", "*"))
    )


def hydrate(package: Package, documents: Path, out: Path, *, memory: str | None = None) -> tuple[Path, ...]:
    """Write every table with spans as CSV with a column `passage`, for those who hold the documents.

    Raises UsageFault where `out` lies in the package, as passages aren't the package's to publish; DataFault where a
    span doesn't verify; ImprintError where a document is missing.
    """
    if out.resolve().is_relative_to(package.base.resolve()):
        raise UsageFault(
            "lies inside the package", where=out, fix="write passages to a directory outside: they are not yours to publish"
        )
    declared = package.descriptor.get("evidence")
    if not isinstance(declared, dict):
        raise ImprintError('declares no "evidence"', where=package.source, fix="see docs/curating.md")
    with open_tables(package, memory=memory) as (engine, (checked,)):
        views = {name: one.view() for name, one in checked.items()}
        result = evidence.check(engine, package, views, documents)
        broken = [error for error in result.errors if error.type != "coverage-error"]
        if broken:
            fault = ImprintError if broken[0].unchecked else DataFault
            raise fault(broken[0].message, where=documents, fix="hydrate needs the very documents that were recorded")
        texts = evidence.documents_in(documents)
        try:
            passages = _passages(engine, declared, views, texts)
        except RuleFault as error:
            raise ImprintError(f'"evidence" can\'t be used: {error}', where=package.source) from error
        out.mkdir(parents=True, exist_ok=True)
        return tuple(_write(engine, checked[name], rows, out / f"{name}.csv") for name, rows in passages.items())


def _passages(
    engine: Engine, declared: Mapping[str, Any], views: Mapping[str, View], texts: dict[str, str]
) -> dict[str, dict[int, str]]:
    known = evidence.document_texts(engine, declared, views, texts)
    found: dict[str, dict[int, str]] = {}
    for one in evidence.spans_of(engine, declared, views):
        found.setdefault(one.resource, {})[one.row] = known[one.document][one.start : one.end]
    return found


def _write(engine: Engine, one: Checked, passages: dict[int, str], path: Path) -> Path:
    cells = ", ".join(column.id for column in one.table.columns)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*one.table.labels, "passage"])
        for row, *values in engine.stream(f"SELECT rn, {cells} FROM {one.table.numbered} ORDER BY rn"):
            writer.writerow([*values, passages.get(row, "")])
    return path
