"""Evidence: spans of source documents, checked against the documents by those who hold them.

A package declares its evidence in the descriptor's `evidence`: which resource lists the documents (and the field with
each one's SHA-256), and which resources have spans, with the expression that leads to the document's id. A span is
(`start`, `end`, `sha256`): Unicode code points of the UTF-8 text, half-open, and the SHA-256 of the span's text (W3C
Web Annotation's TextPositionSelector, with a digest).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .engine import Engine
from .exceptions import ImprintError
from .package import Package
from .report import Error
from .rules import RuleFault, View, select


def documents_in(directory: Path) -> dict[str, str]:
    """SHA-256 of each file in a directory → its text. Raises ImprintError where there is no directory."""
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


def check(engine: Engine, package: Package, views: Mapping[str, View], directory: Path) -> Iterator[Error]:
    """Documents that are missing, and spans whose text has another digest."""
    declared = package.descriptor.get("evidence")
    if not isinstance(declared, dict):
        yield Error("package-error", 'the descriptor declares no "evidence", so there are no spans to check')
        return
    texts = documents_in(directory)
    listed = declared.get("documents", {})
    try:
        query = select(listed.get("resource", ""), ["id", listed.get("sha256", "sha256")], views)
        digests = {key: digest for _, key, digest in engine.rows(query)}
        for key, digest in sorted(digests.items()):
            if digest not in texts:
                note = f'document "{key}" (SHA-256 {digest[:12]}…) is not in {directory}'
                yield Error("source-error", note, listed.get("resource", ""), rule="evidence", unchecked=True)
        for item in declared.get("spans", ()):
            fields = [item["document"], "start", "end", "sha256"]
            for row in engine.rows(f"{select(item['resource'], fields, views)} ORDER BY rn"):
                yield from _check_span(item["resource"], row, digests, texts)
    except (RuleFault, KeyError) as error:
        yield Error("package-error", f'"evidence" can\'t be used: {error}')


def _check_span(resource: str, row: tuple[Any, ...], digests: Mapping[str, str], texts: Mapping[str, str]) -> Iterator[Error]:
    number, document, start, end, digest = row
    text = texts.get(digests.get(document, ""))
    if text is None or start is None or end is None:
        return
    if end > len(text):
        note = f'span {start}–{end} ends past the end of "{document}" ({len(text)} code points)'
    elif hashlib.sha256(text[start:end].encode()).hexdigest() != digest:
        note = f'the text at {start}–{end} of "{document}" is not the text that the digest was made of'
    else:
        return
    yield Error("evidence-error", note, resource, row_number=number, rule="evidence")
