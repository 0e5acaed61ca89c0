"""The Markdown of changelogs and descriptions as HTML that can hold no markup of its own and no address but http(s)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt


def render(text: str, level: int = 1) -> str:
    """A text as HTML; markup in it is text, a picture is a link, and its headings begin at `level`."""
    parser = _parser()
    tokens = parser.parse(text)
    for token in tokens:
        if token.tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
            token.tag = f"h{min(6, int(token.tag[1]) - 1 + level)}"
    for token in tokens:
        if token.type in ("paragraph_open", "heading_open", "list_item_open"):
            token.attrSet("dir", "auto")
    return str(parser.renderer.render(tokens, parser.options, {}))


@functools.cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("js-default", {"html": False, "linkify": False, "typographer": False}).disable("image")
    parser.validateLink = _on_the_web  # type: ignore[method-assign]
    return parser


def _on_the_web(url: str) -> bool:
    return url.lower().startswith(("https://", "http://"))
