"""The physical line of every row is found, whatever ends the lines and whatever the cells hold."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packages import examples, write

import imprint
from imprint.lines import lines_of
from imprint.package import Resource

FIELDS = {"fields": [{"name": "id", "type": "integer"}, {"name": "text", "type": "string"}]}


def resource(folder: Path, files: dict[str, str | bytes], **descriptor: Any) -> Resource:
    """A package of one table in these files."""
    paths = [*files] if len(files) > 1 else next(iter(files))
    found = {"name": "table", "type": "table", "path": paths, "schema": FIELDS, **descriptor}
    write(folder, {**files, "datapackage.json": {"name": "case", "resources": [found]}})
    with imprint.open_package(folder) as (package, _):
        return package.resources[0]


# What the file holds, further properties of the resource, and the line on which each row begins.
LINES: dict[str, tuple[str | bytes, dict[str, Any], dict[int, int]]] = {
    "a row is a line": ("id,text\n1,a\n2,b\n", {}, {1: 1, 2: 2, 3: 3}),
    "no line end at the end": ("id,text\n1,a\n2,b", {}, {3: 3}),
    "a quoted line end": ('id,text\n1,"a\nb"\n2,c\n', {}, {1: 1, 2: 2, 3: 4}),
    "quoted line ends of three sorts": ('id,text\n1,"a\r\nb\rc\nd"\n2,e\n', {}, {2: 2, 3: 6}),
    "a header of two lines": ('id,"te\nxt"\n1,a\n', {}, {1: 1, 2: 3}),
    "CRLF": ('id,text\r\n1,"a\r\nb"\r\n2,c\r\n', {}, {2: 2, 3: 4}),
    "lone CR": ('id,text\r1,"a\rb"\r2,c\r', {}, {2: 2, 3: 4}),
    "blank lines are rows": ("id,text\n\n1,a\n\n\n2,b\n", {}, {2: 2, 3: 3, 6: 6}),
    "no other mark ends a line": ('id,text\n1,"a\x0bb\x0cc\x1c\x85\u2028\u2029d"\n2,b\n', {}, {3: 3}),
    "a doubled quote": ('id,text\n1,"a""\n"""\n2,b\n', {}, {3: 4}),
    "a quote inside a bare cell": ('id,text\n1,a"b\n2,c\n', {}, {3: 3}),
    "no quote character": ('id,text\n1,"a\n2,b\n', {"dialect": {"quoteChar": ""}}, {3: 3}),
    "an escaped line end": ("id,text\n1,a\\\nb\n2,c\n", {"dialect": {"escapeChar": "\\"}}, {2: 2, 3: 4}),
    "comments count": ("# one\n# two\nid,text\n1,a\n", {"dialect": {"commentChar": "#"}}, {3: 3, 4: 4}),
    "no header": ('1,"a\nb"\n2,c\n', {"dialect": {"header": False}}, {1: 1, 2: 3}),
    "a header of two rows": ('i,"t\n"\nid,text\n1,a\n', {"dialect": {"headerRows": [1, 2]}}, {1: 1, 2: 3, 3: 4}),
    "a byte order mark": ('\ufeffid,text\n1,"a\nb"\n2,c\n', {}, {2: 2, 3: 4}),
    "UTF-16": ('id,text\n1,"ਊ\nb"\n2,c\n'.encode("utf-16"), {"encoding": "utf-16"}, {2: 2, 3: 4}),
    "Latin-1": ('id,text\n1,"é\x85\nb"\n2,c\n'.encode("latin-1"), {"encoding": "iso-8859-1"}, {2: 2, 3: 4}),
    "a byte that isn't in the encoding": (b'id,text\n1,"\xff\n"\n2,c\n', {}, {2: 2, 3: 4}),
    "a quote that is never closed": ('id,text\n1,a\n2,"b\nc\n', {}, {2: 2, 3: 3}),
    "a NUL": ("id,text\n1,\x00\n2,b\n", {}, {3: 3}),
    "rows that aren't there": ("id,text\n1,a\n", {}, {0: 0, -1: 0, 2: 2, 3: 0, 999: 0}),
    "an empty file": ("", {}, {1: 0}),
}


@pytest.mark.parametrize(("content", "descriptor", "expected"), LINES.values(), ids=LINES)
def test_a_row_begins_on_its_line(
    tmp_path: Path, content: str | bytes, descriptor: dict[str, Any], expected: dict[int, int]
) -> None:
    found = lines_of(resource(tmp_path, {"data/table.csv": content}, **descriptor), expected)
    assert found == {row: ("data/table.csv", line) for row, line in expected.items() if line}


def test_rows_go_on_from_file_to_file_where_each_but_the_first_loses_its_header(tmp_path: Path) -> None:
    files = {"a.csv": 'id,text\n1,"a\nb"\n', "b.csv": 'id,"te\nxt"\n2,c\n3,d\n', "c.csv": "id,text\n4,e"}
    found = lines_of(resource(tmp_path, files), range(1, 9))
    assert found == {1: ("a.csv", 1), 2: ("a.csv", 2), 3: ("b.csv", 3), 4: ("b.csv", 4), 5: ("c.csv", 2)}


def test_rows_of_files_without_header_go_on(tmp_path: Path) -> None:
    files = {"a.csv": "1,a\n", "b.csv": "2,b\n"}
    found = lines_of(resource(tmp_path, files, dialect={"header": False}), [1, 2])
    assert found == {1: ("a.csv", 1), 2: ("b.csv", 1)}


NO_LINES: dict[str, dict[str, Any]] = {
    "inline text": {"data": "id,text\n1,a\n", "format": "csv"},
    "inline rows": {"data": [["id", "text"], [1, "a"]]},
    "JSON": {"path": "table.json"},
    "compressed": {"path": "table.csv.gz", "compression": "gz"},
    "a file that isn't there": {"path": "elsewhere.csv"},
    "a remote file": {"path": "https://example.org/table.csv"},
    "a delimiter of no use": {"path": "table.csv", "dialect": {"delimiter": "||"}},
}


@pytest.mark.parametrize("descriptor", NO_LINES.values(), ids=NO_LINES)
def test_what_has_no_lines_has_none(tmp_path: Path, descriptor: dict[str, Any]) -> None:
    contents = {"table.csv": "id,text\n1,a\n", "table.json": '[["id"], [1]]', "table.csv.gz": b"\x1f\x8b"}
    without = {
        key: value for key, value in {"path": "table.csv", **descriptor}.items() if key != "path" or "data" not in descriptor
    }
    write(
        tmp_path,
        {**contents, "datapackage.json": {"name": "case", "resources": [{"name": "table", "type": "table", **without}]}},
    )
    with imprint.open_package(tmp_path) as (package, _):
        assert lines_of(package.resources[0], [1, 2]) == {}


CELLS = st.text(st.sampled_from('a,"\n\r \t\x0c\u2028é'), max_size=6)
RECORDS = st.lists(st.lists(CELLS, min_size=2, max_size=3), min_size=1, max_size=12)


@examples(200)
@given(records=RECORDS, end=st.sampled_from(["\n", "\r\n", "\r"]), seed=st.randoms(use_true_random=False))
def test_a_line_is_one_more_than_the_line_ends_before_the_row(records: list[list[str]], end: str, seed: Any) -> None:
    texts = [",".join('"' + cell.replace('"', '""') + '"' for cell in record) + end for record in records]
    before = ["".join(texts[:number]) for number in range(len(texts))]
    expected = {number: 1 + len(re.findall("\r\n|\r|\n", text)) for number, text in enumerate(before, 1)}
    wanted = seed.sample(sorted(expected), seed.randint(1, len(expected)))
    with tempfile.TemporaryDirectory() as folder:
        found = lines_of(resource(Path(folder), {"table.csv": "".join(texts)}), wanted)
    assert found == {number: ("table.csv", expected[number]) for number in wanted}


def test_the_rows_that_validation_names_begin_on_the_lines_that_are_found(tmp_path: Path) -> None:
    records = [f"x{number}," + '"' + "line\n" * (number % 4) + '"\n' + "\n" * (number % 3) for number in range(40)]
    table = resource(tmp_path, {"table.csv": "id,text\n" + "".join(records)})
    wrong = [error for error in imprint.validate(tmp_path).all_errors if error.type == "type-error"]
    shown = (tmp_path / "table.csv").read_text(encoding="utf-8").split("\n")
    found = lines_of(table, {error.row_number or 0 for error in wrong})
    begins = [shown[found[error.row_number or 0][1] - 1].partition(",")[0] for error in wrong]
    assert begins == [error.cell for error in wrong] == [f"x{number}" for number in range(40)]


def test_rows_of_a_large_table_keep_their_numbers_whatever_is_checked(tmp_path: Path) -> None:
    """Several threads read it, and codes or booleans must not be joined to: a join loses the order of rows."""
    codes = [f"code-{number}" for number in range(60)]
    kinds = {"few": {"enum": codes[:6]}, "many": {"enum": codes}}
    fields = [{"name": "id", "type": "integer"}, {"name": "fresh", "type": "boolean"}, {"name": "text", "type": "string"}]
    fields += [{"name": name, "type": "string", "constraints": constraints} for name, constraints in kinds.items()]
    count, wrong = 200_000, {7: "fresh", 100_001: "few", 150_000: "many", 199_998: "id"}
    lines = ["id,fresh,text,few,many"]
    for number in range(count):
        cells = {"id": str(number), "fresh": "true", "text": "a text that takes some room", "few": codes[2], "many": codes[59]}
        lines.append(",".join((cells | {wrong.get(number, "text"): "wrong"}).values()))
    schema = {"fields": fields, "primaryKey": ["id"]}
    write(tmp_path, {"t.csv": "\n".join(lines) + "\n"})
    package = {"name": "case", "resources": [{"name": "t", "type": "table", "path": "t.csv", "schema": schema}]}
    report = imprint.validate(write(tmp_path, {"datapackage.json": package}))
    assert {error.row_number - 2: error.field_name for error in report.tasks[0].errors if error.row_number} == wrong
