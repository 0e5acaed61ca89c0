"""Broken input gets one clear line on stderr (what, where, what to do) and its exit code, never a traceback."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from imprint import api
from imprint.commands import main

CASES = json.loads((Path(__file__).parent / "cases" / "bad-input.json").read_text(encoding="utf-8"))


def build(case: dict, folder: Path) -> None:
    for name, text in case.get("files", {}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text[7:].encode("latin-1") if text.startswith("latin1:") else text.encode())
    for name, (text, times) in case.get("repeat", {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text * times, encoding="utf-8")
    for name, member in case.get("bomb", {}).items():
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(member, " " * (8 << 20))
    for name, target in case.get("links", {}).items():
        (folder / name).symlink_to(target)
    for name, members in case.get("zip", {}).items():
        with zipfile.ZipFile(folder / name, "w") as archive:
            for member, text in members.items():
                archive.writestr(member, text)
    if case.get("git"):
        (folder / "readme.txt").write_text("x", encoding="utf-8")
        for line in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
            subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@x", *line], cwd=folder, check=True)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["what"])
def test_bad_input_gets_one_line(case, tmp_path):
    build(case, tmp_path)
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
    line = [sys.executable, "-m", "imprint.commands", *case["run"]]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == case["exit"], done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for said in case["says"]:
        assert said in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert not (tmp_path.parent / "evil.csv").exists()


@pytest.mark.parametrize(
    "line",
    [[], ["validate", "--nonsense"], ["nonsense"], ["validate", ".", "--format", "xml"], ["validate", "a", "b"]],
    ids=" ".join,
)
def test_a_command_that_makes_no_sense_exits_with_2_and_says_how_to_use_it(line, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "imprint.commands", *line], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "Usage: " in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_fault_of_our_own_is_one_line_too(tmp_path, monkeypatch):
    def fails(*_, **__):
        raise KeyError("rn\nmore")

    monkeypatch.setattr(api, "validate", fails)
    with pytest.raises(KeyError):
        CliRunner().invoke(main, ["validate", str(tmp_path)], catch_exceptions=False)
    monkeypatch.delenv("IMPRINT_DEBUG")
    done = CliRunner().invoke(main, ["validate", str(tmp_path)], catch_exceptions=False)
    said = "imprint: a fault of its own (KeyError: 'rn\\nmore'); set IMPRINT_DEBUG=1, and report what it prints then\n"
    assert (done.exit_code, done.stderr) == (3, said)
