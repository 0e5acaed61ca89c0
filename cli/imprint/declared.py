"""What two descriptors and their schemas say otherwise: each difference is named by the id of its version rule.

What can't be shown to be equal or looser is a change of the stricter kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from . import expressions, fingerprint
from .changes import Difference
from .fingerprint import STORAGE, canonical_json
from .package import Descriptor, Field, Package, Resource, Schema

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


def of_packages(old: Package, new: Package) -> Iterator[Difference]:
    """What the descriptors of two packages, and the schemas of the resources that both have, say otherwise."""
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
        found = list(of_schemas(new.name, old.schema, new.schema))
        yield from found
        if not found and canonical_json(old.schema.descriptor) != canonical_json(new.schema.descriptor):
            yield Difference("metadata-changed", f'the schema of "{new.name}" is written otherwise', new.name)


def _storage(resource: Resource) -> dict[str, Any]:
    """Where and how a resource is stored; of documents, which of them lie in files of their own."""
    described = {word: resource.descriptor.get(word) for word in STORAGE - {"data", "bytes", "hash"}}
    paths = {word: described[word] if isinstance(described[word], str) else None for word in ("schema", "jsonSchema")}
    return {**described, **paths, "dialect": resource.dialect}


# Schemas


def of_schemas(name: str, old: Schema, new: Schema) -> Iterator[Difference]:
    """What two schemas of the table `name` say otherwise."""
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
