"""What is valid can be released: odd cells of every type and format, in every format of a release, which verifies."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from packages import CASES, imprint, write

from imprint import descriptor, fingerprint, spelling, sql
from imprint.descriptor import PROFILE_2_0
from imprint.engine import Engine
from imprint.package import Dialect
from imprint.scan import Checked
from imprint.validation import open_tables

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
TYPED = [number for number, one in enumerate(FIELDS) if one["type"] in ("integer", "number", "datetime", "time")]
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
    """A package with the cells of some fields as columns, those that the engine has types for alone, too, and numbers as keys."""
    cells, values = [list(map(text, case["cells"])) for case in ODD], [case.get("values", []) for case in ODD]
    tables = []
    for form, columns in (("csv", cells), ("json", values)):
        for some in batched([at for at, column in enumerate(columns) if column], TOGETHER):
            name = f"{form} {some[0]} to {some[-1]}"
            tables.append(table(name, form, [FIELDS[at] for at in some], [columns[at] for at in some]))
    for number in range(max(len(cells[at]) for at in TYPED)):
        some = [at for at in TYPED if number < len(cells[at])]
        tables.append(table(f"alone {number}", "csv", [FIELDS[at] for at in some], [[cells[at][number]] for at in some]))
    for number in NUMBERS:
        key = [FIELDS[number]["name"]]
        tables.append(table(f"key {key[0]}", "csv", [FIELDS[number]], [cells[number]], primaryKey=key))
    files = {one["resource"]["path"]: one["content"] for one in tables}
    resources = [one["resource"] for one in tables]
    said = {"$schema": PROFILE_2_0, "name": "odd", "version": "1.0.0", "resources": resources}
    return write(folder, {"datapackage.json": said, **files})


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of that package."""
    folder = package(tmp_path_factory.mktemp("odd"))
    done = imprint("release", folder, "--formats", "csv,json,parquet,sqlite,xlsx,croissant", "--out", folder / "dist")
    assert done.exit_code == 0, done.stderr
    return folder / "dist" / "1.0.0"


@pytest.fixture(scope="module")
def tables(released: Path) -> Iterator[tuple[Engine, dict[str, Checked]]]:
    """The tables that were released, opened."""
    with open_tables(descriptor.load(released / "datapackage.json")[0]) as (engine, (found,)):
        yield engine, found


def test_a_release_of_what_is_valid_verifies(released: Path) -> None:
    done = imprint("verify", released)
    assert done.exit_code == 0, done.stdout


@pytest.mark.parametrize("form", ["csv", "json"])
def test_each_format_has_the_same_values(form: str, released: Path, tables: tuple[Engine, dict[str, Checked]]) -> None:
    """CSV is read with the schema, JSON with fields without a format or options of their own."""
    opened, _ = descriptor.load(released / "datapackage.json")
    again = []
    for one in opened.tables:
        name = f"{form}/{one.name}.{form}"
        if (released / name).is_file():
            fields = one.schema.fields if form == "csv" else tuple(map(spelling.plain, one.schema.fields))
            schema = replace(one.schema, fields=fields)
            stored = {"paths": (name,), "files": (released / name,), "format": form, "dialect": Dialect()}
            again.append(replace(one, **stored, schema=schema))
    assert len(again) == len(opened.tables) if form != "csv" else again
    for name, found in fingerprint.of_tables(replace(opened, resources=tuple(again))).items():
        told = fingerprint.of_table(tables[0], tables[1][name])
        differing = [column for column, print_ in found.columns.items() if print_ != told.columns[column]]
        assert [column for column in differing if form != "json" or column not in NOT_IN_JSON] == []


def test_json_is_json(released: Path) -> None:
    def refused(constant: str) -> None:
        raise AssertionError(constant)

    for path in released.rglob("*.json"):
        json.loads(path.read_text(encoding="utf-8"), parse_constant=refused)


def test_unlike_values_stay_unlike_in_sqlite(released: Path, tables: tuple[Engine, dict[str, Checked]]) -> None:
    engine, found = tables
    with contextlib.closing(sqlite3.connect(released / "odd.sqlite")) as connection:
        for name, one in found.items():
            mine, theirs = (
                ", ".join(f"count(DISTINCT {column})" for column in columns)
                for columns in (map(sql.identifier, one.columns), one.columns.values())
            )
            counted = connection.execute(f"SELECT {mine} FROM {sql.identifier(name)}").fetchone()
            assert counted == engine.one(f"SELECT {theirs} FROM {one.unnumbered}"), name
