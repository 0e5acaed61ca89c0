"""What two descriptors and their schemas say otherwise: each difference is named by the id of its version rule.

What can't be shown to be equal or looser is a change of the stricter kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from . import expressions, fingerprint, versioning, witness
from .changes import Difference
from .fingerprint import STORAGE, canonical_json
from .package import Descriptor, Field, ForeignKey, Package, Resource, Schema
from .reference import Reference

# What a licence asks of its user; a change to or from one that isn't here counts as more restrictive. Who may share no
# adaptation (nd) may do nothing that one who must share it alike (sa) may not; the share-alike of ODbL is another.
RESTRICTIONS = {
    "": ("cc0-1.0", "pddl-1.0", "odc-pddl-1.0", "unlicense"),
    "by": ("mit", "apache-2.0", "bsd-3-clause", "cc-by-4.0", "cc-by-3.0", "odc-by-1.0"),
    "by sa": ("cc-by-sa-4.0", "cc-by-sa-3.0"),
    "by odbl": ("odbl-1.0", "odc-odbl-1.0"),
    "by nc": ("cc-by-nc-4.0",),
    "by nc sa": ("cc-by-nc-sa-4.0",),
    "by sa nd": ("cc-by-nd-4.0",),
    "by nc sa nd": ("cc-by-nc-nd-4.0",),
}
LICENCES = {name: frozenset(words.split()) for words, names in RESTRICTIONS.items() for name in names}
GROWING = ("minimum", "exclusiveMinimum", "minLength")  # a larger value is tighter
SHRINKING = ("maximum", "exclusiveMaximum", "maxLength")  # a smaller value is tighter
BESIDE = {
    "minimum": "exclusiveMinimum", "exclusiveMinimum": "minimum", "maximum": "exclusiveMaximum", "exclusiveMaximum": "maximum",
}  # fmt: skip


def of_packages(old: Package, new: Package) -> Iterator[Difference]:
    """What the descriptors of two packages, and the schemas of the resources that both have, say otherwise."""
    before, after = fingerprint.metadata(old), fingerprint.metadata(new)
    unsaid = {"resources", "version", *(("$schema",) if old.bare or new.bare else ())}
    for key in sorted((before.keys() | after.keys()) - unsaid):
        if before.get(key) != after.get(key):
            found = list(_of_property(key, before.get(key), after.get(key), old, new))
            yield from found or [Difference("metadata-changed", f'"{key}" of the package changes')]
    yield from _resource_differences(old, new)


def _of_property(key: str, before: Any, after: Any, old: Package, new: Package) -> Iterator[Difference]:
    """What a property of a package that isn't the same demands; nothing where it only describes."""
    if key in ("name", "id") and before is not None:
        now = f'the {key} of the package changes from "{before}" to "{after}"'
        message = now if after is not None else f"the package has no {key} any more"
        yield Difference("package-renamed", message, witness=str(before))
    elif key == "licenses":
        yield _licence_difference(before, after)
    elif key == "rules":
        yield from _rule_differences(old, new)
    elif key == "severities":
        if old.descriptor.get("rules") == new.descriptor.get("rules"):  # else they are told there
            yield from _rule_differences(old, new)
        for kind in sorted(old.warnings - new.warnings):
            yield Difference("constraint-tightened", f'"{kind}" is an error now, and was a warning')
        for kind in sorted(new.warnings - old.warnings):
            yield Difference("constraint-loosened", f'"{kind}" is a warning now, and was an error')
    elif key == "sqlViews":
        yield from _view_differences(_views(old), _views(new))


def _rule_differences(old: Package, new: Package) -> Iterator[Difference]:
    """Rules of the package are constraints; one that only warns is none."""
    before, after = (
        {rule.id: (rule.expression, sorted(rule.resources)) for rule in one.rules if rule.severity == "error"}
        for one in (old, new)
    )
    for name in [name for name in before if name not in after]:
        yield Difference("constraint-loosened", f'rule "{name}" is no longer demanded')
    for name in [name for name in after if name not in before]:
        yield Difference("constraint-tightened", f'rule "{name}" is demanded now')
    for name in [name for name in after if before.get(name, after[name]) != after[name]]:
        yield Difference("constraint-tightened", f'rule "{name}" demands something else')


def _view_differences(before: dict[str, str], after: dict[str, str]) -> Iterator[Difference]:
    for name, code in before.items():
        if code != after.get(name):
            said = "asks something else" if name in after else "is gone"
            yield Difference("view-changed", f'view "{name}" {said}', witness=witness.reads(name))
    for name in [name for name in after if name not in before]:
        yield Difference("view-added", f'view "{name}" is new')


VIEW = re.compile(r"CREATE\s+VIEW\s+(?:\"([^\"]+)\"|(\S+))\s+(.*)", re.IGNORECASE | re.DOTALL)


def _views(package: Package) -> dict[str, str]:
    """The views of a package by name, without comments and layout."""
    name = fingerprint.documents(package).get("sqlViews")
    path = package.base / name if name else None
    text = path.read_text(encoding="utf-8", errors="replace") if path and path.is_file() else ""
    code = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    found = (VIEW.fullmatch(part.strip()) for part in re.split(r";\s*(?:\n|$)", code))
    return {one[1] or one[2]: SPACE.sub(lambda part: part[1] or " ", one[3]).strip() for one in found if one}


SPACE = re.compile(r"""('[^']*'|"[^"]*")|\s+""")  # but not within a literal or a name


def _licence_difference(before: Any, after: Any, resource: str | None = None) -> Difference:
    if _licences(before) == _licences(after):
        return Difference("metadata-changed", "the licence is described otherwise", resource)
    if not _licences(before):  # without a licence there is nothing that anyone was allowed
        return Difference("metadata-changed", "there is a licence now", resource)
    if _restricts_no_more(before, after):
        return Difference("metadata-changed", "the licence changes to one that restricts no more", resource)
    message = "the licence becomes more restrictive, or can't be shown not to"
    return Difference("licence-restricted", message, resource, witness=_licences(before)[0][0] or _licences(before)[0][1])


def _licences(value: Any) -> list[tuple[str, str]]:
    listed = [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
    return [(str(item.get("name", "")).lower(), str(item.get("path", ""))) for item in listed]


def _restricts_no_more(before: Any, after: Any) -> bool:
    """Whether under one licence or another there is all that each of those before allowed."""
    old, new = ([LICENCES.get(name) for name, _ in _licences(value)] for value in (before, after))
    return all(was is not None and any(is_ is not None and is_ <= was for is_ in new) for was in old)


def _resource_differences(old: Package, new: Package) -> Iterator[Difference]:
    before = {resource.name: resource for resource in old.resources}
    after = {resource.name: resource for resource in new.resources}
    for name, one in [(name, one) for name, one in before.items() if name not in after]:
        lost = witness.reads(name) if one.tabular else one.place
        yield Difference("resource-removed", f'resource "{name}" is gone', name, witness=lost)
    for name in [name for name in after if name not in before]:
        yield Difference("resource-added", f'resource "{name}" is new', name)
    for name in [name for name in before if name in after]:
        yield from _common_resource(before[name], after[name], old, new)


def _common_resource(old: Resource, new: Resource, before: Package, after: Package) -> Iterator[Difference]:
    said = [{k: v for k, v in one.descriptor.items() if k not in STORAGE} for one in (old, new)]
    stored = [_storage(one) for one in (old, new)]
    for key in sorted(key for key in said[0].keys() | said[1].keys() if said[0].get(key) != said[1].get(key)):
        if key == "licenses":
            inherited = before.descriptor.get(key), after.descriptor.get(key)
            yield _licence_difference(said[0].get(key, inherited[0]), said[1].get(key, inherited[1]), new.name)
        else:
            yield Difference("metadata-changed", f'"{key}" of resource "{new.name}" changes', new.name)
    moved = sorted(key for key in stored[0].keys() | stored[1].keys() if stored[0].get(key) != stored[1].get(key))
    if moved:
        yield Difference("storage-changed", f'resource "{new.name}" is stored otherwise ({", ".join(moved)})', new.name)
    if canonical_json(old.json_schema) != canonical_json(new.json_schema):
        rule = "constraint-loosened" if new.json_schema is None else "constraint-tightened"
        yield Difference(rule, f'the JSON Schema of "{new.name}" changes', new.name)
    if not (old.tabular or new.tabular) and not _same_files(old, new):
        yield _content_difference(new, after)
    if old.tabular != new.tabular:
        lost = witness.reads(new.name) if old.tabular else None
        message = f'"{new.name}" is {"a table now" if new.tabular else "no table any more"}'
        yield Difference("type-changed", message, new.name, witness=lost)
    elif (old.schema is None) != (new.schema is None):
        typed = witness.first_typed(old.schema or new.schema)  # type: ignore[arg-type]
        types = ("any", typed.type) if typed and new.schema else (typed.type, "any") if typed else ("any", "any")
        lost = witness.uses_type(new.name, typed.name, *types) if typed else None
        message = f'"{new.name}" has {"a" if new.schema else "no"} schema now'
        yield Difference("type-changed", message, new.name, witness=lost)
    elif old.schema and new.schema:
        found = list(of_schemas(new.name, old.schema, new.schema))
        yield from found
        as_written = old.schema.names == tuple(item.get("name") for item in old.schema.descriptor["fields"])  # not renamed
        if as_written and not found and canonical_json(old.schema.descriptor) != canonical_json(new.schema.descriptor):
            yield Difference("metadata-changed", f'the schema of "{new.name}" is written otherwise', new.name)


def _same_files(old: Resource, new: Resource) -> bool:
    """Whether two resources hold the same bytes, file by file where they have as many."""
    if len(old.files) != len(new.files) or not old.files:
        return fingerprint.of_files(old) == fingerprint.of_files(new)
    return all(
        fingerprint.digest([one]) == fingerprint.digest([other]) for one, other in zip(old.files, new.files, strict=True)
    )


def _content_difference(new: Resource, after: Package) -> Difference:
    """A file's other content, as what the publisher declares it to be."""
    rules = {"correction": "values-corrected", "revision": "values-revised"}
    rule = rules.get(versioning.read(after).change, "content-changed")
    return Difference(rule, f'the content of "{new.name}" changes', new.name, witness=new.place)


def _storage(resource: Resource) -> dict[str, Any]:
    """Where and how a resource is stored; of documents, which of them lie in files of their own."""
    described = {word: resource.descriptor.get(word) for word in STORAGE - {"data", "bytes", "hash"}}
    paths = {word: described[word] if isinstance(described[word], str) else None for word in ("schema", "jsonSchema")}
    return {**described, **paths, "dialect": resource.dialect}


# Schemas


def of_schemas(name: str, old: Schema, new: Schema) -> Iterator[Difference]:
    """What two schemas of the table `name` say otherwise."""
    for field in [field for field in old.names if field not in new.names]:
        lost = witness.reads_field(name, field)
        yield Difference("field-removed", f'field "{field}" is gone', name, field, witness=lost)
    free = "exact" not in (old.fields_match, new.fields_match)
    shifted = None if free else witness.reads_position(name, old.names, new.names)
    for field in [field for field in new.names if field not in old.names]:
        rule = "field-added-by-name" if free else "field-added"
        yield Difference(rule, f'field "{field}" is new', name, field, witness=shifted)
    if not in_one_order(old.names, new.names):
        rule = "fields-reordered-by-name" if free else "fields-reordered"
        yield Difference(rule, "the fields stand in another order", name, witness=shifted)
    yield from _key_differences(name, old, new)
    if old.fields_match != new.fields_match:
        message = f'"fieldsMatch" changes from "{old.fields_match}" to "{new.fields_match}"'
        yield Difference("fields-match-changed", message, name, witness=old.fields_match)
    yield from _relationship_differences(name, _relationships(old), _relationships(new))
    if _texts(old.descriptor) != _texts(new.descriptor):
        yield Difference("metadata-changed", "the description of the schema changes", name)
    for after_field in new.fields:
        before_field = old.field(after_field.name)
        if before_field is not None:
            yield from _field_differences(name, (old, before_field), (new, after_field))


def in_one_order(old: Sequence[str], new: Sequence[str]) -> bool:
    """Whether the fields that both have stand in the same order."""
    return [field for field in old if field in new] == [field for field in new if field in old]


def _key_differences(name: str, old: Schema, new: Schema) -> Iterator[Difference]:
    if sorted(old.primary_key) != sorted(new.primary_key):
        lost = witness.needs_unique(name, old.primary_key) if old.primary_key else None
        message = f"the primary key changes from {_named(old.primary_key)} to {_named(new.primary_key)}"
        yield Difference("key-changed", message, name, witness=lost)
    for key in [key for key in old.unique_keys if not _is_unique(key, new)]:
        message = f"{_named(key)} is no unique key any more"
        yield Difference("key-changed", message, name, witness=witness.needs_unique(name, key))
    for key in [key for key in new.unique_keys if not _is_unique(key, old)]:
        yield Difference("key-changed", f"{_named(key)} is a unique key now", name)
    before, after = _foreign_keys(name, old), _foreign_keys(name, new)
    for foreign in [before[said] for said in before if said not in after]:
        broken = witness.needs_reference(name, foreign) if foreign else None
        yield Difference("key-changed", f"{_said_key(foreign)} no more", name, witness=broken)
    for said in [said for said in after if said not in before]:
        yield Difference("key-changed", f"{_said_key(after[said])} now", name)


def _said_key(key: ForeignKey | None) -> str:
    if key is None:
        return "a foreign key refers to that other package"
    return f"{_named(key.fields)} refers to {key.reference or 'its own table'}"


def _named(fields: Sequence[str]) -> str:
    return ", ".join(fields) or "none"


def _is_unique(key: Sequence[str], schema: Schema) -> bool:
    """Whether a schema says in some way that no two rows have the same values of a key."""
    one = len(key) == 1 and (field := schema.field(key[0])) and field.constraints.get("unique")
    return bool(one) or sorted(key) in map(sorted, (schema.primary_key, *schema.unique_keys))


def _foreign_keys(name: str, schema: Schema) -> dict[str, ForeignKey | None]:
    """The foreign keys of a table, each under what is the same for all its spellings; None for one into another package."""
    listed = schema.descriptor.get("foreignKeys")
    outside = [
        item
        for item in (listed if isinstance(listed, list) else ())
        if isinstance(item, dict) and isinstance(item.get("reference"), dict) and "package" in item["reference"]
    ]
    own = {
        canonical_json([key.reference or name, sorted(zip(key.fields, key.reference_fields, strict=False))]): key
        for key in schema.foreign_keys
    }
    return {**own, **{canonical_json(item): None for item in outside}}


def _relationships(schema: Schema) -> list[tuple[str, str]]:
    """The relationships of a schema, each as its fields, in their order where that matters, and its link."""
    listed = schema.descriptor.get("relationships")
    return [
        (
            " and ".join(map(str, (list if item.get("link") == "derived" else sorted)(item.get("fields") or ()))),
            str(item.get("link")),
        )
        for item in (listed if isinstance(listed, list) else ())
        if isinstance(item, dict)
    ]


def _relationship_differences(name: str, before: list[tuple[str, str]], after: list[tuple[str, str]]) -> Iterator[Difference]:
    for fields, link in [one for one in before if one not in after]:
        yield Difference("constraint-loosened", f"{fields} are no longer said to be {link}", name)
    for fields, link in [one for one in after if one not in before]:
        yield Difference("constraint-tightened", f"{fields} are said to be {link} now", name)


def _field_differences(name: str, before: tuple[Schema, Field], after: tuple[Schema, Field]) -> Iterator[Difference]:
    (old_schema, old), (new_schema, new) = before, after
    if old.type != new.type:
        lost = witness.uses_type(name, new.name, old.type, new.type)
        yield Difference("type-changed", f'type changes from "{old.type}" to "{new.type}"', name, new.name, witness=lost)
    if _reading(old) != _reading(new):
        lost = witness.written(old, new) if old.type == new.type else None
        yield Difference("format-changed", "the format in which values are written changes", name, new.name, witness=lost)
    if set(old.missing_values) != set(new.missing_values):
        lost = witness.missing_value(old, new)
        yield Difference("missing-values-changed", "the missing values change", name, new.name, witness=lost)
    for constraint in sorted((old.constraints.keys() | new.constraints.keys()) - {"enum"}):
        was, is_ = _in_force(constraint, old, old_schema), _in_force(constraint, new, new_schema)
        if not _same_constraint(was, is_):
            yield from _constraint_difference(name, (old, new), constraint, was, is_)
    yield from _codes_differences(name, old, new)
    if _texts(old.descriptor) != _texts(new.descriptor):
        yield Difference("metadata-changed", "the description of the field changes", name, new.name)


def _in_force(constraint: str, field: Field, schema: Schema) -> Any:
    """A field's constraint, or what a key says instead of it."""
    said = field.constraints.get(constraint)
    if constraint == "required" and field.name in schema.primary_key:
        return True
    return True if constraint == "unique" and _is_unique((field.name,), schema) else said


# What decides how a cell is read, with the standard's defaults, and of which types.
READING: dict[str, Any] = {
    "trueValues": expressions.TRUE_VALUES, "falseValues": expressions.FALSE_VALUES, "bareNumber": True,
    "decimalChar": ".", "groupChar": None, "delimiter": ",", "itemType": "string",
}  # fmt: skip
OPTIONS = {
    "boolean": ("trueValues", "falseValues"), "integer": ("bareNumber", "groupChar"),
    "number": ("bareNumber", "decimalChar", "groupChar"), "list": ("delimiter", "itemType"),
}  # fmt: skip
# What has rules of its own; the rest of a field or schema describes it.
RULED = {
    *READING, "name", "type", "format", "constraints", "categories", "categoriesOrdered", "missingValues",
    "fields", "primaryKey", "uniqueKeys", "foreignKeys", "fieldsMatch", "relationships",
}  # fmt: skip


def reading(field: Field) -> tuple[Any, ...]:
    """What decides which value a cell has."""
    return (field.type, tuple(sorted(field.missing_values)), *_reading(field))


def _reading(field: Field) -> tuple[Any, ...]:
    own = OPTIONS.get(field.type, ())
    options = {word: field.option(word, default) if word in own else default for word, default in READING.items()}
    for word in ("trueValues", "falseValues"):
        options[word] = sorted(map(str, options[word])) if isinstance(options[word], (list, tuple)) else options[word]
    return (field.format, *map(canonical_json, options.values()))


def _texts(descriptor: Descriptor) -> str:
    return canonical_json({word: value for word, value in descriptor.items() if word not in RULED})


def _same_constraint(before: Any, after: Any) -> bool:
    """Whether a constraint is the same; one that is false is none."""
    none = before is None or before is False, after is None or after is False
    return all(none) or (not any(none) and before == after)


def _constraint_difference(
    name: str, fields: tuple[Field, Field], constraint: str, before: Any, after: Any
) -> Iterator[Difference]:
    given, taken = before is None or before is False, after is None or after is False
    if (given and _implied(constraint, after, fields[0])) or (taken and _implied(constraint, before, fields[1])):
        return
    known = constraint in GROWING + SHRINKING and not (given or taken)
    ordered = _ordered(*(_limit(constraint, *one) for one in zip(fields, (before, after), strict=True))) if known else None
    if ordered == 0:
        return
    # What can't be shown to allow all that it did is tighter.
    tightens = not taken and (ordered is None or ordered == (1 if constraint in GROWING else -1))
    rule, bounds = ("constraint-tightened", (before, after)) if tightens else ("constraint-loosened", (after, before))
    message = f'constraint "{constraint}" changes from {_shown(before)} to {_shown(after)}'
    yield Difference(rule, message, name, fields[1].name, witness=witness.allowed_by_one(fields[1], constraint, *bounds))


def _implied(constraint: str, value: Any, field: Field) -> bool:
    """Whether a field sees to a constraint without it: by the other bound on the same side, or as it asks for nothing."""
    if constraint == "minLength":
        return bool(value == 0)
    beside = BESIDE.get(constraint, "")
    if beside not in field.constraints:
        return False
    ordered = _ordered(_limit(constraint, field, value), _limit(beside, field, field.constraints[beside]))
    if ordered is None:
        return False
    excludes = constraint.startswith("exclusive") and field.type != "integer"
    return (ordered if constraint in GROWING else -ordered) >= (1 if excludes else 0)


def _limit(constraint: str, field: Field, bound: Any) -> Any:
    """The value of a bound, of integers the last one within it; None where it isn't of the field's type."""
    if constraint in ("minLength", "maxLength"):
        return bound
    value = Reference(field).cast(bound)
    step = {"exclusiveMinimum": 1, "exclusiveMaximum": -1}.get(constraint, 0)
    return value + step if step and value is not None and field.type == "integer" else value


def _ordered(before: Any, after: Any) -> int | None:
    """-1, 0 or 1 as `after` lies under, at or over `before`; None where they can't be compared."""
    try:
        return int(after > before) - int(after < before)
    except (TypeError, ArithmeticError):
        return None


def _codes_differences(name: str, old: Field, new: Field) -> Iterator[Difference]:
    """What becomes of the codes that `enum` and `categories` allow together, and of the way in which they say so."""
    before, after = allowed_codes(old), allowed_codes(new)
    words = [word for word in ("enum", "categories") if _said_codes(old, word) != _said_codes(new, word)]
    word, s = " and ".join(f'"{one}"' for one in words), "" if len(words) > 1 else "s"
    gone, more = _not_in(before, old, after, new), _not_in(after, new, before, old)
    if before is not None and after is None:
        yield Difference("constraint-loosened", f"{word} no longer limit{s} the values", name, new.name)
    elif before is None and after is not None:
        said = f"{word} now limit{s} the values to {', '.join(map(str, more))}"
        yield Difference("constraint-tightened", said, name, new.name)
    elif gone or more:
        for rule, verb, found in (("constraint-tightened", "lose", gone), ("codes-added", "gain", more)):
            if found:
                message = f"{word} {verb}{s} {', '.join(map(str, found))}"
                yield Difference(rule, message, name, new.name, len(found), witness.code(found[0]))
    elif bool(old.categories) != bool(new.categories):
        said = '"categories" lists the codes now' if new.categories else '"categories" no longer lists the codes'
        yield Difference("categories-changed", said, name, new.name)
    elif words:
        yield Difference("metadata-changed", f"{word} list{s} the same codes in another order or wording", name, new.name)
    yield from _order_differences(name, old, new)


def _order_differences(name: str, old: Field, new: Field) -> Iterator[Difference]:
    """What becomes of the order that codes have, if they have one."""
    ordered = [bool(one.categories) and one.option("categoriesOrdered") is True for one in (old, new)]
    if not ordered[0]:
        if ordered[1] and old.categories:
            yield Difference("categories-changed", "the codes have an order now", name, new.name)
        return
    kept = [code for code in old.categories if code in new.categories]
    now = [code for code in new.categories if code in old.categories]
    lost = f"{kept[0]} < {kept[1]}" if len(kept) > 1 else None
    if new.categories and not ordered[1]:
        yield Difference("codes-reordered", "the codes have no order any more", name, new.name, witness=lost)
    elif now and kept != now:
        place = next(at for at, (one, other) in enumerate(zip(kept, now, strict=True)) if one != other)
        lost = f"{kept[place]} < {now[place]}"
        yield Difference("codes-reordered", "the codes stand in another order", name, new.name, witness=lost)


def allowed_codes(field: Field) -> list[Any] | None:
    """The values that `enum` and `categories` allow together, as they are written; None where neither limits them."""
    enum = field.constraints.get("enum")
    listed = [list(values) for values in (enum if isinstance(enum, list) else (), field.categories) if values]
    if not listed:
        return None
    apart = [code for other in listed[1:] for code in _not_in(listed[0], field, other, field)]
    return [code for code in listed[0] if code not in apart]


def _not_in(listed: Sequence[Any] | None, field: Field, others: Sequence[Any] | None, other: Field) -> list[Any]:
    """The codes of a field that no code of another one is the value of."""
    known = [_code(code, other) for code in others or ()]
    return [code for code in listed or () if _code(code, field) not in known]


def _code(code: Any, field: Field) -> Any:
    """The value that a code is; itself where it is none of its field's."""
    value = Reference(field).cast(code) if isinstance(code, str) and field.type != "string" else code
    return code if value is None else value


def _said_codes(field: Field, word: str) -> Any:
    return field.constraints.get(word) if word == "enum" else field.option(word)


def _shown(value: Any) -> str:
    return "none" if value is None else canonical_json(value)
