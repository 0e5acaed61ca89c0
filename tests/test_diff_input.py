"""Input that `imprint diff` can't compare, or should be doubted: one clear line each, with what, where and what to do."""

from __future__ import annotations

import contextlib
import functools
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from packages import CASES, commit, imprint, write

SHARED = json.loads((CASES / "diff-input.json").read_text(encoding="utf-8"))


def build(case: dict[str, Any], folder: Path) -> None:
    """The case's files beside those of every case; {"zip": …} is packed and, if "cut", only its first half is there."""
    for name, content in {**SHARED["files"], **case.get("files", {})}.items():
        if isinstance(content, str) and content.startswith("latin1:"):
            write(folder, {name: content[7:].encode("latin-1")})
        elif isinstance(content, dict) and "zip" in content:
            pack(folder / name, {member: known(one) for member, one in content["zip"].items()}, cut=content.get("cut", False))
        elif content is not None:
            write(folder, {name: known(content)})
    if case.get("git"):
        commit(folder)


def known(content: Any) -> Any:
    """A descriptor by the name that the table has for it."""
    return SHARED["descriptors"].get(content, content) if isinstance(content, str) else content


def pack(path: Path, members: dict[str, Any], *, cut: bool) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content if isinstance(content, str) else json.dumps(content))
    if cut:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("case", SHARED["cases"], ids=lambda case: case["what"])
def test_it_gets_one_line(case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    build(case, tmp_path)
    with served(tmp_path) as address:
        run = [word.replace("{server}", address) for word in case["run"].split()]
        done = imprint(*run, cwd=tmp_path)  # which raises what would be a traceback
    says = case.get("says", "").replace("{server}", address)
    assert done.stderr == (f"imprint: {says}\n" if says else ""), done.stderr
    assert done.exit_code == case["exit"]
    if "shows" in case:
        assert case["shows"] in " ".join(done.stdout.split()), done.stdout
    else:
        assert done.stdout == ""


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server that gives the files of a folder."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
