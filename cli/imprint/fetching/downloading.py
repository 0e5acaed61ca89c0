"""Files of a store, downloaded: resumed, tried again, a few at once, and never longer than they may be."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, Any

from ..exceptions import DataFault, ImprintError
from .opening import Interrupted, Open

PROGRESS = 1 << 20  # bytes that make a try no failed one
PAUSE = 1.0  # seconds before the second try, twice as many before each that follows
LONGEST = 60.0  # seconds, even if a server asks for more
AT_ONCE = 4  # downloads
GRACE = 1.0  # seconds for downloads that are stopped


@dataclass(frozen=True)
class Patience:
    """How long is waited for a server: `stall` seconds for a byte, and `tries` that fail one after the other."""

    stall: float = 30
    tries: int = 5


def fetch(
    opened: Open, name: str, file: IO[bytes], *, size: int | None, limit: int, where: str, patience: Patience,
    told: Callable[[int], None] = lambda _: None, over: threading.Event | None = None,
) -> None:  # fmt: skip
    """Append to `file` what it lacks of the file `name`: `size` bytes in all, or no more than `limit` where that is unknown.

    `told` hears how many bytes came (fewer than none where it starts again); `over` stops it. Raises Missing where there is no
    such file, DataFault where it has another size, ImprintError where it can't be had.
    """
    failed, etag, over = 0, "", over or threading.Event()
    farthest = file.tell()
    while True:
        start = file.tell()
        try:
            with opened(name, start, etag) as answer:
                etag = answer.etag
                if answer.start != start:
                    told(-start)
                    file.seek(0)
                    file.truncate()
                if answer.start < 0:
                    raise Interrupted("the server gives other bytes than were asked for")
                expected = answer.total if size is None else size
                if answer.total is not None and (answer.total > limit if size is None else answer.total != size):
                    raise _another_size(f"{answer.total:,} bytes", size, limit, name, where)
                for block in answer.blocks:
                    if over.is_set():
                        raise ImprintError("was stopped", where=where)
                    if file.tell() + len(block) > (limit if size is None else size):
                        raise _another_size("more", size, limit, name, where)
                    file.write(block)
                    told(len(block))
            if expected is not None and file.tell() < expected:
                raise Interrupted(f"it ends after {file.tell():,} of {expected:,} bytes")
            return
        except Interrupted as error:
            failed = 1 if file.tell() - farthest >= PROGRESS else failed + 1  # what starts again and again gets nowhere
            farthest = max(farthest, file.tell())
            if failed >= patience.tries or error.wait > LONGEST:
                fix = "run it again: it goes on where it stopped" if file.tell() else "check the address, or try again later"
                raise ImprintError(f"{name} cannot be downloaded ({error.reason})", where=where, fix=fix) from error
            pause = PAUSE * 2 ** (failed - 1) * random.uniform(0.5, 1)  # so that not all come back at once
            over.wait(max(error.wait, min(pause, LONGEST)))


def _another_size(has: str, size: int | None, limit: int, name: str, where: str) -> ImprintError:
    if size is None:
        return DataFault(
            f"{name} has more than the {limit:,} bytes that it may have", where=where, fix="don't trust this store"
        )
    return DataFault(f"{name} has {has} there, not {size:,} bytes", where=where, fix="ask its publisher")


def each(jobs: Sequence[Any], work: Callable[[Any, threading.Event], None]) -> None:
    """Do the work for each job, a few at once; the first that fails stops all.

    What is stopped has a moment to end, as its caller may remove what it writes to; one that hears nothing from a server
    doesn't hold up the end of the process.
    """
    from queue import SimpleQueue

    over, left = threading.Event(), iter(jobs)
    lock, ended = threading.Lock(), SimpleQueue[BaseException | None]()

    def run() -> None:
        try:
            while not over.is_set():
                with lock:
                    job = next(left, None)
                if job is None:
                    break
                work(job, over)
            ended.put(None)
        except BaseException as error:  # noqa: BLE001 - the caller's thread raises it
            ended.put(error)

    threads = [threading.Thread(target=run, daemon=True) for _ in range(min(AT_ONCE, len(jobs)))]
    try:
        for thread in threads:
            thread.start()
        for _ in threads:
            if error := ended.get():
                raise error
    finally:
        over.set()
        until = time.monotonic() + GRACE
        for thread in threads:
            if thread.is_alive():
                thread.join(max(until - time.monotonic(), 0))
