"""The columns of a table as values of the engine's types, and as JSON: where that is surely the field's value."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from .. import spelling, sql
from ..engine import Engine, PlainFile
from ..package import Field
from ..scan import Checked

EXACT_INTEGER = 15  # characters of an integer that a double holds whatever its digits are
EXACT_NUMBER = 16  # and of one with a decimal point
TEXT = "VARCHAR"
SPELLED = frozenset({"duration", "geopoint"})  # types whose canonical texts are for comparing alone
NO_NUMBERS = "('NaN', 'Infinity', '-Infinity')"
MOMENT = "{v} IS NULL OR (regexp_full_match({v}, '[0-9-]+T[0-9:]+([.][0-9]+)?$') AND TRY_CAST({v} AS @) IS NOT NULL)"


@dataclass(frozen=True)
class Column:
    """A column of `query`: its field's name, and SQL for its values: of the type `kind`, and as JSON texts.

    `json` is "" where the engine can't surely write it. A text of a column of the kind TEXT is spelled as the standard's
    default format has it.
    """

    name: str
    kind: str
    value: str
    json: str
    looked_up: bool = False


def columns(engine: Engine, one: Checked, longest: Mapping[str, int]) -> tuple[Column, ...]:
    """The columns of a table in the schema's order; `longest` has the length of each field's longest canonical text."""
    present = one.columns
    fields = [field for field in one.table.schema.fields if field.name in present]
    # A sure cell's text has no exponent, and no digits that are none; a date is one that exists.
    unsure = {column.field.name for column in one.texts} | (set(present) if one.table.native else set())
    plain = {field.name: field.name not in unsure and longest.get(field.name, 0) <= _exact(field) for field in fields}
    kinds = _kinds(engine, one, fields, plain)
    found = []
    for field in fields:
        kind, text = kinds[field.name], present[field.name]
        spelled = _spelled(engine, one, field) if _is_spelled(field, kind, unsure) else text
        value, written = _value(spelled, kind), _json(field, spelled, plain[field.name])
        found.append(Column(field.name, kind, value, written, looked_up=spelled != text))
    return tuple(found)


def query(one: Checked, listed: Sequence[Column], selected: str) -> str:
    """SQL for what is selected of a table's columns, in the order of the file."""
    # A text that is looked up may come in another order, as a join's rows do.
    looked_up = one.texts or any(column.looked_up for column in listed)
    return f"SELECT {selected} FROM {f'{one.logical} ORDER BY rn' if looked_up else one.unnumbered}"


def _is_spelled(field: Field, kind: str, unsure: Collection[str]) -> bool:
    """Whether a field's canonical texts may be spelled otherwise in the standard's default format."""
    numbers = (field.type == "number" and kind == TEXT) or spelling.item_type(field) == "number"
    return field.type in SPELLED or (numbers and field.name in unsure)


def _spelled(engine: Engine, one: Checked, field: Field) -> str:
    """SQL for the texts of a field as the standard's default format has them."""
    spell, text = spelling.unchecked(spelling.plain(field)), one.columns[field.name]
    with PlainFile(engine.new_file(".csv"), ["text", "spelled"]) as file:
        for (found,) in engine.stream(f"SELECT DISTINCT {text} FROM {one.unnumbered} WHERE {text} IS NOT NULL"):
            if (said := spell(found)) != found:
                file.write((found, said))
    stored = engine.keep(f"SELECT * FROM {file.relation}")
    if not engine.one(f"SELECT count(*) FROM {stored}")[0]:
        return text
    return f"coalesce((SELECT min(spelled) FROM {stored} AS s WHERE s.text = {text}), {text})"


def _exact(field: Field) -> int:
    return EXACT_NUMBER if field.type == "number" else EXACT_INTEGER


def _kinds(engine: Engine, one: Checked, fields: Sequence[Field], plain: Mapping[str, bool]) -> dict[str, str]:
    """The engine's type of each field: one that holds each of its values, TEXT where none surely does."""
    tried = {field.name: _candidates(field, plain[field.name]) for field in fields}
    asked = [(name, kind, test) for name, listed in tried.items() for kind, test in listed.items() if test]
    held: dict[tuple[str, str], bool] = {}
    if asked:
        # A text that can't be cast makes its test null, which is no yes; without rows, any type does.
        tests = (test.replace("{v}", one.columns[name]) for name, _, test in asked)
        tests = (f"coalesce(bool_and(coalesce({test}, FALSE)), TRUE)" for test in tests)
        found = engine.one(f"SELECT {', '.join(tests)} FROM {one.unnumbered}")
        held = {(name, kind): bool(holds) for (name, kind, _), holds in zip(asked, found, strict=True)}
    return {name: next((kind for kind in listed if held.get((name, kind), True)), TEXT) for name, listed in tried.items()}


def _candidates(field: Field, plain: bool) -> dict[str, str]:  # noqa: PLR0911 - one line per type
    """Types that may hold a field's values, the best first, each with what must be true of each text {v}; "" if it is."""
    match field.type:
        case "integer":
            return {"BIGINT": "" if plain else "{v} IS NULL OR TRY_CAST({v} AS BIGINT)::VARCHAR = {v}"}
        case "year":
            return {"BIGINT": "" if plain else "{v} IS NULL OR TRY_CAST({v} AS BIGINT) IS NOT NULL"}
        case "number":
            back = sql.plain_decimal("TRY_CAST({v} AS DOUBLE)::VARCHAR")
            return {"DOUBLE": "" if plain else f"{{v}} IS NULL OR {{v}} IN {NO_NUMBERS} OR {back} = {{v}}"}
        case "boolean":
            return {"BOOLEAN": ""}
        case "date":
            return {"DATE": "" if plain else "{v} IS NULL OR TRY_CAST({v} AS DATE)::VARCHAR = {v}"}
        case "datetime":
            naive = MOMENT.replace("@", "TIMESTAMP")
            return {"TIMESTAMP": naive.replace("$", ""), "TIMESTAMPTZ": naive.replace("$", "Z")}
        case "time":
            return {"TIME": "{v} IS NULL OR TRY_CAST({v} AS TIME)::VARCHAR = {v}"}
        case "list":
            items = _candidates(replace(field, type=spelling.item_type(field)), plain=False)
            return {f"{kind}[]": test and _in_each(test) for kind, test in {**items, TEXT: ""}.items()}
        case _:
            return {}


def _in_each(test: str) -> str:
    """What must be true of the canonical text {v} of a list, if the test must be of each item's."""
    failed = f"list_filter(string_split({{v}}, chr(31)), lambda item: NOT coalesce({test.replace('{v}', 'item')}, FALSE))"
    return f"{{v}} IS NULL OR {{v}} = '' OR len({failed}) = 0"


def _value(text: str, kind: str) -> str:
    match kind:
        case "BOOLEAN":
            return f"({text} = 'true')"
        case "VARCHAR":
            return text
        case _ if kind.endswith("[]"):
            items = f"string_split({text}, chr(31))"
            if (item := _value("item", kind.removesuffix("[]"))) != "item":
                items = f"list_transform({items}, lambda item: {item})"
            return f"CASE WHEN {text} = '' THEN [] ELSE {items} END"
        case _:
            return f"{text}::{kind}"


def _json(field: Field, text: str, plain: bool) -> str:
    """SQL for the JSON text of a value; "" where that takes a closer look."""
    match field.type:
        case "integer" | "number" if plain:
            written = text
        case "year" if plain:
            written = f"{text}::BIGINT::VARCHAR"
        case "boolean":
            written = text
        case "integer" | "year" | "number" | "object" | "array" | "geojson":
            return ""
        case "list" if spelling.item_type(field) == "string":
            items = f"list_transform(string_split({text}, chr(31)), lambda item: to_json(item)::VARCHAR)"
            written = f"CASE WHEN {text} = '' THEN '[]' ELSE '[' || array_to_string({items}, ', ') || ']' END"
        case "list":
            return ""
        case "date":
            written = f"""('"' || {text} || '"')"""
        case _:
            written = f"to_json({text})::VARCHAR"
    return f"coalesce({written}, 'null')"
