"""Evidence and curation: a curator's slips are named, spans are found again, passages stay outside the package."""

import csv
import hashlib
import itertools
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import imprint
from imprint import curation, evidence

ROOT = Path(__file__).parent.parent
SLIPS = json.loads((Path(__file__).parent / "cases" / "slips.json").read_text(encoding="utf-8"))
TEXT = """A title of a text

First heading

One thing — été — is said. One thing is said.

II. Second heading

Another is said.
"""


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "imprint.commands", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A copy of the record to make slips in."""
    for name in ("data", "schemas"):
        shutil.copytree(ROOT / name, tmp_path / "record" / name)
    shutil.copy(ROOT / "datapackage.json", tmp_path / "record")
    return tmp_path / "record"


@pytest.mark.parametrize("case", SLIPS, ids=lambda case: case["slip"])
def test_a_curators_slip_is_named_with_its_row(case, record, request):
    documents = request.getfixturevalue("documents") if case.get("documents") else None
    path = record / case["file"]
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    changed = next(row for row in rows if next(iter(row.values())) == case["id"])
    changed.update(case["set"])
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    report = imprint.validate(record, limit=0, documents=documents)
    kind, resource, said = case["error"]
    found = [error for error in report.all_errors if (error.type, error.resource) == (kind, resource)]
    assert any(said in error.message and error.row_number for error in found), [error.message for error in report.all_errors]


def test_an_id_that_a_released_version_used_otherwise_shows_as_a_changed_row(record):
    path = record / "data" / "places.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("moura,Moura,", "moura,Elsewhere,"), encoding="utf-8")
    changes = imprint.diff(ROOT, record)
    (places,) = [one for one in changes.resources if one.name == "places"]
    assert [(row.op, dict(row.key)) for row in places.rows] == [("changed", {"id": "moura"})]


def test_an_id_that_was_withdrawn_is_not_used_again(record, tmp_path):
    out = tmp_path / "dist"

    def release(version: str, places: str) -> subprocess.CompletedProcess[str]:
        (record / "data" / "places.csv").write_text(places, encoding="utf-8")
        path = record / "datapackage.json"
        path.write_text(
            re.sub(r'"version": "[0-9.]+"', f'"version": "{version}"', path.read_text(encoding="utf-8")), encoding="utf-8"
        )
        return command("release", record, "--out", out)

    places = (record / "data" / "places.csv").read_text(encoding="utf-8")
    more = places + "zone,Zone,unspecified,,,,\n"
    mention = "omsac-descent-m999,,zone,omsac-descent-s02,13,17,"
    mentions = record / "data" / "mentions.csv"
    before = mentions.read_text(encoding="utf-8")
    mentions.write_text(f"{before}{mention}{'0' * 64},\n", encoding="utf-8")
    assert release("1.0.0", more).returncode == 0
    mentions.write_text(before, encoding="utf-8")
    assert release("2.0.0", places).returncode == 0
    mentions.write_text(f"{before}{mention}{'0' * 64},\n", encoding="utf-8")
    done = release("3.0.0", more)
    assert done.returncode == 1
    assert 'the id "zone" was withdrawn' in done.stderr or 'the id "omsac-descent-m999" was withdrawn' in done.stderr
    assert not (out / "3.0.0").exists()


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8", newline="")
    return path


def test_span_gives_code_points_and_the_digest_of_the_words(document):
    found = curation.span(document, "été — is said")
    assert TEXT[found.start : found.end] == "été — is said"
    assert found.sha256 == hashlib.sha256("été — is said".encode()).hexdigest()


def test_span_matches_words_over_a_line_end(document):
    found = curation.span(document, "text First")
    assert TEXT[found.start : found.end] == "text\n\nFirst"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["no such words"], 1, 'has no "no such words"'),
        (["is said"], 1, "3 times"),
        (["is said", "--nth", "4"], 2, "is not from 1 to 3"),
        ([" "], 2, "no words to look for"),
    ],
)
def test_span_says_in_one_line_what_is_wrong(document, arguments, code, said):
    done = command("span", document, *arguments)
    assert done.returncode == code
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_section_drafts_rows_that_cover_the_document_in_order(document):
    done = command("section", document, "--source", "new")
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert [(row["number"], row["title"]) for row in rows] == [
        ("", "A title of a text"),
        ("", "First heading"),
        ("II", "Second heading"),
    ]
    spans = [(int(row["start"]), int(row["end"])) for row in rows]
    assert spans == sorted(spans)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))
    assert TEXT[spans[0][0] : spans[-1][1]] == TEXT.rstrip("\n")


def test_a_third_document_can_be_added_as_the_guide_says(record, document, documents, tmp_path):
    """The half-hour of docs/curating.md, with a small text of our own."""
    together = tmp_path / "documents"
    together.mkdir()
    for path in [*documents.glob("*.txt"), document]:
        shutil.copy(path, together)
    sources = json.loads((record / "data/sources.json").read_text(encoding="utf-8"))
    content = document.read_bytes()
    new = {**sources[0], "id": "a-new-text", "title": "A title of a text", "bytes": len(content), "code_points": len(TEXT)}
    new |= {"sha256": hashlib.sha256(content).hexdigest()}
    (record / "data/sources.json").write_text(json.dumps([*sources, new], ensure_ascii=False), encoding="utf-8")
    sections = list(curation.sections(document, "a-new-text"))
    sections[0]["kind"] = "masthead"
    append(record / "data/sections.csv", sections)
    for number, words in enumerate(("One thing — été — is said.", "Another is said."), 1):
        found = curation.span(document, words)
        (section,) = [row for row in sections if int(row["start"]) <= found.start and found.end <= int(row["end"])]
        row = {
            "id": f"a-new-text-c{number:03d}",
            "section_id": section["id"],
            "start": found.start,
            "end": found.end,
            "sha256": found.sha256,
        }
        row |= {"asserted_by": "omsac", "speech_act": "assert", "gist": "States a thing.", "standing": "unverified"}
        append(record / "data/claims.csv", [row])
    assert command("fmt", record).returncode == 0
    done = command("validate", record, "--documents", together)
    assert done.returncode == 0, done.stdout
    assert "in 3 documents" in done.stdout


def append(path: Path, rows: list[dict]) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        fields = next(csv.reader(file))
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.DictWriter(file, fields, lineterminator="\n").writerows(rows)


def test_spans_are_found_again_in_another_edition():
    def span(words: str) -> evidence.Span:
        start = TEXT.index(words)
        return evidence.Span("claims", 2, "text", start, start + len(words), evidence.digest(words))

    spans = [span("A title"), span("été"), span("Another is said.")]
    edition = TEXT.replace("First", "The very first").replace("Another is", "Another was")
    assert [at for _, at in evidence.find_again(spans, edition)] == [0, edition.index("été"), None]


def test_validate_says_what_moved_and_what_is_gone(documents, tmp_path):
    for path in documents.glob("*.txt"):
        shutil.copy(path, tmp_path)
    (edited,) = [path for path in tmp_path.glob("*.txt") if "Preamble" in path.read_text(encoding="utf-8")]
    edited.write_text(edited.read_text(encoding="utf-8").replace("Preamble", "Foreword and preamble"), encoding="utf-8")
    report = imprint.validate(ROOT, limit=0, documents=tmp_path)
    notes = [error.note for error in report.all_errors if error.type == "evidence-error"]
    assert any("another edition" in note for note in notes)
    assert any("moved to" in note for note in notes)
    assert any("is gone" in note for note in notes)


def test_a_missing_document_is_said_and_exits_3(tmp_path):
    done = command("validate", ROOT, "--documents", tmp_path)
    assert done.returncode == 3
    assert "is not in" in done.stderr


def test_hydrate_puts_the_passage_beside_each_row(documents, tmp_path):
    done = command("hydrate", ROOT, tmp_path / "out", "--documents", documents)
    assert done.returncode == 0, done.stderr
    with (tmp_path / "out" / "claims.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            assert hashlib.sha256(row["passage"].encode()).hexdigest() == row["sha256"]


def test_hydrate_refuses_to_write_into_the_package(documents):
    done = command("hydrate", ROOT, ROOT / "passages", "--documents", documents)
    assert done.returncode == 2
    assert "lies inside the package" in done.stderr
    assert not (ROOT / "passages").exists()
