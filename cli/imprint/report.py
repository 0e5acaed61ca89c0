"""Frozen values for what a validation found. Keys of the JSON form follow frictionless-py's report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Types that say that something could not be checked at all, as opposed to: was checked and is wrong.
UNCHECKED = frozenset({"scheme-error", "format-error"})


@dataclass(frozen=True)
class Error:
    """One fault. Row numbers are record ordinals with the header as row 1; field numbers start at 1.

    `path` is the file that holds the row, as the descriptor names it, and `line` the physical line, from 1, on which the
    record begins in it: None where the data has no lines (a spreadsheet, inline data, a compressed file).
    """

    type: str
    note: str
    resource: str = ""
    row_number: int | None = None
    field_name: str | None = None
    field_number: int | None = None
    cell: str | None = None
    rule: str | None = None
    severity: str = "error"
    unchecked: bool = False
    path: str | None = None
    line: int | None = None

    @property
    def message(self) -> str:
        """The fault as a sentence."""
        place = [f'resource "{self.resource}"'] if self.resource else []
        if self.row_number is not None:
            place.append(f"row {self.row_number}")
        if self.field_name:
            place.append(f'field "{self.field_name}"')
        shown = "" if self.cell is None else f' (cell "{shorten(self.cell)}")'
        return f"{', '.join(place)}: {self.note}{shown}" if place else f"{self.note}{shown}"

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        found = {
            "type": self.type,
            "message": self.message,
            "note": self.note,
            "rowNumber": self.row_number,
            "fieldName": self.field_name,
            "fieldNumber": self.field_number,
            "cell": self.cell,
            "rule": self.rule,
            "severity": self.severity,
            "path": self.path,
            "line": self.line,
        }
        return {key: value for key, value in found.items() if value is not None}


@dataclass(frozen=True)
class Total:
    """How often a type of error occurs in a field (or, without a field, in the resource): exact, never capped."""

    resource: str
    type: str
    count: int
    field: str | None = None
    severity: str = "error"

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        named = {"field": self.field} if self.field else {}
        return {"resource": self.resource, **named, "type": self.type, "count": self.count, "severity": self.severity}


@dataclass(frozen=True)
class Task:
    """What was found in one resource. `errors` and `warnings` are samples where `sampled` is true; `totals` are exact.

    `rows_shown` has the cells of some rows that errors and warnings are about, by row number, as the data has them (None for
    a cell that isn't there): the first few of each type and field.
    """

    name: str
    type: str
    place: str
    labels: tuple[str, ...] = ()
    rows: int | None = None
    bytes: int | None = None
    errors: tuple[Error, ...] = ()
    warnings: tuple[Error, ...] = ()
    totals: tuple[Total, ...] = ()
    sampled: bool = False
    rows_shown: Mapping[int, tuple[str | None, ...]] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        """Whether the resource has no error."""
        return not self.error_count

    @property
    def error_count(self) -> int:
        """How many errors there are, shown or not."""
        return sum(total.count for total in self.totals if total.severity == "error")

    @property
    def warning_count(self) -> int:
        """How many warnings there are, shown or not."""
        return sum(total.count for total in self.totals if total.severity == "warning")

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        stats = {
            "errors": self.error_count,
            "warnings": self.warning_count,
            "bytes": self.bytes,
            "fields": len(self.labels) or None,
            "rows": self.rows,
        }
        return {
            "name": self.name,
            "type": self.type,
            "valid": self.valid,
            "place": self.place,
            "labels": list(self.labels),
            "stats": {key: value for key, value in stats.items() if value is not None},
            "warnings": [warning.to_dict() for warning in self.warnings],
            "errors": [error.to_dict() for error in self.errors],
            "sampled": self.sampled,
            "totals": [total.to_dict() for total in self.totals],
            "rows": {str(number): list(cells) for number, cells in self.rows_shown.items()},
        }


@dataclass(frozen=True)
class Chosen:
    """What a user asked a validation to look at: the names given (types of error, ids of rules, resources), in order.

    `types` are the types of error that were therefore looked for, by resource, and in the package as a whole (""); None: all.
    """

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    warn: tuple[str, ...] = ()
    types: Mapping[str, frozenset[str]] | None = None


@dataclass(frozen=True)
class Report:
    """What a validation found: faults of the descriptor in `errors`, faults of each resource in `tasks`.

    `evidence` counts spans and blocks where the documents were at hand. `source` is what the user named, `base` the
    directory that paths are relative to, as seen from there ("" for a package that isn't a directory), `descriptor` the
    descriptor's path in it. A `strict` report with warnings isn't valid. `chosen` is what was asked for.
    """

    name: str
    version: str
    errors: tuple[Error, ...] = ()
    tasks: tuple[Task, ...] = ()
    seconds: float = field(default=0.0, compare=False)
    evidence: Mapping[str, Any] | None = None
    warnings: tuple[Error, ...] = ()
    source: str = field(default="", compare=False)
    base: str = field(default="", compare=False)
    descriptor: str = field(default="", compare=False)
    strict: bool = False
    chosen: Chosen = Chosen()

    @property
    def valid(self) -> bool:
        """Whether nothing is wrong."""
        return not self.errors and all(task.valid for task in self.tasks) and not (self.strict and self.warning_count)

    @property
    def complete(self) -> bool:
        """Whether everything that the descriptor declares could be checked."""
        return not any(error.unchecked or error.type in UNCHECKED for error in self.all_errors)

    @property
    def all_errors(self) -> tuple[Error, ...]:
        """Every error shown, the descriptor's first."""
        return self.errors + tuple(error for task in self.tasks for error in task.errors)

    @property
    def error_count(self) -> int:
        """How many errors there are, shown or not."""
        return len(self.errors) + sum(task.error_count for task in self.tasks)

    @property
    def warning_count(self) -> int:
        """How many warnings there are, shown or not."""
        return len(self.warnings) + sum(task.warning_count for task in self.tasks)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        names = {word: list(getattr(self.chosen, word)) for word in ("only", "skip", "warn")}
        return {
            "valid": self.valid,
            "name": self.name,
            "version": self.version,
            "stats": {
                "tasks": len(self.tasks),
                "errors": self.error_count,
                "warnings": self.warning_count,
                "seconds": round(self.seconds, 3),
            },
            "warnings": [warning.to_dict() for warning in self.warnings],
            "errors": [error.to_dict() for error in self.errors],
            **({"chosen": {**names, "strict": self.strict}} if self.strict or any(names.values()) else {}),
            **({"evidence": dict(self.evidence)} if self.evidence else {}),
            "tasks": [task.to_dict() for task in self.tasks],
        }


def shorten(text: str, width: int = 60) -> str:
    """A cell on one line, cut in the middle if it is long."""
    line = text.encode("unicode_escape").decode("ascii") if not text.isprintable() else text
    return line if len(line) <= width else f"{line[: width // 2]}…{line[-(width // 2 - 1) :]}"
