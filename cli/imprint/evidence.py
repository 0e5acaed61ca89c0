"""Evidence: spans of source documents, checked against the documents by those who hold them.

A package declares its evidence in the descriptor's `evidence`: which table lists the documents (and the field with each
one's SHA-256), which tables have spans with the expression that leads to the document's id, and what must be covered. A
span is (`start`, `end`, `sha256`): Unicode code points of the UTF-8 text, half-open, and the SHA-256 of the span's text
(W3C Web Annotation's TextPositionSelector, with a digest).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .engine import Engine
from .exceptions import ImprintError
from .package import Package
from .report import Error
from .rules import RuleFault, View, select

BLOCK = re.compile(r"\S.*(?:\n[^\n]*\S[^\n]*)*")  # lines up to a blank one


@dataclass(frozen=True)
class Span:
    """A row's span: `row` is its number in table `resource`."""

    resource: str
    row: int
    document: str
    start: int
    end: int
    sha256: str


@dataclass(frozen=True)
class Block:
    """A stretch of a document between blank lines; `why` says why it needs no claim ("" where it does)."""

    document: str
    start: int
    end: int
    why: str
    covered: bool


@dataclass(frozen=True)
class Evidence:
    """What the documents say of a package's spans."""

    documents: int
    spans: int
    verified: int
    blocks: tuple[Block, ...]
    errors: tuple[Error, ...]

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        counted = [block for block in self.blocks if not block.why]
        reasons = sorted({block.why for block in self.blocks if block.why})
        return {
            "documents": self.documents,
            "spans": self.spans,
            "verified": self.verified,
            "blocks": len(self.blocks),
            "covered": sum(block.covered for block in counted),
            "uncovered": sum(not block.covered for block in counted),
            "exempt": {why: sum(block.why == why for block in self.blocks) for why in reasons},
        }


def digest(text: str) -> str:
    """The SHA-256 of a text, in hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def documents_in(directory: Path) -> dict[str, str]:
    """SHA-256 of each text in a directory → the text. Raises ImprintError where there is no directory."""
    if not directory.is_dir():
        raise ImprintError("is not a directory", where=directory, fix="name the directory that holds the documents")
    found = {}
    for path in sorted(directory.iterdir()):
        if path.is_file():
            content = path.read_bytes()
            try:
                found[hashlib.sha256(content).hexdigest()] = content.decode("utf-8")
            except UnicodeDecodeError:
                continue  # not a text, so not a document that spans can point into
    return found


def check(engine: Engine, package: Package, views: Mapping[str, View], directory: Path) -> Evidence:
    """Documents that are missing or of another edition, spans whose text has another digest, blocks that no row covers."""
    texts = documents_in(directory)
    try:
        declared = package.descriptor["evidence"]
        known = _documents(engine, declared, views)
        spans = list(spans_of(engine, declared, views))
        errors: list[Error] = []
        matched: dict[str, str] = {}
        verified = 0
        table = declared["documents"]["resource"]
        for document, expected in sorted(known.items()):
            mine = [span for span in spans if span.document == document]
            if expected in texts:
                matched[document] = texts[expected]
                broken = list(_check_spans(mine, texts[expected]))
                verified += len(mine) - len(broken)
                errors += broken
            else:
                rest = [text for key, text in texts.items() if key not in known.values()]
                errors += _other_edition(table, document, expected, mine, rest, directory)
        blocks = tuple(_blocks(engine, declared, views, spans, matched))
    except (RuleFault, KeyError, TypeError) as error:
        fault = Error("package-error", f'"evidence" of the descriptor can\'t be used: {error}')
        return Evidence(0, 0, 0, (), (fault,))
    errors += [_uncovered(table, block, matched[block.document]) for block in blocks if not block.why and not block.covered]
    return Evidence(len(matched), len(spans), verified, blocks, tuple(errors))


def _documents(engine: Engine, declared: Mapping[str, Any], views: Mapping[str, View]) -> dict[str, str]:
    listed = declared["documents"]
    query = select(listed["resource"], ["id", listed.get("sha256", "sha256")], views)
    return {key: found for _, key, found in engine.rows(query)}


def document_texts(
    engine: Engine, declared: Mapping[str, Any], views: Mapping[str, View], texts: Mapping[str, str]
) -> dict[str, str]:
    """The text of each document, by its id. Raises RuleFault, or KeyError where a document isn't there."""
    return {key: texts[found] for key, found in _documents(engine, declared, views).items()}


def spans_of(engine: Engine, declared: Mapping[str, Any], views: Mapping[str, View]) -> Iterator[Span]:
    """Every span that the declared tables hold, in the order of their rows. Raises RuleFault."""
    for item in declared["spans"]:
        fields = [item["document"], "start", "end", "sha256"]
        for row, document, start, end, found in engine.rows(f"{select(item['resource'], fields, views)} ORDER BY rn"):
            if None not in (document, start, end, found):
                yield Span(item["resource"], row, document, start, end, found)


# Spans


def _check_spans(spans: Sequence[Span], text: str) -> Iterator[Error]:
    for span in spans:
        if span.end > len(text):
            note = f'span {span.start}–{span.end} ends past the end of "{span.document}" ({len(text)} code points)'
        elif digest(text[span.start : span.end]) != span.sha256:
            note = f'the text at {span.start}–{span.end} of "{span.document}" is not the text that the digest was made of'
        else:
            continue
        yield Error("evidence-error", note, span.resource, row_number=span.row, rule="evidence")


def find_again(spans: Sequence[Span], text: str) -> list[tuple[Span, int | None]]:
    """Where each span's text begins in another edition of its document, the nearest place first; None where it's gone.

    A span's digest is all that is known of its text, so every stretch of its length is tried: time grows with the number
    of distinct lengths.
    """
    wanted: dict[int, set[str]] = {}
    for span in spans:
        wanted.setdefault(span.end - span.start, set()).add(span.sha256)
    places: dict[str, list[int]] = {}
    for length, digests in wanted.items():
        for start in range(len(text) - length + 1):
            found = digest(text[start : start + length])
            if found in digests:
                places.setdefault(found, []).append(start)
    return [(span, min(places.get(span.sha256, ()), key=lambda at: abs(at - span.start), default=None)) for span in spans]


def _other_edition(
    table: str, document: str, expected: str, spans: Sequence[Span], texts: Sequence[str], directory: Path
) -> Iterator[Error]:
    """What became of the spans of a document whose recorded edition isn't here, in the text that holds most of them."""
    editions = [find_again(spans, text) for text in texts]
    best = max(editions, key=lambda found: sum(at is not None for _, at in found), default=[])
    again = [(span, at) for span, at in best if at is not None]
    if not again:
        note = f'document "{document}" (SHA-256 {expected[:12]}…) is not in {directory}'
        yield Error("scheme-error", note, table, rule="evidence", unchecked=True)
        return
    moved = sum(at != span.start for span, at in again)
    gone = len(best) - len(again)
    note = f'"{document}" is here in another edition: of {len(best)} spans {len(again) - moved} stand where they stood'
    yield Error("evidence-error", f"{note}, {moved} moved, {gone} are gone", table, rule="evidence")
    for span, at in best:
        if at is None:
            note = f'the text of span {span.start}–{span.end} is gone from "{document}"'
        elif at != span.start:
            note = f'the text of span {span.start}–{span.end} of "{document}" moved to {at}–{at + span.end - span.start}'
        else:
            continue
        yield Error("evidence-error", note, span.resource, row_number=span.row, rule="evidence")


# Coverage


def _blocks(
    engine: Engine, declared: Mapping[str, Any], views: Mapping[str, View], spans: Sequence[Span], texts: Mapping[str, str]
) -> Iterator[Block]:
    """Every block of the documents, and whether a span of a covering table lies over it."""
    coverage = declared.get("coverage")
    if not isinstance(coverage, Mapping):
        return
    sections = _sections(engine, coverage, views)
    furniture = set(coverage.get("furniture", ()))
    covering = [span for span in spans if span.resource in set(coverage.get("by", ()))]
    for document, text in sorted(texts.items()):
        for found in BLOCK.finditer(text):
            start, end = found.span()
            own = [one for one in sections if one.document == document and one.start < end and start < one.end]
            kinds = {one.kind for one in own}
            heading = any(found[0].strip() in one.headings for one in own)
            why = "furniture" if own and kinds <= furniture else "heading" if heading else ""
            covered = any(span.document == document and span.start < end and start < span.end for span in covering)
            yield Block(document, start, end, "" if covered and why == "heading" else why, covered)


@dataclass(frozen=True)
class _Section:
    document: str
    start: int
    end: int
    kind: str
    headings: frozenset[str]


def _sections(engine: Engine, coverage: Mapping[str, Any], views: Mapping[str, View]) -> list[_Section]:
    fields = ["source_id", "start", "end", "kind", "number", "title"]
    found = []
    for _, document, start, end, kind, number, title in engine.rows(select(coverage["sections"], fields, views)):
        headings = {title, f"{number}. {title}", f"{number} {title}"} if title else set()
        found.append(_Section(document, start, end, kind or "", frozenset(headings)))
    return found


def _uncovered(table: str, block: Block, text: str) -> Error:
    line = text.count("\n", 0, block.start) + 1
    note = f'the block at {block.start}–{block.end} of "{block.document}" (line {line}) is covered by no row'
    return Error("coverage-error", note, table, rule="coverage")
