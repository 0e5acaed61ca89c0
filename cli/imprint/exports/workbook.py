"""A package as one Excel workbook: a sheet that says what is in it, then one for each table.

A cell has the type that its schema says where Excel holds the value exactly, and is text otherwise. No text becomes a
formula, a link or a number, whatever it begins with.
"""

from __future__ import annotations

import contextlib
import datetime
import re
import traceback
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from .. import formats
from ..engine import Engine
from ..package import Package
from ..scan import Checked

ROWS, COLUMNS = 1_048_576, 16_384  # of a sheet, the header's row among them
CELL = 32_767  # UTF-16 units of a cell's text
DIGITS, LEAST = 15, 2.2250738585072014e-308  # of a number that Excel holds exactly
FIRST = datetime.date(1900, 3, 1)  # before it Excel counts a day that never was
NAME = 31  # UTF-16 units of a sheet's name
NOT_IN_NAMES = re.compile("[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\\[\\]:*?/\\\\]")
# Characters that XML lacks are written as _xHHHH_, and such texts with their first underscore written so; where one of them
# ends in what begins the next, readers take it for another.
AMBIGUOUS = re.compile("_x[0-9a-fA-F]{4}(_x[0-9a-fA-F]{4}_|[\0-\x08\x0b-\x1f\ufffe\uffff])")
CREATED = datetime.datetime(1980, 1, 1)  # a workbook names a moment, and the clock may not show
DATES = {
    "date": "yyyy-mm-dd", "moment": "yyyy-mm-dd hh:mm:ss", "moment.": "yyyy-mm-dd hh:mm:ss.000",
    "momentZ": 'yyyy-mm-dd hh:mm:ss"Z"', "moment.Z": 'yyyy-mm-dd hh:mm:ss.000"Z"',
}  # fmt: skip
WRITER = "XlsxWriter"
MEASURED = 100  # rows that a column's width is taken from
WIDTHS = (6, 60)
READING = (
    "An empty cell is a null. Lists and objects are JSON texts. Moments with a Z are in UTC. Numbers of over 15 digits and "
    "dates before 1900-03-01 are texts, as Excel can't hold them exactly."
)


@dataclass
class Sheet:
    """A worksheet while it is written: how wide its columns are, and how many texts of each didn't fit."""

    sheet: Any
    styles: Mapping[str, Any]
    widths: dict[int, int] = field(default_factory=dict)
    unfit: dict[int, int] = field(default_factory=dict)

    def put(self, row: int, column: int, value: Any, style: Any = None) -> None:
        """Write a value as it is held; a text that a cell can't hold is told of in its place."""
        if isinstance(value, bool):
            self.sheet.write_boolean(row, column, value, style)
        elif isinstance(value, (int, float)):
            self.sheet.write_number(row, column, value, style)
        elif isinstance(value, datetime.date):
            self.sheet.write_datetime(row, column, _unzoned(value), self._date(value))
        else:
            if not fits(value):
                self.unfit[column] = self.unfit.get(column, 0) + 1
                value = f"(not in this workbook: a text of {len(value):,} characters)"
            self.sheet.write_string(row, column, value, style)
        if row <= MEASURED:
            self.widths[column] = max(self.widths.get(column, 0), len(str(value)))

    def _date(self, value: datetime.date) -> Any:
        if not isinstance(value, datetime.datetime):
            return self.styles["date"]
        return self.styles["moment" + "." * bool(value.microsecond) + "Z" * (value.tzinfo is not None)]

    def finish(self) -> None:
        """Set the widths of the columns."""
        least, most = WIDTHS
        for column, width in self.widths.items():
            self.sheet.set_column(column, column, min(max(width + 2, least), most))


def write(engine: Engine, package: Package, tables: Mapping[str, Checked], path: Path) -> tuple[str, ...]:
    """Write the tables to an .xlsx file, in the package's order; notes on what of them the workbook can't hold.

    The content alone shows in the bytes, besides the libraries that write and compress them. Raises OSError where the disk
    doesn't hold them.
    """
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "tmpdir": str(engine.folder)})
    notes = _write(book, engine, package, tables)
    try:
        book.close()
    except xlsxwriter.exceptions.FileCreateError as error:
        _close_zips(error.args[0])
        raise error.args[0] from None
    return notes


def _close_zips(error: OSError) -> None:
    """Close the zip that an error left open: it would fail again when it is cleared away, and tell the user of it."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        for value in frame.f_locals.values():
            if isinstance(value, zipfile.ZipFile):
                with contextlib.suppress(OSError):
                    value.close()


def _write(book: Any, engine: Engine, package: Package, tables: Mapping[str, Checked]) -> tuple[str, ...]:
    left = {name: reason for name, one in tables.items() if (reason := _too_large(one))}
    sheets = sheet_names(name for name in tables if name not in left)
    book.use_zip64()
    book.set_properties({"created": CREATED})
    bold = book.add_format({"bold": True})
    styles = {name: book.add_format({"num_format": text}) for name, text in DATES.items()}
    _write_about(Sheet(book.add_worksheet("About"), styles), bold, package, tables, sheets, left)
    notes = [f'the workbook leaves out "{name}": it has {reason}' for name, reason in left.items()]
    for name, title in sheets.items():
        sheet = Sheet(book.add_worksheet(title), styles)
        _write_table(sheet, bold, engine, tables[name])
        for column, count in sheet.unfit.items():
            texts, they = ("1 text", "it doesn't") if count == 1 else (f"{count:,} texts", "they don't")
            place = f'"{name}", field "{list(tables[name].columns)[column]}"'
            notes.append(f"the workbook leaves out {texts} of {place}: {they} fit a cell, which says so instead")
    return tuple(notes)


def _too_large(one: Checked) -> str:
    """Why a sheet can't hold a table; "" if it can."""
    if one.rows >= ROWS:
        return f"{one.rows:,} rows, and a sheet holds {ROWS - 1:,}"
    if len(one.columns) > COLUMNS:
        return f"{len(one.columns):,} fields, and a sheet holds {COLUMNS:,}"
    return ""


def sheet_names(tables: Iterable[str]) -> dict[str, str]:
    """The name of each table's sheet: its own as far as Excel allows it, and none twice, whatever the case."""
    taken, names = {"about", "history"}, {}
    for table in tables:
        plain = NOT_IN_NAMES.sub("_", table).strip("' ") or "table"
        name, number = _cut(plain, ""), 1
        while name.casefold() in taken:
            number += 1
            name = _cut(plain, f" {number}")
        taken.add(name.casefold())
        names[table] = name
    return names


def _cut(name: str, end: str) -> str:
    kept = name.encode("utf-16-le")[: 2 * (NAME - len(end))].decode("utf-16-le", "ignore")
    return kept.rstrip("' ") + end


def _write_about(
    sheet: Sheet, bold: Any, package: Package, tables: Mapping[str, Checked], sheets: Mapping[str, str], left: Mapping[str, str]
) -> None:
    said = {
        "Title": _text(package.title) or package.name,
        "Version": package.version,
        "Description": _text(package.descriptor.get("description")),
        "Licence": ", ".join(_licences(package.descriptor.get("licenses"))),
        "How to read it": READING,
    }
    row = 0
    for word, text in said.items():
        if text:
            sheet.put(row, 0, word, bold)
            sheet.put(row, 1, text)
            row += 1
    for column, word in enumerate(("Table", "Sheet", "Rows", "Description")):
        sheet.put(row + 1, column, word, bold)
    for at, (name, one) in enumerate(tables.items(), row + 2):
        described = one.table.resource.descriptor
        text = " ".join(filter(None, (_text(described.get("title")), _text(described.get("description")))))
        place = sheets[name] if name in sheets else f"left out: {left[name]}"
        for column, value in enumerate((name, place, one.rows, *filter(None, [text]))):
            sheet.put(at, column, value)
    sheet.finish()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _licences(listed: Any) -> Iterator[str]:
    for licence in listed if isinstance(listed, list) else ():
        words = (_text(licence.get(word)) for word in ("title", "name", "path")) if isinstance(licence, Mapping) else ()
        yield next(filter(None, words), "")


def _write_table(sheet: Sheet, bold: Any, engine: Engine, one: Checked) -> None:
    if not one.columns:
        return
    kinds = []
    for column, name in enumerate(one.columns):
        sheet.put(0, column, name, bold)
        declared = one.table.schema.field(name)
        kinds.append(declared.type if declared else "")
    for row, cells in enumerate(formats.values(engine, one), 1):
        for column, (value, kind) in enumerate(zip(cells.values(), kinds, strict=True)):
            if value is not None:
                sheet.put(row, column, held(value, kind))
    sheet.sheet.freeze_panes(1, 0)
    sheet.sheet.autofilter(0, 0, one.rows, len(kinds) - 1)
    sheet.sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{ROWS}"})  # or a green mark at each code such as 007
    sheet.finish()


def held(value: Any, kind: str) -> bool | int | float | datetime.date | str:
    """What a cell holds of a JSON value of a field of type `kind`: itself if Excel holds it exactly, else a text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        digits = Decimal(repr(value)).normalize().as_tuple().digits
        return value if len(digits) <= DIGITS and (value == 0 or abs(value) >= LEAST) else str(value)
    if isinstance(value, str):
        return _date(value, kind) or value
    return formats.as_json(value)


def _date(text: str, kind: str) -> datetime.date | None:
    """The date or moment that a text names, if Excel holds it."""
    if kind not in ("date", "datetime"):
        return None
    try:
        found = datetime.date.fromisoformat(text) if kind == "date" else datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    day = found.date() if isinstance(found, datetime.datetime) else found
    whole = not isinstance(found, datetime.datetime) or found.microsecond % 1000 == 0
    return found if day >= FIRST and whole else None


def _unzoned(value: datetime.date) -> datetime.date:
    return value.replace(tzinfo=None) if isinstance(value, datetime.datetime) else value


def fits(text: str) -> bool:
    """Whether a cell holds a text, and readers read it as it is."""
    short = len(text) <= CELL // 2 or len(text.encode("utf-16-le")) // 2 <= CELL
    return short and not AMBIGUOUS.search(text)
