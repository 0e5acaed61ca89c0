"""A signed store of two releases, and what somebody may do to it: the words of `cases/tamper.json`, a function each."""

from __future__ import annotations

import calendar
import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from herbs import edit as edit_text
from herbs import repository, set_version
from packages import imprint

from imprint import archive, signing
from imprint.manifest import INDEX, MANIFEST, SUMS, File, Index, read_index, read_manifest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
KEYS = {"key": "ed25519", "other": "ed25519"}


def make_keys(folder: Path) -> Path:
    """Two pairs of keys, made by openssl as the docs say."""
    for name, kind in KEYS.items():
        openssl("genpkey", "-algorithm", kind, "-out", folder / f"{name}.pem")
        openssl("pkey", "-in", folder / f"{name}.pem", "-pubout", "-out", folder / f"{name}.pub.pem")
    return folder


def openssl(*arguments: object, **environment: str) -> None:
    command = ["openssl", *(str(argument) for argument in arguments)]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **environment})


def make_store(folder: Path) -> Path:
    """The package herbs, released twice and signed, with its ledger; and, under `first/`, the store as it was in between."""
    make_keys(folder)
    package = repository(folder / "herbs")
    _release(package, folder)
    shutil.copytree(package / "dist", folder / "first")
    set_version(package, "0.1.0", "0.1.1")
    edit_text(package, "data/plants.csv", "0.75", "0.76")
    _release(package, folder)
    shutil.move(package / "dist", folder / "dist")
    shutil.copy(package / "releases.json", folder)
    shutil.rmtree(package)
    return folder


def _release(package: Path, keys: Path) -> None:
    done = imprint("release", "--sign", keys / "key.pem", cwd=package)
    assert done.exit_code == 0, done.stderr


def reindex(store: Path) -> None:
    """An index that fits the releases that it lists."""
    index = read_index(store / INDEX)
    listed = []
    for one in index.versions:
        folder = store / one.path
        manifest = read_manifest(folder / MANIFEST)
        zipped = folder / manifest.archive
        fresh = replace(one, sha256=archive.sha256(zipped), bytes=zipped.stat().st_size, date=manifest.date)
        listed.append(replace(fresh, manifest=archive.sha256(folder / MANIFEST), fingerprint=manifest.fingerprint))
    (store / INDEX).write_text(Index("herbs", index.latest, tuple(listed)).text(), encoding="utf-8")


def seal(release: Path, *, again: bool = True) -> None:
    """Make every digest of a release fit again, as somebody who tampers with more than one file would.

    Those in the descriptor are left as they are unless `again`.
    """
    package = json.loads((release / "datapackage.json").read_text(encoding="utf-8"))
    for resource in package["resources"]:
        if "hash" in resource and again:
            path = release / resource["path"]
            resource |= {"bytes": path.stat().st_size, "hash": f"sha256:{archive.sha256(path)}"}
    (release / "datapackage.json").write_text(json.dumps(package, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    manifest = read_manifest(release / MANIFEST)
    zipped = release / manifest.archive
    with zipfile.ZipFile(zipped) as opened:
        names = [name.partition("/")[2] for name in opened.namelist()]
        moment = calendar.timegm((*opened.infolist()[0].date_time, 0, 0, 0))
    archive.write_zip(zipped, release, names, manifest.archive.removesuffix(".zip"), moment)
    files = {name: one if one.derived else _file(release / name, one) for name, one in manifest.files.items()}
    (release / MANIFEST).write_text(replace(manifest, files=files).text(), encoding="utf-8")
    summed = [name for name in archive.files_below(release) if name not in (SUMS, signing.ATTESTATION)]
    (release / SUMS).write_text(archive.sums(release, summed), encoding="utf-8")


def _file(path: Path, one: File) -> File:
    return replace(one, bytes=path.stat().st_size, sha256=archive.sha256(path))


# What may be done, each in the folder that `make_store` makes


def flip(folder: Path, name: str, where: str) -> None:
    """Another bit in the first, middle or last byte."""
    raw = bytearray((folder / name).read_bytes())
    raw[{"first": 0, "middle": len(raw) // 2, "last": -1}[where]] ^= 1
    (folder / name).write_bytes(raw)


def truncate(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes()[:-1])


def empty(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"")


def append(folder: Path, name: str, text: str) -> None:
    with (folder / name).open("a", encoding="utf-8") as file:
        file.write(text)


def delete(folder: Path, name: str) -> None:
    path = folder / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def copy(folder: Path, name: str, target: str) -> None:
    (folder / target).parent.mkdir(exist_ok=True)
    shutil.copytree(folder / name, folder / target) if (folder / name).is_dir() else shutil.copy(folder / name, folder / target)


def link(folder: Path, name: str) -> None:
    """A file that is moved elsewhere, and a symbolic link to it in its place."""
    (folder / name).rename(folder / "elsewhere")
    (folder / name).symlink_to(folder / "elsewhere")


def swap(folder: Path, name: str) -> None:
    """A file put in the place of the same one of the other version; of the index, as it was before; if there is such a file."""
    old, new = ("0.1.0", "0.1.1") if "0.1.0" in name else ("0.1.1", "0.1.0")
    other = folder / (name.replace(old, new) if old in name else name.replace("dist/", "first/"))
    if other.is_file():
        shutil.copy(other, folder / name)


def edit(folder: Path, name: str, old: str, new: str) -> None:
    edit_text(folder, name, old, new)


def put(folder: Path, name: str, *path_and_value: Any) -> None:
    """Another value at a place in a JSON file; null takes it out. The file keeps its form."""
    *path, last, value = path_and_value
    content = json.loads((folder / name).read_text(encoding="utf-8"))
    place = content
    for step in path:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    (folder / name).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def reverse(folder: Path, name: str, *path: Any) -> None:
    """A list in a JSON file the other way round."""
    content = json.loads((folder / name).read_text(encoding="utf-8"))
    put(folder, name, *path, content[path[0]][::-1])


def query(folder: Path, name: str, statement: str) -> None:
    """What a statement does to a SQLite file."""
    with contextlib.closing(sqlite3.connect(folder / name)) as connection, connection:
        connection.execute(statement)


def total(folder: Path, version: str) -> None:
    """SHA256SUMS made to fit what was done, and nothing else."""
    release = folder / "dist" / version
    names = [name for name in archive.files_below(release) if name not in (SUMS, signing.ATTESTATION)]
    (release / SUMS).write_text(archive.sums(release, names), encoding="utf-8")


def rename(folder: Path, version: str, key: str) -> None:
    """A signature of a release said to be by another key."""
    public = signing.public_key(folder / f"{key}.pub.pem").public
    put(folder, f"dist/{version}/{signing.ATTESTATION}", "signatures", 0, "keyid", public.keyid)


def fit(folder: Path, version: str) -> None:
    """All digests of a release, and the index, made to fit what was done."""
    seal(folder / "dist" / version)
    reindex(folder / "dist")


def sign(folder: Path, version: str, key: str) -> None:
    """A release and the index, signed by a key."""
    release = folder / "dist" / version
    signing.attest_release(release, read_manifest(release / MANIFEST), COMMIT, folder / f"{key}.pem")
    signing.attest_index(folder / "dist", folder / f"{key}.pem")


def go_back(folder: Path) -> None:
    """Index, page and signature as they were before the last release."""
    for name in (INDEX, signing.PAGE, signing.INDEX_ATTESTATION):
        shutil.copy(folder / "first" / name, folder / "dist" / name)


DEEDS: dict[str, Callable[..., None]] = {
    one.__name__.replace("_", " "): one
    for one in (
        flip,
        truncate,
        empty,
        append,
        delete,
        copy,
        swap,
        link,
        edit,
        put,
        reverse,
        query,
        total,
        rename,
        fit,
        sign,
        go_back,
    )
}
