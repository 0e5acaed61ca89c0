"""`make bench`: how long imprint takes, as a ratio to a peer or a bare read in the same run.

Every figure is a whole process, the best of `--runs`. Packages are written by the generator that the figures of other
tools were measured on (`GENERATOR`, or ../shared/bench/make_package.py); the peer runs once, as it takes a minute.
"""

from __future__ import annotations

import argparse
import csv
import functools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
IMPRINT = [str(BIN / "imprint")]
FRICTIONLESS = [str(BIN / "frictionless")]
READ = """
import duckdb, sys
duckdb.sql(f"SELECT sum(length(COLUMNS(*))) FROM read_csv('{sys.argv[1]}', all_varchar = true)").fetchall()
"""


@dataclass(frozen=True)
class Figure:
    """Seconds and peak memory (MB) of a command: the best of its runs."""

    seconds: float
    megabytes: float


def measure(command: list[str], runs: int, accept: tuple[int, ...] = (0,)) -> Figure:
    """Run a command a few times."""
    best = Figure(float("inf"), 0)
    for _ in range(runs):
        before = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        error = process.stderr.read() if process.stderr else b""
        _, status, usage = os.wait4(process.pid, 0)
        taken = time.perf_counter() - before
        if os.waitstatus_to_exitcode(status) not in accept:
            raise SystemExit(f"{' '.join(command)}: {error.decode()}")
        if taken < best.seconds:
            best = Figure(taken, usage.ru_maxrss / 1024)
    return best


def generate(generator: Path, folder: Path, rows: int, *options: str) -> Path:
    """A synthetic package."""
    subprocess.run([sys.executable, str(generator), str(rows), str(folder), *options], check=True)
    return folder


def line(what: str, figure: Figure, versus: str = "", ratio: float | None = None) -> None:
    """Print a row of the table."""
    shown = f"{ratio:6.2f} × {versus}" if ratio is not None else ""
    print(f"{what:<46} {figure.seconds:8.2f} s {figure.megabytes:7.0f} MB  {shown}".rstrip(), flush=True)


WIDE, TALL = 2000, 10_000  # columns and rows of the wide table
LONG = 20_000  # rows of the table of long texts


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


def main() -> None:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument(
        "--many", type=int, default=20_000_000, help="rows of the package that shows memory and scale; 0 for none"
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--no-peer", action="store_true", help="leave frictionless-py out of the large runs")
    options = parser.parse_args()
    generator = Path(os.environ.get("GENERATOR", "../shared/bench/make_package.py"))
    if not generator.is_file():
        raise SystemExit(f"{generator}: the package generator is not there; set GENERATOR to its path")
    with tempfile.TemporaryDirectory() as name:
        run(options, functools.partial(generate, generator), Path(name))


def run(options: argparse.Namespace, make: Callable[..., Path], folder: Path) -> None:
    """The table."""
    runs, rows = options.runs, f"{options.rows:,} rows"
    small, large = make(folder / "small", 10), make(folder / "large", options.rows)
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
        dirty = make(folder / f"dirty-{share}", options.rows, "--dirty", str(share))
        broken = measure([*IMPRINT, "validate", str(dirty)], runs, accept=(1,))
        line(f"imprint validate, {rows}, {what}", broken, "clean", broken.seconds / own.seconds)
    for what, built in ((f"{WIDE:,} columns × {TALL:,} rows", wide(folder / "wide")), ("long texts", long(folder / "long"))):
        shaped = measure([*IMPRINT, "validate", str(built)], runs)
        line(f"imprint validate, {what}", shaped)
        against(options, built, what, shaped)
    against(options, large, rows, own)
    if options.many:
        many = measure([*IMPRINT, "validate", str(make(folder / "many", options.many))], 1)
        share = many.seconds / own.seconds / (options.many / options.rows)
        line(f"imprint validate, {options.many:,} rows", many, f"{rows}, row by row", share)


def against(options: argparse.Namespace, built: Path, what: str, own: Figure) -> None:
    """The peer on the same package, once."""
    if not options.no_peer:
        peer = measure([*FRICTIONLESS, "validate", str(built / "datapackage.json")], 1)
        line(f"frictionless validate, {what}", peer, "imprint", peer.seconds / own.seconds)


if __name__ == "__main__":
    main()
