"""Two packages to Changes: metadata, schemas and rows, each difference named by the id of its version rule.

Rows are matched by the primary key (or a key that is given) and compared by value, so a re-quoted or re-sorted file is no
change. Without a key, rows are a multiset.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from . import declared, doubts, fingerprint, pairing, references, rows, semver, version, versioning, witness
from .changes import Changes, Difference, Note, ResourceDiff, Side, Terms
from .engine import Engine
from .exceptions import DataFault, ImprintError
from .header import any_field
from .package import ForeignKey, Package, Resource
from .scan import Checked
from .tables import unlisted
from .validation import enough, linked, open_tables
from .versioning import Versioning, Waiver

PLAIN = Terms()


def diff(old: Package, new: Package, terms: Terms = PLAIN, *, fingerprints: bool = True, memory: str | None = None) -> Changes:
    """What changed from `old` to `new`. Two bare data files are compared whatever they are called.

    The sides' fingerprints take longer than the rest, and are left out unless `fingerprints`. Raises DataFault where a key is
    not unique, UsageFault where the terms name what is not there, ImprintError for data that can't be read.
    """
    settings = versioning.read(new)
    old = _under_one_name(old, new)
    sources = old, new
    old, new = widened(old, new), widened(new, old)
    agreed = pairing.agreed(terms, old, new)
    old = pairing.renamed(old, agreed)
    both = [(one, other) for other in new.resources if (one := old.resource(other.name)) is not None]
    planned = {
        two.name: pairing.wanted(one, two, agreed, lean=not fingerprints)
        for one, two in both
        if one.tabular and two.tabular and two.name not in agreed.ignored
    }
    kept = [
        {name: sides[number].checking(keys[name].texts) for name, sides in planned.items()}
        for number, keys in enumerate((linked(old), linked(new)))
    ]
    with open_tables(old, new, memory=memory or enough(old, new), wanted=kept) as (engine, (before, after)):
        _refuse_unread(old, before, agreed)
        _refuse_unread(new, after, agreed)
        pairs = {
            name: pairing.pair(engine, name, before[name], after[name], agreed)
            for name in planned
            if name in before and name in after
        }
        for pair in pairs.values():
            _refuse_twins(old, pair.old)
            _refuse_twins(new, pair.new)
        with ThreadPoolExecutor() as pool:
            compared = list(pool.map(lambda pair: rows.compare(engine, pair, terms), pairs.values()))
        notes = [*_not_valid(old, before), *_not_valid(new, after), *_unrelated(old, new)]
        for pair, (found, matched) in zip(pairs.values(), compared, strict=True):
            notes += [*doubts.renamed_fields(engine, pair), *doubts.notes(engine, pair, found, matched)]
        notes += doubts.renamed_tables(engine, before, after)
        resources = tuple(found for found, _ in compared)
        described = pairing.described(old, agreed)
        differences = [
            *declared.of_packages(described, new),
            *_row_differences(engine, pairs, resources, before, settings),
            *_moved_references(engine, pairs, resources, described),
        ]
        sides = [
            Side(package.name, package.version, _fingerprint(engine, package, tables, calls) if fingerprints else "")
            for package, tables, calls in zip(sources, (before, after), (agreed.renamed, {}), strict=True)
        ]
    regarded = (*pairing.differences(agreed), *(one for one in differences if agreed.regards(one)))
    notes += [Note("setting-unknown", f'"versioning": {what}; {fix}') for what, fix in versioning.unknown(new)]
    notes += _version_notes(old, new, regarded, settings.waivers)
    return Changes(sides[0], sides[1], regarded, resources, settings.waivers, tuple(notes), settings.profile)


def _under_one_name(old: Package, new: Package) -> Package:
    """`old`, its resource called as `new`'s is where both are bare data files."""
    if not (old.bare and new.bare):
        return old
    after = new.resources[0]
    return replace(old, resources=(replace(old.resources[0], name=after.name, descriptor=after.descriptor),))


def widened(package: Package, other: Package) -> Package:
    """A package whose schemas list the columns that neither side's does, though it allows them: they are compared, too."""
    return replace(package, resources=tuple(_with_unlisted(one, other.resource(one.name)) for one in package.resources))


def _with_unlisted(resource: Resource, other: Resource | None) -> Resource:
    schema, listed = resource.schema, other.schema.names if other and other.schema else ()
    more = tuple(any_field(name) for name in unlisted(resource) if name not in listed)
    if schema is None or not more:
        return resource
    described = {**schema.descriptor, "fields": [*schema.descriptor["fields"], *(field.descriptor for field in more)]}
    return replace(resource, schema=replace(schema, fields=(*schema.fields, *more), descriptor=described))


def _refuse_unread(package: Package, tables: Mapping[str, Checked], agreed: pairing.Agreed) -> None:
    for resource in package.resources:
        read = resource.name in tables if resource.tabular else bool(resource.files) or resource.data is not None
        if not read and resource.name not in agreed.ignored:
            message = f'the data of "{resource.name}" can\'t be read'
            raise ImprintError(message, where=package.source, fix="run imprint validate, or leave it out with --ignore")


def _refuse_twins(package: Package, one: Checked) -> None:
    """Columns are matched by their names."""
    times = Counter(column.field.name for column in one.table.columns if column.declared)
    for twin, number in times.most_common(1):
        if number > 1:
            message = f'two columns of "{one.name}" are called "{twin}"'
            raise DataFault(
                message, where=package.source, fix="give each a name of its own, or leave the table out with --ignore"
            )


def _not_valid(package: Package, tables: Mapping[str, Checked]) -> Iterator[Note]:
    """Tables that aren't valid: what is no value of its field counts as null."""
    for name, one in tables.items():
        count = sum(one.findings.counts.values())
        if count:
            found = f"{count:,} error{'' if count == 1 else 's'} on the way"
            message = f'"{name}" of {package.source} is not valid ({found}): a cell that is no value counts as null'
            yield Note("not-valid", message, name)


def _unrelated(old: Package, new: Package) -> Iterator[Note]:
    known = {resource.name for resource in old.resources}
    if known and new.resources and known.isdisjoint(resource.name for resource in new.resources):
        yield Note("unrelated", f"{old.source} and {new.source} have no resource in common: are they the same package?")


def _fingerprint(engine: Engine, package: Package, tables: Mapping[str, Checked], calls: Mapping[str, str]) -> str:
    """The fingerprint of a package; `calls` has its own name for tables that go by another meanwhile."""
    own = {resource.name: resource.schema for resource in package.resources}
    prints = {
        calls.get(name, name): fingerprint.of_table(engine, one, own[calls.get(name, name)], columns=False)
        for name, one in tables.items()
    }
    return fingerprint.of_package(package, prints)


def _version_notes(old: Package, new: Package, differences: Sequence[Difference], waivers: Sequence[Waiver]) -> Iterator[Note]:
    """Waivers that do nothing, and a version that went down."""
    for waiver in waivers:
        if waiver.rule not in version.RULES:
            message = f'the descriptor waives "{waiver.rule}", which is no rule; imprint diff --rules lists them all'
            yield Note("waiver-unused", message)
        elif not any(version.waives(waiver, one) for one in differences):
            place = f' at "{waiver.path}"' if waiver.path else ""
            yield Note("waiver-unused", f"the descriptor waives {waiver.rule}{place}, and there is no such change: take it out")
    semantic = all(semver.SEMVER.fullmatch(one.version) for one in (old, new))
    if semantic and semver.precedence(new.version) < semver.precedence(old.version):
        yield Note("version-lower", f"the new version, {new.version}, is lower than the old one, {old.version}")


def _row_differences(
    engine: Engine, pairs: Mapping[str, rows.Pair], resources: Sequence[ResourceDiff], tables: Mapping[str, Checked],
    settings: Versioning,
) -> Iterator[Difference]:  # fmt: skip
    """What differs between the rows and columns of the tables that both packages have; `tables` are the old package's."""
    for found in resources:
        pair = pairs[found.name]
        yield from _columns(pair)
        before = pair.old.rows
        if found.added:
            message = f"{_count(found.added)} more"
            yield Difference("rows-added", message, found.name, count=found.added, witness=_example(found, "added"))
        if found.removed:
            referenced, by = references.referenced(engine, pair, tables)
            if by:
                yield _referenced(found, referenced, *by)
            yield _removed(found, before, settings)
        if found.changed:
            yield from _references(found, pair.new)
            yield _changed(found, before, settings)


def _columns(pair: rows.Pair) -> Iterator[Difference]:
    """Columns that the data gains or loses under schemas that don't say so, or without one."""
    old, new, name = pair.old, pair.new, pair.name
    if old.table.resource.schema is None and new.table.resource.schema is None:
        yield from declared.of_schemas(name, pairing.with_fields(old.table.schema, pair.renamed), new.table.schema)
        return
    calls = {own: field for field, own in pair.renamed.items()}
    present = [calls.get(field, field) for field in old.columns]
    for field in (calls.get(field, field) for field in old.table.schema.names):
        if field not in new.table.schema.names:
            continue
        if field in present and field not in new.columns:
            lost = witness.reads_field(name, field)
            yield Difference("field-removed", f'the data has no column "{field}" any more', name, field, witness=lost)
        elif field in new.columns and field not in present:
            yield Difference("field-added-by-name", f'the data has a column "{field}" now', name, field)
    declared_names = pairing.with_fields(old.table.schema, pair.renamed).names
    same_schema = declared.in_one_order(declared_names, new.table.schema.names)
    if same_schema and not declared.in_one_order(present, list(new.columns)):
        yield Difference("fields-reordered-by-name", "the columns of the data stand in another order", name)


def _referenced(found: ResourceDiff, referenced: int, other: str, key: ForeignKey) -> Difference:
    """Rows gone that others referred to; if not all that are gone were, it takes a query to tell which."""
    example = _example(found, "removed") if referenced == found.removed else witness.reads_referenced(other, key)
    message = f"{_count(referenced)} gone that others referred to"
    return Difference("referenced-rows-removed", message, found.name, count=referenced, witness=example)


def _moved_references(
    engine: Engine, pairs: Mapping[str, rows.Pair], resources: Sequence[ResourceDiff], old: Package
) -> Iterator[Difference]:
    """Values that others refer to, and that mean another row now; `old` is the old package in the new one's words."""
    changed = {found.name: found.fields for found in resources if found.changed}
    for name, other in pairs.items():
        before = old.resource(name)
        for key in before.schema.foreign_keys if before and before.schema else ():
            aimed = key.reference or name
            fields = changed.get(aimed, {}).keys() & set(key.reference_fields)
            if not fields or key not in other.new.table.schema.foreign_keys:
                continue
            count, example = references.meaning_another(engine, pairs[aimed], other, key)
            if count:
                values = f"{count:,} value{'' if count == 1 else 's'} of {', '.join(key.reference_fields)}"
                message = f'{values} that "{name}" refers to, now in another row or in none'
                yield Difference("referenced-rows-changed", message, aimed, count=count, witness=example)


def _removed(found: ResourceDiff, before: int, settings: Versioning) -> Difference:
    rule = "many-rows-removed" if found.removed > settings.removed_share * before else "rows-removed"
    message, example = f"{found.removed:,} of {_count(before)} gone", _example(found, "removed")
    return Difference(rule, message, found.name, count=found.removed, witness=example)


def _references(found: ResourceDiff, new: Checked) -> Iterator[Difference]:
    """Fields of foreign keys whose values are others: their rows refer to other rows."""
    fields = dict.fromkeys(field for key in new.table.schema.foreign_keys for field in key.fields)
    for field in [field for field in fields if field in found.fields]:
        count = found.fields[field]
        example = _example(found, "changed", field)
        yield Difference("references-changed", f"{_count(count)} with another reference", found.name, field, count, example)


def _changed(found: ResourceDiff, before: int, settings: Versioning) -> Difference:
    message = f"{found.changed:,} of {_count(before)} with other values in {', '.join(found.fields)}"
    many = found.changed > settings.changed_share * before
    revised = settings.change == "revision" or (many and settings.change != "correction")
    rule = "values-revised" if revised else "values-corrected"
    return Difference(rule, message, found.name, count=found.changed, witness=_example(found, "changed"))


def _count(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"


def _example(found: ResourceDiff, op: str, field: str | None = None) -> str | None:
    """The key of a row, or what it holds in a table without a key; of one that changed in `field` if that is given."""
    for row in found.rows:
        if row.op == op and (field is None or field in row.cells):
            was, is_ = zip(*row.cells.values(), strict=True) if row.cells else ((), ())
            values = row.key.values() or (was if op == "removed" else is_)
            return ", ".join("null" if value is None else value for value in values) or None
    return None
