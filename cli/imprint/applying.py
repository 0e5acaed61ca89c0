"""A delta and its base to the target: checked before, built in a temporary directory, checked again, then put in place."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path

from . import archive, declared, delta, descriptor, fingerprint, storing
from .delta import Delta, End
from .engine import Engine
from .exceptions import DataFault, UsageFault
from .package import Package, Resource
from .remote import is_url
from .safety import unsafe
from .scan import Checked
from .storing import Rows
from .streams import measured
from .validation import open_tables

STORED = frozenset({"storage-changed", "content-changed"})  # differences that say nothing of a descriptor


def apply(package: Package, old: Package, out: str | PathLike[str], *, invert: bool = False, memory: str | None = None) -> Path:
    """Write what a delta makes of `old` to a new directory: its target, or its base out of its target with `invert`.

    Rows are in the order of the primary key; without one, new rows come last. Raises DataFault where `old` isn't what the
    delta starts from, the delta is damaged or the result isn't what it ends with, UsageFault for what is no delta, a table
    that can't be written as its resource says, or if `out` is there already. Nothing is written then.
    """
    out = delta.refuse_existing(out)
    plan = delta.opened(package)
    plan = plan.inverted() if invert else plan
    target = plan.end_package(plan.target)
    with open_tables(old, package, memory=memory) as (engine, (tables, parts)):
        delta.refuse_damaged(package, parts)
        _refuse_other(engine, plan, old, tables, inverted=invert)
        with archive.new_directory(out) as building:
            for name, file in sorted(plan.files(plan.target).items()):
                _copy(file, building, name, package)
            written = dict(_written(engine, plan, old, target, tables, parts, building))
            _describe(target, building, written)
            _refuse_unlike(plan, building, memory)
    return out


def obstacles(package: Package) -> Iterator[str]:
    """Why a delta can't be applied: the tables with other rows that can't be written as its target says."""
    plan = delta.opened(package)
    for resource in plan.end_package(plan.target).resources:
        rows = (package.resource(f"{resource.name}.{one.rows}") for one in (plan.base, plan.target))
        if any(rows) and (obstacle := storing.obstacle(resource)):
            what, fix = obstacle
            yield f'table "{resource.name}" {what}; {fix}'


# Before and after


def _refuse_other(engine: Engine, plan: Delta, old: Package, tables: Mapping[str, Checked], *, inverted: bool) -> None:
    """Raise DataFault where a package isn't what the delta starts from, or ends with if it is `inverted`."""
    here, there = ("ends with", "starts from") if inverted else ("starts from", "ends with")
    delta.refuse_unclear(old, tables)
    prints = {name: fingerprint.of_table(engine, one, columns=False) for name, one in tables.items()}
    whole = fingerprint.of_package(old, prints)
    if whole == plan.base.fingerprint and all(_same_columns(plan.base, one) for one in tables.values()):
        return
    if whole == plan.target.fingerprint:
        fix = f"name {plan.base}, {'or leave --invert out' if inverted else 'or go back from it with --invert'}"
        raise DataFault(f"is {plan.target}, which the delta {there}", where=old.source, fix=fix)
    found = delta.end(engine, old, tables, plan.base.folder, plan.base.rows)
    said = _unlike(plan.base, found) or _said_otherwise(plan, old)
    raise DataFault(f"is not {plan.base}, which the delta {here}: {said}", where=old.source, fix="name that package")


def _same_columns(base: End, one: Checked) -> bool:
    content = base.resources.get(one.name)
    return content is not None and list(content.columns or ()) == [column.field.name for column in one.table.columns]


def _unlike(expected: End, found: End) -> str:
    """Where the contents of two packages differ; "" if they don't."""
    for name in [*expected.resources, *found.resources]:
        wanted, has = expected.resources.get(name), found.resources.get(name)
        if wanted is None or has is None:
            return f'it has {"no" if has is None else "a"} resource "{name}"'
        if wanted == has:
            continue
        if wanted.columns is None or has.columns is None:
            return f'"{name}" has other content'
        if list(wanted.columns) != list(has.columns):
            return f'"{name}" has the columns {", ".join(has.columns)}, not {", ".join(wanted.columns)}'
        columns = [f'"{name}.{column}"' for column in wanted.columns if wanted.columns[column] != has.columns[column]]
        return f"the values of {', '.join(columns)} differ" if columns else f'the rows of "{name}" differ'
    return ""


def _said_otherwise(plan: Delta, old: Package) -> str:
    differences = (one for one in declared.of_packages(plan.end_package(plan.base), old) if one.rule not in STORED)
    found = next(differences, None)
    return found.message if found else "its descriptor says something else"


def _refuse_unlike(plan: Delta, building: Path, memory: str | None) -> None:
    """Raise DataFault where what was built isn't what the delta ends with."""
    result, _ = descriptor.load(building / plan.target.descriptor)
    with open_tables(result, memory=memory) as (again, (tables,)):
        prints = {name: fingerprint.of_table(again, one, columns=False) for name, one in tables.items()}
        if fingerprint.of_package(result, prints) == plan.target.fingerprint:
            return
        found = delta.end(again, result, tables, plan.target.folder, plan.target.rows)
    said = _unlike(plan.target, found) or "its descriptor says something else"
    raise DataFault(f"makes something else than {plan.target}: {said}", where=plan.package.source, fix="make the delta anew")


# The files


def _copy(source: Path, building: Path, name: str, package: Package) -> None:
    path = _inside(building, name, package)
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, path)


def _inside(building: Path, name: str, package: Package) -> Path:
    """The path of a file that is built. Raises DataFault for one outside."""
    reason = "is remote" if is_url(name) else unsafe(name)
    if reason:
        raise DataFault(f'names "{name}", which is not safe: it {reason}', where=package.source, fix="don't trust this delta")
    return building / name


def _written(
    engine: Engine, plan: Delta, old: Package, target: Package, tables: Mapping[str, Checked], parts: Mapping[str, Checked],
    building: Path,
) -> Iterator[tuple[str, list[Path]]]:  # fmt: skip
    """Write the data of each resource that has files; their paths by the resource's name."""
    carried = plan.files(plan.target)
    for resource in target.resources:
        content = plan.target.resources.get(resource.name)
        if not resource.paths or content is None:
            continue
        paths = [_inside(building, path, plan.package) for path in resource.paths]
        before = old.resource(resource.name)
        gone, new = (parts.get(f"{resource.name}.{one.rows}") for one in (plan.base, plan.target))
        if content.columns is None or (not gone and not new and _same_storage(plan, before, resource)):
            files = before.files if before else ()
            if resource.paths[0] not in carried:
                for path, file in zip(resource.paths, files, strict=False):
                    _copy(file, building, path, plan.package)
            yield resource.name, paths
            continue
        if obstacle := storing.obstacle(resource):
            what, fix = obstacle
            raise UsageFault(f'table "{resource.name}" {what}', where=plan.package.source, fix=fix)
        sources = [Rows(tables[resource.name], _kept(engine, tables[resource.name], gone))] if resource.name in tables else []
        sources += [Rows(new, new.table.numbered)] if new else []
        shape = delta.shape(target, plan.target, resource.name)
        storing.write(shape, storing.rows(engine, sources, shape), paths[0])
        yield resource.name, paths[:1]


def _same_storage(plan: Delta, before: Resource | None, after: Resource) -> bool:
    """Whether the files of a table without other rows can stay as they are."""
    if before is None or not before.files:
        return False
    words = [(one.format, one.encoding, one.compression, one.dialect, len(one.paths)) for one in (before, after)]
    contents = [one.resources.get(after.name) for one in (plan.base, plan.target)]
    columns = [(content.columns if content else None) or {} for content in contents]
    if words[0] != words[1] or list(columns[0]) != list(columns[1]):
        return False
    shapes = [storing.shape(one, mine) for one, mine in zip((before, after), columns, strict=True)]
    return all(storing.reads_as(old, new) for old, new in zip(*(shape.fields for shape in shapes), strict=True))


def _kept(engine: Engine, one: Checked, gone: Checked | None) -> str:
    """The rows of a table less those that are gone (the last of equal ones), as SQL with `rn`."""
    if gone is None:
        return one.table.numbered
    names = sorted(column.field.name for column in one.table.columns)
    counted = f"SELECT a, b, count(*) AS n FROM ({delta.digests(gone, names)}) GROUP BY a, b"
    ranked = (
        f"SELECT o.rn, g.n, row_number() OVER (PARTITION BY o.a, o.b ORDER BY o.rn DESC) AS k "
        f"FROM ({delta.digests(one, names)}) AS o JOIN ({counted}) AS g ON o.a = g.a AND o.b = g.b"
    )
    left = engine.keep(f"SELECT rn FROM ({ranked}) WHERE k <= n")
    return f"(SELECT rn FROM {one.table.numbered} WHERE rn NOT IN (SELECT rn FROM {left}))"


def _describe(target: Package, building: Path, written: Mapping[str, list[Path]]) -> None:
    """Put the sizes, digests and paths of what was written into the descriptor, where it says others."""
    words = []
    for resource in target.resources:
        paths = written.get(resource.name, [])
        fewer = 0 < len(paths) < len(resource.paths)
        words.append({"path": resource.paths[0]} if fewer else {})
        words[-1] |= measured(resource, paths) if paths else {}
    if any(words):
        text = descriptor.with_words(target.descriptor_path, words)
        archive.write_text(building / target.descriptor_path.name, text)
