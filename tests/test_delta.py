"""A delta makes the new package of the old one, and the old one of the new; several make one; what doesn't fit is refused."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
from herbs import FILES, edit, set_version
from hypothesis import given
from hypothesis import strategies as st
from packages import CASES, commit, examples, imprint, imprint_process, tree, write

from imprint import api, applying, delta, descriptor, fingerprint, formats, storing
from imprint.package import Field, Package
from imprint.reference import Reference
from imprint.validation import open_tables

Files = dict[str, Any]
KINDS = json.loads((CASES / "delta-fields.json").read_text(encoding="utf-8"))
REFUSED = json.loads((CASES / "delta.json").read_text(encoding="utf-8"))
ROOT = Path(__file__).parent.parent


# Any packages: tables named t, u and v, with columns named a, b and c, of which each version has some


@st.composite
def tables(draw: st.DrawFn, spellings: bool) -> tuple[dict[str, Any], list[list[str]]]:
    """A Table Schema and rows. Without `spellings` each value has one spelling."""
    kinds = {name: draw(st.sampled_from(KINDS)) for name in draw(st.permutations("abc"))[: draw(st.integers(0, 3))]}
    key = draw(st.sampled_from([[], ["id"], ["part", "id"]]))
    cells = [st.sampled_from(["1", "2", "10"]), st.sampled_from(["x", "y"])]
    cells += [st.sampled_from(kind["cells"]) for kind in kinds.values()]
    chosen = [["id", "part", *kinds].index(name) for name in key]
    unique = (lambda row: tuple(row[at] for at in chosen)) if key else None
    rows = [list(row) for row in draw(st.lists(st.tuples(*cells), max_size=5, unique_by=unique))]
    fields = [{"name": "id", "type": "integer"}, {"name": "part", "type": "string"}]
    fields += [{"name": name, **kind["field"]} for name, kind in kinds.items()]
    if not spellings:
        for at, kind in enumerate(kinds.values(), 2):
            for row in rows:
                row[at] = one_spelling(kind["field"], row[at])
    return {"fields": fields, **({"primaryKey": key} if key else {})}, rows


def one_spelling(described: dict[str, Any], cell: str) -> str:
    """The same cell for each spelling of its value."""
    missing = tuple(described.get("missingValues", [""]))
    field = Field("x", described["type"], described.get("format", "default"), {}, missing, described)
    reference = Reference(field)
    text = reference.canonical(reference.read(cell)[0])
    return missing[0] if text is None else storing.speller(field)(text)


FORMS = ["csv", "json", "tsv", "ndjson", "csv.gz"]


@st.composite
def packages(draw: st.DrawFn, spellings: bool = True) -> Files:
    """The files of a package."""
    files: Files = {}
    resources: list[dict[str, Any]] = []
    for name in draw(st.lists(st.sampled_from("tuv"), unique=True, max_size=3)):
        schema, rows = draw(tables(spellings))
        forms = FORMS if spellings else FORMS[:2]
        form = draw(st.sampled_from(forms)) if rows else "csv"  # JSON without rows is no table
        path, named = f"data/{name}.{form}", [field["name"] for field in schema["fields"]]
        inline = draw(st.booleans())
        if not inline:
            files[f"{name}.schema.json"] = schema
        resources.append({"name": name, "type": "table", "path": path, "schema": schema if inline else f"{name}.schema.json"})
        files[path] = stored(named, rows, form)
    files["notes.txt"] = draw(st.sampled_from(["one", "two"]))
    resources.append({"name": "notes", "path": "notes.txt"})
    title = draw(st.sampled_from(["A garden", "The garden"]))
    files["datapackage.json"] = {"name": "garden", "title": title, "version": "1.0.0", "resources": resources}
    return files


def stored(names: list[str], rows: list[list[str]], form: str) -> bytes:
    """A table in a form."""
    if form in ("json", "ndjson"):
        items = [json.dumps(dict(zip(names, row, strict=True))) for row in rows]
        return ("[" + ",".join(items) + "]" if form == "json" else "\n".join(items)).encode()
    text = io.StringIO()
    csv.writer(text, delimiter="\t" if form == "tsv" else ",", lineterminator="\n").writerows([names, *rows])
    return gzip.compress(text.getvalue().encode()) if form == "csv.gz" else text.getvalue().encode()


def loaded(folder: Path) -> Package:
    return descriptor.load(folder / "datapackage.json", str(folder))[0]


def made(folder: Path, old: str, new: str) -> Path:
    """The delta from one package in a folder to another there."""
    return delta.make(loaded(folder / old), loaded(folder / new), folder / f"{old}-{new}")


def contents(*folders: Path) -> list[Any]:
    """What packages hold: their metadata, their tables' rows as sorted JSON, their other files."""
    opened = [loaded(folder) for folder in folders]
    found = []
    with open_tables(*opened) as (engine, sides):
        for package, side in zip(opened, sides, strict=True):
            rows = {name: sorted(map(json.dumps, formats.values(engine, one))) for name, one in side.items()}
            files = [fingerprint.of_files(one) for one in package.resources if not one.tabular]
            schemas = {one.name: one.schema.descriptor for one in package.resources if one.schema}
            found.append([package.title, package.version, schemas, rows, files])
    return found


@examples(20)
@given(packages(), packages())
def test_a_delta_makes_the_new_package_and_the_way_back_makes_the_old(old, new):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "old", old)
        write(folder / "new", new)
        change = loaded(made(folder, "old", "new"))
        applying.apply(change, loaded(folder / "old"), folder / "forth")
        applying.apply(change, loaded(folder / "forth"), folder / "back", invert=True)
        forth, new_, back, old_ = contents(*(folder / one for one in ("forth", "new", "back", "old")))
        assert forth == new_
        assert back == old_
        assert api.validate(folder / "old-new").valid


@examples(8)
@given(packages(spellings=False), packages(spellings=False), packages(spellings=False), packages(spellings=False))
def test_deltas_squash_to_the_direct_one_whatever_is_squashed_first(first, second, third, fourth):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for version, files in zip("abcd", (first, second, third, fourth), strict=True):
            write(folder / version, files)
        one, two, three = (loaded(made(folder, *pair)) for pair in ("ab", "bc", "cd"))
        direct = tree(made(folder, "a", "d"))
        left = delta.squash([loaded(delta.squash([one, two], folder / "ac")), three], folder / "left")
        right = delta.squash([one, loaded(delta.squash([two, three], folder / "bd"))], folder / "right")
        at_once = delta.squash([one, two, three], folder / "at-once")
        assert tree(left) == tree(right) == tree(at_once) == direct


@pytest.mark.parametrize(
    "fields", [None, [{"name": "zip", "type": "any"}, {"name": "n", "type": "any"}]], ids=["no schema", "any"]
)
def test_texts_in_json_stay_texts_though_they_spell_something_else(fields, tmp_path):
    resource = {"name": "x", "type": "table", "path": "x.json"} | ({"schema": {"fields": fields}} if fields else {})
    package = {"name": "p", "resources": [resource]}
    for name, rows in {
        "old": [["75001", 1], ["10115", "true"], [None, "a"]],
        "new": [["75001", 2], ["20000", "true"], ["null", "a"]],
    }.items():
        write(tmp_path / name, {"datapackage.json": package, "x.json": [{"zip": row[0], "n": row[1]} for row in rows]})
    applying.apply(loaded(made(tmp_path, "old", "new")), loaded(tmp_path / "old"), tmp_path / "forth")
    rows = json.loads((tmp_path / "forth" / "x.json").read_text(encoding="utf-8"))
    assert {row["zip"] for row in rows} == {"75001", "20000", "null"}


# What doesn't fit


GARDEN: Files = {
    "herbs.csv": "id,name,height\n1,Mint,0.5\n2,Bay,12\n",
    "notes.txt": "first",
    "datapackage.json": {
        "name": "garden",
        "title": "A garden",
        "version": "1.0.0",
        "resources": [
            {
                "name": "herbs",
                "type": "table",
                "path": "herbs.csv",
                "schema": {
                    "fields": [
                        {"name": "id", "type": "integer"},
                        {"name": "name", "type": "string"},
                        {"name": "height", "type": "number"},
                    ],
                    "primaryKey": "id",
                },
            },
            {"name": "notes", "path": "notes.txt"},
        ],
    },
}
VERSIONS = {"old": ("1.0.0", "2,Bay,12"), "new": ("1.1.0", "2,Bay,0.8"), "third": ("1.2.0", "2,Bay,7")}


@pytest.fixture(scope="module")
def garden(tmp_path_factory):
    folder = tmp_path_factory.mktemp("garden")
    for name, (version, row) in VERSIONS.items():
        write(folder / name, GARDEN)
        edit(folder / name, "herbs.csv", "2,Bay,12", row)
        edit(folder / name, "datapackage.json", '"version": "1.0.0"', f'"version": "{version}"')
    delta.make(loaded(folder / "old"), loaded(folder / "new"), folder / "delta")
    delta.make(loaded(folder / "new"), loaded(folder / "third"), folder / "further")
    return folder


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["what"])
def test_what_does_not_fit_is_refused_in_one_line_with_nothing_written(case, garden, tmp_path):
    shutil.copytree(garden, tmp_path, dirs_exist_ok=True)
    for name, before, after in case.get("edit", ()):
        edit(tmp_path, name, before, after)
    for name in case.get("remove", ()):
        (tmp_path / name).unlink()
    there = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
    done = imprint(*case["run"], cwd=tmp_path)
    assert done.exit_code == case["exit"], done.stderr
    assert done.stderr.count("\n") == 1
    for words in case["says"]:
        assert words in done.stderr
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == there


def changed_herbs(folder: Path) -> Path:
    write(folder, FILES)
    set_version(folder, "0.1.0", "0.2.0")
    edit(folder, "data/plants.csv", "3,Mint,0.75", "3,Mint,0.80")
    edit(folder, "data/plants.csv", "8,Yarrow,1,false,2017-06-06,\n", '10,"Zest, lemon",1.0,false,2017-06-06,\n')
    return folder


def test_files_in_canonical_form_come_back_byte_for_byte(tmp_path):
    write(tmp_path / "old", FILES)
    changed_herbs(tmp_path / "new")
    applying.apply(loaded(made(tmp_path, "old", "new")), loaded(tmp_path / "old"), tmp_path / "out")
    assert tree(tmp_path / "out") == {k: v for k, v in tree(tmp_path / "new").items() if k != ".gitignore"}


def test_sizes_and_digests_in_the_descriptor_are_those_of_what_was_written(tmp_path):
    write(tmp_path / "old", GARDEN)
    files = json.loads(json.dumps(GARDEN))
    files["herbs.csv"] = "id,name,height\n2,Bay,13\n1,Mint,0.5\n"  # not in the order of the key
    files["datapackage.json"]["resources"][0] |= {"bytes": 34, "hash": "0" * 32, "share": "@"}
    spelled = json.dumps(files["datapackage.json"]).replace('"@"', "[1E500, 0.12345678901234567890123]")
    write(tmp_path / "new", {**files, "datapackage.json": spelled})
    out = applying.apply(loaded(made(tmp_path, "old", "new")), loaded(tmp_path / "old"), tmp_path / "out")
    assert (out / "herbs.csv").read_text() == "id,name,height\n1,Mint,0.5\n2,Bay,13\n"
    described = "".join((out / "datapackage.json").read_text().split())
    assert '"share":[1E500,0.12345678901234567890123]' in described  # every other number as it is spelled
    assert f'"hash":"{hashlib.md5((out / "herbs.csv").read_bytes()).hexdigest()}"' in described  # of the same algorithm
    assert api.validate(out).valid


def test_a_table_in_several_files_becomes_one(tmp_path):
    write(tmp_path / "old", FILES)
    write(tmp_path / "new", {**FILES, "data/uses-2.csv": "use\nink\ndye\n"})
    out = applying.apply(loaded(made(tmp_path, "old", "new")), loaded(tmp_path / "old"), tmp_path / "out")
    assert (out / "data/uses-1.csv").read_text() == "use\ntea\nsoap\nink\ndye\n"
    assert not (out / "data/uses-2.csv").exists()
    assert api.validate(out).valid


def parquet(folder, height):
    duckdb.sql(f"COPY (SELECT {height}::DOUBLE AS height) TO '{folder / 'herbs.parquet'}'")
    return {"path": "herbs.parquet"}


def below_a_title(folder, height):
    write(folder, {"herbs.csv": f"Herbs of the garden\nheight\n{height}\n"})
    return {"path": "herbs.csv", "dialect": {"headerRows": [2]}}


@pytest.mark.parametrize(
    ("store", "said"),
    [
        (parquet, 'table "herbs" is stored as "parquet", and only CSV and JSON can be written; store it as CSV or JSON'),
        (below_a_title, 'table "herbs" has comments or other rows around its header, which can\'t be written again; '
         "store it with the header in the first row, and without comments"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_written_is_said_when_a_delta_is_made_and_refused_when_it_is_applied(tmp_path, store, said):
    for name, height in (("old", 1.5), ("new", 2.5)):
        (tmp_path / name).mkdir()
        schema = {"fields": [{"name": "height", "type": "number"}]}
        described = {"name": "herbs", "type": "table", "schema": schema, **store(tmp_path / name, height)}
        write(tmp_path / name, {"datapackage.json": {"name": "garden", "resources": [described]}})
    done = imprint("diff", "old", "new", "--delta", "delta", cwd=tmp_path)
    assert (done.exit_code, done.stderr) == (
        0,
        f"the delta is in delta\nnote: imprint apply can't write what it makes: {said}\n",
    )
    done = imprint("apply", "delta", "old", "out", cwd=tmp_path)
    assert (done.exit_code, done.stderr) == (2, f"imprint: delta: {said}\n")
    assert not (tmp_path / "out").exists()


def test_bytes_that_move_from_one_file_to_the_next_move(tmp_path):
    described = {"name": "garden", "resources": [{"name": "notes", "path": ["1.txt", "2.txt"]}]}
    for version, texts in {"old": ("ab", "c"), "new": ("a", "bc"), "third": ("", "abc")}.items():
        write(tmp_path / version, {"datapackage.json": described, "1.txt": texts[0], "2.txt": texts[1]})
    steps = [loaded(made(tmp_path, *pair)) for pair in (("old", "new"), ("new", "third"))]
    out = applying.apply(steps[0], loaded(tmp_path / "old"), tmp_path / "out")
    assert tree(out) == tree(tmp_path / "new")
    assert tree(delta.squash(steps, tmp_path / "squashed")) == tree(made(tmp_path, "old", "third"))


def test_from_a_revision_to_the_working_tree_and_back(tmp_path):
    folder = write(tmp_path / "herbs", FILES)
    commit(folder)
    changed_herbs(folder)
    done = imprint_process("diff", "git:HEAD", ".", "--delta", "../delta", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "the delta is in ../delta" in done.stderr
    for arguments in (("../delta", "git:HEAD", "../new"), ("--invert", "../delta", ".", "../old")):
        done = imprint_process("apply", *arguments, cwd=folder)
        assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "new") == contents(folder)
    assert (tmp_path / "old/data/plants.csv").read_text() == FILES["data/plants.csv"]


def test_the_bytes_of_a_delta_do_not_depend_on_the_order_of_rows_or_the_place(tmp_path):
    write(tmp_path / "old", GARDEN)
    write(tmp_path / "new", {**GARDEN, "herbs.csv": "id,name,height\n3,Sage,1\n4,Rue,1\n"})
    write(tmp_path / "else" / "old", {**GARDEN, "herbs.csv": "id,name,height\n2,Bay,12\n1,Mint,0.5\n"})
    write(tmp_path / "else" / "new", {**GARDEN, "herbs.csv": "id,name,height\n4,Rue,1\n3,Sage,1\n"})
    assert tree(made(tmp_path, "old", "new")) == tree(made(tmp_path / "else", "old", "new"))


def test_the_record_to_an_edited_copy_and_back(tmp_path):
    before = tmp_path / "old"
    write(before, {name: (ROOT / name).read_bytes() for name in ["datapackage.json"]})
    for part in ("schemas", "data"):
        shutil.copytree(ROOT / part, before / part)
    shutil.copytree(before, tmp_path / "new")
    path = tmp_path / "new" / "data" / "claims.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:-1]), encoding="utf-8")
    change = loaded(made(tmp_path, "old", "new"))
    assert api.validate(tmp_path / "old-new").valid
    applying.apply(change, loaded(before), tmp_path / "forth")
    applying.apply(change, loaded(tmp_path / "forth"), tmp_path / "back", invert=True)
    assert (tmp_path / "forth" / "data" / "claims.csv").read_bytes() == path.read_bytes()
    assert (tmp_path / "back" / "data" / "claims.csv").read_bytes() == (before / "data" / "claims.csv").read_bytes()
