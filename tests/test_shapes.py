"""A field's shape: whatever has it is surely valid, so that cells may be tried together; cells that are usual have it."""

from __future__ import annotations

import re
import warnings
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packages import examples

from imprint import expressions, shapes, sql
from imprint.package import Field

BOUND = st.integers(-(10**19), 10**19) | st.integers(-200, 200)
DATE = st.dates().map(lambda date: date.isoformat())
CONSTRAINTS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "integer": st.fixed_dictionaries({}, optional={"minimum": BOUND, "maximum": BOUND}),
    "number": st.fixed_dictionaries({}, optional={"minimum": BOUND, "maximum": BOUND | st.just("90.5")}),
    "date": st.fixed_dictionaries({}, optional={"minimum": DATE, "maximum": DATE}),
    "string": st.sampled_from(
        [{}, {"enum": ["a", "b.c", "d|e", "", "\x1f"]}, {"enum": ["a", "a b", "(c)"]}, {"pattern": "[a-z]{2}-[0-9]+"}, {"pattern": "a|b"},
         {"pattern": "[^,]+"}, {"pattern": "a*"}, {"pattern": "\\d{3}", "maxLength": 2}, {"minLength": 1}]
    ),
    "boolean": st.just({}), "datetime": st.just({}), "time": st.just({}), "year": st.just({}), "yearmonth": st.just({}),
}  # fmt: skip
MISSING = st.sampled_from([("",), (), ("", "-"), ("NA", "-9"), ("99", "1", "a"), ("\x1f",)])


@st.composite
def fields(draw: st.DrawFn) -> Field:
    kind = draw(st.sampled_from(sorted(CONSTRAINTS)))
    constraints = draw(CONSTRAINTS[kind]) | draw(st.sampled_from([{}, {"required": True}, {"unique": True}]))
    said = draw(st.sampled_from([{}, {"trueValues": ["yes", "ja!"], "falseValues": ["no"]}])) if kind == "boolean" else {}
    if kind == "string" and not constraints.keys() - {"required"}:
        said = draw(st.sampled_from([{}, {"categories": ["x", "y"]}]))
    return Field("f", kind, "default", constraints, draw(MISSING), {"name": "f", "type": kind, **said})


@pytest.fixture(scope="module")
def engine() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@examples(150)
@given(field=fields(), data=st.data())
def test_what_has_the_shape_is_surely_valid(engine: duckdb.DuckDBPyConnection, field: Field, data: st.DataObject) -> None:
    shape = shapes.shape(field)
    if shape is None:
        return
    texts = data.draw(st.lists(st.from_regex(shape, fullmatch=True), min_size=1, max_size=20, unique=True))
    assert not any(sql.UNIT_SEPARATOR in text for text in texts)
    sure = expressions.surely_valid(field, "c")
    query = f"SELECT c, ({sure}) IS TRUE, {sql.full_match('c', shape)} FROM (SELECT unnest(?) AS c)"
    assert [row for row in engine.execute(query, [texts]).fetchall() if row[1:] != (True, True)] == []


@examples(300)
@given(low=st.integers(0, 10**6) | st.integers(0, 120), width=st.integers(0, 10**6) | st.integers(0, 120), data=st.data())
def test_numbers_between_two_are_those_and_no_others(low: int, width: int, data: st.DataObject) -> None:
    pattern = shapes.between(low, low + width)
    assert pattern is not None
    for number in data.draw(st.lists(st.integers(0, 2 * (low + width) + 2) | st.sampled_from([low, low + width]), min_size=5)):
        assert bool(re.fullmatch(pattern, str(number))) == (low <= number <= low + width)


@pytest.mark.parametrize(
    ("kind", "constraints", "cells"),
    [
        ("integer", {}, "0 -12 +7 007"),
        ("integer", {"minimum": 0}, "0 1 99 123456789012345678"),
        ("integer", {"minimum": 1, "maximum": 5}, "1 2 3 4 5"),
        ("integer", {"minimum": -20, "maximum": 7}, "-20 -3 0 7"),
        ("number", {}, "1 -1.5 +0.25"),
        ("number", {"minimum": -90, "maximum": 90}, "-90 -89.99 0 0.5 -0.5 89.999 90 90.0"),
        ("boolean", {}, "true false 1 0 TRUE"),
        ("string", {"pattern": "evt-[0-9]{3}"}, "evt-123"),
        ("string", {"enum": ["a.b", "c"]}, "a.b c"),
        ("date", {}, "2024-01-31 2023-02-28 0999-04-30"),
        ("date", {"minimum": "2012-01-01"}, "2012-01-01 2031-12-31"),
        ("datetime", {}, "2024-01-31T10:20:30Z 2024-01-31T23:59:59"),
        ("time", {}, "23:59:59"),
        ("year", {}, "2024"),
        ("yearmonth", {}, "2024-12"),
    ],
)
def test_usual_cells_have_the_shape_and_so_has_a_missing_one(kind: str, constraints: dict[str, Any], cells: str) -> None:
    shape = shapes.shape(Field("f", kind, "default", constraints, ("", "-"), {}))
    assert shape is not None
    assert [cell for cell in [*cells.split(), "", "-"] if not re.fullmatch(shape, cell)] == []


@pytest.mark.parametrize(
    ("kind", "constraints"),
    [
        ("number", {"minimum": -(10**13), "maximum": 0}),  # more digits than the engine compares exactly
        ("integer", {"minimum": "ten"}),
        ("date", {"minimum": "yesterday"}),
    ],
)
def test_what_is_never_sure_has_no_shape(kind: str, constraints: dict[str, Any]) -> None:
    field = Field("f", kind, "default", constraints, ("",), {})
    assert "FALSE" in expressions.surely_valid(field, "c")
    assert shapes.shape(field) is None


def compiles(pattern: str) -> bool:
    try:
        with warnings.catch_warnings(action="ignore"):
            return bool(re.compile(pattern))
    except re.error:
        return False


LISTED = st.text("aZ09 _,:;!'\"#.+*~|$-[\\", min_size=1, max_size=5).map("[{}]".format).filter(compiles)


@pytest.mark.filterwarnings("ignore:Possible")  # of Python, for patterns that it may read otherwise one day
@examples(500)
@given(listed=LISTED, char=st.sampled_from("\"'|;-5aZ_ "))
def test_a_character_that_a_shape_matches_is_one_that_it_may_hold(listed: str, char: str) -> None:
    pattern = f"x{listed}?"
    shape = shapes.shape(Field("f", "string", "default", {"pattern": pattern}, ("",), {"name": "f", "type": "string"}))
    if shape is not None and re.fullmatch(pattern, f"x{char}"):
        assert shapes.may_hold(shape, char)


@pytest.mark.parametrize(
    "shape", ["[+-]?[0-9]{1,18}", "(?:[0-9]{4})-(?:0[13-9]|1[0-2])", "[a-z-]+", "evt-[0-9A-Fa-f]{8}", "[\\-a]"]
)
def test_a_usual_shape_is_known_to_hold_no_quote(shape: str) -> None:
    assert not shapes.may_hold(shape, '"')
