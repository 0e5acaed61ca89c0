"""Each folder of cases/validate is a package and, in expected.json, all that is wrong with it."""

from __future__ import annotations

import fnmatch
import functools
import json
import re
import sys
import zipfile
from pathlib import Path

import pytest
from limits import sized
from packages import CASES
from packages import imprint as run
from peer import Verdict, findings, is_package, ours, read_json, theirs

import imprint
from imprint.report import Error

ROOT = Path(__file__).parent.parent
FOLDERS = sorted(path.parent for path in (CASES / "validate").glob("*/expected.json"))
LISTED = re.findall(r"\(([^()]*)\)", (ROOT / "docs/departures.md").read_text(encoding="utf-8"))
DEPARTURES = [entry for listed in LISTED for entry in re.findall(r"`([a-z0-9*-]+)`", listed)]
TYPES = """
    hash-count byte-count field-count row-count blank-header blank-label duplicate-label extra-label missing-label
    incorrect-label unmatched-header blank-row primary-key foreign-key unique-keys row-constraint extra-cell missing-cell
    relationship-error type-error constraint-error unique-error source-error scheme-error format-error encoding-error compression-error
    package-error resource-error schema-error field-error dialect-error json-schema-error
""".split()


def named(errors: list[Error]) -> list[list[object]]:
    """Errors as expected.json has them: [resource, type, row, field], each once, in the order of the rows."""
    found = {(error.resource, error.type, error.row_number, error.field_name) for error in errors}
    return [list(one) for one in sorted(found, key=lambda one: (one[0], one[2] or 0, one[1], one[3] or ""))]


@functools.cache
def report_of(folder: Path) -> imprint.Report:
    """All that imprint finds in a case."""
    return imprint.validate(folder, limit=0)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_package_has_exactly_the_errors_it_is_expected_to_have(folder: Path) -> None:
    expected = read_json(folder / "expected.json")
    report = report_of(folder)
    warnings = [warning for task in report.tasks for warning in task.warnings]
    assert named([*report.all_errors]) == expected["errors"]
    assert named(warnings) == expected.get("warnings", [])
    assert report.valid == expected["valid"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_table_too_large_to_be_kept_is_judged_as_a_small_one(folder: Path) -> None:
    def told(report: imprint.Report) -> list[object]:
        return sorted((str(error.resource), error.row_number or 0, error.type, error.message) for error in report.all_errors)

    with sized(small=-1):
        assert told(imprint.validate(folder, limit=0)) == told(report_of(folder))


SAYING = [folder for folder in FOLDERS if "says" in read_json(folder / "expected.json")]


@pytest.mark.parametrize("folder", SAYING, ids=lambda folder: folder.name)
def test_each_error_says_what_it_is_expected_to_say(folder: Path) -> None:
    """Every text of `says` is in the message of an error of its own, and there is no other error."""
    left = [error.message for error in report_of(folder).all_errors]
    for text in sorted(read_json(folder / "expected.json")["says"], key=len, reverse=True):
        said = next((message for message in left if text in message), None)
        assert said is not None, f"no error says {text!r}; left are {left}"
        left.remove(said)
    assert left == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_report_tells_what_is_wrong_from_what_could_not_be_checked(folder: Path) -> None:
    report = report_of(folder)
    assert (0 if report.valid else 1 if report.complete else 3) == read_json(folder / "expected.json")["exit"]


def one_of_each_kind() -> list[Path]:
    """A case for every set of error types, with its exit code."""
    kinds = {}
    for folder in FOLDERS:
        expected = read_json(folder / "expected.json")
        kinds.setdefault((expected["exit"], frozenset(error[1] for error in expected["errors"])), folder)
    return list(kinds.values())


@pytest.mark.parametrize("folder", one_of_each_kind(), ids=lambda folder: folder.name)
def test_the_exit_code_tells_valid_from_invalid_from_unchecked(folder: Path) -> None:
    done = run("validate", folder, "--format", "json")
    assert done.exit_code == read_json(folder / "expected.json")["exit"]
    assert json.loads(done.stdout)["valid"] == (done.exit_code == 0)
    assert bool(done.stderr) == (done.exit_code == 3)


def test_every_type_of_error_has_a_case() -> None:
    covered = {error[1] for folder in FOLDERS for error in read_json(folder / "expected.json")["errors"]}
    assert covered == set(TYPES)


def test_every_case_says_why() -> None:
    assert [folder.name for folder in FOLDERS if not read_json(folder / "expected.json").get("why")] == []


@pytest.fixture(scope="session")
def departing() -> frozenset[str]:
    """The cases where imprint and frictionless-py don't say the same."""
    return frozenset(folder.name for folder in FOLDERS if not _agree(folder))


def _agree(folder: Path) -> bool:
    descriptor = next(path for path in folder.iterdir() if is_package(path))
    report = report_of(folder)
    return Verdict(report.valid, findings(report)).agrees(theirs(descriptor))


def test_frictionless_says_the_same_but_for_the_departures_listed(departing: frozenset[str]) -> None:
    unlisted = [name for name in sorted(departing) if not any(fnmatch.fnmatch(name, entry) for entry in DEPARTURES)]
    assert unlisted == [], "list them in docs/departures.md, with the reason"


def test_every_departure_listed_is_held_by_a_case_that_departs(departing: frozenset[str]) -> None:
    empty = [entry for entry in DEPARTURES if not any(fnmatch.fnmatch(name, entry) for name in departing)]
    assert empty == [], "these entries of docs/departures.md name no case, or one where both tools agree"


@pytest.mark.parametrize(("name", "reader"), [("format-xlsx-values", "openpyxl"), ("format-ods-values", "ezodf")])
def test_a_spreadsheet_without_its_reader_says_what_to_install(monkeypatch: pytest.MonkeyPatch, name: str, reader: str) -> None:
    monkeypatch.setitem(sys.modules, reader, None)
    (error,) = imprint.validate(CASES / "validate" / name).all_errors
    assert error.type == "format-error"
    assert error.note.endswith('needs a reader; install it with `pip install "frictionless[excel,ods]"`')


def test_a_package_named_by_its_directory_or_its_descriptor_is_the_same() -> None:
    folder = CASES / "validate" / "keys-primary-key-twice"
    assert ours(folder) == ours(folder / "datapackage.json")


@pytest.mark.parametrize(
    "name", ["t.csv", "t.CSV", "t.tsv", "t.txt", "t", ".csv", "~t.csv", "c:t.csv", "Two words.csv", "link.csv"]
)
def test_a_bare_file_is_a_table_whatever_its_name(name: str, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    place = tmp_path / ("elsewhere/t.csv" if name == "link.csv" else name)
    place.write_text("id,name\n1,mint\n2,sage,wild\n".replace(",", "\t" if name == "t.tsv" else ","), encoding="utf-8")
    if name == "link.csv":
        (tmp_path / name).symlink_to(place)
    report = imprint.validate(tmp_path / name)
    assert [(error.type, error.row_number) for error in report.all_errors] == [("extra-cell", 3)]
    assert report.tasks[0].rows == 2


def test_a_zip_that_finder_made_is_that_of_its_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "case.zip", "w") as archive:
        for path in (CASES / "validate/keys-primary-key-twice").iterdir():
            archive.write(path, f"case/{path.name}")
            archive.writestr(f"__MACOSX/case/._{path.name}", "x")
    assert ours(tmp_path / "case.zip") == ours(CASES / "validate/keys-primary-key-twice")


@pytest.mark.parametrize("line", [["validate", "--limit-errors", "-1"], ["diff", "--limit-rows", "-1", "."]])
def test_a_negative_limit_is_refused(line: list[str]) -> None:
    assert run(*line, ".", cwd=FOLDERS[0]).exit_code == 2
    with pytest.raises(imprint.ImprintError, match="negative; write 0 for all"):
        imprint.validate(FOLDERS[0], limit=-1)
    with pytest.raises(imprint.ImprintError, match="negative; write 0 for all"):
        imprint.diff(FOLDERS[0], FOLDERS[0], limit_rows=-1)
