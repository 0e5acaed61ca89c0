"""A report reads as frictionless-py's does, never hides how much is wrong, and costs what it should."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import frictionless
import pytest
from packages import CASES, imprint_process, write

import imprint
from imprint import reference, report, tables

CASE = CASES / "validate" / "cells-several-wrong-in-one-row"


def package(folder: Path, csv: str | bytes, *fields: dict[str, Any], **schema: Any) -> Path:
    """A package of one table."""
    listed = [{"name": "id", "type": "integer"}, *fields]
    resource = {"name": "table", "type": "table", "path": "table.csv", "schema": {"fields": listed, **schema}}
    return write(folder, {"table.csv": csv, "datapackage.json": {"name": "case", "resources": [resource]}})


# Form


def test_the_json_has_the_keys_of_frictionless() -> None:
    mine = imprint.validate(CASE, limit=0).to_dict()
    peer = frictionless.validate("datapackage.json", basepath=str(CASE)).to_descriptor()
    kept = {"valid", "stats", "errors", "tasks"}
    assert kept <= mine.keys() & peer.keys()
    task, theirs = mine["tasks"][0], peer["tasks"][0]
    assert {"name", "type", "valid", "place", "labels", "stats", "errors", "warnings"} <= task.keys() & theirs.keys()
    same = ["name", "type", "valid", "place", "labels"]
    assert {key: task[key] for key in same} == {key: theirs[key] for key in same}
    error, other = task["errors"][0], theirs["errors"][0]
    assert {"type", "message", "note", "rowNumber", "fieldName", "fieldNumber", "cell"} <= error.keys() & other.keys()
    where = ["type", "rowNumber", "fieldName", "fieldNumber", "cell"]
    place = lambda one: tuple(str(one.get(key)) for key in where)  # noqa: E731
    assert sorted(map(place, task["errors"])) == sorted(map(place, theirs["errors"]))


def test_an_error_says_where_it_is_and_what_is_wrong() -> None:
    error = imprint.validate(CASE).all_errors[0]
    assert error.message == 'resource "table", row 2, field "a": type is "integer/default" (cell "x")'


def test_a_long_cell_is_cut_in_the_message() -> None:
    assert len(report.shorten("x" * 1000)) == 60
    assert report.shorten("a\nb\x00") == "a\\nb\\x00"


# Limits


def test_totals_are_exact_where_examples_are_capped(tmp_path: Path) -> None:
    rows = 5000
    text = "id,name\n" + "".join(f"x{number},{number}\n" for number in range(rows)) + "\n" * 3
    folder = package(tmp_path, text, {"name": "name", "type": "string", "constraints": {"maxLength": 3}})
    found = imprint.validate(folder, limit=10)
    totals = {(total.type, total.field): total.count for total in found.tasks[0].totals}
    assert totals == {("type-error", "id"): rows, ("constraint-error", "name"): 4000, ("blank-row", None): 3}
    assert found.error_count == rows + 4000 + 3
    assert found.tasks[0].sampled
    shown = [(error.type, error.row_number) for error in found.all_errors]
    assert shown.count(("blank-row", rows + 2)) == 1
    assert [row for kind, row in shown if kind == "type-error"] == list(range(2, 12)), "the first are shown"
    assert not imprint.validate(folder, limit=0).tasks[0].sampled


def test_the_text_says_how_many_errors_are_not_shown(tmp_path: Path) -> None:
    folder = package(tmp_path, "id\n" + "x\n" * 2000)
    done = imprint_process("validate", folder, cwd=tmp_path)
    assert done.returncode == 1
    assert "2,000" in done.stdout
    assert "1,995 more" in done.stdout


def test_a_value_that_comes_often_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    read = reference.Reference.read
    monkeypatch.setattr(reference.Reference, "read", lambda self, cell: asked.append(cell) or read(self, cell))
    folder = package(tmp_path, "id\n" + "x\ny\n1\n" * 1000)
    assert imprint.validate(folder, limit=2).error_count == 2000
    assert len(asked) <= 4, "each distinct value once, each example once more"


# What is far larger than usual


def test_a_cell_of_many_megabytes_is_a_cell(tmp_path: Path) -> None:
    long = "x" * (5 << 20)
    folder = package(
        tmp_path, f'id,name\n1,{long}\ny,"{long}"\n', {"name": "name", "type": "string", "constraints": {"maxLength": 9}}
    )
    found = [(error.type, error.row_number) for error in imprint.validate(folder).all_errors]
    assert sorted(found) == [("constraint-error", 2), ("constraint-error", 3), ("type-error", 3)]


def test_an_integer_of_a_million_digits_is_an_integer(tmp_path: Path) -> None:
    folder = package(tmp_path, "id\n" + "9" * 1_000_000 + "\n" + "9" * 1_000_000 + "\n", primaryKey=["id"])
    assert [error.type for error in imprint.validate(folder).all_errors] == ["primary-key"]


def test_more_columns_than_can_be_planned_for_are_refused(tmp_path: Path) -> None:
    labels = ",".join(f"c{number}" for number in range(1_000_000))
    write(tmp_path, {"wide.csv": f"{labels}\n{labels}\n"})
    started = time.monotonic()
    found = imprint.validate(tmp_path / "wide.csv")
    assert [error.type for error in found.all_errors] == ["source-error"]
    assert "1,000,000 columns" in found.all_errors[0].note
    assert not found.complete
    assert time.monotonic() - started < 30


def test_a_row_of_many_cells_too_many_is_counted(tmp_path: Path) -> None:
    folder = package(tmp_path, "id\n1" + ",x" * 100_000 + "\n")
    found = imprint.validate(folder, limit=3)
    assert found.error_count == 100_000
    assert len(found.all_errors) == 3


@pytest.mark.parametrize("kind", ["array", "object", "geojson"])
def test_json_in_a_cell_may_nest_as_deep_as_it_likes(tmp_path: Path, kind: str) -> None:
    opening, closing = ("[", "]") if kind == "array" else ('{"a":', "}")
    cells = [opening * depth + "1" + closing * depth for depth in (10, 300, 600, 900, 990, 1100, 5000)]
    text = "id,name\n" + "".join('1,"' + cell.replace('"', '""') + '"\n' for cell in cells)
    field = {
        "name": "name",
        "type": kind,
        "constraints": {"unique": True, "jsonSchema": {"type": kind}} if kind != "geojson" else {},
    }
    assert {error.type for error in imprint.validate(package(tmp_path, text, field)).all_errors} <= {
        "type-error",
        "constraint-error",
    }


@pytest.mark.parametrize(
    "name", ["\x00", "'", '"', "a b", "é", "'; DROP TABLE kept_1; --", "rn", "c1", "v1", "t.v1", "\n", "$1", "x" * 10_000]
)
def test_a_field_may_have_any_name_and_any_missing_value(tmp_path: Path, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    fields = [{"name": name, "type": "integer", "constraints": {"unique": True}}]
    schema = {"fields": fields, "missingValues": [name], "primaryKey": [name]}
    resource = {"name": "table", "type": "table", "path": "table.csv", "schema": schema}
    write(tmp_path, {"table.csv": f"{quoted}\n1\nx\n", "datapackage.json": {"name": "case", "resources": [resource]}})
    found = {(error.type, error.row_number) for error in imprint.validate(tmp_path).all_errors if error.row_number}
    assert found == {("type-error", 3), ("primary-key", 3)}


def test_a_large_file_is_read_as_a_small_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in sorted((CASES / "validate").glob("keys-*")):
        small = imprint.validate(folder, limit=0)
        with monkeypatch.context() as patch:
            patch.setattr(tables, "SMALL", -1)
            large = imprint.validate(folder, limit=0)
        assert large == small, folder.name


def test_a_file_with_an_error_in_every_row_takes_no_more_than_a_few_times_as_long(tmp_path: Path) -> None:
    number = {"name": "name", "type": "number", "constraints": {"minimum": 0}}
    clean = package(tmp_path / "clean", "id,name\n" + "".join(f"{row},{row % 1000}\n" for row in range(50_000)), number)
    wrong = package(tmp_path / "wrong", "id,name\n" + "".join(f"{row},-{row % 1000 + 1}\n" for row in range(50_000)), number)
    imprint.validate(wrong)
    times = []
    for folder in (clean, wrong):
        started = time.perf_counter()
        report_ = imprint.validate(folder)
        times.append(time.perf_counter() - started)
    assert report_.error_count == 50_000
    assert times[1] < 12 * times[0] + 0.5
