"""Every format of a release in its real readers: the same rows everywhere, in the types that each reader gives them."""

from __future__ import annotations

import datetime
import json
import math
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas
import pytest
from herbs import FILES, repository
from packages import CASES, imprint

EXPECTED = json.loads((CASES / "readers.json").read_text(encoding="utf-8"))
TABLES = list(EXPECTED["rows"])
DATES = {"plants": ["found"], "sightings": ["at"]}
Read = tuple[dict[str, str], list[list[Any]]]  # the type of each column in the reader's words, and the rows


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The path of each table's file by format, and those of the files that hold all tables."""
    folder = repository(tmp_path_factory.mktemp("readers") / "herbs")
    done = imprint("release", cwd=folder)
    assert done.exit_code == 0, done.stderr
    release = folder / "dist/0.1.0"
    own = {one["name"]: one["path"] for one in FILES["datapackage.json"]["resources"] if one["name"] == "plants"}
    found = {
        "csv": {table: release / own.get(table, f"csv/{table}.csv") for table in TABLES},
        "json": {table: release / f"json/{table}.json" for table in TABLES},
        "parquet": {table: release / f"parquet/{table}.parquet" for table in TABLES},
        "sqlite": release / "herbs.sqlite",
        "xlsx": release / "herbs.xlsx",
    }
    return json.loads(json.dumps(found, default=str))


def plain(value: Any) -> Any:
    """A value as JSON has it: whatever stands for a null is None, moments are in UTC, and JSON texts are read."""
    if value is None or value is pandas.NaT or value is pandas.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, datetime.datetime):
        moment = value.astimezone(datetime.UTC).replace(tzinfo=None) if value.tzinfo else value
        return moment.isoformat()[:10] if moment.time() == datetime.time() else f"{moment.isoformat()}Z"
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, str) and value[:1] in ("[", "{"):
        return json.loads(value)
    if hasattr(value, "tolist"):  # numpy's
        return value.tolist()
    return value


def of_frame(frame: pandas.DataFrame) -> Read:
    rows = [[frame[name].iloc[row] for name in frame.columns] for row in range(len(frame))]
    return {name: str(kind) for name, kind in frame.dtypes.items()}, rows


def in_pandas_csv(files: dict[str, Any], table: str) -> Read:
    return of_frame(pandas.read_csv(files["csv"][table], parse_dates=DATES.get(table, [])))


def in_pandas_json(files: dict[str, Any], table: str) -> Read:
    frame = pandas.read_json(files["json"][table], precise_float=True)
    return of_frame(frame.assign(**{name: pandas.to_datetime(frame[name]) for name in DATES.get(table, [])}))


def in_pandas_parquet(files: dict[str, Any], table: str) -> Read:
    return of_frame(pandas.read_parquet(files["parquet"][table], engine="pyarrow"))


def in_pandas_sqlite(files: dict[str, Any], table: str) -> Read:
    connection = sqlite3.connect(files["sqlite"])
    frame = pandas.read_sql(f"SELECT * FROM {table}", connection)
    connection.close()
    return of_frame(frame)


def in_pandas_xlsx(files: dict[str, Any], table: str) -> Read:
    return of_frame(pandas.read_excel(files["xlsx"], sheet_name=table))


def in_duckdb(form: str) -> Callable[[dict[str, Any], str], Read]:
    def read(files: dict[str, Any], table: str) -> Read:
        found = duckdb.connect().sql(f"SELECT * FROM read_{form}('{files[form][table]}')")
        types = {name: str(kind) for name, kind in zip(found.columns, found.types, strict=True)}
        return types, [list(row.values()) for row in found.to_arrow_table().to_pylist()]

    return read


def in_sqlite3(files: dict[str, Any], table: str) -> Read:
    connection = sqlite3.connect(files["sqlite"])
    types = {name: kind for _, name, kind, *_ in connection.execute(f"PRAGMA table_info({table})")}
    rows = list(map(list, connection.execute(f"SELECT * FROM {table}")))
    connection.close()
    return types, rows


def in_openpyxl(files: dict[str, Any], table: str) -> Read:
    header, *rows = openpyxl.load_workbook(files["xlsx"])[table].iter_rows()
    letters = [
        "".join(sorted({cell.data_type for cell in column if cell.value is not None})) for column in zip(*rows, strict=True)
    ]
    return dict(zip((cell.value for cell in header), letters, strict=True)), [[cell.value for cell in row] for row in rows]


READERS: dict[str, Callable[[dict[str, Any], str], Read]] = {
    "pandas csv": in_pandas_csv,
    "DuckDB csv": in_duckdb("csv"),
    "pandas json": in_pandas_json,
    "DuckDB json": in_duckdb("json"),
    "pandas parquet": in_pandas_parquet,
    "DuckDB parquet": in_duckdb("parquet"),
    "sqlite3 sqlite": in_sqlite3,
    "pandas sqlite": in_pandas_sqlite,
    "openpyxl xlsx": in_openpyxl,
    "pandas xlsx": in_pandas_xlsx,
}


def check(reader: str, table: str, types: dict[str, str], rows: list[list[Any]]) -> None:
    """What a reader sees is what the cases say; in CSV a list is as its field writes it."""
    found = [[plain(cell) for cell in row] for row in rows]
    if reader.endswith("csv") and table == "plants":
        found = [[*row, tags and tags.split(",")] for *row, tags in found]
    assert found == EXPECTED["rows"][table]
    assert types == dict(zip(EXPECTED["fields"][table], EXPECTED["types"][reader][table], strict=True))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("reader", READERS)
def test_a_reader_sees_the_rows(files: dict[str, Any], reader: str, table: str) -> None:
    check(reader, table, *READERS[reader](files, table))


@pytest.fixture(scope="module")
def in_r(files: dict[str, Any]) -> dict[tuple[str, str], Read]:
    """What R's readers see, by reader and table."""
    debian = "r-base-core r-cran-readr r-cran-jsonlite r-cran-readxl r-cran-rsqlite"
    if shutil.which("Rscript") is None:
        pytest.skip(f"R is missing: apt-get install {debian}")
    command = ["Rscript", str(Path(__file__).parent / "readers/tables.R"), json.dumps(files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"})
    if "there is no package called" in done.stderr:
        pytest.skip(f"R packages are missing: apt-get install {debian}")
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return {(one["reader"], one["table"]): (one["types"], one["rows"]) for one in told}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("reader", ["base R csv", "readr csv", "jsonlite json", "RSQLite sqlite", "readxl xlsx"])
def test_r_sees_the_rows(in_r: dict[tuple[str, str], Read], reader: str, table: str) -> None:
    """Debian has no R package that reads Parquet."""
    check(reader, table, *in_r[reader, table])


def test_sqlite_finds_nothing_amiss(files: dict[str, Any]) -> None:
    connection = sqlite3.connect(files["sqlite"])
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    keys = connection.execute("PRAGMA foreign_key_list(sightings)").fetchall()
    assert [key[2:5] for key in keys] == [("plants", "plant", "id")]
    connection.execute("PRAGMA foreign_keys = ON")
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        connection.execute("DELETE FROM plants WHERE id = 1")
    connection.close()
