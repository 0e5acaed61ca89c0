"""The record's three questions have the same answers in pandas, R and SQL, asked of a release."""

import csv
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import imprint

ROOT = Path(__file__).parent.parent
QUESTIONS = ROOT / "docs" / "questions"


@pytest.fixture(scope="module")
def release(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("record")
    for name in ("data", "schemas"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "datapackage.json", folder)
    line = [sys.executable, "-m", "imprint.commands", "release", str(folder), "--out", str(folder / "dist")]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(path for path in (folder / "dist").iterdir() if path.is_dir())


def answers(text: str) -> list[list[list[str]]]:
    """Tables divided by blank lines, each a header and rows."""
    parts = [part for part in text.replace("\r\n", "\n").split("\n\n") if part.strip()]
    return [list(csv.reader(part.strip("\n").split("\n"), delimiter="\t")) for part in parts]


@pytest.fixture(scope="module")
def in_pandas(release) -> list[list[list[str]]]:
    line = [sys.executable, str(QUESTIONS / "questions.py"), str(release)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return answers(done.stdout)


def test_pandas_answers_with_rows(in_pandas):
    assert len(in_pandas) == 3
    assert all(len(table) > 1 for table in in_pandas)


def test_figures_stay_ranges_and_words(in_pandas):
    figures = {tuple(row[4:]) for row in in_pandas[2][1:]}
    assert ("30", "", "55", "between 30 and 55") in figures
    assert ("", "", "", "dozens") in figures


def test_r_gives_the_same_answers(release, in_pandas):
    if shutil.which("Rscript") is None:
        pytest.skip("R is missing: apt-get install r-base-core r-cran-readr r-cran-jsonlite r-cran-dplyr")
    line = ["Rscript", str(QUESTIONS / "questions.R"), str(release)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if "there is no package called" in done.stderr:
        pytest.skip("R packages are missing: apt-get install r-cran-readr r-cran-jsonlite r-cran-dplyr")
    assert done.returncode == 0, done.stderr
    assert answers(done.stdout) == in_pandas


def test_sql_gives_the_same_answers(release, in_pandas):
    (path,) = release.glob("*.sqlite")
    statements = [part for part in (QUESTIONS / "questions.sql").read_text(encoding="utf-8").split(";\n") if "SELECT" in part]
    connection = sqlite3.connect(path)
    found = []
    for statement in statements:
        cursor = connection.execute(statement)
        rows = [["" if value is None else str(value) for value in row] for row in cursor.fetchall()]
        found.append([[column[0] for column in cursor.description], *rows])
    connection.close()
    assert found == in_pandas


def test_sqlite_holds_its_own_keys(release):
    (path,) = release.glob("*.sqlite")
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


def test_load_gives_typed_frames(release):
    frames = imprint.load(release)
    claims, events, actors = frames["claims"], frames["events"], frames["actors"]
    assert str(claims["start"].dtype) == "Int64"
    assert str(claims["speech_act"].dtype) == "category"
    assert str(events["date_min"].dtype).startswith("datetime64")
    assert str(actors["living_person"].dtype) == "boolean"
    assert isinstance(actors["aliases"].dropna().iloc[0], list)
    assert claims["qty_low"].dropna().tolist() == [30]
    assert set(frames) == {"sources", "sections", "actors", "actor_relations", "places", "events", "event_actors", "claims",
                           "recommendations", "recommendation_addressees", "mentions"}  # fmt: skip
