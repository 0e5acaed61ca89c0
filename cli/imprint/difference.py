"""Two packages to Changes: metadata, schemas and rows, each difference named by the id of its version rule.

Rows are matched by the primary key (or a key that is given) and compared by value, so a re-quoted or re-sorted file is no
change. Without a key, rows are a multiset. What can't be shown to be equal or looser is a change of the stricter kind.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from . import fingerprint, sql
from .engine import Engine
from .exceptions import DataFault, UsageFault
from .fingerprint import STORAGE, Fingerprint, canonical_json
from .package import Field, Package, Resource, Schema
from .tables import Findings
from .validation import Checked, check_tables

LIMIT = 100
UNIT = "\x1f"
# How far a licence restricts its user; a change to or from one that isn't here counts as more restrictive.
LICENCES = {
    "cc0-1.0": 0, "pddl-1.0": 0, "odc-pddl-1.0": 0, "unlicense": 0,
    "mit": 1, "apache-2.0": 1, "bsd-3-clause": 1, "cc-by-4.0": 1, "cc-by-3.0": 1, "odc-by-1.0": 1,
    "cc-by-sa-4.0": 2, "cc-by-sa-3.0": 2, "odbl-1.0": 2, "odc-odbl-1.0": 2,
    "cc-by-nc-4.0": 3, "cc-by-nc-sa-4.0": 4, "cc-by-nd-4.0": 4, "cc-by-nc-nd-4.0": 5,
}  # fmt: skip
GROWING = ("minimum", "exclusiveMinimum", "minLength")  # a larger value is tighter
SHRINKING = ("maximum", "exclusiveMaximum", "maxLength")  # a smaller value is tighter


@dataclass(frozen=True)
class Difference:
    """One difference: `rule` is the id of the version rule that it falls under; `witness` is an example."""

    rule: str
    message: str
    resource: str | None = None
    field: str | None = None
    count: int | None = None
    witness: str | None = None

    @property
    def path(self) -> str:
        """Where it lies, as waivers name it: `resource`, `resource.field`, or "" for the package."""
        return ".".join(part for part in (self.resource, self.field) if part)


@dataclass(frozen=True)
class RowChange:
    """A row that was added, removed or changed; `cells` has [old, new] of what differs."""

    op: str
    key: Mapping[str, str | None]
    cells: Mapping[str, tuple[str | None, str | None]]


@dataclass(frozen=True)
class ResourceDiff:
    """The rows of a table that both packages have. Totals are exact, `rows` is a sample if `sampled`."""

    name: str
    key: tuple[str, ...]
    added: int
    removed: int
    changed: int
    unchanged: int
    fields: Mapping[str, int]
    rows: tuple[RowChange, ...] = ()
    sampled: bool = False


@dataclass(frozen=True)
class Side:
    """One of the two packages."""

    name: str
    version: str
    fingerprint: str


@dataclass(frozen=True)
class Changes:
    """Everything that differs between two packages."""

    old: Side
    new: Side
    differences: tuple[Difference, ...]
    resources: tuple[ResourceDiff, ...]


def diff(
    old: Package, new: Package, *, keys: Mapping[str, Sequence[str]] | None = None, limit_rows: int = LIMIT,
    memory: str | None = None,
) -> Changes:  # fmt: skip
    """What changed from `old` to `new`.

    `keys` gives a resource's key where its schema has none, `limit_rows` caps the example rows per resource (0: all);
    totals are exact. Raises DataFault where a key isn't unique, UsageFault where a key isn't there.
    """
    files = [file for package in (old, new) for resource in package.resources for file in resource.files]
    with Engine(files, memory=memory) as engine, ThreadPoolExecutor(os.cpu_count()) as pool:
        tables = [_tables(engine, package, pool) for package in (old, new)]
        prints = [{name: fingerprint.of_table(engine, one) for name, one in side.items()} for side in tables]
        sides = [_side(package, known) for package, known in zip((old, new), prints, strict=True)]
        compared = _Comparison(engine, old, new, tables[0], tables[1], keys or {}, limit_rows)
        resources = tuple(compared.resources())
        differences = (*_package_differences(old, new), *compared.differences(resources))
        return Changes(sides[0], sides[1], differences, resources)


def _tables(engine: Engine, package: Package, pool: ThreadPoolExecutor) -> dict[str, Checked]:
    found = {resource.name: Findings(resource.name, 1) for resource in package.resources}
    return check_tables(engine, package, found, pool)


def _side(package: Package, prints: dict[str, Fingerprint]) -> Side:
    return Side(package.name, package.version, fingerprint.of_package(package, prints))


# Metadata


def _package_differences(old: Package, new: Package) -> Iterator[Difference]:
    before, after = old.descriptor, new.descriptor
    for key in sorted((before.keys() | after.keys()) - {"resources", "version"}):
        if before.get(key) == after.get(key):
            continue
        if key == "name":
            yield Difference("package-renamed", f'the package is renamed from "{old.name}" to "{new.name}"')
        elif key == "licenses":
            yield _licence_difference(before.get(key), after.get(key))
        elif key == "rules":
            yield Difference("rules-changed", "the rules of the package change")
        else:
            yield Difference("metadata-changed", f'"{key}" of the package changes')
    yield from _resource_differences(old, new)


def _licence_difference(before: Any, after: Any) -> Difference:
    ranks = [_licence_rank(value) for value in (before, after)]
    known = all(rank is not None for rank in ranks)
    if known and (ranks[1] or 0) <= (ranks[0] or 0):
        return Difference("metadata-changed", "the licence changes to one that restricts no more")
    return Difference("licence-restricted", "the licence becomes more restrictive, or can't be shown not to")


def _licence_rank(value: Any) -> int | None:
    names = [str(item.get("name", "")).lower() for item in value if isinstance(item, dict)] if isinstance(value, list) else []
    ranks = [LICENCES.get(name) for name in names]
    return None if not ranks or None in ranks else min(rank for rank in ranks if rank is not None)


def _resource_differences(old: Package, new: Package) -> Iterator[Difference]:
    before = {resource.name: resource for resource in old.resources}
    after = {resource.name: resource for resource in new.resources}
    for name in before.keys() - after.keys():
        yield Difference("resource-removed", f'resource "{name}" is gone', name)
    for name in after.keys() - before.keys():
        yield Difference("resource-added", f'resource "{name}" is new', name)
    for name in [name for name in before if name in after]:
        yield from _common_resource(before[name], after[name])


def _common_resource(old: Resource, new: Resource) -> Iterator[Difference]:
    said = [{k: v for k, v in one.descriptor.items() if k not in STORAGE | {"jsonSchema"}} for one in (old, new)]
    stored = [
        {k: v for k, v in one.descriptor.items() if k in STORAGE - {"data", "schema", "bytes", "hash"}} for one in (old, new)
    ]
    for key in sorted(key for key in said[0].keys() | said[1].keys() if said[0].get(key) != said[1].get(key)):
        yield Difference("metadata-changed", f'"{key}" of resource "{new.name}" changes', new.name)
    moved = sorted(key for key in stored[0].keys() | stored[1].keys() if stored[0].get(key) != stored[1].get(key))
    if moved:
        yield Difference("storage-changed", f'resource "{new.name}" is stored otherwise ({", ".join(moved)})', new.name)
    if canonical_json(old.json_schema) != canonical_json(new.json_schema):
        yield Difference("constraint-tightened", f'the JSON Schema of "{new.name}" changes', new.name)
    if not (old.tabular or new.tabular) and fingerprint.of_files(old) != fingerprint.of_files(new):
        yield Difference("content-changed", f'the content of "{new.name}" changes', new.name)
    if old.schema and new.schema:
        yield from _schema_differences(new.name, old.schema, new.schema)


# Schemas


def _schema_differences(name: str, old: Schema, new: Schema) -> Iterator[Difference]:
    for field in [field for field in old.names if field not in new.names]:
        yield Difference("field-removed", f'field "{field}" is gone', name, field)
    free = new.fields_match != "exact"
    for field in [field for field in new.names if field not in old.names]:
        yield Difference("field-added-by-name" if free else "field-added", f'field "{field}" is new', name, field)
    common = [[field for field in one.names if field in other.names] for one, other in ((old, new), (new, old))]
    if common[0] != common[1]:
        yield Difference("fields-reordered-by-name" if free else "fields-reordered", "the fields stand in another order", name)
    for word, before, after in (
        ("primary key", sorted(old.primary_key), sorted(new.primary_key)),
        ("unique keys", sorted(map(sorted, old.unique_keys)), sorted(map(sorted, new.unique_keys))),
        ("foreign keys", sorted(map(str, old.foreign_keys)), sorted(map(str, new.foreign_keys))),
    ):
        if before != after:
            yield Difference("key-changed", f"the {word} of the table change", name)
    if old.fields_match != new.fields_match:
        yield Difference("fields-match-changed", f'"fieldsMatch" changes to "{new.fields_match}"', name)
    for after_field in new.fields:
        before_field = old.field(after_field.name)
        if before_field is not None:
            yield from _field_differences(name, before_field, after_field)


def _field_differences(name: str, old: Field, new: Field) -> Iterator[Difference]:
    if old.type != new.type:
        yield Difference("type-changed", f'type changes from "{old.type}" to "{new.type}"', name, new.name)
    if _reading(old) != _reading(new):
        yield Difference("format-changed", "the format in which values are written changes", name, new.name)
    if set(old.missing_values) != set(new.missing_values):
        yield Difference("missing-values-changed", "the missing values change", name, new.name)
    for constraint in sorted(old.constraints.keys() | new.constraints.keys()):
        before, after = old.constraints.get(constraint), new.constraints.get(constraint)
        if before != after:
            yield from _constraint_difference(name, new.name, constraint, before, after)
    if old.categories != new.categories:
        yield from _codes_difference(name, new.name, "categories", old.categories, new.categories)
    kept = [{k: v for k, v in one.descriptor.items() if k in TEXTS} for one in (old, new)]
    if canonical_json(kept[0]) != canonical_json(kept[1]):
        yield Difference("metadata-changed", "the description of the field changes", name, new.name)


READING = ("trueValues", "falseValues", "decimalChar", "groupChar", "bareNumber", "delimiter", "itemType")
TEXTS = ("title", "description", "example", "rdfType", "categories", "categoriesOrdered", "missingValues")


def _reading(field: Field) -> tuple[Any, ...]:
    return (field.format, *(canonical_json(field.option(word)) for word in READING))


def _constraint_difference(name: str, field: str, constraint: str, before: Any, after: Any) -> Iterator[Difference]:
    if constraint == "enum" and isinstance(before, list) and isinstance(after, list):
        yield from _codes_difference(name, field, "enum", before, after)
        return
    rule = "constraint-tightened" if _tightens(constraint, before, after) else "constraint-loosened"
    yield Difference(rule, f'constraint "{constraint}" changes from {_shown(before)} to {_shown(after)}', name, field)


def _codes_difference(name: str, field: str, word: str, before: Sequence[Any], after: Sequence[Any]) -> Iterator[Difference]:
    gone = [str(code) for code in before if code not in after]
    new = [str(code) for code in after if code not in before]
    if gone or (before and not after) or (after and not before):
        rule = "constraint-loosened" if not after else "constraint-tightened"
        yield Difference(
            rule, f'"{word}" loses {", ".join(gone) or "nothing"}', name, field, len(gone), gone[0] if gone else None
        )
    elif new:
        yield Difference("codes-added", f'"{word}" gains {", ".join(new)}', name, field, len(new), new[0])


def _shown(value: Any) -> str:
    return "none" if value is None else canonical_json(value)


def _tightens(constraint: str, before: Any, after: Any) -> bool:
    """Whether a constraint surely allows no more than before, or can't be shown to allow all that it did."""
    if after is None or after is False:
        return False
    if before is None or before is False:
        return True
    if constraint in GROWING + SHRINKING:
        ordered = _ordered(before, after)
        if ordered is not None:
            return ordered > 0 if constraint in GROWING else ordered < 0
    return True


def _ordered(before: Any, after: Any) -> int | None:
    """-1, 0 or 1 as `after` lies under, at or over `before`; None where they can't be compared."""
    try:
        pair = (Decimal(str(before)), Decimal(str(after)))
    except InvalidOperation:
        same_length = isinstance(before, str) and isinstance(after, str) and len(before) == len(after)
        return (after > before) - (after < before) if same_length else None
    return (pair[1] > pair[0]) - (pair[1] < pair[0])


# Rows


class _Comparison:
    """Compares the rows of the tables that both packages have."""

    def __init__(
        self, engine: Engine, old: Package, new: Package, before: dict[str, Checked], after: dict[str, Checked],
        keys: Mapping[str, Sequence[str]], limit: int,
    ) -> None:  # fmt: skip
        self.engine = engine
        self.packages = (old, new)
        self.before = before
        self.after = after
        self.keys = keys
        self.cap = f" LIMIT {limit}" if limit else ""

    def resources(self) -> Iterator[ResourceDiff]:
        for name in [resource.name for resource in self.packages[1].resources]:
            if name in self.before and name in self.after:
                yield self._rows(name, self.before[name], self.after[name])

    def _rows(self, name: str, old: Checked, new: Checked) -> ResourceDiff:
        common = [field for field in old.columns if field in new.columns]
        key = self._key(name, old, new, common)
        return self._keyed(name, old, new, key, common) if key else self._multiset(name, old, new, common)

    def _key(self, name: str, old: Checked, new: Checked, common: list[str]) -> tuple[str, ...]:
        given = tuple(self.keys.get(name, ()))
        for field in given:
            if field not in common:
                raise UsageFault(f'"{name}" has no field "{field}" on both sides', where="--key", fix="name another key")
        key = given or new.table.schema.primary_key or old.table.schema.primary_key
        if not all(field in common for field in key):
            return ()
        for side, label in ((old, "old"), (new, "new")) if key else ():
            self._refuse_duplicates(name, side, label, key)
        return key

    def _refuse_duplicates(self, name: str, side: Checked, label: str, key: tuple[str, ...]) -> None:
        if ("primary-key", key) in side.clean:
            return
        columns = ", ".join(side.columns[field] for field in key)
        query = f"SELECT {columns}, count(*) FROM {side.logical} GROUP BY {columns} HAVING count(*) > 1 ORDER BY ALL LIMIT 3"
        found = self.engine.rows(query)
        if found:
            shown = "; ".join(f"{', '.join(str(value) for value in row[:-1])} ({row[-1]} times)" for row in found)
            message = f'the key {", ".join(key)} of the {label} "{name}" is not unique: {shown}'
            raise DataFault(message, fix="mend the data or name another key with --key")

    def _keyed(self, name: str, old: Checked, new: Checked, key: tuple[str, ...], common: list[str]) -> ResourceDiff:
        match = " AND ".join(f"o.{old.columns[field]} = n.{new.columns[field]}" for field in key)
        joined = f"FROM {old.logical} AS o FULL JOIN {new.logical} AS n ON {match}"
        values = [field for field in common if field not in key]
        differs = {field: f"o.{old.columns[field]} IS DISTINCT FROM n.{new.columns[field]}" for field in values}
        both = "o.rn IS NOT NULL AND n.rn IS NOT NULL"
        some = " OR ".join(differs.values()) or "FALSE"
        counted = ["count(*) FILTER (WHERE o.rn IS NULL)", "count(*) FILTER (WHERE n.rn IS NULL)"]
        counted += [f"count(*) FILTER (WHERE {both} AND ({one}))" for one in (some, *differs.values())]
        counted += [f"count(*) FILTER (WHERE {both})"]
        added, removed, changed, *fields, matched = self.engine.one(f"SELECT {', '.join(counted)} {joined}")
        rows: tuple[RowChange, ...] = ()
        if added or removed or changed:
            rows = tuple(self._examples(old, new, key, common, f"{joined} WHERE NOT ({both}) OR ({some})"))
        by_field = {field: count for field, count in zip(values, fields, strict=True) if count}
        total = added + removed + changed
        return ResourceDiff(name, key, added, removed, changed, matched - changed, by_field, rows, len(rows) < total)

    def _examples(
        self, old: Checked, new: Checked, key: tuple[str, ...], common: list[str], source: str
    ) -> Iterator[RowChange]:
        sides = [(side, alias) for side, alias in ((old, "o"), (new, "n"))]
        selected = [f"{alias}.{side.columns[field]}" for side, alias in sides for field in common]
        order = ", ".join(f"coalesce(n.{new.columns[field]}, o.{old.columns[field]})" for field in key)
        for was, is_, *cells in self.engine.rows(
            f"SELECT o.rn, n.rn, {', '.join(selected)} {source} ORDER BY {order}{self.cap}"
        ):
            before = dict(zip(common, cells[: len(common)], strict=True))
            after = dict(zip(common, cells[len(common) :], strict=True))
            op = "added" if was is None else "removed" if is_ is None else "changed"
            shown = [field for field in common if field not in key and (op != "changed" or before[field] != after[field])]
            found = {field: (self._text(old, field, before[field]), self._text(new, field, after[field])) for field in shown}
            if op != "changed":
                found = {field: pair for field, pair in found.items() if pair != (None, None)}
            yield RowChange(op, {field: after[field] if was is None else before[field] for field in key}, found)

    @staticmethod
    def _text(side: Checked, field: str, value: str | None) -> str | None:
        """A canonical text as the table writes it."""
        declared = side.table.schema.field(field)
        if value is not None and declared is not None and declared.type == "list":
            return value.replace(UNIT, declared.option("delimiter", ","))
        return value

    def _multiset(self, name: str, old: Checked, new: Checked, common: list[str]) -> ResourceDiff:
        names = [f"f{number}" for number in range(len(common))]
        if not names:
            return ResourceDiff(name, (), new.rows, old.rows, 0, 0, {})
        both = " UNION ALL ".join(
            f"SELECT {', '.join(f'{side.columns[field]} AS {alias}' for field, alias in zip(common, names, strict=True))}, "
            f"{sign} AS side FROM {side.logical}"
            for side, sign in ((old, -1), (new, 1))
        )
        grouped = f"SELECT {', '.join(names)}, sum(side) AS n FROM ({both}) GROUP BY {', '.join(names)} HAVING sum(side) <> 0"
        counted = f"SELECT coalesce(sum(greatest(n, 0)), 0), coalesce(sum(greatest(-n, 0)), 0) FROM ({grouped})"
        added, removed = (int(value) for value in self.engine.one(counted))
        rows = tuple(
            RowChange("added" if n > 0 else "removed", {}, _one_sided(common, cells, added=n > 0))
            for *cells, n in self.engine.rows(f"{grouped} ORDER BY ALL{self.cap}")
        )
        return ResourceDiff(name, (), added, removed, 0, old.rows - removed, {}, rows, len(rows) < added + removed)

    def differences(self, resources: Sequence[ResourceDiff]) -> Iterator[Difference]:
        """The rows' part of the version verdict."""
        declared = self.packages[1].descriptor.get("versioning")
        options = declared if isinstance(declared, dict) else {}
        for found in resources:
            before = self.before[found.name].rows
            if found.added:
                yield Difference(
                    "rows-added",
                    f"{_rows(found.added)} more",
                    found.name,
                    count=found.added,
                    witness=_witness(found, "added"),
                )
            if found.removed:
                yield from self._removed(found, before, options)
            if found.changed:
                yield _changed(found, before, options)

    def _removed(self, found: ResourceDiff, before: int, options: Mapping[str, Any]) -> Iterator[Difference]:
        witness = _witness(found, "removed")
        referenced = self._referenced(found)
        if referenced:
            message = f"{_rows(referenced)} that other rows referred to, gone"
            yield Difference("referenced-rows-removed", message, found.name, count=referenced, witness=witness)
        share = float(options.get("removedShare", REMOVED_SHARE))
        rule = "many-rows-removed" if found.removed > share * before else "rows-removed"
        yield Difference(rule, f"{found.removed:,} of {_rows(before)} gone", found.name, count=found.removed, witness=witness)

    def _referenced(self, found: ResourceDiff) -> int:
        """How many removed rows a foreign key of the old package pointed at."""
        old, new = self.before[found.name], self.after[found.name]
        parts = []
        for other in self.before.values():
            for key in other.table.schema.foreign_keys:
                mine, theirs = old.keys(key.reference_fields), other.keys(key.fields)
                if (key.reference or other.name) == found.name and mine and theirs and len(mine) == len(theirs) and found.key:
                    match = " AND ".join(f"r.{their} = o.{my}" for my, their in zip(mine, theirs, strict=True))
                    parts.append(f"EXISTS (SELECT 1 FROM {other.logical} AS r WHERE {match})")
        if not parts:
            return 0
        gone = " AND ".join(f"n.{new.columns[field]} = o.{old.columns[field]}" for field in found.key)
        query = f"SELECT count(*) FROM {old.logical} AS o ANTI JOIN {new.logical} AS n ON {gone} WHERE {' OR '.join(parts)}"
        return int(self.engine.one(query)[0])


REMOVED_SHARE = 0.1
CHANGED_SHARE = 0.25


def _changed(found: ResourceDiff, before: int, options: Mapping[str, Any]) -> Difference:
    message = f"{found.changed:,} of {_rows(before)} with other values in {', '.join(found.fields)}"
    many = found.changed > float(options.get("changedShare", CHANGED_SHARE)) * before
    revised = options.get("change") == "revision" or (many and options.get("change") != "correction")
    rule = "values-revised" if revised else "values-corrected"
    return Difference(rule, message, found.name, count=found.changed, witness=_witness(found, "changed"))


def _rows(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"


def _witness(found: ResourceDiff, op: str) -> str | None:
    for row in found.rows:
        if row.op == op:
            return sql.UNIT_SEPARATOR.join(str(value) for value in row.key.values()).replace(UNIT, ", ") or None
    return None


def _one_sided(common: Sequence[str], cells: Sequence[str | None], *, added: bool) -> dict[str, tuple[str | None, str | None]]:
    pairs = zip(common, cells, strict=True)
    return {field: (None, cell) if added else (cell, None) for field, cell in pairs if cell is not None}
