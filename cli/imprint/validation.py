"""A package to a Report: structure, cells, keys and rules.

The engine waves through what is surely valid and counts the rest; only distinct unsure values go to the reference,
which alone may call one wrong. Totals are exact, the rows shown are the first `limit` of each (type, field).
"""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from . import evidence, expressions, rules, sql
from .descriptor import json_schema_faults
from .engine import Engine, EngineError, PlainFile
from .exceptions import Unreadable
from .package import ForeignKey, Package, Resource, Rule, Schema
from .reference import BOUNDS, Reference
from .report import Error, Report, Task, Total
from .tables import Column, Findings, Table, digests, load_json, read_table, reread

LIMIT = 100
Key = tuple[str, tuple[str, ...]]  # type of the error, fields


class Unaccounted(Exception):
    """The engine's rows don't account for all of the file's lines and cells."""


@dataclass
class Checked:
    """A table while it is being checked: its findings, and its values as keys and rules see them."""

    table: Table
    findings: Findings
    rows: int = 0
    logical: str = ""
    clean: set[Key] = field(default_factory=set)

    @property
    def name(self) -> str:
        """The resource's name."""
        return self.table.resource.name

    @property
    def columns(self) -> dict[str, str]:
        """The logical relation's column of each field that the data has."""
        return {column.field.name: f"v{column.number}" for column in self.table.columns if column.declared}

    def keys(self, names: Sequence[str]) -> list[str] | None:
        """The logical columns of a key; None if the data lacks one of its fields."""
        known = self.columns
        return [known[name] for name in names] if names and all(name in known for name in names) else None

    def view(self) -> rules.View:
        """The table as rules see it."""
        primary = self.table.schema.primary_key
        unique = primary if ("primary-key", primary) in self.clean else ()
        return rules.View(self.name, self.table.schema, self.logical, self.columns, unique)


def validate(
    package: Package, faults: Iterable[Error] = (), *, limit: int = LIMIT, memory: str | None = None,
    documents: Path | None = None,
) -> Report:  # fmt: skip
    """Check a package and its data against the Data Package 2.0 standard and the package's own rules.

    `faults` are what `descriptor.load` found. `limit` caps the examples per (type, field), 0 for all; totals are exact.
    `documents` is a directory that holds the source documents, to check evidence spans against.
    Raises ImprintError where the environment fails (memory, disk).
    """
    started = time.perf_counter()
    faults = tuple(faults)
    files = [file for resource in package.resources for file in resource.files]
    found = {resource.name: Findings(resource.name, limit) for resource in package.resources}
    with Engine(files, memory=memory) as engine, ThreadPoolExecutor(os.cpu_count()) as pool:
        checked = check_tables(engine, package, found, pool)
        for _ in pool.map(lambda one: _check_foreign_keys(engine, one, checked), list(checked.values())):
            pass
        proof: evidence.Evidence | None = None
        broken = list(_check_rules(engine, package, checked, pool))
        if documents is not None:
            proof = evidence.check(engine, package, {name: one.view() for name, one in checked.items()}, documents)
            broken += proof.errors
    own = tuple(fault for fault in faults if not fault.resource) + tuple(error for error in broken if not error.resource)
    attached = [error for error in (*faults, *broken) if error.resource]
    tasks = tuple(_task(resource, found[resource.name], checked.get(resource.name), attached) for resource in package.resources)
    counted = proof.to_dict() if proof else None
    return Report(package.name, package.version, own, tasks, time.perf_counter() - started, counted)


@contextlib.contextmanager
def open_tables(*packages: Package, memory: str | None = None) -> Iterator[tuple[Engine, list[dict[str, Checked]]]]:
    """An engine, and the tables of each package in it by name; what is wrong with a table is in its `findings`."""
    files = [file for package in packages for resource in package.resources for file in resource.files]
    with Engine(files, memory=memory) as engine, ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [{resource.name: Findings(resource.name, 1) for resource in package.resources} for package in packages]
        yield engine, [check_tables(engine, package, mine, pool) for package, mine in zip(packages, found, strict=True)]


def check_tables(engine: Engine, package: Package, found: dict[str, Findings], pool: ThreadPoolExecutor) -> dict[str, Checked]:
    """Each table of a package with its values in canonical form; what is wrong with its cells and keys is in `found`."""
    checked: dict[str, Checked] = {}
    check = functools.partial(_check_resource, engine, checked)
    for level in _referenced_first(package.resources):
        done = list(pool.map(check, level, [found[resource.name] for resource in level]))
        checked.update({one.name: one for one in done if one is not None})
    return {resource.name: checked[resource.name] for resource in package.resources if resource.name in checked}


def _referenced_first(resources: Sequence[Resource]) -> Iterator[list[Resource]]:
    """Resources in levels, so that, cycles aside, a foreign key's target stands in an earlier level; one of each name."""
    waiting = {resource.name: resource for resource in resources}
    while waiting:
        free = [one for one in waiting.values() if not _targets(one) & waiting.keys()] or list(waiting.values())
        for resource in free:
            del waiting[resource.name]
        yield free


def _targets(resource: Resource) -> set[str]:
    keys = resource.schema.foreign_keys if resource.schema else ()
    return {key.reference for key in keys} - {"", resource.name}


def _task(resource: Resource, findings: Findings, one: Checked | None, attached: Iterable[Error]) -> Task:
    mine = [error for error in attached if error.resource == resource.name]
    for error in mine:
        if error.type != "row-constraint":  # those are counted in full where the rule was tried
            findings.counts[(error.type, None)] += 1
    errors = [*(error for error in mine if error.severity == "error"), *findings.errors]
    totals = tuple(Total(resource.name, kind, count, name or None) for kind, name, count in findings.totals())
    return Task(
        name=resource.name,
        type="table" if resource.tabular else "file",
        place=resource.place,
        labels=one.table.labels if one else (),
        rows=one.rows if one else None,
        bytes=sum(file.stat().st_size for file in resource.files) if resource.files else None,
        errors=tuple(sorted(errors, key=_position)),
        warnings=tuple(error for error in mine if error.severity == "warning"),
        totals=totals,
        sampled=sum(total.count for total in totals) > len(errors),
    )


def _position(error: Error) -> tuple[int, int]:
    return (error.row_number or 0, error.field_number or 0)


# One resource


def _check_file(resource: Resource, findings: Findings) -> None:
    """Declared size and digest (standard, `bytes` and `hash`) and the whole document's JSON Schema."""
    expected_size, expected = resource.descriptor.get("bytes"), resource.descriptor.get("hash")
    if resource.files and (expected or expected_size):
        algorithm, _, digest = str(expected or "md5:").rpartition(":")
        try:
            actual, size = digests(resource, algorithm or "md5")
        except ValueError:
            findings.add("hash-count", f'digest algorithm "{algorithm}" is not known; use md5 or sha256', unchecked=True)
            return
        if expected and actual != digest.lower():
            findings.add("hash-count", f'expected is "{expected}" and actual is "{actual}"')
        if isinstance(expected_size, int) and expected_size != size:
            findings.add("byte-count", f'expected is "{expected_size}" and actual is "{size}"')
    if resource.json_schema is not None and (resource.files or resource.data is not None):
        try:
            value = load_json(resource)
        except Unreadable:
            if resource.tabular:
                return  # the table says so
            raise
        for fault in json_schema_faults(resource.json_schema, value, "json-schema-error", resource.name):
            findings.add(fault.type, fault.note, unchecked=fault.unchecked)


def _check_resource(engine: Engine, checked: dict[str, Checked], resource: Resource, findings: Findings) -> Checked | None:
    try:
        _check_file(resource, findings)
        return _check_rows(engine, checked, resource, findings) if resource.tabular else None
    except Unreadable as error:
        findings.add(error.kind, error.what, unchecked=error.unchecked)
        return None


def _check_rows(engine: Engine, checked: dict[str, Checked], resource: Resource, findings: Findings) -> Checked | None:
    table = read_table(engine, resource, findings)
    if table is None:
        return None
    try:
        return _check_table(engine, table, findings, checked)
    except (EngineError, Unaccounted):  # the engine could not read the file, or lost a part: it is read again, exactly
        findings.clear()
        _check_file(resource, findings)
        return _check_table(engine, reread(engine, resource, findings), findings, checked)


def _check_table(engine: Engine, table: Table, findings: Findings, checked: dict[str, Checked]) -> Checked:
    one = Checked(table, findings)
    _check_bounds(one)
    sure = {column: _surely_valid(table, column) for column in table.columns}
    scan = _scan(engine, one, sure, checked)
    one.rows = scan.rows
    if scan.unsure or scan.blanks:
        table = one.table = table if table.is_kept else table.kept(engine)
    blank = _blank(table)
    if scan.blanks:
        _add_blank_rows(engine, one, blank, scan.blanks)
    mapped = {column: _resolve(engine, one, column, sure[column], blank) for column in scan.unsure}
    one.logical = _logical(table, mapped)
    one.clean = {key for key in scan.clean if not {column.field.name for column in scan.unsure} & set(key[1])}
    _check_counts(one)
    _check_keys(engine, one)
    return one


@dataclass(frozen=True)
class Scan:
    """What one pass over a table found: `clean` are the keys that hold, given that their cells are sure."""

    rows: int
    blanks: int
    unsure: tuple[Column, ...]
    clean: frozenset[Key]


def _scan(engine: Engine, one: Checked, sure: dict[Column, str], checked: dict[str, Checked]) -> Scan:
    """One pass over the table that counts everything that isn't surely fine: cells, blank rows, keys."""
    table = one.table
    doubtful = {column: condition for column, condition in sure.items() if condition != "TRUE"}
    faults: dict[Key, str] = {}
    cells = {
        column.field.name: f"v{column.number}" if table.has_texts else table.canonical(column)
        for column in table.columns
        if column.declared
    }
    for kind, names in _unique_keys(table.schema):
        told_by_primary_key = kind != "primary-key" and names == table.schema.primary_key
        if not told_by_primary_key and all(name in cells for name in names):
            faults[kind, names] = _duplicates([cells[name] for name in names], nulls=kind != "primary-key")
    for key in table.schema.foreign_keys:
        target = checked.get(key.reference)
        theirs = target.keys(key.reference_fields) if target else None
        if theirs and len(theirs) == len(key.fields) == 1 and key.fields[0] in cells:
            known = f"SELECT {theirs[0]} FROM {target.logical}" if target else ""
            faults["foreign-key", key.fields] = f"count(*) FILTER (WHERE {cells[key.fields[0]]} NOT IN ({known}))"
    counts = [f"count(*) FILTER (WHERE ({condition}) IS NOT TRUE)" for condition in doubtful.values()]
    # A blank row leaves a required cell unsure, so blank rows need not be looked for unless there is one.
    required = [column for column in doubtful if column.field.required]
    blank = "0" if required else f"count(*) FILTER (WHERE {_blank(table)})"
    selected = ["count(*)", table.delimiters_in_cells, blank, *counts, *faults.values()]
    rows, delimiters, blanks, *found = engine.one(f"SELECT {', '.join(selected)} FROM {table.relation}")
    if not table.accounts_for_all(engine, rows, delimiters):
        raise Unaccounted
    unsure = tuple(column for column, count in zip(doubtful, found, strict=False) if count)
    clean = frozenset(key for key, count in zip(faults, found[len(doubtful) :], strict=True) if not count)
    if required and unsure and required[0] in unsure:
        (blanks,) = engine.one(f"SELECT count(*) FROM {table.relation} WHERE {_blank(table)}")
    return Scan(rows, blanks, unsure, clean)


def _unique_keys(schema: Schema) -> Iterator[Key]:
    """Every key whose values must be unique, with the type of its error."""
    for item in schema.fields:
        if item.constraints.get("unique"):
            yield "unique-error", (item.name,)
    for names in schema.unique_keys:
        yield "unique-keys", names
    if schema.primary_key:
        yield "primary-key", schema.primary_key


def _duplicates(cells: list[str], *, nulls: bool) -> str:
    """Rows less distinct keys; rows without the key don't count (`nulls`), or count as faults."""
    present = f"FILTER (WHERE NOT ({sql.any_null(cells)}))"
    rows = f"count(*) {present}" if nulls else "count(*)"
    return f"{rows} - count(DISTINCT {sql.key(cells)}) {present}"


def _surely_valid(table: Table, column: Column, prefix: str = "") -> str:
    if table.native or not column.declared:
        return "TRUE"
    return expressions.surely_valid(column.field, prefix + column.id)


def _blank(table: Table) -> str:
    if table.native or not table.columns:
        return "FALSE"
    padded = ["FALSE" if table.whole else f"{column.id} IS NULL" for column in table.columns]
    absent = [expressions.missing(column.field, column.id) for column in table.columns]
    return " AND ".join(one if table.whole else f"({null} OR {one})" for null, one in zip(padded, absent, strict=True))


def _add_blank_rows(engine: Engine, one: Checked, blank: str, count: int) -> None:
    found = one.findings
    for (row,) in engine.rows(f"SELECT rn FROM {one.table.numbered} WHERE {blank} ORDER BY rn{_cap(found)}"):
        found.show("blank-row", "the row is blank", row_number=row)
    found.counts[("blank-row", None)] += count


def _cap(findings: Findings) -> str:
    return f" LIMIT {findings.limit}" if findings.limit else ""


def _resolve(engine: Engine, one: Checked, column: Column, sure: str, blank: str) -> str:
    """Send a column's distinct unsure values to the reference; SQL for the canonical text of an unsure cell `t.cN`."""
    reference, findings, table = Reference(column.field), one.findings, one.table
    doubtful = f"FROM {table.relation} WHERE ({sure}) IS NOT TRUE AND NOT ({blank})"
    wrong = 0
    same, found = True, False  # whether every unsure cell is its own canonical text; whether any has one
    with PlainFile(engine.new_file(".csv"), ["cell", "canonical", "bad"]) as file:
        for cell, count in engine.stream(f"SELECT {column.id}, count(*) {doubtful} GROUP BY ALL"):
            value, notes = reference.read(cell)
            for kind, _ in notes:
                findings.counts[(kind, column.field.name)] += count
            wrong += bool(notes)
            text = reference.canonical(value)
            found = found or text is not None
            same = same and (text == cell or cell in (None, *column.field.missing_values))
            file.write((cell, text, "1" if notes else "0"))
    mapping = engine.keep(f"SELECT * FROM {file.relation}")
    if wrong:
        known = f"{column.id} IN (SELECT cell FROM {mapping} WHERE bad = '1')"
        _show_cells(engine, one, column, reference, f"{doubtful} AND ({known} OR {column.id} IS NULL)")
    if same:
        absent = expressions.missing(column.field, f"t.{column.id}")
        return f"CASE WHEN {absent} THEN NULL ELSE t.{column.id} END"
    if not found:
        return "NULL"
    return f"(SELECT min(canonical) FROM {mapping} AS m WHERE m.cell = t.{column.id})"


def _show_cells(engine: Engine, one: Checked, column: Column, reference: Reference, source: str) -> None:
    findings = one.findings
    shown = engine.rows(f"SELECT rn, {column.id} {source} ORDER BY rn{_cap(findings)}")
    place = {"field_name": column.field.name, "field_number": column.number}
    for row, cell in shown:
        for kind, note in reference.read(cell)[1]:
            findings.show(kind, note, row_number=row, cell=cell or "", **place)


def _logical(table: Table, mapped: dict[Column, str]) -> str:
    """SQL for `rn` and the canonical text `v1`, `v2`, … of every cell; null for what is missing or can't be cast."""
    if table.has_texts and not mapped:
        return table.numbered
    selected = []
    for column in table.columns:
        text = f"t.v{column.number}" if table.has_texts else table.canonical(column, "t.")
        if column in mapped:
            text = f"CASE WHEN ({_surely_valid(table, column, 't.')}) IS TRUE THEN {text} ELSE {mapped[column]} END"
        selected.append(f"{text} AS v{column.number}")
    return f"(SELECT {', '.join(('t.rn', *selected))} FROM {table.numbered} AS t)"


def _check_counts(one: Checked) -> None:
    """`fields` and `rows`, where a descriptor declares them as frictionless-py does."""
    for word, kind, actual in (("fields", "field-count", len(one.table.columns)), ("rows", "row-count", one.rows)):
        expected = one.table.resource.descriptor.get(word)
        if isinstance(expected, int) and expected != actual:
            one.findings.add(kind, f'expected is "{expected}" and actual is "{actual}"')


def _check_bounds(one: Checked) -> None:
    """Bounds that are no value of their field; the reference is asked where the engine isn't sure of them."""
    for column in one.table.columns:
        field = column.field
        listed = [word for word in BOUNDS if word in field.constraints]
        if any(expressions.CONSTRAINTS[word](field, column.id) == "FALSE" for word in listed):
            for word, bound in Reference(field).bounds.items():
                if bound is None:
                    note = f'{word} "{field.constraints[word]}" of field "{field.name}" is not of its type'
                    one.findings.add("field-error", note)


# Keys


def _check_keys(engine: Engine, one: Checked) -> None:
    for kind, names in _unique_keys(one.table.schema):
        if not {(kind, names), ("primary-key", names)} & one.clean:
            _check_unique(engine, one, names, kind, nulls=kind == "primary-key")
            if kind == "primary-key":
                _check_null_keys(engine, one, names)


def _check_unique(engine: Engine, one: Checked, names: Sequence[str], kind: str, *, nulls: bool) -> None:
    """Later rows whose key an earlier one has (standard, `primaryKey`, `uniqueKeys`, `unique`): compared as cast values."""
    columns = one.keys(names)
    if columns is None:
        return
    absent = sql.all_null(columns) if nulls else sql.any_null(columns)
    present = f"FROM {one.logical} WHERE NOT ({absent})"
    total, distinct = engine.one(f"SELECT count(*), count(DISTINCT {sql.key(columns)}) {present}")
    if total == distinct:
        return
    one.findings.counts[(kind, ", ".join(names))] += total - distinct
    earlier = f"lag(rn) OVER (PARTITION BY {', '.join(columns)} ORDER BY rn)"
    query = f"SELECT rn, before, {', '.join(columns)} FROM (SELECT *, {earlier} AS before {present}) WHERE before IS NOT NULL"
    for row, before, *values in engine.rows(f"{query} ORDER BY rn{_cap(one.findings)}"):
        shown = ", ".join(str(value) for value in values)
        note = f'the key "{shown}" is the same as in the row at position {before}'
        one.findings.show(kind, note, row_number=row, field_name=", ".join(names))


def _check_null_keys(engine: Engine, one: Checked, names: Sequence[str]) -> None:
    """A primary key is required in every part (standard, `primaryKey`)."""
    columns = one.keys(names)
    if columns is None:
        return
    kind, label = "primary-key", ", ".join(names)
    query = f"SELECT rn FROM {one.logical} WHERE {sql.all_null(columns)} ORDER BY rn"
    rows = [row for (row,) in engine.stream(query)]
    one.findings.counts[(kind, label)] += len(rows)
    for row in rows[: one.findings.limit or None]:
        one.findings.show(kind, "every cell of the primary key is null", row_number=row, field_name=label)
    if len(names) == 1:
        return
    for name, column in zip(names, columns, strict=True):
        declared = one.table.schema.field(name)
        if declared is None or declared.required:
            continue
        query = f"SELECT rn FROM {one.logical} WHERE {column} IS NULL AND NOT ({sql.all_null(columns)}) ORDER BY rn"
        for (row,) in engine.stream(query):
            one.findings.add("constraint-error", "a part of the primary key is null", row_number=row, field_name=name)


def _check_foreign_keys(engine: Engine, one: Checked, checked: dict[str, Checked]) -> None:
    for key in one.table.schema.foreign_keys:
        target = checked.get(key.reference) if key.reference else one
        mine = one.keys(key.fields)
        theirs = target.keys(key.reference_fields) if target else None
        if ("foreign-key", key.fields) in one.clean and target and _comparable(one, key.fields, target, key.reference_fields):
            continue
        if target is not None and mine is not None and theirs is not None and len(mine) == len(theirs):
            _check_foreign_key(engine, one, key, target, mine, theirs)


def _check_foreign_key(
    engine: Engine, one: Checked, key: ForeignKey, target: Checked, mine: Sequence[str], theirs: Sequence[str]
) -> None:
    """Rows whose key is not in the target (standard, `foreignKeys`); a key that is null in all parts is no reference."""
    known = f"(SELECT DISTINCT {', '.join(f'{their} AS k{i}' for i, their in enumerate(theirs))} FROM {target.logical}) AS o"
    match = " AND ".join(f"o.k{i} IS NOT DISTINCT FROM t.{my}" for i, my in enumerate(mine))
    if not _comparable(one, key.fields, target, key.reference_fields):
        match = "FALSE"
    missed = f"FROM {one.logical} AS t ANTI JOIN {known} ON {match} WHERE NOT ({sql.all_null([f't.{my}' for my in mine])})"
    (count,) = engine.one(f"SELECT count(*) {missed}")
    if not count:
        return
    label = ", ".join(key.fields)
    one.findings.counts[("foreign-key", label)] += count
    place = f'"{target.name}" as "{", ".join(key.reference_fields)}"'
    for row, *values in engine.rows(f"SELECT rn, {', '.join(mine)} {missed} ORDER BY rn{_cap(one.findings)}"):
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


# Rules


def _check_rules(engine: Engine, package: Package, checked: dict[str, Checked], pool: ThreadPoolExecutor) -> Iterator[Error]:
    views = {name: one.view() for name, one in checked.items()}
    compiled: dict[str, list[tuple[Rule, rules.Query]]] = {}
    for rule in package.rules:
        for name in rule.resources:
            if package.resource(name) is not None and name not in checked:
                continue  # its table could not be read, which is reported already
            try:
                compiled.setdefault(name, []).append((rule, rules.compile_rule(rule, name, views)))
            except rules.RuleFault as error:
                yield _unusable(rule, name, error)
    suspects = pool.map(functools.partial(_suspects, engine), compiled.values())
    for name, suspected in zip(compiled, suspects, strict=True):
        for rule, query in suspected:
            try:
                yield from _broken(engine, rule, query, checked[name])
            except EngineError as error:
                yield _unusable(rule, name, error)


def _suspects(engine: Engine, listed: list[tuple[Rule, rules.Query]]) -> list[tuple[Rule, rules.Query]]:
    """The rules of a resource that some row breaks: all are tried in one pass; all are suspect where that fails."""
    together = rules.counts([query for _, query in listed])
    try:
        counts = engine.one(together)
    except EngineError:
        return listed
    return [pair for pair, count in zip(listed, counts, strict=True) if count]


def _broken(engine: Engine, rule: Rule, query: rules.Query, one: Checked) -> Iterator[Error]:
    rows = [row for (row,) in engine.rows(f"{query.violations()} ORDER BY rn")]
    if rule.severity == "error":
        one.findings.counts[("row-constraint", None)] += len(rows)
    for row in rows[: one.findings.limit or None]:
        note = f"{rule.message} (rule {rule.id})"
        yield Error("row-constraint", note, one.name, row_number=row, rule=rule.id, severity=rule.severity)


def _unusable(rule: Rule, name: str, error: Exception) -> Error:
    reason = str(error).splitlines()[0]
    return Error("package-error", f'rule "{rule.id}" on "{name}" can\'t be checked: {reason}', rule=rule.id)
