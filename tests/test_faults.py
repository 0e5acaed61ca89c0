"""Never half, never twice: `imprint release` broken off at each of its writes, and two of them at once.

A case of `cases/faults.json` is a release; its `steps` say in which order the parts of the old state become those of the new.
Wherever it is broken off, what is there is the old state after some of the steps, and releasing again ends where an
undisturbed release does. `from` is the first write at which it is broken off, if that isn't the very first; of those inside
the directories that a release is built in, where nobody looks before the rename, every second one. `least` says how many
writes that must be, 200 altogether.
"""

from __future__ import annotations

import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from faults import Done, Run, Server, new_key
from herbs import edit, repository, set_version
from packages import CASES, imprint, tree, write

from imprint import ledger, store, verification

GARDEN: dict[str, Any] = {
    "plants.csv": "id,name,sown\n1,Basil,2021-03-01\n2,Mint,\n3,Sage,2019-07-19\n",
    "about.txt": "Herbs.\n",
    "datapackage.json": {
        "name": "garden",
        "version": "0.1.0",
        "resources": [
            {
                "name": "plants",
                "type": "table",
                "path": "plants.csv",
                "schema": {
                    "primaryKey": "id",
                    "fields": [
                        {"name": "id", "type": "integer"},
                        {"name": "name", "type": "string"},
                        {"name": "sown", "type": "date"},
                    ],
                },
            },
            {"name": "about", "path": "about.txt"},
        ],
    },
}
TODAY, TOMORROW = {"SOURCE_DATE_EPOCH": "1709164800"}, {"SOURCE_DATE_EPOCH": "1709251200"}
FULL = "No space left on device"
Tree = dict[str, bytes]


@dataclass
class Case:
    """A release that is broken off: the directory with the package in `garden`, the states before and after."""

    arguments: Sequence[str]
    points: Sequence[int]
    steps: Sequence[tuple[str, str]]
    version: str
    start: Path
    writes: Sequence[str]
    old: Tree
    new: Mapping[str, Tree]  # by the day on which it is begun
    seen: dict[str, Path] = field(default_factory=dict)  # a copy of each state that was found

    @property
    def states(self) -> list[dict[str, str]]:
        """The state of each part before the first step and after each."""
        now = {part: "old" for part, _ in self.steps}
        states = [now]
        for part, state in self.steps:
            states.append(now := {**now, part: state})
        return states

    def state(self, found: Tree) -> dict[str, str]:
        """Whether each part is as before or after the release, or not there."""
        new = self.new["today"]
        return {part: _state(below(found, part), below(self.old, part), below(new, part)) for part, _ in self.steps}


def below(files: Tree, part: str) -> Tree:
    return {name: content for name, content in files.items() if name == part or name.startswith(f"{part}/")}


def _state(found: Tree, old: Tree, new: Tree) -> str:
    if found == old:
        return "old"
    return "new" if found == new else "other" if found else "none"


@pytest.fixture(scope="module")
def servers() -> Iterator[Callable[[Run], Done]]:
    """Makes runs, as many at a time as there are processors."""
    free: queue.SimpleQueue[Server] = queue.SimpleQueue()
    made = [Server() for _ in range(os.cpu_count() or 1)]
    for one in made:
        free.put(one)

    def run(asked: Run) -> Done:
        server = free.get()
        try:
            return server.run(asked)
        finally:
            free.put(server)

    yield run
    for one in made:
        one.__exit__()


def garden(folder: Path) -> Path:
    """The package, released as 0.1.0 and 0.2.0 and signed."""
    folder.mkdir()
    new_key(folder / "key.pem")
    package = write(folder / "garden", GARDEN)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SOURCE_DATE_EPOCH", TODAY["SOURCE_DATE_EPOCH"])
        for version in ("0.1.0", "0.2.0"):
            done = imprint("release", "--sign", "../key.pem", cwd=package)
            assert done.exit_code == 0, done.stderr
            if version == "0.1.0":
                set_version(package, "0.1.0", "0.2.0")
                edit(package, "plants.csv", "3,Sage,", "4,Thyme,")
    return folder


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return garden(tmp_path_factory.mktemp("template") / "start")


ROWS = json.loads((CASES / "faults.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module", params=ROWS, ids=[row["case"] for row in ROWS])
def case(
    request: pytest.FixtureRequest, template: Path, servers: Callable[[Run], Done], tmp_path_factory: pytest.TempPathFactory
) -> Case:
    row = request.param
    folder = tmp_path_factory.mktemp("case")
    start = shutil.copytree(template, folder / "start")
    for name, (old, new) in row["edit"].items():
        edit(start / "garden", name, old, new)
    new, writes = {}, []
    for word, day in (("today", TODAY), ("tomorrow", TOMORROW)):
        whole = shutil.copytree(start, folder / word)
        done = servers(Run(row["arguments"], str(whole / "garden"), "count", environment=day))
        assert done.code == 0, done.stderr
        new[word], writes = tree(whole / "garden"), list(done.writes)
    first = writes.index(row["from"]) + 1 if row["from"] else 1
    inside = re.compile(rf"(?!os\.rename).*/(imprint-|\.{re.escape(row['version'])}\.)")
    points = [at for at, one in enumerate(writes, 1) if at >= first and ((at - first) % 2 or not inside.match(one))]
    assert len(points) >= row["least"]
    steps = [(part, state) for part, state in row["steps"]]
    found = Case(row["arguments"], points, steps, row["version"], start, writes, tree(start / "garden"), new)
    assert all(content == new["today"][name] for name, content in found.old.items() if not changes(found, name))
    return found


def changes(case: Case, name: str) -> bool:
    return any(name == part or name.startswith(f"{part}/") for part, _ in case.steps)


def hidden(package: Path) -> list[Path]:
    """What stands beside the package's and the store's own files."""
    return [path for folder in (package, package / "dist") for path in folder.iterdir() if path.name.startswith(".")]


def visible(package: Path) -> Tree:
    return {name: content for name, content in tree(package).items() if "/." not in f"/{name}"}


def broken_off(case: Case, servers: Callable[[Run], Done], folder: Path, how: str, at: int) -> Done:
    """Make the release and break it off there; check what is there then, and what clearing away leaves."""
    place = shutil.copytree(case.start, folder / f"{how}-{at}")
    package = place / "garden"
    (place / "aside").mkdir()
    aside = {"TMPDIR": str(place / "aside")}
    done = servers(Run(case.arguments, str(package), how, at, {**TODAY, **aside}))
    if how.startswith("full"):
        assert_one_sentence(done, case, package)
        assert hidden(package) == []
        assert [*(place / "aside").iterdir()] == []
    assert_old_or_new(case, package, folder)
    if hidden(package):
        with store.alone(package, package / "dist"):
            pass
        assert hidden(package) == []
        assert_old_or_new(case, package, folder)
    shutil.rmtree(place)
    return done


def assert_one_sentence(done: Done, case: Case, package: Path) -> None:
    if done.code == 0:  # nothing was left to write
        assert tree(package) == case.new["today"]
        return
    assert (done.code, done.stdout) == (3, ""), done.stderr
    assert done.stderr.startswith("imprint: ")
    assert done.stderr.count("\n") == 1, done.stderr


def assert_old_or_new(case: Case, package: Path, folder: Path) -> None:
    """Every part is as it was or as it will be, in the order of the steps, and nothing else is there or changed."""
    found = visible(package)
    assert {name for name in found if not changes(case, name)} == {name for name in case.old if not changes(case, name)}
    assert all(found[name] == content for name, content in case.old.items() if not changes(case, name))
    state = case.state(found)
    assert state in case.states
    if str(state) not in case.seen:
        case.seen[str(state)] = shutil.copytree(package.parent, folder / f"seen-{len(case.seen)}", dirs_exist_ok=True)


def assert_store_is_whole(case: Case, package: Path) -> None:
    """What the index lists is as it was released; ledger and changelog can be read."""
    unlisted = f"{case.version} is a release, and is not in index.json"
    problems = [problem for one in verification.verify(package / "dist") for problem in one.problems]
    assert [problem for problem in problems if problem != unlisted] == []
    assert len(ledger.read(package)) in (2, 3)


def assert_released_again(case: Case, servers: Callable[[Run], Done], place: Path) -> None:
    """The next day's release ends as if nothing had been."""
    package = place / "garden"
    begun = case.state(visible(package))[f"dist/{case.version}"] == "new"
    done = servers(Run(case.arguments, str(package), environment=TOMORROW))
    assert done.code == 0, done.stderr
    assert hidden(package) == []
    assert tree(package) == case.new["today" if begun else "tomorrow"]


def every(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [one.result() for one in [pool.submit(call) for call in calls]]


def check_every(case: Case, servers: Callable[[Run], Done], folder: Path, points: Sequence[tuple[str, int]]) -> list[Done]:
    """Break the release off at all of these points, and release again from each state that this gave."""
    case.seen.clear()
    done = every([lambda how=how, at=at: broken_off(case, servers, folder, how, at) for how, at in points])
    for place in case.seen.values():
        assert_store_is_whole(case, place / "garden")
        assert_released_again(case, servers, place)
    return done


# Killed, and on a full disk


def test_a_release_killed_at_any_write_leaves_the_old_state_or_the_new(
    case: Case, servers: Callable[[Run], Done], tmp_path: Path
) -> None:
    points = [("kill", at) for at in case.points]
    done = check_every(case, servers, tmp_path, points)
    assert [(one.code, len(one.writes)) for one in done] == [(-signal.SIGKILL, at) for _, at in points]
    assert set(case.seen) == {str(state) for state in case.states}
    print(f"killed at {len(points)} of {len(case.writes)} writes, {len(case.seen)} states")


def test_a_disk_that_is_full_from_any_write_on_leaves_the_old_state_or_the_new(
    case: Case, servers: Callable[[Run], Done], tmp_path: Path
) -> None:
    room = ("open", "write", "sendfile", "fsync", "os.mkdir", "os.rename", "sqlite3.connect")
    points = [("full", at) for at in case.points if case.writes[at - 1].partition(":")[0] in room]
    done = check_every(case, servers, tmp_path, points)
    assert {one.code for one in done} <= {0, 3}
    assert sum(FULL in one.stderr for one in done) > 0.9 * len(points)
    print(f"full from {len(points)} writes on, {len(case.seen)} states")


@pytest.mark.parametrize("how", ["kill-size", "full-size"])
def test_no_writer_can_leave_a_half_file(case: Case, how: str, servers: Callable[[Run], Done], tmp_path: Path) -> None:
    """The system itself stops whatever writes beyond a size: DuckDB, SQLite and XlsxWriter as well."""
    if case.points[0] > 2:
        return
    largest = max(len(content) for content in case.new["today"].values())
    points = [(how, at) for at in range(600, largest, largest // 10)]
    done = check_every(case, servers, tmp_path, points)
    assert {one.code for one in done} <= {0, 3 if how == "full-size" else -signal.SIGXFSZ}
    assert sum(one.code != 0 for one in done) > 7


def test_a_disk_that_is_really_full(case: Case, tmp_path: Path) -> None:
    """A file system in memory with room for so much of the release and no more, which SQLite and DuckDB notice themselves."""
    if case.points[0] > 2:
        return
    mount = ["unshare", "--mount", "--map-root-user", "sh", "-c", f"mount -t tmpfs none {tmp_path}"]
    if not shutil.which("unshare") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk of its own for this test: it needs Linux, unshare (util-linux), and leave to mount a tmpfs")
    (disk := tmp_path / "disk").mkdir()
    with Server(disk) as server:
        assert server.run(Run(["--version"], str(disk))).code == 0
        start = shutil.copytree(case.start, server.disk / "start")
        aside = {**TODAY, "TMPDIR": str(disk)}
        codes = []
        for room in range(0, 208 << 10, 13 << 10):
            package = shutil.copytree(start, server.disk / "now") / "garden"
            (server.disk / "ballast").write_bytes(bytes(max(0, free(server.disk) - room)))
            done = server.run(Run(case.arguments, str(disk / "now/garden"), environment=aside))
            (server.disk / "ballast").unlink()
            assert_one_sentence(done, case, package)
            assert hidden(package) == []
            assert_old_or_new(case, package, tmp_path)
            codes.append(done.code)
            shutil.rmtree(package.parent)
        assert codes.count(3) > 8
        assert [path.name for path in server.disk.iterdir()] == ["start"]


def free(disk: Path) -> int:
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize


# Two at once


WAIT = "another release is being made there; wait until it is done"


def process(package: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "imprint.commands", "release", "--formats", "none", *arguments]
    return subprocess.Popen(
        command, cwd=package, env={**os.environ, **TODAY}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def outcome(one: subprocess.Popen[str]) -> Done:
    out, err = one.communicate(timeout=60)
    return Done(one.returncode, out, err)


@pytest.fixture
def ready(template: Path, tmp_path: Path) -> Path:
    """The package, ready to be released as 0.3.0."""
    package = shutil.copytree(template, tmp_path / "ready") / "garden"
    set_version(package, "0.2.0", "0.3.0")
    edit(package, "plants.csv", "Mint", "Dill")
    return package


@pytest.mark.parametrize("elsewhere", [False, True], ids=["the same directory", "another clone with the same --out"])
def test_while_a_release_is_being_made_another_says_so_and_changes_nothing(ready: Path, elsewhere: bool) -> None:
    other = shutil.copytree(ready, ready.parent / "other") if elsewhere else ready
    out = str(ready / "dist")
    first = process(ready, "--out", out)
    while not hidden(ready) and first.poll() is None:
        time.sleep(0.001)
    first.send_signal(signal.SIGSTOP)  # in the midst of it
    try:
        before = tree(ready.parent)
        second = outcome(process(other, "--out", out))
        assert tree(ready.parent) == before
    finally:
        first.send_signal(signal.SIGCONT)
    held = out if elsewhere else ready
    assert (second.code, second.stdout, second.stderr) == (3, "", f"imprint: {held}: {WAIT}\n")
    assert outcome(first).code == 0
    assert verified(ready) == []


def verified(package: Path) -> list[str]:
    found = verification.verify(package / "dist", ledger_file=package / ledger.NAME)
    return [problem for one in found for problem in one.problems]


def test_of_several_releases_at_once_one_wins(ready: Path) -> None:
    done = [outcome(one) for one in [process(ready) for _ in range(4)]]
    won = [one for one in done if "0.3.0 released" in one.stdout]
    assert len(won) == 1
    for one in done:
        late = one.code == 0 and "nothing to release" in one.stdout
        assert one in won or late or (one.code, one.stderr) == (3, f"imprint: {ready}: {WAIT}\n"), one
    assert hidden(ready) == []
    assert verified(ready) == []


def test_of_two_clones_that_release_other_content_as_one_version_one_wins(ready: Path) -> None:
    other = shutil.copytree(ready, ready.parent / "other")
    edit(other, "plants.csv", "Dill", "Rue")
    before = tree(ready / "dist")
    done = [outcome(one) for one in [process(folder, "--out", str(ready / "dist")) for folder in (ready, other)]]
    winner, loser = (0, 1) if done[0].code == 0 else (1, 0)
    assert (done[winner].code, done[winner].stderr) == (0, "")
    assert done[loser].code in (1, 3)
    assert done[loser].stderr.count("\n") == 1
    package, lost = ((ready, other), (other, ready))[winner]
    assert (ready / "dist/0.3.0/plants.csv").read_bytes() == (package / "plants.csv").read_bytes()
    assert [one.version for one in ledger.read(lost)] == ["0.1.0", "0.2.0"]
    assert [one.version for one in ledger.read(package)] == ["0.1.0", "0.2.0", "0.3.0"]
    after = tree(ready / "dist")
    assert {name: content for name, content in after.items() if name in before and "/" in name} == {
        name: content for name, content in before.items() if "/" in name
    }


# The ledger and the store disagree


def ledger_says(package: Path, version: str, **said: str) -> None:
    """Change what the ledger says of a version; take it out of the ledger where nothing is said."""
    path = package / ledger.NAME
    content = json.loads(path.read_text(encoding="utf-8"))
    content["releases"] = [
        {**one, **said} if one["version"] == version else one
        for one in content["releases"]
        if said or one["version"] != version
    ]
    path.write_text(json.dumps(content), encoding="utf-8")


def refused(package: Path, code: int, *arguments: str) -> str:
    """The one sentence of a release that changes nothing."""
    before = tree(package)
    done = imprint("release", *arguments, cwd=package)
    assert tree(package) == before
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (code, "", 1), done.output
    return done.stderr.removeprefix("imprint: ").removesuffix("\n")


@pytest.mark.parametrize("version", ["0.1.0", "0.2.0"])
@pytest.mark.parametrize("word", ["sha256", "fingerprint"])
def test_a_release_that_is_not_what_the_ledger_says_is_reported(ready: Path, version: str, word: str) -> None:
    ledger_says(ready, version, **{word: "0" * 64})
    said = f"dist/{version}: is not what releases.json says that {version} was; run imprint verify, and restore what is wrong"
    assert refused(ready, 3) == said


@pytest.mark.parametrize("version", ["0.1.0", "0.2.0"])
def test_a_release_that_the_ledger_lacks_is_reported(ready: Path, version: str) -> None:
    ledger_says(ready, version)
    said = f"dist/{version}: is a release, and releases.json doesn't list it; restore releases.json from git, or move it away"
    assert refused(ready, 3) == said


def test_another_packages_store_is_not_released_into(ready: Path, tmp_path: Path) -> None:
    other = repository(tmp_path / "herbs")
    said = 'has releases of "garden", not of "herbs"; name another directory with --out'
    assert refused(other, 2, "--out", str(ready / "dist")) == f"{ready}/dist: {said}"


def test_the_version_itself_in_the_store_with_other_content_and_not_in_the_ledger_is_left(ready: Path) -> None:
    set_version(ready, "0.3.0", "0.2.0")
    ledger_says(ready, "0.2.0")
    said = 'dist/0.2.0: is there, but "CHANGES.md" is not what a build gives'
    assert refused(ready, 1).startswith(said)


def test_a_release_that_only_the_ledger_has_may_be_elsewhere_and_is_not_listed(ready: Path) -> None:
    shutil.rmtree(ready / "dist/0.1.0")
    assert imprint("release", cwd=ready).exit_code == 0
    index = json.loads((ready / "dist/index.json").read_text(encoding="utf-8"))
    assert [one["version"] for one in index["versions"]] == ["0.2.0", "0.3.0"]
    assert verified(ready) == ["0.1.0 is in the ledger, and not in index.json"]


def test_a_manifest_that_cannot_be_read_stops_the_release(ready: Path) -> None:
    (ready / "dist/0.1.0/manifest.json").write_text("{}\n", encoding="utf-8")
    assert refused(ready, 1).startswith("dist/0.1.0/manifest.json: is no manifest of a release")


def test_a_release_without_the_key_takes_the_signature_of_the_index_away_and_says_so(ready: Path) -> None:
    done = imprint("release", cwd=ready)
    assert (done.exit_code, done.stdout.splitlines()[-3]) == (
        0, "note: the index is no longer signed: sign it with --sign",
    )  # fmt: skip
    assert not (ready / "dist/index.attestation.json").exists()
    assert verified(ready) == []
