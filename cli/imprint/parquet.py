"""Parquet files to rows of Python values: the engine reads them, so that no further package is needed."""

from __future__ import annotations

import base64
import datetime
import itertools
import uuid
from collections.abc import Iterator
from typing import Any

from . import sql
from .engine import Engine, EngineError, named
from .exceptions import Unreadable
from .package import Resource

ZONED = "TIMESTAMP WITH TIME ZONE"
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def rows(resource: Resource) -> Iterator[list[Any]]:
    """The rows of a resource's files, the columns' names first. Raises Unreadable where they can't be read."""
    with Engine(resource.files) as engine:
        try:
            columns = engine.rows(f"DESCRIBE SELECT * FROM {_relation(resource)}")
            names, kinds = [name for name, *_ in columns], [kind for _, kind, *_ in columns]
            _refuse_other_columns(engine, resource, names)
            if resource.dialect.header:
                yield names
            selected = ", ".join(_selected(name, kind) for name, kind in zip(names, kinds, strict=True))
            for row in engine.stream(f"SELECT {selected} FROM {_relation(resource)}"):
                yield [_value(cell, kind) for cell, kind in zip(row, kinds, strict=True)]
        except EngineError as error:
            reason = str(error).splitlines()[0]
            for file, path in zip(resource.files, resource.paths, strict=False):
                reason = reason.replace(str(file), path)
            raise Unreadable("source-error", f"is not Parquet that can be read: {reason}", where=resource.place) from error


def _relation(resource: Resource) -> str:
    return f"read_parquet([{', '.join(map(named, resource.files))}])"


def _refuse_other_columns(engine: Engine, resource: Resource, names: list[str]) -> None:
    """Raise Unreadable where a further file hasn't the columns of the first: the engine would leave out what only it has."""
    for file, path in itertools.islice(zip(resource.files, resource.paths, strict=False), 1, None):
        own = [name for name, *_ in engine.rows(f"DESCRIBE SELECT * FROM read_parquet({named(file)})")]
        if set(own) != set(names):
            note = (
                f"{path} has the columns {', '.join(own)}, and {resource.paths[0]} has {', '.join(names)}; give each the same"
            )
            raise Unreadable("source-error", note, where=resource.place)


def _selected(name: str, kind: str) -> str:
    """A moment with a zone as microseconds: the engine has no Python value for it without a further package."""
    column = sql.identifier(name)
    if kind == f"{ZONED}[]":
        return f"list_transform({column}, lambda moment: epoch_us(moment))"
    return f"epoch_us({column})" if kind == ZONED else column


def _value(cell: Any, kind: str) -> Any:
    if cell is None:
        return None
    if kind.endswith("[]") and isinstance(cell, list):
        return [_value(item, kind.removesuffix("[]")) for item in cell]
    if kind == ZONED:
        return EPOCH + datetime.timedelta(microseconds=cell)
    if isinstance(cell, bytes):
        return base64.b64encode(cell).decode()
    return str(cell) if isinstance(cell, uuid.UUID) else cell
