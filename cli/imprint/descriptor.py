"""A descriptor to a frozen Package: references, path safety, and every fault at once (Data Package 2.0, and 1.0 forms).

A fault never stops the reading: what can still be understood of a resource is kept, so that its data is checked too.
"""

from __future__ import annotations

import codecs
import functools
import json
import re
from collections.abc import Iterator, Mapping
from importlib import resources as importlib_resources
from pathlib import Path, PurePosixPath
from typing import Any

from . import json_schema
from .exceptions import ImprintError
from .locate import is_url, read_document, unsafe
from .package import Descriptor, Dialect, Field, ForeignKey, Package, Resource, Rule, Schema, strings
from .report import Error

PROFILE_2_0 = "https://datapackage.org/profiles/2.0/datapackage.json"
TABULAR_FORMATS = frozenset({"csv", "tsv", "xlsx", "xls", "ods", "parquet", "jsonl", "ndjson"})
COMPRESSIONS = {".gz": "gz", ".zip": "zip"}
TABULAR_PROFILES = ("tabular-data-resource", "https://specs.frictionlessdata.io/schemas/tabular-data-resource.json")
NUMBERED = re.compile(r"/(\d+)")


def load(path: Path, source: str = "") -> tuple[Package, tuple[Error, ...]]:
    """The package that a descriptor describes, and its faults.

    A bare data file gives a package of one resource without a schema. Raises ImprintError where no package can be made
    of it at all: an unreadable file, broken JSON or YAML, a value that isn't an object.
    """
    source = source or str(path)
    if path.suffix.lower() not in (".json", ".yaml", ".yml"):
        bare = {"resources": [{"name": path.name.split(".")[0].lower(), "path": path.name}]}
        return _Reader(path, source, bare).read()
    content = read_document(path)
    if not isinstance(content, dict):
        raise ImprintError("is not a Data Package: it is not a JSON object", where=path, fix="see the standard")
    return _Reader(path, source, content).read()


class _Reader:
    """Reads one descriptor; `faults` gathers what is wrong with it."""

    def __init__(self, path: Path, source: str, content: dict[str, Any]) -> None:
        self.path = path
        self.source = source
        self.content = content
        self.base = path.parent
        self.faults: list[Error] = []

    def read(self) -> tuple[Package, tuple[Error, ...]]:
        content = self.content
        self.faults += _profile_faults("package-error", ("package",), content)
        self._check_own_profile()
        listed = content.get("resources")
        resources = tuple(
            self._resource(item, number) for number, item in enumerate(listed if isinstance(listed, list) else [], 1)
            if isinstance(item, dict)
        )  # fmt: skip
        self._check_names(resources)
        self._check_references(resources)
        package = Package(
            name=_text(content.get("name")),
            version=_text(content.get("version")),
            title=_text(content.get("title")),
            base=self.base,
            source=self.source,
            descriptor_path=self.path,
            resources=resources,
            rules=tuple(self._rules()),
            descriptor=content,
        )
        return package, tuple(self.faults)

    def _fault(self, kind: str, note: str, resource: str = "", *, unchecked: bool = False) -> None:
        self.faults.append(Error(type=kind, note=note, resource=resource, unchecked=unchecked))

    def _check_own_profile(self) -> None:
        """A profile that extends the standard's (guide "Extending Data Package") lies inside the package."""
        profile = self.content.get("$schema")
        if not isinstance(profile, str) or is_url(profile):
            return
        found = self._reference(profile, "package-error", "$schema", "")
        if found is not None:
            self.faults += json_schema_faults(found, self.content, "package-error")

    def _check_names(self, resources: tuple[Resource, ...]) -> None:
        names = [resource.name for resource in resources]
        for name in sorted({name for name in names if names.count(name) > 1}):
            self._fault("package-error", f'names of the resources are not unique: "{name}" is there twice')

    def _check_references(self, resources: tuple[Resource, ...]) -> None:
        by_name = {resource.name: resource for resource in resources}
        for resource in resources:
            for key in resource.schema.foreign_keys if resource.schema else ():
                target = by_name.get(key.reference) if key.reference else resource
                if target is None:
                    note = f'foreign key on "{", ".join(key.fields)}" refers to resource "{key.reference}", which is not there'
                    self._fault("schema-error", note, resource.name)
                elif target.schema and (lost := set(key.reference_fields) - set(target.schema.names)):
                    note = f'foreign key refers to "{target.name}.{min(lost)}", which is not there'
                    self._fault("schema-error", note, resource.name)

    def _rules(self) -> Iterator[Rule]:
        listed = self.content.get("rules", [])
        if not isinstance(listed, list):
            return
        for number, item in enumerate(listed, 1):
            if not isinstance(item, dict) or not all(isinstance(item.get(key), str) for key in ("id", "expression")):
                self._fault("package-error", f'rule {number} needs "id", "resources" and "expression"')
                continue
            yield Rule(
                id=item["id"],
                resources=strings(item.get("resources", item.get("resource", []))),
                expression=item["expression"],
                message=_text(item.get("message")) or item["expression"],
                severity="warning" if item.get("severity") == "warning" else "error",
            )

    def _reference(self, path: str, kind: str, what: str, resource: str) -> Any:
        """The document that a descriptor points at; None (and a fault) where it can't be had."""
        if is_url(path):
            self._fault(kind, f'{what} "{path}" is remote and was not fetched', resource, unchecked=True)
            return None
        if reason := unsafe(path) or self._escapes(path):
            self._fault(kind, f'{what} "{path}" is not safe: it {reason}', resource, unchecked=True)
            return None
        try:
            return read_document(self.base / path)
        except ImprintError as error:
            self._fault(kind, f'{what} "{path}" {error.what}', resource, unchecked=True)
            return None

    def _escapes(self, path: str) -> str:
        target = (self.base / path).resolve()
        return "" if target.is_relative_to(self.base.resolve()) else "is a link out of the package"

    def _resource(self, content: dict[str, Any], number: int) -> Resource:
        name = _text(content.get("name")) or f"resource-{number}"
        if "url" in content and "path" not in content:
            content = {**content, "path": content["url"]}
        self.faults += _profile_faults("resource-error", ("resource",), content, name)
        paths = strings(content.get("path"))
        tail = PurePosixPath(paths[0]).suffixes if paths else []
        compression = content.get("compression") or (COMPRESSIONS.get(tail[-1].lower()) if tail else None)
        plain = tail[:-1] if tail and tail[-1].lower() in COMPRESSIONS else tail
        guessed = plain[-1][1:].lower() if plain else ("json" if "data" in content else "")
        form = _text(content.get("format")).lower() or guessed
        raw_schema = content.get("schema")
        if isinstance(raw_schema, str):
            raw_schema = self._reference(raw_schema, "schema-error", "schema", name)
        tabular = self._is_tabular(content, form, raw_schema)
        json_schema = content.get("jsonSchema")
        if not tabular and raw_schema is not None:
            json_schema, raw_schema = raw_schema, None
        if isinstance(json_schema, str):
            json_schema = self._reference(json_schema, "schema-error", "jsonSchema", name)
        return Resource(
            name=name,
            paths=paths,
            files=self._files(paths, name),
            data=content.get("data"),
            tabular=tabular,
            format=form,
            encoding=self._encoding(content, name),
            compression=compression,
            dialect=self._dialect(content.get("dialect"), form, name),
            schema=self._schema(raw_schema, name) if raw_schema is not None else None,
            json_schema=json_schema,
            descriptor=content,
        )

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
        for path in paths:
            if is_url(path):
                self._fault("scheme-error", f'path "{path}" is remote and was not fetched', name)
            elif reason := unsafe(path) or self._escapes(path):
                self._fault("resource-error", f'path "{path}" is not safe: it {reason}', name, unchecked=True)
            elif not (self.base / path).is_file():
                self._fault("scheme-error", f'file "{path}" is not there', name)
            else:
                files.append(self.base / path)
        return tuple(files) if len(files) == len(paths) else ()

    def _encoding(self, content: dict[str, Any], name: str) -> str:
        encoding = _text(content.get("encoding")) or "utf-8"
        try:
            return codecs.lookup(encoding).name
        except LookupError:
            self._fault("encoding-error", f'encoding "{encoding}" is not known', name)
            return "utf-8"

    def _dialect(self, content: Any, form: str, name: str) -> Dialect:
        if isinstance(content, str):
            content = self._reference(content, "dialect-error", "dialect", name)
        if not isinstance(content, dict):
            return Dialect(delimiter="\t") if form == "tsv" else Dialect()
        faults = _profile_faults("dialect-error", ("dialect",), content, name)
        self.faults += faults
        wrong = {fault.field_name for fault in faults}
        kept = {key: value for key, value in content.items() if key not in wrong}
        options = {key: _option(kept, word) for key, word in DIALECT_WORDS.items() if word in kept}
        if form == "tsv":
            options.setdefault("delimiter", "\t")
        return Dialect(**options)

    def _schema(self, content: Any, name: str) -> Schema | None:
        if not isinstance(content, dict) or not isinstance(content.get("fields"), list):
            self._fault("schema-error", 'schema is not a Table Schema: it has no list of "fields"', name, unchecked=True)
            return None
        self.faults += _profile_faults("schema-error", ("schema",), content, name)
        missing = _missing_values(content.get("missingValues"), ("",))
        fields = tuple(self._field(item, name, missing) for item in content["fields"] if isinstance(item, dict))
        schema = Schema(
            fields=fields,
            primary_key=strings(content.get("primaryKey")),
            unique_keys=tuple(strings(key) for key in content.get("uniqueKeys") or () if isinstance(key, (str, list))),
            foreign_keys=tuple(_foreign_keys(content.get("foreignKeys"))),
            fields_match=content.get("fieldsMatch") or "exact",
            descriptor=content,
        )
        self._check_schema(schema, name)
        return schema

    def _check_schema(self, schema: Schema, name: str) -> None:
        names = schema.names
        for twice in sorted({field for field in names if names.count(field) > 1}):
            self._fault("schema-error", f'names of the fields are not unique: "{twice}" is there twice', name)
        keys = [("primary key", schema.primary_key), *(("unique key", key) for key in schema.unique_keys)]
        keys += [("foreign key", key.fields) for key in schema.foreign_keys]
        for what, key in keys:
            for lost in [field for field in key if field not in names]:
                self._fault("schema-error", f'{what} names field "{lost}", which is not there', name)
        for foreign in schema.foreign_keys:
            if len(foreign.fields) != len(foreign.reference_fields):
                note = f"foreign key has {len(foreign.fields)} fields and refers to {len(foreign.reference_fields)}"
                self._fault("schema-error", note, name)

    def _field(self, content: dict[str, Any], resource: str, missing: tuple[str, ...]) -> Field:
        kind = content.get("type", "any")
        known = isinstance(kind, str) and kind in profile()["$defs"]["fields"]
        label = _text(content.get("name"))
        if not known:
            self._fault("field-error", f'field "{label}" has type "{kind}", which the standard does not know', resource)
        faults = _profile_faults(
            "field-error", ("fields", kind if known else "any"), {**content, "type": kind} if known else {}, resource
        )
        faults = [fault for fault in faults if known]
        self.faults += faults
        constraints = content.get("constraints")
        constraints = dict(constraints) if isinstance(constraints, dict) else {}
        allowed = profile()["$defs"]["fields"][kind if known else "any"]["properties"]["constraints"]["properties"]
        for constraint in [word for word in constraints if word not in allowed]:
            self._fault(
                "field-error",
                f'constraint "{constraint}" is not for fields of type "{kind}" (field "{label}")',
                resource,
            )
            del constraints[constraint]
        pattern = constraints.get("pattern")
        if isinstance(pattern, str) and (reason := _broken_pattern(pattern)):
            self._fault("field-error", f'pattern of field "{label}" is not a regular expression: {reason}', resource)
            del constraints["pattern"]
        form = _text(content.get("format")) or "default"
        return Field(
            name=label,
            type=kind if known else "any",
            format=form.removeprefix("fmt:"),
            constraints=constraints,
            missing_values=_missing_values(content.get("missingValues"), missing),
            descriptor=content,
        )


DIALECT_WORDS = {
    "header": "header",
    "header_rows": "headerRows",
    "header_join": "headerJoin",
    "comment_rows": "commentRows",
    "comment_char": "commentChar",
    "delimiter": "delimiter",
    "line_terminator": "lineTerminator",
    "quote_char": "quoteChar",
    "double_quote": "doubleQuote",
    "escape_char": "escapeChar",
    "null_sequence": "nullSequence",
    "skip_initial_space": "skipInitialSpace",
    "property_": "property",
    "item_type": "itemType",
    "item_keys": "itemKeys",
    "sheet_number": "sheetNumber",
    "sheet_name": "sheetName",
    "table": "table",
}


def _option(content: Descriptor, word: str) -> Any:
    value = content[word]
    return tuple(value) if isinstance(value, list) else value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _missing_values(value: Any, default: tuple[str, ...]) -> tuple[str, ...]:
    if not isinstance(value, list):
        return default
    return tuple(str(item.get("value", "")) if isinstance(item, Mapping) else str(item) for item in value)


def _foreign_keys(value: Any) -> Iterator[ForeignKey]:
    for item in value if isinstance(value, list) else ():
        reference = item.get("reference") if isinstance(item, dict) else None
        if isinstance(reference, dict):
            name = _text(reference.get("resource"))
            yield ForeignKey(strings(item.get("fields")), name, strings(reference.get("fields")))


def _broken_pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return str(error)
    return ""


@functools.cache
def profile() -> dict[str, Any]:
    """Our JSON Schema of Data Package 2.0, written from the standard."""
    text = importlib_resources.files("imprint").joinpath("profiles/datapackage-2.0.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def _profile_faults(kind: str, part: tuple[str, ...], content: Any, resource: str = "") -> list[Error]:
    schema = {"$ref": "/".join(("#/$defs", *part)), "$defs": profile()["$defs"]}
    return [_fault_of(fault, kind, resource) for fault in json_schema.faults(schema, content)]


def json_schema_faults(schema: Any, value: Any, kind: str, resource: str = "") -> list[Error]:
    """Where a value breaks a JSON Schema; the standard's profile is known by its address, without a network."""
    try:
        found = json_schema.faults(schema, value, {PROFILE_2_0: profile()})
        return [_fault_of(fault, kind, resource) for fault in found]
    except json_schema.SchemaFault as error:
        return [Error("schema-error", str(error), resource, unchecked=True)]


def _fault_of(fault: json_schema.Fault, kind: str, resource: str) -> Error:
    path = "/".join(str(part) for part in fault.path)
    message = fault.message if len(fault.message) <= 200 else f"{fault.message[:200]}…"
    note = f"{message} at property '{path}'" if path else message
    return Error(type=kind, note=note, resource=resource, field_name=str(fault.path[0]) if path else None)
