"""How far a long validation is, told to who asked, a few times a second."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence

from .engine import Engine
from .package import Resource

AFTER = 1.0  # seconds before the first word
EVERY = 0.2  # seconds between words

Tell = Callable[[float], None]


@contextlib.contextmanager
def told(tell: Tell | None, engine: Engine, resources: Sequence[Resource]) -> Iterator[set[str]]:
    """While the context lasts, tell what share of the resources' bytes is read; done resources are added to the set given."""
    done: set[str] = set()
    if tell is None:
        yield done
        return
    over = threading.Event()
    sizes = {one.name: sum(file.stat().st_size for file in one.files) for one in resources}
    thread = threading.Thread(target=_tell, args=(tell, engine, sizes, done, over), daemon=True)
    thread.start()
    try:
        yield done
    finally:
        over.set()
        thread.join()


def _tell(tell: Tell, engine: Engine, sizes: dict[str, int], done: set[str], over: threading.Event) -> None:
    share, pause = 0.0, AFTER
    while not over.wait(pause):
        read = sum(size * (1.0 if name in done else engine.progress(name)) for name, size in sizes.items())
        share, pause = max(share, read / max(sum(sizes.values()), 1)), EVERY
        tell(min(share, 1.0))
