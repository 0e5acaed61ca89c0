"""The engine: DuckDB in this process, locked to the files it is given. Nothing else knows which engine runs."""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import re
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import duckdb

from . import sql
from .exceptions import ImprintError, UsageFault

EngineError = duckdb.Error
T = TypeVar("T")
LINE = 2 << 20  # bytes of a line that the engine expects
BUFFER = 4 << 20  # bytes of a file that a thread reads at a time
SPECIAL = re.compile(r"[\[*?]")
BATCH = 10_000  # rows fetched at a time where there may be many


class Engine:
    """A connection that reads only the files and the temporary directory it was given.

    External access and configuration are locked before the first query, so that nothing that a package says (a rule, a
    field name) can make the engine read, write, attach, install or change a setting.
    """

    def __init__(self, files: Sequence[Path] = (), *, memory: str | None = None, writable: Path | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="imprint-")
        self.folder = Path(self._folder.name)
        listed = [name for file in files for name in (str(file), _pattern(file))]
        allowed = [str(self.folder), *([str(writable)] if writable else [])]
        config: dict[str, Any] = {
            "temp_directory": str(self.folder / "spill"),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        if memory:
            config["memory_limit"] = memory
        self._numbers = itertools.count(1)
        self._threads = ThreadPoolExecutor()
        self._cursors = threading.local()
        self._watched: dict[str, duckdb.DuckDBPyConnection] = {}
        self._ready: queue.SimpleQueue[duckdb.DuckDBPyConnection] = queue.SimpleQueue()
        try:
            self._connection = duckdb.connect(":memory:", config=config)
            self._connection.execute("ATTACH ':memory:' AS compressed (COMPRESS)")
            self._connection.execute(f"SET allowed_directories = {_listed(allowed)}")
            self._connection.execute(f"SET allowed_paths = {_listed(listed)}")
            self._connection.execute("SET enable_external_access = false")
            for _ in range(os.cpu_count() or 1):
                self._ready.put(_measured(self._connection.cursor()))
            self._connection.execute("SET lock_configuration = true")
        except duckdb.Error as error:
            self._folder.cleanup()
            if isinstance(error, (duckdb.ParserException, duckdb.InvalidInputException)):
                raise UsageFault(f'memory "{memory}" is no size', fix="write it with its unit, as in 2GB") from error
            raise ImprintError(_first_line(error), fix="check --memory") from error

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._threads.shutdown()
        self._connection.close()
        self._folder.cleanup()

    @property
    def _cursor(self) -> duckdb.DuckDBPyConnection:
        """This thread's own connection to the same tables."""
        if not hasattr(self._cursors, "own"):
            try:
                self._cursors.own = self._ready.get_nowait()
            except queue.Empty:
                self._cursors.own = self._connection.cursor()
        own: duckdb.DuckDBPyConnection = self._cursors.own
        return own

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """All rows of a query. Threads may ask at the same time."""
        with _told():
            return self._cursor.execute(query).fetchall()

    def stream(self, query: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, a batch at a time."""
        cursor = self._connection.cursor()
        with _told():
            cursor.execute(query)
        while batch := self._fetched(cursor):
            yield from batch

    @staticmethod
    def _fetched(cursor: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
        with _told():
            return cursor.fetchmany(BATCH)

    def one(self, query: str) -> tuple[Any, ...]:
        """The only row of a query."""
        return self.rows(query)[0]

    def keep(self, query: str, *, compressed: bool = False) -> str:
        """Store a query's rows in their order; the name of the table (it spills to disk where memory ends)."""
        name = f"{'compressed.' if compressed else ''}kept_{next(self._numbers)}"
        self.rows(f"CREATE TABLE {name} AS {query}")
        return name

    def write(self, query: str, path: Path, form: str) -> None:
        """Write a query's rows to a file in a directory that is `writable`; `form` is COPY's format with its options."""
        self.rows(f"COPY ({query}) TO {sql.literal(str(path))} (FORMAT {form})")

    def watch(self, what: str) -> None:
        """From now on this thread's queries are about `what`."""
        self._watched[what] = self._cursor

    def progress(self, what: str) -> float:
        """The share of a running query that is done, from 0 to 1."""
        cursor = self._watched.get(what)
        return max(cursor.query_progress(), 0.0) / 100 if cursor is not None else 0.0

    def background(self, call: Callable[[], T]) -> Callable[[], T]:
        """Start a call in a thread of its own; what waits for its result."""
        return self._threads.submit(call).result

    def new_file(self, suffix: str) -> Path:
        """The path of a new file that the engine may read."""
        return self.folder / f"file_{next(self._numbers)}{suffix}"


class PlainFile:
    """A CSV file that we write and the engine reads back as it was written: a null is a null, "" the empty string."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path = path
        self.columns = columns
        self._longest = 0

    def __enter__(self) -> PlainFile:
        self._file = self.path.open("w", encoding="utf-8", newline="", errors="backslashreplace")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def write(self, cells: Iterable[str | None]) -> None:
        """Add a row."""
        line = ",".join("" if cell is None else '"' + cell.replace('"', '""') + '"' for cell in cells)
        self._longest = max(self._longest, (len(line) if line.isascii() else 4 * len(line)) + 2)  # and the line's end
        self._file.write(line + "\n")

    @property
    def relation(self) -> str:
        """SQL for the rows."""
        return read_csv(self.path, self.columns, nulls=True, longest=self._longest)


def read_csv(
    path: Path, columns: Sequence[str], *, delimiter: str = ",", quote: str = '"', skip: int = 0, nulls: bool = False,
    crlf: bool = False, longest: int = 0,
) -> str:  # fmt: skip
    """SQL for a file's cells as text: nothing is guessed, trimmed, padded or skipped, a row that doesn't fit is an error.

    An unquoted empty cell is null if `nulls` is set, the empty string otherwise. Lines end with LF or, if `crlf` is set, as the
    first one does, which the engine finds itself (told of CRLF, it reads nothing). `longest` is the size of a line in bytes,
    where one is longer than the engine expects.
    """
    names = ", ".join(f"{sql.literal(column)}: 'VARCHAR'" for column in columns)
    forced = "" if nulls else f", force_not_null = [{', '.join(sql.literal(column) for column in columns)}]"
    ends = "" if crlf else ", new_line = '\\n'"
    return (
        f"read_csv({named(path)}, auto_detect = false, compression = 'none', header = false, skip = {skip}, "
        f"columns = {{{names}}}, "
        f"delim = {sql.literal(delimiter)}, quote = {sql.literal(quote)}, escape = {sql.literal(quote)}, comment = '', "
        f"strict_mode = true, null_padding = false, max_line_size = {max(longest, LINE)}, "
        f"buffer_size = {max(2 * longest, BUFFER)}, allow_quoted_nulls = false{forced}{ends})"
    )


def named(path: Path) -> str:
    """SQL for the name of a file that is to be read."""
    return sql.literal(_pattern(path))


def _pattern(path: Path) -> str:
    """What only a file's name matches: the engine takes each name for a pattern, `t[1].csv` for `t1.csv`."""
    return SPECIAL.sub(r"[\g<0>]", str(path))


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Turns the engine's lack of memory, or a disk that fails, into an operator's fault."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise ImprintError(_first_line(error), fix="give it more with --memory, such as 2GB, or free some disk") from error
    except duckdb.IOException as error:
        raise ImprintError(_first_line(error), fix="look whether the disk is full, or the file is gone") from error


def _measured(cursor: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A connection that knows how far its query is; this can't be asked for once the configuration is locked."""
    cursor.execute("SET enable_progress_bar = true")
    cursor.execute("SET enable_progress_bar_print = false")
    cursor.execute("SET progress_bar_time = 500")
    return cursor


def _listed(paths: Iterable[str]) -> str:
    return f"[{', '.join(sql.literal(path) for path in paths)}]"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
