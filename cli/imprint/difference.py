"""Two packages to Changes: metadata, schemas and rows, each difference named by the id of its version rule.

Rows are matched by the primary key (or a key that is given) and compared by value, so a re-quoted or re-sorted file is no
change. Without a key, rows are a multiset. What can't be shown to be equal or looser is a change of the stricter kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from . import expressions, fingerprint, sql
from .engine import Engine
from .exceptions import DataFault, ImprintError, UsageFault
from .fingerprint import STORAGE, Fingerprint, canonical_json
from .package import Descriptor, Field, Package, Resource, Schema
from .scan import Checked
from .validation import open_tables

LIMIT = 100
# How far a licence restricts its user; a change to or from one that isn't here counts as more restrictive.
LICENCES = {
    "cc0-1.0": 0, "pddl-1.0": 0, "odc-pddl-1.0": 0, "unlicense": 0,
    "mit": 1, "apache-2.0": 1, "bsd-3-clause": 1, "cc-by-4.0": 1, "cc-by-3.0": 1, "odc-by-1.0": 1,
    "cc-by-sa-4.0": 2, "cc-by-sa-3.0": 2, "odbl-1.0": 2, "odc-odbl-1.0": 2,
    "cc-by-nc-4.0": 3, "cc-by-nc-sa-4.0": 4, "cc-by-nd-4.0": 4, "cc-by-nc-nd-4.0": 5,
}  # fmt: skip
GROWING = ("minimum", "exclusiveMinimum", "minLength")  # a larger value is tighter
MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}(-[0-9]{2}(T[0-9:.]+Z?)?)?|[0-9]{2}:[0-9:.]+")  # as texts in their order
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
class Waiver:
    """A version rule that the new package's `versioning.waive` sets aside, at `path` or, if that is "", everywhere."""

    rule: str
    path: str


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
    waivers: tuple[Waiver, ...] = ()


def diff(
    old: Package, new: Package, *, keys: Mapping[str, Sequence[str]] | None = None, limit_rows: int = LIMIT,
    all_removed: bool = False, memory: str | None = None,
) -> Changes:  # fmt: skip
    """What changed from `old` to `new`.

    `keys` gives a resource's key where its schema has none. `limit_rows` caps the example rows per resource (0: all), but not
    the removed ones that have a key if `all_removed`; totals are exact. Two bare data files are compared whatever they are
    called. Raises DataFault where a key is not unique, UsageFault where one is not there, ImprintError for unreadable data.
    """
    old = _under_one_name(old, new)
    with open_tables(old, new, memory=memory) as (engine, tables):
        for package, side in zip((old, new), tables, strict=True):
            _refuse_unread(package, side)
        _refuse_unknown(keys or {}, tables)
        prints = [{name: fingerprint.of_table(engine, one, columns=False) for name, one in side.items()} for side in tables]
        sides = [_side(package, known) for package, known in zip((old, new), prints, strict=True)]
        compared = _Comparison(engine, old, new, tables[0], tables[1], keys or {}, limit_rows, all_removed)
        resources = tuple(compared.resources())
        differences = (*_package_differences(old, new), *compared.differences(resources))
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


# Metadata


def _package_differences(old: Package, new: Package) -> Iterator[Difference]:
    before, after = fingerprint.metadata(old), fingerprint.metadata(new)
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


def _licence_difference(before: Any, after: Any, resource: str | None = None) -> Difference:
    ranks = [_licence_rank(value) for value in (before, after)]
    known = all(rank is not None for rank in ranks)
    if _licences(before) == _licences(after):
        return Difference("metadata-changed", "the licence is described otherwise", resource)
    if known and (ranks[1] or 0) <= (ranks[0] or 0):
        return Difference("metadata-changed", "the licence changes to one that restricts no more", resource)
    return Difference("licence-restricted", "the licence becomes more restrictive, or can't be shown not to", resource)


def _licences(value: Any) -> list[tuple[str, str]]:
    listed = [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
    return [(str(item.get("name", "")).lower(), str(item.get("path", ""))) for item in listed]


def _licence_rank(value: Any) -> int | None:
    ranks = [LICENCES.get(name) for name, _ in _licences(value)]
    return None if not ranks or None in ranks else min(rank for rank in ranks if rank is not None)


def _resource_differences(old: Package, new: Package) -> Iterator[Difference]:
    before = {resource.name: resource for resource in old.resources}
    after = {resource.name: resource for resource in new.resources}
    for name in [name for name in before if name not in after]:
        yield Difference("resource-removed", f'resource "{name}" is gone', name)
    for name in [name for name in after if name not in before]:
        yield Difference("resource-added", f'resource "{name}" is new', name)
    for name in [name for name in before if name in after]:
        yield from _common_resource(before[name], after[name])


def _common_resource(old: Resource, new: Resource) -> Iterator[Difference]:
    said = [{k: v for k, v in one.descriptor.items() if k not in STORAGE} for one in (old, new)]
    stored = [_storage(one) for one in (old, new)]
    for key in sorted(key for key in said[0].keys() | said[1].keys() if said[0].get(key) != said[1].get(key)):
        if key == "licenses":
            yield _licence_difference(said[0].get(key), said[1].get(key), new.name)
        else:
            yield Difference("metadata-changed", f'"{key}" of resource "{new.name}" changes', new.name)
    moved = sorted(key for key in stored[0].keys() | stored[1].keys() if stored[0].get(key) != stored[1].get(key))
    if moved:
        yield Difference("storage-changed", f'resource "{new.name}" is stored otherwise ({", ".join(moved)})', new.name)
    if canonical_json(old.json_schema) != canonical_json(new.json_schema):
        rule = "constraint-loosened" if new.json_schema is None else "constraint-tightened"
        yield Difference(rule, f'the JSON Schema of "{new.name}" changes', new.name)
    if not (old.tabular or new.tabular) and fingerprint.of_files(old) != fingerprint.of_files(new):
        yield Difference("content-changed", f'the content of "{new.name}" changes', new.name)
    if old.tabular != new.tabular:
        yield Difference("type-changed", f'"{new.name}" is {"a table now" if new.tabular else "no table any more"}', new.name)
    elif (old.schema is None) != (new.schema is None):
        yield Difference("type-changed", f'"{new.name}" has {"a" if new.schema else "no"} schema now', new.name)
    elif old.schema and new.schema:
        found = list(_schema_differences(new.name, old.schema, new.schema))
        yield from found
        if not found and canonical_json(old.schema.descriptor) != canonical_json(new.schema.descriptor):
            yield Difference("metadata-changed", f'the schema of "{new.name}" is written otherwise', new.name)


def _storage(resource: Resource) -> dict[str, Any]:
    """Where and how a resource is stored; of documents, which of them lie in files of their own."""
    described = {word: resource.descriptor.get(word) for word in STORAGE - {"data", "bytes", "hash"}}
    paths = {word: described[word] if isinstance(described[word], str) else None for word in ("schema", "jsonSchema")}
    return {**described, **paths, "dialect": resource.dialect}


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
    if _texts(old.descriptor) != _texts(new.descriptor):
        yield Difference("metadata-changed", "the description of the schema changes", name)
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
        if not _same_constraint(before, after):
            yield from _constraint_difference(name, new.name, constraint, before, after)
    if old.option("categories") != new.option("categories"):
        yield from _codes_difference(name, new.name, "categories", old.categories, new.categories)
    if _texts(old.descriptor) != _texts(new.descriptor):
        yield Difference("metadata-changed", "the description of the field changes", name, new.name)


# What decides how a cell is read, with the standard's defaults.
READING: dict[str, Any] = {
    "trueValues": expressions.TRUE_VALUES, "falseValues": expressions.FALSE_VALUES, "bareNumber": True,
    "decimalChar": ".", "groupChar": None, "delimiter": ",", "itemType": "string",
}  # fmt: skip
# What has rules of its own; the rest of a field or schema describes it.
RULED = {
    *READING, "name", "type", "format", "constraints", "categories", "missingValues",
    "fields", "primaryKey", "uniqueKeys", "foreignKeys", "fieldsMatch",
}  # fmt: skip


def _reading(field: Field) -> tuple[Any, ...]:
    return (field.format, *(canonical_json(field.option(word, default)) for word, default in READING.items()))


def _texts(descriptor: Descriptor) -> str:
    return canonical_json({word: value for word, value in descriptor.items() if word not in RULED})


def _same_constraint(before: Any, after: Any) -> bool:
    """Whether a constraint is the same; one that is false is none."""
    none = before is None or before is False, after is None or after is False
    return all(none) or (not any(none) and before == after)


def _constraint_difference(name: str, field: str, constraint: str, before: Any, after: Any) -> Iterator[Difference]:
    if constraint == "enum" and isinstance(before, list) and isinstance(after, list):
        yield from _codes_difference(name, field, "enum", before, after)
        return
    if constraint in GROWING + SHRINKING and _ordered(before, after) == 0:
        return
    rule = "constraint-tightened" if _tightens(constraint, before, after) else "constraint-loosened"
    yield Difference(rule, f'constraint "{constraint}" changes from {_shown(before)} to {_shown(after)}', name, field)


def _codes_difference(name: str, field: str, word: str, before: Sequence[Any], after: Sequence[Any]) -> Iterator[Difference]:
    gone = [str(code) for code in before if code not in after]
    new = [str(code) for code in after if code not in before]
    if not after:
        yield Difference("constraint-loosened", f'"{word}" no longer limits the values', name, field)
    elif not before:
        yield Difference("constraint-tightened", f'"{word}" now limits the values to {", ".join(new)}', name, field)
    elif gone:
        yield Difference("constraint-tightened", f'"{word}" loses {", ".join(gone)}', name, field, len(gone), gone[0])
    elif new:
        yield Difference("codes-added", f'"{word}" gains {", ".join(new)}', name, field, len(new), new[0])
    else:
        yield Difference("metadata-changed", f'"{word}" lists the same codes in another order or wording', name, field)


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
    first, second = str(before), str(after)
    try:
        return int(Decimal(second).compare_signal(Decimal(first)))
    except InvalidOperation:
        texts_in_order = len(first) == len(second) and MOMENT.fullmatch(first) and MOMENT.fullmatch(second)
        return (second > first) - (second < first) if texts_in_order else None


# Rows


class _Comparison:
    """Compares the rows of the tables that both packages have."""

    def __init__(
        self, engine: Engine, old: Package, new: Package, before: dict[str, Checked], after: dict[str, Checked],
        keys: Mapping[str, Sequence[str]], limit: int, all_removed: bool,
    ) -> None:  # fmt: skip
        self.engine = engine
        self.packages = (old, new)
        self.before = before
        self.after = after
        self.keys = keys
        self.limit = limit
        self.all_removed = all_removed
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
        order = ", ".join(_sortable(side, field, side.columns[field]) for field in key)
        query = (
            f"SELECT {columns}, count(*) FROM {side.logical} GROUP BY {columns} HAVING count(*) > 1 ORDER BY {order} LIMIT 3"
        )
        found = self.engine.rows(query)
        if found:
            shown = "; ".join(f"{', '.join(str(value) for value in row[:-1])} ({row[-1]} times)" for row in found)
            message = f'the key {", ".join(key)} of the {label} "{name}" is not unique: {shown}'
            raise DataFault(message, fix="mend the data or name another key with --key")

    def _keyed(self, name: str, old: Checked, new: Checked, key: tuple[str, ...], common: list[str]) -> ResourceDiff:
        match = _same_key(old, new, key)
        joined = f"FROM {old.logical} AS o FULL JOIN {new.logical} AS n ON {match}"
        values = [field for field in common if field not in key]
        differs = {field: f"o.{old.columns[field]} IS DISTINCT FROM n.{new.columns[field]}" for field in values}
        both = "o.rn IS NOT NULL AND n.rn IS NOT NULL"
        some = " OR ".join(differs.values()) or "FALSE"
        counted = ["count(*) FILTER (WHERE o.rn IS NULL)", "count(*) FILTER (WHERE n.rn IS NULL)"]
        counted += [f"count(*) FILTER (WHERE {both} AND ({one}))" for one in (some, *differs.values())]
        counted += [f"count(*) FILTER (WHERE {both})"]
        added, removed, changed, *fields, matched = self.engine.one(f"SELECT {', '.join(counted)} {joined}")
        kept = f"o.rn IS NULL OR ({both}) AND ({some})"
        wanted = [("n.rn IS NULL", ""), (kept, self.cap)] if self.all_removed else [(f"n.rn IS NULL OR {kept}", self.cap)]
        rows = tuple(
            row
            for condition, cap in wanted
            if added or removed or changed
            for row in self._examples(old, new, key, common, f"{joined} WHERE {condition}", cap)
        )
        by_field = {field: count for field, count in zip(values, fields, strict=True) if count}
        total = added + removed + changed
        return ResourceDiff(name, key, added, removed, changed, matched - changed, by_field, rows, len(rows) < total)

    def _examples(
        self, old: Checked, new: Checked, key: tuple[str, ...], common: list[str], source: str, cap: str
    ) -> Iterator[RowChange]:
        sides = [(side, alias) for side, alias in ((old, "o"), (new, "n"))]
        selected = [f"{alias}.{side.columns[field]}" for side, alias in sides for field in common]
        texts = {field: f"coalesce(n.{new.columns[field]}, o.{old.columns[field]})" for field in key}
        order = ", ".join(_sortable(new, field, text) for field, text in texts.items())
        for was, is_, *cells in self.engine.rows(f"SELECT o.rn, n.rn, {', '.join(selected)} {source} ORDER BY {order}{cap}"):
            before = dict(zip(common, cells[: len(common)], strict=True))
            after = dict(zip(common, cells[len(common) :], strict=True))
            op = "added" if was is None else "removed" if is_ is None else "changed"
            shown = [field for field in common if field not in key and (op != "changed" or before[field] != after[field])]
            found = {field: (self._text(old, field, before[field]), self._text(new, field, after[field])) for field in shown}
            if op != "changed":
                found = {field: pair for field, pair in found.items() if pair != (None, None)}
            names = {
                field: self._text(*((new, field, after[field]) if was is None else (old, field, before[field])))
                for field in key
            }
            yield RowChange(op, names, found)

    @staticmethod
    def _text(side: Checked, field: str, value: str | None) -> str | None:
        """A canonical text as the table writes it."""
        declared = side.table.schema.field(field)
        if value is not None and declared is not None and declared.type == "list":
            return value.replace(sql.UNIT_SEPARATOR, declared.option("delimiter", ","))
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
            change
            for *cells, n in self.engine.rows(f"{grouped} ORDER BY ALL{self.cap}")
            for change in [self._one_sided(new if n > 0 else old, common, cells, added=n > 0)] * abs(int(n))
        )[: self.limit or None]
        return ResourceDiff(name, (), added, removed, 0, old.rows - removed, {}, rows, len(rows) < added + removed)

    def _one_sided(self, side: Checked, common: Sequence[str], cells: Sequence[str | None], *, added: bool) -> RowChange:
        texts = {field: self._text(side, field, cell) for field, cell in zip(common, cells, strict=True) if cell is not None}
        pairs = {field: (None, text) if added else (text, None) for field, text in texts.items()}
        return RowChange("added" if added else "removed", {}, pairs)

    def differences(self, resources: Sequence[ResourceDiff]) -> Iterator[Difference]:
        """The rows' part of the version verdict."""
        options = _options(self.packages[1])
        for found in resources:
            yield from self._columns(found.name)
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

    def _columns(self, name: str) -> Iterator[Difference]:
        """Columns that the data gains or loses under schemas that don't say so, or without one."""
        old, new = self.before[name], self.after[name]
        if old.table.resource.schema is None and new.table.resource.schema is None:
            yield from _schema_differences(name, old.table.schema, new.table.schema)
            return
        both = [field for field in old.table.schema.names if field in new.table.schema.names]
        for field in both:
            if field in old.columns and field not in new.columns:
                yield Difference("field-removed", f'the data has no column "{field}" any more', name, field)
            elif field in new.columns and field not in old.columns:
                yield Difference("field-added-by-name", f'the data has a column "{field}" now', name, field)

    def _removed(self, found: ResourceDiff, before: int, options: Mapping[str, Any]) -> Iterator[Difference]:
        witness = _witness(found, "removed")
        referenced = self._referenced(found)
        if referenced:
            message = f"{_rows(referenced)} gone that others referred to"
            yield Difference("referenced-rows-removed", message, found.name, count=referenced, witness=witness)
        share = _share(options, "removedShare", REMOVED_SHARE)
        rule = "many-rows-removed" if found.removed > share * before else "rows-removed"
        yield Difference(rule, f"{found.removed:,} of {_rows(before)} gone", found.name, count=found.removed, witness=witness)

    def _referenced(self, found: ResourceDiff) -> int:
        """How many removed rows a foreign key of the old package pointed at."""
        old, new = self.before[found.name], self.after[found.name]
        parts = []
        for other in self.before.values():
            for key in other.table.schema.foreign_keys:
                mine, theirs = old.keys(key.reference_fields), other.keys(key.fields)
                identity = found.key or key.reference_fields
                aimed = (key.reference or other.name) == found.name and new.keys(identity) is not None
                if aimed and mine and theirs and len(mine) == len(theirs):
                    match = " AND ".join(f"r.{their} = o.{my}" for my, their in zip(mine, theirs, strict=True))
                    used = f"EXISTS (SELECT 1 FROM {other.logical} AS r WHERE {match})"
                    kept = f"EXISTS (SELECT 1 FROM {new.logical} AS n WHERE {_same_key(old, new, identity)})"
                    parts.append(f"({used} AND NOT {kept})")
        return int(self.engine.one(f"SELECT count(*) FROM {old.logical} AS o WHERE {' OR '.join(parts)}")[0]) if parts else 0


REMOVED_SHARE = 0.1
CHANGED_SHARE = 0.25


def _changed(found: ResourceDiff, before: int, options: Mapping[str, Any]) -> Difference:
    message = f"{found.changed:,} of {_rows(before)} with other values in {', '.join(found.fields)}"
    many = found.changed > _share(options, "changedShare", CHANGED_SHARE) * before
    revised = options.get("change") == "revision" or (many and options.get("change") != "correction")
    rule = "values-revised" if revised else "values-corrected"
    return Difference(rule, message, found.name, count=found.changed, witness=_witness(found, "changed"))


def _share(options: Mapping[str, Any], word: str, default: float) -> float:
    value = options.get(word, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UsageFault(f'"{word}" is not a number', where="versioning", fix="write a share such as 0.1 in the descriptor")
    return float(value)


def _same_key(old: Checked, new: Checked, key: Sequence[str]) -> str:
    """SQL for whether row `o` and row `n` have the same key; a null equals a null."""
    return " AND ".join(f"o.{old.columns[field]} IS NOT DISTINCT FROM n.{new.columns[field]}" for field in key)


def _sortable(side: Checked, field: str, text: str) -> str:
    """SQL that puts a field's canonical texts in the order of their values."""
    declared = side.table.schema.field(field)
    return f"{expressions.typed(declared, text)}, {text}" if declared else text


def _rows(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"


def _witness(found: ResourceDiff, op: str) -> str | None:
    for row in found.rows:
        if row.op == op:
            return ", ".join(str(value) for value in row.key.values()) or None
    return None
