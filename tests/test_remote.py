"""What a package names by URL is fetched if the user says so, within limits, and never otherwise."""

from __future__ import annotations

import contextlib
import json
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from packages import CASES, write
from packages import imprint as run

import imprint
from imprint import remote

TABLE = json.loads((CASES / "remote.json").read_text(encoding="utf-8"))
MEBIBYTE = 1 << 20


class Server(ThreadingHTTPServer):
    """A server on this machine that gives the answers, in which {server} is its address, and notes what it is asked for."""

    def __init__(self, answers: dict[str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.answers = self.addressed(answers)
        self.asked: list[str] = []
        self.over = threading.Event()

    def addressed(self, value: Any) -> Any:
        """A value with the server's address for {server}."""
        return json.loads(json.dumps(value).replace("{server}", self.address))


class Handler(BaseHTTPRequestHandler):
    """Answers as a case's `server` says, by path: with a text, a value as JSON, or {"redirect": address}, {"status": 404},
    {"body": …, "length": what it says it is}, {"raw": bytes without HTTP}, {"endless": text}, {"stalls": true},
    {"drips": true}."""

    server: Server

    def do_GET(self) -> None:
        """Answer."""
        self.server.asked.append(self.path)
        answer = self.server.answers.get(self.path, {"status": 404})
        said = answer if isinstance(answer, dict) else {}
        with contextlib.suppress(OSError):  # a client that has heard enough
            if "raw" in said:
                self.wfile.write(said["raw"].encode())
            elif "stalls" in said:
                self.server.over.wait()
            elif "drips" in said:
                while not self.server.over.wait(0.05):
                    self.wfile.write(b"H")
            else:
                self._answer(said, answer)

    def _answer(self, said: dict[str, Any], answer: Any) -> None:
        body = said.get("body", answer)
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(302 if "redirect" in said else said.get("status", 200))
        if "redirect" in said:
            self.send_header("Location", said["redirect"])
        if "endless" not in said:
            self.send_header("Content-Length", str(said.get("length", len(content))))
        self.end_headers()
        while "endless" in said:
            self.wfile.write(said["endless"].encode() * 10_000)
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serving(answers: dict[str, Any]) -> Iterator[Server]:
    """A server that runs as long as the context."""
    with Server(answers) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case["what"])
def test_a_url_is_followed_as_the_table_says(case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in case.get("limits", {}).items():
        monkeypatch.setattr(remote, name, value)
    with serving(case["server"]) as server:
        write(tmp_path, server.addressed(case.get("files", {})))
        done = run(*server.addressed(case["run"]), cwd=tmp_path)
        said = done.stdout + done.stderr
        assert done.exit_code == case["exit"], said
        for words in server.addressed(case["says"]):
            assert words in said, said
        assert server.asked == case["asked"]


PACKAGE = {
    "name": "p",
    "resources": [{"name": "t", "path": "{server}/t.csv", "schema": {"fields": [{"name": "id", "type": "integer"}]}}],
}


def test_an_error_in_a_fetched_file_names_its_address_and_nothing_stays_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    with serving({"/t.csv": "id\n1\nx\n"}) as server:
        folder = write(tmp_path / "p", {"datapackage.json": server.addressed(PACKAGE)})
        (error,) = imprint.validate(folder, remote=True).all_errors
        assert (error.path, error.line, error.row_number) == (f"{server.address}/t.csv", 3, 3)
    assert list(temporary.iterdir()) == []
    assert [path.name for path in folder.iterdir()] == ["datapackage.json"]


def test_a_package_is_not_followed_by_what_has_no_option(tmp_path: Path) -> None:
    with serving({"/t.csv": "id\n1\n"}) as server:
        folder = write(tmp_path, {"datapackage.json": server.addressed(PACKAGE)})
        imprint.validate(folder)
        with contextlib.suppress(imprint.ImprintError):
            imprint.diff(folder, folder)
        with pytest.warns(UserWarning, match="can't be read, and is left out"):
            assert imprint.load(folder) == {}
        assert server.asked == []


def test_a_large_file_is_never_held_in_memory(tmp_path: Path) -> None:
    size = 256 * MEBIBYTE
    code = "import sys; from imprint.remote import download; print(download(sys.argv[1], sys.argv[2], 10**9, 30))"
    with serving({"/large": "x" * size}) as server:
        done = subprocess.run(
            [sys.executable, "-c", code, f"{server.address}/large", str(tmp_path / "large")],
            capture_output=True, text=True, check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (128 * MEBIBYTE, 128 * MEBIBYTE)),
        )  # fmt: skip
    assert (done.stdout, done.stderr) == ("\n", "")
    assert (tmp_path / "large").stat().st_size == size
