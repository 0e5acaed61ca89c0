"""Keys of a table: rows that share a key, lack one, or point at nothing. Values are compared as cast values.

Keys are compared by their hashes first: where no two are the same, none of the keys are. What is left is compared as texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from . import sql
from .engine import Engine
from .findings import Findings
from .header import Column
from .package import ForeignKey
from .scan import Checked, columns_of, unique_keys


def check_unique_keys(engine: Engine, one: Checked) -> None:
    """Every key of a table that must be unique (standard, `primaryKey`, `uniqueKeys`, `unique`)."""
    for kind, names in unique_keys(one.table.schema):
        columns = columns_of(one.table, names)
        if columns and not {(kind, names), ("primary-key", names)} & one.clean:
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
            some = f"({absent}) IS NULL AND NOT ({sql.all_null(hashes)})"
            _note_rows(engine, one, some, ("constraint-error", column.field.name), place, "a part of the primary key is null")


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
    for key in one.table.schema.foreign_keys:
        target = checked.get(key.reference) if key.reference else one
        mine = one.keys(key.fields)
        theirs = target.keys(key.reference_fields) if target else None
        if target is None or mine is None or theirs is None or len(mine) != len(theirs):
            continue
        comparable = _comparable(one, key.fields, target, key.reference_fields)
        if comparable and ("foreign-key", key.fields) in one.clean:
            continue
        if comparable and key in one.scan.missed:
            missed = _missed_in_the_pass(one, key, target, theirs[0])
        else:
            missed = _missed(one, target, mine, theirs, comparable=comparable)
        _note_missed(engine, one, key, target, missed)


def _missed_in_the_pass(one: Checked, key: ForeignKey, target: Checked, their: str) -> str:
    """`rn` and value `k0` of offenders: sure values are known from the pass, the texts of unsure cells are looked up."""
    (column,) = columns_of(one.table, key.fields)
    name, unsure = f"t.{one.scan.missed[key]}", f"t.u{column.number}"
    texts = one.texts.get(column)
    sure = f"SELECT rn, {name} AS k0 FROM {one.scan.relation} AS t WHERE {name} IS NOT NULL"
    if texts is None:
        return f"({sure})"
    known = f"SELECT {their} FROM {target.logical} WHERE {their} IS NOT NULL"
    other = f"SELECT rn, {texts.text(f'{unsure}.cell')} AS k0 FROM {one.scan.relation} AS t WHERE {unsure} IS NOT NULL"
    return f"({sure} AND {unsure} IS NULL UNION ALL SELECT * FROM ({other}) WHERE k0 NOT IN ({known}))"


def _missed(one: Checked, target: Checked, mine: Sequence[str], theirs: Sequence[str], *, comparable: bool) -> str:
    """`rn` and values `k0`, … of offenders."""
    known = f"(SELECT DISTINCT {', '.join(f'{their} AS k{i}' for i, their in enumerate(theirs))} FROM {target.logical}) AS o"
    match = " AND ".join(f"o.k{i} IS NOT DISTINCT FROM t.{my}" for i, my in enumerate(mine)) if comparable else "FALSE"
    values = ", ".join(f"t.{my} AS k{i}" for i, my in enumerate(mine))
    absent = sql.all_null([f"t.{my}" for my in mine])
    return f"(SELECT rn, {values} FROM {one.logical} AS t ANTI JOIN {known} ON {match} WHERE NOT ({absent}))"


def _note_missed(engine: Engine, one: Checked, key: ForeignKey, target: Checked, missed: str) -> None:
    (count,) = engine.one(f"SELECT count(*) FROM {missed}")
    if not count:
        return
    label = ", ".join(key.fields)
    one.findings.count("foreign-key", label, count)
    place = f'"{target.name}" as "{", ".join(key.reference_fields)}"'
    for row, *values in engine.rows(f"SELECT * FROM {missed} ORDER BY rn{cap(one.findings)}"):
        shown = ", ".join("" if value is None else str(value) for value in values)
        note = f'for "{label}": values "{shown}" not found in the lookup table {place}'
        one.findings.show("foreign-key", note, row_number=row, field_name=label)


def _comparable(one: Checked, names: Sequence[str], target: Checked, theirs: Sequence[str]) -> bool:
    """Whether values of both keys can be equal at all: a text never equals a number."""
    pairs = zip((_family(one, name) for name in names), (_family(target, name) for name in theirs), strict=True)
    return all("" in pair or pair[0] == pair[1] for pair in pairs)


def _family(one: Checked, name: str) -> str:
    """What values of a field are like; "" where the data alone tells."""
    found = one.table.schema.field(name)
    if found is None or one.table.resource.schema is None:
        return ""
    if found.type == "any":
        return "" if one.table.native else "string"
    return FAMILIES.get(found.type, found.type)


FAMILIES = {"integer": "number", "year": "number"}
