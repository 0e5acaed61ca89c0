"""Evidence checked against a made-up document: cases/evidence.json. No document of the record is needed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from packages import CASES, write

import imprint

ROWS = json.loads((CASES / "evidence.json").read_text(encoding="utf-8"))
TEXT = "Sage grows tall.\n\nMint — spreads.\n\nThyme stays low.\n"
DECLARED = {
    "documents": {"resource": "sources"},
    "spans": [{"resource": "sections", "document": "source_id"}, {"resource": "claims", "document": "section_id.source_id"}],
    "coverage": {"sections": "sections", "furniture": [], "by": ["claims"]},
}
SPAN = [{"name": "start", "type": "integer"}, {"name": "end", "type": "integer"}, {"name": "sha256", "type": "string"}]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def span(words: str | list[int], digested: str | None = None) -> list[Any]:
    """Start, end and digest of some words of the text, or of a place in it."""
    start, end = words if isinstance(words, list) else (TEXT.index(words), TEXT.index(words) + len(words))
    return [start, end, digest(digested or TEXT[start:end])]


def table(name: str, fields: list[dict[str, Any]], rows: list[list[Any]], **keys: Any) -> tuple[dict[str, Any], str]:
    resource = {
        "name": name,
        "type": "table",
        "path": f"{name}.csv",
        "schema": {"fields": fields, "primaryKey": ["id"], **keys},
    }
    lines = [",".join(field["name"] for field in fields), *(",".join(map(str, row)) for row in rows)]
    return resource, "\n".join(lines) + "\n"


def text(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "type": "string"} for name in names]


@pytest.mark.parametrize("case", ROWS, ids=lambda case: case["what"])
def test_a_case(case: dict[str, Any], tmp_path: Path) -> None:
    def key(field: str, target: str) -> list[dict[str, Any]]:
        return [{"fields": [field], "reference": {"resource": target, "fields": ["id"]}}]

    claims = [[id_, section, *span(*words)] for id_, section, *words in case["claims"]]
    section = ["s1", "book", "body", 1, "Herbs", *span([0, len(TEXT)])]
    about = [*text("id", "source_id", "kind"), {"name": "number", "type": "integer"}, *text("title"), *SPAN]
    tables = [
        table("sources", text("id", "sha256"), [["book", digest(TEXT)]]),
        table("sections", about, [section], foreignKeys=key("source_id", "sources")),
        table("claims", [*text("id", "section_id"), *SPAN], claims, foreignKeys=key("section_id", "sections")),
    ]
    descriptor = {
        "name": "herbs",
        "resources": [resource for resource, _ in tables],
        "evidence": case.get("evidence", DECLARED),
    }
    files = {resource["path"]: rows for resource, rows in tables}
    package = write(tmp_path / "package", {"datapackage.json": descriptor, **files})
    documents = tmp_path / "documents"
    documents.mkdir()
    if case.get("document", TEXT):
        write(documents, {"book.txt": TEXT})
    report = imprint.validate(package, documents=documents)
    said = " ".join(f"{error.row_number and f'row {error.row_number}'} {error.message}" for error in report.all_errors)
    assert [words for words in case.get("says", ()) if words not in said] == []
    assert report.valid == (not case.get("says"))
    counts = report.evidence or {}
    assert {word: counts[word] for word in ("verified", "covered", "uncovered") if word in case} == {
        word: case[word] for word in ("verified", "covered", "uncovered") if word in case
    }
