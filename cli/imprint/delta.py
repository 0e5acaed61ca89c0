"""A delta: a Data Package that carries what changed from one package, its base, to another, its target.

Of each table that differs it has the rows of the base that are gone, `<table>.removed`, and the rows of the target that are
new, `<table>.added`; a changed row is in both. Rows are compared as a multiset over the columns of both tables, a column that
a table lacks being null there. Files that aren't tables are in it, from both sides, where they differ; so are both descriptors
and the documents that they name. Its bytes depend on the content of the two packages alone.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from . import archive, descriptor, fingerprint, profile, storing
from .engine import Engine
from .exceptions import DataFault, ImprintError, UsageFault
from .package import Package, Resource
from .remote import is_url
from .scan import Checked
from .storing import Rows, Shape
from .validation import open_tables

T = TypeVar("T")
WORD = "delta"  # the descriptor's property that makes a package a delta
# What of a table's faults leaves it unclear which rows and values it has.
UNCLEAR = frozenset({
    "type-error", "missing-cell", "extra-cell", "blank-row", "encoding-error", "source-error", "missing-label", "extra-label",
    "blank-label", "duplicate-label", "incorrect-label", "blank-header", "unmatched-header",
})  # fmt: skip
# What of a field says nothing about how a cell is read.
LIMITS = frozenset({"constraints", "categories", "categoriesOrdered"})


@dataclass(frozen=True)
class Content:
    """What a resource holds: its fingerprint and, of a table, that of each column (None of one that the schema lacks).

    The fingerprint of several files that aren't a table is of their bytes one after the other; `files` are their own digests.
    """

    fingerprint: str
    columns: Mapping[str, str | None] | None = None
    files: Sequence[str] | None = None


@dataclass(frozen=True)
class End:
    """One of the two packages: `folder` has its files in the delta, and tables that end in `rows` have its rows."""

    folder: str
    rows: str
    name: str
    version: str
    fingerprint: str
    descriptor: str
    resources: Mapping[str, Content]

    def __str__(self) -> str:
        return f"{self.name} {self.version}".strip() or "a package without a name"


@dataclass(frozen=True)
class Delta:
    """A delta that is open, from `base` to `target`."""

    package: Package
    base: End
    target: End

    def inverted(self) -> Delta:
        """The way back."""
        return Delta(self.package, self.target, self.base)

    def files(self, end: End) -> dict[str, Path]:
        """The files of an end that the delta carries, by their paths in that package."""
        start = f"{end.folder}/"
        found = ((one.paths[0], one.files) for one in self.package.resources if len(one.paths) == 1)
        return {path.removeprefix(start): files[0] for path, files in found if path.startswith(start) and files}

    def end_package(self, end: End) -> Package:
        """An end as its descriptor describes it. Raises DataFault where the delta lacks that."""
        path = self.files(end).get(end.descriptor)
        if path is None:
            message = f'has no file "{end.folder}/{end.descriptor}"'
            raise DataFault(message, where=self.package.source, fix="get the delta again")
        return descriptor.load(path, f"{self.package.source}/{end.folder}")[0]


def opened(package: Package) -> Delta:
    """A package as a delta. Raises UsageFault where it isn't one."""
    said = package.descriptor.get(WORD)
    try:
        return Delta(package, _end_of(said, "base", "removed"), _end_of(said, "target", "added"))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        fix = "make one with imprint diff OLD NEW --delta OUT"
        raise UsageFault("is not a delta", where=package.source, fix=fix) from error


def _end_of(delta: Any, folder: str, rows: str) -> End:
    said = delta[folder]
    name, version, whole, path = (str(said[word]) for word in ("name", "version", "fingerprint", "descriptor"))
    listed = {
        name: Content(str(one["fingerprint"]), _columns(one.get("columns")), one.get("files"))
        for name, one in said["resources"].items()
    }
    return End(folder, rows, name, version, whole, path, listed)


def _columns(said: Any) -> dict[str, str | None] | None:
    return None if said is None else dict(said)


# Making one


def make(old: Package, new: Package, out: str | PathLike[str], *, memory: str | None = None) -> Path:
    """Write the delta from `old` to `new` to a new directory.

    Raises DataFault where a table's rows or values are unclear, UsageFault where `out` is there already or a package has no
    descriptor, ImprintError for unreadable data.
    """
    out = refuse_existing(out)
    for package in (old, new):
        _refuse_bare(package)
    with open_tables(old, new, memory=memory) as (engine, tables):
        for package, side in zip((old, new), tables, strict=True):
            refuse_unclear(package, side)
        base = end(engine, old, tables[0], "base", "removed")
        target = end(engine, new, tables[1], "target", "added")
        with archive.new_directory(out) as building:
            parts = dict(_parts(engine, base, target, (old, new), tables))
            carried = _differing_files(base, target)
            files = [_documents(side) | _data_files(side, one, carried) for side, one in ((old, base), (new, target))]
            _write(engine, building, (base, target), new, parts, files)
    return out


@contextmanager
def with_delta(compare: Callable[..., T], out: Path, *, memory: str | None = None) -> Iterator[Callable[..., T]]:
    """A comparison such as `api.diff` that writes the delta too; where it fails, or what is done with it, there is none."""
    made: list[Path] = []

    def compare_and_make(opened: Callable[[Package, Package], None] | None = None) -> T:
        def look(old: Package, new: Package) -> None:
            if opened is not None:
                opened(old, new)
            made.append(make(old, new, out, memory=memory))

        return compare(opened=look)

    try:
        yield compare_and_make
    except BaseException:
        for path in made:
            shutil.rmtree(path, ignore_errors=True)
        raise


def refuse_existing(out: str | PathLike[str]) -> Path:
    """The path of a directory that isn't there yet. Raises UsageFault where there is something already."""
    path = Path(out)
    if path.exists() or path.is_symlink():
        raise UsageFault("is there already", where=path, fix="name a new directory")
    return path


def _refuse_bare(package: Package) -> None:
    if package.bare:
        fix = "name a package with a datapackage.json"
        raise UsageFault("has no descriptor, and a delta is made of two packages", where=package.source, fix=fix)


def refuse_unclear(package: Package, tables: Mapping[str, Checked]) -> None:
    """Raise DataFault where a table can be read in part only, ImprintError where one can't be read at all."""
    for resource in package.resources:
        one = tables.get(resource.name)
        if one is None:
            if resource.tabular or not (resource.files or resource.data is not None):
                message = f'the data of "{resource.name}" can\'t be read'
                raise ImprintError(message, where=package.source, fix="run imprint validate")
            continue
        unclear = [error.message for error in one.findings.errors if error.type in UNCLEAR or error.unchecked]
        names = [column.field.name for column in one.table.columns]
        if len(set(names)) < len(names):
            unclear.append(f'resource "{resource.name}": two columns have the same name')
        if unclear:
            raise DataFault(unclear[0], where=package.source, fix="mend it first, as imprint validate shows")


def end(engine: Engine, package: Package, tables: Mapping[str, Checked], folder: str, rows: str) -> End:
    """A package as an end of a delta."""
    prints = {name: fingerprint.of_table(engine, one) for name, one in tables.items()}
    resources = {
        resource.name: Content(prints[resource.name].table, _all_columns(tables[resource.name], prints[resource.name].columns))
        if resource.name in prints
        else Content(fingerprint.of_files(resource), files=_digests(resource))
        for resource in sorted(package.resources, key=lambda one: one.name)
    }
    whole = fingerprint.of_package(package, prints)
    return End(folder, rows, package.name, package.version, whole, package.descriptor_path.name, resources)


def _all_columns(one: Checked, prints: Mapping[str, str]) -> dict[str, str | None]:
    return {column.field.name: prints.get(column.field.name) for column in one.table.columns}


def _digests(resource: Resource) -> list[str] | None:
    return [archive.sha256(file) for file in resource.files] if len(resource.files) > 1 else None


Part = tuple[Shape, list[Rows]]


def _parts(
    engine: Engine, base: End, target: End, packages: Sequence[Package], tables: Sequence[Mapping[str, Checked]]
) -> Iterator[tuple[tuple[str, str], Part]]:
    """The rows that differ, by table and `removed` or `added`."""
    for name in sorted(tables[0].keys() | tables[1].keys()):
        contents = [one.resources.get(name) for one in (base, target)]
        whole = all(content and None not in (content.columns or {}).values() for content in contents)
        if whole and contents[0] == contents[1]:
            continue
        sources = [(sign, side[name]) for sign, side in ((-1, tables[0]), (1, tables[1])) if name in side]
        for (sign, one), chosen in zip(sources, net(engine, sources), strict=True):
            this, package = (base, packages[0]) if sign < 0 else (target, packages[1])
            if engine.one(f"SELECT count(*) FROM {chosen}")[0]:
                yield (name, this.rows), (shape(package, this, name), [Rows(one, chosen)])


def shape(package: Package, this: End, name: str) -> Shape:
    """How an end stores a table."""
    resource = package.resource(name)
    if resource is None:
        raise DataFault(f'describes no resource "{name}"', where=package.source, fix="get the delta again")
    return storing.shape(resource, this.resources[name].columns or {})


def net(engine: Engine, sources: Sequence[tuple[int, Checked]]) -> list[str]:
    """For each source the rows that are left once those that come (1) and go (-1) cancel, as SQL with `rn`.

    Of equal rows the last ones that come are left, and the first ones that go.
    """
    names = sorted({column.field.name for _, one in sources for column in one.table.columns})
    queries = [f"SELECT {n} AS src, {sign} AS sign, * FROM ({digests(one, names)})" for n, (sign, one) in enumerate(sources)]
    every = engine.keep(" UNION ALL ".join(queries))
    left = engine.keep(f"SELECT a, b, sum(sign)::BIGINT AS n FROM {every} GROUP BY a, b HAVING sum(sign) <> 0")
    ranked = (
        f"SELECT e.src, e.rn, abs(l.n) AS n, row_number() OVER (PARTITION BY e.a, e.b ORDER BY -e.src * e.sign, e.rn) AS k "
        f"FROM {every} AS e JOIN {left} AS l ON e.a = l.a AND e.b = l.b WHERE e.sign * l.n > 0"
    )
    chosen = engine.keep(f"SELECT src, rn FROM ({ranked}) WHERE k <= n")
    return [f"(SELECT rn FROM {chosen} WHERE src = {n})" for n in range(len(sources))]


def digests(one: Checked, names: Sequence[str]) -> str:
    """SQL for a table's `rn` and 128 bits `a`, `b` of the SHA-256 of the row's values under these names."""
    columns = {column.field.name: f"v{column.number}" for column in one.table.columns}
    known = [columns.get(name, "NULL::VARCHAR") for name in names]
    texts = (f"CASE WHEN {text} IS NULL THEN '~' ELSE length({text}) || ':' || {text} END" for text in known)
    halves = (f"('0x' || substr(h, {start}, 16))::UBIGINT AS {half}" for half, start in (("a", 1), ("b", 17)))
    return f"SELECT rn, {', '.join(halves)} FROM (SELECT rn, sha256({' || '.join(texts) or repr('')}) AS h FROM {one.logical})"


def _differing_files(base: End, target: End) -> set[str]:
    """The resources that are no table on some side, and not the same on both."""
    found = set()
    for name in base.resources.keys() | target.resources.keys():
        contents = [one.resources.get(name) for one in (base, target)]
        file = any(content is not None and content.columns is None for content in contents)
        if file and contents[0] != contents[1]:
            found.add(name)
    return found


def _documents(package: Package) -> dict[str, Path]:
    """The descriptor and the documents inside the package that it names, by their paths."""
    named = [resource.descriptor.get(word) for resource in package.resources for word in ("schema", "jsonSchema", "dialect")]
    named += [resource.schema.descriptor.get("$schema") for resource in package.resources if resource.schema]
    named += [package.descriptor_path.name, *fingerprint.documents(package).values()]
    paths = {name: package.base / name for name in named if isinstance(name, str) and not is_url(name)}
    inside = package.base.resolve()
    return {name: path for name, path in paths.items() if path.resolve().is_relative_to(inside) and path.is_file()}


def _data_files(package: Package, this: End, carried: Collection[str]) -> dict[str, Path]:
    """The files of those resources that aren't tables."""
    listed = [one for one in package.resources if one.name in carried and this.resources[one.name].columns is None]
    return {path: file for one in listed for path, file in zip(one.paths, one.files, strict=True)}


# Writing one


def _write(
    engine: Engine, building: Path, ends: tuple[End, End], new: Package, parts: Mapping[tuple[str, str], Part],
    files: Sequence[Mapping[str, Path]],
) -> None:  # fmt: skip
    sides = zip(ends, files, strict=True)
    listed = [_file(building, f"{one.folder}/{name}", mine[name]) for one, mine in sides for name in sorted(mine)]
    listed += [_part(engine, building, name, rows, *parts[name, rows]) for name, rows in sorted(parts)]
    base, target = ends
    described = {
        "$schema": profile.PROFILE_2_0,
        "name": f"{target.name or 'package'}-delta",
        "title": f"Changes from {base} to {target}",
        **({"licenses": new.descriptor["licenses"]} if "licenses" in new.descriptor else {}),
        WORD: {one.folder: _said(one) for one in ends},
        "resources": listed,
    }
    archive.write_text(building / "datapackage.json", json.dumps(described, indent=2, ensure_ascii=False) + "\n")


def _said(one: End) -> dict[str, Any]:
    said = {word: value for word, value in asdict(one).items() if word not in ("folder", "rows")}
    resources = {name: {k: v for k, v in asdict(content).items() if v is not None} for name, content in one.resources.items()}
    return {**said, "resources": resources}


def _file(building: Path, name: str, source: Path) -> dict[str, Any]:
    target = building / name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    form = target.suffix[1:].lower()
    table = form in descriptor.TABULAR_FORMATS or form in ("", "gz", "zip")
    return {"name": name, "path": name, "format": "bin" if table else form, **_measures(target)}


def _measures(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "hash": f"sha256:{archive.sha256(path)}"}


def _part(engine: Engine, building: Path, name: str, rows: str, target: Shape, sources: list[Rows]) -> dict[str, Any]:
    """Write the rows of a table that differ; their resource."""
    form = "json" if target.native else "csv"
    path = building / rows / f"{_file_name(name)}.{form}"
    null = target.resource.dialect.null_sequence if form == "csv" else None
    dialect = {} if null is None else {"nullSequence": null}
    schema = {"fields": [_described(field) for field in target.fields], **_missing(target.resource)}
    content: dict[str, Any] = {"name": f"{name}.{rows}", "type": "table", "path": f"{rows}/{path.name}", "format": form}
    content |= {"dialect": dialect} if dialect else {}
    content["schema"] = schema
    plain = storing.plain(target, form, null)
    storing.write(plain, storing.rows(engine, sources, plain, by_content=True), path)
    return {**content, **_measures(path)}


def _described(field: Any) -> dict[str, Any]:
    return {**{k: v for k, v in field.descriptor.items() if k not in LIMITS}, "name": field.name, "type": field.type}


def _missing(resource: Resource) -> dict[str, Any]:
    found = resource.schema.descriptor.get("missingValues") if resource.schema else None
    return {} if found is None else {"missingValues": found}


def _file_name(table: str) -> str:
    """A table's name as that of a file; unlike names give unlike ones."""
    return re.sub(r"[^\w.-]", lambda found: f"%{ord(found[0]):02X}", table)


# Several at once


def squash(packages: Sequence[Package], out: str | PathLike[str], *, memory: str | None = None) -> Path:
    """Write deltas, each of which starts where the one before it ends, as one: the same values as in the direct delta.

    A row is spelled as the delta that it is taken from has it, where the direct one has it as the first or last package does.
    Raises DataFault where one doesn't start there, or is damaged, UsageFault for what is no delta or if `out` is there already.
    """
    out = refuse_existing(out)
    deltas = [opened(package) for package in packages]
    for one, after in itertools.pairwise(deltas):
        if one.target.fingerprint != after.base.fingerprint:
            message = f"starts from {after.base}, which is not what {one.package.source} ends with ({one.target})"
            raise DataFault(message, where=after.package.source, fix="name deltas that follow one another, oldest first")
    base, target = deltas[0].base, deltas[-1].target
    ends = [[delta.end_package(one) for one in (delta.base, delta.target)] for delta in deltas]
    old, new = ends[0][0], ends[-1][1]
    carried = _differing_files(base, target)
    steps = list(zip(deltas, ends, strict=True))
    files = [
        _own_documents(deltas[0].files(base), old) | _carried([(d, d.base, e[0]) for d, e in steps], old, base, carried),
        _own_documents(deltas[-1].files(target), new)
        | _carried([(d, d.target, e[1]) for d, e in reversed(steps)], new, target, carried),
    ]
    with ExitStack() as stack:
        engine, tables = stack.enter_context(open_tables(*packages, memory=memory))
        for package, side in zip(packages, tables, strict=True):
            refuse_damaged(package, side)
        parts = dict(_squashed(engine, deltas, tables, old, new))
        building = stack.enter_context(archive.new_directory(out))
        _write(engine, building, (base, target), new, parts, files)
    return out


def refuse_damaged(package: Package, tables: Mapping[str, Checked]) -> None:
    """Raise DataFault where a table of a delta is not what was written."""
    for resource in package.resources:
        one = tables.get(resource.name)
        if resource.tabular and (one is None or one.findings.errors):
            said = one.findings.errors[0].message if one else f'the data of "{resource.name}" can\'t be read'
            raise DataFault(f"the delta was damaged: {said}", where=package.source, fix="get the delta again")


def _squashed(
    engine: Engine, deltas: Sequence[Delta], tables: Sequence[Mapping[str, Checked]], old: Package, new: Package
) -> Iterator[tuple[tuple[str, str], Part]]:
    steps = list(zip(deltas, tables, strict=True))
    names = {name for delta in deltas for one in (delta.base, delta.target) for name in one.resources}
    for name in sorted(names):
        found = [(sign, side.get(f"{name}.{one.rows}")) for delta, side in steps for sign, one in _signs(delta)]
        sources = [(sign, one) for sign, one in found if one is not None]
        chosen = net(engine, sources) if sources else []
        for wanted, this, package in ((-1, deltas[0].base, old), (1, deltas[-1].target, new)):
            mine = [Rows(one, rows) for (sign, one), rows in zip(sources, chosen, strict=True) if sign == wanted]
            if mine and sum(engine.one(f"SELECT count(*) FROM {rows.chosen}")[0] for rows in mine):
                yield (name, this.rows), (shape(package, this, name), mine)


def _signs(delta: Delta) -> tuple[tuple[int, End], tuple[int, End]]:
    return (-1, delta.base), (1, delta.target)


def _own_documents(files: Mapping[str, Path], package: Package) -> dict[str, Path]:
    documents = _documents(package)
    return {name: file for name, file in files.items() if name in documents}


def _carried(
    steps: Sequence[tuple[Delta, End, Package]], package: Package, this: End, carried: Collection[str]
) -> dict[str, Path]:
    """The files of resources that differ, from the first delta that has them."""
    found: dict[str, Path] = {}
    for resource in package.resources:
        if resource.name not in carried or this.resources[resource.name].columns is not None:
            continue
        for delta, one, described in steps:
            files, there = delta.files(one), described.resource(resource.name)
            listed = [files.get(path) for path in there.paths] if there else []
            if listed and None not in listed:
                found |= {path: file for path, file in zip(resource.paths, listed, strict=True) if file}
                break
    return found
