"""Small packages for the tests of diff, release, verify and fmt: written, run, committed."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from hypothesis import settings

from imprint.commands import main

CASES = Path(__file__).parent / "cases"
MORE = int(os.environ.get("MORE_EXAMPLES", "1"))  # more than one: so many times the examples, and others in each run


def examples(number: int) -> settings:
    """That many examples of a property."""
    return settings(max_examples=number * MORE)


def write(folder: Path, files: dict[str, Any]) -> Path:
    """Files by relative path: bytes and text as they are, anything else as JSON."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, (bytes, str)) else json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes, but for git's own."""
    files = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.relative_to(folder).parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def imprint(*arguments: object, cwd: Path | None = None) -> Result:
    """The command line, in this process; `stdout`, `stderr` and `exit_code` of what it did."""
    with contextlib.chdir(cwd or Path.cwd()):
        done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def imprint_process(*arguments: object, cwd: Path, umask: int = -1, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command line, in a process of its own."""
    command = [sys.executable, "-m", "imprint.commands", *(str(argument) for argument in arguments)]
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, umask=umask, capture_output=True, text=True, check=False
    )


def git(folder: Path, *arguments: str) -> str:
    """What a git command prints; commits are made by nobody in particular, on a fixed day."""
    who = {f"GIT_{role}_{word}": value for role in ("AUTHOR", "COMMITTER") for word, value in WHO.items()}
    environment = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    asked: dict[str, Any] = {"capture_output": True, "encoding": "utf-8", "errors": "surrogateescape"}
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, check=False, **asked)
    assert done.returncode == 0, done.stderr
    return done.stdout


WHO = {"NAME": "nobody", "EMAIL": "nobody@example.org", "DATE": "2024-02-29T23:30:00+00:00"}


def commit(folder: Path, message: str = "x") -> str:
    """Commit everything in a repository, which is made if need be; the commit's id."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--template=")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", f"--message={message}")
    return git(folder, "rev-parse", "HEAD").strip()
