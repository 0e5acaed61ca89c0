"""One report, seven renderings: each says all that is wrong, where it is, and never acts on what the data holds."""

from __future__ import annotations

import csv
import dataclasses
import functools
import json
import re
import subprocess
import sys
import unicodedata
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import click
import junitparser
import pytest
from jsonschema import Draft4Validator, Draft202012Validator
from markdown_it import MarkdownIt
from packages import CASES, imprint_process, write
from packages import imprint as run
from reports import HOSTILE_TEXTS, INVALID, STRICT, VALID, WARNED, hostile

import imprint
from imprint import commands, reports
from imprint.report import Error, Report, Task, Total
from imprint.reports import github, markdown, outline

FOLDERS = sorted(path.parent for path in (CASES / "validate").glob("*/expected.json"))
REPORTS = {"valid": VALID, "invalid": INVALID, "warned": WARNED, "strict": STRICT, "hostile": hostile()}
UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


@functools.cache
def rendered(name: str, form: str) -> str:
    """A report in a form."""
    return reports.render(REPORTS[name], form)


@functools.cache
def report_of(folder: Path) -> Report:
    """What imprint finds in a case."""
    return imprint.validate(folder, limit=2)


# All forms


def test_the_command_offers_every_form() -> None:
    assert tuple(commands.checking.REPORT_FORMATS) == reports.FORMATS


@pytest.mark.parametrize("form", [form for form in reports.FORMATS if form not in ("json", "sarif")])
def test_what_cant_be_seen_is_escaped(form: str) -> None:
    found = [hex(ord(one)) for one in UNSEEN.findall(rendered("hostile", form))]
    assert found == []


@pytest.mark.parametrize("form", reports.FORMATS)
@pytest.mark.parametrize("folder", FOLDERS[::7], ids=lambda folder: folder.name)
def test_every_case_is_rendered(folder: Path, form: str) -> None:
    report = report_of(folder)
    text = reports.render(report, form)
    assert text.encode("utf-8")
    assert all(total.type in text for task in report.tasks for total in task.totals)


@pytest.mark.parametrize(("report", "expected"), [
    (VALID, "demo 1.2.0: valid (1 resource, 10 rows)"),
    (INVALID, "demo 1.2.0: invalid, 1,008 errors, 3 warnings (4 resources, 1,214 rows)"),
    (WARNED, "demo 1.2.0: valid, 3 warnings (1 resource, 1 row)"),
    (STRICT, "demo 1.2.0: invalid, 3 warnings (1 resource, 1 row)"),
])  # fmt: skip
def test_the_first_line_is_the_verdict(report: Report, expected: str) -> None:
    assert reports.headline(report) == expected
    assert reports.render(report).splitlines()[0] == expected
    assert expected in reports.render(report, "github").splitlines()[-1]


def test_errors_are_told_by_kind_with_exact_counts() -> None:
    found = [
        (kind.task and kind.task.name, kind.type, kind.field, kind.count, len(kind.errors)) for kind in outline.kinds(INVALID)
    ]
    assert found[:3] == [
        (None, "package-error", None, 1, 1), ("people", "type-error", "age", 1000, 1), ("people", "constraint-error", "age", 1, 1),
    ]  # fmt: skip
    assert sum(kind.count for kind in outline.kinds(INVALID)) == INVALID.error_count + INVALID.warning_count


def test_a_total_without_an_example_is_told_too() -> None:
    task = Task("t", "table", "t.csv", totals=(Total("t", "type-error", 7, "a"),), sampled=True)
    for form in reports.FORMATS:
        text = reports.render(Report("p", "", tasks=(task,)), form)
        assert "type-error" in text or form == "github"
        assert "7" in text


# Cells in their row

WINDOWS: dict[str, tuple[int, set[int], int, str]] = {
    "all fit": (4, {1}, 7, "0 (1) 2 3"),
    "the nearest and the first": (9, {6}, 5, "0 … 4 5 (6) 7 …"),
    "the first is bad": (9, {0}, 3, "(0) 1 2 …"),
    "the last is bad": (9, {8}, 3, "0 … 7 (8)"),
    "a key of several": (9, {2, 6}, 4, "0 1 (2) … (6) …"),
    "none is bad": (9, set(), 3, "0 1 2 …"),
    "room for one": (9, {4}, 0, "… (4) …"),
    "no cells": (0, set(), 5, ""),
}


@pytest.mark.parametrize(("cells", "bad", "room", "expected"), WINDOWS.values(), ids=WINDOWS)
def test_the_bad_cell_is_shown_among_its_neighbours(cells: int, bad: set[int], room: int, expected: str) -> None:
    shown = outline.window([outline.Cell(str(index), "", index in bad) for index in range(cells)], room)
    assert " ".join("…" if cell is None else f"({cell.label})" if cell.bad else cell.label for cell in shown) == expected


@pytest.mark.parametrize(("error", "expected"), [
    ({"field_name": "b", "field_number": 2}, [1]),
    ({"field_name": "a, b"}, [0, 1]),
    ({"field_name": "c, d"}, [2]),
    ({"field_name": "", "field_number": 5}, [4]),
    ({}, []),
])  # fmt: skip
def test_the_bad_cells_are_those_of_the_field_or_key(error: dict[str, Any], expected: list[int]) -> None:
    task = Task("t", "table", "t.csv", ("a", "b", "c, d", ""), rows_shown={2: ("1", "2", "3", "4")})
    cells = outline.cells_of(Error("type-error", "", "t", 2, **error), task)
    assert [index for index, cell in enumerate(cells) if cell.bad] == expected
    assert cells[3].label == "#4", "a column without a label has a number"


def test_a_cell_too_many_is_shown_after_those_that_have_fields() -> None:
    task = Task("t", "table", "t.csv", ("a", "b"), rows_shown={2: ("1", "2")})
    error = Error("extra-cell", "", "t", 2, "", 4, "x")
    assert [(cell.label, cell.text) for cell in outline.cells_of(error, task)] == [
        ("a", "1"),
        ("b", "2"),
        ("#3", "…"),
        ("#4", "x"),
    ]


VISIBLE = {
    "plain": ("abc", "abc"),
    "letters of any script": ("é東שلا", "é東שلا"),
    "controls": ("a\x1b[1m\x00\n", "a\\x1b[1m\\x00\\n"),
    "direction": ("a\u202eb\u200f", "a\\u202eb\\u200f"),
    "half a pair": ("\ud800", "\\ud800"),
    "long": ("x" * 50, "x" * 10 + "…" + "x" * 9),
    "long once escaped": ("\x00" * 19, "\\x00\\x00\\x…\\x00\\x00"),
    "very long": ("a" + "\x00" * 10**6 + "z", "a\\x00\\x00\\…x00\\x00z"),
}


@pytest.mark.parametrize(("text", "expected"), VISIBLE.values(), ids=VISIBLE)
def test_a_text_is_made_visible(text: str, expected: str) -> None:
    assert outline.visible(text, 20).startswith(expected[:9])
    assert len(outline.visible(text, 20)) <= 20
    assert outline.visible(text, 20).isprintable()


# Text


def columns(line: str) -> int:
    """How wide a line is in a terminal."""
    return sum(0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in line)


@pytest.mark.parametrize("name", ["valid", "invalid", "warned", "strict"])
def test_text_fits_a_terminal(name: str) -> None:
    wide = [line for line in rendered(name, "text").splitlines() if columns(line) > 80]
    assert wide == []


def test_text_of_hostile_names_fits_but_for_the_first_line() -> None:
    wide = [line for line in rendered("hostile", "text").splitlines()[1:] if columns(line) > 80]
    assert wide == []


def test_the_bad_cell_is_marked_below_and_in_colour() -> None:
    lines = rendered("invalid", "text").splitlines()
    (row,) = (number for number, line in enumerate(lines) if "Paris" in line)
    start = lines[row].index("old")
    assert lines[row - 1][start : start + 3] == "age"
    assert lines[row + 1] == " " * start + "^^^"
    coloured = reports.render(INVALID, "text", click.style)
    assert click.style("old", fg="red", bold=True) in coloured
    assert click.unstyle(coloured) == rendered("invalid", "text")


def test_text_says_how_many_rows_it_leaves_out() -> None:
    assert "… and 999 more" in rendered("invalid", "text")
    assert "lists every error" in rendered("invalid", "text")
    assert "more" not in rendered("valid", "text")


def test_warnings_are_told_from_errors() -> None:
    assert "The row breaks a rule of the package: 3 warnings" in rendered("warned", "text")
    assert "warning" not in reports.render(report_of(CASES / "validate" / "cells-integer"), "text")


def test_colours_are_for_terminals_and_not_for_who_says_no(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = CASES / "validate" / "cells-integer"
    assert "\x1b" not in imprint_process("validate", folder, cwd=tmp_path).stdout
    told: list[Any] = []
    monkeypatch.setattr(click, "echo", lambda text, **options: told.append((text, options["color"])))
    for no_color, expected in (("", None), ("1", False)):
        monkeypatch.setenv("NO_COLOR", no_color)
        commands.group.show("x")
        assert told.pop() == ("x", expected)


# JSON


@functools.cache
def schema() -> Draft202012Validator:
    """The published schema of a report."""
    text = resources.files("imprint").joinpath("profiles/report-1.0.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(text))


def test_the_published_schema_is_a_schema_and_describes_every_key() -> None:
    Draft202012Validator.check_schema(schema().schema)
    for name, one in schema().schema["$defs"].items():
        assert one.get("type") != "object" or one["additionalProperties"] is not True, name
        bare = [key for key, value in one.get("properties", {}).items() if "description" not in {**value, **_referred(value)}]
        assert bare == [] or name in ("error", "warning"), name


def _referred(value: dict[str, Any]) -> dict[str, Any]:
    return schema().schema["$defs"][value["$ref"].rpartition("/")[2]] if "$ref" in value else {}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_json_of_every_case_is_as_the_schema_says(folder: Path) -> None:
    assert [error.message for error in schema().iter_errors(json.loads(reports.render(report_of(folder), "json")))] == []


@pytest.mark.parametrize("name", REPORTS)
def test_the_json_of_every_report_is_as_the_schema_says(name: str) -> None:
    found = json.loads(rendered(name, "json"))
    assert [error.message for error in schema().iter_errors(found)] == []
    assert found == REPORTS[name].to_dict()


@pytest.mark.parametrize(("path", "value"), [
    (("more",), 1), (("valid",), "yes"), (("stats", "errors"), -1), (("tasks", 0, "errors", 0, "line"), 0),
    (("tasks", 0, "errors", 0, "severity"), "warning"), (("tasks", 0, "warnings", 0, "more"), 1), (("tasks", 0, "rows", "x"), []),
    (("tasks", 0, "type"), "map"), (("errors", 0, "type"), "Package Error"), (("tasks", 0, "totals", 0, "count"), 0),
])  # fmt: skip
def test_the_schema_refuses_what_no_report_is(path: tuple[Any, ...], value: Any) -> None:
    found = json.loads(rendered("invalid", "json"))
    functools.reduce(lambda part, key: part[key], path[:-1], found)[path[-1]] = value
    assert not schema().is_valid(found)


# GitHub

COMMAND = re.compile(r"^::(error|warning|notice|group|endgroup)(?: ((?:[a-z]+=[^,:\r\n]*,?)*))?::(.*)$")


def annotations(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Commands as the runner reads them: the name, the properties and the message."""
    found = []
    for line in text.split("\n"):
        parsed = COMMAND.match(line)
        assert parsed, line
        given = dict(pair.split("=", 1) for pair in (parsed[2] or "").split(",") if pair)
        undone = {key: _unescaped(value.replace("%3A", ":").replace("%2C", ",")) for key, value in given.items()}
        found.append((parsed[1], undone, _unescaped(parsed[3])))
    return found


def _unescaped(text: str) -> str:
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def test_github_shows_an_error_at_its_file_and_line() -> None:
    found = annotations(rendered("invalid", "github"))
    assert found[0] == (
        "error",
        {"file": "demo/datapackage.json", "title": "package-error"},
        '"licenses" needs a "name" or a "path"',
    )
    level, properties, message = found[1]
    assert (level, properties) == ("error", {"file": "demo/data/people.csv", "line": "3", "title": "people: type-error in age"})
    assert message.startswith(
        'row 3, line 3: type is "integer/default" (cell «old») (1,000 errors of this kind)\nid: 2 | name: Bob'
    )
    assert [properties["file"] for _, properties, _ in found if "b.csv" in properties.get("file", "")] == ["demo/b.csv"]
    assert [level for level, _, _ in found].count("warning") == 1
    assert "1,001 more are not listed here" in found[-1][2]


def test_github_gets_one_of_each_kind_first_as_it_shows_ten() -> None:
    errors = tuple(Error("type-error", "x", "t", row, "a", 1, "x", path="t.csv", line=row) for row in range(2, 40))
    late = Error("blank-row", "the row is blank", "t", 50, path="t.csv", line=50)
    totals = (Total("t", "type-error", 38, "a"), Total("t", "blank-row", 1))
    task = Task("t", "table", "t.csv", ("a",), 60, errors=(*errors, late), totals=totals)
    found = annotations(github.render(Report("p", "", tasks=(task,))))
    assert [properties.get("line") for _, properties, _ in found[:2]] == ["2", "50"]
    assert [level for level, _, _ in found] == ["error"] * 2 + ["group"] + ["error"] * 37 + ["endgroup", "notice"]


@pytest.mark.parametrize(("base", "path", "expected"), [
    (".", "data/x.csv", "data/x.csv"), ("./", "./x.csv", "x.csv"), ("demo", "a/../x.csv", "demo/x.csv"), ("", "x.csv", "x.csv"),
    ("../other", "x.csv", "../other/x.csv"), ("/data", "x.csv", "/data/x.csv"), ("a,b:c", "100%.csv", "a,b:c/100%.csv"),
])  # fmt: skip
def test_a_path_is_seen_from_where_the_command_ran(base: str, path: str, expected: str) -> None:
    task = Task("t", "table", path, errors=(Error("type-error", "x", "t", 2, path=path, line=2),))
    found = annotations(github.render(Report("p", "", tasks=(task,), base=base)))
    assert found[0][1]["file"] == expected


def test_github_reads_hostile_texts_as_texts() -> None:
    found = annotations(rendered("hostile", "github"))
    assert [level for level, _, _ in found if level not in ("error", "group", "endgroup", "notice")] == []
    assert len([level for level, _, _ in found if level == "error"]) == 2 * len(HOSTILE_TEXTS)
    assert all(properties.keys() <= {"file", "line", "title"} for _, properties, _ in found)


# JUnit


def test_junit_is_read_by_a_reader() -> None:
    suites = list(junitparser.JUnitXml.fromstring(rendered("invalid", "junit").encode()))
    assert [suite.name for suite in suites] == ["datapackage", "people", "parts", "absent", "clean"]
    results = {(suite.name, case.name): [type(one).__name__ for one in case.result] for suite in suites for case in suite}
    assert results["people", "type-error"] == ["Failure"]
    assert results["people", "row-constraint"] == [] == results["clean", "type-error"]
    assert results["absent", "scheme-error"] == ["Error"], "what could not be checked is an error, not a failure"
    assert results["datapackage", "package-error"] == ["Failure"]
    for suite in suites:
        counted = [sum(kind in results[suite.name, case.name] for case in suite) for kind in ("Failure", "Error")]
        assert (suite.tests, suite.failures, suite.errors) == (len(list(suite)), *counted)


def test_junit_has_the_rows_and_the_totals() -> None:
    root = ET.fromstring(rendered("invalid", "junit"))
    failure = root.find("testsuite[@name='people']/testcase[@name='type-error']/failure")
    assert failure is not None
    assert failure.get("message") == "The cell is not of its field's type: 1,000 errors"
    assert 'row 3, line 3: type is "integer/default" (cell «old»)' in str(failure.text)
    assert "… and 999 more" in str(failure.text)


@pytest.mark.parametrize(("name", "failures"), [("warned", 0), ("strict", 1)])
def test_junit_has_a_warning_in_the_output_unless_it_is_strict(name: str, failures: int) -> None:
    root = ET.fromstring(rendered(name, "junit"))
    assert len(root.findall(".//failure")) == failures == int(root.get("failures", "?"))
    assert len(root.findall(".//system-out")) == 1 - failures


# What the XSD that Jenkins publishes demands: each element's attributes (required ones with !) and children.
XSD = {
    "testsuites": ("name time tests failures errors disabled", "testsuite"),
    "testsuite": ("name! tests! failures errors time disabled skipped timestamp hostname id package", "testcase properties system-out system-err"),
    "testcase": ("name! classname assertions time status file", "skipped error failure system-out system-err"),
    "failure": ("type message", ""), "error": ("type message", ""), "system-out": ("", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", REPORTS)
def test_junit_is_as_its_schema_says(name: str) -> None:
    for element in ET.fromstring(rendered(name, "junit").encode()).iter():
        attributes, children = (words.split() for words in XSD[element.tag])
        assert set(element.keys()) <= {word.rstrip("!") for word in attributes}
        assert {word[:-1] for word in attributes if word.endswith("!")} <= set(element.keys())
        assert {child.tag for child in element} <= set(children)
        assert all(
            float(element.get(word, "0").replace(",", "")) >= 0 for word in ("tests", "failures", "errors", "skipped", "time")
        )


# SARIF


@functools.cache
def sarif_schema() -> Draft4Validator:
    """SARIF's schema as @microsoft/jest-sarif ships it; see schemas/README.md."""
    text = (Path(__file__).parent / "schemas" / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8")
    return Draft4Validator(json.loads(text))


@pytest.mark.parametrize("name", REPORTS)
def test_sarif_is_as_its_schema_says(name: str) -> None:
    found = json.loads(rendered(name, "sarif"))
    assert [error.message for error in sarif_schema().iter_errors(found)] == []
    found["runs"][0]["tool"].pop("driver")
    assert not sarif_schema().is_valid(found)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_sarif_has_a_result_for_each_error_and_a_rule_for_each_type(folder: Path) -> None:
    report = report_of(folder)
    (run_,) = json.loads(reports.render(report, "sarif"))["runs"]
    rules = [rule["id"] for rule in run_["tool"]["driver"]["rules"]]
    assert sorted(rules) == sorted({result["ruleId"] for result in run_["results"]})
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run_["results"])
    assert all(rule["help"]["text"] for rule in run_["tool"]["driver"]["rules"])
    shown = [*report.all_errors, *report.warnings, *(warning for task in report.tasks for warning in task.warnings)]
    assert sorted(one.type for one in shown) == sorted(result["ruleId"] for result in run_["results"])
    assert run_["invocations"][0]["executionSuccessful"] == report.complete


def test_sarif_is_read_by_a_reader(tmp_path: Path) -> None:
    (tmp_path / "imprint.sarif").write_text(rendered("invalid", "sarif"), encoding="utf-8")
    _sarif(tmp_path, "csv", "--output", "found.csv")
    with (tmp_path / "found.csv").open(encoding="utf-8-sig", newline="") as file:
        found = [(row["Severity"], row["Code"], row["Location"], row["Line"]) for row in csv.DictReader(file)]
    assert ("error", "type-error", "demo/data/people.csv", "3") in found
    assert ("warning", "row-constraint", "demo/data/people.csv", "7") in found
    assert len(found) == len(INVALID.all_errors) + 1
    assert "error: 9" in _sarif(tmp_path, "summary")


def _sarif(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "sarif", *arguments, "imprint.sarif"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_fingerprint_stays_where_rows_move_and_is_not_that_of_another() -> None:
    marks = {}
    for row, cell in ((2, "x"), (9, "x"), (2, "y")):
        error = Error("type-error", "no", "t", row, "a", 1, cell, path="t.csv", line=row)
        task = Task("t", "table", "t.csv", ("a", "b"), errors=(error,), rows_shown={row: (cell, "1")})
        (result,) = json.loads(reports.render(Report("p", "", tasks=(task,)), "sarif"))["runs"][0]["results"]
        marks[row, cell] = result["partialFingerprints"]["imprint/v1"]
    assert marks[2, "x"] == marks[9, "x"] != marks[2, "y"]


def test_sarif_says_what_it_leaves_out() -> None:
    (run_,) = json.loads(rendered("invalid", "sarif"))["runs"]
    assert run_["properties"]["errors"] == 1008
    (note,) = run_["invocations"][0]["toolExecutionNotifications"]
    assert note["message"]["text"].startswith("1,001 results more")


# Markdown


def test_markdown_has_the_verdict_the_totals_and_the_rows() -> None:
    page = MarkdownIt("commonmark").enable("table").render(rendered("invalid", "markdown"))
    assert re.search(r"<h3>❌ <code>demo 1\.2\.0</code>: invalid, 1,008 errors", page)
    rows = re.findall(r"<td[^>]*>(.*?)</td>", page)
    assert len(rows) == 5 * len(outline.kinds(INVALID))
    assert page.count("<details>") == page.count("</details>") == len(outline.kinds(INVALID))
    assert "^^^" in page


def test_markdown_of_hostile_texts_has_no_markup_of_theirs() -> None:
    source = rendered("hostile", "markdown")
    page = MarkdownIt("gfm-like", {"linkify": False}).render(source)
    allowed = {"h3", "code", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "pre"}
    assert set(re.findall(r"</?([a-zA-Z0-9]+)", page)) <= allowed
    attributes = {text for text in re.findall(r"<[a-z0-9]+ ([^>]*)>", page) if text}
    assert attributes <= {'style="text-align:right"'}
    outside = re.sub(r"(?s)<(code|pre)>.*?</\1>", "", page)
    assert not re.search(r"[@#]\w|https?:|www\.|:smile:|\$x", outside), "nothing of the data stands where GitHub makes links"
    assert len(re.findall(r"<tr>", page)) == 1 + len(outline.kinds(REPORTS["hostile"]))


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_code_in_markdown_is_the_text_itself(text: str) -> None:
    page = MarkdownIt("gfm-like", {"linkify": False}).renderInline(f"a {markdown.code(text)} b")
    inner = ET.fromstring(f"<p>{page}</p>".replace("&quot;", '"'))
    assert [child.tag for child in inner] == (["code"] if text else [])
    assert "".join(inner.itertext()) == f"a {outline.visible(text, 200)} b"


def test_markdown_is_short_enough_for_a_comment_and_says_what_it_leaves_out() -> None:
    totals = tuple(Total("t", "type-error", 3, f"field_{number}") for number in range(3000))
    errors = tuple(Error("type-error", "x" * 300, "t", 2, total.field, 1, "y" * 100) for total in totals)
    text = markdown.render(Report("p", "1", tasks=(Task("t", "table", "t.csv", errors=errors, totals=totals),)))
    assert len(text) < 65_536
    shown = text.count("<details>")
    assert f"The rows of {3000 - shown:,} kinds of error are left out here" in text
    assert "The table leaves out 2,900 kinds of error, 8,700 errors in all." in text


# The command


@pytest.mark.parametrize("form", reports.FORMATS)
def test_a_report_is_written_to_a_file(tmp_path: Path, form: str) -> None:
    folder, out = CASES / "validate" / "cells-integer", tmp_path / "new" / "report"
    printed = run("validate", folder, "--format", form)
    written = run("validate", folder, "--format", form, "--output", out)
    assert written.exit_code == printed.exit_code == 1
    assert written.stdout == ""
    assert str(out) in written.stderr
    time = re.compile(r'("seconds": |time=")[0-9.]+')
    assert time.sub("", out.read_text(encoding="utf-8")) == time.sub("", printed.stdout.rstrip("\n") + "\n")
    assert [path.name for path in out.parent.iterdir()] == ["report"], "no temporary file stays"


def test_a_report_that_cant_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = write(tmp_path, {"report": "old"}) / "report"
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device", str(out))))
    done = run("validate", CASES / "validate" / "cells-integer", "-o", out)
    assert done.exit_code == 3
    assert "No space left on device" in done.stderr
    assert out.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_device_is_written_to_and_a_link_followed(tmp_path: Path) -> None:
    folder = CASES / "validate" / "cells-integer"
    assert run("validate", folder, "-o", "/dev/null").exit_code == 1
    assert not Path("/dev/null").is_file()
    (tmp_path / "link").symlink_to(tmp_path / "report")
    run("validate", folder, "-o", tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "report").read_text(encoding="utf-8").startswith("case: invalid")


def test_a_directory_is_no_file_to_write(tmp_path: Path) -> None:
    done = run("validate", CASES / "validate" / "cells-integer", "-o", tmp_path)
    assert done.exit_code == 2
    assert "is a directory" in done.stderr


def test_a_report_stays_as_it_is() -> None:
    before = dataclasses.replace(INVALID)
    for form in reports.FORMATS:
        reports.render(INVALID, form)
    assert before == INVALID
