"""The same commit gives the same bytes, wherever, whenever and by whomever it is released.

A case of `cases/reproducible.json` is a surrounding: variables, umask, a command that runs the release, its place. All files are
compared, those too that another library writes in bytes of its own (`derived` in the manifest): here it is one version of it.
"""

from __future__ import annotations

import json
import os
import random
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from herbs import edit, repository, set_version
from packages import CASES, commit, git, imprint, tree, write

from imprint import release as releases

ROOT = Path(__file__).parent.parent
SURROUNDINGS = json.loads((CASES / "reproducible.json").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def no_clock_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The herbs, released as 0.1.0 and 0.2.0: a commit before each release, and one after."""
    folder = repository(tmp_path_factory.mktemp("released") / "herbs")
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("SOURCE_DATE_EPOCH", raising=False)
        assert imprint("release", cwd=folder).exit_code == 0
        commit(folder, "0.1.0")
        set_version(folder, "0.1.0", "0.2.0")
        edit(folder, "data/plants.csv", "3,Mint,0.75", "9,Dill,0.75")
        commit(folder, "to be 0.2.0")
        done = imprint("release", cwd=folder)
        assert done.exit_code == 0, done.output
        commit(folder, "0.2.0")
    return folder


def clone(source: Path, place: Path, around: dict[str, Any]) -> Path:
    """A clone, or a copy whose files were written in the opposite order."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if not around.get("copied"):
        git(place.parent, "clone", "--quiet", str(source), place.name)
        return place
    for path in sorted(source.rglob("*"), reverse=True):
        if path.is_file() and "dist" not in path.relative_to(source).parts[:1]:
            (place / path.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place / path.relative_to(source))
    for folder in (path for path in (source / ".git").rglob("*") if path.is_dir()):
        (place / folder.relative_to(source)).mkdir(parents=True, exist_ok=True)
    return place


def release(folder: Path, around: dict[str, Any], *arguments: str) -> str:
    """What a release in these surroundings prints."""
    before = around.get("before", [])
    if before and subprocess.run([*before, "true"], capture_output=True, check=False).returncode:
        pytest.skip(f"`{shlex.join(before)}` doesn't work here: it needs Linux, util-linux, and leave to do so")
    command = [*before, sys.executable, "-m", "imprint.commands", "release", *around.get("arguments", []), *arguments]
    umask = int(around.get("umask", "022"), 8)
    environment = {**os.environ, **around.get("environment", {})}
    done = subprocess.run(command, cwd=folder, env=environment, umask=umask, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def assert_same(one: Path, two: Path) -> None:
    first, second = tree(one), tree(two)
    assert sorted(first) == sorted(second)
    assert [name for name in first if first[name] != second[name]] == []


def modes(folder: Path) -> dict[str, int]:
    return {path.relative_to(folder).as_posix(): path.stat().st_mode & 0o777 for path in folder.rglob("*")}


@pytest.fixture(params=SURROUNDINGS, ids=[row["case"] for row in SURROUNDINGS])
def around(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_another_clone_releases_the_same_bytes(released: Path, around: dict[str, Any], tmp_path: Path) -> None:
    """Each of the two releases is made, as if the other hadn't been, from the commit before it."""
    folder = clone(released, tmp_path / around.get("place", "clone"), around)
    git(folder, "checkout", "--quiet", "--force", released_commit(released, 3))
    release(folder, around)
    assert (folder / "releases.json").read_bytes() == git(released, "show", "HEAD~2:releases.json").encode()
    git(folder, "checkout", "--quiet", "--force", released_commit(released, 1))
    release(folder, around)
    assert_same(released / "dist", folder / "dist")
    assert modes(folder / "dist") == modes(released / "dist")
    for name in ("releases.json", "CHANGELOG.md"):
        assert (folder / name).read_bytes() == (released / name).read_bytes()


def released_commit(folder: Path, back: int) -> str:
    return git(folder, "rev-parse", f"HEAD~{back}").strip()


def test_what_was_released_is_rebuilt_with_git_alone(released: Path, around: dict[str, Any], tmp_path: Path) -> None:
    """Without the store, so that what changed since 0.1.0 is found in git; the delta among it."""
    folder = clone(released, tmp_path / around.get("place", "clone"), around)
    said = release(folder, {**around, "environment": {**around.get("environment", {}), "SOURCE_DATE_EPOCH": "1"}})
    assert said == "0.2.0: nothing to release; dist/0.2.0 rebuilt, identical to the ledger's\n"
    assert (folder / "dist/0.2.0/delta/datapackage.json").is_file()
    assert_same(released / "dist/0.2.0", folder / "dist/0.2.0")
    assert git(folder, "status", "--porcelain") == ""


def test_the_order_of_formats_and_what_else_is_in_the_store_do_not_show(released: Path, tmp_path: Path) -> None:
    folder = clone(released, tmp_path / "clone", {})
    backwards = ",".join(reversed(releases.building.FORMATS))
    release(folder, {}, "--formats", backwards, "--out", str(tmp_path / "out"))
    assert_same(released / "dist/0.2.0", tmp_path / "out/0.2.0")


# Large enough for several threads, row groups and batches


ROWS = 300_000
CLOCK = {"environment": {"SOURCE_DATE_EPOCH": "1709164800"}}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package with a table of 300,000 rows, released as 0.1.0; a fiftieth of them is gone and others differ in 0.2.0."""
    fields = [
        {"name": "id", "type": "integer"},
        {"name": "name", "type": "string"},
        {"name": "height", "type": "number"},
        {"name": "found", "type": "date"},
    ]
    chance = random.Random(7)
    lines = ["id;name;height;found"]
    for number in range(ROWS):
        name, height = f"plant {chance.randrange(1000)}", chance.randrange(10**6) / 1000
        lines.append(f"{number};{name};{height};20{chance.randrange(10, 24)}-0{chance.randrange(1, 10)}-11")
    schema = {"fields": fields, "primaryKey": "id"}
    plants = {"name": "plants", "type": "table", "path": "plants.csv", "schema": schema, "dialect": {"delimiter": ";"}}
    descriptor = {"name": "large", "version": "0.1.0", "resources": [plants]}
    files = {"datapackage.json": descriptor, "plants.csv": "\n".join(lines) + "\n"}
    folder = write(tmp_path_factory.mktemp("large") / "large", files)
    release(folder, CLOCK, "--formats", "none")
    changed = [line.replace("plant 7", "plant 8") for number, line in enumerate(lines) if number % 50 or not number]
    (folder / "plants.csv").write_text("\n".join(changed) + "\n", encoding="utf-8")
    set_version(folder, "0.1.0", "0.2.0")
    return folder


def test_a_large_release_is_the_same_with_other_threads_and_memory(large: Path, tmp_path: Path) -> None:
    ways = {"usual": {}, "narrow": {"before": ["taskset", "--cpu-list", "0"], "arguments": ["--memory", "300MB"]}}
    for name, around in ways.items():
        release(shutil.copytree(large, tmp_path / name), {**around, **CLOCK}, "--formats", "csv,json,parquet,sqlite,delta")
    assert_same(tmp_path / "usual", tmp_path / "narrow")
    assert (tmp_path / "usual/dist/0.2.0/delta/added/plants.csv").stat().st_size > 100_000


# The record itself


def test_the_record_is_rebuilt_alike_by_two_clones(tmp_path: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("the record is in no git repository here: run the tests in a clone")
    for name, around in (("one", {}), ("two", {**SURROUNDINGS[0], "arguments": ["--memory", "300MB"]})):
        folder = clone(ROOT, tmp_path / name, {})
        release(folder, around)
        assert git(folder, "status", "--porcelain") == ""
    assert_same(tmp_path / "one/dist", tmp_path / "two/dist")
