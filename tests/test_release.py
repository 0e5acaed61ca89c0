"""`imprint release`: what it writes, what it refuses, and that what was released stays as it is."""

from __future__ import annotations

import datetime
import errno
import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from herbs import DERIVED, FILES, PLANTS, RELEASED, STORE, edit, repository, set_version
from packages import commit, imprint, imprint_process, tree, write

import imprint as library
from imprint import archive, changelog, ledger

DATE = "2024-02-29"  # of the commit, see packages.WHO


@pytest.fixture(autouse=True)
def no_clock_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, released as 0.1.0 and committed with its ledger."""
    folder = repository(tmp_path_factory.mktemp("template") / "herbs")
    done = imprint("release", cwd=folder)
    assert done.exit_code == 0, done.stderr
    commit(folder, "0.1.0")
    return folder


@pytest.fixture
def herbs(template: Path, tmp_path: Path) -> Path:
    """A copy of the released package."""
    return shutil.copytree(template, tmp_path / "herbs", symlinks=True)


@pytest.fixture
def unreleased(tmp_path: Path) -> Path:
    return repository(tmp_path / "herbs")


def json_of(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def release(folder: Path, version: str) -> Path:
    """Release what must be releasable; the directory."""
    done = imprint("release", cwd=folder)
    assert done.exit_code == 0, done.stderr
    return folder / "dist" / version


def unchanged(folder: Path, run: Callable[[], Any]) -> Any:
    """What `run` gives, after checking that it left every file as it was."""
    before = tree(folder)
    result = run()
    assert tree(folder) == before
    return result


def refused(folder: Path, *arguments: str, code: int = 1) -> str:
    """What the refusal of a release says: one line after the report, if there is one; no file changes."""
    done = unchanged(folder, lambda: imprint("release", *arguments, cwd=folder))
    assert (done.exit_code, done.stdout) == (code, ""), done.stderr
    return done.stderr


# The first release


def test_the_first_release_has_every_file_and_no_other(template: Path) -> None:
    assert sorted(tree(template / "dist")) == [*(f"0.1.0/{name}" for name in RELEASED), *STORE]


def test_the_data_and_the_schemas_are_the_packages_own(template: Path) -> None:
    for name in FILES:
        if name.startswith(("data/", "schemas/")):
            assert (template / "dist/0.1.0" / name).read_bytes() == (template / name).read_bytes()


def test_the_descriptor_gains_the_size_and_digest_of_each_single_file(template: Path) -> None:
    released, own = json_of(template / "dist/0.1.0/datapackage.json"), json_of(template / "datapackage.json")
    for resource in released["resources"]:
        if isinstance(resource["path"], str):
            raw = (template / resource["path"]).read_bytes()
            assert resource.pop("bytes") == len(raw)
            assert resource.pop("hash") == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    assert released == own


def test_sha256sum_accepts_the_sums_and_they_list_every_other_file(template: Path) -> None:
    if not shutil.which("sha256sum"):
        pytest.skip("sha256sum is missing; install coreutils")
    folder = template / "dist/0.1.0"
    command = ["sha256sum", "--strict", "--check", "SHA256SUMS"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.removesuffix(": OK") for line in done.stdout.splitlines()] == [n for n in RELEASED if n != "SHA256SUMS"]


def test_the_manifest_has_sizes_digests_fingerprints_and_the_verdict(template: Path) -> None:
    folder = template / "dist/0.1.0"
    manifest = json_of(folder / "manifest.json")
    files = {name: dict(one) for name, one in manifest["files"].items()}
    assert list(files) == [name for name in RELEASED if name not in ("manifest.json", "SHA256SUMS")]
    assert {name: one["derived"] for name, one in files.items() if "derived" in one} == DERIVED
    for name in files.keys() - DERIVED:
        assert files[name]["bytes"] == (folder / name).stat().st_size
        assert files[name]["sha256"] == archive.sha256(folder / name)
    for name in DERIVED:
        assert not {"bytes", "sha256"} & files[name].keys()
        assert len(files[name]["fingerprint"]) == 64
    made = {name: (one.get("form"), one.get("table")) for name, one in files.items() if "table" in one}
    assert made["data/plants.csv"] == (None, "plants")
    assert made["csv/uses.csv"] == ("csv", "uses")
    assert made["parquet/plants.parquet"] == ("parquet", "plants")
    assert files["parquet/plants.parquet"]["fingerprint"] == manifest["resources"]["plants"]["fingerprint"]
    assert [(name, one["rows"], [*one["columns"]]) for name, one in manifest["resources"].items()] == [
        ("plants", 8, ["id", "name", "height", "evergreen", "found", "tags"]),
        ("sightings", 2, ["plant", "at", "place", "certain"]),
        ("uses", 4, ["use"]),
    ]
    assert {key: manifest[key] for key in ("name", "version", "date", "verdict", "archive")} == {
        "name": "herbs", "version": "0.1.0", "date": DATE, "verdict": {"bump": "none", "rules": [], "waived": []},
        "archive": "herbs-0.1.0.zip",
    }  # fmt: skip


def test_ledger_index_and_manifest_agree(template: Path) -> None:
    (entry,) = json_of(template / "releases.json")["releases"]
    index, manifest = json_of(template / "dist/index.json"), json_of(template / "dist/0.1.0/manifest.json")
    digest = archive.sha256(template / "dist/0.1.0/herbs-0.1.0.zip")
    (listed,) = index.pop("versions")
    assert index == {"name": "herbs", "latest": "0.1.0"}
    assert listed == {
        "version": "0.1.0", "date": DATE, "path": "0.1.0/", "sha256": digest, "fingerprint": manifest["fingerprint"],
        "bytes": (template / "dist/0.1.0/herbs-0.1.0.zip").stat().st_size,
        "manifest": archive.sha256(template / "dist/0.1.0/manifest.json"),
    }  # fmt: skip
    assert (entry["sha256"], entry["fingerprint"], entry["date"]) == (digest, manifest["fingerprint"], DATE)
    assert entry["resources"] == {
        name: {"rows": one["rows"], "fingerprint": one["fingerprint"]} for name, one in manifest["resources"].items()
    }


def test_changelog_and_changes_say_first_release(template: Path) -> None:
    part = f"## 0.1.0 ({DATE})\n\nFirst release.\n\n- `plants`: 8 rows\n- `sightings`: 2 rows\n- `uses`: 4 rows\n"
    assert (template / "dist/0.1.0/CHANGES.md").read_text(encoding="utf-8") == part
    assert (template / "CHANGELOG.md").read_text(encoding="utf-8") == changelog.HEAD + "\n" + part


def test_json_tables_hold_values_of_their_types(template: Path) -> None:
    plants = json_of(template / "dist/0.1.0/json/plants.json")
    assert plants[:4] == [
        {"id": 1, "name": "Basil", "height": 0.5, "evergreen": False, "found": "2021-03-01", "tags": ["annual", "kitchen"]},
        {"id": 2, "name": "Bay", "height": 12, "evergreen": True, "found": "2020-11-30", "tags": ["kitchen"]},
        {"id": 3, "name": "Mint", "height": 0.75, "evergreen": False, "found": "2021-05-05", "tags": None},
        {"id": 4, "name": "Rosemary", "height": 1.5, "evergreen": True, "found": None, "tags": ["kitchen", "shrub"]},
    ]
    assert json_of(template / "dist/0.1.0/json/sightings.json") == FILES["data/sightings.json"]
    assert [row["use"] for row in json_of(template / "dist/0.1.0/json/uses.json")] == ["tea", "soap", "ink", "tea"]


def test_json_tables_have_the_content_of_their_sources(template: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(template / "dist/0.1.0", tmp_path / "copy")
    descriptor = json_of(copy / "datapackage.json")
    for resource in descriptor["resources"][:3]:
        resource |= {"path": f"json/{resource['name']}.json", "format": "json"}
        resource.pop("bytes", None), resource.pop("hash", None)
    write(copy, {"datapackage.json": descriptor})
    assert imprint("validate", copy).exit_code == 0
    found = json.loads(imprint("diff", template, copy, "--format", "json").stdout)
    assert found["old"]["fingerprint"] == found["new"]["fingerprint"]
    assert {change["rule"] for change in found["changes"]} == {"storage-changed"}
    assert [(one["added"], one["removed"], one["changed"]) for one in found["resources"]] == [(0, 0, 0)] * 3


def test_the_zip_opens_validates_and_is_the_package(template: Path) -> None:
    path = template / "dist/0.1.0/herbs-0.1.0.zip"
    with zipfile.ZipFile(path) as opened:
        assert opened.testzip() is None
        listed = opened.infolist()
    own = [name for name in RELEASED if name.startswith(("data", "schemas"))]
    assert [one.filename for one in listed] == [f"herbs-0.1.0/{name}" for name in sorted(["CHANGES.md", *own])]
    assert {(one.date_time, one.external_attr >> 16, one.compress_type) for one in listed} == {
        ((2024, 2, 29, 0, 0, 0), 0o100644, zipfile.ZIP_STORED)
    }
    assert imprint("validate", path).exit_code == 0
    assert imprint("diff", path, template, "--exit-code").exit_code == 0


def test_the_released_directory_validates_and_does_not_differ_from_the_package(template: Path) -> None:
    assert imprint("validate", template / "dist/0.1.0").exit_code == 0
    assert imprint("diff", template / "dist/0.1.0", template, "--exit-code").exit_code == 0


def test_files_and_directories_can_be_read_by_everyone_whatever_the_umask(unreleased: Path) -> None:
    assert imprint_process("release", cwd=unreleased, umask=0o077).returncode == 0
    modes = {(path.is_dir(), path.stat().st_mode & 0o777) for path in (unreleased / "dist/0.1.0").rglob("*")}
    assert modes == {(True, 0o755), (False, 0o644)}


def test_json_output_has_the_documented_keys(unreleased: Path) -> None:
    done = imprint("release", "--format", "json", cwd=unreleased)
    manifest = json_of(unreleased / "dist/0.1.0/manifest.json")
    assert json.loads(done.stdout) == {
        "version": "0.1.0", "bump": "none", "path": "dist/0.1.0", "archive": "dist/0.1.0/herbs-0.1.0.zip",
        "sha256": manifest["files"]["herbs-0.1.0.zip"]["sha256"], "fingerprint": manifest["fingerprint"],
        "signedBy": None, "notes": [],
    }  # fmt: skip
    again = json.loads(imprint("release", "--format", "json", cwd=unreleased).stdout)
    assert again == {"version": "0.1.0", "bump": "none", "released": False, "path": "dist/0.1.0", "signedBy": None, "notes": []}


def test_a_yaml_package_without_tables_or_git_is_released_and_rebuilt_alike(tmp_path: Path) -> None:
    text = "name: one\nversion: 1.0.0\nresources:\n- {name: note, path: note.json, format: json}\n"
    write(tmp_path, {"datapackage.yaml": text, "note.json": "{}\n"})
    first = tree(release(tmp_path, "1.0.0"))
    shutil.rmtree(tmp_path / "dist")
    assert tree(release(tmp_path, "1.0.0")) == first
    assert json.loads(first["datapackage.json"])["resources"][0]["bytes"] == 3
    assert json_of(tmp_path / "releases.json")["releases"][0]["date"] == datetime.datetime.now(datetime.UTC).date().isoformat()


# The same bytes again


def test_a_second_run_finds_nothing_to_release(herbs: Path) -> None:
    done = unchanged(herbs, lambda: imprint("release", cwd=herbs))
    assert done.exit_code == 0
    assert done.stdout == "0.1.0: nothing to release; dist/0.1.0 is there, identical to the ledger's\n"


@pytest.mark.parametrize(
    ("epoch", "date", "stamped"),
    [
        ("1700000000", "2023-11-14", (2023, 11, 14, 0, 0, 0)),
        ("0", "1970-01-01", (1980, 1, 1, 0, 0, 0)),
        ("4702849753", "2119-01-11", (2107, 12, 31, 23, 59, 58)),
    ],
)
def test_source_date_epoch_is_the_clock(
    unreleased: Path, monkeypatch: pytest.MonkeyPatch, epoch: str, date: str, stamped: tuple[int, ...]
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    folder = release(unreleased, "0.1.0")
    assert json_of(folder / "manifest.json")["date"] == date
    assert (folder / "CHANGES.md").read_text(encoding="utf-8").startswith(f"## 0.1.0 ({date})\n")
    with zipfile.ZipFile(folder / "herbs-0.1.0.zip") as opened:
        assert {one.date_time for one in opened.infolist()} == {stamped}


def test_a_source_date_epoch_that_is_no_number_stops_the_release(unreleased: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    assert 'SOURCE_DATE_EPOCH: "yesterday" is not a number' in refused(unreleased, code=3)


# What is refused


def test_invalid_data_is_not_released_and_the_report_says_why(herbs: Path) -> None:
    set_version(herbs, "0.1.0", "0.2.0")
    edit(herbs, "data/plants.csv", "3,Mint,0.75", "2,Mint,-0.75")
    said = refused(herbs)
    assert 'the key "2" is the same as in the row at position 3' in said
    assert 'constraint "minimum" is "0"' in said
    assert said.splitlines()[-1] == "imprint: .: is not valid: 2 errors; mend it, and release it then"


def test_invalid_data_is_not_released_the_first_time_either(unreleased: Path) -> None:
    edit(unreleased, "data/plants.csv", "3,Mint", "3,")
    assert "is not valid" in refused(unreleased)
    assert not (unreleased / "dist").exists()


def test_a_released_version_with_other_content_is_refused_with_the_least_next_version(herbs: Path) -> None:
    edit(herbs, "data/plants.csv", "0.75", "0.76")
    assert refused(herbs) == (
        "1 change asks for a patch version:\n"
        "  plants: 1 of 8 rows with other values in height (values-corrected), such as 3\n"
        f'imprint: .: version 0.1.0 was released with other content on {DATE}; set "version" to 0.1.1 or higher\n'
    )
    edit(herbs, "data/plants.csv", "0.76", "0.75")
    (herbs / "data/plants.csv").write_text(PLANTS + "9,Zedoary,1,true,,\n", encoding="utf-8")
    assert 'set "version" to 0.2.0 or higher' in refused(herbs)


def test_the_refusal_looks_back_to_the_last_version_not_to_the_one_that_is_taken(herbs: Path) -> None:
    set_version(herbs, "0.1.0", "0.5.0")
    edit(herbs, "data/plants.csv", "0.75", "0.76")
    release(herbs, "0.5.0")
    set_version(herbs, "0.5.0", "0.1.0")
    edit(herbs, "data/plants.csv", "0.76", "0.77")
    assert 'set "version" to 0.5.1 or higher' in refused(herbs)


def test_allow_unbumped_releases_a_version_below_1_again(herbs: Path) -> None:
    edit(herbs, "data/plants.csv", "0.75", "0.76")
    done = imprint("release", "--allow-unbumped", cwd=herbs)
    assert done.exit_code == 0, done.stderr
    assert "0.76" in (herbs / "dist/0.1.0/data/plants.csv").read_text(encoding="utf-8")
    assert [entry["version"] for entry in json_of(herbs / "releases.json")["releases"]] == ["0.1.0"]
    assert (herbs / "CHANGELOG.md").read_text(encoding="utf-8").count("## 0.1.0") == 1
    assert imprint("verify", cwd=herbs).exit_code == 0
    assert sorted(path.name for path in (herbs / "dist").iterdir()) == ["0.1.0", *STORE]


def test_the_data_of_a_version_released_again_is_found_in_git(herbs: Path) -> None:
    edit(herbs, "data/plants.csv", "0.75", "0.76")
    assert imprint("release", "--allow-unbumped", cwd=herbs).exit_code == 0
    commit(herbs, "0.1.0 again")
    shutil.rmtree(herbs / "dist")
    set_version(herbs, "0.1.0", "0.1.1")
    edit(herbs, "data/plants.csv", "0.76", "0.77")
    notes = (release(herbs, "0.1.1") / "CHANGES.md").read_text(encoding="utf-8")
    assert "1 of 8 rows with other values in height" in notes


@pytest.fixture
def stable(herbs: Path) -> Path:
    """The package at 1.0.0."""
    set_version(herbs, "0.1.0", "1.0.0")
    edit(herbs, "data/plants.csv", "0.75", "0.8")
    release(herbs, "1.0.0")
    commit(herbs, "1.0.0")
    return herbs


def test_from_1_on_allow_unbumped_changes_nothing(stable: Path) -> None:
    edit(stable, "data/plants.csv", "0.8", "0.9")
    assert "version 1.0.0 was released with other content" in refused(stable, "--allow-unbumped")


def test_from_1_on_a_bump_that_is_too_small_is_refused_with_its_rules(stable: Path) -> None:
    set_version(stable, "1.0.0", "1.0.1")
    edit(stable, "data/plants.csv", "8,Yarrow,1,false,2017-06-06,\n", "")
    edit(stable, "data/plants.csv", "1,Basil", "9,Basil")
    edit(stable, "data/sightings.json", '"plant": 1', '"plant": 2')
    assert refused(stable) == (
        "3 changes ask for a major version:\n"
        "  plants: 2 of 8 rows gone (many-rows-removed), such as 1\n"
        "  sightings: 1 of 2 rows gone (many-rows-removed), such as 1, 2021-03-02T10:00:00Z, "
        '{"lat":1.5,"name":"Ségou"}, true\n'
        "  plants: 1 row gone that others referred to (referenced-rows-removed), "
        'breaks: SELECT DISTINCT "plants"."id" FROM "plants" SEMI JOIN "sightings" ON "sightings"."plant" = "plants"."id"\n'
        'To waive one, say so in the descriptor: "versioning": '
        '{"waive": [{"rule": "many-rows-removed", "path": "plants", "reason": "..."}]}\n'
        "imprint: .: version 1.0.1 is too low after 1.0.0: the changes ask for 2.0.0; "
        'set "version" to 2.0.0 or higher\n'
    )


def test_below_1_a_bump_that_is_too_small_is_said_and_gone_on_with(herbs: Path) -> None:
    set_version(herbs, "0.1.0", "0.1.1")
    (herbs / "data/plants.csv").write_text(PLANTS + "9,Zedoary,1,true,,\n", encoding="utf-8")
    done = imprint("release", cwd=herbs)
    assert done.exit_code == 0
    assert done.stdout.startswith("note: version 0.1.1 is too low after 0.1.0: the changes ask for 0.2.0 (rows-added)")
    assert (herbs / "dist/0.1.1/manifest.json").is_file()


def test_a_version_below_the_last_one_is_refused(herbs: Path) -> None:
    set_version(herbs, "0.1.0", "0.0.9")
    edit(herbs, "data/plants.csv", "0.75", "0.76")
    assert "version 0.0.9 is too low after 0.1.0" in refused(herbs)


def test_another_version_of_the_same_content_is_not_released(herbs: Path) -> None:
    set_version(herbs, "0.1.0", "0.2.0")
    done = unchanged(herbs, lambda: imprint("release", cwd=herbs))
    assert done.exit_code == 0
    assert "nothing to release" in done.stdout


def test_the_same_content_in_other_bytes_is_refused_under_the_same_version(herbs: Path) -> None:
    header, *rows = PLANTS.splitlines(keepends=True)
    (herbs / "data/plants.csv").write_text("".join([header, *reversed(rows)]), encoding="utf-8")
    assert "has the content of 0.1.0 in other bytes than were released" in refused(herbs)


@pytest.mark.parametrize("version", ["2024-01-01", "v1.0.0", "1.0", "1.0.0-rc..1", "1.0.0-01", "1.0.0-²"])
def test_a_version_that_is_not_semantic_is_a_usage_fault(unreleased: Path, version: str) -> None:
    set_version(unreleased, "0.1.0", version)
    assert f'"{version}" is not a semantic version' in refused(unreleased, code=2)


def test_an_out_that_is_a_file_is_said_in_one_line(unreleased: Path) -> None:
    (unreleased / "taken").write_text("mine", encoding="utf-8")
    said = refused(unreleased, "--out", "taken", code=3)
    assert said.count("\n") == 1
    assert said.startswith("imprint: taken: cannot be written to")


@pytest.mark.parametrize("source", ["git:HEAD", "dist/0.1.0/herbs-0.1.0.zip"])
def test_what_is_not_a_directory_of_its_own_is_not_released(herbs: Path, source: str) -> None:
    assert "can't be released from where it is" in refused(herbs, source, code=2)


def test_a_package_whose_file_a_release_would_write_over_is_refused(unreleased: Path) -> None:
    write(unreleased, {"json/plants.json": "{}"})
    edit(unreleased, "datapackage.json", "data/about.json", "json/plants.json")
    edit(unreleased, "datapackage.json", ',\n      "jsonSchema": "schemas/about.schema.json"', "")
    assert 'has a file "json/plants.json", and a release writes its own "json/plants.json"' in refused(unreleased, code=2)
    assert not (unreleased / "dist").exists()


@pytest.mark.parametrize("name", ["data/plants.csv", "json/plants.json", "herbs.sqlite"])
def test_a_released_file_that_was_tampered_with_is_named_and_left(herbs: Path, name: str) -> None:
    with (herbs / "dist/0.1.0" / name).open("ab") as file:
        file.write(b"\n")
    assert f'"{name}" is not what a build gives' in refused(herbs)


def test_a_released_file_that_is_gone_or_new_is_named(herbs: Path) -> None:
    (herbs / "dist/0.1.0/extra.txt").write_text("x", encoding="utf-8")
    assert '"extra.txt" is not what a build gives' in refused(herbs)
    (herbs / "dist/0.1.0/extra.txt").unlink()
    (herbs / "dist/0.1.0/schemas/plants.json").unlink()
    assert '"schemas/plants.json" is not what a build gives' in refused(herbs)


ENTRY = {"version": "0.1.0", "date": "2024-02-29", "sha256": "", "fingerprint": "", "bump": "none"}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"releases": [{"version": "0.1.0"}]}',
        *(
            json.dumps({"releases": [{**ENTRY, **other}]})
            for other in (
                {"version": 1},
                {"version": "1.0"},
                {"date": "yesterday"},
                {"date": "20240229"},
                {"rules": "rows-added"},
                {"resources": []},
                {"resources": {"plants": 1}},
                {"waivers": [1]},
                {"previous": {"version": "0.0.1"}},
            )
        ),
    ],
)
def test_a_broken_ledger_stops_the_release(herbs: Path, text: str) -> None:
    (herbs / "releases.json").write_text(text, encoding="utf-8")
    assert "releases.json: is not" in refused(herbs, code=3)


# The next release


def test_the_next_release_stands_beside_the_first_which_stays_as_it_is(herbs: Path) -> None:
    first = tree(herbs / "dist/0.1.0")
    set_version(herbs, "0.1.0", "0.2.0")
    edit(herbs, "data/plants.csv", "8,Yarrow,1,false,2017-06-06,\n", "9,Zedoary,1,true,,\n")
    edit(herbs, "datapackage.json", '"licenses"', '"versioning": {"removedShare": 0.5}, "licenses"')
    folder = release(herbs, "0.2.0")
    assert tree(herbs / "dist/0.1.0") == first
    part = (
        f"## 0.2.0 ({DATE})\n\nSince 0.1.0; the changes ask for a minor version.\n\n"
        "- `plants`: 1 row more (rows-added, minor)\n"
        "- `plants`: 1 of 8 rows gone (rows-removed, minor)\n"
        '- "versioning" of the package changes (metadata-changed, patch)\n\n'
        "Withdrawn from `plants`, never to be used again: `8`\n"
    )
    assert (folder / "CHANGES.md").read_text(encoding="utf-8") == part
    log = (herbs / "CHANGELOG.md").read_text(encoding="utf-8")
    assert log == changelog.HEAD + "\n" + part + "\n" + first["CHANGES.md"].decode()
    entries = json_of(herbs / "releases.json")["releases"]
    assert [(one["version"], one["bump"], one["rules"]) for one in entries] == [
        ("0.1.0", "none", []),
        ("0.2.0", "minor", ["metadata-changed", "rows-added", "rows-removed"]),
    ]
    index = json_of(herbs / "dist/index.json")
    assert (index["latest"], [one["version"] for one in index["versions"]]) == ("0.2.0", ["0.1.0", "0.2.0"])
    assert imprint("verify", cwd=herbs).exit_code == 0


def test_the_delta_of_a_release_makes_it_of_the_one_before(herbs: Path) -> None:
    set_version(herbs, "0.1.0", "0.2.0")
    edit(herbs, "data/plants.csv", "8,Yarrow,1,false,2017-06-06,\n", "9,Zedoary,1,true,,\n")
    folder = release(herbs, "0.2.0")
    with_dist = tree(folder / "delta")
    done = imprint("apply", "dist/0.2.0/delta", "dist@0.1.0", "made", cwd=herbs)
    assert done.exit_code == 0, done.stderr
    for name in FILES:
        if name.startswith(("data/", "schemas/")):
            assert (herbs / "made" / name).read_bytes() == (folder / name).read_bytes()
    assert json_of(herbs / "made/datapackage.json") == json_of(folder / "datapackage.json")
    shutil.rmtree(herbs / "dist")
    assert imprint("release", cwd=herbs).exit_code == 0  # the base comes from git now, which has it in other bytes
    assert tree(folder / "delta") == with_dist


def test_a_release_whose_base_is_nowhere_comes_without_a_delta_and_says_so(herbs: Path) -> None:
    corrected(herbs)
    release(herbs, "0.1.1")
    shutil.rmtree(herbs / "dist")
    shutil.rmtree(herbs / ".git")
    done = imprint("release", cwd=herbs)
    assert done.exit_code == 0, done.stderr
    assert "note: without a delta: " in done.stdout
    assert "neither in dist nor in git" in done.stdout
    assert not (herbs / "dist/0.1.1/delta").exists()


def test_a_primary_key_that_lost_a_part_is_released_as_a_major_change(tmp_path: Path) -> None:
    fields = [{"name": name, "type": "integer"} for name in ("id", "year")]
    versions = {"1.0.0": (["id", "year"], "1,2000\n1,2001\n2,2000\n"), "2.0.0": (["id"], "1,2001\n2,2000\n")}
    for version, (key, rows) in versions.items():
        table = {"name": "beds", "type": "table", "path": "beds.csv", "schema": {"fields": fields, "primaryKey": key}}
        described = {"name": "garden", "version": version, "licenses": [{"name": "CC0-1.0"}], "resources": [table]}
        write(tmp_path, {"datapackage.json": described, "beds.csv": f"id,year\n{rows}"})
        done = imprint("release", cwd=tmp_path)
        assert done.exit_code == 0, done.stderr
    recorded = json_of(tmp_path / "dist" / "2.0.0" / "manifest.json")["verdict"]
    assert (recorded["bump"], recorded["rules"]) == ("major", ["key-changed", "many-rows-removed"])
    assert imprint("verify", "--recompute", "dist", cwd=tmp_path).exit_code == 0


def test_a_package_with_another_name_keeps_its_older_releases(herbs: Path) -> None:
    edit(herbs, "datapackage.json", '"name": "herbs"', '"name": "spices"')
    set_version(herbs, "0.1.0", "1.0.0")
    release(herbs, "1.0.0")
    index = json_of(herbs / "dist/index.json")
    assert (index["name"], [one["version"] for one in index["versions"]]) == ("", ["0.1.0", "1.0.0"])
    assert imprint("verify", cwd=herbs).exit_code == 0


@pytest.mark.parametrize(
    ("formats", "made"),
    [
        ("none", set()),
        ("csv,json", {"csv", "json"}),
        ("parquet, sqlite", {"parquet", "sqlite"}),
        ("xlsx,citation", {"xlsx", "citation"}),
    ],
)
def test_only_the_formats_that_are_asked_for_are_made(unreleased: Path, formats: str, made: set[str]) -> None:
    done = imprint("release", "--formats", formats, cwd=unreleased)
    assert done.exit_code == 0, done.stderr
    files = json_of(unreleased / "dist/0.1.0/manifest.json")["files"]
    assert {one["form"] for one in files.values() if "form" in one} == made
    assert imprint("verify", cwd=unreleased).exit_code == 0


def test_a_format_that_there_is_not_is_a_usage_fault(unreleased: Path) -> None:
    said = refused(unreleased, "--formats", "csv,ods", code=2)
    assert said.startswith('imprint: --formats: there is no format "ods"; name some of csv, json, parquet, sqlite, xlsx, delta')


def test_a_file_that_only_moved_is_a_patch_of_the_same_content(herbs: Path) -> None:
    (herbs / "data/plants.csv").rename(herbs / "data/herbs.csv")
    edit(herbs, "datapackage.json", "data/plants.csv", "data/herbs.csv")
    set_version(herbs, "0.1.0", "0.1.1")
    release(herbs, "0.1.1")
    entries = json_of(herbs / "releases.json")["releases"]
    assert (entries[1]["bump"], entries[1]["rules"]) == ("patch", ["storage-changed"])
    assert entries[1]["fingerprint"] == entries[0]["fingerprint"]


def test_a_waiver_is_written_down_in_ledger_manifest_and_changelog(stable: Path) -> None:
    edit(stable, "schemas/plants.json", '"minimum": 0', '"minimum": 0.1')
    waiver = '"versioning": {"waive": [{"rule": "constraint-tightened", "path": "plants.height", "reason": "none lower"}]}'
    edit(stable, "datapackage.json", '"licenses"', f'{waiver}, "licenses"')
    set_version(stable, "1.0.0", "1.0.1")
    folder = release(stable, "1.0.1")
    assert json_of(folder / "manifest.json")["verdict"] == {
        "bump": "patch", "rules": ["metadata-changed"], "waived": ["constraint-tightened"],
        "waivers": [{"rule": "constraint-tightened", "path": "plants.height", "reason": "none lower"}],
    }  # fmt: skip
    entry = json_of(stable / "releases.json")["releases"][-1]
    assert entry["waived"] == ["constraint-tightened"]
    assert entry["waivers"] == json_of(folder / "manifest.json")["verdict"]["waivers"]
    assert "(constraint-tightened, major) (waived: none lower)" in (folder / "CHANGES.md").read_text(encoding="utf-8")
    first = tree(folder)
    shutil.rmtree(folder)
    assert tree(release(stable, "1.0.1")) == first


def test_a_waiver_that_sets_nothing_aside_is_said_and_not_recorded(stable: Path) -> None:
    listed = [{"rule": "field-removed", "path": "plants.height", "reason": "x"}, {"rule": "rows-lost", "reason": "x"}]
    waiver = f'"versioning": {json.dumps({"waive": listed})}'
    edit(stable, "datapackage.json", '"licenses"', f'{waiver}, "licenses"')
    set_version(stable, "1.0.0", "1.0.1")
    done = imprint("release", cwd=stable)
    assert done.stdout.splitlines()[:2] == [
        'note: the descriptor waives field-removed at "plants.height", and there is no such change: take it out',
        'note: the descriptor waives "rows-lost", which is no rule; imprint diff --rules lists them all',
    ]
    assert "waivers" not in json_of(stable / "dist/1.0.1/manifest.json")["verdict"]


def test_another_profile_judges_by_its_own_rules_and_is_recorded(stable: Path) -> None:
    set_version(stable, "1.0.0", "1.0.1")
    edit(stable, "data/plants.csv", "0.8", "0.9")
    assert "1 change asks for a major version by the profile croissant" in refused(stable, "--profile", "croissant")
    set_version(stable, "1.0.1", "2.0.0")
    assert imprint("release", "--profile", "croissant", cwd=stable).exit_code == 0
    entry = json_of(stable / "releases.json")["releases"][-1]
    assert (entry["bump"], entry["profile"]) == ("major", "croissant")
    assert json_of(stable / "dist/2.0.0/manifest.json")["verdict"]["profile"] == "croissant"
    assert "by the rules of the profile croissant" in (stable / "dist/2.0.0/CHANGES.md").read_text(encoding="utf-8")


def test_a_profile_that_the_descriptor_names_counts_unless_the_option_says_otherwise(stable: Path) -> None:
    edit(stable, "datapackage.json", '"licenses"', '"versioning": {"profile": "croissant"}, "licenses"')
    set_version(stable, "1.0.0", "1.0.1")
    edit(stable, "data/plants.csv", "0.8", "0.9")
    assert "by the profile croissant" in refused(stable)
    assert imprint("release", "--profile", "datapackage", cwd=stable).exit_code == 0


def test_a_changelog_with_a_head_of_its_own_keeps_it(unreleased: Path) -> None:
    (unreleased / "CHANGELOG.md").write_text(
        "# What is new\n\nBy hand.\n\n## 0.0.1 (2020-01-01)\n\nA draft.\n", encoding="utf-8"
    )
    part = (release(unreleased, "0.1.0") / "CHANGES.md").read_text(encoding="utf-8")
    log = (unreleased / "CHANGELOG.md").read_text(encoding="utf-8")
    assert log == f"# What is new\n\nBy hand.\n\n{part}\n## 0.0.1 (2020-01-01)\n\nA draft.\n"


def corrected(folder: Path) -> None:
    set_version(folder, "0.1.0", "0.1.1")
    edit(folder, "data/plants.csv", "0.75", "0.76")


def test_the_last_release_is_found_in_out_even_without_git(herbs: Path) -> None:
    shutil.rmtree(herbs / ".git")
    corrected(herbs)
    assert "(values-corrected, patch)" in (release(herbs, "0.1.1") / "CHANGES.md").read_text(encoding="utf-8")


def test_the_last_release_is_found_in_git_where_out_lacks_it(herbs: Path) -> None:
    shutil.rmtree(herbs / "dist")
    corrected(herbs)
    commit(herbs, "a correction")
    assert "(values-corrected, patch)" in (release(herbs, "0.1.1") / "CHANGES.md").read_text(encoding="utf-8")
    assert [one["version"] for one in json_of(herbs / "dist/index.json")["versions"]] == ["0.1.1"]


def test_the_last_release_is_found_in_git_for_a_package_in_a_folder_of_its_repository(tmp_path: Path) -> None:
    package = tmp_path / "some/where"
    write(package, {name: content for name, content in FILES.items() if name != ".gitignore"})
    commit(tmp_path, "herbs")
    done = imprint("release", "some/where", "--out", "../out", cwd=tmp_path)
    assert done.exit_code == 0, done.stderr
    commit(tmp_path, "0.1.0")
    corrected(package)
    done = imprint("release", "some/where", "--out", "elsewhere", cwd=tmp_path)
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "elsewhere/0.1.1/manifest.json").is_file()
    done = imprint("diff", "--last-release", "some/where", "--out", "elsewhere", "--bump", cwd=tmp_path)
    assert done.stdout == "0.1.1\n"


def test_the_last_release_is_named_with_against_where_it_is_nowhere(herbs: Path, template: Path) -> None:
    for name in ("dist", ".git"):
        shutil.rmtree(herbs / name)
    corrected(herbs)
    assert "the data of 0.1.0 is neither in dist nor in git" in refused(herbs, code=3)
    done = imprint("release", "--against", template / "dist/0.1.0/herbs-0.1.0.zip", cwd=herbs)
    assert done.exit_code == 0, done.stderr
    assert "(values-corrected, patch)" in (herbs / "dist/0.1.1/CHANGES.md").read_text(encoding="utf-8")


def test_a_last_release_that_is_not_what_the_ledger_says_is_refused(herbs: Path) -> None:
    edit(herbs, "dist/0.1.0/data/plants.csv", "0.75", "0.74")
    corrected(herbs)
    assert "dist/0.1.0: is not what the ledger says that 0.1.0 was" in refused(herbs, code=3)


# Interrupted


def fail(error: BaseException) -> Callable[..., Any]:
    def failing(*_: object, **__: object) -> None:
        raise error

    return failing


FULL = OSError(errno.ENOSPC, "No space left on device", "herbs")


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (archive, "write_zip"),
        (archive, "sums"),
        (archive, "write_text"),
        (archive, "_sync"),
        (archive, "_take_place"),
    ],
)
def test_a_full_disk_while_building_leaves_nothing_behind(
    herbs: Path, monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    corrected(herbs)
    monkeypatch.setattr(module, name, fail(FULL))
    assert refused(herbs, code=3) == "imprint: herbs: No space left on device; check the path and the disk\n"
    assert sorted(path.name for path in (herbs / "dist").iterdir()) == ["0.1.0", *STORE]


def test_a_bug_while_building_leaves_nothing_behind(unreleased: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "write_zip", fail(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        unchanged(unreleased, lambda: imprint("release", cwd=unreleased))
    assert not (unreleased / "dist").exists()


@pytest.mark.parametrize("part", [(changelog, "with_part"), (ledger, "write")])
def test_a_release_interrupted_after_the_rename_is_finished_by_the_next_run(
    herbs: Path, monkeypatch: pytest.MonkeyPatch, part: tuple[Any, str]
) -> None:
    corrected(herbs)
    whole = shutil.copytree(herbs, herbs.parent / "whole")
    release(whole, "0.1.1")
    with monkeypatch.context() as patched:
        patched.setattr(*part, fail(FULL))
        assert imprint("release", cwd=herbs).exit_code == 3
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1800000000")
    release(herbs, "0.1.1")
    assert tree(herbs) == tree(whole)


def test_a_second_go_at_a_version_released_again_keeps_the_old_one_where_the_rename_fails(
    herbs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(herbs, "data/plants.csv", "0.75", "0.76")
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name.startswith(".0.1.0.") and not self.name.endswith(".old"):
            raise FULL
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    done = unchanged(herbs, lambda: imprint("release", "--allow-unbumped", cwd=herbs))
    assert done.exit_code == 3


KILLED = """
import os, signal, sys
from imprint import archive, commands
archive.write_zip = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
sys.argv = ["imprint", "release"]
commands.main()
"""


def test_a_release_that_is_killed_while_building_leaves_the_old_state_and_can_be_made_again(herbs: Path) -> None:
    corrected(herbs)
    before = tree(herbs / "dist/0.1.0")
    killed = subprocess.run([sys.executable, "-c", KILLED], cwd=herbs, capture_output=True, check=False)
    assert killed.returncode == -9
    assert tree(herbs / "dist/0.1.0") == before
    assert not (herbs / "dist/0.1.1").exists()
    assert imprint("verify", cwd=herbs).exit_code == 0
    release(herbs, "0.1.1")
    assert imprint("verify", cwd=herbs).exit_code == 0
    assert json_of(herbs / "dist/index.json")["latest"] == "0.1.1"


def test_the_library_refuses_with_an_error_that_has_the_report(unreleased: Path) -> None:
    from imprint import release as releases

    edit(unreleased, "data/plants.csv", "3,Mint", "3,")
    with library.open_package(unreleased) as (package, faults), pytest.raises(releases.Refused) as raised:
        releases.release(package, faults, releases.Asked(unreleased / "dist"))
    assert raised.value.report is not None
    assert not raised.value.report.valid
