"""The record keeps its law: what a program can hold of `neutral, fair and evidenced`."""

import csv
import json
import re
from pathlib import Path

import pytest

import imprint

ROOT = Path(__file__).parent.parent
RUN = 6  # words in a row that no published cell shares with a document
DATA = sorted((ROOT / "data").glob("*.csv"))
PUBLISHED = sorted(
    path
    for folder in ("data", "schemas", "docs", ".")
    for path in (ROOT / folder).glob("*" if folder != "." else "*.[mj]*")
    if path.suffix in (".csv", ".json", ".md", ".sql", ".svg") and path.name != "releases.json"
) + sorted((ROOT / "docs").glob("*/**/*.[csm][svd]*"))
QUOTABLE = {"title", "name", "aliases", "literal"}  # titles, headings and names may be quoted


def rows(name: str) -> list[dict[str, str]]:
    with (ROOT / "data" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def words(text: str) -> list[str]:
    return re.findall(r"[\w’'-]+", text.lower())


def runs(text: str) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[at : at + RUN]) for at in range(len(found) - RUN + 1)}


def test_the_record_is_valid():
    report = imprint.validate(ROOT)
    assert report.valid, [error.message for error in report.all_errors]


def test_every_span_verifies_and_every_block_is_covered(documents):
    report = imprint.validate(ROOT, documents=documents)
    assert report.valid, [error.message for error in report.all_errors]
    assert report.evidence is not None
    assert report.evidence["documents"] == 2
    assert report.evidence["verified"] == report.evidence["spans"] > 300
    assert report.evidence["uncovered"] == 0


@pytest.fixture(scope="module")
def quotable() -> set[tuple[str, ...]]:
    """Runs that stand in titles, headings and names."""
    texts = [row[key] for path in DATA for row in rows(path.stem) for key in QUOTABLE & row.keys()]
    for source in json.loads((ROOT / "data/sources.json").read_text(encoding="utf-8")):
        texts += [source["title"], *(author.get("literal") or "" for author in source["author"])]
    headings = {f"{row['number']} {row['title']}" for row in rows("sections")}
    return {run for text in [*texts, *headings] for run in runs(text)}


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_run_of_six_words_is_a_documents(path, documents, quotable):
    theirs = {run for document in documents.glob("*.txt") for run in runs(document.read_text(encoding="utf-8"))}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        shared = (runs(line) & theirs) - quotable
        # a heading or name with the words around it in the same line of a table
        shared = {run for run in shared if not any(set(run[1:-1]) <= set(other) for other in quotable)}
        assert not shared, f"{path.name}:{number} shares «{' '.join(min(shared))}» with a document"


def test_every_event_is_reached_by_a_claim():
    assert {row["id"] for row in rows("events")} <= {row["event_id"] for row in rows("claims")}


def test_no_person_has_an_accusing_role():
    persons = {row["id"] for row in rows("actors") if row["kind"] == "person"}
    accusing = [row for row in rows("event_actors") if row["actor_id"] in persons and row["role"] in ("alleged_agent", "agent")]
    assert accusing == []


def test_who_is_detained_has_no_other_part():
    parts = rows("event_actors")
    persons = {row["id"] for row in rows("actors") if row["kind"] == "person"}
    detained = {row["actor_id"] for row in parts if row["role"] == "detained"} & persons
    assert {row["role"] for row in parts if row["actor_id"] in detained} == {"detained"}


def test_what_is_charged_to_a_collective_reaches_no_person_through_a_tie():
    """A view or a join over ties gives a person no charge: the only tie of a person to an accused body is a stated post."""
    persons = {row["id"] for row in rows("actors") if row["kind"] == "person"}
    ties = [row for row in rows("actor_relations") if row["from_actor_id"] in persons or row["to_actor_id"] in persons]
    allowed = {"leads", "member_of", "holds_position", "former_position", "described_as"}
    assert {row["relation"] for row in ties} <= allowed


def test_standing_is_a_constant():
    assert {row["standing"] for row in rows("claims")} == {"unverified"}


def test_a_year_that_is_not_stated_is_not_inferred():
    for row in rows("events"):
        if row["date_edtf_stated"].startswith("XXXX"):
            assert row["date_edtf"] == "" == row["date_min"] == row["date_max"], row["id"]


@pytest.mark.parametrize("path", DATA, ids=lambda path: path.name)
def test_a_table_is_in_canonical_form(path):
    content = path.read_bytes()
    assert b"\r" not in content
    assert not content.startswith(b"\xef\xbb\xbf")
    content.decode("utf-8")
    schema = json.loads((ROOT / "schemas" / f"{path.stem}.json").read_text(encoding="utf-8"))
    keys = [tuple(row[field] for field in schema["primaryKey"]) for row in rows(path.stem)]
    assert keys == sorted(keys)


@pytest.mark.parametrize("path", sorted((ROOT / "schemas").glob("*.json")), ids=lambda path: path.name)
def test_every_code_has_a_definition_and_older_tools_know_it(path):
    schema = json.loads(path.read_text(encoding="utf-8"))
    for field in schema.get("fields", ()):
        if "categories" in field:
            assert [code["value"] for code in field["categories"]] == field["constraints"]["enum"]
            assert all(code["definition"] and code["inclusion"] for code in field["categories"]), field["name"]


def test_the_agreement_figures_are_those_of_the_two_readings():
    import subprocess
    import sys

    folder = ROOT / "docs" / "agreement"
    line = [sys.executable, str(folder / "agreement.py"), str(folder / "first"), str(folder / "second")]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert done.stdout == (folder / "agreement.md").read_text(encoding="utf-8")
