"""`imprint publish`: a store copied to a directory, to memory and to a real S3 server, whatever happens half-way."""

from __future__ import annotations

import functools
import hashlib
import json
import multiprocessing
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import s3
import tampering
from herbs import repository
from hypothesis import given
from hypothesis import strategies as st
from packages import CASES, imprint, tree, write

from imprint import archive, publishing, signing
from imprint.exceptions import DataFault, ImprintError, UsageFault
from imprint.manifest import File, Index, Listed, Manifest, read_index, read_manifest
from imprint.publishing import bucket, targets
from imprint.semver import precedence

ROWS = json.loads((CASES / "publish.json").read_text(encoding="utf-8"))["rows"]


def digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def make(store: Path, versions: dict[str, str], *, built: str = "first") -> Path:
    """A store with those versions, each with that height of the one plant; `built` stands for who wrote the derived file."""
    name = "herbs"
    listed = []
    for version, height in sorted(versions.items(), key=lambda pair: precedence(pair[0])):
        files = {
            "datapackage.json": json.dumps({"name": name, "version": version, "resources": []}).encode(),
            "data/plants.csv": f"id,name,height\n1,Basil,{height}\n".encode(),
            "CHANGES.md": f"## {version}\n".encode(),
            f"{name}-{version}.zip": f"zip {height}".encode(),
            "parquet/plants.parquet": f"parquet {height} {built}".encode(),
        }
        said = {name: File(len(text), digest(text)) for name, text in files.items()}
        said["parquet/plants.parquet"] = File(derived="DuckDB", fingerprint=digest(height.encode()))
        zipped = f"{name}-{version}.zip"
        manifest = Manifest(name, version, "2024-02-29", digest(height.encode()), zipped, {"bump": "none"}, {}, said).text()
        files["manifest.json"] = manifest.encode()
        sums = "".join(f"{digest(text)}  {name}\n" for name, text in sorted(files.items()))
        write(store / version, {**files, "SHA256SUMS": sums})
        listed.append(
            Listed(
                version,
                "2024-02-29",
                f"{version}/",
                said[zipped].sha256,
                digest(height.encode()),
                said[zipped].bytes,
                digest(manifest.encode()),
            )
        )
    index = Index(name, listed[-1].version, tuple(listed))
    return write(store, {"index.json": index.text(), "index.html": f"<title>{name}: {', '.join(versions)}</title>\n"})


def sign(store: Path, key: Path) -> Path:
    """The store, each release of it and its index signed."""
    for one in read_index(store / "index.json").versions:
        signing.attest_release(store / one.path, read_manifest(store / one.path / "manifest.json"), "", key)
    signing.attest_index(store, key)
    return store


TWO = {"1.0.0": "0.5", "1.1.0": "0.6"}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with two pairs of keys: `key` and `other`."""
    return tampering.make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with s3.server() as found:
        yield found


@pytest.fixture(params=["directory", "file", "memory", "s3"])
def target(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty place of each kind to publish to."""
    place = "p" + digest(str(tmp_path).encode())[:20]
    if request.param == "s3":
        address = request.getfixturevalue("address")
        s3.use(monkeypatch, address)
        s3.make_bucket(address, place)
    kinds = {"directory": tmp_path / "there", "file": f"file://{tmp_path}/there", "memory": f"memory://{place}"}
    return str(kinds.get(request.param, f"s3://{place}/herbs/data"))


def listing(target: str) -> dict[str, bytes]:
    """Every file there."""
    root = targets.directory_of(target)
    if root is not None:
        return tree(root) if root.exists() else {}
    files, path = files_of(target)
    found = files.find(path)
    return {one.removeprefix(path).strip("/"): text for one, text in files.cat(found).items()} if found else {}


def files_of(target: str) -> tuple[Any, str]:
    import fsspec

    files, path = fsspec.url_to_fs(target, use_listings_cache=False)
    return files, str(path)


def do(target: str, what: list[str], store: Path) -> None:
    """Do to one file of a target what a row says."""
    action, name, *text = what
    root = targets.directory_of(target)
    files, path = files_of(f"file://{root.resolve()}" if root else target)
    at = f"{path}/{name}"
    if action == "delete":
        files.rm_file(at)
        return
    old = files.cat_file(at) if action in ("append", "flip") else b""
    new = {
        "append": old + b"\n", "flip": old[:-2] + bytes([old[-2] ^ 1]) + old[-1:] if old else b"",
        "copy": (store / "".join(text or [name])).read_bytes() if action == "copy" else b"", "write": "".join(text).encode(),
    }[action]  # fmt: skip
    if root:
        files.makedirs(at.rpartition("/")[0], exist_ok=True)
    files.pipe_file(at, new)


def published(store: Path, target: str) -> None:
    """What must hold after publishing: each file of the store is there, as the index that is there says."""
    there = listing(target)
    assert there == tree(store)


# What a user sees


EACH = [(row, kind) for row in ROWS for kind in ("directory", "s3") if kind == "directory" or "s3" in row]


@pytest.mark.parametrize(("row", "target"), EACH, ids=[f"{kind}-{row['name']}" for row, kind in EACH], indirect=["target"])
def test_what_a_user_sees(row: dict[str, Any], target: str, tmp_path: Path, keys: Path) -> None:
    store = make(tmp_path / "store", TWO)
    if row.get("signed"):
        sign(store, keys / "key.pem")
    if row["published"]:
        first = {"all": store}.get(row["published"]) or make(tmp_path / "first", {"1.0.0": TWO["1.0.0"]})
        assert imprint("publish", target, "--from", first).exit_code == 0
    for place, what in ((target, row.get("there")), (str(store), row.get("here"))):
        if what == ["sign"]:
            sign(store, keys / "other.pem")
        elif what:
            do(place, what, store)
    before = listing(target)
    done = imprint("publish", target, "--from", store, "--format", "text")
    said = (done.stdout + done.stderr).replace(target, "TARGET").replace(str(store), "STORE")
    assert done.exit_code == row["exit"], said
    for words in row["says"]:
        assert words in said
    if row["exit"] == 0:
        after = listing(target)
        assert sum(after[name] != before.get(name) for name in after) == row["sent"]
        published(store, target)
    else:
        assert (done.stdout, done.stderr.count("\n"), listing(target)) == ("", 1, before)


def test_json_says_what_was_sent(target: str, tmp_path: Path) -> None:
    store = make(tmp_path / "store", TWO)
    done = json.loads(imprint("publish", target, "--from", store, "--format", "json").stdout)
    sizes = [len(text) for text in tree(store).values()]
    assert done == {
        "target": target, "latest": "1.1.0", "versions": ["1.0.0", "1.1.0"], "added": ["1.0.0", "1.1.0"], "files": len(sizes),
        "bytes": sum(sizes), "kept": 0, "notes": [], "dryRun": False,
    }  # fmt: skip
    published(store, target)
    again = json.loads(imprint("publish", target, "--from", store, "--format", "json").stdout)
    assert (again["added"], again["files"], again["bytes"], again["kept"]) == ([], 0, 0, len(sizes) - 1)


def test_a_real_release_is_published_and_verifies_there(tmp_path: Path) -> None:
    herbs, there = repository(tmp_path / "herbs"), tmp_path / "there"
    done = imprint("release", cwd=herbs)
    assert done.exit_code == 0, done.stderr
    done = imprint("publish", there, cwd=herbs)
    assert (done.exit_code, done.stderr) == (0, "")
    assert tree(there) == tree(herbs / "dist")
    assert imprint("verify", there).exit_code == 0
    assert json.loads(imprint("publish", there, "--format", "json", cwd=herbs).stdout)["files"] == 0


def test_what_was_signed_anew_with_another_key_verifies_with_that_key(tmp_path: Path, keys: Path) -> None:
    herbs, there = repository(tmp_path / "herbs"), tmp_path / "there"
    for key in ("key", "other"):
        assert imprint("release", "--sign", keys / f"{key}.pem", cwd=herbs).exit_code == 0
        assert imprint("publish", there, cwd=herbs).exit_code == 0
        done = imprint("verify", there, "--key", keys / f"{key}.pub.pem")
        assert done.exit_code == 0, done.stdout


def test_a_dry_run_writes_nothing_and_says_what_it_would_send(target: str, tmp_path: Path) -> None:
    store = make(tmp_path / "store", TWO)
    dry = json.loads(imprint("publish", target, "--from", store, "--dry-run", "--format", "json").stdout)
    assert listing(target) == {}
    assert targets.directory_of(target) is None or not (tmp_path / "there").exists()
    assert "1.0.0, 1.1.0 would be published" in imprint("publish", target, "--from", store, "--dry-run").stdout
    real = json.loads(imprint("publish", target, "--from", store, "--format", "json").stdout)
    assert dry == {**real, "dryRun": True}


def test_progress_rises_to_the_end(tmp_path: Path) -> None:
    store, said = make(tmp_path / "store", TWO), list[float]()
    publishing.publish(store, str(tmp_path / "there"), tell=said.append)
    assert said == sorted(said)
    assert said[-1] == 1


# Served


@pytest.mark.parametrize("target", ["s3"], indirect=True)
def test_s3_serves_each_file_by_its_media_type(target: str, address: str, tmp_path: Path) -> None:
    types = {
        "pdf": "application/pdf",
        "png": "image/png",
        "jpg": "image/jpeg",
        "svg": "image/svg+xml",
        "geojson": "application/geo+json",
        "xml": "application/xml",
        "PDF": "application/pdf",
        "bin": "application/octet-stream",
    }
    with targets.opened(target) as there:
        for suffix, kind in types.items():
            write(tmp_path, {f"map.{suffix}": "x"})
            assert there.put(f"1.0.0/map.{suffix}", tmp_path / f"map.{suffix}", digest(b"x"), fresh=True)
            assert s3.get(address, f"{target.removeprefix('s3://')}/1.0.0/map.{suffix}") == (b"x", kind)


@pytest.mark.parametrize("target", ["s3"], indirect=True)
def test_s3_serves_a_web_site(target: str, address: str, tmp_path: Path) -> None:
    store = make(tmp_path / "store", TWO)
    assert imprint("publish", target, "--from", store).exit_code == 0
    kinds = {
        "index.html": "text/html; charset=utf-8", "index.json": "application/json",
        "1.0.0/data/plants.csv": "text/csv; charset=utf-8", "1.0.0/SHA256SUMS": "text/plain; charset=utf-8",
        "1.0.0/CHANGES.md": "text/markdown; charset=utf-8", "1.1.0/herbs-1.1.0.zip": "application/zip",
        "1.0.0/parquet/plants.parquet": "application/vnd.apache.parquet",
    }  # fmt: skip
    for name, kind in kinds.items():
        assert s3.get(address, f"{target.removeprefix('s3://')}/{name}") == ((store / name).read_bytes(), kind)


@pytest.mark.parametrize("target", ["s3"], indirect=True)
def test_a_large_object_goes_in_pieces_and_keeps_its_digest(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket, "SINGLE", 5 * 2**20)
    large = tmp_path / "large.csv"
    large.write_bytes(bytes(range(256)) * (11 * 2**12))
    right = archive.sha256(large)
    with targets.opened(target) as there:
        assert there.put("large.csv", large, right, fresh=True)
        assert there.same("large.csv", large.stat().st_size, right)
        assert there.same("large.csv", large.stat().st_size, "0" * 64) is False
        assert not there.put("large.csv", large, right, fresh=True)
    assert digest(listing(target)["large.csv"]) == right


# Stopped half-way


class Stop(BaseException):
    """Somebody pulls the plug."""


def stop_at(monkeypatch: pytest.MonkeyPatch, count: int, after: bool) -> list[int]:
    """Stop at that write to a target, before or after it is done; the number of writes so far."""
    seen = [0]

    def wrap(own: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(own)
        def written(*arguments: Any, **named: Any) -> Any:
            seen[0] += 1
            if seen[0] == count and not after:
                raise Stop
            done = own(*arguments, **named)
            if seen[0] == count:
                raise Stop
            return done

        return written

    for kind in (targets.Directory, targets.Remote, targets.Bucket):
        for method in ("put", "swap"):
            monkeypatch.setattr(kind, method, wrap(getattr(kind, method)))
    return seen


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_whoever_is_stopped_at_a_write_leaves_the_old_index_or_the_new_one(target: str, tmp_path: Path, after: bool) -> None:
    old, store = make(tmp_path / "old", {"1.0.0": "0.5"}), make(tmp_path / "store", TWO)
    if target.startswith("s3:"):  # which takes its time: one version, where there was none
        old, store = tmp_path / "none", make(tmp_path / "one", {"1.0.0": "0.5"})
    first = (old / "index.json").read_bytes() if old.exists() else None
    if first:
        publishing.publish(old, target)
    whole, stops = len(publishing.publish(store, target, dry_run=True).sent), 0
    for count in range(1, whole + 1):
        place = f"{target}{count}"
        if first:
            publishing.publish(old, place)
        with pytest.MonkeyPatch.context() as patched:
            stop_at(patched, count, after)
            with pytest.raises(Stop):
                publishing.publish(store, place)
        stops += 1
        with targets.opened(place, write=False) as opened:
            found = opened.read("index.json")
        text = found[0] if found else None
        assert text in (first, (store / "index.json").read_bytes())
        there = listing(place) if text else {}
        for one in json.loads(text)["versions"] if text else ():
            own = tree(store / one["version"])
            assert {name: there[f"{one['path']}{name}"] for name in own} == own
        publishing.publish(store, place)
        published(store, place)
    assert stops == 9


def test_a_killed_publisher_lets_go_of_the_directory(tmp_path: Path) -> None:
    store, there = make(tmp_path / "store", TWO), tmp_path / "there"
    process = multiprocessing.get_context("spawn").Process(target=_publish_and_die, args=(store, str(there)))
    process.start()
    process.join()
    assert process.exitcode == -9
    assert (there / targets.PART).exists()
    assert not (there / "index.json").exists()
    assert imprint("publish", there, "--from", store).exit_code == 0
    assert tree(there) == tree(store)


def _publish_and_die(store: Path, target: str) -> None:
    import os
    import signal

    count, own = 0, os.fsync

    def fsync(handle: int) -> None:
        nonlocal count
        count += 1
        if count == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        own(handle)

    targets.os.fsync = fsync
    publishing.publish(store, target)


def test_a_full_disk_is_one_sentence_and_leaves_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, there = make(tmp_path / "store", TWO), tmp_path / "there"

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(targets.shutil, "copyfileobj", full)
    done = imprint("publish", there, "--from", store)
    said = f"imprint: {there}: can't be published to (No space left on device); check the path and the disk\n"
    assert (done.exit_code, done.stderr, tree(there)) == (3, said, {})


# Two publishers


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object], times: int = 1) -> None:
    """Let somebody else act just before the index is written, each of the first times."""
    left, acting = [times], [False]
    for kind in (targets.Directory, targets.Remote, targets.Bucket):
        own = kind.swap

        def swap(self: Any, *arguments: Any, own: Callable[..., bool] = own) -> bool:
            if left[0] and not acting[0]:
                left[0], acting[0] = left[0] - 1, True
                act()
                acting[0] = False
            return own(self, *arguments)

        monkeypatch.setattr(kind, "swap", swap)


def quietly(store: Path, target: str) -> None:
    """Publish without waiting for a lock, as somebody on another machine does."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("fcntl.flock", lambda *_: None)
        publishing.publish(store, target)


def test_a_lost_race_with_other_versions_is_told_and_both_are_listed(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = make(tmp_path / "base", {"1.0.0": "0.5"})
    publishing.publish(base, target)
    mine, other = make(tmp_path / "mine", TWO), make(tmp_path / "other", {"1.0.0": "0.5", "1.0.1": "0.9"})
    meanwhile(monkeypatch, lambda: quietly(other, target))
    done = imprint("publish", target, "--from", mine)
    assert done.exit_code == 0, done.stderr
    assert "note: somebody else published 1.0.1 there at the same time; both are listed\n" in done.stdout
    assert "note: index.html doesn't show 1.0.1, which this store lacks\n" in done.stdout
    there = listing(target)
    assert [one["version"] for one in json.loads(there["index.json"])["versions"]] == ["1.0.0", "1.0.1", "1.1.0"]
    assert there["index.html"] == (mine / "index.html").read_bytes()
    assert {name: there[name] for name in tree(other) if "/" in name} == {n: t for n, t in tree(other).items() if "/" in n}
    last = imprint("publish", target, "--from", other)
    assert (last.exit_code, last.stderr) == (0, "")
    assert "note: index.html there stays as it is, since its latest version is 1.1.0\n" in last.stdout
    assert listing(target) == there


def test_a_first_race_is_lost_to_whoever_writes_the_first_index(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = make(tmp_path / "mine", {"1.1.0": "0.6"}), make(tmp_path / "other", {"1.0.0": "0.5"})
    meanwhile(monkeypatch, lambda: quietly(other, target))
    done = publishing.publish(mine, target)
    assert (done.versions, done.added) == (("1.0.0", "1.1.0"), ("1.1.0",))


@pytest.mark.parametrize("target", ["directory", "memory"], indirect=True)
def test_somebody_who_always_wins_is_told_of(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = make(tmp_path / "mine", {"1.0.0": "0.5"})
    others = (make(tmp_path / f"other{n}", {f"0.{n}.0": "0.1"}) for n in range(9))
    meanwhile(monkeypatch, lambda: quietly(next(others), target), times=20)
    with pytest.raises(ImprintError, match="somebody else publishes there all the time; try again later"):
        publishing.publish(mine, target)
    assert "1.0.0" not in [one["version"] for one in json.loads(listing(target)["index.json"])["versions"]]


@pytest.mark.parametrize(
    ("target", "moment"),
    [("directory", "same"), ("memory", "same"), ("s3", "same"), ("s3", "put")],
    ids=["directory", "memory", "s3", "s3-in-the-last-moment"],
    indirect=["target"],
)
def test_of_two_contents_of_one_version_one_wins_and_the_other_is_told(
    target: str, moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = make(tmp_path / "mine", {"1.0.0": "0.5"}), make(tmp_path / "other", {"1.0.0": "0.9"})
    with targets.opened(target, write=False) as there:
        kind: Any = type(there)
    own, once = getattr(kind, moment), ["once"]

    def first(self: Any, path: str, *arguments: Any, **named: Any) -> Any:
        if path.endswith("data/plants.csv") and once and once.pop():
            quietly(other, target)
        return own(self, path, *arguments, **named)

    monkeypatch.setattr(kind, moment, first)
    said = "lists version 1.0.0 with other content" if moment == "same" else "somebody else is publishing other content there"
    with pytest.raises(DataFault) as raised:
        publishing.publish(mine, target)
    assert str(raised.value).startswith(f"{target}: {said}")
    published(other, target)


def test_a_version_that_is_there_with_other_content_is_refused(target: str, tmp_path: Path) -> None:
    publishing.publish(make(tmp_path / "first", TWO), target)
    before = listing(target)
    other = make(tmp_path / "other", {**TWO, "1.0.0": "0.9"})
    with pytest.raises(DataFault) as raised:
        publishing.publish(other, target)
    assert str(raised.value).startswith(f"{target}: lists version 1.0.0 with other content (SHA-256 of the manifest ")
    assert str(raised.value).endswith("a published version stays as it is: give this one another number")
    assert listing(target) == before


@pytest.mark.parametrize("target", ["directory", "memory"], indirect=True)
def test_a_version_whose_derived_files_were_built_with_other_bytes_is_the_same(target: str, tmp_path: Path) -> None:
    first, again = make(tmp_path / "first", TWO), make(tmp_path / "again", TWO, built="by another DuckDB")
    assert tree(first)["1.0.0/manifest.json"] == tree(again)["1.0.0/manifest.json"]
    publishing.publish(first, target)
    done = publishing.publish(again, target)
    assert (done.sent, done.kept) == ({}, len(tree(first)) - 1)
    published(first, target)
    do(target, ["delete", "1.0.0/parquet/plants.parquet"], first)
    with pytest.raises(DataFault, match=r"1\.0\.0/parquet/plants\.parquet is missing, and this store has other bytes"):
        publishing.publish(again, target)
    publishing.publish(first, target)
    published(first, target)


def test_publishers_at_once_on_one_machine_wait_for_each_other(tmp_path: Path) -> None:
    there, stores = tmp_path / "there", [make(tmp_path / f"s{n}", {f"1.{n}.0": str(n)}) for n in range(4)]
    faults: list[ImprintError] = []

    def run(store: Path) -> None:
        try:
            publishing.publish(store, str(there))
        except ImprintError as error:
            faults.append(error)

    threads = [threading.Thread(target=run, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert [one.version for one in read_index(there / "index.json").versions] == ["1.0.0", "1.1.0", "1.2.0", "1.3.0"]


# Signed


@pytest.mark.parametrize("target", ["directory", "memory"], indirect=True)
def test_a_signature_of_the_index_is_sent_with_it_and_never_left_beside_another(
    target: str, tmp_path: Path, keys: Path
) -> None:
    signed = sign(make(tmp_path / "signed", TWO), keys / "key.pem")
    publishing.publish(signed, target)
    published(signed, target)
    other = make(tmp_path / "other", {"0.9.0": "0.1"})
    with pytest.raises(DataFault, match="has a signed index, and this store's isn't signed"):
        publishing.publish(other, target)
    write(other, {"index.attestation.json": "{}\n"})
    with pytest.raises(DataFault, match=r"lists 1\.0\.0, 1\.1\.0, which this store lacks, and its index is signed"):
        publishing.publish(other, target)
    published(signed, target)


# The index


versions = st.builds("{}.{}.{}{}".format, *[st.integers(0, 3)] * 3, st.sampled_from(["", "-rc.1", "-rc.2"]))
LISTED = st.builds(
    lambda version, content: Listed(version, "2024-02-29", f"{version}/", digest(content), digest(content), 1, digest(content)),
    versions,
    st.sampled_from([b"", b"", b"", b"x"]),
)


def index(listed: list[Listed]) -> Index:
    ordered = sorted({one.version: one for one in listed}.values(), key=lambda one: precedence(one.version))
    return Index("herbs", ordered[-1].version if ordered else None, tuple(ordered))


@given(st.lists(LISTED).map(index), st.lists(LISTED).map(index))
def test_a_merge_has_all_of_both_in_order_or_is_refused_for_both(one: Index, other: Index) -> None:
    clash = {a.version for a in one.versions for b in other.versions if a.version == b.version and a != b}
    if clash:
        for pair in ((one, other), (other, one)):
            with pytest.raises(DataFault):
                publishing.merge(*pair, "there")
        return
    merged = publishing.merge(one, other, "there")
    assert merged == publishing.merge(other, one, "there") == index([*one.versions, *other.versions])
    assert publishing.merge(one, merged, "there") == publishing.merge(merged, other, "there") == merged


def test_two_versions_that_differ_in_build_metadata_alone_are_one() -> None:
    one, other = (index([Listed(version, "2024-02-29", "x/", "", "")]) for version in ("1.0.0+a", "1.0.0+b"))
    with pytest.raises(DataFault, match=r"lists version 1\.0\.0\+b"):
        publishing.merge(one, other, "there")


# Targets that can't be written to


def sentence(target: str, store: Path) -> tuple[int, str]:
    done = imprint("publish", target, "--from", store)
    assert (done.stdout, done.stderr.count("\n")) == ("", 1), done.stderr
    return done.exit_code, done.stderr.removeprefix("imprint: ").strip()


def test_what_s3_refuses_is_one_sentence(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make(tmp_path / "store", TWO)
    s3.use(monkeypatch, address)
    assert sentence("s3://no-such-bucket/x", store) == (
        3,
        "s3://no-such-bucket/x: can't be published to (The specified bucket does not exist); check the address and the network",
    )
    assert sentence("s3://", store) == (2, "s3://: names no bucket; write s3://BUCKET/PREFIX")
    code, said = sentence("s3://no bucket/x", store)
    assert (code, "Invalid bucket name" in said) == (3, True)
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    assert sentence("s3://herbs/x", store) == (
        3,
        "s3://herbs/x: can't be published to (Unable to locate credentials); check the credentials, and what they allow",
    )


def test_what_no_target_is_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make(tmp_path / "store", TWO)
    assert sentence("nosuch://x", store) == (
        2,
        "nosuch://x: is no address (Protocol not known: nosuch); name a directory or a URL",
    )
    assert sentence("https://herbs.example/x", store) == (
        2,
        "https://herbs.example/x: can only be read; name what the web server serves, such as a directory",
    )
    assert sentence(str(store), store) == (2, f"{store}: is the store itself, or in it; name another directory")
    assert sentence(str(store / "copy"), store)[0] == 2
    (tmp_path / "file").write_text("x", encoding="utf-8")
    code, said = sentence(str(tmp_path / "file"), store)
    assert (code, said) == (3, f"{tmp_path}/file: can't be published to (File exists); check the path and the disk")


@pytest.mark.parametrize(("missing", "target"), [("fsspec", "memory://x"), ("s3fs", "s3://herbs/x")])
def test_a_missing_library_is_one_sentence(missing: str, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    store = make(tmp_path / "store", TWO)
    monkeypatch.setitem(sys.modules, missing, None)
    if missing == "s3fs":
        from fsspec.registry import _registry

        monkeypatch.delitem(_registry, "s3", raising=False)
    code, said = sentence(target, store)
    assert (code, said) == (3, f"{target}: publishing there needs {missing}; pip install {missing}")


def test_a_store_without_digests_of_its_manifests_is_refused(tmp_path: Path) -> None:
    store = make(tmp_path / "store", {"1.0.0": "0.5"})
    listed = json.loads((store / "index.json").read_text(encoding="utf-8"))
    del listed["versions"][0]["manifest"]
    write(store, {"index.json": listed})
    with pytest.raises(DataFault, match=r"lists 1\.0\.0 without the digest of its manifest; run imprint release again"):
        publishing.publish(store, str(tmp_path / "there"))


def test_the_library_publishes_and_refuses_with_errors(tmp_path: Path) -> None:
    store = make(tmp_path / "store", TWO)
    assert publishing.publish(store, str(tmp_path / "there")).versions == ("1.0.0", "1.1.0")
    with pytest.raises(UsageFault):
        publishing.publish(store, str(store))
    shutil.rmtree(store)
    with pytest.raises(ImprintError, match=r"has no index\.json"):
        publishing.publish(store, str(tmp_path / "there"))
