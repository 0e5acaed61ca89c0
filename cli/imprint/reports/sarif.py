"""A report as SARIF 2.1.0 (OASIS), which code scanning and editors read: a rule for each type, a result for each error."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from .. import __version__
from ..explanations import TABLE
from ..remote import is_url, quoted
from ..report import Error, Report, Task
from .outline import Kind, cells_of, count, kinds, path_of, said, visible

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT = "%SRCROOT%"


def render(report: Report) -> str:
    """One run."""
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(report)]}, indent=2, ensure_ascii=False)


def _run(report: Report) -> dict[str, Any]:
    found = kinds(report)
    types = list(dict.fromkeys(kind.type for kind in found))
    driver = {"name": "imprint", "version": __version__, "semanticVersion": __version__, "rules": [_rule(one) for one in types]}
    hidden = sum(kind.count - len(kind.errors) for kind in found)
    counts = {"errors": report.error_count, "warnings": report.warning_count}
    totals = [total.to_dict() for task in report.tasks for total in task.totals]
    return {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"imprint/{visible(report.name or 'package', 100)}/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"description": {"text": "The directory in which imprint ran."}}},
        "invocations": [{"executionSuccessful": report.complete, "toolExecutionNotifications": list(_notes(hidden))}],
        "results": [_result(report, kind, error, types) for kind in found for error in kind.errors],
        "properties": {"name": report.name, "version": report.version, "valid": report.valid, **counts, "totals": totals},
    }


def _notes(hidden: int) -> Iterator[dict[str, Any]]:
    if hidden:
        said = f"{count(hidden, 'result')} more, counted in the run's totals, are not listed here; --limit-errors 0 lists all."
        yield {"level": "note", "message": {"text": said}}


def _rule(kind: str) -> dict[str, Any]:
    if kind not in TABLE:
        return {"id": kind}
    one = TABLE[kind]
    address = {"helpUri": one.address} if one.address else {}
    return {
        "id": kind,
        "shortDescription": {"text": f"{one.title}."},
        "fullDescription": {"text": one.meaning},
        "help": {"text": f"{one.meaning}\nExample: {one.example}\nTo mend: {one.mend}"},
        **address,
        "defaultConfiguration": {"level": "error"},
    }


def _result(report: Report, kind: Kind, error: Error, types: list[str]) -> dict[str, Any]:
    place = {"resource": error.resource, "rowNumber": error.row_number, "fieldName": error.field_name, "rule": error.rule}
    bad = "" if error.cell is None else f" (cell «{visible(error.cell, 60)}»)"
    marks = _fingerprint(error, kind.task)
    return {
        "ruleId": error.type,
        "ruleIndex": types.index(error.type),
        "level": error.severity,
        "message": {"text": f"{said(error, kind.task)}{bad}"},
        "locations": [_location(report, kind, error)],
        **({"partialFingerprints": {"imprint/v1": marks}} if marks else {}),
        "properties": {key: value for key, value in place.items() if value},
    }


def _location(report: Report, kind: Kind, error: Error) -> dict[str, Any]:
    found: dict[str, Any] = {}
    path = path_of(report, error, kind.task)
    if path:
        region = {"region": {"startLine": error.line}} if error.line else {}
        uri = quote(path, errors="replace")
        whole = quoted(path) if is_url(path) else f"file://{uri}" if path.startswith("/") else ""
        file = {"uri": whole} if whole else {"uri": uri, "uriBaseId": ROOT}
        found["physicalLocation"] = {"artifactLocation": file, **region}
    names = [name for name in (error.resource, error.field_name) if name]
    if names:
        kind_of = "member" if error.field_name else "resource"
        found["logicalLocations"] = [{"name": names[-1], "fullyQualifiedName": "/".join(names), "kind": kind_of}]
    return found


def _fingerprint(error: Error, task: Task | None) -> str:
    """The same for the same fault when rows move; "" where nothing but the row's number tells it from others."""
    cells: Iterable[str | None] = (cell.text for cell in cells_of(error, task))
    known = [*cells] or ([error.note] if error.row_number is None else [error.cell] if error.cell is not None else [])
    told = [error.type, error.resource, error.field_name, error.rule, *known]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32] if known else ""
