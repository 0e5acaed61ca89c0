"""A package as one SQLite file: tables with keys, foreign keys and nulls as the schemas say, and the package's views."""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import formats, sql
from ..engine import Engine
from ..exceptions import ImprintError
from ..package import Package, Schema
from ..scan import Checked
from .columns import TEXT, Column, query

TYPES = {"BIGINT": "INTEGER", "DOUBLE": "NUMERIC", "BOOLEAN": "INTEGER"}  # by the engine's type, which holds each value
NUMBERS = frozenset({"integer", "number", "year"})
WRITER = "SQLite"
VERSION_AT = 96  # offset of the writing library's version in the file's header, which readers ignore
VERSION = (3040000).to_bytes(4, "big")
ALLOWED = {
    sqlite3.SQLITE_CREATE_VIEW, sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE,
}  # fmt: skip
LISTING = {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE}  # what a view is put into SQLite's own list with
OF_THE_DISK = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}


def write(
    engine: Engine, package: Package, checked: Mapping[str, Checked], columns: Mapping[str, Sequence[Column]], path: Path
) -> tuple[str, ...]:
    """Write every table and the views of the descriptor's `sqlViews` (a file with CREATE VIEW statements).

    The bytes depend on the content alone. Lists and objects are JSON texts. A table that SQLite doesn't take, such as one whose
    name differs from another's by case alone, is left out, and a note on it given back. Raises ImprintError where the views
    can't be used; they may create views and nothing else.
    """
    notes = []
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA page_size = 4096")
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("BEGIN")
        for name, one in checked.items():
            if not one.columns:
                continue
            holds = not any(one.findings.counts.values())  # a package may declare that what is wrong is a warning
            try:
                connection.execute(_create(name, one.table.schema, columns[name], strict=holds))
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_ERROR:
                    raise
                notes.append(f'the SQLite file leaves out "{name}": {error}')
            else:
                _insert(connection, engine, name, one, columns[name])
        views = package.descriptor.get("sqlViews")
        if isinstance(views, str):
            _create_views(connection, package.base / views, views)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        fix = "free some disk" if _code(error) in OF_THE_DISK else "name the other formats with --formats"
        raise ImprintError(f"cannot be written ({error})", where=path.name, fix=fix) from error
    finally:
        connection.close()
    if path.stat().st_size:  # without a table or a view, SQLite has written nothing
        with path.open("r+b") as file:
            file.seek(VERSION_AT)
            file.write(VERSION)
    return tuple(notes)


def _code(error: sqlite3.Error) -> int:
    """What kind of error it is to SQLite."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _create(name: str, schema: Schema, columns: Sequence[Column], *, strict: bool) -> str:
    parts, present, fields = [], [column.name for column in columns], {field.name: field for field in schema.fields}
    for column in columns:
        null = " NOT NULL" if strict and (fields[column.name].required or column.name in schema.primary_key) else ""
        parts.append(f"{sql.identifier(column.name)} {TYPES.get(column.kind, 'TEXT')}{null}")
    if strict and schema.primary_key and set(schema.primary_key) <= set(present):
        parts.append(f"PRIMARY KEY ({_listed(schema.primary_key)})")
    for key in schema.foreign_keys:
        if set(key.fields) <= set(present):
            target = sql.identifier(key.reference or name)
            parts.append(f"FOREIGN KEY ({_listed(key.fields)}) REFERENCES {target} ({_listed(key.reference_fields)})")
    return f"CREATE TABLE {sql.identifier(name)} (\n  " + ",\n  ".join(parts) + "\n)"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(map(sql.identifier, names))


def _insert(connection: sqlite3.Connection, engine: Engine, name: str, one: Checked, columns: Sequence[Column]) -> None:
    marks = ", ".join("?" for _ in columns)
    connection.executemany(f"INSERT INTO {sql.identifier(name)} VALUES ({marks})", _rows(engine, one, columns))


def _rows(engine: Engine, one: Checked, columns: Sequence[Column]) -> Iterator[tuple[Any, ...]]:
    """The rows as SQLite holds them: numbers and booleans as numbers where the engine has them, lists and objects as JSON."""
    readers = [_reader(one, column) for column in columns]
    selected = (_selected(one, column, reader) for column, reader in zip(columns, readers, strict=True))
    found = engine.stream(query(one, columns, ", ".join(selected)))
    if not any(readers):
        yield from found
        return
    for row in found:
        yield tuple(cell if cell is None or read is None else read(cell) for read, cell in zip(readers, row, strict=True))


def _selected(one: Checked, column: Column, reader: Callable[[Any], Any] | None) -> str:
    """SQL for what SQLite, or the reader, is given of a column."""
    if column.kind in TYPES:
        return f"{column.value}::INTEGER" if column.kind == "BOOLEAN" else column.value
    if column.kind.endswith("[]") and reader is None:
        return f"nullif({column.json}, 'null')"
    return column.value if column.kind == TEXT and reader is None else one.columns[column.name]


def _reader(one: Checked, column: Column) -> Callable[[Any], Any] | None:
    """What makes of a number or a canonical text what SQLite is given, if that is another value."""
    if column.kind == "DOUBLE" and not column.json:
        return lambda number: "NaN" if math.isnan(number) else number  # SQLite would take it for a null
    field = one.table.schema.field(column.name)
    if column.kind in TYPES or column.json or field is None or field.type in NUMBERS:
        return None
    read = formats.reader(field)
    return lambda text: formats.as_json(read(text))


# Views


def _create_views(connection: sqlite3.Connection, path: Path, name: str) -> None:
    asked: list[int] = []

    def allow(action: int, what: str | None, *_: object) -> int:
        asked.append(action)
        allowed = action in ALLOWED or (action in LISTING and what == "sqlite_master")
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY

    try:
        statements = list(_statements(path.read_text(encoding="utf-8")))
        connection.set_authorizer(allow)
        for statement in statements:
            before = _views(connection)
            asked.clear()
            if not _run(connection, statement) or (asked and _views(connection) == before):
                what = f'holds "{" ".join(statement.split())[:30]}…"'
                raise ImprintError(what, where=name, fix="only CREATE VIEW statements are allowed")
            for view in _views(connection) - before:
                connection.execute(f"SELECT * FROM {sql.identifier(view)} LIMIT 0")
    except (sqlite3.Error, ValueError) as error:
        raise ImprintError(f"can't be used: {error}", where=name, fix="try it with sqlite3") from error
    finally:
        connection.set_authorizer(None)


def _statements(text: str) -> Iterator[str]:
    """The statements of an SQL text; a last one needs no semicolon."""
    start = 0
    for found in re.finditer(";", text):
        if sqlite3.complete_statement(text[start : found.end()]):
            yield text[start : found.end()]
            start = found.end()
    yield text[start:]


def _views(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'view'")}


def _run(connection: sqlite3.Connection, statement: str) -> bool:
    """Run a statement; False if it isn't allowed."""
    try:
        connection.execute(statement)
    except sqlite3.DatabaseError as error:
        if _code(error) != sqlite3.SQLITE_AUTH:
            raise
        return False
    return True
