"""`imprint fmt`: each folder of cases/fmt is a case, a package before and after."""

from __future__ import annotations

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
    assert set(checked.stdout.splitlines()[:-1]) == {f"{package / name}: would be rewritten" for name in changed}

    done = imprint("fmt", package)
    assert (done.exit_code, tree(package)) == (0, after)
    assert done.stdout.splitlines()[-1].endswith(f" files, {len(changed)} rewritten")

    again = imprint("fmt", package, "--check")
    assert (again.exit_code, tree(package)) == (0, after)
    assert imprint("diff", folder / "before", package, "--exit-code").exit_code == 0


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
