"""A package as one SQLite file: tables with keys, foreign keys and nulls as the schemas say, and the package's views."""

from __future__ import annotations

import contextlib
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
from ..scan import Checked, unique_keys
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

    The bytes depend on the content alone. Lists and objects are JSON texts. A table that SQLite doesn't take, such as one with
    two fields whose names differ by case alone, is left out, and a note on it given back. Raises ImprintError where the
    views can't be used; they may create views and nothing else.
    """
    notes: list[str] = []
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA page_size = 4096")
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("BEGIN")
        keys = {name: _keys(one, columns[name]) for name, one in checked.items() if one.columns}
        for name, reason in _unfit({name: _create(name, checked[name], columns[name], keys[name]) for name in keys}):
            notes.append(f'the SQLite file leaves out "{name}": {reason}')
            del keys[name]
        for name, own in keys.items():
            references, lost = _references(name, checked[name].table.schema, columns[name], keys)
            notes += [f'the SQLite file leaves out the foreign key of "{name}" to {key}' for key in lost]
            connection.execute(_create(name, checked[name], columns[name], own, references))
            _insert(connection, engine, name, checked[name], columns[name])
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


def _holds(one: Checked) -> bool:
    """Whether nothing is wrong with a table; a package may declare that what is wrong is a warning."""
    return not any(one.findings.counts.values())


def _keys(one: Checked, columns: Sequence[Column]) -> list[tuple[str, ...]]:
    """The keys that the table's rows surely hold, the primary one first."""
    present = {column.name for column in columns}
    listed = [one.table.schema.primary_key, *(names for _, names in unique_keys(one.table.schema))]
    return [names for names in dict.fromkeys(listed) if names and present.issuperset(names)] if _holds(one) else []


def _create(
    name: str, one: Checked, columns: Sequence[Column], keys: Sequence[tuple[str, ...]], references: Sequence[str] = ()
) -> str:  # fmt: skip
    schema, parts = one.table.schema, []
    fields = {field.name: field for field in schema.fields}
    for column in columns:
        required = fields[column.name].required or column.name in schema.primary_key
        null = " NOT NULL" if required and _holds(one) else ""
        parts.append(f"{sql.identifier(column.name)} {TYPES.get(column.kind, 'TEXT')}{null}")
    parts += [f"{'PRIMARY KEY' if key == schema.primary_key else 'UNIQUE'} ({_listed(key)})" for key in keys]
    return f"CREATE TABLE {sql.identifier(name)} (\n  " + ",\n  ".join([*parts, *references]) + "\n)"


def _unfit(statements: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The tables that SQLite doesn't take, and why."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        for name, statement in statements.items():
            try:
                connection.execute(statement)
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_ERROR:
                    raise
                yield name, str(error)


def _references(
    name: str, schema: Schema, columns: Sequence[Column], keys: Mapping[str, Sequence[tuple[str, ...]]]
) -> tuple[list[str], list[str]]:  # fmt: skip
    """The foreign keys of a table as SQL, and those that SQLite can't hold: it refuses every change where they are declared."""
    made, lost = [], []
    present = {column.name for column in columns}
    for key in schema.foreign_keys:
        target, fields = key.reference or name, key.reference_fields
        if not present.issuperset(key.fields):
            continue
        if any(set(one) == set(fields) for one in keys.get(target, ())):
            made.append(f"FOREIGN KEY ({_listed(key.fields)}) REFERENCES {sql.identifier(target)} ({_listed(fields)})")
        else:
            lost.append(f'{", ".join(fields)} of "{target}": no key of it has just that')
    return made, lost


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
