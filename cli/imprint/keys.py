"""Keys of a table: rows that share a key, lack one, or point at nothing. Values are compared as cast values.

Keys are compared by their hashes first: where no two are the same, none of the keys are. What is left is compared as texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from . import expressions, sql
from .engine import Engine
from .findings import Findings
from .header import Column
from .package import ForeignKey
from .scan import Checked, columns_of, unique_keys


def check_unique_keys(engine: Engine, one: Checked) -> None:
    """Every key of a table that must be unique (standard, `primaryKey`, `uniqueKeys`, `unique`)."""
    for kind, names in unique_keys(one.table.schema):
        columns = columns_of(one.table, names)
        told = not one.untold.intersection(columns)
        if columns and told and one.scan.wanted.checks(*names) and not {(kind, names), ("primary-key", names)} & one.clean:
            _check_unique(engine, one, columns, names, kind)
            if kind == "primary-key":
                _check_null_keys(engine, one, columns, names)


def cap(findings: Findings) -> str:
    """SQL that ends a query after as many rows as are shown."""
    return f" LIMIT {findings.limit}" if findings.limit else ""


def _check_unique(engine: Engine, one: Checked, columns: Sequence[Column], names: Sequence[str], kind: str) -> None:
    """Later rows whose key an earlier one has; a primary key counts unless all of it is null, others if nothing is."""
    hashes = [_hash(one, column) for column in columns]
    absent = sql.all_null(hashes) if kind == "primary-key" else sql.any_null(hashes)
    hashed = f"(SELECT rn, {sql.digest_of(hashes)} AS h FROM {one.scan.relation} AS t WHERE NOT ({absent}))"
    total, distinct = engine.one(f"SELECT count(*), count(DISTINCT h) FROM {hashed}")
    if total == distinct:
        return
    shared = f"SELECT h FROM {hashed} GROUP BY h HAVING count(*) > 1"
    suspects = engine.keep(f"SELECT rn FROM {hashed} WHERE h IN ({shared})")
    values = [f"k{number}" for number in range(len(columns))]
    stored = engine.keep(f"SELECT rn, {', '.join(values)} FROM {_values(engine, one, columns, suspects)}")
    total, distinct = engine.one(f"SELECT count(*), count(DISTINCT {sql.key(values)}) FROM {stored}")
    label = ", ".join(names)
    one.findings.count(kind, label, total - distinct)
    earlier = f"lag(rn) OVER (PARTITION BY {', '.join(values)} ORDER BY rn)"
    query = (
        f"SELECT rn, before, {', '.join(values)} FROM (SELECT *, {earlier} AS before FROM {stored}) WHERE before IS NOT NULL"
    )
    for row, before, *parts in engine.rows(f"{query} ORDER BY rn{cap(one.findings)}"):
        shown = ", ".join(str(part) for part in parts)
        note = f'the key "{shown}" is the same as in the row at position {before}'
        one.findings.show(kind, note, row_number=row, field_name=label)


def _hash(one: Checked, column: Column) -> str:
    """The hash of a cell's canonical text, sure or not."""
    sure, unsure = f"t.h{column.number}", f"t.u{column.number}"
    texts = one.texts.get(column)
    return f"CASE WHEN {unsure} IS NULL THEN {sure} ELSE {texts.digest(f'{unsure}.cell')} END" if texts else sure


def _values(engine: Engine, one: Checked, columns: Sequence[Column], suspects: str) -> str:
    """`rn` and the canonical texts `k0`, … of the suspect rows: from the pass if no cell of them is sure."""
    picked = f"FROM {one.scan.relation} AS t SEMI JOIN {suspects} AS s USING (rn)"
    if all(column in one.texts for column in columns):
        sure = " OR ".join(f"t.u{column.number} IS NULL" for column in columns)
        if not engine.one(f"SELECT count(*) {picked} WHERE {sure}")[0]:
            parts = (f"{one.texts[column].text(f't.u{column.number}.cell')} AS k{i}" for i, column in enumerate(columns))
            return f"(SELECT rn, {', '.join(parts)} {picked})"
    parts = (f"v{column.number} AS k{i}" for i, column in enumerate(columns))
    return f"(SELECT rn, {', '.join(parts)} FROM {one.logical} AS t SEMI JOIN {suspects} AS s USING (rn))"


def _check_null_keys(engine: Engine, one: Checked, columns: Sequence[Column], names: Sequence[str]) -> None:
    """A primary key is required in every part (standard, `primaryKey`)."""
    hashes = [_hash(one, column) for column in columns]
    label = ", ".join(names)
    _note_rows(
        engine,
        one,
        sql.all_null(hashes),
        ("primary-key", label),
        {"field_name": label},
        "every cell of the primary key is null",
    )
    for column, absent in zip(columns, hashes, strict=True):
        if len(columns) > 1 and not column.field.required:
            place = {"field_name": column.field.name, "field_number": column.number}
            some = f"({absent}) IS NULL AND NOT ({sql.all_null(hashes)}){_no_wrong_cell(one, column)}"
            _note_rows(engine, one, some, ("constraint-error", column.field.name), place, "a part of the primary key is null")


def _no_wrong_cell(one: Checked, column: Column) -> str:
    """SQL that leaves out cells that aren't missing, but no values."""
    rows = [str(row) for row, number in sorted(one.findings.no_values) if number == column.number]
    if rows:
        return f" AND rn NOT IN ({', '.join(rows)})"
    if column not in one.texts:
        return ""
    cell = f"t.u{column.number}.cell"
    return f" AND ({cell} IS NULL OR {expressions.missing(column.field, cell)})"


def _note_rows(
    engine: Engine, one: Checked, condition: str, key: tuple[str, str], place: Mapping[str, object], note: str
) -> None:
    source = f"FROM {one.scan.relation} AS t WHERE {condition}"
    (count,) = engine.one(f"SELECT count(*) {source}")
    one.findings.count(*key, count)
    if count:
        for (row,) in engine.rows(f"SELECT rn {source} ORDER BY rn{cap(one.findings)}"):
            one.findings.show(key[0], note, row_number=row, **place)


def check_foreign_keys(engine: Engine, one: Checked, checked: Mapping[str, Checked]) -> None:
    """Rows whose key is not in the target (standard, `foreignKeys`); a key that is null in all parts is no reference."""
    missed = {key: source for key in one.table.schema.foreign_keys if (source := _missed(one, key, checked))}
    if not missed:
        return
    counts = engine.one(f"SELECT {', '.join(f'(SELECT count(*) FROM {source})' for source in missed.values())}")
    for (key, source), count in zip(missed.items(), counts, strict=True):
        if count:
            _note_missed(engine, one, key, count, source)


def _missed(one: Checked, key: ForeignKey, checked: Mapping[str, Checked]) -> str:
    """SQL for `rn` and the values `k0`, … of offenders; "" for a key that can't be followed (a fault of the descriptor).

    A field of the target that its data lacks, as `fieldsMatch` may allow, is null there.
    """
    target = checked.get(key.reference) if key.reference else one
    columns = columns_of(one.table, key.fields)
    if one.untold.intersection(columns) or (target and target.untold):
        return ""
    if not target or not target.columns or not columns or len(columns) != len(key.reference_fields):
        return ""
    if not set(key.reference_fields) <= set(target.table.schema.names):
        return ""
    others = [next(iter(columns_of(target.table, [name])), None) for name in key.reference_fields]
    names = [f"k{i}" for i in range(len(columns))]
    mine, theirs = texts(one, columns), texts(target, others)
    known = f"(SELECT DISTINCT {', '.join(names)} FROM {theirs}) AS o"
    comparable = _comparable(one, key.fields, target, key.reference_fields)
    match = " AND ".join(
        f"o.{name} IS NOT DISTINCT FROM t.{name}" if same else f"o.{name} IS NULL AND t.{name} IS NULL"
        for name, same in zip(names, comparable, strict=True)
    )
    present = f"NOT ({sql.all_null(f't.{name}' for name in names)})"
    return f"(SELECT t.* FROM {mine} AS t ANTI JOIN {known} ON {match} WHERE {present})"


def texts(one: Checked, columns: Sequence[Column | None], *others: str) -> str:
    """`rn`, the canonical texts `k0`, … of a key's cells, sure or not, and other columns that the pass has kept."""
    parts = (f"{_text(one, column)} AS k{i}" for i, column in enumerate(columns))
    return f"(SELECT {', '.join(('rn', *parts, *others))} FROM {one.scan.relation} AS t)"


def _text(one: Checked, column: Column | None) -> str:
    if column is None:
        return "NULL::VARCHAR"
    sure, unsure, texts = f"t.k{column.number}", f"t.u{column.number}", one.texts.get(column)
    return f"CASE WHEN {unsure} IS NULL THEN {sure} ELSE {texts.text(f'{unsure}.cell')} END" if texts else sure


def _note_missed(engine: Engine, one: Checked, key: ForeignKey, count: int, missed: str) -> None:
    label = ", ".join(key.fields)
    one.findings.count("foreign-key", label, count)
    place = f'"{key.reference or one.name}" as "{", ".join(key.reference_fields)}"'
    for row, *values in engine.rows(f"SELECT * FROM {missed} ORDER BY rn{cap(one.findings)}"):
        shown = ", ".join("" if value is None else str(value) for value in values)
        note = f'for "{label}": values "{shown}" not found in the lookup table {place}'
        one.findings.show("foreign-key", note, row_number=row, field_name=label)


def _comparable(one: Checked, names: Sequence[str], target: Checked, theirs: Sequence[str]) -> list[bool]:
    """Whether values of each part of both keys can be equal at all, nulls aside: a text never equals a number."""
    pairs = zip((_family(one, name) for name in names), (_family(target, name) for name in theirs), strict=True)
    return ["" in pair or pair[0] == pair[1] for pair in pairs]


def _family(one: Checked, name: str) -> str:
    """What values of a field are like; "" where the data alone tells."""
    found = one.table.schema.field(name)
    if found is None or one.table.resource.schema is None:
        return ""
    if found.type == "any":
        return "" if one.table.native else "string"
    return FAMILIES.get(found.type, found.type)


FAMILIES = {"integer": "number", "year": "number"}
