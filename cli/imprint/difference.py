"""Two packages to Changes: metadata, schemas and rows, each difference named by the id of its version rule.

Rows are matched by the primary key (or a key that is given) and compared by value, so a re-quoted or re-sorted file is no
change. Without a key, rows are a multiset.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from . import declared, fingerprint, rows
from .changes import Changes, Difference, ResourceDiff, Side, Terms, Waiver
from .exceptions import ImprintError, UsageFault
from .fingerprint import Fingerprint
from .package import Package
from .scan import Checked
from .validation import open_tables

REMOVED_SHARE = 0.1
CHANGED_SHARE = 0.25
PLAIN = Terms()


def diff(old: Package, new: Package, terms: Terms = PLAIN, *, memory: str | None = None) -> Changes:
    """What changed from `old` to `new`. Two bare data files are compared whatever they are called.

    Raises DataFault where a key is not unique, UsageFault where one is not there, ImprintError for unreadable data.
    """
    old = _under_one_name(old, new)
    with open_tables(old, new, memory=memory) as (engine, tables):
        for package, side in zip((old, new), tables, strict=True):
            _refuse_unread(package, side)
        _refuse_unknown(terms.keys, tables)
        prints = [{name: fingerprint.of_table(engine, one, columns=False) for name, one in side.items()} for side in tables]
        sides = [_side(package, known) for package, known in zip((old, new), prints, strict=True)]
        compared = rows.Comparison(engine, tables[0], tables[1], terms)
        resources = tuple(compared.resources())
        differences = (*declared.of_packages(old, new), *_row_differences(compared, resources, _options(new)))
        return Changes(sides[0], sides[1], differences, resources, tuple(_waivers(new)))


def _under_one_name(old: Package, new: Package) -> Package:
    """`old`, its resource called as `new`'s is where both are bare data files."""
    if not all(package.descriptor_path in resource.files for package in (old, new) for resource in package.resources):
        return old
    after = new.resources[0]
    return replace(old, resources=(replace(old.resources[0], name=after.name, descriptor=after.descriptor),))


def _refuse_unread(package: Package, tables: Mapping[str, Checked]) -> None:
    for resource in package.resources:
        if resource.name not in tables if resource.tabular else not resource.files and resource.data is None:
            raise ImprintError(
                f'the data of "{resource.name}" can\'t be read', where=package.source, fix="run imprint validate"
            )


def _refuse_unknown(keys: Mapping[str, Sequence[str]], tables: Sequence[Mapping[str, Checked]]) -> None:
    for name in keys:
        if not all(name in side for side in tables):
            raise UsageFault(f'no table is called "{name}" on both sides', where="--key", fix="name another table")


def _waivers(package: Package) -> Iterator[Waiver]:
    listed = _options(package).get("waive")
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, Mapping):
            yield Waiver(str(item.get("rule", "")), str(item.get("path", "")))


def _options(package: Package) -> Mapping[str, Any]:
    """What the descriptor says under `versioning`."""
    declared = package.descriptor.get("versioning")
    return declared if isinstance(declared, Mapping) else {}


def _side(package: Package, prints: dict[str, Fingerprint]) -> Side:
    return Side(package.name, package.version, fingerprint.of_package(package, prints))


def _row_differences(
    compared: rows.Comparison, resources: Sequence[ResourceDiff], options: Mapping[str, Any]
) -> Iterator[Difference]:
    """What differs between the rows and columns of the tables that both packages have."""
    for found in resources:
        yield from _columns(found.name, compared.before[found.name], compared.after[found.name])
        before = compared.before[found.name].rows
        if found.added:
            yield Difference(
                "rows-added",
                f"{_count(found.added)} more",
                found.name,
                count=found.added,
                witness=_witness(found, "added"),
            )
        if found.removed:
            yield from _removed(found, compared.referenced(found), before, options)
        if found.changed:
            yield _changed(found, before, options)


def _columns(name: str, old: Checked, new: Checked) -> Iterator[Difference]:
    """Columns that the data gains or loses under schemas that don't say so, or without one."""
    if old.table.resource.schema is None and new.table.resource.schema is None:
        yield from declared.of_schemas(name, old.table.schema, new.table.schema)
        return
    both = [field for field in old.table.schema.names if field in new.table.schema.names]
    for field in both:
        if field in old.columns and field not in new.columns:
            yield Difference("field-removed", f'the data has no column "{field}" any more', name, field)
        elif field in new.columns and field not in old.columns:
            yield Difference("field-added-by-name", f'the data has a column "{field}" now', name, field)


def _removed(found: ResourceDiff, referenced: int, before: int, options: Mapping[str, Any]) -> Iterator[Difference]:
    witness = _witness(found, "removed")
    if referenced:
        message = f"{_count(referenced)} gone that others referred to"
        yield Difference("referenced-rows-removed", message, found.name, count=referenced, witness=witness)
    share = _share(options, "removedShare", REMOVED_SHARE)
    rule = "many-rows-removed" if found.removed > share * before else "rows-removed"
    yield Difference(rule, f"{found.removed:,} of {_count(before)} gone", found.name, count=found.removed, witness=witness)


def _changed(found: ResourceDiff, before: int, options: Mapping[str, Any]) -> Difference:
    message = f"{found.changed:,} of {_count(before)} with other values in {', '.join(found.fields)}"
    many = found.changed > _share(options, "changedShare", CHANGED_SHARE) * before
    revised = options.get("change") == "revision" or (many and options.get("change") != "correction")
    rule = "values-revised" if revised else "values-corrected"
    return Difference(rule, message, found.name, count=found.changed, witness=_witness(found, "changed"))


def _share(options: Mapping[str, Any], word: str, default: float) -> float:
    value = options.get(word, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UsageFault(f'"{word}" is not a number', where="versioning", fix="write a share such as 0.1 in the descriptor")
    return float(value)


def _count(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"


def _witness(found: ResourceDiff, op: str) -> str | None:
    for row in found.rows:
        if row.op == op:
            return ", ".join(str(value) for value in row.key.values()) or None
    return None
