"""The descriptors of a resource's Table Schema and Table Dialect, as they are in force: what can be understood of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from . import json_schema, profile, xml_schema
from .package import Descriptor, Dialect, Field, ForeignKey, Schema, strings, text_of
from .report import Error

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


class Reader:
    """Reads the parts of one resource's descriptor; `faults` gathers what is wrong with them."""

    def __init__(self, resource: str) -> None:
        self.resource = resource
        self.faults: list[Error] = []

    def _fault(self, kind: str, note: str, *, unchecked: bool = False) -> None:
        self.faults.append(Error(kind, note, self.resource, unchecked=unchecked))

    def schema(self, content: Any) -> Schema | None:
        """The schema that a descriptor is; None where it is none at all."""
        if not isinstance(content, dict) or not isinstance(content.get("fields"), list):
            note = 'schema is not a Table Schema: it has no list of "fields"; give it one'
            self._fault("schema-error", note, unchecked=True)
            return None
        self.faults += profile.faults("schema-error", ("schema",), content, self.resource)
        missing = _missing_values(content.get("missingValues"), ("",))
        self._check_missing_values(content, missing, "schema-error")
        fields = tuple(self._field(item, missing) for item in content["fields"] if isinstance(item, dict))
        schema = Schema(
            fields=fields,
            primary_key=strings(content.get("primaryKey")),
            unique_keys=tuple(filter(None, map(strings, _list(content.get("uniqueKeys"))))),
            foreign_keys=tuple(_foreign_keys(content.get("foreignKeys"))),
            fields_match=text_of(content.get("fieldsMatch")) or "exact",
            descriptor=content,
        )
        self._check_schema(schema)
        for package in _other_packages(content.get("foreignKeys")):
            note = f'foreign key refers to package "{package}", which was not fetched; put the table into this package'
            self._fault("schema-error", note, unchecked=True)
        return schema

    def _check_schema(self, schema: Schema) -> None:
        names = schema.names
        keys = [("primary key", schema.primary_key), *(("unique key", key) for key in schema.unique_keys)]
        keys += [("foreign key", key.fields) for key in schema.foreign_keys]
        for what, key in keys:
            for lost in [field for field in key if field not in names]:
                self._fault("schema-error", f'{what} names field "{lost}", which is not there')
        for foreign in schema.foreign_keys:
            if len(foreign.fields) != len(foreign.reference_fields):
                note = f"foreign key has {len(foreign.fields)} fields and refers to {len(foreign.reference_fields)}"
                self._fault("schema-error", note)

    def _check_missing_values(self, content: Descriptor, values: tuple[str, ...], kind: str) -> None:
        """Values are unique, and so are their labels (standard, `missingValues`)."""
        listed = _list(content.get("missingValues"))
        labels = [str(item["label"]) for item in listed if isinstance(item, Mapping) and "label" in item]
        for what, found in (("value", values), ("label", labels)):
            twice = [one for one, often in Counter(found).items() if listed and often > 1]
            if twice:
                self._fault(kind, f'missingValues have the {what} "{twice[0]}" twice')

    def _field(self, content: dict[str, Any], missing: tuple[str, ...]) -> Field:
        kind = content.get("type", "any")
        known = isinstance(kind, str) and kind in profile.load()["$defs"]["fields"]
        label = text_of(content.get("name"))
        if not known:
            self._fault("field-error", f'field "{label}" has type "{kind}", which the standard does not know')
        faults = profile.of_part(("fields", kind if known else "any"), {**content, "type": kind if known else "any"})
        if known:
            self.faults += [profile.error_of(fault, "field-error", self.resource, f' of field "{label}"') for fault in faults]
        content = profile.without(content, faults)
        constraints = dict(content.get("constraints", {}))
        allowed = profile.load()["$defs"]["fields"][kind if known else "any"]["properties"]["constraints"]["properties"]
        for constraint in [word for word in constraints if word not in allowed]:
            note = f'constraint "{constraint}" is not for fields of type "{kind}" (field "{label}")'
            self._fault("field-error", note)
            del constraints[constraint]
        for word, reason in _broken_constraints(constraints):
            self._fault("field-error", f'{word} of field "{label}" {reason}')
            del constraints[word]
        for reason in _broken_categories(content, constraints):
            self._fault("field-error", f'categories of field "{label}" {reason}')
        form = text_of(content.get("format")) or "default"
        own = _missing_values(content.get("missingValues"), missing)
        self._check_missing_values(content, own, "field-error")
        return Field(
            name=label,
            type=kind if known else "any",
            format=form.removeprefix("fmt:"),
            constraints=constraints,
            missing_values=own,
            descriptor=content,
        )

    def dialect(self, content: Any, form: str) -> Dialect:
        """The dialect that a descriptor is, of a file in some format; the format's own where it is none."""
        if not isinstance(content, dict):
            return Dialect(delimiter="\t") if form == "tsv" else Dialect()
        for nested in ("csv", "json"):  # as frictionless-py writes it
            content = {**content[nested], **content} if isinstance(content.get(nested), dict) else content
        faults = profile.of_part(("dialect",), content)
        self.faults += [profile.error_of(fault, "dialect-error", self.resource) for fault in faults]
        kept = profile.without(content, faults)
        options = {key: _option(kept, word) for key, word in DIALECT_WORDS.items() if word in kept}
        if form == "tsv":
            options.setdefault("delimiter", "\t")
        if options.get("header_rows") == ():
            options["header"] = False
        return Dialect(**options)


def _option(content: Descriptor, word: str) -> Any:
    value = content[word]
    return tuple(value) if isinstance(value, list) else value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _missing_values(value: Any, default: tuple[str, ...]) -> tuple[str, ...]:
    if not isinstance(value, list):
        return default
    return tuple(str(item.get("value", "")) if isinstance(item, Mapping) else str(item) for item in value)


def _foreign_keys(value: Any) -> Iterator[ForeignKey]:
    for item in _list(value):
        reference = item.get("reference") if isinstance(item, dict) else None
        if isinstance(reference, dict) and "package" not in reference:
            name = text_of(reference.get("resource"))
            yield ForeignKey(strings(item.get("fields")), name, strings(reference.get("fields")))


def _other_packages(value: Any) -> Iterator[str]:
    """The packages that foreign keys refer to (recipe "External Foreign Keys")."""
    for item in _list(value):
        reference = item.get("reference") if isinstance(item, dict) else None
        if isinstance(reference, dict) and "package" in reference:
            yield str(reference["package"])


def _broken_constraints(constraints: Descriptor) -> list[tuple[str, str]]:
    """Constraints that are a language of their own, and aren't written in it, with the reason."""
    broken = []
    try:
        xml_schema.compiled(constraints.get("pattern", ""))
    except xml_schema.PatternFault as error:
        broken.append(("pattern", str(error)))
    try:
        if "jsonSchema" in constraints:
            json_schema.check(constraints["jsonSchema"])
    except json_schema.SchemaFault as error:
        broken.append(("jsonSchema", str(error)))
    return broken


def _broken_categories(content: Descriptor, constraints: Descriptor) -> Iterator[str]:
    """What the profile can't say of `categories`: values and labels are unique, and `enum` is a part of them."""
    listed = _list(content.get("categories"))
    for word in ("value", "label"):
        found = [item[word] for item in listed if isinstance(item, dict) and word in item]
        if len(set(found)) < len(found):
            yield f"have a {word} twice"
    values = {str(item["value"] if isinstance(item, dict) else item) for item in listed}
    others = [value for value in _list(constraints.get("enum")) if values and str(value) not in values]
    if others:
        yield f'don\'t have "{others[0]}", which the constraint "enum" has'
