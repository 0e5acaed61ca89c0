"""Validation: against frictionless-py, which runs once on the large packages, as it takes a minute, and a bare read."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from measuring import BIN, IMPRINT, Figure, Make, line, measure

FRICTIONLESS = [str(BIN / "frictionless")]
READ = """
import duckdb, sys
duckdb.sql(f"SELECT sum(length(COLUMNS(*))) FROM read_csv('{sys.argv[1]}', all_varchar = true)").fetchall()
"""
WIDE, TALL = 2000, 10_000  # columns and rows of the wide table
LONG = 300_000  # rows of the table of long texts, a gigabyte: of fewer, the start of the programs is most


def wide(folder: Path) -> Path:
    """A package of one table with very many columns of five types."""
    kinds = ["integer", "number", "string", "date", "boolean"]
    values = ["1234", "56.789", "gamma, delta", "2024-05-17", "true"]
    fields = [{"name": f"field_{number}", "type": kinds[number % 5]} for number in range(WIDE)]
    row = [values[number % 5] for number in range(WIDE)]
    return package(folder, {"fields": fields}, (row for _ in range(TALL)))


def long(folder: Path) -> Path:
    """A package of one table with texts of a page, some of several lines."""
    fields = [{"name": "id", "type": "integer"}, {"name": "text", "type": "string", "constraints": {"minLength": 5}}]
    page = "a page, as long as pages are, with a comma " * 80
    rows = ([str(row), page + ('\nand a "second" line' if row % 7 == 0 else "")] for row in range(LONG))
    return package(folder, {"fields": fields, "primaryKey": ["id"]}, rows)


def package(folder: Path, schema: dict[str, Any], rows: Iterable[list[str]]) -> Path:
    """A package of one table."""
    folder.mkdir()
    resource = {"name": "table", "type": "table", "path": "table.csv", "schema": schema}
    (folder / "datapackage.json").write_text(json.dumps({"name": "bench", "resources": [resource]}), encoding="utf-8")
    with (folder / "table.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([field["name"] for field in schema["fields"]])
        writer.writerows(rows)
    return folder


def run(options: argparse.Namespace, make: Make, folder: Path) -> None:
    """The table."""
    runs, rows = options.runs, f"{options.rows:,} rows"
    small, large = make(10), make(options.rows)
    peer_help = measure([*FRICTIONLESS, "--help"], runs)
    line("frictionless --help", peer_help)
    own_help = measure([*IMPRINT, "--help"], runs)
    line("imprint --help", own_help, "frictionless", own_help.seconds / peer_help.seconds)
    peer_small = measure([*FRICTIONLESS, "validate", str(small / "datapackage.json")], runs)
    line("frictionless validate, 10 rows", peer_small)
    own_small = measure([*IMPRINT, "validate", str(small)], runs)
    line("imprint validate, 10 rows", own_small, "frictionless", own_small.seconds / peer_small.seconds)
    record = measure([*IMPRINT, "validate", "."], runs)
    line("imprint validate, this record", record, "frictionless on 10 rows", record.seconds / peer_small.seconds)
    read = measure([sys.executable, "-c", READ, str(large / "events.csv")], runs)
    line(f"a bare read by DuckDB, {rows}", read)
    own = measure([*IMPRINT, "validate", str(large)], runs)
    line(f"imprint validate, {rows}", own, "the bare read", own.seconds / read.seconds)
    for share, what in ((0.01, "1 % broken"), (1.0, "all broken")):
        dirty = make(options.rows, "--dirty", str(share))
        broken = measure([*IMPRINT, "validate", str(dirty)], runs, accept=(1,))
        line(f"imprint validate, {rows}, {what}", broken, "clean", broken.seconds / own.seconds)
    for what, built in ((f"{WIDE:,} columns × {TALL:,} rows", wide(folder / "wide")), ("long texts", long(folder / "long"))):
        shaped = measure([*IMPRINT, "validate", str(built)], runs)
        line(f"imprint validate, {what}", shaped)
        against(options, built, what, shaped)
    against(options, large, rows, own)
    if options.many:
        many = measure([*IMPRINT, "validate", str(make(options.many))], 1)
        share = many.seconds / own.seconds / (options.many / options.rows)
        line(f"imprint validate, {options.many:,} rows", many, f"{rows}, row by row", share)


def against(options: argparse.Namespace, built: Path, what: str, own: Figure) -> None:
    """The peer on the same package, once."""
    if options.peer:
        peer = measure([*FRICTIONLESS, "validate", str(built / "datapackage.json")], 1)
        line(f"frictionless validate, {what}", peer, "imprint", peer.seconds / own.seconds)
