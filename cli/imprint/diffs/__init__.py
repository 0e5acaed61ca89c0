"""One diff, many renderings of it: for a person, a program, a pull request, a browser, a spreadsheet."""

from __future__ import annotations

from importlib import import_module

from ..changes import Changes
from ..reports.text import Paint, plain
from ..version import Verdict
from .outline import headline

__all__ = ["FORMATS", "Paint", "headline", "plain", "render"]
FORMATS = ("text", "json", "markdown", "html", "csv")


def render(changes: Changes, verdict: Verdict, form: str = "text", paint: Paint = plain) -> str:
    """A diff and what it demands in one of FORMATS; `paint` colours the text, as `click.style` does."""
    module = import_module(f".{form}", __name__)
    rendered: str = module.render(changes, verdict, paint) if form == "text" else module.render(changes, verdict)
    # Half a surrogate pair, which a descriptor may hold, can't be written; JSON reads this escape as the same.
    return rendered.encode("utf-8", "backslashreplace").decode()
