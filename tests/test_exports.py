"""What the engine writes of a table is what its schema says: JSON as Python would write it, Parquet and CSV the same content."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from packages import examples, write
from test_fingerprints import NULL, as_csv, as_json, tables

from imprint import descriptor, fingerprint, formats
from imprint.exports import columns, csv, parquet
from imprint.exports import json as json_table
from imprint.fingerprint import Fingerprint
from imprint.validation import validated


def package(base: Path, fields: list[dict[str, Any]], resource: dict[str, Any], content: Any) -> Any:
    """A package of one table."""
    schema = {"fields": fields, "missingValues": [NULL]}
    described = {"name": "t", "type": "table", "schema": schema, **resource}
    write(base, {"datapackage.json": {"name": "p", "resources": [described]}, resource["path"]: content})
    return descriptor.load(base / "datapackage.json")[0]


def written(base: Path, opened: Any) -> tuple[Fingerprint, list[dict[str, Any]]]:
    """Write the only table as JSON, Parquet and CSV: its fingerprint, and its rows as Python has them."""
    with validated(opened, writable=base) as (report, engine, checked):
        assert report.valid, list(report.all_errors)
        (one,) = checked.values()
        print_ = fingerprint.of_table(engine, one)
        listed = columns.columns(engine, one, print_.longest)
        json_table.write(engine, one, listed, base / "out/t.json")
        parquet.write(engine, one, listed, base / "out/t.parquet")
        csv.write(engine, one, base / "out/t.csv")
        return print_, list(formats.values(engine, one))


def read_back(base: Path, fields: list[dict[str, Any]], form: str, null: str = NULL) -> Fingerprint:
    """The fingerprint of what was written in a format, read with the same schema."""
    content = (base / f"out/t.{form}").read_bytes()
    resource = {"path": f"t.{form}", "format": form}
    with tempfile.TemporaryDirectory() as folder:
        opened = package(Path(folder), fields, resource, content)
        with validated(opened) as (report, engine, checked):
            assert report.valid, list(report.all_errors)
            return fingerprint.of_table(engine, checked["t"])


@examples(12)
@given(tables())
@pytest.mark.parametrize("form", ["csv", "json"])
def test_what_is_written_is_the_table(form: str, table: tuple[list[str], list[list[Any]]]) -> None:
    kinds, rows = table
    fields = [{"name": f"f{number}", "type": kind} for number, kind in enumerate(kinds)]
    resource, content = as_csv(kinds, rows, lineterminator="\r\n") if form == "csv" else as_json(rows)
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        told, values = written(base, package(base, fields, {"path": f"t.{form}", "format": form, **resource}, content))
        assert json.loads((base / "out/t.json").read_text(encoding="utf-8")) == values
        for again in ("parquet", "csv", "json"):
            found = read_back(base, fields, again)
            assert (found.rows, found.table, found.columns) == (told.rows, told.table, told.columns), again


CELLS = [
    # type of the field, cell, JSON, type in Parquet
    ("integer", "12", 12, "BIGINT"),
    ("integer", "9007199254740993", "9007199254740993", "BIGINT"),
    ("integer", "92233720368547758080", "92233720368547758080", "VARCHAR"),
    ("number", "1.50", 1.5, "DOUBLE"),
    ("number", "0.12345678901234567890", "0.1234567890123456789", "VARCHAR"),
    ("number", "NaN", "NaN", "DOUBLE"),
    ("year", "0044", 44, "BIGINT"),
    ("boolean", "true", True, "BOOLEAN"),
    ("date", "2021-03-01", "2021-03-01", "DATE"),
    ("datetime", "2021-03-01T10:00:00Z", "2021-03-01T10:00:00Z", "TIMESTAMP WITH TIME ZONE"),
    ("datetime", "2021-03-01T10:00:00", "2021-03-01T10:00:00", "TIMESTAMP"),
    ("time", "10:00:00", "10:00:00", "TIME"),
    ("list", "a,b", ["a", "b"], "VARCHAR[]"),
    ("list of integer", "12,-3", [12, -3], "BIGINT[]"),
    ("list of integer", "92233720368547758080,1", ["92233720368547758080", 1], "VARCHAR[]"),
    ("list of number", "1.50,NaN,1e3", [1.5, "NaN", 1000], "DOUBLE[]"),
    ("list of number", "0.12345678901234567890", ["0.1234567890123456789"], "VARCHAR[]"),
    ("list of boolean", "true,false", [True, False], "BOOLEAN[]"),
    ("list of date", "2021-03-01", ["2021-03-01"], "DATE[]"),
    ("list of datetime", "2021-03-01T10:00:00Z", ["2021-03-01T10:00:00Z"], "TIMESTAMP WITH TIME ZONE[]"),
    ("list of datetime", "2021-03-01T10:00:00", ["2021-03-01T10:00:00"], "TIMESTAMP[]"),
    (
        "list of datetime",
        "2021-03-01T10:00:00,2021-03-01T10:00:00Z",
        ["2021-03-01T10:00:00", "2021-03-01T10:00:00Z"],
        "VARCHAR[]",
    ),
    ("list of time", "10:00:00", ["10:00:00"], "TIME[]"),
    ("object", '{"a": 1}', {"a": 1}, "VARCHAR"),
    ("string", '=1+1\\"\u2028', '=1+1\\"\u2028', "VARCHAR"),
]


@pytest.mark.parametrize(("kind", "cell", "value", "typed"), CELLS, ids=[f"{kind} {cell}" for kind, cell, *_ in CELLS])
def test_a_cell_becomes(kind: str, cell: str, value: Any, typed: str, tmp_path: Path) -> None:
    quoted = '"' + cell.replace('"', '""') + '"'
    name, _, items = kind.partition(" of ")
    fields = [{"name": "id", "type": "integer"}, {"name": "c", "type": name, **({"itemType": items} if items else {})}]
    opened = package(tmp_path, fields, {"path": "t.csv"}, f"id,c\n1,{quoted}\n2,{NULL}\n")
    told, _ = written(tmp_path, opened)
    assert read_back(tmp_path, fields, "parquet").columns == told.columns
    assert json.loads((tmp_path / "out/t.json").read_text(encoding="utf-8")) == [{"id": 1, "c": value}, {"id": 2, "c": None}]
    _, described = duckdb.sql(f"DESCRIBE FROM '{tmp_path / 'out/t.parquet'}'").fetchall()
    assert described[:2] == ("c", typed)


def test_a_table_without_rows_is_an_empty_array(tmp_path: Path) -> None:
    written(tmp_path, package(tmp_path, [{"name": "c", "type": "integer"}], {"path": "t.csv"}, "c\n"))
    assert json.loads((tmp_path / "out/t.json").read_text(encoding="utf-8")) == []
