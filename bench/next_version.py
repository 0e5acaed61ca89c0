"""Write the next version of a generated package: `python next_version.py OLD NEW [--all]`.

What the generator's --next does, but with memory that doesn't grow with the rows: 0.5 % of the events removed, 1 % changed in
one cell, 0.5 % added; with --all, every one changed in one cell. The rows come shuffled. Prints the counts as JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

BUCKETS = 64  # files that the rows are dealt to; each is shuffled in memory


def main() -> None:
    """Write the package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    options.new.mkdir(parents=True)
    for name in ("datapackage.json", "actors.csv"):
        shutil.copy(options.old / name, options.new)
    chance = random.Random(2)
    counts = Counter(added=0, removed=0, changed=0)
    # The generator writes a row to a line, without a comma or a quote before the note, which comes last.
    with (options.old / "events.csv").open("rb") as old, (options.new / "events.csv").open("wb") as new:
        new.write(old.readline())
        rows = all_changed(old, counts) if options.all else some_changed(old, counts, chance)
        new.writelines(shuffled(rows, chance, options.new))
    print(json.dumps(counts))


def all_changed(rows: Iterable[bytes], counts: Counter[str]) -> Iterator[bytes]:
    """Every row with another latitude."""
    for row in rows:
        cells = row.split(b",", 5)
        counts["changed"] += 1
        yield b",".join([*cells[:4], b"%.4f" % (float(cells[4]) + 1), cells[5]])


def some_changed(rows: Iterable[bytes], counts: Counter[str], chance: random.Random) -> Iterator[bytes]:
    """The shares that the generator has."""
    for number, row in enumerate(rows):
        drawn = chance.random()
        if drawn < 0.005:
            counts["removed"] += 1
            continue
        if drawn < 0.015:
            cells = row.split(b",", 7)
            counts["changed"] += 1
            yield b",".join([*cells[:6], b"%d" % (int(cells[6] or 0) + 1), cells[7]])
        else:
            yield row
        if drawn > 0.995:
            counts["added"] += 1
            yield b"evt-%09d," % (900_000_000 + number) + row.split(b",", 1)[1]


def shuffled(rows: Iterable[bytes], chance: random.Random, folder: Path) -> Iterator[bytes]:
    """The rows in an order by chance: dealt to files by chance, and each of these shuffled."""
    with contextlib.ExitStack() as stack:
        buckets = [stack.enter_context(tempfile.TemporaryFile(dir=folder)) for _ in range(BUCKETS)]
        for row in rows:
            buckets[chance.randrange(BUCKETS)].write(row)
        for bucket in buckets:
            bucket.seek(0)
            dealt = bucket.readlines()
            chance.shuffle(dealt)
            yield from dealt
            bucket.truncate(0)


if __name__ == "__main__":
    main()
