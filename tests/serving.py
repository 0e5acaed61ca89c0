"""A store of releases as its layout demands, and a server of it that may do anything but what it should."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from herbs import FILES, PLANTS
from packages import write

from imprint.manifest import Content, File, Index, Listed, Manifest

VERSIONS = {"1.0.0": PLANTS, "1.1.0": PLANTS + '9,"Zédoary, ""white""",1.2,true,,shrub\n'}
PLANTS_SCHEMA = FILES["schemas/plants.json"]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def store(folder: Path, versions: dict[str, str] = VERSIONS) -> Path:
    """A store of releases of one table: each with the package, its zip, JSON, and a Parquet file whose bytes are anybody's."""
    listed = [_release(folder, version, plants) for version, plants in versions.items()]
    write(folder, {"index.json": Index("herbs", [*versions][-1], tuple(listed)).text(), "index.html": "<!doctype html>\n"})
    return folder


def _release(folder: Path, version: str, plants: str) -> Listed:
    root, archive = folder / version, f"herbs-{version}.zip"
    table = {"name": "plants", "type": "table", "path": "data/plants.csv", "schema": "schemas/plants.json"}
    write(root, {
        "datapackage.json": {"name": "herbs", "version": version, "resources": [table]},
        "data/plants.csv": plants, "schemas/plants.json": PLANTS_SCHEMA, "CHANGES.md": f"## {version}\n",
        "json/plants.json": [{"id": 1}], "parquet/plants.parquet": f"PAR1 {version}",
    })  # fmt: skip
    with zipfile.ZipFile(root / archive, "w") as opened:
        for name in ("datapackage.json", "data/plants.csv", "schemas/plants.json", "CHANGES.md"):
            opened.write(root / name, f"herbs-{version}/{name}")
    raw = {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
    form = {"json/plants.json": "json", "parquet/plants.parquet": "parquet"}
    files = {name: File(len(text), sha256(text), form=form.get(name, "")) for name, text in raw.items()}
    prints = sha256(plants.encode())
    files["parquet/plants.parquet"] = File(derived="DuckDB", fingerprint=prints, form="parquet", table="plants")
    manifest = Manifest(
        "herbs",
        version,
        "2024-02-29",
        prints,
        archive,
        {"bump": "none"},
        {"plants": Content(plants.count("\n"), prints)},
        files,
    ).text()
    raw["manifest.json"] = manifest.encode()
    sums = "".join(f"{sha256(text)}  {name}\n" for name, text in sorted(raw.items()))
    write(root, {"manifest.json": manifest, "SHA256SUMS": sums})
    zipped = raw[archive]
    return Listed(version, "2024-02-29", f"{version}/", sha256(zipped), prints, len(zipped), sha256(manifest.encode()))


def change(folder: Path, case: dict[str, Any]) -> None:
    """Change a store as a case says.

    `write` puts texts in the place of files, `merge` values into JSON files (null takes one out), after which the index and
    the sums know the manifests as they are; `lists` are the only versions that the index lists; `gone` are files removed.
    """
    write(folder, case.get("write", {}))
    for name, values in case.get("merge", {}).items():
        merged = _merged(json.loads((folder / name).read_text(encoding="utf-8")), values)
        text = json.dumps(merged, indent=2).replace("Infinity", "1e999")  # a number too large for Python, which JSON may have
        (folder / name).write_text(text, encoding="utf-8")
    index = json.loads((folder / "index.json").read_text(encoding="utf-8")) if case.keys() & {"merge", "lists"} else None
    if "merge" in case:
        for one in index["versions"]:
            if one.get("manifest"):
                manifest = sha256((folder / one["version"] / "manifest.json").read_bytes())
                sums = folder / one["version"] / "SHA256SUMS"
                sums.write_text(sums.read_text(encoding="utf-8").replace(one["manifest"], manifest), encoding="utf-8")
                one["manifest"] = manifest
    if "lists" in case:
        index["versions"] = [one for one in index["versions"] if one["version"] in case["lists"]]
        index["latest"] = case["lists"][-1]
    if index is not None:
        write(folder, {"index.json": index})
    for name in case.get("gone", ()):
        (folder / name).unlink()


def _merged(value: Any, patch: Any) -> Any:
    if isinstance(value, list) and isinstance(patch, dict):  # by position
        return [_merged(one, patch.get(str(n), one)) for n, one in enumerate(value)]
    if not isinstance(patch, dict) or not isinstance(value, dict):
        return patch
    merged = {**value, **{word: _merged(value.get(word), one) for word, one in patch.items()}}
    return {word: one for word, one in merged.items() if patch.get(word, 0) is not None}


class Server(ThreadingHTTPServer):
    """Serves a folder below /dist and notes what it is asked for and how many bytes of each file it sent.

    `acts` says by path what it does instead: a list of acts, one for each time that it is asked, then what is right; or one
    act, for ever.
    """

    daemon_threads = True

    def __init__(self, folder: Path, acts: dict[str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.acts = acts
        self.address = f"http://127.0.0.1:{self.server_port}/dist"
        self.asked: list[str] = []
        self.sent: dict[str, int] = {}
        self.over = threading.Event()
        self.lock = threading.Lock()

    def act(self, path: str) -> dict[str, Any]:
        with self.lock:
            self.asked.append(path)
            acts = self.acts.get(path, [])
            return (acts.pop(0) if acts else {}) if isinstance(acts, list) else acts

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients hang up."""


class Handler(BaseHTTPRequestHandler):
    """One answer, as its act says:

    {"status": 503, "headers": {…}}; {"redirect": address} ({server} is this one, {elsewhere} the same by another name);
    {"raw": bytes without HTTP}; {"drips": true} a header without end; {"stalls": n}, {"drops": n} after n bytes; {"corrupt":
    true} one byte; {"short": n} only so many bytes, and says so; {"length": n} what it says that it sends; {"longer": text}
    after the file, without a length; {"endless": true}; {"ignores": true} Range; {"range": "bytes 5-9/10"} what it says that
    it gives; {"packed": MiB} of zeros in gzip; {"file": another file of the store}; {"text": …}.
    """

    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        act = self.server.act(path)
        self.close_connection = True
        with contextlib.suppress(OSError):  # a client that has heard enough
            self._answer(path, act)

    def _answer(self, path: str, act: dict[str, Any]) -> None:
        if "raw" in act:
            self.wfile.write(act["raw"].encode())
            return
        if "drips" in act:
            while not self.server.over.wait(0.02):
                self.wfile.write(b"H")
            return
        file = self.server.folder / (act.get("file") or path.removeprefix("/dist/"))
        found = path.startswith("/dist/") and file.is_file()
        whole = act["text"].encode() if "text" in act else file.read_bytes() if found else b""
        status = 302 if "redirect" in act else act.get("status", 200 if found else 404)
        etag, start = f'"{sha256(whole)[:16]}"', 0
        asked = self.headers.get("Range", "")
        if asked and status == 200 and "ignores" not in act and self.headers.get("If-Range", etag) == etag:
            start, status = int(asked.removeprefix("bytes=").rstrip("-")), 206
            if start >= len(whole):
                start, status, whole = 0, 416, b""
        body = whole[start:] if status < 300 else b""
        if "corrupt" in act:
            body = body[:-2] + bytes([body[-2] ^ 1]) + body[-1:]
        if "packed" in act:
            body = gzip.compress(b"\0" * (act["packed"] << 20))
        body = body[: act.get("short")]
        self.send_response(status)
        self.send_header("ETag", etag)
        for name, value in act.get("headers", {}).items():
            self.send_header(name, value)
        if "redirect" in act:
            elsewhere = self.server.address.replace("127.0.0.1", "localhost")
            self.send_header(
                "Location", act["redirect"].replace("{server}", self.server.address).replace("{elsewhere}", elsewhere)
            )
        if status == 206:
            self.send_header("Content-Range", act.get("range", f"bytes {start}-{len(whole) - 1}/{len(whole)}"))
        if "packed" in act:
            self.send_header("Content-Encoding", "gzip")
        if "endless" not in act and "longer" not in act:
            self.send_header("Content-Length", str(act.get("length", len(body))))
        self.send_header("Connection", "close")
        self.end_headers()
        body = body[: act.get("drops", act.get("stalls"))] + act.get("longer", "").encode()
        with self.server.lock:
            self.server.sent[path] = self.server.sent.get(path, 0) + len(body)
        self.wfile.write(body)
        if "stalls" in act:
            self.server.over.wait()
        while "endless" in act:
            self.wfile.write(b"x" * 10_000)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serving(folder: Path, acts: dict[str, Any] | None = None) -> Iterator[Server]:
    """A server of a folder that runs as long as the context."""
    with Server(folder, {f"/dist/{path}": act for path, act in (acts or {}).items()}) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
