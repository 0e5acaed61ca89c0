"""Whatever the schema: a fingerprint is of the values, not of their order, quoting, dialect or format."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from hypothesis import assume, given
from hypothesis import strategies as st
from packages import examples, write

from imprint import descriptor, fingerprint
from imprint.fingerprint import Fingerprint

NULL = "(none)"
HOSTILE = st.text("ab ,;|'\"\\\n\r\t~:1=é\U0001f33f", max_size=6)
DATES, MOMENTS = st.dates(), st.datetimes().map(lambda moment: moment.replace(microsecond=0))
ITEMS = st.lists(st.text("ab ;'\"\n~1é", min_size=1, max_size=4), max_size=3)


@dataclass(frozen=True)
class Kind:
    """A type: its values as JSON has them; what makes of a CSV cell a value of the engine's, and of that a cell again."""

    values: st.SearchStrategy[Any]
    from_text: str = "{}"
    to_text: str = "{}"


KINDS = {
    "string": Kind(HOSTILE),
    "integer": Kind(st.integers(-(10**17), 10**17), "{}::BIGINT"),
    "number": Kind(st.floats(allow_nan=False, allow_infinity=False), "{}::DOUBLE"),
    "boolean": Kind(st.booleans(), "{}::BOOLEAN"),
    "date": Kind(DATES.map(lambda date: date.isoformat()), "{}::DATE"),
    "datetime": Kind(MOMENTS.map(lambda moment: moment.isoformat()), "{}::TIMESTAMP", "replace({}::VARCHAR, ' ', 'T')"),
    "time": Kind(MOMENTS.map(lambda moment: moment.time().isoformat()), "{}::TIME"),
    "year": Kind(st.integers(1000, 9999), "{}::BIGINT"),
    "yearmonth": Kind(DATES.map(lambda date: date.isoformat()[:7])),
    "list": Kind(ITEMS, "CASE WHEN {0} = '' THEN [] ELSE string_split({0}, ',') END", "array_to_string({}, ',')"),
    "object": Kind(st.dictionaries(HOSTILE, st.integers() | st.booleans() | st.none() | HOSTILE, max_size=3)),
    "array": Kind(st.lists(st.integers() | st.none() | HOSTILE, max_size=3)),
    "any": Kind(HOSTILE),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[Any]]]:
    """The types of a table's fields, the first of them an integer that is never null, and its rows."""
    kinds = ["integer", *draw(st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=4))]
    cells = [KINDS["integer"].values, *(st.none() | KINDS[kind].values for kind in kinds[1:])]
    return kinds, [list(row) for row in draw(st.lists(st.tuples(*cells), min_size=1, max_size=6))]


def prints(kinds: list[str], *stored: tuple[dict[str, Any], Any]) -> list[Fingerprint]:
    """The fingerprint of each way to store the table: what its resource says of it, and the file's content."""
    schema = {"fields": [{"name": f"f{n}", "type": kind} for n, kind in enumerate(kinds)], "missingValues": [NULL]}
    resources = [
        {"name": f"t{n}", "type": "table", "path": f"t{n}.{said['format']}", "schema": schema, **said}
        for n, (said, _) in enumerate(stored)
    ]
    files = {f"t{n}.{said['format']}": content for n, (said, content) in enumerate(stored)}
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), {"datapackage.json": {"name": "p", "resources": resources}, **files})
        package, faults = descriptor.load(Path(folder) / "datapackage.json")
        assert not faults
        return list(fingerprint.of_tables(package).values())


def text(value: Any, kind: str) -> str:
    """A value as a CSV cell."""
    if value is None:
        return NULL
    if kind == "list":
        return ",".join(value)
    return value if isinstance(value, str) else json.dumps(value)


def as_csv(kinds: list[str], rows: list[list[Any]], header: bool = True, **dialect: Any) -> tuple[dict[str, Any], str]:
    """As a CSV file in a dialect."""
    sink = io.StringIO(newline="")
    words = {"delimiter": "delimiter", "quotechar": "quoteChar"}
    writer = csv.writer(sink, **{"lineterminator": "\n", **dialect})
    writer.writerows([[f"f{n}" for n in range(len(kinds))]] if header else [])
    writer.writerows([text(cell, kind) for cell, kind in zip(row, kinds, strict=True)] for row in rows)
    said = {words[word]: value for word, value in dialect.items() if word in words} | {"header": header}
    return {"format": "csv", "dialect": said}, sink.getvalue()


def as_json(rows: list[list[Any]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """As a JSON file."""
    return {"format": "json"}, [{f"f{n}": cell for n, cell in enumerate(row)} for row in rows]


def as_parquet(kinds: list[str], rows: list[list[Any]]) -> tuple[tuple[dict[str, Any], bytes], tuple[dict[str, Any], bytes]]:
    """As a Parquet file that DuckDB makes of the CSV file, and as the CSV file that it makes of that one."""
    fields = {f"f{n}": KINDS[kind] for n, kind in enumerate(kinds)}
    typed = ", ".join(kind.from_text.format(f"nullif({name}, '{NULL}')") + f" AS {name}" for name, kind in fields.items())
    again = ", ".join(f"coalesce({kind.to_text.format(name)}::VARCHAR, '{NULL}') AS {name}" for name, kind in fields.items())
    cells = f"auto_detect = false, header = true, columns = {dict.fromkeys(fields, 'VARCHAR')}, force_not_null = {list(fields)}"
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as engine:
        first, parquet, second = (f"{folder}/{name}" for name in ("first.csv", "table.parquet", "second.csv"))
        Path(first).write_text(as_csv(kinds, rows, quoting=csv.QUOTE_ALL)[1], encoding="utf-8", newline="")
        read = f"read_csv('{first}', delim = ',', quote = '\"', escape = '\"', {cells})"
        engine.execute(f"COPY (SELECT {typed} FROM {read}) TO '{parquet}' (FORMAT parquet)")
        engine.execute(f"COPY (SELECT {again} FROM '{parquet}') TO '{second}' (FORMAT csv, HEADER true, FORCE_QUOTE *)")
        return ({"format": "parquet"}, Path(parquet).read_bytes()), ({"format": "csv"}, Path(second).read_bytes())


@examples(5)
@given(tables(), st.randoms(use_true_random=False))
def test_order_dialect_and_format_do_not_show(table: tuple[list[str], list[list[Any]]], random: Any) -> None:
    kinds, rows = table
    shuffled = random.sample(rows, len(rows))
    found = prints(
        kinds,
        as_csv(kinds, rows, lineterminator="\r\n"),
        as_csv(kinds, shuffled, delimiter=";", quotechar="'", quoting=csv.QUOTE_ALL),
        as_csv(kinds, shuffled, header=False, delimiter="\t", quoting=csv.QUOTE_NONNUMERIC),
        as_json(shuffled),
        *as_parquet(kinds, shuffled),
    )
    assert found == [found[0]] * len(found)
    assert found[0].rows == len(rows)


@examples(5)
@given(tables(), st.data())
def test_another_cell_shows_in_its_table_and_column_in_any_format(
    table: tuple[list[str], list[list[Any]]], data: st.DataObject
) -> None:
    kinds, rows = table
    row, column = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(0, len(kinds) - 1))
    other = data.draw(KINDS[kinds[column]].values)
    assume(json.dumps(other, sort_keys=True) != json.dumps(rows[row][column], sort_keys=True) and other != rows[row][column])
    changed = [[other if (n, m) == (row, column) else cell for m, cell in enumerate(cells)] for n, cells in enumerate(rows)]
    before, in_csv, in_json, *in_parquet = prints(
        kinds, as_json(rows), as_csv(kinds, changed, quoting=csv.QUOTE_ALL), as_json(changed), *as_parquet(kinds, changed)
    )
    for after in (in_csv, in_json, *in_parquet):
        assert before.table != after.table
        assert [name for name in before.columns if before.columns[name] != after.columns[name]] == [f"f{column}"]


@examples(5)
@given(tables(), st.integers(0, 5))
def test_a_row_that_is_there_twice_counts_twice_in_any_format(table: tuple[list[str], list[list[Any]]], which: int) -> None:
    kinds, rows = table
    twice = [*rows, rows[which % len(rows)]]
    once, *found = prints(kinds, as_json(rows), as_json(twice), *as_parquet(kinds, twice))
    assert found == [found[0]] * 3
    assert (once.rows + 1, once.table != found[0].table) == (found[0].rows, True)
    assert not [name for name in once.columns if once.columns[name] == found[0].columns[name]]
