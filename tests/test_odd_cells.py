"""What is valid can be released: odd cells of every type and format, in every format of a release, which verifies."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import json
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, strategies
from limits import sized
from packages import CASES, examples, imprint, write
from test_properties import CELLS, fields

from imprint import descriptor, fingerprint, spelling, sql, tables
from imprint.engine import Engine
from imprint.exports import columns, parquet, sqlite, workbook
from imprint.exports import csv as csv_table
from imprint.exports import json as json_table
from imprint.package import Dialect, Field, Resource
from imprint.profile import PROFILE_2_0
from imprint.reference import Reference
from imprint.scan import Checked
from imprint.validation import open_tables, validated

ODD = json.loads((CASES / "odd-cells.json").read_text(encoding="utf-8"))
NULL = "(none)"


def text(cell: Any) -> str:
    """A cell, which the table may give as a text so many times."""
    return cell if isinstance(cell, str) else cell["text"] * cell["times"]


def field(number: int) -> dict[str, Any]:
    """The field of a case, named such as `31 duration`."""
    said = ODD[number]["field"]
    name = " ".join(map(str, (number, *(said[word] for word in ("type", "itemType") if word in said))))
    return {"name": name, **said, "missingValues": [*said.get("missingValues", []), NULL]}


FIELDS = [field(number) for number in range(len(ODD))]
NOT_IN_JSON = {field(number)["name"] for number, case in enumerate(ODD) if case.get("not in JSON")}
TOGETHER = 8  # fields in a table: more take longer by the square
NUMBERS = [number for number, one in enumerate(FIELDS) if one["type"] in ("integer", "number")]


def table(name: str, form: str, fields: list[dict[str, Any]], columns: list[list[Any]], **more: Any) -> dict[str, Any]:
    """A table of a column for each field, filled up with nulls: its resource, and in `content` its file."""
    names = [one["name"] for one in fields]
    rows = list(itertools.zip_longest(*columns, fillvalue=NULL if form == "csv" else None))
    if form == "json":
        content = json.dumps([dict(zip(names, row, strict=True)) for row in rows]).replace("Infinity", "1e999")
    else:
        sink = io.StringIO(newline="")
        csv.writer(sink, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([names, *rows])
        content = sink.getvalue()
    schema = {"fields": fields, **more}
    said = {"name": name, "type": "table", "path": f"{name}.{form}", "format": form, "schema": schema}
    return {"resource": said, "content": content}


def batched(listed: list[int], size: int) -> list[list[int]]:
    return [listed[at : at + size] for at in range(0, len(listed), size)]


def package(folder: Path) -> Path:
    """A package with the cells of each field as a column, and those of numbers as keys, too."""
    cells, values = [list(map(text, case["cells"])) for case in ODD], [case.get("values", []) for case in ODD]
    tables = []
    for form, listed in (("csv", cells), ("json", values)):
        for some in batched([at for at, column in enumerate(listed) if column], TOGETHER):
            name = f"{form} {some[0]} to {some[-1]}"
            tables.append(table(name, form, [FIELDS[at] for at in some], [listed[at] for at in some]))
    for number in NUMBERS:
        key = [FIELDS[number]["name"]]
        tables.append(table(f"key {key[0]}", "csv", [FIELDS[number]], [cells[number]], primaryKey=key))
    files = {one["resource"]["path"]: one["content"] for one in tables}
    resources = [one["resource"] for one in tables]
    said = {"$schema": PROFILE_2_0, "name": "odd", "version": "1.0.0", "resources": resources}
    return write(folder, {"datapackage.json": said, **files})


@pytest.fixture(scope="module", params=[tables.SMALL, -1], ids=["small", "as large tables"])
def released(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A release of that package."""
    folder, formats = package(tmp_path_factory.mktemp("odd")), "csv,json,parquet,sqlite,xlsx,croissant"
    with sized(small=request.param):
        done = imprint("release", folder, "--formats", formats, "--out", folder / "dist")
    assert done.exit_code == 0, done.stderr
    return folder / "dist" / "1.0.0"


@pytest.fixture(scope="module")
def opened_tables(released: Path) -> Iterator[tuple[Engine, dict[str, Checked]]]:
    """The tables that were released, opened."""
    with open_tables(descriptor.load(released / "datapackage.json")[0]) as (engine, (found,)):
        yield engine, found


def test_a_release_of_what_is_valid_verifies(released: Path) -> None:
    done = imprint("verify", released)
    assert done.exit_code == 0, done.stdout


def as_written(one: Resource, folder: Path, form: str) -> Resource:
    """A table as a format has it: CSV is read with its own schema, the others with fields without a format or options."""
    assert one.schema is not None
    fields = one.schema.fields if form == "csv" else tuple(map(spelling.plain, one.schema.fields))
    name = f"{form}/{one.name}.{form}"
    stored = {"paths": (name,), "files": (folder / name,), "format": form, "dialect": Dialect()}
    return replace(one, **stored, schema=replace(one.schema, fields=fields))


@pytest.mark.parametrize("form", ["csv", "json"])
def test_each_format_has_the_same_values(form: str, released: Path, opened_tables: tuple[Engine, dict[str, Checked]]) -> None:
    opened, _ = descriptor.load(released / "datapackage.json")
    again = [as_written(one, released, form) for one in opened.tables if (released / form / f"{one.name}.{form}").is_file()]
    assert len(again) == len(opened.tables) if form != "csv" else again
    for name, found in fingerprint.of_tables(replace(opened, resources=tuple(again))).items():
        told = fingerprint.of_table(opened_tables[0], opened_tables[1][name])
        differing = [column for column, print_ in found.columns.items() if print_ != told.columns[column]]
        assert [column for column in differing if form != "json" or column not in NOT_IN_JSON] == []


def test_json_is_json(released: Path) -> None:
    """NaN and Infinity, which Python writes and reads, are none."""
    constants: list[str] = []
    files = sorted((released / "json").iterdir())
    for path in files:
        json.loads(path.read_text(encoding="utf-8"), parse_constant=constants.append)
    assert files
    assert constants == []


def test_unlike_values_stay_unlike_in_sqlite(released: Path, opened_tables: tuple[Engine, dict[str, Checked]]) -> None:
    engine, found = opened_tables
    with contextlib.closing(sqlite3.connect(released / "odd.sqlite")) as connection:
        for name, one in found.items():
            mine, theirs = (
                ", ".join(f"count(DISTINCT {column})" for column in columns)
                for columns in (map(sql.identifier, one.columns), one.columns.values())
            )
            counted = connection.execute(f"SELECT {mine} FROM {sql.identifier(name)}").fetchone()
            assert counted == engine.one(f"SELECT {theirs} FROM {one.unnumbered}"), name


@examples(8)
@given(field=fields(), cells=strategies.lists(CELLS, min_size=1, max_size=12))
def test_any_valid_cells_of_any_field_come_back_from_every_format(field: Field, cells: list[str]) -> None:
    reference = Reference(field)
    valid = [cell for cell in cells if reference.read(cell)[1] == () and "\0" not in cell]
    assume(valid)
    described = [{"name": "row", "type": "integer"}, {**field.descriptor, "missingValues": list(field.missing_values)}]
    made = table("t", "json", described, [list(range(len(valid))), valid])
    with tempfile.TemporaryDirectory() as name:
        base = write(
            Path(name), {"datapackage.json": {"name": "p", "resources": [made["resource"]]}, "t.json": made["content"]}
        )
        opened, _ = descriptor.load(base / "datapackage.json")
        with validated(opened, writable=base) as (report, engine, checked):
            assume(report.valid)
            told = fingerprint.of_table(engine, checked["t"])
            listed = columns.columns(engine, checked["t"], told.longest)
            json_table.write(engine, checked["t"], listed, base / "json/t.json")
            parquet.write(engine, checked["t"], listed, base / "parquet/t.parquet")
            left_out = csv_table.write(engine, checked["t"], base / "csv/t.csv")
            sqlite.write(engine, opened, checked, {"t": listed}, base / "t.sqlite")
            workbook.write(engine, opened, checked, base / "t.xlsx")
        for form in ("json", "parquet", *(() if left_out else ("csv",))):
            again = replace(opened, resources=(as_written(opened.resources[0], base, form),))
            assert fingerprint.of_tables(again)["t"].columns == told.columns, form
