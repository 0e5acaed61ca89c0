"""cases/choices.json says what is reported of a package, and how the command exits, for what a user asks to be looked for."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from packages import CASES, write
from packages import imprint as run
from peer import read_json

import imprint
from imprint.reports import FORMATS

TABLE = read_json(CASES / "choices.json")
FAIR = TABLE["packages"]["fair"]
EVERY_NAME = ["package-error", "resource-error", "type-error", "primary-key", "foreign-key", "row-constraint"]


def fair(folder: Path, case: Mapping[str, Any] = {}) -> Path:
    """The package of the cases, `with` other properties of its descriptor and `without` a file."""
    descriptor = {**FAIR["datapackage.json"], **case.get("with", {})}
    tables = {name: "\n".join(lines) + "\n" for name, lines in FAIR.items() if name != "datapackage.json"}
    tables.pop(case.get("without", ""), None)
    return write(folder / "fair", {"datapackage.json": descriptor, **tables})


def found(report: Mapping[str, Any]) -> list[str]:
    """What the JSON of a report counts, as the cases have it: "events.start: 1 type-error (warning)"."""
    return sorted([*_of_the_package(report), *(_counted(total) for task in report["tasks"] for total in task["totals"])])


def _of_the_package(report: Mapping[str, Any]) -> Iterator[str]:
    for severity, mark in (("errors", ""), ("warnings", " (warning)")):
        kinds = [error["type"] for error in report[severity]]
        yield from (f"{kinds.count(kind)} {kind}{mark}" for kind in sorted(set(kinds)))


def _counted(total: Mapping[str, Any]) -> str:
    place = ".".join(total[word] for word in ("resource", "field") if word in total)
    return f"{place}: {total['count']} {total['type']}{' (warning)' if total['severity'] == 'warning' else ''}"


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: case["what"])
def test_what_is_asked_for_is_reported_and_nothing_else(tmp_path: Path, case: Mapping[str, Any]) -> None:
    done = run("validate", fair(tmp_path, case), *case["options"], "--format", "json")
    report = json.loads(done.stdout)
    expected = TABLE["everything"] if case["found"] == "everything" else case["found"]
    assert found(report) == sorted(expected)
    assert done.exit_code == case["exit"]
    assert report["valid"] == (done.exit_code == 0)
    assert case.get("says", "") in " ".join(error["note"] for error in report["errors"])


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: case["what"])
def test_the_counts_of_a_report_are_those_of_its_totals(tmp_path: Path, case: Mapping[str, Any]) -> None:
    report = json.loads(run("validate", fair(tmp_path, case), *case["options"], "--format", "json").stdout)
    totals = [total for task in report["tasks"] for total in task["totals"]]
    for word in ("error", "warning"):
        counted = sum(total["count"] for total in totals if total["severity"] == word) + len(report[f"{word}s"])
        assert report["stats"][f"{word}s"] == counted
        listed = [error["severity"] for part in (report, *report["tasks"]) for error in part[f"{word}s"]]
        assert set(listed) <= {word}
        assert len(listed) == counted or any(task["sampled"] for task in report["tasks"])


@pytest.mark.parametrize("case", TABLE["refused"], ids=lambda case: case["what"])
def test_a_name_that_is_wrong_gets_one_line(tmp_path: Path, case: Mapping[str, Any]) -> None:
    done = run("validate", fair(tmp_path), *case["options"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("imprint: --") and done.stderr.count("\n") == 1
    assert case["says"] in done.stderr


@pytest.mark.parametrize("case", TABLE["told"], ids=lambda case: case["what"])
def test_a_report_says_what_was_looked_for(tmp_path: Path, case: Mapping[str, Any]) -> None:
    """`chosen` is what the JSON has, `head` what stands below the verdict, `junit` every test case of each suite."""
    forms = {form: run("validate", fair(tmp_path), *case["options"], "--format", form).stdout for form in FORMATS}
    assert json.loads(forms["json"]).get("chosen") == case["chosen"]
    heads = {"text": "looked for: {}\n", "markdown": "\nLooked for: <code>{}</code>\n", "html": "<p>Looked for: {}</p>\n"}
    for form, line in heads.items():
        assert ("ooked for" in forms[form]) == bool(case["head"])
        assert line.format(case["head"]) in html.unescape(forms[form]) or not case["head"]
    suites = {suite.get("name"): [one.get("name") for one in suite] for suite in ET.fromstring(forms["junit"])}
    assert {name: sorted(found) for name, found in suites.items()} == {
        name: sorted(_all(names)) for name, names in case["junit"].items()
    }


def _all(names: list[str]) -> list[str]:
    """The names of test cases; "a table's" stands for what is looked for in any table."""
    return [name for one in names for name in (TABLE["of a table"] if one == "a table's" else [one])]


def warned(*more: str) -> list[str]:
    """The options that make warnings of all that is wrong with the package."""
    return [*(word for name in EVERY_NAME for word in ("--warn", name)), *more]


@pytest.mark.parametrize("form", FORMATS)
def test_warnings_of_all_that_is_wrong_are_shown_in_every_format_and_exit_with_0(tmp_path: Path, form: str) -> None:
    done = run("validate", fair(tmp_path), *warned("--format", form))
    assert done.exit_code == 0, done.stdout
    assert not done.stderr
    assert "warning" in done.stdout
    assert all(name in done.stdout for name in EVERY_NAME)
    results = json.dumps(json.loads(done.stdout)["runs"][0]["results"]) if form == "sarif" else done.stdout
    assert not any(mark in results for mark in ("::error", "<failure", '"level": "error"', '"severity": "error"', "❌"))


@pytest.mark.parametrize("form", FORMATS)
def test_strictly_no_format_calls_them_valid(tmp_path: Path, form: str) -> None:
    done = run("validate", fair(tmp_path), *warned("--strict", "--format", form))
    assert done.exit_code == 1
    said = {"json": '"valid": false', "sarif": '"valid": false'}.get(form, "invalid")
    assert said in done.stdout


def test_python_chooses_as_the_command_does(tmp_path: Path) -> None:
    folder = fair(tmp_path)
    report = imprint.validate(folder, only=["events"], skip={"type-error"}, warn="foreign-key", strict=True)
    options = ("--only", "events", "--skip", "type-error", "--warn", "foreign-key", "--strict", "--format", "json")
    told = json.loads(run("validate", folder, *options).stdout)
    assert found(report.to_dict()) == found(told) and len(found(told)) == 4
    with pytest.raises(imprint.ImprintError, match='"type-eror" is no type of error'):
        imprint.validate(folder, only="type-eror")


# What a package declares holds for a release too

CLEAN = {"licenses": [{"name": "CC-BY-4.0"}], "rules": []}
WRONG = {"type-error": "warning", "primary-key": "warning", "foreign-key": "warning", "resource-error": "warning"}


def test_a_release_takes_what_the_descriptor_declares_to_be_warnings(tmp_path: Path) -> None:
    folder = fair(tmp_path, {"with": {**CLEAN, "severities": WRONG}})
    assert run("validate", folder).exit_code == 0
    assert run("release", folder, "--out", tmp_path / "dist").exit_code == 0


@pytest.mark.parametrize("name", WRONG)
def test_a_release_refuses_what_the_descriptor_does_not_declare(tmp_path: Path, name: str) -> None:
    declared = {other: severity for other, severity in WRONG.items() if other != name}
    folder = fair(tmp_path, {"with": {**CLEAN, "severities": declared}})
    done = run("release", folder, "--out", tmp_path / "dist")
    assert done.exit_code == 1
    assert name in done.stderr
    assert not (tmp_path / "dist").exists()


def test_a_release_of_a_table_without_a_file_is_refused_whatever_the_descriptor_declares(tmp_path: Path) -> None:
    severities = {**WRONG, "scheme-error": "warning"}
    folder = fair(tmp_path, {"with": {**CLEAN, "severities": severities}, "without": "events.csv"})
    done = run("release", folder, "--out", tmp_path / "dist")
    assert done.exit_code == 3
    assert 'has no file of resource "events"; add it or take the resource away' in done.stderr


def test_a_release_of_an_empty_table_that_is_declared_a_warning_leaves_it_empty(tmp_path: Path) -> None:
    folder = fair(tmp_path, {"with": {**CLEAN, "severities": {**WRONG, "source-error": "warning"}}})
    (folder / "events.csv").write_bytes(b"")
    assert run("release", folder, "--out", tmp_path / "dist").exit_code == 0
    assert (tmp_path / "dist/1.0.0/events.csv").read_bytes() == b""
