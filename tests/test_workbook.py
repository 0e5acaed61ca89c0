"""The workbook: what its readers see is what the schema says, and no text is anything but text."""

from __future__ import annotations

import csv
import datetime
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pandas
import pytest
import xlsxwriter
from herbs import FILES
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape
from packages import CASES, examples, write

from imprint import descriptor
from imprint.exports import workbook
from imprint.validation import open_tables

TABLE = json.loads((CASES / "workbook.json").read_text(encoding="utf-8"))
TYPES = list(dict.fromkeys(case["type"] for case in TABLE["cells"]))
KINDS = {"s": "text", "n": "number", "b": "boolean", "d": "date"}


def made(folder: Path) -> tuple[Path, tuple[str, ...]]:
    """The workbook of the package in a folder, and the notes on it."""
    package, _ = descriptor.load(folder / "datapackage.json")
    with open_tables(package) as (engine, (tables,)):
        return folder / "made.xlsx", workbook.write(engine, package, tables, folder / "made.xlsx")


def a_package(folder: Path, tables: dict[str, tuple[list[dict[str, Any]], list[list[str]]]], **more: Any) -> Path:
    """A package of CSV files: for each table its fields and its rows, where "-" is a null."""
    files = {}
    for number, (fields, rows) in enumerate(tables.values()):
        sink = io.StringIO(newline="")
        csv.writer(sink, quoting=csv.QUOTE_ALL).writerows([[field["name"] for field in fields], *rows])
        files[f"{number}.csv"] = sink.getvalue()
    resources = [
        {"name": name, "type": "table", "path": f"{number}.csv", "schema": {"fields": fields, "missingValues": ["-"]}}
        for number, (name, (fields, _)) in enumerate(tables.items())
    ]
    return write(folder, {"datapackage.json": {"name": "herbs", "resources": resources, **more}, **files})


def cases_of(kind: str) -> list[dict[str, Any]]:
    return [case for case in TABLE["cells"] if case["type"] == kind]


def cell_of(case: dict[str, Any]) -> str:
    return case["cell"] * case.get("times", 1)


def held_of(case: dict[str, Any]) -> Any:
    held = case["held"] if "held" in case else cell_of(case)
    return datetime.datetime.fromisoformat(held) if case["kind"] == "date" else held


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[str, ...]]:
    """A workbook of the table's cells: a sheet for each type."""
    folder = tmp_path_factory.mktemp("cells")
    tables = {
        kind: (
            [{"name": "row", "type": "integer"}, {"name": "cell", "type": kind}],
            [[str(row), cell_of(case)] for row, case in enumerate(cases_of(kind), 1)],
        )
        for kind in TYPES
    }
    return made(a_package(folder, tables))


# What a cell holds


@pytest.mark.parametrize("kind", TYPES)
def test_openpyxl_reads_each_cell_as_the_table_says(hostile: tuple[Path, tuple[str, ...]], kind: str) -> None:
    cells = [row[1] for row in openpyxl.load_workbook(hostile[0])[kind].iter_rows(min_row=2)]
    kinds = ["empty" if cell.value is None else KINDS[cell.data_type] for cell in cells]
    found = [unescape(cell.value) if cell.data_type == "s" else cell.value for cell in cells]
    assert list(zip(kinds, found, strict=True)) == [(case["kind"], held_of(case)) for case in cases_of(kind)]
    shown = [(case["shown"], cell.number_format) for case, cell in zip(cases_of(kind), cells, strict=True) if "shown" in case]
    assert [said for said, _ in shown] == [seen for _, seen in shown]


def test_no_cell_is_a_formula_or_a_link(hostile: tuple[Path, tuple[str, ...]]) -> None:
    with zipfile.ZipFile(hostile[0]) as opened:
        sheets = [opened.read(name).decode() for name in opened.namelist() if "worksheets/" in name]
        assert not [name for name in opened.namelist() if "worksheets/_rels" in name or "external" in name.lower()]
    assert len(sheets) == len(TYPES) + 1
    assert not [word for text in sheets for word in ("<f>", "<f ", "<hyperlink") if word in text]


def test_pandas_reads_the_same(hostile: tuple[Path, tuple[str, ...]]) -> None:
    frames = pandas.read_excel(hostile[0], sheet_name=TYPES, dtype=object, keep_default_na=False)
    for kind, frame in frames.items():
        found = [unescape(value) if isinstance(value, str) else value for value in frame["cell"]]
        assert found == ["" if case["kind"] == "empty" else held_of(case) for case in cases_of(kind)]


def test_readxl_reads_the_same(hostile: tuple[Path, tuple[str, ...]]) -> None:
    found = [cell for cell in in_r("cells.R", hostile[0], packages=["readxl", "jsonlite"]) if cell["column"] == "cell"]
    for cell in found:
        cell["value"] = datetime.datetime.fromisoformat(cell["value"]) if cell["kind"] == "date" else cell["value"]
    assert found == [
        {"sheet": kind, "row": row, "column": "cell", "kind": case["kind"], "value": case.get("in readxl", held_of(case))}
        for kind in TYPES
        for row, case in enumerate(cases_of(kind), 1)
    ]


TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("=+-@\t\r\n'_x0041"), max_size=12)


@examples(30)
@given(st.lists(st.tuples(TEXT, TEXT, TEXT | st.none()), min_size=1, max_size=20))
def test_any_table_of_texts_comes_back(rows: list[tuple[str | None, ...]]) -> None:
    fields = [{"name": name} for name in ("one", "two", "three")]
    with tempfile.TemporaryDirectory() as name:
        data = [dict(zip(("one", "two", "three"), row, strict=True)) for row in rows]
        table = {"name": "t", "type": "table", "path": "t.json", "schema": {"fields": fields, "missingValues": []}}
        folder = write(Path(name), {"datapackage.json": {"name": "p", "resources": [table]}, "t.json": data})
        path, notes = made(folder)
        read = list(openpyxl.load_workbook(path)["t"].iter_rows(min_row=2, values_only=True))
    unfit = [text for row in rows for text in row if text is not None and not workbook.fits(text)]
    assert bool(notes) == bool(unfit)
    assert [[plain(cell) for cell in row] for row in read] == [
        [f"(not in this workbook: a text of {len(text)} characters)" if text in unfit else text for text in row] for row in rows
    ]


def plain(text: str | None) -> str | None:
    return None if text is None else unescape(text)


NUMBERS = st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False)


@given(NUMBERS)
@example(6.14530222712569e-98)
@example(6.96839187771818e113)
def test_a_number_stays_one_exactly_if_it_has_15_digits(number: float) -> None:
    digits = len(Decimal(repr(number)).normalize().as_tuple().digits)
    held = workbook.held(number, "number")
    assert isinstance(held, str) == (digits > 15 or 0 < abs(number) < sys.float_info.min)
    if isinstance(held, str):
        assert Decimal(held) == Decimal(repr(number))
    else:
        assert float(f"{held:.16G}") == number, "what the writer spells is read as the same number"


# Names, notes, bytes


@pytest.mark.parametrize("case", TABLE["sheets"], ids=lambda case: " ".join(case["tables"])[:30])
def test_each_table_has_a_sheet_of_its_own_name(case: dict[str, Any], tmp_path: Path) -> None:
    assert list(workbook.sheet_names(case["tables"]).values()) == case["names"]
    book = xlsxwriter.Workbook(tmp_path / "x.xlsx")
    for name in ("About", *case["names"]):
        book.add_worksheet(name)
    book.close()


@given(st.lists(st.text(max_size=40), unique=True))
def test_any_names_make_sheets_that_excel_takes(tables: list[str]) -> None:
    names = list(workbook.sheet_names(tables).values())
    assert len(names) == len(tables) == len({name.casefold() for name in names} - {"about", "history"})
    assert not [name for name in names if not 0 < len(name.encode("utf-16-le", "surrogatepass")) // 2 <= 31]
    assert not [name for name in names if set(name) & set("[]:*?/\\") or name.strip("'") != name]


def test_what_does_not_fit_is_told(
    hostile: tuple[Path, tuple[str, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hostile[1] == (
        """the workbook leaves out 3 texts of "string", field "cell": they don't fit a cell, which says so instead""",
    )
    monkeypatch.setattr(workbook, "ROWS", 5)
    monkeypatch.setattr(workbook, "COLUMNS", 2)
    one, three = [{"name": "id"}], [{"name": "id"}, {"name": "name"}, {"name": "use"}]
    rows = {"fits": 4, "long": 5}
    tables = {name: (one, [[str(row)] for row in range(count)]) for name, count in rows.items()}
    path, notes = made(a_package(tmp_path, {**tables, "wide": (three, [["1", "Mint", "tea"]])}))
    assert notes == (
        'the workbook leaves out "long": it has 5 rows, and a sheet holds 4',
        'the workbook leaves out "wide": it has 3 fields, and a sheet holds 2',
    )
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["About", "fits"]
    assert [row[:3] for row in book["About"].iter_rows(min_row=5, values_only=True)] == [
        ("fits", "fits", 4), ("long", "left out: 5 rows, and a sheet holds 4", 5), ("wide", "left out: 3 fields, and a sheet holds 2", 1),
    ]  # fmt: skip


def test_the_first_sheet_says_what_is_in_the_workbook(tmp_path: Path) -> None:
    more = {
        "title": "=Herbs",
        "version": "1.0.0",
        "description": "Of a garden.",
        "licenses": [{"name": "CC0-1.0"}, {"path": "x"}],
    }
    path, notes = made(write(tmp_path, {**FILES, "datapackage.json": {**FILES["datapackage.json"], **more}}))
    book = openpyxl.load_workbook(path)
    about = list(book.worksheets[0].iter_rows(values_only=True))
    assert (book.worksheets[0].title, notes) == ("About", ())
    assert about[:4] == [
        ("Title", "=Herbs", None, None), ("Version", "1.0.0", None, None),
        ("Description", "Of a garden.", None, None), ("Licence", "CC0-1.0, x", None, None),
    ]  # fmt: skip
    assert about[6:] == [
        ("Table", "Sheet", "Rows", "Description"),
        ("plants", "plants", 8, None), ("sightings", "sightings", 2, None), ("uses", "uses", 4, None),
    ]  # fmt: skip


def test_a_sheet_has_a_bold_frozen_header_a_filter_and_widths(tmp_path: Path) -> None:
    sheet = openpyxl.load_workbook(made(write(tmp_path, FILES))[0])["plants"]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:F9")
    assert [cell.font.bold for row in (1, 2) for cell in sheet[row]] == [True] * 6 + [False] * 6
    widths = [sheet.column_dimensions[letter].width for letter in "ABCDEF"]
    assert list(map(int, widths)) == [6, 14, 8, 11, 12, 23]


@pytest.mark.filterwarnings("error")
def test_a_full_disk_is_an_error_of_the_system(tmp_path: Path) -> None:
    package, _ = descriptor.load(write(tmp_path, FILES) / "datapackage.json")
    with open_tables(package) as (engine, (tables,)), pytest.raises(OSError, match="No space left on device"):
        workbook.write(engine, package, tables, Path("/dev/full"))


def test_the_clock_the_zone_and_the_locale_do_not_show(tmp_path: Path) -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; import test_workbook as t; t.made(Path(sys.argv[2]))"
    found = []
    for name, zone, locale in (("one", "Pacific/Kiritimati", "C"), ("two", "America/Los_Angeles", "C.UTF-8")):
        folder = write(tmp_path / name, FILES)
        environment = {**os.environ, "TZ": zone, "LC_ALL": locale, "PYTHONHASHSEED": str(len(found) + 1)}
        subprocess.run([sys.executable, "-c", code, str(Path(__file__).parent), str(folder)], env=environment, check=True)
        found.append((folder / "made.xlsx").read_bytes())
    assert found[0] == found[1]
    with zipfile.ZipFile(tmp_path / "one/made.xlsx") as opened:
        assert {entry.date_time for entry in opened.infolist()} == {(1980, 1, 31, 0, 0, 0)}
        assert opened.read("docProps/core.xml").count(b"1980-01-01T00:00:00Z") == 2


def in_r(script: str, *arguments: object, packages: list[str]) -> list[Any]:
    """What an R script prints, a JSON value in each line."""
    debian = " ".join(f"r-cran-{name.lower()}" for name in packages)
    if shutil.which("Rscript") is None:
        pytest.skip(f"R is missing: apt-get install r-base-core {debian}")
    command = ["Rscript", str(Path(__file__).parent / "readers" / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"})
    if "there is no package called" in done.stderr:
        pytest.skip(f"R packages are missing: apt-get install {debian}")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
