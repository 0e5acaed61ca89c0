"""Texts of a package as they stand in the page: none of them can be markup, and only addresses of the web are links."""

from __future__ import annotations

import re
from html import escape
from typing import Any
from urllib.parse import urlsplit

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def named(one: dict[str, Any], words: tuple[str, ...], address: str) -> str:
    """The name under the first of these words that says something, with a link to what stands under `address`."""
    said = (one.get(word) for word in (*words, address))
    return link(next((name for name in said if isinstance(name, str) and name.strip()), None), one.get(address))


def link(name: Any, address: Any) -> str:
    """A name with a link to a page of the web; nothing else is linked to."""
    if not isinstance(name, str):
        return ""
    label = f"<bdi>{text(name)}</bdi>"
    if not isinstance(address, str) or not _on_the_web(address):
        return label
    return f'<a href="{text(address)}" rel="noreferrer">{label}</a>'


def _on_the_web(address: str) -> bool:
    try:
        found = urlsplit(address)
    except ValueError:
        return False
    return found.scheme in ("http", "https") and bool(found.netloc) and not re.search(r"[\s\x00-\x1f]", address)


def text(raw: Any) -> str:
    """A text as HTML."""
    return escape(CONTROL.sub("\ufffd", str(raw)))


def words(value: Any) -> str:
    """A text of a descriptor; "" for anything else."""
    return value if isinstance(value, str) else ""


def texts(value: Any) -> list[str]:
    """The texts in a list of a descriptor."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def listed(said: Any, word: str) -> list[dict[str, Any]]:
    """The objects in a list of a descriptor."""
    value = said.get(word)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def date(date: str) -> str:
    """A day as HTML."""
    return f'<time datetime="{text(date)}">{text(date)}</time>'


def count(number: int, noun: str) -> str:
    """A number of things in words."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def size(number: int) -> str:
    """A number of bytes for people."""
    for unit, below in (("kB", 1e6), ("MB", 1e9), ("GB", 1e12)):
        if 1000 <= number < below:
            return f"{number / below * 1000:.1f} {unit}"
    return f"{number:,} bytes" if number < 1000 else f"{number / 1e12:.1f} TB"
