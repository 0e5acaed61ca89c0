"""Which tables and fields of two packages are compared, with which, and on what terms: the paths that a user writes, resolved.

A path is `resource`, `resource.field` or, where both packages have one table, `field`. It is in the old package's words (a key
in either's); what is made of it here is in the new one's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from . import declared, rows, witness
from .changes import Difference, Terms
from .engine import Engine
from .exceptions import UsageFault
from .package import ForeignKey, Package, Resource, Schema
from .report import shorten
from .scan import Checked, Wanted
from .streams import DELIMITED
from .tables import labels

NUMERIC = frozenset({"integer", "number", "year", "string", "any"})


@dataclass(frozen=True)
class TableTerms:
    """On what terms a table is compared: fields by their new names. `renamed` has the old name of those that had another."""

    key: tuple[str, ...] = ()
    ignored: frozenset[str] = frozenset()
    near: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Agreed:
    """The terms of two packages: by table, the resources that aren't looked at, and the old name of renamed ones."""

    tables: Mapping[str, TableTerms]
    ignored: frozenset[str]
    renamed: Mapping[str, str]

    def of(self, name: str) -> TableTerms:
        """The terms of one table."""
        return self.tables.get(name, TableTerms())

    def regards(self, difference: Difference) -> bool:
        """Whether a difference is in what is looked at."""
        name = difference.resource or ""
        return name not in self.ignored and (difference.field or "") not in self.of(name).ignored


def agreed(terms: Terms, old: Package, new: Package) -> Agreed:
    """The terms with every path resolved. Raises UsageFault for one that names nothing, or what makes no sense there."""
    return _Resolver(terms, old, new).agreed()


class _Resolver:
    def __init__(self, terms: Terms, old: Package, new: Package) -> None:
        self.terms = terms
        self.old = {resource.name: names(resource) for resource in old.resources}
        self.new = {resource.name: names(resource) for resource in new.resources}
        single = [resource.name for resource in old.resources if resource.tabular]
        self.only = single[0] if len(single) == 1 == sum(resource.tabular for resource in new.resources) else None
        moves = {self._split(path, "--rename"): name for path, name in terms.renamed.items()}
        self.resources = {resource: name for (resource, column), name in moves.items() if not column}
        self.columns = {path: name for path, name in moves.items() if path[1]}
        self._refuse_bad_renames()

    def agreed(self) -> Agreed:
        ignored = [self._split(path, "--ignore") for path in sorted(self.terms.ignored)]
        absolute, relative = self._limits("--abs-tol", self.terms.absolute), self._limits("--rel-tol", self.terms.relative)
        tolerances = {path: (absolute.get(path, 0.0), relative.get(path, 0.0)) for path in (*absolute, *relative)}
        keys = self._keys()
        tables = {}
        for name in self.new:
            columns = frozenset(self._new_name(part, column) for part, column in ignored if column and self._new(part) == name)
            close = {
                self._new_name(part, column): pair for (part, column), pair in tolerances.items() if self._new(part) == name
            }
            moved = {new: column for (part, column), new in self.columns.items() if self._new(part) == name}
            tables[name] = TableTerms(keys.get(name, ()), columns, close, moved)
        whole = frozenset(self._new(part) for part, column in ignored if not column)
        return Agreed(tables, whole, {new: old for old, new in self.resources.items()})

    def _split(self, path: str, option: str) -> tuple[str, str]:
        """A path as resource and field, "" for a whole resource."""
        known = self.old.keys() | (self.new.keys() if option == "--ignore" else set())
        if path in known:
            return path, ""
        for name in sorted(known, key=len, reverse=True):
            if path.startswith(f"{name}."):
                return self._known(name, path[len(name) + 1 :], path, option)
        if self.only is not None:
            return self._known(self.only, path, path, option)
        raise UsageFault(f'"{path}" names no resource of the old package', where=option, fix="write RESOURCE or RESOURCE.FIELD")

    def _known(self, resource: str, column: str, path: str, option: str) -> tuple[str, str]:
        listed = {*self.old.get(resource, ()), *(self.new.get(resource, ()) if option == "--ignore" else ())}
        if listed and column not in listed:
            raise UsageFault(
                f'"{path}" names no field of "{resource}"', where=option, fix=f"it has {', '.join(sorted(listed))}"
            )
        return resource, column

    def _limits(self, option: str, given: Mapping[str, float]) -> dict[tuple[str, str], float]:
        """Tolerances by resource and field."""
        found = {}
        for path, limit in given.items():
            resource, column = self._split(path, option)
            if not column:
                raise UsageFault(f'"{path}" is a resource', where=option, fix=f"write {path}.FIELD=NUMBER")
            if not math.isfinite(limit) or limit < 0:
                raise UsageFault(f'{limit} is no tolerance for "{path}"', where=option, fix="give 0 or more")
            found[resource, column] = float(limit)
        return found

    def _new(self, resource: str) -> str:
        return self.resources.get(resource, resource)

    def _new_name(self, resource: str, column: str) -> str:
        return self.columns.get((resource, column), column)

    def _keys(self) -> dict[str, tuple[str, ...]]:
        back = {new: old for old, new in self.resources.items()}
        found = {}
        for given, fields in self.terms.keys.items():
            name = self._new(given or self.only or "")
            before = back.get(name, name)
            if name not in self.new or before not in self.old:
                what = f'no table is called "{given}" on both sides' if given else "there is more than one table"
                raise UsageFault(what, where="--key", fix="write RESOURCE=FIELD[,FIELD]")
            found[name] = tuple(self._new_name(before, column) for column in fields)
        return found

    def _refuse_bad_renames(self) -> None:
        for old, new in self.resources.items():
            if new not in self.new:
                raise UsageFault(f'the new package has no resource "{new}"', where="--rename", fix=f"name what {old} is now")
            if new in self.old:
                raise UsageFault(f'the old package has a resource "{new}" too', where="--rename", fix="leave it out")
            self._refuse_both([one for one, name in self.resources.items() if name == new], "the old package", new)
        for (resource, column), new in self.columns.items():
            after = self.new.get(self._new(resource), ())
            if after and new not in after:
                what = f'the new "{self._new(resource)}" has no field "{new}"'
                raise UsageFault(what, where="--rename", fix=f"name what {column} is now")
            if new in self.old[resource]:
                raise UsageFault(f'the old "{resource}" has a field "{new}" too', where="--rename", fix="leave it out")
            same = [one for (part, one), name in self.columns.items() if (part, name) == (resource, new)]
            self._refuse_both(same, f'"{resource}"', new)

    @staticmethod
    def _refuse_both(old: Sequence[str], place: str, new: str) -> None:
        if len(old) > 1:
            what = f'"{old[0]}" and "{old[1]}" of {place} can\'t both be "{new}"'
            raise UsageFault(what, where="--rename", fix="name the one that is")


def names(resource: Resource) -> tuple[str, ...]:
    """The fields of a table as far as they are known before its data is read."""
    return resource.schema.names if resource.schema else labels(resource) if resource.tabular else ()


# The old package in the new one's words


def renamed(package: Package, terms: Agreed) -> Package:
    """The old package, its resources called as they are in the new one; fields keep their names, as the data has those."""
    calls = {old: new for new, old in terms.renamed.items()}
    if not calls:
        return package
    return replace(package, resources=tuple(_called(resource, calls) for resource in package.resources))


def _called(resource: Resource, calls: Mapping[str, str]) -> Resource:
    name = calls.get(resource.name, resource.name)
    schema = resource.schema and replace(
        resource.schema,
        foreign_keys=tuple(
            replace(key, reference=calls.get(key.reference, key.reference)) for key in resource.schema.foreign_keys
        ),
    )
    return replace(resource, name=name, schema=schema, descriptor={**resource.descriptor, "name": name})


def described(package: Package, terms: Agreed) -> Package:
    """What the old package says, with its fields called as they are in the new one."""
    moved = {name: table.renamed for name, table in terms.tables.items()}
    return replace(
        package,
        resources=tuple(
            replace(one, schema=with_fields(one.schema, moved.get(one.name, {}), moved)) if one.schema else one
            for one in package.resources
        ),
    )


def with_fields(schema: Schema, renamed: Mapping[str, str], others: Mapping[str, Mapping[str, str]] | None = None) -> Schema:
    """A schema with the new names of its fields, and of those of other tables that its foreign keys point at."""

    def new(words: Sequence[str], of: Mapping[str, str]) -> tuple[str, ...]:
        calls = {old: name for name, old in of.items()}
        return tuple(calls.get(word, word) for word in words)

    def key(one: ForeignKey) -> ForeignKey:
        target = (others or {}).get(one.reference, {}) if one.reference else renamed
        return replace(one, fields=new(one.fields, renamed), reference_fields=new(one.reference_fields, target))

    names_ = new(schema.names, renamed)
    return replace(
        schema,
        fields=tuple(replace(item, name=name) for item, name in zip(schema.fields, names_, strict=True)),
        primary_key=new(schema.primary_key, renamed),
        unique_keys=tuple(new(words, renamed) for words in schema.unique_keys),
        foreign_keys=tuple(key(one) for one in schema.foreign_keys),
    )


def differences(terms: Agreed) -> Iterator[Difference]:
    """The renames that the terms declare, of what is looked at."""
    return filter(terms.regards, _renames(terms))


def _renames(terms: Agreed) -> Iterator[Difference]:
    for new, old in terms.renamed.items():
        message = f'resource "{old}" is called "{new}" now'
        yield Difference("resource-renamed", message, new, witness=witness.reads(old))
    for name, table in terms.tables.items():
        for new, old in table.renamed.items():
            message = f'field "{old}" is called "{new}" now'
            query = witness.reads_field(terms.renamed.get(name, name), old)
            yield Difference("field-renamed", message, name, new, witness=query)


# Tables


def wanted(old: Resource, new: Resource, terms: Agreed, *, lean: bool) -> tuple[Wanted, Wanted]:
    """What the passes over both sides of a table should keep, as far as its fields are known before.

    If `lean`, only keys are checked, and the values of rows that differ once they are known; but all where the data must tell
    what the key is. Where a field is read alike on both sides, raw cells that are the same have the same value.
    """
    own = terms.of(new.name)
    back = {column: name for name, column in own.renamed.items()}
    before, after = [back.get(name, name) for name in names(old)], names(new)
    common = [name for name in before if name in after]
    found, said = rows.keys_of(own.key, _primary(old, back), _primary(new, {}), common)
    key = found[0] if found else ()
    values = _values(own, common, key)
    raw = _plain(old) and _plain(new) and all(_read_alike(old, own.renamed.get(name, name), new, name) for name in values)
    old_key, old_values = ([own.renamed.get(name, name) for name in listed] for listed in (key, values))
    lean = lean and (said or not found)
    return rows.wanted(old_key, old_values, raw=raw, lean=lean), rows.wanted(key, values, raw=raw, lean=lean)


def _plain(resource: Resource) -> bool:
    """Whether a table's cells come as texts."""
    return resource.format in DELIMITED and not isinstance(resource.data, list)


def _read_alike(old: Resource, old_name: str, new: Resource, name: str) -> bool:
    if old.schema is None or new.schema is None:
        return old.schema is new.schema
    before, after = old.schema.field(old_name), new.schema.field(name)
    return before is not None and after is not None and declared.reading(before) == declared.reading(after)


def _primary(resource: Resource, calls: Mapping[str, str]) -> list[str]:
    return [calls.get(name, name) for name in resource.schema.primary_key] if resource.schema else []


def _values(terms: TableTerms, common: Sequence[str], key: Sequence[str]) -> tuple[str, ...]:
    """Those of the fields that both sides of a table have whose values are compared."""
    return tuple(name for name in common if name not in key and name not in terms.ignored)


def pair(engine: Engine, name: str, old: Checked, new: Checked, terms: Agreed) -> rows.Pair:
    """A table as both packages have it.

    Raises UsageFault for a key that is not there or is not looked at, and for a tolerance without a key or for no number.
    """
    own = terms.of(name)
    back = {column: new for new, column in own.renamed.items()}
    before = [back.get(column, column) for column in old.columns]
    for word in own.key:
        if word not in before or word not in new.columns:
            shared = ", ".join(column for column in before if column in new.columns)
            fix = f"name one of {shorten(shared, 200)}" if shared else "the two share no field"
            raise UsageFault(f'"{name}" has no field "{word}" on both sides', where="--key", fix=fix)
    common = [column for column in before if column in new.columns]
    found, said = rows.keys_of(own.key, _primary(old.table.resource, back), _primary(new.table.resource, {}), common)
    key = next((key for key in found if said or _holds(engine, key, old, new, own.renamed)), ())
    values = _values(own, common, key)
    for word in (word for word in key if word in own.ignored or word in own.near):
        fix = "compare it as it is, or name another key with --key"
        option = "--ignore" if word in own.ignored else "--abs-tol or --rel-tol"
        raise UsageFault(f'"{word}" is in the key of "{name}"', where=option, fix=fix)
    if own.near and not key:
        message = f'"{name}" has no key, so no number of one row is near that of another'
        raise UsageFault(message, where="--abs-tol or --rel-tol", fix="name a key with --key")
    for word in own.near:
        declared = new.table.schema.field(word)
        if word not in values or (declared is not None and declared.type not in NUMERIC):
            raise UsageFault(
                f'"{word}" of "{name}" holds no numbers to be near', where="--abs-tol or --rel-tol", fix="name another"
            )
    sides = (before, new.columns), (new.columns, before)
    lone = [tuple(one for one in mine if one not in others and one not in own.ignored) for mine, others in sides]
    return rows.Pair(name, old, new, key, values, own.near, own.renamed, (lone[0], lone[1]))


def _holds(engine: Engine, key: Sequence[str], old: Checked, new: Checked, renamed: Mapping[str, str]) -> bool:
    """Whether no two rows share a key, on either side."""
    return rows.is_key(engine, old, [renamed.get(word, word) for word in key]) and rows.is_key(engine, new, key)
