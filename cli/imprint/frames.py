"""Tables as pandas frames with the types that the schema says."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from . import formats
from .exceptions import ImprintError
from .package import Field, Package
from .validation import open_tables

if TYPE_CHECKING:
    import pandas

DTYPES = {"integer": "Int64", "year": "Int64", "number": "Float64", "boolean": "boolean", "string": "string"}


def load(package: Package, *, memory: str | None = None) -> dict[str, pandas.DataFrame]:
    """Each table of a package as a frame, by name.

    Integers are nullable (`Int64`), numbers `Float64`, booleans `boolean`, texts `string`; a field with categories or an enum
    is a `Categorical`, a date or naive datetime `datetime64`, a list a Python list. Raises ImprintError without pandas.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImprintError("loading frames needs pandas", fix="pip install 'imprint[pandas]'") from error
    with open_tables(package, memory=memory) as (engine, (tables,)):
        frames = {}
        for name, one in tables.items():
            rows = list(formats.values(engine, one))
            fields = [field for field in one.table.schema.fields if field.name in one.columns]
            columns = {field.name: _series(pd, field, (row[field.name] for row in rows)) for field in fields}
            frames[name] = pd.DataFrame(columns)
        return frames


def _series(pd: Any, field: Field, values: Iterable[Any]) -> Any:
    listed = list(values)
    codes = field.categories or tuple(field.constraints.get("enum") or ())
    if codes and field.type == "string":
        return pd.Series(pd.Categorical(listed, categories=list(codes), ordered=bool(field.option("categoriesOrdered"))))
    if field.type == "date":
        return pd.Series(
            [None if value is None else datetime.date.fromisoformat(value) for value in listed], dtype="datetime64[s]"
        )
    if field.type == "datetime" and not any(value and value.endswith("Z") for value in listed):
        return pd.Series(
            [None if value is None else datetime.datetime.fromisoformat(value) for value in listed], dtype="datetime64[us]"
        )
    dtype = DTYPES.get(field.type, "object")
    if dtype in ("Int64", "Float64") and any(isinstance(value, str) for value in listed):
        dtype = "object"  # a number that no 64 bits hold stays a text
    return pd.Series(listed, dtype=dtype)
