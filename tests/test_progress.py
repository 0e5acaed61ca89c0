"""A long validation says on a terminal how far it is, and only there."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packages import CASES, write

import imprint
from imprint import progress

SLOW = "import sys, imprint.progress as p; p.AFTER = p.EVERY = 0.001; import imprint.commands as c; c.main(sys.argv[1:])"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package that takes a moment."""
    rows = "".join(f"{number},{'x' * 40}\n" for number in range(100_000))
    schema = {"fields": [{"name": "id", "type": "integer"}, {"name": "note", "type": "string"}], "primaryKey": ["id"]}
    resource = {"name": "table", "path": "table.csv", "schema": schema}
    return write(tmp_path, {"table.csv": f"id,note\n{rows}", "datapackage.json": {"name": "p", "resources": [resource]}})


def on_a_terminal(*line: str) -> tuple[str, subprocess.CompletedProcess[str]]:
    """What a Python command shows on a terminal that is its stderr, and the command."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    done = subprocess.run(
        [sys.executable, *line], stdout=subprocess.PIPE, stderr=theirs, text=True, check=False, env=environment
    )
    os.close(theirs)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    return shown, done


def test_a_terminal_shows_a_bar_that_goes_with_the_work(package: Path) -> None:
    shown, done = on_a_terminal("-c", SLOW, "validate", str(package))
    assert "validating" in shown
    assert re.search(r"\d+%", shown)
    assert shown.endswith("\r\x1b[K\x1b[?25h")
    assert done.stdout.startswith("p: valid")


def test_a_bar_is_there_with_the_first_word_though_nothing_is_done_yet() -> None:
    shown, _ = on_a_terminal("-c", "from imprint.commands.group import bar\nwith bar('working') as tell: tell(0.0)")
    assert re.search(r"working.* 0%", shown)
    assert shown.endswith("\r\x1b[K\x1b[?25h")


def test_a_release_says_on_a_terminal_what_it_is_doing(package: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    (package / "datapackage.json").write_text(
        (package / "datapackage.json").read_text(encoding="utf-8").replace('"name": "p"', '"name": "p", "version": "0.1.0"'),
        encoding="utf-8",
    )
    line = [sys.executable, "-m", "imprint.commands", "release", str(package), "--out", str(tmp_path / "dist")]
    done = subprocess.run([*line, "--formats", "json"], stdout=subprocess.PIPE, stderr=theirs, text=True, check=False)
    os.close(theirs)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    said = shown.split("\r\x1b[K")
    assert [one for one in said if one] == [
        "copying the package", "validating", "fingerprints of table", "JSON of table", "the zip", "digests", "index and page",
    ]  # fmt: skip
    assert said[-1] == ""
    assert done.stdout.startswith("0.1.0 released")


def test_nothing_but_a_terminal_shows_it(package: Path) -> None:
    done = subprocess.run([sys.executable, "-c", SLOW, "validate", str(package)], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_quick_work_shows_none() -> None:
    ours, theirs = pty.openpty()
    line = [sys.executable, "-m", "imprint.commands", "validate", str(CASES / "validate" / "structure-a-clean-table")]
    subprocess.run([*line, "--limit-errors", "1"], stdout=subprocess.DEVNULL, stderr=theirs, check=True)
    os.write(theirs, b".")
    assert os.read(ours, 1 << 16) == b"."
    os.close(ours)
    os.close(theirs)


def test_the_share_only_grows(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "AFTER", 0.001)
    monkeypatch.setattr(progress, "EVERY", 0.001)
    told: list[float] = []
    assert imprint.validate(package, tell=told.append).valid
    assert told == sorted(told)
    assert all(0 <= share <= 1 for share in told)
    assert len(told) > 1
