"""`imprint diff` as a user meets it: text, JSON, exit codes, bare files and git revisions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from packages import CASES, commit, imprint, write

DIFF = CASES / "diff"
EXPECTED_TEXT = """\
people 1.2.3 → 1.2.3: major, next version at least 2.0.0

  major  many-rows-removed        friends: 2 of 3 rows gone
         referenced-rows-removed  people: 1 row gone that others referred to
  minor  rows-removed             people: 1 of 12 rows gone

  rows of  added  removed  changed  unchanged
  people       0        1        0         11
  friends      0        2        0          1

people (by id): 0 added, 1 removed, 0 changed, 11 unchanged
  - 7  name: «Grace»; born: «1906-12-09»; height: «1.5»

friends (by person, friend): 0 added, 2 removed, 0 changed, 1 unchanged
  - 1, 7
  - 2, 7
"""


def sides(case: str) -> tuple[Path, Path]:
    return DIFF / case / "old", DIFF / case / "new"


def test_text_gives_the_verdict_then_the_rules_then_the_rows_in_80_columns() -> None:
    done = imprint("diff", *sides("referenced-rows-removed"))
    assert done.exit_code == 0
    assert done.stdout == EXPECTED_TEXT
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert done.stderr == ""


def test_text_says_so_where_nothing_differs() -> None:
    done = imprint("diff", *sides("same-content-sorted-quoted-and-spelled-otherwise"))
    assert done.stdout == "people 1.2.3 → 1.2.3: no change of content\n"


def test_text_says_that_rows_without_a_key_are_compared_whole() -> None:
    done = imprint("diff", *sides("no-key-rows-are-a-multiset"))
    assert "people (no key: whole rows are compared): 2 added, 2 removed" in done.stdout


def test_json_has_the_documented_keys() -> None:
    done = imprint("diff", *sides("waived-major-leaves-the-minor"), "--format", "json")
    found = json.loads(done.stdout)
    assert list(found) == ["old", "new", "bump", "nextVersion", "profile", "notes", "changes", "resources"]
    assert list(found["old"]) == list(found["new"]) == ["name", "version", "fingerprint"]
    assert (found["bump"], found["nextVersion"]) == ("minor", "1.3.0")
    assert found["changes"] == [
        {
            "rule": "constraint-tightened", "bump": "major", "resource": "people", "field": "height",
            "message": 'constraint "minimum" changes from 1 to 1.2', "witness": "1", "waived": True, "reason": "said in the notes",
        },
        {"rule": "rows-added", "bump": "minor", "resource": "people", "count": 1, "message": "1 row more", "witness": "13"},
    ]  # fmt: skip
    assert found["resources"] == [
        {
            "name": "people", "key": ["id"], "added": 1, "removed": 0, "changed": 0, "unchanged": 12, "fields": {},
            "rows": [
                {
                    "op": "added", "key": {"id": "13"},
                    "cells": {"name": [None, "Stephen"], "born": [None, "1942-01-08"], "height": [None, "1.69"]},
                }
            ],
            "sampled": False,
        }
    ]  # fmt: skip


def test_json_shows_cells_before_and_after_and_a_list_as_it_is_written() -> None:
    done = imprint("diff", *sides("list-items-are-compared"), "--format", "json")
    (resource,) = json.loads(done.stdout)["resources"]
    assert resource["rows"] == [{"op": "changed", "key": {"id": "1"}, "cells": {"tags": ["a,b", "a,c"]}}]


def test_json_shows_a_null_as_null() -> None:
    done = imprint("diff", *sides("null-is-not-the-empty-string"), "--format", "json")
    (resource,) = json.loads(done.stdout)["resources"]
    assert [(row["key"]["word"], row["cells"]["tone"]) for row in resource["rows"]] == [("c", [None, ""]), ("d", ["", None])]


def test_limit_rows_caps_the_examples_and_says_so() -> None:
    done = imprint("diff", *sides("values-revised"), "--format", "json", "--limit-rows", 3)
    (resource,) = json.loads(done.stdout)["resources"]
    assert (resource["changed"], len(resource["rows"]), resource["sampled"]) == (4, 3, True)


def test_bump_prints_the_next_version_and_nothing_else() -> None:
    assert imprint("diff", *sides("rows-added"), "--bump").stdout == "1.3.0\n"
    assert imprint("diff", *sides("only-the-version-changed"), "--bump").stdout == "1.2.3\n"


@pytest.mark.parametrize(("case", "code"), [("rows-added", 1), ("storage-changed", 1), ("only-the-version-changed", 0)])
def test_exit_code_tells_whether_there_is_a_difference(case: str, code: int) -> None:
    assert imprint("diff", *sides(case), "--exit-code").exit_code == code
    assert imprint("diff", *sides(case)).exit_code == 0


def test_keys_that_are_not_unique_are_named_in_one_line_and_exit_with_1() -> None:
    done = imprint("diff", *sides("duplicate-keys-are-refused"))
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "7 (3 times); 12 (2 times)" in done.stderr


def test_key_makes_rows_of_two_bare_files_comparable_whatever_their_names(tmp_path: Path) -> None:
    write(tmp_path, {"before.csv": "id,v\n1,a\n2,b\n3,c\n", "after.csv": "v,id\nc,3\nB,2\nd,4\n"})
    done = imprint("diff", tmp_path / "before.csv", tmp_path / "after.csv", "--key", "after=id", "--format", "json")
    found = json.loads(done.stdout)
    (resource,) = found["resources"]
    assert {word: resource[word] for word in ("name", "key", "added", "removed", "changed", "unchanged")} == {
        "name": "after", "key": ["id"], "added": 1, "removed": 1, "changed": 1, "unchanged": 1,
    }  # fmt: skip
    rules = [change["rule"] for change in found["changes"]]
    assert rules == ["fields-reordered", "many-rows-removed", "values-revised", "rows-added"]


def test_bare_files_with_other_columns_say_which(tmp_path: Path) -> None:
    write(tmp_path, {"before.csv": "id,v,w\n1,a,x\n", "after.csv": "id,v,y\n1,a,z\n"})
    found = json.loads(imprint("diff", tmp_path / "before.csv", tmp_path / "after.csv", "--format", "json").stdout)
    assert [(one["rule"], one.get("field")) for one in found["changes"]] == [("field-added", "y"), ("field-removed", "w")]


@pytest.mark.parametrize("key", ["", "=id", "id,", "after=", "nothing=id", "after=nope"])
def test_a_key_that_makes_no_sense_is_a_usage_fault(tmp_path: Path, key: str) -> None:
    write(tmp_path, {"before.csv": "id\n1\n", "after.csv": "id\n1\n"})
    done = imprint("diff", tmp_path / "before.csv", tmp_path / "after.csv", "--key", key)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--key" in done.stderr


def test_git_revisions_stand_on_either_side_or_both(tmp_path: Path) -> None:
    old, new = sides("rows-added")
    for side, name in ((old, "first"), (new, "second")):
        write(tmp_path, {f"pkg/{path.name}": path.read_bytes() for path in side.iterdir()})
        commit(tmp_path, name)
    (tmp_path / "pkg/people.csv").write_text("id,name,born,height\n", encoding="utf-8")

    def rules(*arguments: str, cwd: Path) -> list[str]:
        done = imprint("diff", *arguments, "--format", "json", cwd=cwd)
        return [change["rule"] for change in json.loads(done.stdout)["changes"]]

    assert rules("git:HEAD~1:pkg", "git:HEAD:pkg", cwd=tmp_path) == ["rows-added"]
    assert rules("git:HEAD:pkg", "git:HEAD~1:pkg", cwd=tmp_path) == ["rows-removed"]
    assert rules("git:HEAD", "git:HEAD~1", cwd=tmp_path / "pkg") == ["rows-removed"]
    assert rules("git:HEAD", cwd=tmp_path / "pkg") == ["many-rows-removed"]
    assert rules("pkg", "git:HEAD:pkg", cwd=tmp_path) == ["rows-added"]


def test_a_revision_that_git_does_not_know_is_said_in_one_line_and_exits_with_3(tmp_path: Path) -> None:
    commit(tmp_path)
    done = imprint("diff", "git:nope", "git:HEAD", cwd=tmp_path)
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr.startswith('imprint: git:nope: git knows no revision "nope" here')
    assert done.stderr.count("\n") == 1


def test_a_package_without_a_release_says_so(tmp_path: Path) -> None:
    old, _ = sides("rows-added")
    write(tmp_path, {path.name: path.read_bytes() for path in old.iterdir()})
    done = imprint("diff", "--last-release", ".", cwd=tmp_path)
    assert done.exit_code == 3
    assert "has no release yet" in done.stderr
