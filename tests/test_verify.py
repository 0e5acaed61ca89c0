"""`imprint verify`: whatever differs from what was released is named, whoever changed the digests with it."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from herbs import edit, repository, set_version
from packages import imprint, tree
from serving import serving
from tampering import seal

from imprint import archive
from imprint.manifest import read_index
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
    shutil.copy(template.parent / "releases.json", tmp_path)
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


def rewrite(path: Path, change: Callable[[Any], Any]) -> None:
    """Another content for a JSON file, in the form that it has."""
    content = change(json.loads(path.read_text(encoding="utf-8")))
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def test_a_store_and_a_release_are_as_they_were_released(store: Path) -> None:
    done = imprint("verify", store)
    assert done.exit_code == 0
    counts = {version: len(tree(store / version)) for version in ("0.1.0", "0.1.1")}
    lines = [f"{store}/{version}: {count} files, all as released\n" for version, count in counts.items()]
    assert done.stdout == "".join(lines)
    assert problems(store / "0.1.0") == []


def test_json_output_lists_each_release(store: Path) -> None:
    assert json.loads(imprint("verify", "--format", "json", store).stdout) == [
        {
            "version": version, "path": f"{store}/{version}", "valid": True, "files": len(tree(store / version)), "signedBy": None,
            "verdictDerived": False, "problems": [], "notes": [],
        }
        for version in ("0.1.0", "0.1.1")
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["extra.txt", "data/extra.csv", ".hidden"])
def test_a_file_too_many_is_named(release: Path, name: str) -> None:
    (release / name).write_text("x", encoding="utf-8")
    assert problems(release) == [f"{name} is not in SHA256SUMS or manifest.json"]


def test_every_line_of_the_sums_counts(release: Path) -> None:
    whole = (release / "SHA256SUMS").read_text(encoding="utf-8").splitlines(keepends=True)
    for number, line in enumerate(whole):
        digest, _, name = line.strip().partition("  ")
        lines = [*whole[:number], *([f"{'0' * 64}  {name}\n"] if number % 2 else []), *whole[number + 1 :]]
        (release / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")
        (found,) = verify(release, quick=True)
        assert any(name in problem and "SHA256SUMS" in problem for problem in found.problems), (name, found.problems)
        assert digest == archive.sha256(release / name)


def test_sums_that_list_a_file_that_is_not_there_are_wrong(release: Path) -> None:
    with (release / "SHA256SUMS").open("a", encoding="utf-8") as file:
        file.write(f"{'0' * 64}  nowhere.csv\n")
    assert problems(release) == ["SHA256SUMS isn't in the form that a release gives it", "nowhere.csv is missing"]


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
    assert [problem for problem in found if "fingerprint" not in problem and "values" not in problem] == [], found
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
    assert found.problems == (
        "herbs-0.1.0.zip is not what index.json says",
        "manifest.json is not what index.json says",
    )


def test_a_zip_that_holds_another_file_than_the_one_beside_it_is_wrong(release: Path) -> None:
    raw = (release / "data/plants.csv").read_bytes()
    edit(release, "data/plants.csv", "12,true", "13,true")
    seal(release)
    (release / "data/plants.csv").write_bytes(raw)
    kept = (release / "herbs-0.1.0.zip").read_bytes()
    seal(release)
    (release / "herbs-0.1.0.zip").write_bytes(kept)
    digests = {"bytes": len(kept), "sha256": archive.sha256(release / "herbs-0.1.0.zip")}
    rewrite(release / "manifest.json", lambda one: {**one, "files": {**one["files"], "herbs-0.1.0.zip": digests}})
    names = [name for name in archive.files_below(release) if name != "SHA256SUMS"]
    (release / "SHA256SUMS").write_text(archive.sums(release, names), encoding="utf-8")
    found = problems(release)
    assert "herbs-0.1.0.zip: data/plants.csv is not the file beside it" in found


def test_a_descriptor_whose_digests_are_not_those_of_its_data_is_wrong(release: Path) -> None:
    def other(content: Any) -> Any:
        content["resources"][0]["hash"] = f"sha256:{'0' * 64}"
        return content

    rewrite(release / "datapackage.json", other)
    assert problems(release) == ["datapackage.json is not what SHA256SUMS and manifest.json say"]
    seal(release, again=False)
    assert problems(release) == ['"plants" has another digest than datapackage.json says']


@pytest.mark.parametrize(
    ("word", "value", "said"),
    [
        ("date", "2020-01-01", '"date" is 2023-11-14 here, and 2020-01-01 in index.json'),
        ("version", "0.0.9", '"version" is 0.1.0 here, and 0.0.9 in index.json'),
        ("fingerprint", "0" * 64, "…00000000000 in index.json"),
        ("sha256", "0" * 64, "herbs-0.1.0.zip is not what index.json says"),
        ("path", "nowhere/", "is in index.json, and has no manifest.json"),
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
    assert problems(store) == ['index.json can\'t be used ("latest" is 0.1.0, not the last version)']


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


# A zip


def zipped(folder: Path, target: Path) -> Path:
    return Path(shutil.make_archive(str(target), "zip", folder.parent, folder.name))


def test_a_zip_of_a_release_or_a_store_is_checked_as_that_is(store: Path, tmp_path: Path) -> None:
    (one,) = verify(zipped(store / "0.1.0", tmp_path / "one"))
    assert (one.version, one.path, one.problems) == ("0.1.0", tmp_path / "one.zip", ())
    edit(store / "0.1.1", "CHANGES.md", "0.1.1", "0.1.2")
    found = verify(zipped(store, tmp_path / "all"))
    assert [(each.path.relative_to(tmp_path).as_posix(), each.problems) for each in found] == [
        ("all.zip/0.1.0", ()),
        (
            "all.zip/0.1.1",
            (
                "CHANGES.md is not what SHA256SUMS and manifest.json say",
                "herbs-0.1.1.zip: CHANGES.md is not the file beside it",
            )[:1],
        ),
    ]


def test_the_zip_of_a_package_is_checked_against_a_ledger_that_knows_it(template: Path, tmp_path: Path) -> None:
    path, ledger = template / "0.1.0/herbs-0.1.0.zip", template.parent / "releases.json"
    (one,) = verify(path, ledger_file=ledger)
    assert (one.version, one.problems, one.notes) == ("0.1.0", (), ())
    other = shutil.copy(path, tmp_path)
    with zipfile.ZipFile(other, "a") as opened:
        opened.writestr("herbs-0.1.0/more.txt", "")
    (one,) = verify(Path(other), ledger_file=ledger)
    assert one.problems == ("herbs-0.1.0.zip is no zip of a release that the ledger lists",)
    (one,) = verify(Path(other))
    assert one.problems == ()
    assert one.notes == ("only the digests in datapackage.json were checked: name a releases.json with --ledger",)
    assert imprint("verify", other).stdout.startswith(f"{other}: no problem found\n")


@pytest.mark.parametrize("name", ["../evil.txt", "/evil.txt", "herbs/../../evil.txt"])
def test_a_zip_that_would_write_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as opened:
        opened.writestr("herbs/manifest.json", "{}")
        opened.writestr(name, "x")
    done = imprint("verify", tmp_path / "evil.zip")
    assert (done.exit_code, done.stderr.count("\n")) == (3, 1)
    assert "don't trust this archive" in done.stderr
    assert not list(tmp_path.parent.rglob("evil.txt"))


# What is printed


def test_a_name_that_would_steer_a_terminal_is_shown_and_not_obeyed(release: Path) -> None:
    (release / "a\x1b[31mb").write_text("", encoding="utf-8")
    done = imprint("verify", "--quick", release)
    assert done.exit_code == 1
    assert "\x1b" not in done.stdout
    assert "  a\\x1b[31mb is not in SHA256SUMS or manifest.json" in done.stdout


# On the web, and one version of a store


def test_a_store_on_the_web_is_brought_here_and_checked_like_one_that_is(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPRINT_CACHE", str(tmp_path / "cache"))
    with serving(store) as server:
        for arguments in ([], ["--recompute"], ["--quick"], ["--ledger", store.parent / "releases.json"]):
            here, there = (imprint("verify", place, *arguments) for place in (store, server.address))
            assert there.exit_code == here.exit_code
            assert there.output == here.output.replace(str(store), server.address)
        done = imprint("verify", f"{server.address}@0.1.1", "--recompute")
        number = len(tree(store / "0.1.1"))
        assert done.stdout == f"{server.address}/0.1.1: {number} files, all as released, verdict derived again\n"
        for text, said in (("9.0.0", 'has no version "9.0.0"; it has 0.1.0, 0.1.1'), ("", "")):
            done = imprint("verify", f"{server.address}@{text}" if text else f"{server.address}/0.1.1")
            assert done.exit_code == (2 if text else 3)
            assert said in done.stderr


def test_what_the_cache_has_is_asked_for_all_the_same(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPRINT_CACHE", str(tmp_path / "cache"))
    with serving(store) as server:
        assert imprint("fetch", server.address, "0.1.0", "--out", tmp_path / "one").exit_code == 0
        edit(store / "0.1.0", "data/plants.csv", "12,true", "13,true")
        done = imprint("verify", f"{server.address}@0.1.0")
    assert (done.exit_code, done.stdout) == (1, ""), done.stderr
    assert "0.1.0/data/plants.csv is not what manifest.json says" in done.stderr


def test_a_store_on_the_web_that_lost_a_version_is_noticed(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPRINT_CACHE", str(tmp_path / "cache"))
    with serving(store) as server:
        assert imprint("verify", server.address, "--quick").exit_code == 0
        index = read_index(store / "index.json")
        (store / "index.json").write_text(replace(index, latest="0.1.0", versions=index.versions[:1]).text(), encoding="utf-8")
        done = imprint("verify", server.address, "--quick")
    assert done.exit_code == 1
    assert "no longer lists 0.1.1" in done.stderr


def test_nobody_is_asked_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPRINT_OFFLINE", "1")
    done = imprint("verify", "https://example.org/dist")
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert "is not asked, as IMPRINT_OFFLINE says" in done.stderr


def test_one_version_of_a_store_is_checked_alone(store: Path) -> None:
    edit(store / "0.1.0", "data/plants.csv", "12,true", "13,true")
    number = len(tree(store / "0.1.1"))
    for version in ("0.1.1", "latest"):
        done = imprint("verify", f"{store}@{version}")
        assert done.stdout == f"{store}/0.1.1: {number} files, all as released\n"
    assert imprint("verify", f"{store}@0.1.0").exit_code == 1
    done = imprint("verify", f"{store}@0.2.0")
    assert (done.exit_code, done.stderr) == (2, f'imprint: {store}: has no version "0.2.0"; it has 0.1.0, 0.1.1\n')
    done = imprint("verify", f"{store.parent}/nowhere@0.1.0")
    assert (done.exit_code, len(done.stderr.splitlines())) == (3, 1)
    assert "is no store of releases: it has no index.json" in done.stderr


# A part of a release


def test_a_format_that_is_not_there_at_all_is_no_problem_if_that_is_said(store: Path, tmp_path: Path) -> None:
    part = tmp_path / "part"
    assert imprint("fetch", store, "0.1.0", "--formats", "parquet", "--no-cache", "--out", part).exit_code == 0
    done = imprint("verify", part)
    assert done.exit_code == 1
    assert "say --partial" in done.stdout
    done = imprint("verify", "--partial", part)
    assert done.exit_code == 0, done.stdout
    assert done.stdout.startswith(f"{part}: {len(tree(part))} files, all as released\n")
    assert "without its citation, croissant, csv, " in done.stdout
    (part / "parquet/uses.parquet").unlink()
    assert problems_of_part(part) == ["parquet/uses.parquet is missing"]
    (part / "data/plants.csv").unlink()
    assert "data/plants.csv is missing" in problems_of_part(part)


def problems_of_part(path: Path) -> list[str]:
    return [problem for one in verify(path, partial=True) for problem in one.problems]


def test_quick_says_that_no_values_were_checked(release: Path) -> None:
    edit(release, "data/plants.csv", "12,true", "13,true")
    seal(release)
    assert "values were not checked (--quick)" in imprint("verify", "--quick", release).stdout
    assert imprint("verify", "--quick", release).exit_code == 0
    assert imprint("verify", release).exit_code == 1


def test_a_verdict_is_derived_again_from_the_release_before_wherever_that_lies_in_the_store(store: Path) -> None:
    done = imprint("verify", "--recompute", store / "0.1.1")
    assert done.stdout == f"{store}/0.1.1: {len(tree(store / '0.1.1'))} files, all as released, verdict derived again\n"
    assert imprint("verify", "--recompute", ".", cwd=store / "0.1.1").exit_code == 0
    shutil.rmtree(store / "0.1.0")
    (found,) = verify(store / "0.1.1", recompute=True)
    assert found.problems == (f"its verdict can't be derived again: 0.1.0, which it came after, is not in {store}",)


def test_a_rule_that_fires_and_is_not_named_is_noted_where_the_bump_is_the_same(store: Path) -> None:
    path = store / "0.1.1/manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    named = manifest["verdict"]["rules"]
    manifest["verdict"]["rules"] = []
    path.write_text(json.dumps(manifest), encoding="utf-8")
    (found,) = verify(store / "0.1.1", recompute=True)
    assert not [problem for problem in found.problems if "verdict" in problem]
    assert f"the data asks for the same bump also by {', '.join(named)}, which the verdict doesn't name" in found.notes
