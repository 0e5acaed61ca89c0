"""`make bench`: how long imprint takes, as a ratio to a peer or a bare read in the same run.

Every figure is a whole process, the best of `--runs`. Packages are written by the generator that the figures of other
tools were measured on (`GENERATOR`, or ../shared/bench/make_package.py); the peer runs once, as it takes a minute.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

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
    shown = f"{ratio:6.1f} × {versus}" if ratio is not None else ""
    print(f"{what:<46} {figure.seconds:8.2f} s {figure.megabytes:7.0f} MB  {shown}".rstrip(), flush=True)


def main() -> None:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--no-peer", action="store_true", help="leave frictionless-py out of the large run")
    options = parser.parse_args()
    generator = Path(os.environ.get("GENERATOR", "../shared/bench/make_package.py"))
    if not generator.is_file():
        raise SystemExit(f"{generator}: the package generator is not there; set GENERATOR to its path")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small = generate(generator, folder / "small", 10)
        large = generate(generator, folder / "large", options.rows)
        dirty = generate(generator, folder / "dirty", options.rows, "--dirty", "0.01")
        run(options, small, large, dirty)
    print(f"peak of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def run(options: argparse.Namespace, small: Path, large: Path, dirty: Path) -> None:
    """The table."""
    runs, rows = options.runs, f"{options.rows:,} rows"
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
    broken = measure([*IMPRINT, "validate", str(dirty)], runs, accept=(1,))
    line(f"imprint validate, {rows}, 1 % broken", broken, "clean", broken.seconds / own.seconds)
    if not options.no_peer:
        peer = measure([*FRICTIONLESS, "validate", str(large / "datapackage.json")], 1)
        line(f"frictionless validate, {rows}", peer, "imprint", peer.seconds / own.seconds)


if __name__ == "__main__":
    main()
