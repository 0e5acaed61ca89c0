"""What a descriptor, a schema or another JSON or YAML file holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .exceptions import ImprintError

DESCRIPTOR_NAMES = ("datapackage.json", "datapackage.yaml", "datapackage.yml")
UNFOLDED_LIMIT = 10**6  # values of a YAML document with its aliases followed


def read_document(path: Path) -> Any:
    """The value that a JSON or YAML file holds. Raises ImprintError with line and column where it is broken."""
    if path.exists() and not path.is_file():  # a pipe would never end
        raise ImprintError("cannot be read (no file)", where=path, fix="name a file")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImprintError(f"is not UTF-8 (byte {error.start})", where=path, fix="save it as UTF-8") from error
    except OSError as error:
        raise ImprintError(f"cannot be read ({error.strerror})", where=path, fix="check the path") from error
    value = _parse_yaml(path, text) if path.suffix.lower() in (".yaml", ".yml") else _parse_json(path, text)
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ImprintError("holds half a surrogate pair, which is no text", where=path, fix="mend it there") from error
    except RecursionError as error:
        raise ImprintError("nests too deeply", where=path, fix="flatten it") from error
    return value


def _parse_json(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        message = f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        raise ImprintError(message, where=path, fix="mend it there") from error
    except (ValueError, RecursionError) as error:
        raise ImprintError("nests too deeply, or holds a number too long", where=path, fix="flatten it") from error


def _parse_yaml(path: Path, text: str) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """Dates stay texts, as JSON has none."""

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in listed if not tag.endswith(":timestamp")]
        for first, listed in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        value = yaml.load(text, Loader)
        _unfold(value, {})
        return json.loads(json.dumps(value))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ImprintError(f"is not YAML: {error.problem}{place}", where=path, fix="mend it there") from error
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise ImprintError("is not YAML that JSON could say too", where=path, fix="mend it") from error


def _unfold(value: Any, sizes: dict[int, int]) -> int:
    """How many values there are once aliases are followed. Raises ValueError for more than a descriptor can need."""
    if not isinstance(value, (dict, list)):
        return 1
    if id(value) not in sizes:
        sizes[id(value)] = UNFOLDED_LIMIT  # that of a value inside itself
        items = [*value, *value.values()] if isinstance(value, dict) else value
        sizes[id(value)] = sum(_unfold(item, sizes) for item in items) + 1
    if sizes[id(value)] >= UNFOLDED_LIMIT:
        raise ValueError("unfolds to too much")
    return sizes[id(value)]


def texts(value: Any) -> Iterator[str]:
    """Every text that stands anywhere in a document as a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts(item)
