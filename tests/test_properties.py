"""What must hold for any field, any cell, any text and any descriptor."""

from __future__ import annotations

import copy
import csv
import io
import json
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from jsonschema.validators import validator_for
from limits import sized
from packages import examples
from peer import Verdict, findings, theirs

import imprint
from imprint import descriptor, expressions, json_schema, marks, profile, reference, sql, tables, validation
from imprint.engine import Engine
from imprint.findings import Findings
from imprint.package import Field, Package
from imprint.reference import Reference

Json = dict[str, Any]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """One engine for all examples."""
    with Engine() as opened:
        yield opened


def package_of(descriptor_: Json, files: dict[str, bytes], folder: str) -> Path:
    """A package in a directory."""
    for name, content in files.items():
        Path(folder, name).write_bytes(content)
    path = Path(folder, "datapackage.json")
    path.write_text(json.dumps(descriptor_), encoding="utf-8")
    return path


# Fields and cells

NUMBERS = [
    "0",
    "-0",
    "+1",
    "01",
    "1.0",
    "1.50",
    "-.5",
    "5.",
    "1e3",
    "NaN",
    "-INF",
    " 1",
    "1 ",
    "1_0",
    "1,000",
    "€1",
    "95%",
    "٣",
]
NUMBERS += [
    "9" * 18,
    "9" * 19,
    "9" * 40,
    "0.1",
    "0.10",
    "1.000000000000000001",
    "9.999999999999999999",
    "1e999999",
    "-",
    "",
    "x",
]
DATES = [
    "2020-02-29",
    "2021-02-29",
    "0001-01-01",
    "0000-01-01",
    "2020-1-1",
    "20200229",
    "29/02/2020",
    "1/2/2020",
    "2020-02-29T10:00:00",
]
DATES += [
    "2020-02-29T10:00:00Z",
    "2020-02-29T10:00:00.5",
    "2020-02-29 10:00:00",
    "0000-01-01T00:00:00",
    "10:00:00",
    "24:00:00",
    "2020",
    "2020-05",
    "2020-13",
]
WORDS = [
    "true",
    "True",
    "1",
    "0",
    "false",
    "t",
    "yes",
    "no",
    "apple",
    "ap",
    "🍎",
    "a|b",
    "a b",
    " ",
    "\n",
    "\t",
    "a\x00b",
    "\x1f",
    "{}",
    "[]",
    "[1]",
    "NULL",
]
CELLS = st.one_of(
    st.sampled_from(NUMBERS + DATES + WORDS),
    st.text(max_size=6).filter(sql.is_text),
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
    st.integers().map(str),
    st.dates().map(str),
    st.datetimes().map(lambda moment: moment.isoformat()),
)  # fmt: skip
BOUND_WORDS = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]
OPTIONS: dict[str, Json] = {
    "integer": {"groupChar": [",", "_"], "bareNumber": [True, False]},
    "number": {"groupChar": [",", " "], "decimalChar": [".", ","], "bareNumber": [True, False]},
    "boolean": {"trueValues": [["yes"], ["1", "t"]], "falseValues": [["no"], ["0", ""]]},
    "list": {"delimiter": [",", "|", ""], "itemType": ["string", "integer", "date"]},
    "date": {"format": ["default", "%d/%m/%Y", "%Y%m%d", "%Y-%m-%d", "any"]},
    "datetime": {"format": ["default", "%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M", "any"]},
    "time": {"format": ["default", "%H:%M:%S", "any"]},
    "string": {
        "format": ["default", "uri", "email", "binary"],
        "categories": [["apple", "1"], [{"value": "a b", "label": "x"}]],
    },
}
BOUNDS: dict[str, list[Any]] = {
    "integer": [0, 1, "1", -(10**18), 10**20],
    "number": [0, 1.5, "0.1", "1.000000000000000001", 1e300],
    "date": ["2020-02-29", "29/02/2020", "20200229"],
    "datetime": ["2020-02-29T10:00:00", "2020-02-29T10:00:00Z"],
    "time": ["10:00:00"],
    "year": ["2020", 2020],
    "yearmonth": ["2020-05"],
    "duration": ["P1D"],
}
PATTERNS = [r"[a-z]+", r"a|b", r"\d+", r"\w*", r"[^a]*", r".", r"^a$", r"(?!a).*", r"a{1,2}", r"[0-9]{4}-.*", r"\s*"]
LISTS = st.lists(st.sampled_from(["", "-", "NULL", "0", "a\x00b", "'"]), max_size=2, unique=True)


@st.composite
def fields(draw: st.DrawFn) -> Field:
    """A field with some options and constraints."""
    kind = draw(st.sampled_from(sorted(expressions.SURE)))
    content: Json = {"name": "f", "type": kind}
    for option, values in OPTIONS.get(kind, {}).items():
        if draw(st.booleans()):
            content[option] = draw(st.sampled_from(values))
    constraints: Json = {}
    if draw(st.booleans()):
        constraints["required"] = draw(st.booleans())
    if kind in BOUNDS and draw(st.booleans()):
        constraints[draw(st.sampled_from(BOUND_WORDS))] = draw(st.sampled_from(BOUNDS[kind]))
    if kind in ("string", "any") and draw(st.booleans()):
        constraints["pattern"] = draw(st.sampled_from(PATTERNS))
    if kind in ("string", "any", "array", "object") and draw(st.booleans()):
        constraints[draw(st.sampled_from(["minLength", "maxLength"]))] = draw(st.integers(0, 3))
    if kind not in ("object", "array", "geojson", "geopoint", "list") and draw(st.booleans()):
        constraints["enum"] = draw(
            st.lists(st.sampled_from(["1", "01", "apple", "2020", "2020-02-29", 1, 2]), min_size=1, max_size=3)
        )
    missing = draw(LISTS) if draw(st.booleans()) else [""]
    form = content.get("format", "default")
    return Field("f", kind, form, constraints, tuple(missing), {**content, "constraints": constraints})


@examples(250)
@given(field=fields(), cells=st.lists(CELLS, min_size=1, max_size=12))
def test_what_the_engine_is_sure_of_the_reference_accepts_with_the_same_canonical_text(
    engine: Engine, field: Field, cells: list[str]
) -> None:
    sure, text = expressions.surely_valid(field, "c"), expressions.canonical(field, "c")
    listed = ", ".join(f"({number}, {sql.literal(cell)})" for number, cell in enumerate(cells))
    query = f"SELECT n, CASE WHEN ({sure}) IS TRUE THEN {text} END, ({sure}) IS TRUE FROM (VALUES {listed}) AS t(n, c)"
    reference = Reference(field)
    for number, canonical, is_sure in engine.rows(query):
        if is_sure:
            value, notes = reference.read(cells[number])
            assert notes == (), f"the engine is sure of {cells[number]!r}"
            assert canonical == reference.canonical(value)


@examples(400)
@given(kind=st.sampled_from(sorted(reference.PLAIN_READERS)), cell=CELLS)
@example("integer", " 1 ")
@example("integer", "١٢")
@example("number", "1e5")
@example("number", "nan")
@example("date", "2020-02-30")
@example("boolean", "TRUE")
def test_a_short_reader_reads_a_text_as_frictionless_does(kind: str, cell: str) -> None:
    field = Field("f", kind, "default", {}, ("",), {"name": "f", "type": kind})
    allowed = reference.STANDARD.get((kind, "default"))
    if allowed is None or allowed(cell):  # what the standard doesn't allow comes to neither
        assert repr(reference.PLAIN_READERS[kind](cell)) == repr(reference._value_reader(field)(cell))


@examples(300)
@given(
    field=fields(),
    cell=st.one_of(CELLS, st.none(), st.integers(), st.floats(), st.booleans(), st.lists(st.integers(), max_size=2)),
)
def test_the_reference_reads_any_cell_without_breaking_down(field: Field, cell: Any) -> None:
    reference = Reference(field)
    value, notes = reference.read(cell)
    assert all(kind in ("type-error", "constraint-error") for kind, _ in notes)
    text = reference.canonical(value)
    assert (text is None) == (value is None)


# CSV

PIECES = [
    "a",
    "b",
    ",",
    ",",
    "\n",
    "\n",
    "\r\n",
    "\r",
    '"',
    '""',
    '"a,b"',
    '"x\ny"',
    " ",
    "",
    "é",
    "\t",
    '" ',
    ' "',
    ', "',
    "'",
    "\\",
    "#",
    ";",
    "1",
    "\x00",
    "\ufeff",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=24).map("".join)
QUOTED = ['""', '"a"', '"x,y"', '"x\ny"', '"x""y"', '"x, ""y"" z"', '"x "" , y"', '"x, "', '" x"']
BESIDE = [
    ' ""',
    '"" ',
    ' "a"',
    '"a" ',
    '  "x,y"',
    '"x,y"  ',
    ' "x\ny"',
    ' """x"""',
    '""" "',
    'x "',
    '" "x',
    '"x" "y"',
    '"" ""',
    '"x" y',
    '"x" y "z"',
]
LINES = st.lists(st.lists(st.sampled_from(["a", "", "é", " ", "1", *QUOTED, *BESIDE]), max_size=4), max_size=6)


@st.composite
def csv_texts(draw: st.DrawFn) -> str:
    """Anything, or something like a table."""
    if draw(st.booleans()):
        return draw(TEXTS)
    end = draw(st.sampled_from(["\n", "\r\n"]))
    lines = [",".join(cells) for cells in draw(LINES)]
    inside = draw(st.sampled_from([end, "\n", "\r\n", "\r", "\n\n", "z"]))
    return end.join(lines).replace("x\ny", f"x{inside}y") + draw(st.sampled_from(["", end]))


def cells_of(engine: Engine, table: tables.Table) -> list[tuple[Any, ...]]:
    """Row numbers and cells."""
    selected = ", ".join(("rn", *(column.id for column in table.columns)))
    return engine.rows(f"SELECT {selected} FROM {table.numbered} ORDER BY rn")


OF_CELLS = frozenset({"blank-row"})  # found when cells are, not when the file is read


def checked_table(engine: Engine, package: Package) -> tuple[Findings, tables.Table]:
    """What is found in a package's only table, and the table as it was read in the end."""
    found = {"table": Findings("table", 0)}
    with ThreadPoolExecutor(1) as pool:
        return found["table"], validation.check_tables(engine, package, found, pool)["table"].table


@pytest.mark.parametrize("small", [tables.SMALL, -1], ids=["kept in memory", "read for each query, in small parts"])
@examples(200)
@given(text=csv_texts(), delimiter=st.sampled_from(",,;\t| "), quote=st.sampled_from('""\' '), header=st.booleans())
@example('é,é,"x""y"', ",", '"', False)
@example("a,b\n1,2,\n", ",", '"', True)
@example("a,b\n1,,\n,2\n", ",", '"', True)
@example('a,"b\nc"\n1,2\n', ",", '"', True)
@example('a,b\n1, "2,3"\n', ",", '"', True)
@example('a,b\n "1",2\n"3" ,"4" \n', ",", '"', True)
@example('a,b\n1,"2"   ', ",", '"', True)
@example('a\n"x" "y"\n', ",", '"', True)
@example('\ufeff "1",2\n3,4\n', ",", '"', False)
@example("\ufeff\n3\n", ",", '"', False)
@example('x"y,"a\nb"\n1,2\n', ",", '"', True)
@example('a\n""\n\n"b"\n', ",", '"', True)
@example('a,b\r\n"x\r\ny",1\r\n', ",", '"', True)
@example('a,b\r\n"x\ny",1\r\n2,"z\n\nz"', ",", '"', True)
@example('a,b\n"x\r\ny",1\n2,"z"\n', ",", '"', True)
@example('a,b\r\nx,1\n2,"z\nz"\r\n', ",", '"', True)
@example("a\r\n1\r\n\n2\r\n", ",", '"', True)
@example('"x\r\ny",1\n2,3\n', ",", '"', False)
@example("a,b\n1,2\n\n", ",", '"', True)
@example("\ufeff1,2\n3,4\n", ",", '"', False)
@example('a,b\n1,"2\n3",\n', ";", "'", True)
@example('a,b\n1,2\n3,"x ""y"""\n4,"5"\n', ",", '"', True)
def test_a_file_that_the_engine_reads_is_read_as_python_reads_it(
    small: int, text: str, delimiter: str, quote: str, header: bool
) -> None:
    assume(delimiter != quote)
    text = text.replace(",", delimiter).replace('"', quote)
    dialect = {"delimiter": delimiter, "quoteChar": quote, "header": header}
    fields = [{"name": name} for name in "ab"]
    resource = {"name": "table", "path": "table.csv", "dialect": dialect, "schema": {"fields": fields, "missingValues": []}}
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder, "table.csv")
        patch.setattr(tables, "SMALL", small)
        patch.setattr(marks, "CHUNK", marks.CHUNK if small > 0 else 3)
        patch.setattr(tables, "CHUNK", tables.CHUNK if small > 0 else 3)
        package, _ = descriptor.load(package_of({"name": "p", "resources": [resource]}, {"table.csv": text.encode()}, folder))
        with Engine([path]) as engine:
            exact = Findings("table", 0)
            python = tables.reread(engine, package.resources[0], exact)
            found, table = checked_table(engine, package)
            assert table.labels == python.labels
            assert cells_of(engine, table) == cells_of(engine, python)
            assert [error for error in found.errors if error.type not in OF_CELLS] == exact.errors


@examples(50)
@given(rows=st.lists(st.lists(st.text(max_size=4).filter(sql.is_text), min_size=2, max_size=2), max_size=5))
def test_any_cells_written_by_a_csv_writer_come_back(rows: list[list[str]]) -> None:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *rows])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "table.csv")
        path.write_bytes(written.getvalue().encode())
        package, _ = descriptor.load(path)
        with Engine([path]) as engine:
            _, table = checked_table(engine, package)
            assert cells_of(engine, table) == [(number, *cells) for number, cells in enumerate(rows, 2)]


# Packages broken at random

GOOD: dict[str, list[str]] = {
    "integer": ["1", "2", "-3", "+4", "05", "6 ", str(10**30)],
    "number": ["1.5", "1.50", "2", "-.5", "1e3", "NaN"][:5],
    "boolean": ["true", "false", "1", "0"],
    "string": ["apple", "pear", "fig, date", 'a "b"', "x\ny", "é", " "],
    "date": ["2020-02-29", "2021-01-01"],
    "time": ["10:00:00", "23:59:59"],
    "year": ["2020", "1999"],
    "yearmonth": ["2020-05"],
    "any": ["1", "apple"],
    "array": ["[]", "[1]"],
}
BAD = ["", "x", "1.0", "2021-02-29", "true", "-", "  ", "1e3", "25:00:00", "{", "apple pie and more"]
FIELD_CONSTRAINTS: dict[str, list[Json]] = {
    "integer": [{"minimum": 2}, {"maximum": "3"}, {"unique": True}, {"enum": [1, 2]}, {"exclusiveMaximum": 5}],
    "number": [{"minimum": 1.5}, {"unique": True}, {"enum": ["1.5", "2"]}],
    "string": [{"minLength": 3}, {"maxLength": 5}, {"pattern": "[a-z]+"}, {"unique": True}, {"enum": ["apple", "pear"]}],
    "date": [{"minimum": "2020-06-01"}, {"unique": True}],
    "boolean": [{"unique": True}],
    "year": [{"minimum": 2000}],
}


@st.composite
def broken_packages(draw: st.DrawFn) -> tuple[Json, str]:
    """A descriptor of one table, and its CSV with a few faults."""
    names = ["a", "b", "c"][: draw(st.integers(1, 3))]
    kinds = [draw(st.sampled_from(sorted(GOOD))) for _ in names]
    listed = []
    for name, kind in zip(names, kinds, strict=True):
        constraints = dict(draw(st.sampled_from([{}, {}, *FIELD_CONSTRAINTS.get(kind, [])])))
        if draw(st.integers(0, 3)) == 0:
            constraints["required"] = True
        listed.append({"name": name, "type": kind, "constraints": constraints})
    schema: Json = {"fields": listed, "missingValues": draw(st.sampled_from([[""], ["", "-"], ["-"], []]))}
    hashable = [name for name, kind in zip(names, kinds, strict=True) if kind not in ("array", "number")]
    if hashable and draw(st.booleans()):
        schema["primaryKey"] = [draw(st.sampled_from(hashable))]
    linked = [name for name, kind in zip(names, kinds, strict=True) if name in hashable and kind != "boolean"]
    if len(linked) > 1 and draw(st.booleans()):
        schema["foreignKeys"] = [{"fields": [linked[1]], "reference": {"resource": "", "fields": [linked[0]]}}]
    header = [*names]
    rows = [[draw(st.sampled_from(GOOD[kind])) for kind in kinds] for _ in range(draw(st.integers(0, 5)))]
    for _ in range(draw(st.integers(0, 3))):
        _break(draw, header, rows)
    written = io.StringIO()
    csv.writer(written, lineterminator=draw(st.sampled_from(["\n", "\r\n"]))).writerows([header, *rows])
    resource = {"name": "t", "type": "table", "path": "t.csv", "dialect": {"delimiter": ",", "header": True}, "schema": schema}
    return {"$schema": profile.PROFILE_2_0, "name": "p", "resources": [resource]}, written.getvalue()


def _break(draw: st.DrawFn, header: list[str], rows: list[list[str]]) -> None:
    how = draw(st.sampled_from(["cell", "cell", "short", "long", "blank", "twice", "label"]))
    if how == "label":
        header[draw(st.integers(0, len(header) - 1))] = draw(st.sampled_from(["z", "a"]))
    elif how == "blank":
        rows.insert(draw(st.integers(0, len(rows))), [])
    elif rows:
        row = draw(st.sampled_from(rows))
        if how == "cell" and row:
            row[draw(st.integers(0, len(row) - 1))] = draw(st.sampled_from(BAD))
        elif how == "short":
            del row[1:]
        elif how == "long":
            row.append(draw(st.sampled_from(["", "x"])))
        elif how == "twice":
            rows.append([*row])


@examples(100)
@given(made=broken_packages())
def test_a_package_broken_at_random_has_the_errors_that_frictionless_finds(made: tuple[Json, str]) -> None:
    content, text = made
    with tempfile.TemporaryDirectory() as folder:
        path = package_of(content, {"t.csv": text.encode()}, folder)
        report = imprint.validate(path, limit=0)
        peer = theirs(path)
        assume("error" not in peer.faults)
        mine = Verdict(report.valid, findings(report))
        assert (mine.valid, mine.of_data) == (peer.valid, peer.of_data)
        assert report.error_count == len(report.all_errors), "totals count every error"


LARGE = [{"small": -1, "many": 0}, {"small": -1, "many": 10**9}, {"small": -1, "group": 1, "counted": 2}]


@examples(60)
@given(made=broken_packages(), size=st.sampled_from(LARGE))
def test_a_package_broken_at_random_has_the_same_errors_as_if_it_were_large(
    made: tuple[Json, str], size: dict[str, int]
) -> None:
    def told(report: imprint.Report) -> list[object]:
        return sorted((one.row_number or 0, one.type, one.field_name or "", one.message) for one in report.all_errors)

    content, text = made
    with tempfile.TemporaryDirectory() as folder:
        path = package_of(content, {"t.csv": text.encode()}, folder)
        small = imprint.validate(path, limit=0)
        with sized(**size):
            large = imprint.validate(path, limit=0)
        assert (large.valid, told(large)) == (small.valid, told(small))


@examples(20)
@given(made=broken_packages())
def test_a_capped_report_has_the_totals_of_a_full_one(made: tuple[Json, str]) -> None:
    content, text = made
    with tempfile.TemporaryDirectory() as folder:
        path = package_of(content, {"t.csv": text.encode()}, folder)
        full, capped = imprint.validate(path, limit=0), imprint.validate(path, limit=1)
        assert capped.valid == full.valid
        for one, other in zip(capped.tasks, full.tasks, strict=True):
            assert set(one.totals) == set(other.totals)
            assert one.sampled == (len(one.errors) < len(other.errors))


# JSON Schema

VALUES = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 1.0, -1, 0.5, "", "a", "ab", "é", "1"]),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b", "é"]), inner, max_size=3)),
    max_leaves=6,
)
TYPES = st.sampled_from(["string", "object", "array", "boolean", "null", "integer", "number"])
KEYWORDS: dict[str, Any] = {
    "type": st.one_of(TYPES, st.lists(TYPES, min_size=1, max_size=2, unique=True)),
    "required": st.lists(st.sampled_from(["a", "b"]), max_size=2, unique=True),
    "enum": st.lists(VALUES, min_size=1, max_size=3),
    "const": VALUES,
    "pattern": st.sampled_from(["a", "^a$", "^[a-z]+$", "é", "."]),
    "minLength": st.integers(0, 2),
    "maxLength": st.integers(0, 2),
    "minItems": st.integers(0, 2),
    "maxItems": st.integers(0, 2),
    "minProperties": st.integers(0, 2),
    "minimum": st.sampled_from([0, 0.5, 1]),
    "maximum": st.sampled_from([0, 0.5, 1]),
    "uniqueItems": st.booleans(),
    "additionalProperties": st.booleans(),
    "title": st.just("a"),
}


def _schemas(inner: Any) -> Any:
    nested = {
        "properties": st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
        "items": inner,
        "anyOf": st.lists(inner, min_size=1, max_size=2),
        "allOf": st.lists(inner, min_size=1, max_size=2),
        "oneOf": st.lists(inner, min_size=1, max_size=2),
        "not": inner,
    }
    return st.lists(st.sampled_from(sorted({**KEYWORDS, **nested})), max_size=3, unique=True).flatmap(
        lambda words: st.fixed_dictionaries({word: {**KEYWORDS, **nested}[word] for word in words})
    )


SCHEMAS = st.recursive(st.one_of(st.booleans(), st.just({"$ref": "#/$defs/a"})), _schemas, max_leaves=6)


@examples(500)
@given(schema=SCHEMAS, defined=SCHEMAS, value=VALUES)
def test_what_surely_fits_a_json_schema_fits_it(schema: Any, defined: Any, value: Any) -> None:
    assume(not _refers(defined))
    root = {"allOf": [schema], "$defs": {"a": defined}}
    if json_schema.surely_valid(root, value, {}):
        assert validator_for(root)(root).is_valid(value)


def _refers(schema: Any) -> bool:
    return "$ref" in json.dumps(schema)


# Descriptors

CASES = sorted((Path(__file__).parent / "cases" / "validate").glob("descriptor-*/datapackage.json"))
RUBBISH = st.sampled_from(
    [None, True, 0, -1, 1.5, 10**30, "", "x", "\x00", "../x", "a" * 300, [], [None], [[]], {}, {"a": None}, {"value": []}]
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        yield from _places(item, (*path, key))


@st.composite
def spoilt_descriptors(draw: st.DrawFn) -> Any:
    """A rich descriptor with rubbish in a few places."""
    content = copy.deepcopy(RICH)
    for _ in range(draw(st.integers(1, 3))):
        *above, last = draw(st.sampled_from(list(_places(content))[1:]))
        inner = content
        for key in above:
            inner = inner[key]
        inner[last] = copy.deepcopy(draw(RUBBISH))
    return content


RICH: Json = {
    "$schema": profile.PROFILE_2_0,
    "name": "rich", "version": "1.0.0", "title": "t", "keywords": ["k"], "created": "2020-01-01T00:00:00Z",
    "licenses": [{"name": "CC0-1.0", "path": "http://example.org"}], "sources": [{"title": "s"}], "contributors": [{"title": "c", "roles": ["r"]}],
    "resources": [
        {"name": "t", "type": "table", "path": "t.csv", "format": "csv", "mediatype": "text/csv", "encoding": "utf-8", "bytes": 18,
         "hash": "0" * 32, "compression": "no",
         "dialect": {"delimiter": ",", "quoteChar": '"', "header": True, "headerRows": [1], "commentChar": "#", "nullSequence": "NA",
                     "skipInitialSpace": True, "lineTerminator": "\n", "escapeChar": "\\", "headerJoin": " ", "commentRows": [9]},
         "schema": {"missingValues": [""], "primaryKey": ["id"], "uniqueKeys": [["id", "name"]], "fieldsMatch": "subset",
                    "foreignKeys": [{"fields": ["id"], "reference": {"resource": "u", "fields": ["id"]}}],
                    "fields": [{"name": "id", "type": "integer", "groupChar": ",", "constraints": {"minimum": 1, "enum": [1, 2], "unique": True}},
                               {"name": "name", "type": "string", "categories": ["a", "b"], "missingValues": [{"value": "-"}],
                                "constraints": {"pattern": "[a-z]", "minLength": 1, "required": True}},
                               {"name": "flag", "type": "boolean", "trueValues": ["y"], "falseValues": ["n"]},
                               {"name": "day", "type": "date", "format": "%d/%m/%Y", "constraints": {"maximum": "01/01/2030"}},
                               {"name": "size", "type": "number", "decimalChar": ",", "bareNumber": False},
                               {"name": "tags", "type": "list", "delimiter": "|", "itemType": "integer"},
                               {"name": "more", "type": "object", "constraints": {"jsonSchema": {"type": "object"}, "maxLength": 3}}]}},
        {"name": "u", "type": "table", "data": [{"id": 1}, {"id": 2}], "dialect": {"itemType": "object", "itemKeys": ["id"]},
         "schema": {"fields": [{"name": "id", "type": "integer"}]}, "jsonSchema": {"type": "array"}},
    ],
    "rules": [{"id": "r", "resources": ["t"], "expression": "id < 2", "message": "m", "severity": "warning"}],
}  # fmt: skip
DATA = 'id,name,flag,day,size,tags,more\n1,a,y,01/02/2020,"1,5",1|2,{}\n2,b,n,02/02/2020,€2,3,"{""a"": 1}"\n'


@examples(60)
@given(content=spoilt_descriptors())
def test_whatever_a_descriptor_holds_the_end_is_a_report_or_one_line(content: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = package_of(content, {"t.csv": DATA.encode()}, folder)
        try:
            report = imprint.validate(path, limit=0)
        except imprint.ImprintError as error:
            assert "\n" not in str(error)
        else:
            assert json.loads(json.dumps(report.to_dict()))["valid"] == report.valid
            assert report.valid or report.error_count


def test_the_rich_descriptor_is_sound() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = package_of({**RICH, "resources": [*RICH["resources"]]}, {"t.csv": DATA.encode()}, folder)
        found = {error.type for error in imprint.validate(path, limit=0).all_errors}
        assert found == {"hash-count", "byte-count"}
