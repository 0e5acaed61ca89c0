"""`make bench`: how long imprint takes, as a ratio to a peer or a bare read in the same run.

Every figure is a whole process, the best of `--runs`. Packages are written by the generator that the figures of other
tools were measured on (`GENERATOR`, or ../shared/bench/make_package.py).
"""

from __future__ import annotations

import argparse
import functools
import os
import tempfile
from pathlib import Path

import diff
import release
import validate
from measuring import generate

SUBJECTS = {"validate": validate.run, "diff": diff.run, "release": release.run}


def main() -> None:
    """Run the subjects that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=SUBJECTS, help="one subject")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument(
        "--many", type=int, default=20_000_000, help="rows of the package that shows memory and scale; 0 for none"
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--no-peer", dest="peer", action="store_false", help="leave the peers out of the large runs")
    options = parser.parse_args()
    generator = Path(os.environ.get("GENERATOR", "../shared/bench/make_package.py"))
    if not generator.is_file():
        raise SystemExit(f"{generator}: the package generator is not there; set GENERATOR to its path")
    with tempfile.TemporaryDirectory() as name:
        make = functools.partial(generate, generator, Path(name))
        for subject in [options.only] if options.only else SUBJECTS:
            SUBJECTS[subject](options, make, Path(name))


if __name__ == "__main__":
    main()
