"""What imprint and frictionless-py find in a package, in one form: (resource, type, row, field)."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import frictionless

import imprint

Finding = tuple[str, str, int | None, str | None]
# frictionless-py names no field for these; imprint names the key's fields.
OF_A_ROW = frozenset({"blank-row", "primary-key", "foreign-key"})
# Faults of a descriptor: frictionless-py stops at the first kind, and checks no data then.
OF_A_DESCRIPTOR = frozenset({"package-error", "resource-error", "schema-error", "field-error", "dialect-error", "error"})


class Verdict(NamedTuple):
    """Whether a package is valid, and what is wrong with it."""

    valid: bool
    findings: frozenset[Finding]

    @property
    def of_data(self) -> frozenset[tuple[str, int | None, str | None]]:
        """(type, row, field) of every error, as both tools name them."""
        return frozenset((kind, row, None if kind in OF_A_ROW else field or None) for _, kind, row, field in self.findings)

    @property
    def faults(self) -> frozenset[str]:
        """The types of the descriptor's faults."""
        return frozenset(kind for _, kind, _, _ in self.findings if kind in OF_A_DESCRIPTOR)

    def agrees(self, other: Verdict) -> bool:
        """Whether two tools say the same; of a package whose descriptor one rejects, whether they name the same faults."""
        if self.faults or other.faults:
            return (self.valid, self.faults) == (other.valid, other.faults)
        return (self.valid, self.of_data) == (other.valid, other.of_data)


def ours(path: Path) -> Verdict:
    """What imprint says; an unreadable package is a `package-error`, as it is to frictionless-py."""
    try:
        report = imprint.validate(path, limit=0)
    except imprint.ImprintError:
        return Verdict(False, frozenset({("", "package-error", None, None)}))
    return Verdict(report.valid, findings(report))


def findings(report: imprint.Report) -> frozenset[Finding]:
    """Every error of a report."""
    return frozenset((error.resource, error.type, error.row_number, error.field_name) for error in report.all_errors)


def theirs(path: Path) -> Verdict:
    """What frictionless-py says; where it breaks down, an `error`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            report = frictionless.validate(path.name, basepath=str(path.parent), limit_errors=10**6)
        except Exception:  # noqa: BLE001 - it lets through whatever a cell makes it raise
            return Verdict(False, frozenset({("", "error", None, None)}))
    errors: list[tuple[str, Any]] = [("", error) for error in report.errors]
    errors += [(task.name, error) for task in report.tasks for error in task.errors]
    found = (
        (name, error.type, getattr(error, "row_number", None), getattr(error, "field_name", None)) for name, error in errors
    )
    return Verdict(report.valid, frozenset(found))


def is_package(path: Path) -> bool:
    """Whether a file is a descriptor."""
    return path.name.startswith("datapackage.")


def read_json(path: Path) -> Any:
    """The value of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))
