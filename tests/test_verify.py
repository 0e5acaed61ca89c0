"""`imprint verify`: whatever differs from what was released is named, whoever changed the digests with it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from herbs import RELEASED, edit, repository, set_version
from packages import imprint, tree

from imprint import archive
from imprint.verification import verify


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two releases."""
    folder = repository(tmp_path_factory.mktemp("template") / "herbs")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SOURCE_DATE_EPOCH", "1700000000")
        assert imprint("release", cwd=folder).exit_code == 0
        set_version(folder, "0.1.0", "0.1.1")
        edit(folder, "data/plants.csv", "0.75", "0.76")
        assert imprint("release", cwd=folder).exit_code == 0
    return folder / "dist"


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(template, tmp_path / "dist")


@pytest.fixture
def release(store: Path) -> Path:
    return store / "0.1.0"


def problems(path: Path) -> list[str]:
    """What verifying from the command line finds wrong; the exit code must say the same."""
    done = imprint("verify", path, "--format", "json")
    found = [problem for one in json.loads(done.stdout) for problem in one["problems"]]
    assert done.exit_code == (1 if found else 0)
    return found


def named(found: list[str], name: str) -> bool:
    return any(name in problem for problem in found)


def seal(release: Path) -> None:
    """Make every digest fit again, as somebody who tampers with more than one file would."""
    package = json.loads((release / "datapackage.json").read_text(encoding="utf-8"))
    for resource in package["resources"]:
        if "hash" in resource:
            path = release / resource["path"]
            resource |= {"bytes": path.stat().st_size, "hash": f"sha256:{archive.sha256(path)}"}
    rewrite(release / "datapackage.json", lambda _: package)
    archive_name = json.loads((release / "manifest.json").read_text(encoding="utf-8"))["archive"]
    zipped = [name for name in tree(release) if name.startswith(("data", "schemas", "CHANGES"))]
    archive.write_zip(release / archive_name, release, zipped, archive_name.removesuffix(".zip"), 0)

    def with_digests(manifest: Any) -> Any:
        listed = {
            name: {"bytes": (release / name).stat().st_size, "sha256": archive.sha256(release / name)}
            for name in manifest["files"]
        }
        return {**manifest, "files": listed}

    rewrite(release / "manifest.json", with_digests)
    names = [name for name in archive.files_below(release) if name != "SHA256SUMS"]
    (release / "SHA256SUMS").write_text(archive.sums(release, names), encoding="utf-8")


def rewrite(path: Path, change: Callable[[Any], Any]) -> None:
    path.write_text(json.dumps(change(json.loads(path.read_text(encoding="utf-8")))), encoding="utf-8")


def test_a_store_and_a_release_are_as_they_were_released(store: Path) -> None:
    done = imprint("verify", store)
    assert done.exit_code == 0
    count = len(RELEASED)
    assert done.stdout == f"{store}/0.1.0: {count} files, all as released\n{store}/0.1.1: {count} files, all as released\n"
    assert problems(store / "0.1.0") == []


def test_json_output_lists_each_release(store: Path) -> None:
    assert json.loads(imprint("verify", "--format", "json", store).stdout) == [
        {"version": v, "path": f"{store}/{v}", "valid": True, "files": len(RELEASED) - 2, "problems": []}
        for v in ("0.1.0", "0.1.1")
    ]


@pytest.mark.parametrize("name", RELEASED)
def test_one_byte_changed_in_any_file_is_found_and_the_file_named(release: Path, name: str) -> None:
    raw = bytearray((release / name).read_bytes())
    raw[len(raw) // 2] ^= 0x81
    (release / name).write_bytes(raw)
    assert named(problems(release), name)


@pytest.mark.parametrize("name", [*RELEASED[:2], *RELEASED[3::3], "manifest.json"])
def test_a_file_that_is_gone_is_named(release: Path, name: str) -> None:
    (release / name).unlink()
    if name == "manifest.json":  # nothing tells any more that this is a release, but for the index
        assert imprint("verify", release).exit_code == 3
        assert named(problems(release.parent), name)
    else:
        assert named(problems(release), name)


@pytest.mark.parametrize("name", ["manifest.json", "SHA256SUMS", "datapackage.json", "herbs-0.1.0.zip", "data/plants.csv"])
def test_an_empty_file_is_named(release: Path, name: str) -> None:
    (release / name).write_bytes(b"")
    assert named(problems(release), name)


@pytest.mark.parametrize("name", ["extra.txt", "data/extra.csv", ".hidden"])
def test_a_file_too_many_is_named(release: Path, name: str) -> None:
    (release / name).write_text("x", encoding="utf-8")
    assert problems(release) == [f"{name} is not in SHA256SUMS"]


def test_every_line_of_the_sums_counts(release: Path) -> None:
    whole = (release / "SHA256SUMS").read_text(encoding="utf-8").splitlines(keepends=True)
    for number, line in enumerate(whole):
        digest, _, name = line.strip().partition("  ")
        lines = [*whole[:number], *([f"{'0' * 64}  {name}\n"] if number % 2 else []), *whole[number + 1 :]]
        (release / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")
        (found,) = verify(release)
        assert any(name in problem and "SHA256SUMS" in problem for problem in found.problems), (name, found.problems)
        assert digest == archive.sha256(release / name)


def test_sums_that_list_a_file_that_is_not_there_are_wrong(release: Path) -> None:
    with (release / "SHA256SUMS").open("a", encoding="utf-8") as file:
        file.write(f"{'0' * 64}  nowhere.csv\n")
    assert problems(release) == ["nowhere.csv is missing"]


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("data/plants.csv", "12,true", "13,true", 'the values of "plants" are not those that were released (height)'),
        ("data/plants.csv", "Yarrow", "yarrow", 'the values of "plants" are not those that were released (name)'),
        ("data/plants.csv", "true,,", "true,2020-01-01,", 'the values of "plants" are not those that were released (found)'),
        (
            "data/plants.csv", "8,Yarrow,1,false,2017-06-06,\n", "",
            'the values of "plants" are not those that were released (id, name, height, evergreen, found, tags)',
        ),
        (
            "data/plants.csv", "1,Basil,0.5,false,2021-03-01,\"annual,kitchen\"\n2,Bay",
            "2,Basil,0.5,false,2021-03-01,\"annual,kitchen\"\n1,Bay",
            'the values of "plants" are not those that were released (row by row)',
        ),
        ("data/sightings.json", "Ségou", "Segou", 'the values of "sightings" are not those that were released (place)'),
        ("data/uses-2.csv", "ink", "oil", 'the values of "uses" are not those that were released (use)'),
        ("data/about.json", "2017", "2018", "the package's fingerprint is not that of the manifest"),
        ("schemas/plants.json", '"minimum": 0', '"minimum": 1', "the package's fingerprint is not that of the manifest"),
        ("datapackage.json", "CC0-1.0", "CC-BY-4.0", "the package's fingerprint is not that of the manifest"),
    ],
)  # fmt: skip
def test_a_change_whose_digests_were_all_made_to_fit_is_found_by_the_fingerprints(
    release: Path, name: str, old: str, new: str, said: str
) -> None:
    edit(release, name, old, new)
    seal(release)
    found = problems(release)
    assert said in found
    assert [problem for problem in found if "fingerprint" not in problem and "values" not in problem] == []
    assert not [problem for problem in problems(release.parent) if problem not in found and "index.json" not in problem]


def test_sealing_alone_hides_nothing_and_changes_nothing(release: Path) -> None:
    seal(release)
    assert problems(release) == []


def test_another_order_of_rows_with_digests_made_to_fit_is_the_same_content(release: Path) -> None:
    header, *rows = (release / "data/plants.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (release / "data/plants.csv").write_text("".join([header, *reversed(rows)]), encoding="utf-8")
    seal(release)
    assert problems(release) == []
    (found,) = [one for one in verify(release.parent) if one.version == "0.1.0"]
    assert found.problems == ("herbs-0.1.0.zip is not what index.json says",)


def test_a_zip_that_holds_another_file_than_the_one_beside_it_is_wrong(release: Path) -> None:
    raw = (release / "data/plants.csv").read_bytes()
    edit(release, "data/plants.csv", "12,true", "13,true")
    seal(release)
    (release / "data/plants.csv").write_bytes(raw)
    kept = (release / "herbs-0.1.0.zip").read_bytes()
    seal(release)
    (release / "herbs-0.1.0.zip").write_bytes(kept)
    found = problems(release)
    assert "herbs-0.1.0.zip: data/plants.csv is not the file beside it" in found


def test_a_descriptor_whose_digests_are_not_those_of_its_data_is_wrong(release: Path) -> None:
    def other(content: Any) -> Any:
        content["resources"][0]["hash"] = f"sha256:{'0' * 64}"
        return content

    rewrite(release / "datapackage.json", other)
    found = problems(release)
    assert any(problem.startswith('"plants" is not what datapackage.json says: expected is') for problem in found)


@pytest.mark.parametrize(
    ("word", "value", "said"),
    [
        ("date", "2020-01-01", '"date" is 2023-11-14 here and 2020-01-01 in index.json'),
        ("version", "9.9.9", '"version" is 0.1.0 here and 9.9.9 in index.json'),
        ("fingerprint", "0", "in index.json"),
        ("sha256", "0", "herbs-0.1.0.zip is not what index.json says"),
        ("path", "nowhere/", "manifest.json can't be used"),
    ],
)
def test_an_index_that_disagrees_with_a_release_is_found(store: Path, word: str, value: str, said: str) -> None:
    def other(index: Any) -> Any:
        index["versions"][0][word] = value
        return index

    rewrite(store / "index.json", other)
    assert named(problems(store), said)


def test_an_index_whose_latest_is_not_its_last_version_is_wrong(store: Path) -> None:
    rewrite(store / "index.json", lambda index: {**index, "latest": "0.1.0"})
    assert problems(store) == ['"latest" is 0.1.0, not the last version']


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"latest": null, "versions": [1]}', '{"latest": "1", "versions": {}}'])
def test_an_index_that_makes_no_sense_is_a_problem_not_a_crash(store: Path, text: str) -> None:
    (store / "index.json").write_text(text, encoding="utf-8")
    assert problems(store) != []


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"files": [], "resources": {}, "archive": 1, "fingerprint": ""}', '{"files": {"a": 1}}']
)
def test_a_manifest_that_makes_no_sense_is_a_problem_not_a_crash(release: Path, text: str) -> None:
    (release / "manifest.json").write_text(text, encoding="utf-8")
    assert named(problems(release), "manifest.json")


def test_a_place_without_a_release_is_said_in_one_line(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        done = imprint("verify", path)
        assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (3, "", 1)
