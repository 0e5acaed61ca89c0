"""The engine reads the files it was given and its own, and nothing that a package says can make it do more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from imprint.engine import Engine, EngineError, PlainFile, read_csv
from imprint.exceptions import ImprintError

FORBIDDEN = {
    "read a file": "SELECT * FROM read_csv('{secret}')",
    "read a text": "SELECT * FROM read_text('{secret}')",
    "read bytes": "SELECT * FROM read_blob('{secret}')",
    "list files": "SELECT * FROM glob('{folder}/*')",
    "read a file by its name": "SELECT * FROM '{secret}'",
    "read the network": "SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')",
    "write a file": "COPY (SELECT 1) TO '{folder}/stolen.csv'",
    "write to a file it may read": "COPY (SELECT 1) TO '{given}'",
    "export everything": "EXPORT DATABASE '{folder}/stolen'",
    "open another database": "ATTACH '{folder}/other.db'",
    "install an extension": "INSTALL httpfs",
    "load an extension": "LOAD '{folder}/evil.duckdb_extension'",
    "use an extension": "SELECT * FROM sqlite_scan('{secret}', 't')",
    "allow access again": "SET enable_external_access = true",
    "allow a directory": "SET allowed_directories = ['/']",
    "unlock the configuration": "SET lock_configuration = false",
    "change a setting": "SET memory_limit = '1TB'",
    "reset a setting": "RESET enable_external_access",
    "read the environment": "SELECT getenv('HOME')",
}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine that was given one file of two."""
    (tmp_path / "given.csv").write_text("a\n1\n", encoding="utf-8")
    (tmp_path / "secret.csv").write_text("a\n1\n", encoding="utf-8")
    with Engine([tmp_path / "given.csv"]) as opened:
        yield opened


@pytest.mark.parametrize("query", FORBIDDEN.values(), ids=FORBIDDEN)
def test_the_engine_refuses_to(query: str, engine: Engine, tmp_path: Path) -> None:
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises((EngineError, ImprintError)):
        engine.rows(query.format(folder=tmp_path, secret=tmp_path / "secret.csv", given=tmp_path / "given.csv"))
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert (tmp_path / "given.csv").read_text(encoding="utf-8") == "a\n1\n"


def test_the_engine_reads_the_file_it_was_given(engine: Engine, tmp_path: Path) -> None:
    assert engine.rows(f"SELECT * FROM {read_csv(tmp_path / 'given.csv', ['c'])}") == [("a",), ("1",)]


def test_what_the_engine_spilled_is_gone_with_it(tmp_path: Path) -> None:
    with Engine() as engine:
        folder = engine.folder
        assert folder.is_dir()
    assert not folder.exists()


CELLS = [None, "", "a", 'say "a"', "a,b", "a\nb", "a\r\nb", "\r", " ", "é🍎", "\x00", "NULL", "\\N", "'", "x" * (3 << 20)]


def test_a_plain_file_gives_back_the_cells_that_were_written(engine: Engine) -> None:
    with PlainFile(engine.new_file(".csv"), ["n", "cell"]) as file:
        for number, cell in enumerate(CELLS):
            file.write((str(number), cell))
    assert engine.rows(f"SELECT cell FROM {file.relation} ORDER BY n::INTEGER") == [(cell,) for cell in CELLS]
