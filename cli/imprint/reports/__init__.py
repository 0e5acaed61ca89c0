"""One validation Report, many renderings of it: for a person, a program, and what shows results of CI."""

from __future__ import annotations

import json
from importlib import import_module

from ..report import Report
from .outline import headline
from .text import Paint, plain

__all__ = ["FORMATS", "Paint", "headline", "plain", "render"]
FORMATS = ("text", "json", "github", "junit", "sarif", "markdown", "html")


def render(report: Report, form: str = "text", paint: Paint = plain) -> str:
    """A report in one of FORMATS; `paint` colours the text, as `click.style` does."""
    if form == "json":
        rendered = json.dumps(report.to_dict(), indent=2, ensure_ascii=False)
    else:
        module = import_module(f".{form}", __name__)
        rendered = module.render(report, paint) if form == "text" else module.render(report)
    # Half a surrogate pair, which a descriptor may hold, can't be written; JSON reads this escape as the same.
    return rendered.encode("utf-8", "backslashreplace").decode()
