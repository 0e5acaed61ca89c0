"""`imprint fetch` and `imprint.load`: a release comes whole and as it was released, from a server that does anything, or not at all."""

from __future__ import annotations

import contextlib
import copy
import functools
import http.server
import io
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import s3
from herbs import repository
from hypothesis import given
from hypothesis import strategies as st
from packages import CASES, imprint, imprint_process, tree, write
from serving import change, serving, sha256, store

import imprint as library
from imprint import fetching, publishing
from imprint.fetching import cache, downloading, origin
from imprint.fetching.opening import Answer

TABLE = json.loads((CASES / "fetch.json").read_text(encoding="utf-8"))
R = Path(__file__).parent.parent / "docs" / "load.R"
PLANTS = "1.1.0/data/plants.csv"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store(tmp_path_factory.mktemp("template") / "dist")


@pytest.fixture
def dist(template: Path, tmp_path: Path) -> Path:
    """A store of herbs 1.0.0 and 1.1.0."""
    return shutil.copytree(template, tmp_path / "dist")


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    with s3.server() as found:
        yield found


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of a user whose cache is empty, and who waits no longer than a test should."""
    (tmp_path / "here").mkdir()
    monkeypatch.setenv("IMPRINT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(downloading, "PAUSE", 0.01)
    monkeypatch.setattr(origin, "SMALL", 1 << 20)
    monkeypatch.setattr(fetching, "SMALL", 1 << 20)
    return tmp_path / "here"


METHODS = {"bzip2": zipfile.ZIP_BZIP2, "lzma": zipfile.ZIP_LZMA}


def zipped(path: Path, members: list[list[Any]]) -> None:
    """A zip of [name, text], [name, bytes of zeros], [name, target, "link"], [name, text, "bzip2" or "lzma"], which is packed so
    and then broken, or [name, text, "latin-1"], whose name is said to be UTF-8 and is not."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name that is there twice
        for name, content, *how in members:
            entry = zipfile.ZipInfo(name)
            entry.compress_type = METHODS.get(*how, zipfile.ZIP_DEFLATED) if how else zipfile.ZIP_DEFLATED
            entry.external_attr = (0o120777 if how == ["link"] else 0o100644) << 16
            opened.writestr(entry, b"\0" * content if isinstance(content, int) else content)
    raw = bytearray(path.read_bytes())
    for entry, (name, _, *how) in zip(zipfile.ZipFile(path).infolist(), members, strict=True):
        if how == ["latin-1"]:
            raw = raw.replace(name.encode(), name.encode("latin-1").ljust(len(name.encode()), b"x"))
        elif how != ["link"] and how:
            start = entry.header_offset + 30 + len(name) + 9
            raw[start : start + 8] = b"\xff" * 8
    path.write_bytes(raw)


def spoil(kind: str, folder: Path, dist: Path) -> None:
    """Change what the cache has of a file, or leave a wrong half of it."""
    digest = sha256((dist / PLANTS).read_bytes())
    path = cache.held(folder, digest) if kind == "objects" else folder / "partial" / digest
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text("id,name\nwrong\n", encoding="utf-8")


def sound(folder: Path) -> None:
    """Every object of a cache is what its name says."""
    for path in (folder / "objects").rglob("*"):
        assert path.is_dir() or sha256(path.read_bytes()) == path.name


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case["what"])
def test_a_release_is_fetched_as_the_table_says(case: dict[str, Any], dist: Path, here: Path) -> None:
    folder = here.parent / "cache"
    with serving(dist, copy.deepcopy(case.get("server", {}))) as server:

        def filled(value: Any) -> Any:
            return [one.replace("{server}", server.address).replace("{folder}", str(dist)) for one in value]

        if "first" in case:
            assert imprint(*filled(case["first"]), cwd=here).exit_code == 0
        change(dist, case)
        write(here, case.get("there", {}))
        for name, members in case.get("zip", {}).items():
            zipped(here / name, members)
        if "spoil" in case:
            spoil(case["spoil"], folder, dist)
        before, started = tree(here), time.monotonic()
        done = imprint(*filled(case["run"]), cwd=here)
        took = time.monotonic() - started
        assert done.exit_code == case["exit"], done.output
        for said in filled(case["says"]):
            assert said in done.output
        if case["exit"]:
            assert (done.stdout, len(done.stderr.splitlines())) == ("", 1)
            assert tree(here) == before
        elif "files" in case:
            assert sorted(tree(here / case.get("out", "herbs-1.1.0"))) == case["files"]
        else:
            for version in ("1.0.0", "1.1.0"):
                if f"herbs {version} (" in done.stdout:
                    assert tree(dist / version) in [tree(path) for path in here.iterdir() if path.is_dir()]
        assert not list(here.glob(".*"))
        assert sorted(path.name for path in here.parent.iterdir()) in (["cache", "dist", "here"], ["dist", "here"])
        if folder.exists():
            sound(folder)
        for path, times in case.get("asked", {}).items():
            assert server.asked.count(f"/dist/{path}") == times
        for path in case.get("sent", {}):
            assert server.sent[f"/dist/{path}"] == (dist / path).stat().st_size
        low, high = case.get("seconds", (0, 8))
        assert low < took < high


def test_json_says_what_the_text_says(dist: Path, here: Path) -> None:
    done = imprint("fetch", dist, "1.0.0", "--format", "json", cwd=here)
    said = json.loads(done.stdout)
    size = sum(len(content) for content in tree(here / "herbs-1.0.0").values())
    assert said.pop("seen").startswith("20")
    assert said == {
        "name": "herbs", "version": "1.0.0", "date": "2024-02-29", "path": "herbs-1.0.0", "files": 9, "bytes": size,
        "downloaded": said["downloaded"], "latest": "1.1.0", "offline": False, "there": False,
        "signedBy": None,
    }  # fmt: skip
    assert 0 < said["downloaded"] < size


def test_a_users_edit_does_not_reach_the_cache(dist: Path, here: Path) -> None:
    assert imprint("fetch", dist, cwd=here).exit_code == 0
    (here / "herbs-1.1.0/data/plants.csv").write_text("id\n", encoding="utf-8")
    sound(here.parent / "cache")
    assert imprint("fetch", dist, "--out", "again", cwd=here).exit_code == 0
    assert tree(here / "again") == tree(dist / "1.1.0")


def test_a_password_in_an_address_is_not_shown(dist: Path, here: Path) -> None:
    with serving(dist, {PLANTS: {"status": 403}}) as server:
        address = server.address.replace("http://", "http://me:secret@")
        done = imprint("fetch", f"{address}?token=hidden", cwd=here)
    assert f"{server.address}: {PLANTS} cannot be downloaded" in done.stderr
    assert "secret" not in done.output
    assert "hidden" not in done.output


@pytest.mark.parametrize(
    ("variables", "where"),
    [
        ({"IMPRINT_CACHE": "/a/b"}, "/a/b"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/imprint"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/home/me"}, "/home/me/.cache/imprint"),
        ({"HOME": "/home/me"}, "/home/me/.cache/imprint"),
    ],
)
def test_the_cache_is_where_the_xdg_rules_put_it(
    variables: dict[str, str], where: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    for name in ("IMPRINT_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache.default() == Path(where)


# Large files, killed and in company


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of one release with a table of some megabytes, which no two lines of are the same."""
    dice = random.Random(6)
    lines = [f"{n},{dice.randbytes(24).hex()},1,true,,\n" for n in range(50_000)]
    return store(tmp_path_factory.mktemp("large") / "dist", {"1.0.0": "id,name,height,evergreen,found,tags\n" + "".join(lines)})


KILLED = """
import os, signal, sys
from imprint import commands
from imprint.fetching import opening
blocks = opening._blocks
def dying(said, stall):
    for number, block in enumerate(blocks(said, stall)):
        if number == 20:
            os.kill(os.getpid(), signal.SIGKILL)
        yield block
opening._blocks = dying
sys.argv = ["imprint", "fetch", sys.argv[1]]
commands.main()
"""


def test_a_fetch_that_is_killed_leaves_nothing_and_is_gone_on_with(large: Path, here: Path) -> None:
    names = ("1.0.0/data/plants.csv", "1.0.0/herbs-1.0.0.zip")
    digests = {name: sha256((large / name).read_bytes()) for name in names}
    with serving(large) as server:
        for times in (1, 2):
            killed = subprocess.run([sys.executable, "-c", KILLED, server.address], cwd=here, capture_output=True, check=False)
            assert killed.returncode == -signal.SIGKILL
            assert tree(here) == {}
            halves = {path.name: path.stat().st_size for path in (here.parent / "cache/partial").iterdir()}
            assert sum(halves.values()) > times * 500_000
    with serving(large) as server:  # another address: halves are known by their content
        done = imprint("fetch", server.address, cwd=here)
    assert done.exit_code == 0, done.output
    assert tree(here / "herbs-1.0.0") == tree(large / "1.0.0")
    for name in names:
        assert server.sent[f"/dist/{name}"] == (large / name).stat().st_size - halves.get(digests[name], 0)
    assert not list((here.parent / "cache/partial").iterdir())


def test_a_server_that_drops_each_megabyte_is_slow_and_no_fault(large: Path, here: Path) -> None:
    with serving(large, {"1.0.0/data/plants.csv": {"drops": 1 << 20}}) as server:
        done = imprint("fetch", server.address, "--tries", "2", "--formats", "package", cwd=here)
    assert done.exit_code == 0, done.output
    assert server.asked.count("/dist/1.0.0/data/plants.csv") == 4


def test_several_at_once_share_a_cache(large: Path, here: Path) -> None:
    with serving(large) as server:
        command = [sys.executable, "-m", "imprint.commands", "fetch", server.address, "--out"]
        running = [
            subprocess.Popen([*command, str(n)], cwd=here, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for n in range(4)
        ]
        for one in running:
            said, _ = one.communicate()
            assert one.returncode == 0, said
    for n in range(3):
        assert tree(here / str(n)) == tree(large / "1.0.0")
    sound(here.parent / "cache")
    assert not list((here.parent / "cache/partial").iterdir())


def test_an_object_that_another_process_is_writing_is_left_to_it(tmp_path: Path) -> None:
    with cache.partial(tmp_path, "ab") as mine:
        mine.write(b"half")
        mine.flush()
        with cache.partial(tmp_path, "ab") as other:
            assert (other.tell(), other.name != mine.name) == (0, True)
            other.write(b"whole")
            cache.keep(tmp_path, "ab", other)
        assert cache.held(tmp_path, "ab").read_bytes() == b"whole"
    with cache.partial(tmp_path, "ab") as mine:
        assert mine.tell() == 4
    assert [path.name for path in (tmp_path / "partial").iterdir()] == ["ab"]


def test_a_full_disk_leaves_nothing_behind(dist: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> bool:
        raise OSError(28, "No space left on device", "herbs-1.1.0")

    monkeypatch.setattr(cache, "copy", full)
    done = imprint("fetch", dist, cwd=here)
    assert (done.exit_code, done.stderr) == (3, "imprint: herbs-1.1.0: No space left on device; check the path and the disk\n")
    assert tree(here) == {}


def test_progress_is_told_up_to_all_of_it(large: Path, here: Path) -> None:
    shares: list[float] = []
    with serving(large, {"1.0.0/data/plants.csv": [{"drops": 100_000}]}) as server:
        fetching.fetch(server.address, out=here / "x", tell=shares.append)
    assert shares == sorted(shares)
    assert len(shares) > 20
    assert shares[-1] == 1


def test_the_first_that_fails_stops_the_others() -> None:
    done = []

    def work(job: int, over: threading.Event) -> None:
        if job == 3:
            raise library.ImprintError("three")
        if over.wait(0.02):
            time.sleep(0.1)
            return
        done.append(job)

    threads = threading.active_count()
    with pytest.raises(library.ImprintError, match="three"):
        downloading.each(range(1000), work)
    assert len(done) < 100
    assert threading.active_count() == threads, "what is stopped has ended, as its folder may be removed next"


# Whatever a server does


@given(
    st.binary(max_size=300), st.lists(st.tuples(st.sampled_from(["goes on", "starts again", "elsewhere"]), st.integers(0, 300)))
)
def test_a_file_is_whole_however_often_it_breaks_off(content: bytes, breaks: list[tuple[str, int]]) -> None:
    """A server may give from where it was asked, from the beginning or from elsewhere, and break off anywhere."""
    acts = iter(breaks)

    @contextlib.contextmanager
    def opened(name: str, start: int = 0, etag: str = "") -> Iterator[Answer]:
        does, most = next(acts, ("goes on", len(content)))
        begins = {"goes on": start, "starts again": 0, "elsewhere": -1}[does]
        body = content[begins : begins + most] if begins >= 0 else b""
        yield Answer(begins, len(content) if begins >= 0 else None, "", iter([body[:7], body[7:]]))

    file, shares = io.BytesIO(), [0]
    patience = downloading.Patience(tries=len(breaks) + 1)
    with patch.object(downloading, "PAUSE", 0):
        downloading.fetch(opened, "x", file, size=len(content), limit=0, where="", patience=patience, told=shares.append)
    assert file.getvalue() == content
    assert sum(shares) == len(content)


def test_a_server_that_begins_again_and_again_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloading, "PAUSE", 0)
    monkeypatch.setattr(downloading, "PROGRESS", 10)
    tries = itertools.count(1)

    @contextlib.contextmanager
    def opened(name: str, start: int = 0, etag: str = "") -> Iterator[Answer]:
        number = next(tries)
        assert number < 20
        yield Answer(0, 100, "", iter([b"x" * (60 if number % 2 else 20)]))

    with pytest.raises(library.ImprintError, match=r"it ends after \d0 of 100 bytes"):
        downloading.fetch(opened, "x", io.BytesIO(), size=100, limit=0, where="", patience=downloading.Patience(tries=5))


@given(st.binary(min_size=1, max_size=300), st.integers(0, 299), st.booleans())
def test_no_more_bytes_are_kept_than_a_file_has(content: bytes, size: int, said: bool) -> None:
    size = min(size, len(content) - 1)

    @contextlib.contextmanager
    def opened(name: str, start: int = 0, etag: str = "") -> Iterator[Answer]:
        yield Answer(start, len(content) if said else None, "", (content[n : n + 1] for n in itertools.count(start)))

    file = io.BytesIO()
    with pytest.raises(library.ImprintError, match=r"not .* bytes"):
        downloading.fetch(opened, "x", file, size=size, limit=0, where="", patience=downloading.Patience())
    assert len(file.getvalue()) <= size


# Load


def test_load_gives_typed_frames_of_a_version(dist: Path, here: Path) -> None:
    with serving(dist) as server:
        old, new = library.load(server.address, version="1.0.0"), library.load(server.address)
        again = library.load(f"{server.address}@1.0.0")
    assert server.asked.count(f"/dist/{PLANTS}") == 1
    assert not any(path.endswith(".parquet") or path.endswith(".zip") for path in server.asked)
    assert {name: str(dtype) for name, dtype in old["plants"].dtypes.items()} == {
        "id": "Int64", "name": "string", "height": "Float64", "evergreen": "boolean", "found": "datetime64[s]", "tags": "object",
    }  # fmt: skip
    assert (len(old["plants"]), len(new["plants"])) == (8, 9)
    assert again["plants"].equals(old["plants"])


def test_load_takes_a_host_without_a_path(dist: Path, here: Path) -> None:
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(dist))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        assert len(library.load(address, version="1.0.0")["plants"]) == 8
        assert len(library.load(address)["plants"]) == 9
        server.shutdown()


def test_what_was_loaded_once_is_loaded_offline(dist: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(dist) as server:
        tables = library.load(server.address)
    monkeypatch.setenv("IMPRINT_OFFLINE", "1")
    assert library.load(server.address)["plants"].equals(tables["plants"])
    assert imprint("validate", f"{server.address}@1.1.0", cwd=here).exit_code == 0
    with pytest.raises(library.ImprintError, match=r"1\.0\.0/manifest\.json is not in the cache"):
        library.load(server.address, version="1.0.0")
    assert "the store was not asked" in imprint("fetch", server.address, "--formats", "package", cwd=here).stdout


@pytest.mark.parametrize("source", ["{folder}", "{folder}@1.1.0", "{folder}/1.1.0", "{folder}/1.1.0/herbs-1.1.0.zip"])
def test_load_takes_a_directory_of_releases_and_what_it_took_before(source: str, dist: Path) -> None:
    assert len(library.load(source.replace("{folder}", str(dist)))["plants"]) == 9


def test_load_takes_a_version_of_a_directory(dist: Path) -> None:
    assert len(library.load(dist, version="1.0.0")["plants"]) == 8


@pytest.mark.parametrize("kind", ["file", "memory", "s3"])
def test_an_address_that_fetch_takes_is_a_package_everywhere(
    kind: str, dist: Path, here: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = f"gardens{dist.stat().st_ino}"
    if kind == "s3":
        address = request.getfixturevalue("s3_server")
        s3.use(monkeypatch, address)
        s3.make_bucket(address, place)
    at = {"file": f"file://{dist}", "memory": f"memory://{place}/herbs", "s3": f"s3://{place}/herbs"}[kind]
    if kind != "file":
        publishing.publish(dist, at)
    for source in (at, f"{at}/"):
        assert len(library.load(source, version="1.0.0")["plants"]) == 8
        assert len(library.load(source, version="latest")["plants"]) == 9
        assert len(library.load(source)["plants"]) == 9
    assert len(library.load(f"{at}@1.0.0")["plants"]) == 8
    assert imprint("validate", f"{at}@1.0.0", cwd=here).exit_code == 0
    assert imprint("diff", f"{at}@1.0.0", f"{at}@latest", "--bump", cwd=here).stdout == "1.1.0\n"
    assert imprint("verify", f"{at}@1.0.0", "--quick", cwd=here).exit_code == 0
    done = imprint("validate", f"{at}@3.0.0", cwd=here)
    assert done.stderr == f'imprint: {at}: has no version "3.0.0"; it has 1.0.0, 1.1.0\n'
    done = imprint("validate", f"{at}/none@1.0.0", cwd=here)
    fix = "name a store of releases: the directory that it is in"
    assert done.stderr == f"imprint: {at}/none: has no index.json; {fix}\n"
    with pytest.raises(library.ImprintError, match=r"is no store of releases: it has no index\.json"):
        library.load(f"{at}/none", version="1.0.0")


def test_load_refuses_what_was_changed_and_a_version_of_what_is_no_store(dist: Path, here: Path) -> None:
    with serving(dist, {PLANTS: {"corrupt": True}}) as server:
        with pytest.raises(library.ImprintError, match=r"plants\.csv is not what manifest\.json says"):
            library.load(server.address)
        with pytest.raises(library.ImprintError, match=r'has no version "2\.0\.0"; it has 1\.0\.0, 1\.1\.0'):
            library.load(server.address, version="2.0.0")
        for source in (f"{server.address}/1.0.0/datapackage.json", f"{server.address}/1.0.0", dist / "1.0.0", "nowhere"):
            with pytest.raises(library.ImprintError, match=r"is no store of releases: it has no index\.json"):
                library.load(source, version="1.0.0")


def test_a_url_that_is_no_store_is_loaded_as_before(dist: Path, here: Path) -> None:
    with serving(dist) as server:
        assert len(library.load(f"{server.address}/1.0.0/datapackage.json")["plants"]) == 8
    assert "/dist/index.json" not in server.asked


def test_a_release_from_the_web_is_a_package_of_every_command(dist: Path, here: Path) -> None:
    with serving(dist) as server:
        valid = imprint("validate", f"{server.address}@latest", cwd=here)
        changed = imprint("diff", f"{server.address}@1.0.0", f"{server.address}@1.1.0", "--bump", cwd=here)
        missing = imprint("validate", f"{server.address}@3.0.0", cwd=here)
    assert (valid.exit_code, changed.stdout) == (0, "1.1.0\n"), valid.output
    assert missing.stderr == f'imprint: {server.address}: has no version "3.0.0"; it has 1.0.0, 1.1.0\n'


def test_nothing_is_fetched_from_beside_a_release(dist: Path, here: Path) -> None:
    """What a released descriptor names and the release lacks is not there, wherever an address may lead to."""
    text = (dist / "1.1.0/datapackage.json").read_text(encoding="utf-8").replace("data/plants.csv", "data/other.csv")
    write(dist, {"1.1.0/datapackage.json": text, "data/other.csv": "id\n1\n"})
    known = {"bytes": len(text.encode()), "sha256": sha256(text.encode())}
    sums = (dist / "1.1.0/SHA256SUMS").read_text(encoding="utf-8").splitlines(keepends=True)
    write(dist, {"1.1.0/SHA256SUMS": "".join(line for line in sums if "datapackage.json" not in line)})
    change(dist, {"merge": {"1.1.0/manifest.json": {"files": {"datapackage.json": known}}}})
    with serving(dist) as server:
        done = imprint("validate", f"{server.address}@1.1.0", cwd=here)
    assert done.exit_code != 0
    assert not [path for path in server.asked if path.endswith("other.csv")]


def test_what_imprint_releases_can_be_fetched_and_verified(here: Path) -> None:
    package = repository(here.parent / "herbs")
    assert imprint("release", cwd=package).exit_code == 0
    with serving(package / "dist") as server:
        done = imprint("fetch", server.address, cwd=here)
    assert done.exit_code == 0, done.output
    assert tree(here / "herbs-0.1.0") == tree(package / "dist/0.1.0")
    checked = imprint("verify", "herbs-0.1.0", cwd=here)
    assert checked.exit_code == 0, checked.output
    loaded = r(f'for (one in imprint_load("{package / "dist"}")) cat(dim(one), names(one), "\\n")')
    assert loaded.stdout.splitlines() == [
        "8 6 id name height evergreen found tags ", "2 4 plant at place certain ", "4 1 use ",
    ], loaded.stderr  # fmt: skip


def test_the_command_runs_in_a_process_of_its_own_without_a_terminal(dist: Path, here: Path) -> None:
    done = imprint_process("fetch", str(dist), cwd=here)
    assert (done.returncode, done.stderr) == (0, "")


# R: base R alone, which has no package but its own


def r(code: str) -> subprocess.CompletedProcess[str]:
    """What an R script that has read docs/load.R prints, in a locale that knows ASCII only."""
    if shutil.which("Rscript") is None:
        pytest.skip("R is missing: apt-get install r-base-core")
    environment = {**os.environ, "LC_ALL": "C", "R_LIBS": "", "R_LIBS_SITE": "/nowhere", "R_LIBS_USER": "/nowhere"}
    line = ["Rscript", "--vanilla", "-e", f'source("{R}")', "-e", code]
    return subprocess.run(line, capture_output=True, text=True, check=False, env=environment)


TYPES = """\
new <- imprint_load("{store}")$plants
old <- imprint_load("{store}/", "1.0.0")$plants
cat(sapply(new, function(column) class(column)[1]), nrow(old), nrow(new), sum(new$height), sum(new$evergreen), "\\n")
cat(format(range(new$found, na.rm = TRUE)), sum(is.na(new$tags)), utf8ToInt(new$name[9])[2], substr(new$name[9], 8, 99))
"""


def test_r_loads_typed_frames(dist: Path, here: Path) -> None:
    with serving(dist) as server:
        done = r(TYPES.replace("{store}", server.address))
    assert done.stdout.splitlines() == [
        "integer character numeric logical Date character 8 9 18.1 5 ",
        '2017-06-06 2022-01-01 2 233 , "white"',
    ], done.stderr
    assert not any(path.endswith((".zip", ".parquet")) for path in server.asked)


@pytest.mark.parametrize("path", [PLANTS, "1.1.0/manifest.json", "1.1.0/datapackage.json", "1.1.0/schemas/plants.json"])
def test_r_refuses_a_corrupt_byte(path: str, dist: Path, here: Path) -> None:
    with serving(dist, {path: {"corrupt": True}}) as server:
        done = r(f'imprint_load("{server.address}")')
    assert (done.returncode, done.stdout) == (1, "")
    assert f"Error: {path} is not what was released: its SHA-256 differs" in done.stderr


def test_r_fetches_a_file_of_any_name(dist: Path, here: Path) -> None:
    write(dist, {"1.1.0/data/a#b c?%41+&.csv": "x\n1\n"})
    with serving(dist) as server:
        done = r(f'cat(readLines(imprint_file("{server.address}", "1.1.0/data/a#b c?%41+&.csv", NULL, "{here}")))')
    assert done.stdout == "x 1", done.stderr


def test_r_refuses_a_version_that_is_not_there_and_a_name_that_leads_out(dist: Path, here: Path) -> None:
    with serving(dist) as server:
        assert 'has no version "3.0.0"; it has 1.0.0, 1.1.0' in r(f'imprint_load("{server.address}", "3.0.0")').stderr
        change(dist, {"merge": {"index.json": {"versions": {"1": {"path": "../1.1.0/"}}}}})
        assert "leads out of it" in r(f'imprint_load("{server.address}")').stderr


COLUMNS: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "integer"}, "1 -2 NA", "integer: 1 -2 NA"),
    ({"type": "integer"}, "3000000000 1", "numeric: 3e+09 1e+00"),
    ({"type": "integer"}, "9007199254740993 1", "character: 9007199254740993 1"),
    ({"type": "integer", "groupChar": ","}, "1,000 2", "integer: 1000 2"),
    ({"type": "integer", "bareNumber": False}, "10% $7", "integer: 10 7"),
    ({"type": "number", "decimalChar": ","}, "1,5 2", "numeric: 1.5 2.0"),
    ({"type": "number"}, "1.5 x", "character: 1.5 x"),
    ({"type": "boolean"}, "true 0 NA", "logical: TRUE FALSE NA"),
    ({"type": "boolean", "trueValues": ["yes"], "falseValues": ["no"]}, "yes no", "logical: TRUE FALSE"),
    ({"type": "date", "format": "%d.%m.%Y"}, "01.02.2020", "Date: 2020-02-01"),
    ({"type": "datetime"}, "2021-03-02T10:00:00Z", "POSIXct: 2021-03-02 10:00:00"),
    ({"type": "datetime"}, "2021-03-02T10:00:00+02:00", "character: 2021-03-02T10:00:00+02:00"),
    ({"type": "year"}, "2020", "integer: 2020"),
    ({"type": "string", "constraints": {"enum": ["b", "a"]}}, "a b", "factor: a b"),
    ({"type": "string", "categories": [{"value": "b", "label": "B"}, {"value": "a"}]}, "a NA", "factor: a NA"),
    ({"type": "string", "categoriesOrdered": True}, "a b", "character: a b"),
    ({"type": "list"}, "a,b", "character: a,b"),
]


def test_r_types_a_column_as_its_field_says(tmp_path: Path) -> None:
    code = []
    for n, (field, cells, _) in enumerate(COLUMNS):
        path = write(tmp_path, {f"{n}.json": field}) / f"{n}.json"
        listed = ", ".join("NA_character_" if cell == "NA" else json.dumps(cell) for cell in cells.split())
        code.append(f'x <- imprint_column(c({listed}), imprint_json("{path}"))')
        code.append('cat(class(x)[1], ": ", sep = ""); cat(format(x), "\\n")')
    done = r("\n".join(code))
    found = [" ".join(line.replace("<NA>", "NA").split()) for line in done.stdout.splitlines()]
    assert found == [said for *_, said in COLUMNS], done.stderr


def test_what_is_no_json_is_none_in_r(tmp_path: Path) -> None:
    texts = ['{"a":}', "[1,]", "[1", '{"a" 1}', "hello", "[1] 2", "{1:2}", '{"a":1,}', "{", "]", "", '"a']
    write(tmp_path, {f"{n}.json": text for n, text in enumerate(texts)})
    tried = f'for (n in 0:{len(texts) - 1}) try(imprint_json(file.path("{tmp_path}", paste0(n, ".json"))))'
    said = [line for line in r(tried).stderr.splitlines() if "JSON" in line]
    assert said == [f"Error : {n}.json is not JSON" for n in range(len(texts))]
