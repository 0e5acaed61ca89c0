"""`imprint uses` and `imprint diff --for`: what a consumer relies on, and how a change affects it; tables in cases/uses.json."""

from __future__ import annotations

import ast
import functools
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packages import CASES, commit, examples, imprint, write

import imprint as library
from imprint import api, impact, scripts, uses
from imprint.exceptions import ImprintError
from imprint.version import RULES

TABLE = json.loads((CASES / "uses.json").read_text(encoding="utf-8"))
PROFILES = Path(library.__path__[0]) / "profiles"
SCHEMA = json.loads((PROFILES / "lock-1.0.json").read_text(encoding="utf-8"))
PROFILE = jsonschema.Draft202012Validator(SCHEMA)
HERBS: dict[str, Any] = {
    "datapackage.json": TABLE["package"],
    "data/plants.csv": "id,name,height,kind\n1,Basil,0.5,annual\n2,Bay,12,shrub\n3,Mint,0.75,herb\n",
    "data/plant-uses.csv": "plant,use\n1,tea\n3,tea\n",
    "data/weather.csv": "day,rain\n2024-02-29,3\n",
}


def named(rows: list[dict[str, Any]]) -> Any:
    return pytest.mark.parametrize("row", rows, ids=[row["what"] for row in rows])


def expected_of(case: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CASES / "diff" / case / "expected.json").read_text(encoding="utf-8"))
    return found


def said(row: impact.Impact) -> list[str]:
    return [f"{one.level.word} {one.difference.rule} {one.difference.path}".strip() + f": {one.why}" for one in row.effects]


# How a change affects a consumer


@named(TABLE["impacts"])
def test_a_change_affects_a_consumer_as_its_row_says(row: dict[str, Any], tmp_path: Path) -> None:
    lock = write(tmp_path, {"lock.json": row["lock"]}) / "lock.json"
    sides, told = CASES / "diff" / row["case"], expected_of(row["case"])
    compare = functools.partial(
        api.diff, sides / "old", sides / "new", keys=told.get("keys", {}), rename=told.get("rename", {})
    )
    changes, (found,) = api.impacts([lock], compare, told.get("rename"))
    assert said(found) == row["effects"]
    assert found.untouched == len(changes.differences) - len(row["effects"])
    assert found.affected is bool(row["effects"])


def test_every_version_rule_has_a_row() -> None:
    cases = [expected_of(row["case"]) for row in TABLE["impacts"]]
    assert RULES.keys() - {rule for case in cases for rule, *_ in case.get("rules", ())} == set()


def test_every_rule_that_is_judged_is_a_version_rule() -> None:
    assert impact.JUDGES.keys() - RULES.keys() == set()


# Locks, lists and scripts


@named(TABLE["bad"])
def test_what_is_no_lock_list_or_script_gets_one_sentence(row: dict[str, Any], tmp_path: Path) -> None:
    write(tmp_path, {**{f"herbs/{name}": content for name, content in HERBS.items()}, row["file"]: row["content"]})
    done = imprint("uses", row["file"], *(() if row.get("alone") else ("--package", "herbs")), cwd=tmp_path)
    assert done.stdout == ""
    assert done.stderr == f"imprint: {row['says']}\n"
    assert done.exit_code == row["exit"]


@named(TABLE["sources"])
def test_a_lock_is_made_of_a_list_or_a_script(row: dict[str, Any], tmp_path: Path) -> None:
    text = row["content"] if isinstance(row["content"], str) else json.dumps(row["content"])
    write(tmp_path, {**{f"herbs/{name}": content for name, content in HERBS.items()}, row["file"]: text})
    arguments = () if row.get("alone") else ("--package", "herbs")
    done = imprint("uses", row["file"], *arguments, "-o", "made.lock.json", cwd=tmp_path)
    assert (done.exit_code, done.stderr) == (0, "the lock is in made.lock.json\n")
    made = json.loads((tmp_path / "made.lock.json").read_text(encoding="utf-8"))
    assert made["uses"] == row["uses"]
    assert "package" in made or row.get("alone")
    PROFILE.validate(made)
    again = uses.read_lock(tmp_path / "made.lock.json")
    assert again.to_dict() == made
    assert max(map(len, done.stdout.splitlines())) <= 80
    if not row.get("alone"):
        checked = imprint("uses", "made.lock.json", "--package", "herbs", cwd=tmp_path)
        assert checked.exit_code == 0, checked.stderr
        assert checked.stdout.endswith("herbs has all of it.\n")


def test_the_profile_is_a_json_schema_that_explains_every_key() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    use = SCHEMA["properties"]["uses"]["items"]["properties"]
    assert all(one["description"] for one in (*SCHEMA["properties"].values(), *use.values()))
    assert use.keys() == uses.Use.__dataclass_fields__.keys()


def test_a_list_is_read_from_standard_input() -> None:
    from click.testing import CliRunner

    from imprint.commands import main

    done = CliRunner().invoke(main, ["uses", "-", "--format", "json"], input="plants.name\n")
    assert json.loads(done.stdout) == {"uses": [{"resource": "plants", "fields": ["name"], "order": False, "values": True}]}


def test_a_script_shows_where_each_name_stands_and_that_it_must_be_looked_over(tmp_path: Path) -> None:
    write(tmp_path, {**HERBS, "plot.R": 'plants <- read.csv("data/plants.csv")\nplot(plants$height[plants$kind == "shrub"])\n'})
    done = imprint("uses", "plot.R", "--package", ".", cwd=tmp_path)
    assert done.stdout == TABLE["text of a script"]


# The command


@pytest.fixture
def herbs(tmp_path: Path) -> Path:
    """Two versions of a package and the locks of two consumers."""
    lock = {"package": "herbs", "uses": [{"resource": "plants", "fields": ["name", "kind"], "codes": {"kind": ["shrub"]}}]}
    write(tmp_path / "old", HERBS)
    write(tmp_path / "new", {**HERBS, "data/plants.csv": HERBS["data/plants.csv"].replace("0.75,herb", "0.8,annual")})
    other = {"uses": [{"resource": "weather", "fields": ["rain"]}]}
    return write(tmp_path, {"kinds.lock.json": lock, "rain.lock.yaml": json.dumps(other)})


def test_text_says_what_affects_each_lock_in_80_columns(herbs: Path) -> None:
    done = imprint("diff", "old", "new", "--for", "kinds.lock.json", "--for", "rain.lock.yaml", cwd=herbs)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == TABLE["text of an impact"]
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_json_has_the_diff_and_the_impact_besides(herbs: Path) -> None:
    done = imprint("diff", "old", "new", "--for", "kinds.lock.json", "--for", "rain.lock.yaml", "--format", "json", cwd=herbs)
    found = json.loads(done.stdout)
    assert found["changes"]
    assert (found["impact"]["affected"], found["impact"]["level"]) == (True, "may-differ")
    first, second = found["impact"]["consumers"]
    assert [(one["level"], one["rule"], one["resource"]) for one in first["effects"]] == [
        ("may-differ", "values-revised", "plants")
    ]
    assert second == {"lock": "rain.lock.yaml", "affected": False, "level": "untouched", "effects": [], "untouched": 1}
    jsonschema.validate(found, json.loads((PROFILES / "diff-1.0.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize(("lock", "exit_code"), [("kinds.lock.json", 1), ("rain.lock.yaml", 0)])
def test_exit_code_is_1_only_where_the_consumer_is_affected(herbs: Path, lock: str, exit_code: int) -> None:
    assert imprint("diff", "old", "new", "--for", lock, "--exit-code", cwd=herbs).exit_code == exit_code
    assert imprint("diff", "old", "new", "--for", lock, cwd=herbs).exit_code == 0


def test_output_goes_to_a_file_and_one_line_to_stderr(herbs: Path) -> None:
    done = imprint("diff", "old", "new", "--for", "kinds.lock.json", "-o", "impact.txt", cwd=herbs)
    assert (done.stdout, done.stderr) == ("", "kinds.lock.json affected; how is in impact.txt\n")
    assert "kinds.lock.json: may differ" in (herbs / "impact.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "exit_code", "says"),
    [
        (
            ["--for", "kinds.lock.json", "--format", "html"],
            2,
            "imprint: --for: an impact has no html form; use --format text or json\n",
        ),
        (["--for", "nope.json"], 3, "imprint: nope.json: cannot be read (No such file or directory); check the path\n"),
        (
            ["--for", "old/datapackage.json"],
            2,
            "imprint: old/datapackage.json: is a Data Package, not a lock; name a lock, which imprint uses -o makes\n",
        ),
    ],
)
def test_a_for_that_makes_no_sense_gets_one_sentence(herbs: Path, arguments: list[str], exit_code: int, says: str) -> None:
    done = imprint("diff", "old", "new", *arguments, cwd=herbs)
    assert (done.stdout, done.stderr, done.exit_code) == ("", says, exit_code)


def test_a_lock_that_does_not_fit_the_old_package_is_refused_before_anything_is_compared(herbs: Path) -> None:
    write(herbs, {"typo.json": {"uses": [{"resource": "plants", "fields": ["nmae"]}]}})
    done = imprint("diff", "old", "new", "--for", "typo.json", cwd=herbs)
    says = (
        'imprint: typo.json: "herbs" 1.0.0 doesn\'t have field "plants.nmae" (did you mean "name"?); '
        "mend the list or the lock, or name another package\n"
    )
    assert (done.stdout, done.stderr, done.exit_code) == ("", says, 1)


def test_for_reads_a_script_against_the_old_package(herbs: Path) -> None:
    write(herbs, {"plot.py": 'plants["kind"]\n', "rain.R": "weather$rain\n"})
    done = imprint("diff", "old", "new", "--for", "plot.py", "--for", "rain.R", cwd=herbs)
    assert [line for line in done.stdout.splitlines() if line and line[0] != " "][1:] == [
        "plot.py: may differ",
        "rain.R: not affected",
    ]


def test_a_lock_in_the_words_of_the_old_of_two_bare_files(tmp_path: Path) -> None:
    write(tmp_path, {"a.csv": "id,n\n1,2\n", "b.csv": "id,n\n1,3\n", "l.json": {"uses": [{"resource": "a", "fields": ["n"]}]}})
    done = imprint("diff", "a.csv", "b.csv", "--key", "b=id", "--for", "l.json", cwd=tmp_path)
    assert "cells that it reads change in n (1), such as n of 1: «2» → «3»" in " ".join(done.stdout.split())


def test_a_working_tree_against_git(herbs: Path) -> None:
    commit(herbs / "new", "herbs")
    write(herbs / "new", {"data/weather.csv": "day,rain\n2024-02-29,4\n"})
    done = imprint("diff", "git:HEAD", ".", "--for", "../rain.lock.yaml", "--exit-code", cwd=herbs / "new")
    assert (done.exit_code, "rain.lock.yaml: may differ" in done.stdout) == (1, True)


# What must hold for every input

WORDS = ("plants", "name", "height", "kind", "plants.csv", "plant-uses", "use", "shrub")
PARTS = st.sampled_from(
    [*WORDS, "'", '"', "#", "--", "\n", " ", "$", "[", "]", "(", ")", ".", "=", "```{r}", "\\", "`", "/*", "é", "%%sql"]
)
TEXTS = st.lists(PARTS, max_size=40).map("".join)


@examples(150)
@given(text=TEXTS, suffix=st.sampled_from([".py", ".r", ".sql", ".jl", ".rmd"]))
def test_no_script_is_too_odd_and_what_is_found_stands_in_it(text: str, suffix: str) -> None:
    lines = text.split("\n")
    for piece in scripts.pieces(f"a{suffix}", text):
        number = int(piece.place.rpartition(":")[2])
        assert 1 <= number <= len(lines)
        assert all(word in text for word in WORDS if word in piece.text)


@examples(60)
@given(
    fields=st.lists(st.sampled_from(["name", "height", "kind", "id"]), min_size=1, max_size=4, unique=True),
    quote=st.sampled_from("'\""),
)
def test_a_field_that_a_python_script_names_is_found(fields: list[str], quote: str) -> None:
    text = f"import pandas\nplants = read()\nx = plants[[{', '.join(f'{quote}{name}{quote}' for name in fields)}]]\n"
    ast.parse(text)
    found = {word for piece in scripts.pieces("a.py", text) for word in piece.literals}
    assert set(fields) <= found


@examples(150)
@given(text=st.text(max_size=60))
def test_a_list_is_read_or_refused_with_one_sentence(text: str) -> None:
    try:
        made = uses.read("list.txt", None, text.encode())
    except ImprintError as error:
        assert "\n" not in str(error)
        return
    PROFILE.validate(made.to_dict())


CELLS = st.sampled_from(["x", "y", ""])
ROWS = st.dictionaries(st.integers(1, 4), st.tuples(CELLS, CELLS, CELLS), max_size=4)
COLUMNS = st.lists(st.sampled_from("abc"), unique=True, min_size=1).map(sorted)


def table(folder: Path, rows: dict[int, tuple[str, ...]], columns: list[str]) -> Path:
    lines = [",".join([str(key), *(cells["abc".index(name)] for name in columns)]) for key, cells in rows.items()]
    fields = [{"name": "id", "type": "integer"}, *({"name": name, "type": "string"} for name in columns)]
    schema = {"fields": fields, "primaryKey": "id", "fieldsMatch": ["equal"]}
    resource = {"name": "t", "type": "table", "path": "t.csv", "schema": schema}
    package = {"$schema": "https://datapackage.org/profiles/2.0/datapackage.json", "name": "p", "resources": [resource]}
    return write(folder, {"t.csv": "\n".join([",".join(["id", *columns]), *lines]) + "\n", "datapackage.json": package})


@examples(40)
@given(old=ROWS, new=ROWS, columns=COLUMNS, used=COLUMNS)
def test_a_consumer_is_affected_just_where_what_it_reads_differs(
    tmp_path_factory: pytest.TempPathFactory, old: Any, new: Any, columns: list[str], used: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("sides")
    before, after = table(folder / "old", old, list("abc")), table(folder / "new", new, columns)
    write(folder, {"lock.json": {"uses": [{"resource": "t", "fields": ["id", *used], "key": ["id"]}]}})
    _, (found,) = api.impacts([folder / "lock.json"], functools.partial(api.diff, before, after))
    read = [{key: [cells["abc".index(name)] for name in used] for key, cells in side.items()} for side in (old, new)]
    assert found.affected is (not set(used) <= set(columns) or read[0] != read[1])
    assert (found.level is impact.Level.breaks) is (not set(used) <= set(columns))


def test_the_docs_name_every_key_of_a_lock_and_show_one_that_is_valid() -> None:
    page = (Path(__file__).parent.parent / "docs" / "uses.md").read_text(encoding="utf-8")
    keys = {*SCHEMA["properties"], *SCHEMA["properties"]["uses"]["items"]["properties"]} - {"$schema", "uses"}
    assert {key for key in keys if f"| `{key}` |" not in page} == set()
    PROFILE.validate(json.loads(page.partition("```json\n")[2].partition("```")[0]))
