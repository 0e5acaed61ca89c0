"""What the subjects of the bench share: packages to measure on, a measured command, a line of the table."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

BIN = Path(sys.executable).parent
IMPRINT = [str(BIN / "imprint")]
Make = Callable[..., Path]  # rows, options of the generator -> the folder of the package


@dataclass(frozen=True)
class Figure:
    """Seconds and peak memory (MB) of a command, the best of its runs, and what it printed."""

    seconds: float
    megabytes: float
    output: str = ""


def measure(command: list[str], runs: int, accept: tuple[int, ...] = (0,), *, keep: bool = False) -> Figure:
    """Run a command a few times; `keep` what it prints."""
    best = Figure(float("inf"), 0)
    for _ in range(runs):
        with tempfile.TemporaryFile("w+", encoding="utf-8") as printed:
            before = time.perf_counter()
            process = subprocess.Popen(command, stdout=printed if keep else subprocess.DEVNULL, stderr=subprocess.PIPE)
            error = process.stderr.read() if process.stderr else b""
            _, status, usage = os.wait4(process.pid, 0)
            taken = time.perf_counter() - before
            if os.waitstatus_to_exitcode(status) not in accept:
                raise SystemExit(f"{' '.join(command)}: {error.decode()}")
            if taken < best.seconds:
                printed.seek(0)
                best = Figure(taken, usage.ru_maxrss / 1024, printed.read())
    return best


def generate(generator: Path, folder: Path, rows: int, *options: str) -> Path:
    """A synthetic package, written once."""
    package = folder / "-".join([str(rows), *(option.strip("-") for option in options)])
    if not package.exists():
        subprocess.run([sys.executable, str(generator), str(rows), str(package), *options], check=True)
    return package


def line(what: str, figure: Figure, versus: str = "", ratio: float | None = None) -> None:
    """Print a row of the table."""
    shown = f"{ratio:6.2f} × {versus}" if ratio is not None else ""
    print(f"{what:<46} {figure.seconds:8.2f} s {figure.megabytes:7.0f} MB  {shown}".rstrip(), flush=True)
