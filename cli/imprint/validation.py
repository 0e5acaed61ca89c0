"""A package to a Report: structure, cells, keys and rules.

The engine waves through what is surely valid and counts the rest; only distinct unsure values go to the reference,
which alone may call one wrong. Totals are exact, the rows shown are the first `limit` of each (type, field).
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from . import expressions, keys, locations, progress, relations, rules, sql
from .engine import Engine, EngineError, PlainFile
from .exceptions import Unreadable
from .findings import Findings, Policy
from .header import Column
from .package import Package, Resource, Rule
from .profile import json_schema_faults
from .reference import BOUNDS, Reference
from .report import Error, Report, Task
from .scan import NOTHING, Checked, Texts, Unaccounted, Wanted, scan
from .streams import digests, unpacked
from .tables import NARROW, load_json, read_table, reread

if TYPE_CHECKING:
    from .evidence import Evidence

LIMIT = 100
MEMORY = max(640, 160 * (os.cpu_count() or 1))  # MB
EVERYTHING = Policy()


def validate(
    package: Package, faults: Iterable[Error] = (), *, limit: int = LIMIT, memory: str | None = None,
    documents: Path | None = None, policy: Policy = EVERYTHING, tell: progress.Tell | None = None,
) -> Report:  # fmt: skip
    """Check a package and its data; see `validated`."""
    with validated(package, faults, limit=limit, memory=memory, documents=documents, policy=policy, tell=tell) as (report, *_):
        return report


@contextlib.contextmanager
def validated(
    package: Package, faults: Iterable[Error] = (), *, limit: int = LIMIT, memory: str | None = None,
    documents: Path | None = None, policy: Policy = EVERYTHING, tell: progress.Tell | None = None,
    writable: Path | None = None, texts: bool = False,
) -> Iterator[tuple[Report, Engine, dict[str, Checked]]]:  # fmt: skip
    """Check a package and its data against the Data Package 2.0 standard and the package's own rules.

    `faults` are what `descriptor.load` found. `limit` caps the examples per (type, field), 0 for all; totals are exact.
    `documents` is a directory that holds the source documents, to check evidence spans against.
    `policy` says what is looked for, and what is a warning, besides what the package says. `tell` is called a few times a
    second with the share of the data that is read, if that takes longer than a second. The engine and the tables that were
    read can be asked more while the context lasts, and written from to files in the directory `writable`; who asks for all
    values several times wants their `texts` to be kept.
    Raises ImprintError where the environment fails (memory, disk).
    """
    started = time.perf_counter()
    policy = replace(policy, warn=policy.warn | package.warnings)
    files = [file for resource in package.resources for file in resource.files]
    found = {resource.name: Findings(resource.name, limit, policy) for resource in package.resources}
    with (
        Engine(files, memory=memory or enough(package), writable=writable) as engine,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        needed = _needed(package, policy, documents)
        with progress.told(tell, engine, needed.resources) as done:
            checked = check_tables(engine, needed, found, pool, done, whole(needed) if texts else None)
        if policy.wants("foreign-key"):
            list(pool.map(lambda one: keys.check_foreign_keys(engine, one, checked), checked.values()))
        list(pool.map(functools.partial(relations.check, engine), checked.values()))
        broken = list(_check_rules(engine, package, checked, pool))
        proof: Evidence | None = None
        if documents is not None:
            from . import evidence

            proof = evidence.check(engine, package, {name: one.view() for name, one in checked.items()}, documents)
            broken += proof.errors
        broken += _unread(needed, checked, policy)
        judged = policy.judge([*faults, *relations.faults(package), *broken])
        for error in judged:
            if error.resource:
                found[error.resource].attach(error)
        listed = {resource.name: resource for resource in package.resources}  # of each name, the last
        resources = [resource for name, resource in listed.items() if policy.wants_resource(name)]
        tasks = tuple(pool.map(lambda one: _task(engine, one, found[one.name], checked.get(one.name)), resources))
        own = [error for error in judged if not error.resource]
        report = Report(
            name=package.name,
            version=package.version,
            errors=tuple(error for error in own if error.severity == "error"),
            tasks=tasks,
            seconds=time.perf_counter() - started,
            evidence=proof.to_dict() if proof else None,
            warnings=tuple(error for error in own if error.severity == "warning"),
            source=package.source,
            base=_seen_base(package),
            descriptor=package.descriptor_path.name,
            strict=policy.strict,
        )
        yield report, engine, checked


def _unread(needed: Package, checked: Mapping[str, Checked], policy: Policy) -> Iterator[Error]:
    """Tables that aren't looked into, are needed by what is, and can't be read."""
    for one in needed.tables:
        if one.name not in checked and not policy.wants_resource(one.name):
            yield Error("source-error", f'table "{one.name}", which others refer to, can\'t be read', unchecked=True)


def _seen_base(package: Package) -> str:
    """The package's directory as the user sees it; "" for what was unpacked or downloaded."""
    named = Path(package.source)
    return (named if named.is_dir() else named.parent).as_posix() if named.exists() and named.suffix != ".zip" else ""


def _needed(package: Package, policy: Policy, documents: Path | None) -> Package:
    """The package with the resources that are wanted, and those that their keys and rules point at."""
    wanted = {one.name for one in package.resources if policy.wants_resource(one.name) or documents is not None}
    rules_wanted = [rule for rule in package.rules if policy.wants("row-constraint", rule.id) and wanted & set(rule.resources)]
    texts = [rule.expression for rule in rules_wanted]
    waiting = wanted | {
        one.name for one in package.resources if any(re.search(rf"\b{re.escape(one.name)}\b", t) for t in texts)
    }
    while waiting:
        wanted |= waiting
        if not (rules_wanted or policy.wants("foreign-key")):
            break
        waiting = {target for one in package.resources if one.name in waiting for target in _targets(one)} - wanted
    return replace(package, resources=tuple(one for one in package.resources if one.name in wanted))


def enough(*packages: Package) -> str:
    """The engine's memory where none is asked for: more makes it no faster, but each column of a wide table takes some."""
    widest = max((len(one.schema.fields) for package in packages for one in package.resources if one.schema), default=0)
    return f"{max(MEMORY, widest)}MB"


@contextlib.contextmanager
def open_tables(
    *packages: Package, memory: str | None = None, wanted: Sequence[Mapping[str, Wanted]] | None = None
) -> Iterator[tuple[Engine, list[dict[str, Checked]]]]:
    """An engine, and the tables of each package in it by name; what is wrong with a table is in its `findings`.

    `wanted` is, for each package, what a pass over a resource of that name keeps of each row for who opens the tables.
    """
    files = [file for package in packages for resource in package.resources for file in resource.files]
    with Engine(files, memory=memory) as engine, ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [{resource.name: Findings(resource.name, 1) for resource in package.resources} for package in packages]
        kept = wanted or [{} for _ in packages]
        checked = [
            check_tables(engine, package, mine, pool, wanted=texts)
            for package, mine, texts in zip(packages, found, kept, strict=True)
        ]
        yield engine, checked


def check_tables(
    engine: Engine, package: Package, found: dict[str, Findings], pool: ThreadPoolExecutor, done: set[str] | None = None,
    wanted: Mapping[str, Wanted] | None = None,
) -> dict[str, Checked]:  # fmt: skip
    """Each table of a package with its values in canonical form; what is wrong with its cells and keys is in `found`.

    The names of resources that are checked are added to `done`. What is kept of each row is `wanted`; if that isn't given, it
    is what foreign keys need.
    """
    resources = {resource.name: resource for resource in package.resources}  # one of each name
    check = functools.partial(_check_resource, engine, linked(package) if wanted is None else wanted)
    tables = {}
    for name, one in zip(resources, pool.map(check, resources.values(), [found[name] for name in resources]), strict=True):
        if one is not None:
            tables[name] = one
        if done is not None:
            done.add(name)
    return tables


def linked(package: Package) -> dict[str, Wanted]:
    """The texts of the fields of each resource that foreign keys are made of, or point at."""
    texts: dict[str, set[str]] = {resource.name: set() for resource in package.resources}
    for resource in package.resources:
        for key in resource.schema.foreign_keys if resource.schema else ():
            texts[resource.name].update(key.fields)
            texts.setdefault(key.reference or resource.name, set()).update(key.reference_fields)
    return {name: Wanted(frozenset(names)) for name, names in texts.items()}


def whole(package: Package) -> dict[str, Wanted]:
    """The texts of all fields of each resource that has a schema and isn't wide."""
    schemas = {one.name: one.schema for one in package.resources if one.schema and len(one.schema.fields) <= NARROW}
    return linked(package) | {name: Wanted(frozenset(schema.names)) for name, schema in schemas.items()}


def _targets(resource: Resource) -> set[str]:
    keys = resource.schema.foreign_keys if resource.schema else ()
    return {key.reference for key in keys} - {"", resource.name}


def _task(engine: Engine, resource: Resource, findings: Findings, one: Checked | None) -> Task:
    errors = sorted(findings.errors, key=_position)
    errors, shown = locations.located(engine, resource, one, errors)
    totals = findings.totals()
    return Task(
        name=resource.name,
        type="table" if resource.tabular else "file",
        place=resource.place,
        labels=one.table.labels if one else (),
        rows=one.rows if one else None,
        bytes=sum(file.stat().st_size for file in resource.files) if resource.files else None,
        errors=tuple(error for error in errors if error.severity == "error"),
        warnings=tuple(error for error in errors if error.severity == "warning"),
        totals=totals,
        sampled=sum(total.count for total in totals) > len(errors),
        rows_shown=shown,
    )


def _position(error: Error) -> tuple[int, int]:
    return (error.row_number or 0, error.field_number or 0)


# One resource


def _check_file(engine: Engine, resource: Resource, findings: Findings) -> None:
    """Declared size and digest (standard, `bytes` and `hash`) and the whole document's JSON Schema."""
    expected_size, expected = resource.descriptor.get("bytes"), resource.descriptor.get("hash")
    if resource.files and (expected or expected_size is not None):
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
            value = load_json(unpacked(resource, engine.new_file))
        except Unreadable:
            if resource.tabular:
                return  # the table says so
            raise
        for fault in json_schema_faults(resource.json_schema, value, "json-schema-error", resource.name):
            findings.add(fault.type, fault.note, unchecked=fault.unchecked)


def _check_resource(engine: Engine, wanted: Mapping[str, Wanted], resource: Resource, findings: Findings) -> Checked | None:
    engine.watch(resource.name)
    try:
        _check_file(engine, resource, findings)
        return _check_rows(engine, wanted.get(resource.name, NOTHING), resource, findings) if resource.tabular else None
    except Unreadable as error:
        findings.add(error.kind, error.what, unchecked=error.unchecked)
        return None


def _check_rows(engine: Engine, wanted: Wanted, resource: Resource, findings: Findings) -> Checked | None:
    table = read_table(engine, resource, findings)
    if table is None:
        return None
    try:
        found = scan(engine, table, wanted)
    except (EngineError, Unaccounted):
        if table.native:
            raise
        # The engine could not read the file, or lost a part: it is read again, exactly
        findings.clear()
        _check_file(engine, resource, findings)
        table = reread(engine, resource, findings)
        found = scan(engine, table, wanted)
    return _check_table(engine, Checked(table, findings, found))


def _check_table(engine: Engine, one: Checked) -> Checked:
    one.clean = set(one.scan.clean)
    _check_bounds(one)
    if one.scan.blanks:
        _add_blank_rows(engine, one)
    _read_values(engine, one)
    _check_counts(one)
    keys.check_unique_keys(engine, one)
    return one


def _read_values(engine: Engine, one: Checked) -> None:
    for column in one.scan.aside:
        one.texts[column] = _resolve(engine, one, column)
    one.logical, one.unnumbered = _logical(one), _logical(one, numbered=False)


def of_rows(engine: Engine, one: Checked, stored: str) -> Checked:
    """A table of some rows of another, whose cells are in the engine's table `stored`, with their values.

    What is wrong with those is counted in the other's findings, if it wasn't checked before.
    """
    relation = f"(SELECT rowid + 1 AS rn, * FROM {stored})"
    table = replace(one.table, relation=relation, numbered=relation, marks=None, small=False)
    some = Checked(table, Findings(one.name, 1), scan(engine, table, Wanted(keys=False)))
    _read_values(engine, some)
    if one.scan.wanted.checked is not None:
        one.findings.counts += some.findings.counts
    return some


def _add_blank_rows(engine: Engine, one: Checked) -> None:
    found = one.findings
    for (row,) in engine.rows(f"SELECT rn FROM {one.scan.relation} WHERE blank ORDER BY rn{keys.cap(found)}"):
        found.show("blank-row", "the row is blank", row_number=row)
    found.count("blank-row", None, one.scan.blanks)


def _resolve(engine: Engine, one: Checked, column: Column) -> Texts:
    """Send a column's distinct unsure cells to the reference; what is wrong with them is found, their texts are kept."""
    reference, findings, name = Reference(column.field), one.findings, column.field.name
    unsure = f"u{column.number}"
    doubtful = f"FROM {one.scan.aside[column]} WHERE {unsure} IS NOT NULL AND NOT blank"
    kinds, own = set[str](), True
    with PlainFile(engine.new_file(".csv"), ["cell", "canonical", "kinds"]) as file:
        for cell, count in engine.stream(f"SELECT {unsure}.cell, count(*) {doubtful} GROUP BY ALL"):
            try:
                value, notes = reference.read(cell)
            except Unreadable as error:  # a pattern that takes too long: the column can't be told
                findings.add(error.kind, error.what, field_name=name, unchecked=True)
                one.untold.add(column)
                break
            for kind, _ in notes:
                findings.count(kind, name, count)
                kinds.add(kind)
            canonical = reference.canonical(value)
            own = own and (canonical == cell or cell in (None, *column.field.missing_values))
            file.write((cell, canonical, " ".join(kind for kind, _ in notes) or None))
    texts = Texts(column, engine.keep(f"SELECT * FROM {file.relation}"), own)
    for kind in sorted(kinds):
        bad = f"(SELECT cell FROM {texts.stored} WHERE contains(kinds, {sql.literal(kind)}))"
        absent = f"OR {unsure}.cell IS NULL" if kind == "constraint-error" and column.field.required else ""
        _show_cells(engine, one, column, reference, kind, f"{doubtful} AND ({unsure}.cell IN {bad} {absent})")
    return texts


def _show_cells(engine: Engine, one: Checked, column: Column, reference: Reference, kind: str, source: str) -> None:
    findings = one.findings
    place = {"field_name": column.field.name, "field_number": column.number}
    for row, cell in engine.rows(f"SELECT rn, u{column.number}.cell {source} ORDER BY rn{keys.cap(findings)}"):
        for found, note in reference.read(cell)[1]:
            if found == kind:
                findings.show(kind, note, row_number=row, cell=cell or "", **place)


def _logical(one: Checked, *, numbered: bool = True) -> str:
    """SQL for the canonical text `v1`, `v2`, … of every cell, null for what is missing or can't be cast, and `rn`."""
    table = one.table
    if table.has_texts and not one.texts:
        return table.numbered
    if not one.texts and not table.is_kept and one.scan.has_texts_of(table.columns):
        texts = (f"k{column.number} AS v{column.number}" for column in table.columns)
        return f"(SELECT {', '.join((*(['rn'] if numbered else []), *texts))} FROM {one.scan.relation})"
    selected = [f"{one.value(column, 't.')} AS v{column.number}" for column in table.columns]
    if numbered or not selected:
        return f"(SELECT {', '.join(('t.rn', *selected))} FROM {table.numbered} AS t)"
    return f"(SELECT {', '.join(selected)} FROM {table.relation} AS t)"


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


# Rules


def _check_rules(engine: Engine, package: Package, checked: dict[str, Checked], pool: ThreadPoolExecutor) -> Iterator[Error]:
    views = {name: one.view() for name, one in checked.items()}
    policy = next((one.findings.policy for one in checked.values()), EVERYTHING)
    compiled: dict[str, list[tuple[Rule, rules.Query]]] = {}
    for rule in package.rules:
        for name in rule.resources if policy.wants("row-constraint", rule.id) or policy.wants("package-error") else ():
            if not policy.wants_resource(name):
                continue
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
                _find_broken(engine, rule, query, checked[name].findings)
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


def _find_broken(engine: Engine, rule: Rule, query: rules.Query, findings: Findings) -> None:
    violations = query.violations()
    (count,) = engine.one(f"SELECT count(*) FROM ({violations})")
    findings.count("row-constraint", None, count, rule.id, rule.severity)
    for (row,) in engine.rows(f"{violations} ORDER BY rn{keys.cap(findings)}"):
        note = f"{rule.message} (rule {rule.id})"
        findings.show("row-constraint", note, row_number=row, rule=rule.id, severity=rule.severity)


def _unusable(rule: Rule, name: str, error: Exception) -> Error:
    reason = str(error).splitlines()[0]
    return Error("package-error", f'rule "{rule.id}" on "{name}" can\'t be checked: {reason}', rule=rule.id)
