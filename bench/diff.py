"""The diff of a package and its next version: against csv-diff, DataSemver and daff, each once, on the same two files.

The next version is shuffled, with 2 % of its rows added, removed or changed (next_version.py), unless something else is said.
A diff is timed as it is printed; its counts must be right, which the JSON tells (that has the fingerprints of both sides too).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from measuring import IMPRINT, Figure, Make, line, measure

HERE = Path(__file__).parent
KEY = "event_id"
PEERS = HERE / ".venv" / "bin"
CSV_DIFF = [str(PEERS / "csv-diff"), "--key", KEY]  # half a minute goes into a guess at the delimiter, whatever the rows
CSV_DIFF_TOLD = [*CSV_DIFF, "--format", "csv"]
DATASEMVER = [str(PEERS / "datasemver"), "diff", "--key", KEY]
DAFF = [str(PEERS / "daff"), "diff", "--unordered", "--id", KEY]
FEWER = 10  # times as few rows for daff, which takes as long for 100,000 as the others for a million


def run(options: argparse.Namespace, make: Make, folder: Path) -> None:
    """The table."""
    if options.peer and not PEERS.is_dir():
        raise SystemExit("bench/.venv: the peers are not there; run make bench, or leave them out with --no-peer")
    runs, rows = options.runs, f"{options.rows:,} rows"
    ten, old, fewer = make(10), make(options.rows), make(options.rows // FEWER)
    line("imprint diff, 10 rows, all changed", own(ten, folder / "ten", runs, "--all"))
    some = own(old, folder / "some", runs)
    line(f"imprint diff, {rows}, 2 % changed", some)
    every = own(old, folder / "every", runs, "--all")
    line(f"imprint diff, {rows}, all changed", every, "2 % changed", every.seconds / some.seconds)
    if options.peer:
        against(CSV_DIFF, "csv-diff", old, folder / "some", some)
        against(CSV_DIFF_TOLD, "csv-diff --format csv", old, folder / "some", some)
        against(DATASEMVER, "datasemver diff --key", old, folder / "some", some)
        little = own(fewer, folder / "fewer", runs)
        line(f"imprint diff, {options.rows // FEWER:,} rows", little)
        against(DAFF, f"daff, {options.rows // FEWER:,} rows", fewer, folder / "fewer", little)
    if options.many:
        many = own(make(options.many), folder / "many", 1)
        share = many.seconds / some.seconds / (options.many / options.rows)
        line(f"imprint diff, {options.many:,} rows, 2 % changed", many, f"{rows}, row by row", share)


def own(old: Path, new: Path, runs: int, *change: str) -> Figure:
    """imprint on a package and its next version, which is written to `new`."""
    written = subprocess.run(
        [sys.executable, str(HERE / "next_version.py"), str(old), str(new), *change], capture_output=True, text=True, check=True
    )
    command = [*IMPRINT, "diff", str(old), str(new)]
    told = measure([*command, "--format", "json"], 1, keep=True)
    expected = json.loads(written.stdout)
    (events,) = [found for found in json.loads(told.output)["resources"] if found["name"] == "events"]
    counted = {word: events[word] for word in expected}
    if counted != expected:
        raise SystemExit(f"imprint diff counts {counted} where {expected} is right")
    return measure(command, runs)


def against(command: list[str], what: str, old: Path, new: Path, figure: Figure) -> None:
    """A peer on the same two files, once."""
    peer = measure([*command, str(old / "events.csv"), str(new / "events.csv")], 1)
    line(what, peer, "imprint", peer.seconds / figure.seconds)
