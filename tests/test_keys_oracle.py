"""Keys and places against an oracle: plain Python over lists of rows, with the reference for the value of a cell."""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from limits import sized
from packages import examples, write

import imprint
from imprint import descriptor, profile
from imprint.package import Schema
from imprint.reference import Reference

Json = dict[str, Any]
Cell = str | None
Row = list[Cell]
Key = tuple[str, tuple[str, ...]]  # type of the error, fields
Found = tuple[str, str, int | None, str | None]  # resource, type, row, field

SIZES = pytest.mark.parametrize(
    "size", [{}, {"small": -1}, {"small": -1, "group": 1, "counted": 2}], ids=["small", "large", "wide"]
)


# Tables

SPELLINGS: dict[str, list[str]] = {
    "integer": ["1", "01", "+1", "1 ", "2", "0", "-0", "9" * 19, "1.0", "x"],
    "number": ["1", "1.0", "01.50", "1.5", "2", "-0", "0.0", "1e0", "x"],
    "boolean": ["true", "True", "1", "0", "false", "x"],
    "date": ["2020-02-29", "2020-03-01", "2021-02-29"],
    "datetime": ["2020-02-29T10:00:00Z", "2020-02-29T11:00:00+01:00", "2020-02-29T10:00:00", "2020-02-29"],
    "year": ["2020", "1", "2021"],
    "string": ["1", "01", "a", "A", " ", "a,b"],
    "any": ["1", "01", "2020"],
}
CONSTRAINTS: dict[str, list[Json]] = {"integer": [{"minimum": 1}], "string": [{"pattern": "[a-z]+"}, {"maxLength": 1}]}
MISSING = [[""], [""], ["", "-"], ["-"], []]
FORMS = ["plain", "plain", "comments", "files", "json"]
NULL = "NULL"


class Made(NamedTuple):
    """A table: its resource, the files that it is in, and its rows by their numbers."""

    resource: Json
    files: dict[str, str]
    rows: dict[int, Row]


@st.composite
def fields(draw: st.DrawFn, name: str) -> Json:
    """A field with some constraints."""
    kind = draw(st.sampled_from(sorted(SPELLINGS)))
    constraints = dict(draw(st.sampled_from([{}, {}, *CONSTRAINTS.get(kind, [])])))
    constraints |= {word: True for word in ("required", "unique") if draw(st.integers(0, 3)) == 0}
    own = {"missingValues": draw(st.sampled_from(MISSING))} if draw(st.integers(0, 3)) == 0 else {}
    return {"name": name, "type": kind, "constraints": constraints, **own}


def keys(names: Sequence[str], size: int = 2) -> st.SearchStrategy[list[str]]:
    """Some of the names, in any order."""
    return st.lists(st.sampled_from(names), min_size=1, max_size=min(size, len(names)), unique=True)


@st.composite
def rows_of(draw: st.DrawFn, listed: list[Json]) -> list[Row]:
    """Rows of a table: now clean, now with wrong, missing, null, too few or too many cells."""
    few = draw(st.integers(1, 10))  # of the spellings: the fewer there are, the more cells are the same
    odd: list[Cell] = draw(st.sampled_from([[], [], ["", "-"], ["", "-", None]]))
    cells = [st.sampled_from([*SPELLINGS[one["type"]][:few], *odd]) for one in listed]
    rows = [[draw(cell) for cell in cells] for _ in range(draw(st.integers(0, 8)))]
    for row in rows if draw(st.booleans()) else []:
        wide = draw(st.sampled_from([len(row)] * 4 + [0, 1, len(row) + 1]))
        row[wide:] = [""] * max(wide - len(row), 0)
    return rows


@st.composite
def packages(draw: st.DrawFn) -> list[Made]:
    """Two tables with keys, their foreign keys pointing any way."""
    schemas = {name: [draw(fields(column)) for column in "abcd"[: draw(st.integers(1, 4))]] for name in "tu"}
    return [draw(tables_of(name, schemas)) for name in schemas]


@st.composite
def tables_of(draw: st.DrawFn, name: str, schemas: dict[str, list[Json]]) -> Made:
    """One table, in one of the forms that are read in ways of their own."""
    names = [one["name"] for one in schemas[name]]
    schema: Json = {"fields": schemas[name], "missingValues": draw(st.sampled_from(MISSING))}
    if draw(st.booleans()):
        schema["primaryKey"] = draw(keys(names))
    schema["uniqueKeys"] = draw(st.lists(keys(names, 3), max_size=2))
    schema["foreignKeys"] = [draw(foreign_keys(name, schemas)) for _ in range(draw(st.integers(0, 3)))]
    untyped = any(one["type"] == "any" for one in schemas[name])  # in JSON, where 1 and "1" then are the same to keys
    forms = [form for form in FORMS if not (untyped and form == "json")]
    made = written(name, names, draw(rows_of(schemas[name])), draw(st.sampled_from(forms)))
    return made._replace(resource={**made.resource, "schema": {word: part for word, part in schema.items() if part}})


@st.composite
def foreign_keys(draw: st.DrawFn, name: str, schemas: dict[str, list[Json]]) -> Json:
    """A key of one or two fields, to the table itself or the other one."""
    target = draw(st.sampled_from(["", "t", "u"]))
    theirs = [one["name"] for one in schemas[target or name]]
    size = draw(st.integers(1, min(2, len(theirs), len(schemas[name]))))
    mine = st.permutations([one["name"] for one in schemas[name]]).map(lambda names: names[:size])
    reference = {"resource": target, "fields": draw(st.permutations(theirs))[:size]}
    return {"fields": draw(mine), "reference": reference}


def written(name: str, labels: list[str], rows: list[Row], form: str) -> Made:
    """A table in one of the FORMS."""
    numbered = dict(enumerate(rows, 2))
    if form == "json":
        text = json.dumps([labels, *rows])
        return Made({"name": name, "type": "table", "path": f"{name}.json"}, {f"{name}.json": text}, numbered)
    dialect: Json = {"nullSequence": NULL} if any(None in row for row in rows) else {}
    files = {f"{name}.csv": _csv([labels, *rows])}
    if form == "comments":
        dialect["commentChar"] = "#"
        files = {f"{name}.csv": _csv([["#"], labels, *(line for row in rows for line in (["# no", "row"], row))])}
        numbered = {2 * number: row for number, row in enumerate(rows, 2)}
    elif form == "files":
        files = {f"{name}{part}.csv": _csv([labels, *half]) for part, half in enumerate((rows[:2], rows[2:]))}
    return Made({"name": name, "type": "table", "path": [*files], "dialect": dialect}, files, numbered)


def _csv(rows: Iterable[Sequence[Cell]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([NULL if cell is None else cell for cell in row] for row in rows)
    return text.getvalue()


# The oracle


class Values(NamedTuple):
    """The logical values of a table by row number and field, and what is wrong with its cells."""

    by_row: dict[int, dict[str, Any]]
    found: list[tuple[str, int, str | None]]


def values_of(schema: Schema, rows: dict[int, Row]) -> Values:
    """Each row's cells one by one."""
    references = [Reference(field) for field in schema.fields]
    values = Values({}, [])
    for number, row in rows.items():
        padded = [*row, *[None] * len(schema.fields)][: len(schema.fields)]
        blank = all(cell is None or cell in one.field.missing_values for one, cell in zip(references, padded, strict=True))
        read = [(None, ()) if blank else one.read(cell) for one, cell in zip(references, padded, strict=True)]
        values.by_row[number] = {name: _tagged(value) for name, (value, _) in zip(schema.names, read, strict=True)}
        if blank:
            values.found.append(("blank-row", number, None))
            continue
        values.found.extend(("missing-cell", number, name) for name in schema.names[len(row) :])
        values.found.extend(("extra-cell", number, None) for _ in row[len(schema.fields) :])
        notes = [(kind, name) for name, (_, listed) in zip(schema.names, read, strict=True) for kind, _ in listed]
        values.found.extend((kind, number, name) for kind, name in notes)
    return values


def _tagged(value: Any) -> Any:
    """A value as Python compares it, but that True isn't 1."""
    return (value,) if isinstance(value, bool) else value


def twice(values: Values, kind: str, names: Sequence[str]) -> Iterator[tuple[str, int, str | None]]:
    """Later rows with the key of an earlier one: without a null in it, or (in a primary key) with a part that is none."""
    seen = set()
    for number, row in values.by_row.items():
        key = tuple(row[name] for name in names)
        if any(part is not None for part in key) if kind == "primary-key" else None not in key:
            if key in seen:
                yield kind, number, ", ".join(names)
            seen.add(key)


def nulls(values: Values, schema: Schema) -> Iterator[tuple[str, int, str | None]]:
    """Primary keys that aren't there, in all parts or in some; of a required field that is said already."""
    for number, row in values.by_row.items():
        absent = [name for name in schema.primary_key if row[name] is None]
        if absent and len(absent) == len(schema.primary_key):
            yield "primary-key", number, ", ".join(schema.primary_key)
        else:
            optional = {field.name for field in schema.fields if not field.required}
            wrong = {name for kind, row, name in values.found if (kind, row) == ("type-error", number)}
            yield from (("constraint-error", number, name) for name in absent if name in optional - wrong)


def oracle(schemas: dict[str, Schema], rows: dict[str, dict[int, Row]]) -> Counter[Found]:
    """All that is wrong with some tables."""
    read = {name: values_of(schema, rows[name]) for name, schema in schemas.items()}
    found: Counter[Found] = Counter()
    for name, schema in schemas.items():
        listed = [*read[name].found, *nulls(read[name], schema)]
        unique: list[Key] = [("unique-error", (field.name,)) for field in schema.fields if field.constraints.get("unique")]
        unique += [("unique-keys", key) for key in dict.fromkeys(schema.unique_keys)]
        for kind, key in [*unique, ("primary-key", schema.primary_key)]:
            listed += twice(read[name], kind, key)
        for foreign in dict.fromkeys(schema.foreign_keys):  # the same twice is one
            target = read[foreign.reference or name].by_row.values()
            known = {tuple(row[field] for field in foreign.reference_fields) for row in target}
            for number, row in read[name].by_row.items():
                parts = tuple(row[field] for field in foreign.fields)
                if set(parts) != {None} and parts not in known:
                    listed.append(("foreign-key", number, ", ".join(foreign.fields)))
        found.update((name, *one) for one in listed)
    return found


def shown(report: imprint.Report) -> Counter[Found]:
    """The errors of a report."""
    return Counter((one.resource, one.type, one.row_number, one.field_name or None) for one in report.all_errors)


def totals(report: imprint.Report) -> Counter[tuple[str, str, str | None]]:
    """The totals of a report."""
    return Counter({(one.resource, one.type, one.field): one.count for task in report.tasks for one in task.totals})


def of_each_kind(found: Counter[Found]) -> Counter[tuple[str, str, str | None]]:
    """How many errors there are of a type in a field."""
    kinds: Counter[tuple[str, str, str | None]] = Counter()
    for (resource, kind, _, field), number in found.items():
        kinds[resource, kind, field] += number
    return kinds


def package_in(folder: str, made: Sequence[Made]) -> Path:
    """A package of some tables."""
    content = {"$schema": profile.PROFILE_2_0, "name": "p", "resources": [one.resource for one in made]}
    files = {name: text for one in made for name, text in one.files.items()}
    return write(Path(folder), {"datapackage.json": content, **files}) / "datapackage.json"


def table(name: str, schema: Json, *rows: Row, form: str = "plain") -> Made:
    """A table of integers, unless a field says otherwise."""
    listed = [{"name": field, "type": "integer"} if isinstance(field, str) else field for field in schema["fields"]]
    made = written(name, [field["name"] for field in listed], list(rows), form)
    return made._replace(resource={**made.resource, "schema": {**schema, "fields": listed}})


def link(field: str, resource: str, to: str) -> Json:
    """A foreign key of one field."""
    return {"fields": [field], "reference": {"resource": resource, "fields": [to]}}


TWO_TARGETS = [
    table("t", {"fields": ["a", "b"], "foreignKeys": [link("a", "", "b"), link("a", "u", "a")]}, ["1", "2"]),
    table("u", {"fields": ["a"]}, ["1"]),
]
NO_TARGET = [
    table("t", {"fields": ["a", "b"], "foreignKeys": [link("a", "u", "a")]}, [None, "1"], ["x", "1"]),
    table("u", {"fields": ["a"]}),
]


@SIZES
@examples(40)
@given(made=packages())
@example(TWO_TARGETS)
@example(NO_TARGET)
def test_keys_hold_where_a_plain_loop_over_the_rows_says_so(size: dict[str, int], made: list[Made]) -> None:
    with tempfile.TemporaryDirectory() as folder, sized(**size):
        path = package_in(folder, made)
        package, faults = descriptor.load(path)
        assert not faults
        schemas = {one.name: one.schema for one in package.resources if one.schema}
        expected = oracle(schemas, {one.resource["name"]: one.rows for one in made})
        everything, first = imprint.validate(path, limit=0), imprint.validate(path, limit=1)
        assert shown(everything) == expected
        assert totals(everything) == totals(first) == of_each_kind(expected)
        assert shown(first) <= expected
        assert set(of_each_kind(shown(first)).values()) <= {1}


def test_rows_keep_their_numbers_in_a_file_that_is_read_in_several_parts() -> None:
    faults = {row: cell for row in range(7, 400_000, 40_000) for row, cell in ((row, f"x{row}"), (row + 9, f"{row}000"))}
    rows: list[Row] = [[str(row), faults.get(row, str(row % 100)), "." * 20] for row in range(2, 400_000)]
    schema = {"fields": ["a", "b", {"name": "c", "type": "string"}], "primaryKey": ["a"], "foreignKeys": [link("b", "u", "a")]}
    with tempfile.TemporaryDirectory() as folder:
        made = [table("t", schema, *rows), table("u", {"fields": ["a"]}, *([str(row)] for row in range(100)))]
        task = imprint.validate(package_in(folder, made), limit=0).tasks[0]
    kinds = {row: "type-error" if cell.startswith("x") else "foreign-key" for row, cell in faults.items()}
    assert {error.row_number: error.type for error in task.errors} == kinds
    assert all(cells[1] == faults[row] for row, cells in task.rows_shown.items())


# What is shown

KINDS_IN_ONE_FIELD = [["x"], ["0"]]
NULL_BEFORE_A_WRONG_CELL = [["1", None], ["1", "x"]]


@pytest.mark.parametrize("rows", [KINDS_IN_ONE_FIELD, NULL_BEFORE_A_WRONG_CELL], ids=["two kinds", "a null before"])
def test_each_kind_of_error_in_a_field_has_an_example(rows: list[Row]) -> None:
    fields = [{"name": name, "type": "integer", "constraints": {"minimum": 1}} for name in "ab"[: len(rows[0])]]
    with tempfile.TemporaryDirectory() as folder:
        report = imprint.validate(package_in(folder, [table("t", {"fields": fields}, *rows)]), limit=1)
    assert of_each_kind(shown(report)) == totals(report)


# Lines

BREAKS = ["\n", "\r\n", "\r"]
WRONG = ["x", "é", "1\n2", "1\r\n2", "1\r2", 'a "b"', "a,b", ""]  # cells of a field of integers
HEADERS: list[Json] = [{}, {}, {"header": False}, {"headerRows": [2]}, {"headerRows": [2, 3]}, {"commentChar": "#"}]


class Lines(NamedTuple):
    """A table: its dialect, its files, and the file, line and cells of each record by its number, 0 for the header."""

    dialect: Json
    files: dict[str, str]
    places: dict[int, tuple[str, int, list[str]]]


@st.composite
def lines(draw: st.DrawFn) -> Lines:
    """A table of two fields in one file or two, its records on a line each or not, with comments and blank lines."""
    dialect = draw(st.sampled_from(HEADERS))
    clean = draw(st.booleans())
    row = st.lists(st.sampled_from(["1", *WRONG[: 2 if clean else None]]), min_size=2 if clean else 0, max_size=2)
    made, head = Lines(dialect, {}, {}), dialect.get("headerRows", [1 if dialect.get("header", True) else 0])
    for path in draw(st.sampled_from([["1.csv"], ["1.csv", "2.csv"]] if head in ([0], [1]) else [["1.csv"]])):
        records = [draw(row) for _ in range(head[0] - 1)] + [["a", "c"]] * (head != [0]) + [["d", "e"]] * (len(head) - 1)
        records += draw(st.lists(row, min_size=1, max_size=6))
        if "commentChar" in dialect:
            records[1:] = [[f"#{cells[0]}", *cells[1:]] if cells and draw(st.booleans()) else cells for cells in records[1:]]
            records = [["#"]] * draw(st.integers(0, 1 - len(made.files))) + records
        texts = draw(texts_of(records))
        first = 1 if made.files and head == [1] else 0  # the header of the second file has no number
        line = 1 + first
        for cells, text in list(zip(records, texts, strict=True))[first:]:
            made.places[len(made.places) + 1] = path, line, cells
            line += len(re.findall("\r\n|\r|\n", text))
        made.files[path] = draw(st.sampled_from(["", "\ufeff"])) + "".join(texts)
    found = next(number for number, (_, _, cells) in made.places.items() if head == [0] or cells == ["a", "c"])
    return made._replace(places={**made.places, 0: made.places[found]})


@st.composite
def texts_of(draw: st.DrawFn, records: list[list[str]]) -> list[str]:
    """Each record as CSV has it, quoted where it must be or everywhere; the last may have no line end."""
    end = draw(st.sampled_from(BREAKS))
    everywhere = draw(st.booleans())
    texts = [",".join(_quoted(cell, everywhere or cells == [""]) for cell in cells) + end for cells in records]
    unended = records[-1] and draw(st.booleans())
    return [*texts[:-1], texts[-1].removesuffix(end)] if unended else texts


def _quoted(cell: str, always: bool) -> str:
    return '"' + cell.replace('"', '""') + '"' if always or re.search('[",\r\n]', cell) else cell


@SIZES
@examples(60)
@given(made=lines())
def test_each_error_points_to_the_line_on_which_its_record_begins(size: dict[str, int], made: Lines) -> None:
    schema = {"fields": [{"name": "a", "type": "integer"}, {"name": "b", "type": "integer"}]}
    resource = {"name": "t", "type": "table", "path": [*made.files], "dialect": made.dialect, "schema": schema}
    with tempfile.TemporaryDirectory() as folder, sized(**size):
        (task,) = imprint.validate(package_in(folder, [Made(resource, made.files, {})]), limit=0).tasks
    assert any(error.type == "incorrect-label" for error in task.errors) == made.dialect.get("header", True)
    for error in task.errors:
        assert (error.path, error.line) == made.places[error.row_number or 0][:2], error.message
    assert task.rows_shown == {number: tuple([*made.places[number][2], None, None][:2]) for number in task.rows_shown}
    assert len(task.rows_shown) >= min(5, len({error.row_number for error in task.errors} - {None}))
