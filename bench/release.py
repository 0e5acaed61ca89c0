"""A release: against DuckDB's plain COPY of the same tables to the same formats, which checks and digests nothing.

COPY is told the columns' types. A release validates, computes fingerprints of every table and column, copies the package,
zips it and digests all, besides writing the formats; SQLite and the workbook, which COPY has not, are timed apart.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

from measuring import IMPRINT, Figure, Make, line, measure

FORMATS = "csv,json,parquet"
COPY = """
import duckdb, json, sys
from pathlib import Path
folder, out = Path(sys.argv[1]), Path(sys.argv[2])
types = {"string": "VARCHAR", "date": "DATE", "number": "DOUBLE", "integer": "BIGINT", "boolean": "BOOLEAN"}
for resource in json.loads((folder / "datapackage.json").read_text())["resources"]:
    columns = {field["name"]: types[field["type"]] for field in resource["schema"]["fields"]}
    table = f"read_csv('{folder / resource['path']}', header = true, auto_detect = false, columns = {columns})"
    for form, options in (("csv", ""), ("json", ", ARRAY true"), ("parquet", ", COMPRESSION zstd")):
        duckdb.sql(f"COPY (FROM {table}) TO '{out / resource['name']}.{form}' (FORMAT {form}{options})")
"""


def run(options: argparse.Namespace, make: Make, folder: Path) -> None:
    """The table."""
    for rows, runs in ((options.rows, options.runs), (options.many, 1)):
        if rows:
            package = versioned(make(rows))
            plain = copied(package, folder / "copied", runs)
            line(f"DuckDB's COPY, {rows:,} rows", plain)
            own = released(package, folder / "released", runs, FORMATS)
            line(f"imprint release --formats {FORMATS}", own, "COPY", own.seconds / plain.seconds)
    whole = released(versioned(make(options.rows)), folder / "released", 1, "all")
    line(f"imprint release, all formats, {options.rows:,} rows", whole)


def versioned(package: Path) -> Path:
    """The package with a version."""
    path = package / "datapackage.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": "1.0.0"}))
    return package


def copied(package: Path, out: Path, runs: int) -> Figure:
    """DuckDB alone."""
    out.mkdir(exist_ok=True)
    found = measure([sys.executable, "-c", COPY, str(package), str(out)], runs)
    shutil.rmtree(out)
    return found


def released(package: Path, out: Path, runs: int, formats: str) -> Figure:
    """A first release, each time: ledger and store go again."""
    best = Figure(float("inf"), 0)
    for _ in range(runs):
        one = measure([*IMPRINT, "release", str(package), "--out", str(out), "--formats", formats], 1)
        best = min(best, one, key=lambda figure: figure.seconds)
        shutil.rmtree(out)
        for name in ("releases.json", "CHANGELOG.md"):
            (package / name).unlink()
    return best
