"""`imprint fmt`: each folder of cases/fmt is a case, a package before and after."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from packages import CASES, examples, imprint, tree, write
from test_diff_oracle import Drawn, package_pairs

FOLDERS = sorted((CASES / "fmt").iterdir())
TABLE = {
    "name": "p",
    "resources": [
        {
            "name": "t", "type": "table", "path": "t.csv",
            "schema": {"fields": [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}], "primaryKey": "id"},
        }
    ],
}  # fmt: skip


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_case_is_formatted_as_its_folder_expects(folder: Path, tmp_path: Path) -> None:
    package = shutil.copytree(folder / "before", tmp_path / "package")
    before, after = tree(folder / "before"), tree(folder / "after")
    changed = {name for name in before if before[name] != after[name]}

    checked = imprint("fmt", package, "--check")
    assert tree(package) == before
    assert checked.exit_code == bool(changed)
    assert sorted(checked.stdout.splitlines()[:-1]) == sorted(f"{package / name}: would be rewritten" for name in changed)

    done = imprint("fmt", package)
    assert (done.exit_code, tree(package)) == (0, after)
    assert done.stdout.splitlines()[-1].partition(", ")[2] == f"{len(changed)} rewritten"

    again = imprint("fmt", package, "--check")
    assert (again.exit_code, tree(package)) == (0, after)
    assert imprint("diff", folder / "before", package, "--exit-code").exit_code == 0


OLD, NEW = '"id",name\n2,b\n1,a\n', "id,name\n1,a\n2,b\n"


def hashed(algorithm: str, text: str) -> str:
    return hashlib.new(algorithm, text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("path", "said", "expected"),
    [
        ("t.csv", {"bytes": len(OLD)}, {"bytes": len(NEW)}),
        ("t.csv", {"hash": hashed("md5", OLD)}, {"hash": hashed("md5", NEW)}),
        ("t.csv", {"hash": f"sha512:{hashed('sha512', OLD).upper()}"}, {"hash": f"sha512:{hashed('sha512', NEW)}"}),
        ("t.csv", {"bytes": 1, "hash": hashed("md5", OLD)}, {"bytes": 1, "hash": hashed("md5", NEW)}),  # one was wrong
        ("t.csv", {"bytes": len(OLD), "hash": "0" * 32}, {"bytes": len(NEW), "hash": "0" * 32}),
        ("t.csv", {"hash": "nonsense:00"}, {"hash": "nonsense:00"}),
        (["t.csv", "u.bin"], {"hash": hashed("md5", OLD + "x")}, {"hash": hashed("md5", NEW + "x")}),
        ("u.bin", {"bytes": 1}, {"bytes": 1}),
    ],
)
def test_a_size_or_digest_is_set_anew_where_it_was_right(tmp_path: Path, path: Any, said: Any, expected: Any) -> None:
    resources = [*TABLE["resources"], {"name": "more", "path": path, **said}]
    write(tmp_path, {"datapackage.json": {**TABLE, "resources": resources}, "t.csv": OLD, "u.bin": "x"})
    assert imprint("fmt", tmp_path).exit_code == 0
    resources[-1] |= expected
    assert json.loads((tmp_path / "datapackage.json").read_text(encoding="utf-8"))["resources"] == resources
    assert (tmp_path / "t.csv").read_text(encoding="utf-8") == NEW
    assert imprint("fmt", tmp_path, "--check").exit_code == 0


KEYS = '[{"id": 1, "id": 2, "name": "a"}]'
JSON_TABLE = json.loads(json.dumps(TABLE).replace("t.csv", "t.json"))
YAML = f"name: p\nresources:\n- {{name: t, type: table, path: t.csv, bytes: {len(OLD)}}}\n"
TWICE = 'has an object with the key "{}" twice, and can\'t be rewritten; leave one out'


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"datapackage.json": JSON_TABLE, "t.json": KEYS}, "t.json: " + TWICE.format("id")),
        ({"datapackage.json": '{"name": "p", "name": "q", "resources": []}'}, "datapackage.json: " + TWICE.format("name")),
        ({"datapackage.yaml": YAML, "t.csv": OLD}, 't.csv: would be another file than the descriptor says; take its "bytes"'),
    ],
)
def test_what_would_be_lost_or_wrong_is_refused(tmp_path: Path, files: dict[str, Any], said: str) -> None:
    before = tree(write(tmp_path, files))
    done = imprint("fmt", tmp_path)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert said in done.stderr
    assert tree(tmp_path) == before


def test_a_linked_file_is_rewritten_where_it_lies(tmp_path: Path) -> None:
    write(tmp_path, {"datapackage.json": TABLE, "data.csv": OLD})
    (tmp_path / "t.csv").symlink_to("data.csv")
    assert imprint("fmt", tmp_path).stdout.endswith("\n2 files, 1 rewritten\n")
    assert (tmp_path / "t.csv").is_symlink()
    assert (tmp_path / "data.csv").read_text(encoding="utf-8") == NEW


def test_a_single_file_is_counted_as_one(tmp_path: Path) -> None:
    write(tmp_path, {"t.csv": NEW})
    assert imprint("fmt", tmp_path / "t.csv").stdout == "1 file, 0 rewritten\n"


def test_the_mode_of_a_file_stays(tmp_path: Path) -> None:
    write(tmp_path, {"datapackage.json": TABLE, "t.csv": "id,name\r\n1,a\r\n"})
    (tmp_path / "t.csv").chmod(0o640)
    imprint("fmt", tmp_path)
    assert (tmp_path / "t.csv").stat().st_mode & 0o777 == 0o640
    assert sorted(tree(tmp_path)) == ["datapackage.json", "t.csv"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,name\n1,a\n2\n", "none for this field"),
        ("id,name\n1,a,b\n", "position 3"),
        ("id,name\n1,a\n\n2,b\n", "blank"),
        ("id,name\n1,\xff\n", "utf-8"),
    ],
)
def test_a_broken_table_is_refused_with_its_fault_and_left_as_it_is(tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path, {"datapackage.json": TABLE, "t.csv": text.encode("latin-1")})
    before = tree(tmp_path)
    done = imprint("fmt", tmp_path)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert said in done.stderr
    assert tree(tmp_path) == before


def test_nothing_is_written_where_one_of_several_tables_is_broken(tmp_path: Path) -> None:
    second = {"name": "u", "type": "table", "path": "u.csv"}
    descriptor = {**TABLE, "resources": [*TABLE["resources"], second]}  # type: ignore[misc]
    write(tmp_path, {"datapackage.json": descriptor, "t.csv": '"id",name\n', "u.csv": "a,b\n1\n"})
    before = tree(tmp_path)
    assert imprint("fmt", tmp_path).exit_code == 1
    assert tree(tmp_path) == before


def test_a_document_outside_the_package_is_left_alone(tmp_path: Path) -> None:
    schema = '{"fields":[{"name":"id","type":"integer"},{"name":"name","type":"string"}]}'
    resource: dict[str, Any] = {"name": "t", "type": "table", "path": "t.csv", "schema": "../outside.json"}
    write(
        tmp_path,
        {"outside.json": schema, "p/datapackage.json": {"name": "p", "resources": [resource]}, "p/t.csv": "id,name\n1,a\n"},
    )
    assert imprint("fmt", tmp_path / "p").exit_code == 0
    assert (tmp_path / "outside.json").read_text(encoding="utf-8") == schema


@examples(6)
@given(package_pairs())
def test_values_stay_and_a_second_run_changes_nothing(drawn: Drawn) -> None:
    first = (next(iter(row.values()), None) for pair in drawn.pairs for row in pair.old.rows)
    assume(all(cell is not None for cell in first))  # a blank row is refused
    with tempfile.TemporaryDirectory() as folder:
        before, package = (write(Path(folder, name), drawn.old) for name in ("before", "package"))
        assert imprint("fmt", package).exit_code == 0
        assert imprint("fmt", package, "--check").exit_code == 0
        assert imprint("diff", before, package, "--exit-code").exit_code == 0


def test_a_carriage_return_inside_a_cell_is_quoted_and_stays(tmp_path: Path) -> None:
    write(tmp_path, {"datapackage.json": TABLE, "t.csv": 'id,name\n2,"a\rb"\n1,"c\r\nd"\n'})
    assert imprint("fmt", tmp_path).exit_code == 0
    assert (tmp_path / "t.csv").read_bytes() == b'id,name\n1,"c\r\nd"\n2,"a\rb"\n'


def test_a_large_table_is_sorted_too(tmp_path: Path) -> None:
    """Large tables are read by the engine anew for each query, where small ones are kept."""
    count = 200_000
    lines = [f"{number},a name that takes some room\n" for number in range(count)]
    write(tmp_path, {"datapackage.json": TABLE, "t.csv": "id,name\n" + "".join(reversed(lines))})
    assert (tmp_path / "t.csv").stat().st_size > 4 << 20
    assert imprint("fmt", tmp_path).exit_code == 0
    assert (tmp_path / "t.csv").read_text(encoding="utf-8") == "id,name\n" + "".join(lines)
