"""Tables as pandas frames with the types that the schema says."""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from . import formats, spelling
from .exceptions import ImprintError
from .package import Field, Package
from .scan import Checked
from .validation import open_tables

if TYPE_CHECKING:
    import pandas

DTYPES = {"boolean": "boolean", "string": "string", "datetime": "string"}
INT64 = range(-(2**63), 2**63)
LONGEST = 20  # characters of such an integer, with its sign


def load(package: Package, *, memory: str | None = None) -> dict[str, pandas.DataFrame]:
    """Each table of a package as a frame, by name.

    Integers and years are nullable (`Int64`), numbers `Float64`, in which NaN is a value and no null, booleans `boolean`, texts
    `string`; a field with categories or an enum is a `Categorical`, a date or datetime `datetime64`, in UTC if each has a zone,
    a list a Python list. A column is one of texts, as it is in Parquet, where 64 bits don't hold each of its numbers, or only
    some of its datetimes have a zone. Warns of tables that can't be read, which are left out, and of cells that are no value of
    their field, which are null. Raises ImprintError without pandas.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImprintError("loading frames needs pandas", fix="pip install pandas") from error
    with open_tables(package, memory=memory) as (engine, (tables,)):
        for said in _doubts(package, tables):
            warnings.warn(f"{package.source}: {said}; imprint validate says more", stacklevel=3)
        frames = {}
        for name, one in tables.items():
            fields = [field for field in one.table.schema.fields if field.name in one.columns]
            selected = ", ".join(["rn", *(one.columns[field.name] for field in fields)])
            rows = list(engine.stream(f"SELECT {selected} FROM {one.logical} ORDER BY rn"))
            columns = {field.name: _series(pd, field, [row[at] for row in rows]) for at, field in enumerate(fields, 1)}
            frames[name] = pd.DataFrame(columns)
        return frames


def _doubts(package: Package, tables: Mapping[str, Checked]) -> Iterator[str]:
    for resource in package.resources:
        if resource.tabular and resource.name not in tables:
            yield f'the table "{resource.name}" can\'t be read, and is left out'
    for name, one in tables.items():
        count = sum(number for (kind, _, _), number in one.findings.counts.items() if kind == "type-error")
        if count:
            cells = "1 cell" if count == 1 else f"{count:,} cells"
            yield f'{cells} of "{name}" {"is" if count == 1 else "are"} no value of the field, and null here'


def _series(pd: Any, field: Field, cells: Sequence[str | None]) -> Any:
    """A column of canonical texts, typed."""
    texts = [cell for cell in cells if cell is not None]
    codes = field.categories or tuple(field.constraints.get("enum") or ())
    if codes and field.type == "string":
        return pd.Series(pd.Categorical(cells, categories=list(codes), ordered=bool(field.option("categoriesOrdered"))))
    read, dtype = formats.reader(field), DTYPES.get(field.type, "object")
    match field.type:
        case "integer" | "year" if all(map(_is_int64, texts)):
            read, dtype = int, "Int64"
        case "number" if all(map(_is_double, texts)):
            # Of a list, pandas would make a null of NaN.
            held = pd.Series([float(cell or "0") for cell in cells], dtype="float64").to_numpy()
            return pd.Series(pd.arrays.FloatingArray(held, pd.isna(pd.Series(cells, dtype="object")).to_numpy()))
        case "integer" | "year" | "number":
            read, dtype = spelling.unchecked(spelling.plain(field)), "string"
        case "date":
            read, dtype = datetime.date.fromisoformat, "datetime64[s]"
        case "datetime" if len(zoned := {text.endswith("Z") for text in texts}) < 2:
            read, dtype = datetime.datetime.fromisoformat, "datetime64[us, UTC]" if True in zoned else "datetime64[us]"
    return pd.Series([None if cell is None else read(cell) for cell in cells], dtype=dtype)


def _is_int64(text: str) -> bool:
    return len(text) <= LONGEST and int(text) in INT64


def _is_double(text: str) -> bool:
    """Whether a double holds the number, digit by digit."""
    exact = Decimal(text)
    return not exact.is_finite() or Decimal(repr(float(text))) == exact
