"""What a consumer of a package relies on, as a lock: read, written, and made from a list or a script.

A script gives more than it uses rather than less: each name of the package that stands in it, with the places. Which of
them it means is for whoever looks the lock over.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources as importlib_resources
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

from . import json_schema, scripts
from .declared import allowed_codes
from .documents import read_document
from .engine import Engine
from .exceptions import DataFault, ImprintError, Unreadable, UsageFault
from .findings import Findings
from .package import Field, Package, Resource, Schema
from .report import shorten
from .tables import read_table

PROFILE = "profiles/lock-1.0.json"
LOCKS = (".json", ".yaml", ".yml")
PLACES = 5  # places of a name that a lock keeps
NAMED = 5  # names that a fault lists


@dataclass(frozen=True)
class Use:
    """What a consumer relies on in a resource: `fields` None means all of them. The words are those of the lock's profile."""

    resource: str
    fields: tuple[str, ...] | None = None
    key: tuple[str, ...] = ()
    codes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    paths: tuple[str, ...] = ()
    order: bool = False
    values: bool = True
    seen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def reads(self, name: str) -> bool:
        """Whether it relies on the field of that name."""
        return self.fields is None or name in self.fields or name in self.key or name in self.codes

    @property
    def named(self) -> tuple[str, ...]:
        """Every field that is named, once."""
        return tuple(dict.fromkeys((*(self.fields or ()), *self.key, *self.codes)))


@dataclass(frozen=True)
class Lock:
    """What a consumer relies on; `source` is the file that says so, and `read` what it was made of: lock, list or script."""

    source: str
    uses: tuple[Use, ...]
    package: str = ""
    version: str = ""
    read: str = "lock"

    def use(self, resource: str) -> Use | None:
        """What is relied on in a resource."""
        return next((one for one in self.uses if one.resource == resource), None)

    def to_dict(self) -> dict[str, Any]:
        """The lock as its file has it."""
        head = {word: value for word, value in (("package", self.package), ("version", self.version)) if value}
        return {**head, "uses": [_written(one) for one in self.uses]}


def _written(use: Use) -> dict[str, Any]:
    said: dict[str, Any] = {"resource": use.resource}
    if use.fields is not None:
        said["fields"] = list(use.fields)
    lists = {"key": list(use.key), "codes": {name: list(codes) for name, codes in use.codes.items()}, "paths": list(use.paths)}
    said |= {word: value for word, value in lists.items() if value}
    said |= {"order": use.order, "values": use.values}
    return {**said, **({"seen": {name: list(places) for name, places in use.seen.items()}} if use.seen else {})}


def read(source: str, package: Package | None = None, text: bytes | None = None) -> Lock:
    """The lock that `source` is, or that is made of it: a lock (.json, .yaml), a script, else a list. `text` is its content.

    What a lock or a list names is in `package`, if that is given; a script can only be read against one. Raises UsageFault for
    what is none of these, DataFault where the package lacks what is named, ImprintError for a file that can't be read.
    """
    if source == "-":
        lock = _of_list("standard input", _text("standard input", text), package)
    elif PurePath(source).suffix.lower() in LOCKS:
        lock = read_lock(Path(source))
    elif not scripts.is_script(source):
        lock = _of_list(source, _text(source, text), package)
    elif package is None:
        raise UsageFault("a script can only be read against a package", where=source, fix="name it with --package")
    else:
        return _of_script(source, _text(source, None), package)
    if package is not None:
        check(lock, package)
    return lock


def _text(source: str, text: bytes | None) -> str:
    try:
        content = text if text is not None else Path(source).read_bytes()
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        fix = "name a lock, a script or a list"
        raise ImprintError(f"cannot be read ({error.strerror})", where=source, fix=fix) from error
    except UnicodeDecodeError as error:
        raise ImprintError(f"is not UTF-8 (byte {error.start})", where=source, fix="save it as UTF-8") from error


# Locks


def read_lock(path: Path) -> Lock:
    """The lock in a file. Raises UsageFault where it breaks the profile, ImprintError where it can't be read."""
    content = read_document(path)
    if isinstance(content, Mapping) and "resources" in content:
        fix = "name a lock, which imprint uses -o makes"
        raise UsageFault("is a Data Package, not a lock", where=path, fix=fix)
    profile = json.loads(importlib_resources.files("imprint").joinpath(PROFILE).read_text(encoding="utf-8"))
    for fault in json_schema.faults(profile, content, checked=True):
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault.path).lstrip(".")
        what = f"is not a lock: {f'{place}: ' if place else ''}{shorten(fault.message, 200)}"
        raise UsageFault(what, where=path, fix="imprint uses --help says how to make one")
    uses = tuple(_use(item) for item in content["uses"])
    names = [one.resource for one in uses]
    for name in names:
        if names.count(name) > 1:
            raise UsageFault(f'is not a lock: it names resource "{name}" twice', where=path, fix="put the two together")
    return Lock(str(path), uses, content.get("package", ""), content.get("version", ""))


def _use(item: Mapping[str, Any]) -> Use:
    return Use(
        resource=item["resource"],
        fields=tuple(item["fields"]) if "fields" in item else None,
        key=tuple(item.get("key", ())),
        codes={name: tuple(map(code_text, codes)) for name, codes in item.get("codes", {}).items()},
        paths=tuple(item.get("paths", ())),
        order=item.get("order", False),
        values=item.get("values", True),
        seen={name: tuple(places) for name, places in item.get("seen", {}).items()},
    )


def code_text(code: Any) -> str:
    """A code as a lock writes it."""
    return json.dumps(code) if isinstance(code, bool) else str(code)


def codes_of(declared: Field | None) -> tuple[str, ...]:
    """The codes that `enum` and `categories` allow in a field, as texts; empty where neither is there."""
    if declared is None:
        return ()
    return tuple(map(code_text, allowed_codes(declared) or ()))


def keys_of(resource: Resource | None) -> list[set[str]]:
    """The fields of each key by which no two rows of a table are the same: primary, unique, or a field that is unique."""
    if resource is None or resource.schema is None:
        return []
    schema = resource.schema
    alone = [(one.name,) for one in schema.fields if one.constraints.get("unique") is True]
    return [set(key) for key in (schema.primary_key, *schema.unique_keys, *alone) if key]


def check(lock: Lock, package: Package) -> None:
    """Raises DataFault where a package lacks what a lock names: nothing could be said about that."""
    place = f'"{package.name}"' if package.name else package.source
    if lock.package and package.name and lock.package != package.name:
        what = f'is a lock for package "{lock.package}", not for {place}'
        raise DataFault(what, where=lock.source, fix="name the package that it is for")
    lost = list(_lost(lock, package))
    if lost:
        more = f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
        what = f"{place} {package.version}".strip() + f" doesn't have {', '.join(lost[:NAMED])}{more}"
        raise DataFault(what, where=lock.source, fix="mend the list or the lock, or name another package")


def _lost(lock: Lock, package: Package) -> Iterator[str]:
    for use in lock.uses:
        resource = package.resource(use.resource)
        if resource is None:
            yield f'resource "{use.resource}"{_near(use.resource, (one.name for one in package.resources))}'
            continue
        names = resource.schema.names if resource.schema else ()
        yield from (f'field "{use.resource}.{name}"{_near(name, names)}' for name in use.named if name not in names)
        if use.key and (held := keys_of(resource)) and not any(key <= set(use.key) for key in held):
            yield f'key {", ".join(use.key)} of "{use.resource}"'
        for name, codes in use.codes.items():
            known = codes_of(resource.schema.field(name)) if resource.schema else ()
            yield from (f'code "{code}" of "{use.resource}.{name}"' for code in codes if known and code not in known)
        yield from (f'path "{path}" of "{use.resource}"' for path in use.paths if path not in resource.paths)


def _near(name: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, list(known), n=1)
    return f' (did you mean "{found[0]}"?)' if found else ""


def with_labels(package: Package) -> Package:
    """A package whose tables without a schema have one made of their labels, as far as they can be read."""
    bare = [one for one in package.resources if one.tabular and one.schema is None]
    if not bare:
        return package
    with Engine([file for one in bare for file in one.files]) as engine:
        made = {one.name: schema for one in bare if (schema := _labelled(engine, one)) is not None}
    resources = (replace(one, schema=made.get(one.name, one.schema)) for one in package.resources)
    return replace(package, resources=tuple(resources))


def _labelled(engine: Engine, resource: Resource) -> Schema | None:
    try:
        table = read_table(engine, resource, Findings(resource.name, 1))
    except Unreadable:
        return None
    return table.schema if table is not None else None


# Lists


def _of_list(source: str, text: str, package: Package | None) -> Lock:
    """Lines of `resource`, `resource.*`, `resource.field` or `resource.field=code,code`; what follows a # is left out."""
    known = sorted((one.name for one in package.resources), key=len, reverse=True) if package else []
    uses: dict[str, Use] = {}
    for number, line in enumerate(text.split("\n"), 1):
        said = re.sub(r"(^|\s)#.*", "", line).strip()
        if said:
            resource, name, codes = _line(said, known, f"{source}, line {number}")
            uses[resource] = _with(uses.get(resource, Use(resource, ())), name, codes)
    if not uses:
        raise UsageFault("names nothing", where=source, fix="write resource.field, one to a line")
    if package is None:
        return Lock(source, tuple(uses.values()), read="list")
    ready = tuple(_keyed(one, package.resource(one.resource)) for one in uses.values())
    return Lock(source, ready, package.name, package.version, "list")


def _line(said: str, known: Iterable[str], where: str) -> tuple[str, str | None, tuple[str, ...]]:
    path, separator, listed = said.partition("=")
    path = path.strip()
    resource = next((name for name in known if path == name or path.startswith(f"{name}.")), path.partition(".")[0])
    name = path[len(resource) + 1 :]
    codes = tuple(code.strip() for code in listed.split(",") if code.strip())
    empty = not resource or path.endswith(".") or bool(separator) != bool(codes) or (codes and name in ("", "*"))
    if empty or re.search(r"[\s()\[\]{}<>;,\"']", resource):
        fix = "for a script, name a file that ends in .py, .ipynb, .R, .Rmd, .qmd, .jl or .sql"
        shown = said if len(said) <= 40 else f"{said[:39]}…"
        raise UsageFault(f'"{shown}" is not resource, resource.field or resource.field=code,code', where=where, fix=fix)
    return resource, None if name in ("", "*") else name, codes


def _with(use: Use, name: str | None, codes: tuple[str, ...]) -> Use:
    """A use, and one field (None: all of them) with codes besides."""
    if name is None:
        return replace(use, fields=None)
    fields = use.fields if use.fields is None else tuple(dict.fromkeys((*use.fields, name)))
    together = tuple(dict.fromkeys((*use.codes.get(name, ()), *codes)))
    return replace(use, fields=fields, codes={**use.codes, name: together} if together else use.codes)


def _keyed(use: Use, resource: Resource | None) -> Use:
    """A use with the resource's primary key, where it reads all of that."""
    key = resource.schema.primary_key if resource and resource.schema else ()
    return replace(use, key=key) if key and all(map(use.reads, key)) else use


# Scripts


def _of_script(source: str, text: str, package: Package) -> Lock:
    found = list(scripts.pieces(source if not Path(source).is_absolute() else Path(source).name, text))
    names = _places(found, _names(package))
    literals = _literals(found)
    uses = tuple(_of_resource(one, names, literals) for one in package.resources if _calls(one) & names.keys())
    if not uses:
        known = ", ".join(one.name for one in package.resources[:NAMED]) or "nothing"
        more = f" and {len(package.resources) - NAMED} more" if len(package.resources) > NAMED else ""
        fix = f"the package has {known}{more}; list what it uses in a text file"
        raise UsageFault("names no resource of the package", where=source, fix=fix)
    return Lock(source, uses, package.name, package.version, "script")


def _calls(resource: Resource) -> set[str]:
    """What a script may call a resource: its name, or the names of its files."""
    return {resource.name, *(PurePosixPath(path).name for path in resource.paths)} - {""}


def _names(package: Package) -> set[str]:
    fields = (name for one in package.resources if one.schema for name in one.schema.names if name)
    return {*fields, *(name for one in package.resources for name in _calls(one))}


def _places(found: Iterable[scripts.Piece], names: set[str]) -> dict[str, tuple[str, ...]]:
    """Where each name stands as a word of its own; in a longer name that is known too, it doesn't."""
    longest_first = "|".join(re.escape(name) for name in sorted(names, key=lambda name: (-len(name), name)))
    patterns = [re.compile(rf"(?<!\w)(?:{longest_first})(?!\w)", flags) for flags in (0, re.IGNORECASE)]
    folded: dict[str, list[str]] = {}
    for name in sorted(names):
        folded.setdefault(name.casefold(), []).append(name)
    places: dict[str, dict[str, None]] = {}
    for piece in found:
        for match in patterns[piece.any_case].finditer(piece.text) if names else ():
            for name in folded.get(match[0].casefold(), []) if piece.any_case else [match[0]]:
                places.setdefault(name, {})[piece.place] = None
    return {name: tuple(where)[:PLACES] for name, where in places.items()}


def _literals(found: Iterable[scripts.Piece]) -> dict[str, tuple[str, ...]]:
    places: dict[str, dict[str, None]] = {}
    for piece in found:
        for literal in piece.literals:
            places.setdefault(literal, {})[piece.place] = None
    return {literal: tuple(where)[:PLACES] for literal, where in places.items()}


def _of_resource(resource: Resource, names: Mapping[str, tuple[str, ...]], literals: Mapping[str, tuple[str, ...]]) -> Use:
    declared = [one for one in resource.schema.fields if one.name in names] if resource.schema else []
    codes = {one.name: tuple(code for code in codes_of(one) if code in literals) for one in declared}
    here = dict.fromkeys(place for name in sorted(_calls(resource)) for place in names.get(name, ()))
    seen = {resource.name: tuple(here)[:PLACES]}
    for one in declared:
        path = f"{resource.name}.{one.name}"
        seen |= {path: names[one.name], **{f"{path}={code}": literals[code] for code in codes[one.name]}}
    use = Use(
        resource=resource.name,
        fields=tuple(one.name for one in declared) or None,
        codes={name: listed for name, listed in codes.items() if listed},
        paths=tuple(path for path in resource.paths if PurePosixPath(path).name in names),
        seen=seen,
    )
    return _keyed(use, resource)
