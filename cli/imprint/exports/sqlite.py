"""A package as one SQLite file: tables with keys, foreign keys and nulls as the schemas say, and the package's views."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import formats, sql
from ..engine import Engine
from ..exceptions import ImprintError
from ..package import Package, Schema
from ..scan import Checked
from .columns import Column, rows

TYPES = {"integer": "INTEGER", "year": "INTEGER", "number": "NUMERIC", "boolean": "INTEGER"}
DIRECT = frozenset({"BIGINT", "DOUBLE", "BOOLEAN"})  # what SQLite holds as the engine gives it
WRITER = "SQLite"
VERSION_AT = 96  # offset of the writing library's version in the file's header, which readers ignore
VERSION = (3040000).to_bytes(4, "big")
ALLOWED = {
    sqlite3.SQLITE_CREATE_VIEW, sqlite3.SQLITE_INSERT, sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_TRANSACTION,
}  # fmt: skip


def write(
    engine: Engine, package: Package, checked: Mapping[str, Checked], columns: Mapping[str, Sequence[Column]], path: Path
) -> None:
    """Write every table and the views of the descriptor's `sqlViews` (a file with CREATE VIEW statements).

    The bytes depend on the content alone. Lists and objects are JSON texts. Raises ImprintError where the views can't be
    used; they may create views and nothing else.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA page_size = 4096")
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("BEGIN")
        for name, one in checked.items():
            if not one.columns:
                continue
            holds = not any(one.findings.counts.values())  # a package may declare that what is wrong is a warning
            connection.execute(_create(name, one.table.schema, list(one.columns), strict=holds))
            _insert(connection, engine, name, one, columns[name])
        views = package.descriptor.get("sqlViews")
        if isinstance(views, str):
            _create_views(connection, package.base / views)
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        raise ImprintError(f"cannot be written ({error})", where=path, fix="free some disk") from error
    finally:
        connection.close()
    with path.open("r+b") as file:
        file.seek(VERSION_AT)
        file.write(VERSION)


def _create(name: str, schema: Schema, present: list[str], *, strict: bool) -> str:
    parts = []
    for field in schema.fields:
        if field.name in present:
            null = " NOT NULL" if strict and (field.required or field.name in schema.primary_key) else ""
            parts.append(f"{sql.identifier(field.name)} {TYPES.get(field.type, 'TEXT')}{null}")
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
    texts = one.columns
    if all(column.kind in DIRECT or column.json for column in columns):
        values = (
            _direct(column) if column.kind in DIRECT
            else f"nullif({column.json}, 'null')" if column.kind.endswith("[]")
            else texts[column.name]
            for column in columns
        )  # fmt: skip
        yield from engine.stream(f"SELECT {', '.join(values)} FROM {rows(one)}")
        return
    for row in formats.values(engine, one):
        yield tuple(_value(row[column.name]) for column in columns)


def _direct(column: Column) -> str:
    return f"{column.value}::INTEGER" if column.kind == "BOOLEAN" else column.value


def _value(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value


def _create_views(connection: sqlite3.Connection, path: Path) -> None:
    connection.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in ALLOWED else sqlite3.SQLITE_DENY)
    statements = [part for part in path.read_text(encoding="utf-8").split(";\n") if part.strip()]
    try:
        for statement in statements:
            code = "\n".join(line for line in statement.splitlines() if not line.startswith("--")).strip()
            if not code.upper().startswith("CREATE VIEW"):
                raise ImprintError(f'holds "{code[:30]}…"', where=path, fix="only CREATE VIEW statements are allowed")
            connection.execute(code)
            name = code.split()[2]
            connection.execute(f"SELECT * FROM {name} LIMIT 0")
    except sqlite3.Error as error:
        raise ImprintError(f"can't be used: {error}", where=path, fix="try it with sqlite3") from error
    finally:
        connection.set_authorizer(None)
