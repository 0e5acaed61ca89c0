"""Packages in git revisions and stores, the diff driver under real git, and what CI runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from herbs import edit, repository
from packages import CASES, commit, git, imprint, write

from imprint import revisions

ROOT = Path(__file__).parent.parent
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@pytest.fixture
def herbs(tmp_path: Path) -> Path:
    return repository(tmp_path / "herbs")


@pytest.fixture
def bin_path(tmp_path: Path) -> str:
    """A PATH on which `imprint` is this one."""
    script = write(tmp_path, {"bin/imprint": f'#!/bin/sh\nexec "{sys.executable}" -m imprint.commands "$@"\n'}) / "bin/imprint"
    script.chmod(0o755)
    return f"{script.parent}:{os.environ['PATH']}"


def rules(*arguments: object, cwd: Path) -> list[str]:
    done = imprint("diff", *arguments, "--format", "json", cwd=cwd)
    assert done.exit_code == 0, done.stderr
    return [change["rule"] for change in json.loads(done.stdout)["changes"]]


# Revisions


@pytest.mark.parametrize("path", ["", ":herbs", ":herbs/", ":./herbs", ":herbs/datapackage.json"])
def test_a_revision_is_the_package_whichever_way_it_is_named(tmp_path: Path, path: str) -> None:
    repository(tmp_path / "herbs")
    (tmp_path / "herbs/.git").rename(tmp_path / "old.git")
    commit(tmp_path)
    edit(tmp_path / "herbs", "data/plants.csv", "Mint,0.75", "Mint,0.8")
    assert rules(f"git:HEAD{path}", tmp_path / "herbs", cwd=tmp_path if path else tmp_path / "herbs") == ["values-corrected"]


def test_of_a_large_repository_only_the_package_is_written(herbs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(herbs, {"other/large.csv": "x\n" * 1000, "schemas/unused.json": {}, "data/gardens.csv": "id\n1\n"})
    commit(herbs)
    (herbs.parent / "out").mkdir()
    path = revisions.checkout("git:HEAD", herbs.parent / "out", herbs)
    written = sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
    assert written == [
        "data/about.json", "data/plants.csv", "data/sightings.json", "data/uses-1.csv", "data/uses-2.csv", "datapackage.json",
        "schemas/about.schema.json", "schemas/plants.json",
    ]  # fmt: skip


def test_a_bare_table_and_a_zip_can_stand_in_a_revision(herbs: Path) -> None:
    imprint("release", cwd=herbs)
    (herbs / "herbs.zip").write_bytes((herbs / "dist/0.1.0/herbs-0.1.0.zip").read_bytes())
    commit(herbs)
    edit(herbs, "data/plants.csv", "Mint,0.75", "Mint,0.8")
    assert "values-corrected" in rules("git:HEAD:herbs.zip", herbs, cwd=herbs)
    assert rules("git:HEAD:data/plants.csv", "data/plants.csv", "--key", "id", cwd=herbs) == ["values-corrected"]


def test_links_line_ends_and_names_are_as_in_a_checkout(tmp_path: Path) -> None:
    descriptor = {
        "name": "a",
        "resources": [{"name": "t", "type": "table", "path": "now/ü t.csv"}, {"name": "u", "path": "u.csv"}],
    }
    write(tmp_path, {".gitattributes": "* text eol=crlf\n", "p/then/ü t.csv": "id\n1\n", "p/datapackage.json": descriptor})
    write(tmp_path, {"p/.gitattributes": "*.csv export-ignore export-subst\n", "p/v.csv": "$Format:%H$\nx\n"})
    (tmp_path / "p/now").symlink_to("then")
    (tmp_path / "p/u.csv").symlink_to("v.csv")
    commit(tmp_path)
    assert rules("git:HEAD:p", "p", cwd=tmp_path) == []


def test_a_link_out_of_the_package_is_not_followed(tmp_path: Path) -> None:
    write(
        tmp_path, {"p/datapackage.json": {"name": "a", "resources": [{"name": "t", "path": "t.csv"}]}, "secret.csv": "id\n1\n"}
    )
    (tmp_path / "p/t.csv").symlink_to("../secret.csv")
    commit(tmp_path)
    done = imprint("validate", "git:HEAD:p", cwd=tmp_path)
    assert done.exit_code == 3
    assert "is a link out of the package" in done.stdout


def test_a_bare_repository_has_revisions_too(herbs: Path) -> None:
    git(herbs.parent, "clone", "--quiet", "--bare", str(herbs), "bare.git")
    assert imprint("validate", "git:HEAD", cwd=herbs.parent / "bare.git").exit_code == 0


def test_git_s_filters_are_applied_and_the_work_tree_is_left_alone(herbs: Path) -> None:
    write(herbs, {".gitattributes": "data/uses-1.csv filter=upper\n"})
    for key, command in (("smudge", "tr a-z A-Z"), ("clean", "tr A-Z a-z")):
        git(herbs, "config", f"filter.upper.{key}", command)
    commit(herbs)
    (herbs / "data/uses-1.csv").unlink()
    before = git(herbs, "status", "--porcelain")
    assert 'label "USE"' in imprint("validate", "git:HEAD", cwd=herbs).stdout
    assert git(herbs, "status", "--porcelain") == before == " D data/uses-1.csv\n"


def test_a_git_lfs_pointer_is_not_taken_for_data(herbs: Path) -> None:
    write(herbs, {"data/plants.csv": POINTER})
    commit(herbs)
    for source in (".", "git:HEAD"):
        done = imprint("diff", source, "git:HEAD~1", cwd=herbs)
        line = f'imprint: {source}: "plants.csv" is a Git LFS pointer, not the data; install git-lfs and run `git lfs pull`\n'
        assert (done.exit_code, done.stderr) == (3, line)


def test_a_submodule_s_files_are_said_to_be_elsewhere(herbs: Path) -> None:
    git(herbs, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(herbs), "sub")
    edit(herbs, "datapackage.json", '"data/plants.csv"', '"sub/data/plants.csv"')
    commit(herbs)
    for source, path in (("git:HEAD", "sub/data/plants.csv"), ("git:HEAD:sub", "sub")):
        what = f'"{path}" lies in the submodule "sub", whose files the revision doesn\'t hold; check it out, and name its directory'
        assert imprint("validate", source, cwd=herbs).stderr == f"imprint: {source}: {what}\n"


def test_a_shallow_clone_says_what_it_lacks(herbs: Path) -> None:
    first = git(herbs, "rev-parse", "HEAD").strip()
    imprint("release", cwd=herbs)
    commit(herbs)
    edit(herbs, "data/plants.csv", "Mint,0.75", "Mint,0.8")
    commit(herbs)
    clone = herbs.parent / "clone"
    git(herbs.parent, "clone", "--quiet", "--depth=1", herbs.as_uri(), str(clone))
    done = imprint("diff", f"git:{first}", cwd=clone)
    fix = "this clone is shallow, so fetch the rest with `git fetch --unshallow`"
    assert (done.exit_code, done.stderr) == (3, f'imprint: git:{first}: git knows no revision "{first}" here; {fix}\n')
    done = imprint(
        "diff", "--last-release", ".", cwd=clone
    )  # all that git sees is the last commit, which isn't what was released
    assert (done.exit_code, done.stdout) == (3, "")
    assert "is not what the ledger says that 0.1.0 was; fetch the whole history" in done.stderr


@pytest.mark.parametrize("revision", ["--output=x", "-x", "--", ""])
def test_a_revision_that_looks_like_an_option_is_none(herbs: Path, revision: str) -> None:
    done = imprint("diff", f"git:{revision}", cwd=herbs)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"imprint: git:{revision}: is not a git revision; write git:REV or git:REV:path\n"
    assert not (herbs / "x").exists()


# Releases


def test_versions_in_a_store_are_packages(herbs: Path) -> None:
    imprint("release", cwd=herbs)
    edit(herbs, "data/plants.csv", "Mint,0.75", "Mint,0.8")
    edit(herbs, "datapackage.json", '"0.1.0"', '"0.2.0"')
    commit(herbs)
    imprint("release", cwd=herbs)
    assert rules("dist@0.1.0", "dist@latest", cwd=herbs) == ["values-corrected"]
    assert rules("dist@0.2.0", cwd=herbs) == []
    assert imprint("validate", "dist@latest", cwd=herbs).stdout.startswith("herbs 0.2.0: valid")


@pytest.mark.parametrize("dist", [True, False], ids=["with dist", "with the ledger alone"])
def test_the_last_release_is_found_from_anywhere(herbs: Path, dist: bool) -> None:
    imprint("release", cwd=herbs)
    commit(herbs)
    edit(herbs, "data/plants.csv", "Mint,0.75", "Mint,0.8")
    out = herbs / "dist" if dist else herbs / "nowhere"
    assert rules("--last-release", herbs, "--out", out, cwd=herbs.parent) == ["values-corrected"]
    assert rules("--last-release", ".", "--out", out, cwd=herbs) == ["values-corrected"]
    assert "values-corrected" in imprint("diff", "--last-release", "--out", out, cwd=herbs).stdout


# The diff driver


@pytest.fixture
def driven(herbs: Path, bin_path: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The herbs, with the driver set up as docs/git.md says."""
    monkeypatch.setenv("PATH", bin_path)
    attributes, command = docs_lines()
    write(herbs, {".gitattributes": attributes})
    commit(herbs)
    subprocess.run(command.replace("--global ", ""), shell=True, cwd=herbs, check=True)
    return herbs


def docs_lines() -> tuple[str, str]:
    lines = (ROOT / "docs/git.md").read_text(encoding="utf-8").splitlines()
    (attributes,) = (line for line in lines if line.startswith("*.csv diff="))
    (command,) = (line for line in lines if line.startswith("git config --global diff.imprint.command"))
    return f"{attributes}\n", command


def documented_output() -> str:
    text = (ROOT / "docs/git.md").read_text(encoding="utf-8")
    return text.split("$ git diff\n")[1].split("```")[0]


def test_git_diff_shows_what_the_docs_show(driven: Path) -> None:
    edit(driven, "data/plants.csv", "Mint,0.75", "Mint,0.8")
    edit(driven, "data/plants.csv", "7,Woodruff,0.25,false,2018-04-04,annual\n", "")
    edit(driven, "data/plants.csv", "8,Yarrow", "9,Dill,1,false,,annual\n8,Yarrow")
    shown = documented_output()
    assert git(driven, "diff") == shown
    assert git(driven / "data", "diff") == shown
    below = shown.replace("data/plants.csv", "plants.csv")
    assert git(driven / "data", "diff", "--relative") == below
    assert git(driven, "diff", "--relative=data/") == below
    commit(driven)
    assert git(driven, "log", "-p", "--ext-diff", "-1", "--format=") == shown
    assert git(driven / "data", "log", "-p", "--ext-diff", "--relative", "-1", "--format=") == below
    assert git(driven, "diff", "HEAD", "HEAD~1").count("\n") == shown.count("\n")


def encoded(files: dict[str, Any]) -> dict[str, Any]:
    """Files of which those that begin with latin1: are in that encoding."""
    return {name: text[7:].encode("latin-1") if text.startswith("latin1:") else text for name, text in files.items()}


@pytest.mark.parametrize(
    "case", json.loads((CASES / "gitdiff.json").read_text(encoding="utf-8")), ids=lambda case: case["what"]
)
def test_git_diff_shows_it(driven: Path, case: dict) -> None:
    write(driven, {"loose.csv": "id,v\n1,a\n2,b\n", "twice.csv": "k,v\n1,a\n1,b\n", **encoded(case.get("before", {}))})
    commit(driven)
    write(driven, encoded(case["files"]))
    for name in case.get("deleted", ()):
        (driven / name).unlink()
    for name in case.get("executable", ()):
        (driven / name).chmod(0o755)
    git(driven, "add", "--intent-to-add", ".")
    assert git(driven, "diff", "HEAD", "--", "*.csv").splitlines() == case["shows"]


def test_git_diff_goes_on_to_the_next_file_whatever_one_holds(driven: Path) -> None:
    """Renames, modes, conflicts, links and names that look like options."""
    write(driven, {"a.csv": "id,v\n" + "".join(f"{n},a\n" for n in range(50)), "-h.csv": "id\n1\n", 'tab\t"ü.csv': "id\n1\n"})
    commit(driven)
    (driven / "a.csv").rename(driven / "b.csv")
    write(driven, {"b.csv": (driven / "b.csv").read_text() + "50,a\n"})
    (driven / "data/plants.csv").chmod(0o755)
    (driven / "data/uses-1.csv").unlink()
    (driven / "data/uses-1.csv").symlink_to("uses-2.csv")
    write(driven, {"-h.csv": "id\n2\n", 'tab\t"ü.csv': "id\n2\n"})
    git(driven, "add", "--all")
    shown = git(driven, "diff", "--cached", "--find-renames")
    for line in (
        "diff --git a/a.csv b/b.csv", "rename from a.csv", "rename to b.csv", "old mode 100644", "new mode 100755",
        "b (by id): 1 added, 0 removed, 0 changed, 50 unchanged", "diff --git a/-h.csv b/-h.csv",
    ):  # fmt: skip
        assert f"{line}\n" in shown, shown


def test_colours_are_git_s_unless_no_color_says_no(driven: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(driven, "data/plants.csv", "Mint,0.75", "Mint,0.8")
    assert "\x1b[" not in git(driven, "diff")
    assert "\x1b[32m«0.8»" in git(driven, "-c", "color.ui=always", "diff")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[33m" not in git(driven, "-c", "color.ui=always", "diff")


def test_a_driver_without_git_s_arguments_says_how_to_set_it_up() -> None:
    done = imprint("gitdiff", "a", "b")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "git config diff.imprint.command 'imprint gitdiff'" in done.stderr


# What CI runs


def workflow() -> dict:
    return yaml.safe_load((ROOT / "docs/workflows/diff.yml").read_text(encoding="utf-8"))


def merged(herbs: Path) -> None:
    """The merge of a branch that corrects a height into one that has moved on, as a pull request's checkout is."""
    git(herbs, "checkout", "--quiet", "-b", "main")
    git(herbs, "checkout", "--quiet", "-b", "branch")
    edit(herbs, "data/plants.csv", "Mint,0.75", "Mint,0.8")
    commit(herbs)
    git(herbs, "checkout", "--quiet", "main")
    edit(herbs, "data/uses-1.csv", "soap\n", "soap\nwax\n")
    commit(herbs)
    git(herbs, "merge", "--quiet", "--no-ff", "--message=x", "branch")


def test_the_workflow_says_what_a_pull_request_changes(herbs: Path, bin_path: str) -> None:
    merged(herbs)
    (step,) = [step for step in workflow()["jobs"]["diff"]["steps"] if step.get("name") == "diff"]
    summary = herbs.parent / "summary.md"
    environment = {**os.environ, **workflow()["env"], "PATH": bin_path, "GITHUB_STEP_SUMMARY": str(summary)}
    subprocess.run(["bash", "-e", "-c", step["run"]], cwd=herbs, env=environment, check=True)
    shown = (herbs / "diff.md").read_text(encoding="utf-8")
    assert summary.read_text(encoding="utf-8") == shown
    assert "values-corrected" in shown
    assert "rows-added" not in shown  # that is what main has done meanwhile


def test_the_shell_version_says_the_same(herbs: Path, bin_path: str) -> None:
    merged(herbs)
    environment = {**os.environ, "PATH": bin_path}
    script = ["sh", str(ROOT / "docs/workflows/diff.sh")]
    git(herbs, "checkout", "--quiet", "branch")
    done = subprocess.run([*script, "main^1"], cwd=herbs / "data", env=environment, capture_output=True, text=True, check=True)
    assert "values-corrected" in done.stdout
    assert "rows-" not in done.stdout
    done = subprocess.run([*script, "no"], cwd=herbs, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.splitlines()[-1].startswith("diff.sh: git sees no commit that no and HEAD share")


def test_the_workflow_gives_what_a_pull_request_brings_no_right_to_write() -> None:
    said = workflow()
    assert said[True] == "pull_request"  # YAML's own idea of the word "on"
    assert said["permissions"] == {}
    jobs = said["jobs"]
    assert {name: job["permissions"] for name, job in jobs.items()} == {
        "diff": {"contents": "read"}, "comment": {"pull-requests": "write"},
    }  # fmt: skip
    assert not any("checkout" in step.get("uses", "") for step in jobs["comment"]["steps"])
    runs = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert not any("${{" in run for run in runs)  # what a pull request says never becomes part of a script
    for run in runs:
        subprocess.run(["bash", "-n", "-c", run], check=True)
