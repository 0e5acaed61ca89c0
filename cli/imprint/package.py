"""Frozen values for a Data Package and its parts (Data Package 2.0).

Nothing here reads a file or checks anything: `descriptor.load` makes these values, every other module reads them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Descriptor = Mapping[str, Any]
CONSTRAINTS = (
    "required", "unique", "minLength", "maxLength", "minimum", "maximum",
    "exclusiveMinimum", "exclusiveMaximum", "jsonSchema", "pattern", "enum",
)  # fmt: skip


@dataclass(frozen=True)
class Field:
    """A field of a Table Schema; `missing_values` are those in force (the field's own, else the schema's)."""

    name: str
    type: str
    format: str
    constraints: Descriptor
    missing_values: tuple[str, ...]
    descriptor: Descriptor

    @property
    def required(self) -> bool:
        """Whether a null is an error."""
        return bool(self.constraints.get("required", False))

    @property
    def categories(self) -> tuple[Any, ...]:
        """The values that `categories` allows, for strings and integers; empty without `categories`."""
        listed = self.descriptor.get("categories", ()) if self.type in ("string", "integer") else ()
        return tuple(item["value"] if isinstance(item, Mapping) else item for item in listed)

    def option(self, name: str, default: Any = None) -> Any:
        """A type's own property, such as `trueValues` or `delimiter`."""
        return self.descriptor.get(name, default)


@dataclass(frozen=True)
class ForeignKey:
    """Fields whose values must exist in `reference_fields` of resource `reference` ("" is the resource itself)."""

    fields: tuple[str, ...]
    reference: str
    reference_fields: tuple[str, ...]


@dataclass(frozen=True)
class Schema:
    """A Table Schema."""

    fields: tuple[Field, ...]
    primary_key: tuple[str, ...] = ()
    unique_keys: tuple[tuple[str, ...], ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    fields_match: str = "exact"
    descriptor: Descriptor = field(default_factory=dict)

    def field(self, name: str) -> Field | None:
        """The field of that name."""
        return next((item for item in self.fields if item.name == name), None)

    @property
    def names(self) -> tuple[str, ...]:
        """Field names in schema order."""
        return tuple(item.name for item in self.fields)


@dataclass(frozen=True)
class Dialect:
    """A Table Dialect with its defaults filled in."""

    header: bool = True
    header_rows: tuple[int, ...] = (1,)
    header_join: str = " "
    comment_rows: tuple[int, ...] = ()
    comment_char: str | None = None
    delimiter: str = ","
    line_terminator: str | None = None
    quote_char: str | None = '"'
    double_quote: bool = True
    escape_char: str | None = None
    null_sequence: str | None = None
    skip_initial_space: bool = False
    property_: str | None = None
    item_type: str | None = None
    item_keys: tuple[str, ...] | None = None
    sheet_number: int = 1
    sheet_name: str | None = None
    table: str | None = None

    @property
    def first_content_row(self) -> int:
        """The row number at which data starts."""
        return self.header_rows[-1] + 1 if self.header and self.header_rows else 1


@dataclass(frozen=True)
class Resource:
    """A Data Resource. `paths` are as written; `files` are where they lie on this machine, in the same order."""

    name: str
    paths: tuple[str, ...]
    files: tuple[Path, ...]
    data: Any
    tabular: bool
    format: str
    encoding: str
    compression: str | None
    dialect: Dialect
    schema: Schema | None
    json_schema: Any
    descriptor: Descriptor

    @property
    def place(self) -> str:
        """What a reader calls the resource's location."""
        return ", ".join(self.paths) if self.paths else "<memory>"


@dataclass(frozen=True)
class Rule:
    """A rule of the package that Table Schema can't say; see `rules.py` for the expression's form."""

    id: str
    resources: tuple[str, ...]
    expression: str
    message: str
    severity: str = "error"


@dataclass(frozen=True)
class Package:
    """A Data Package. `base` is the directory that relative paths start from; `source` is what the user named.

    `warnings` are the types of error, and rules, that the package declares to be warnings. A `bare` one is a data file without
    a descriptor.
    """

    name: str
    version: str
    title: str
    base: Path
    source: str
    descriptor_path: Path
    resources: tuple[Resource, ...]
    rules: tuple[Rule, ...]
    descriptor: Descriptor
    warnings: frozenset[str] = frozenset()
    bare: bool = False

    def resource(self, name: str) -> Resource | None:
        """The resource of that name."""
        return next((item for item in self.resources if item.name == name), None)

    @property
    def tables(self) -> tuple[Resource, ...]:
        """The tabular resources that have a schema."""
        return tuple(item for item in self.resources if item.tabular and item.schema is not None)


def text_of(value: Any) -> str:
    """A string as it is; "" for what is none."""
    return value if isinstance(value, str) else ""


def strings(value: Any) -> tuple[str, ...]:
    """A string or a list of strings (1.0 allowed both) as a tuple."""
    if isinstance(value, str):
        return (value,)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, Sequence) else ()
