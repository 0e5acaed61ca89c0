"""A descriptor to a frozen Package: references, path safety, and every fault at once (Data Package 2.0, and 1.0 forms).

A fault never stops the reading: what can still be understood of a resource is kept, so that its data is checked too.
"""

from __future__ import annotations

import codecs
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from . import explanations, profile, schema, versioning
from .documents import DESCRIPTOR_NAMES, laid_out, read_document
from .exceptions import ImprintError
from .package import Descriptor, Package, Resource, Rule, strings, text_of
from .remote import Files, is_url, path_of
from .report import Error, shorten
from .safety import unsafe

TABULAR_FORMATS = frozenset({"csv", "tsv", "xlsx", "xls", "ods", "parquet", "jsonl", "ndjson"})
COMPRESSIONS = {".gz": "gz", ".zip": "zip"}
MEDIATYPES = {"text/csv": "csv", "text/tab-separated-values": "tsv", "application/json": "json"}
TABULAR_PROFILES = ("tabular-data-resource", "https://specs.frictionlessdata.io/schemas/tabular-data-resource.json")
NOT_FETCHED = "is remote and was not fetched; put a copy into the package, or allow it with --remote"


def load(path: Path, source: str = "", downloads: Path | None = None) -> tuple[Package, tuple[Error, ...]]:
    """The package that a descriptor describes, and its faults.

    A bare data file gives a package of one resource without a schema. What the descriptor names by URL is fetched to the
    directory `downloads`, or not at all. Raises ImprintError where no package can be made of it at all: an unreadable file,
    broken JSON or YAML, a value that isn't an object.
    """
    source = source or str(path)
    if path.suffix.lower() not in (".json", ".yaml", ".yml"):
        return _bare(path, source), ()
    content = read_document(path)
    if isinstance(content, list) and path.name not in DESCRIPTOR_NAMES:
        return _bare(path, source), ()
    if not isinstance(content, dict):
        raise ImprintError("is not a Data Package: it is not a JSON object", where=path, fix="see the standard")
    return _Reader(path, source, content, downloads).read()


def with_words(path: Path, words: Sequence[Mapping[str, Any]]) -> str:
    """The text of a descriptor after properties of its resources, one mapping for each, were set; all else is kept."""

    def change(content: Any) -> Any:
        for described, said in zip((one for one in content["resources"] if isinstance(one, dict)), words, strict=True):
            described.update(said)
        return content

    return laid_out(path, change)


def _bare(path: Path, source: str) -> Package:
    """A package of one data file, which its user named: no descriptor can be at fault."""
    content = {"$schema": profile.PROFILE_2_0, "resources": [{"name": path.name.split(".")[0].lower(), "path": path.name}]}
    package, _ = _Reader(path, source, content, None).read()
    (resource,) = package.resources
    tabular = resource.tabular or resource.format in ("", "txt", "json")
    return replace(package, name=path.name, bare=True, resources=(replace(resource, files=(path,), tabular=tabular),))


def _is_release(folder: Path) -> bool:
    """Whether a folder holds a release that was fetched: nothing else of it lies on the web."""
    from .manifest import MANIFEST

    return (folder / MANIFEST).is_file()


class _Reader:
    """Reads one descriptor; `faults` gathers what is wrong with it."""

    def __init__(self, path: Path, source: str, content: dict[str, Any], downloads: Path | None) -> None:
        self.path = path
        self.source = source
        self.content = content
        self.base = path.parent
        self.web = Files(path.parent, "" if is_url(source) and _is_release(path.parent) else source, downloads)
        self.version_1 = content.get("$schema", profile.PROFILE_1_0) == profile.PROFILE_1_0
        self.faults: list[Error] = []

    def read(self) -> tuple[Package, tuple[Error, ...]]:
        content = self.content
        self.faults += profile.faults("package-error", ("package",), content)
        self.faults += profile.faults("package-error", ("package-1.0" if self.version_1 else "package-2.0",), content)
        self._check_own_profile(content, "package-error")
        listed = content.get("resources")
        resources = tuple(
            self._resource(item, number) for number, item in enumerate(listed if isinstance(listed, list) else [], 1)
            if isinstance(item, dict)
        )  # fmt: skip
        self._check_names(resources)
        self._check_references(resources)
        rules = tuple(self._rules())
        package = Package(
            name=text_of(content.get("name")),
            version=text_of(content.get("version")),
            title=text_of(content.get("title")),
            base=self.base,
            source=self.source,
            descriptor_path=self.path,
            resources=resources,
            rules=rules,
            warnings=frozenset(self._warnings(rules)),
            descriptor=content,
        )
        for find in (versioning.unknown, versioning.wrong, versioning.unexplained):
            for what, fix in find(package):
                self._fault("package-error", f'"versioning": {what}; {fix}')
        return package, tuple(self.faults)

    def _fault(self, kind: str, note: str, resource: str = "", *, unchecked: bool = False) -> None:
        self.faults.append(Error(type=kind, note=note, resource=resource, unchecked=unchecked))

    def _check_own_profile(self, content: Any, kind: str, resource: str = "") -> None:
        """A profile that extends the standard's (guide "Extending Data Package") lies inside the package."""
        own = content.get("$schema") if isinstance(content, dict) else None
        if not isinstance(own, str) or is_url(own):
            return
        found = self._reference(own, kind, "$schema", resource)
        if found is not None:
            self.faults += profile.json_schema_faults(found, content, kind, resource)

    def _check_names(self, resources: tuple[Resource, ...]) -> None:
        names = Counter(resource.name for resource in resources)
        for name in sorted(name for name, often in names.items() if often > 1):
            note = f'names of the resources are not unique: "{name}" is there twice, and only the last one is checked'
            self._fault("package-error", note, unchecked=True)

    def _check_references(self, resources: tuple[Resource, ...]) -> None:
        by_name = {resource.name: resource for resource in resources}
        for resource in resources:
            for key in resource.schema.foreign_keys if resource.schema else ():
                target = by_name.get(key.reference) if key.reference else resource
                if target is None:
                    note = f'foreign key on "{", ".join(key.fields)}" refers to resource "{key.reference}", which is not there'
                    self._fault("schema-error", note, resource.name)
                elif not target.tabular:
                    note = f'foreign key on "{", ".join(key.fields)}" refers to resource "{key.reference}", which is no table'
                    self._fault("schema-error", note, resource.name)
                elif target.schema and (lost := set(key.reference_fields) - set(target.schema.names)):
                    note = f'foreign key refers to "{target.name}.{min(lost)}", which is not there'
                    self._fault("schema-error", note, resource.name)

    def _rules(self) -> Iterator[Rule]:
        listed = self.content.get("rules", [])
        if not isinstance(listed, list):
            self._fault("package-error", '"rules" is not a list')
            return
        for number, item in enumerate(listed, 1):
            if not isinstance(item, dict) or not all(isinstance(item.get(key), str) for key in ("id", "expression")):
                self._fault("package-error", f'rule {number} needs "id", "resources" and "expression"')
                continue
            if item.get("severity", "error") not in ("error", "warning"):
                self._fault("package-error", f'severity of rule "{item["id"]}" is neither "error" nor "warning"')
            yield Rule(
                id=item["id"],
                resources=strings(item.get("resources", item.get("resource", []))),
                expression=item["expression"],
                message=text_of(item.get("message")) or item["expression"],
                severity=self._severity_of(item),
            )

    def _severity_of(self, rule: Descriptor) -> str:
        """What `severities` says of a rule, else the rule itself, else `severities` of all rules."""
        severities = self.content.get("severities")
        said = severities if isinstance(severities, dict) else {}
        listed = (said.get(rule["id"]), rule.get("severity"), said.get("row-constraint"))
        return next((one for one in listed if one in ("error", "warning")), "error")

    def _warnings(self, rules: tuple[Rule, ...]) -> Iterator[str]:
        """The types of error that `severities` makes warnings; the severity of a rule is its own."""
        severities = self.content.get("severities", {})
        if not isinstance(severities, dict):
            self._fault("package-error", '"severities" is not an object of types of error and rules, each "error" or "warning"')
            return
        known = {*explanations.TABLE, *(rule.id for rule in rules)} if severities else set()
        for name, severity in severities.items():
            if name not in known:
                note = f'"severities" names "{name}", which is no rule, nor a type of error that --explain lists'
                self._fault("package-error", note)
            elif severity not in ("error", "warning"):
                self._fault("package-error", f'severity of "{name}" in "severities" is neither "error" nor "warning"')
            elif severity == "warning" and name in explanations.TABLE and name != "row-constraint":
                yield name

    def _reference(self, path: str, kind: str, what: str, resource: str) -> Any:
        """The document that a descriptor points at; None (and a fault) where it can't be had."""
        if not self.web.follows(path):
            self._fault(kind, f'{what} "{path}" {NOT_FETCHED}', resource, unchecked=True)
            return None
        other = "://" in path and not is_url(path)
        if reason := self._danger(path) or ("has a scheme other than http and https" if other else ""):
            self._fault(kind, f'{what} "{path}" is not safe: it {reason}; name a file in the package', resource, unchecked=True)
            return None
        self._check_hidden(path, kind, what, resource)
        try:
            return read_document(self.web.file(path))
        except ImprintError as error:
            self._fault(kind, f'{what} "{path}" {error.what}; {error.fix}', resource, unchecked=True)
            return None

    def _check_hidden(self, path: str, kind: str, what: str, resource: str) -> None:
        """What lies in a hidden folder can be read, but not published (standard, "URL or Path")."""
        if not is_url(path) and any(part.startswith(".") for part in PurePosixPath(path).parts[:-1]):
            self._fault(kind, f'{what} "{path}" lies in a hidden folder; name one that doesn\'t begin with a dot', resource)

    def _danger(self, path: str) -> str:
        """Why a path may not be followed; "" if it may."""
        return "" if is_url(path) else unsafe(path) or self._escapes(path)

    def _escapes(self, path: str) -> str:
        try:
            target = (self.base / path).resolve()
        except (OSError, RuntimeError):  # links in circles: it isn't there
            return ""
        return "" if target.is_relative_to(self.base.resolve()) else "is a link out of the package"

    def _resource(self, content: dict[str, Any], number: int) -> Resource:
        name = text_of(content.get("name")) or f"resource-{number}"
        if "url" in content and "path" not in content:
            content = {**content, "path": content["url"]}
        self.faults += profile.faults("resource-error", ("resource",), content, name)
        if self.version_1:
            self.faults += profile.faults("resource-error", ("resource-1.0",), content, name)
        paths = strings(content.get("path"))
        tail = (path_of(paths[0]) if is_url(paths[0]) else PurePosixPath(paths[0])).suffixes if paths else []
        compression = text_of(content.get("compression")) or (COMPRESSIONS.get(tail[-1].lower()) if tail else None)
        plain = tail[:-1] if tail and tail[-1].lower() in COMPRESSIONS else tail
        guessed = plain[-1][1:].lower() if plain else MEDIATYPES.get(text_of(content.get("mediatype")), "")
        if not guessed and "data" in content and not isinstance(content["data"], str):
            guessed = "json"
        form = text_of(content.get("format")).lower() or guessed
        raw_schema = content.get("schema")
        if isinstance(raw_schema, str):
            raw_schema = self._reference(raw_schema, "schema-error", "schema", name)
        tabular = self._is_tabular(content, form, raw_schema)
        if tabular and isinstance(content.get("schema"), str):
            self._check_own_profile(raw_schema, "schema-error", name)
        json_schema = content.get("jsonSchema")
        if not tabular and raw_schema is not None:
            json_schema, raw_schema = raw_schema, None
        if isinstance(json_schema, str):
            json_schema = self._reference(json_schema, "schema-error", "jsonSchema", name)
        dialect = content.get("dialect")
        if isinstance(dialect, str):
            dialect = self._reference(dialect, "dialect-error", "dialect", name)
            self._check_own_profile(dialect, "dialect-error", name)
            paths = paths if dialect is not None else ()  # without its dialect a file can't be read
        data = content.get("data")
        if tabular and "data" in content and not isinstance(data, (list, dict, str)):
            self._fault("resource-error", 'data of a table is an array of rows, or text with a "format"', name)
            data = None
        if isinstance(data, str) and not form:
            self._fault("resource-error", 'data is text, so "format" or "mediatype" is needed', name)
        parts = schema.Reader(name)
        resource = Resource(
            name=name,
            paths=paths,
            files=self._files(paths, name),
            data=data,
            tabular=tabular,
            format=form,
            encoding=self._encoding(content, name),
            compression=None if compression == "no" else compression,
            dialect=parts.dialect(dialect, form),
            schema=parts.schema(raw_schema) if raw_schema is not None else None,
            json_schema=json_schema,
            descriptor=content,
        )
        self.faults += parts.faults
        return resource

    @staticmethod
    def _is_tabular(content: dict[str, Any], form: str, schema: Any) -> bool:
        if content.get("type") == "table" or content.get("profile") in TABULAR_PROFILES or form in TABULAR_FORMATS:
            return True
        if content.get("profile") == "json-data-resource":
            return False
        data = content.get("data")
        rows = isinstance(data, list) and all(isinstance(row, (list, dict)) for row in data)
        return (isinstance(schema, dict) and "fields" in schema) or rows

    def _files(self, paths: tuple[str, ...], name: str) -> tuple[Path, ...]:
        files = []
        if 0 < sum(map(is_url, paths)) < len(paths):
            self._fault("resource-error", "paths are either all URLs or all in the package; don't mix them", name)
        for path in paths:
            if not self.web.follows(path):
                self._fault("scheme-error", f'path "{path}" {NOT_FETCHED}', name)
            elif reason := self._danger(path):
                note = f'path "{path}" is not safe: it {reason}; name a file in the package'
                self._fault("resource-error", note, name, unchecked=True)
            elif "://" in path and not is_url(path):
                note = f'path "{path}" is remote, and its scheme is not known; download it into the package'
                self._fault("scheme-error", note, name)
            elif file := self._file(path, name):
                self._check_hidden(path, "resource-error", "path", name)
                files.append(file)
        return tuple(files) if len(files) == len(paths) else ()

    def _file(self, path: str, name: str) -> Path | None:
        """Where a resource's file lies; None (and a fault) where it can't be had."""
        try:
            file = self.web.file(path)
        except ImprintError as error:
            self._fault("scheme-error", f'path "{shorten(path, 200)}" {error.what}; {error.fix}', name)
            return None
        if _is_file(file):
            return file
        self._fault("scheme-error", f'file "{shorten(path, 200)}" is not there; add it or mend the path', name)
        return None

    def _encoding(self, content: dict[str, Any], name: str) -> str:
        encoding = text_of(content.get("encoding")) or "utf-8"
        try:
            io.TextIOWrapper(io.BytesIO(), encoding=encoding)  # refuses a codec that isn't one of text
            return codecs.lookup(encoding).name
        except (LookupError, ValueError):
            self._fault("encoding-error", f'encoding "{encoding}" is not known', name)
            return "utf-8"


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that no file can have
        return False
