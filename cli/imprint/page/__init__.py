"""`index.html` of a store: versions, downloads, changes and the tables of the latest release, for people.

One file that loads nothing and sends nothing, works from a disk as from a server, and shows all but the tables without a
script. It is made of what is in the store alone, so that the same store gives the same page.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .. import archive
from .content import Picture, Release, Sample, Store, read_picture, read_store
from .html import render

NAME = "index.html"

__all__ = ["NAME", "Picture", "Release", "Sample", "Store", "read_picture", "read_store", "render", "write"]


def write(out: Path, pictures: Sequence[Path] = ()) -> None:
    """Write `<out>/index.html` from the store in `out`, with these picture files (SVG, PNG, JPEG, GIF, WebP or AVIF) in it.

    Raises UsageFault for a file that is no such picture, DataFault where the store can't be used, ImprintError where the
    environment fails; the page that was there stays then.
    """
    archive.replace_text(out / NAME, render(read_store(out, pictures)))
