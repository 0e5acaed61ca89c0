"""A result to text or JSON. Nothing else in imprint prints."""

from __future__ import annotations

import csv
import io
import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .difference import Changes, ResourceDiff, RowChange
from .formatting import Formatted
from .release import Released
from .report import Error, Report, Task, shorten
from .verification import Verification
from .version import Verdict

SHOWN = 5  # rows of each kind in text
WIDTH = 80  # columns of a terminal


def to_json(value: Any) -> str:
    """JSON in one form: two spaces, text as it is."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def report_text(report: Report) -> str:
    """A report as a person reads it: the verdict, a table of totals, the first rows of each kind."""
    return "\n".join(_report_lines(report))


def _report_lines(report: Report) -> Iterator[str]:
    warnings = sum(len(task.warnings) for task in report.tasks)
    rows = sum(task.rows or 0 for task in report.tasks)
    verdict = "valid" if report.valid else f"invalid, {_count(report.error_count, 'error')}"
    extra = f", {_count(warnings, 'warning')}" if warnings else ""
    name = " ".join(part for part in (report.name or "package", report.version) if part)
    yield f"{name}: {verdict}{extra} ({_count(len(report.tasks), 'resource')}, {_count(rows, 'row')})"
    if report.evidence:
        yield f"  evidence: {_evidence(report.evidence)}"
    for error in report.errors:
        yield f"  {error.type}: {error.note}"
    totals = [(t.resource, t.field or "", t.type, f"{t.count:,}") for task in report.tasks for t in task.totals]
    if totals:
        yield ""
        yield from table([("resource", "field", "type", "errors"), *sorted(totals)], right=(3,))
    for task in report.tasks:
        yield from _task_lines(task)


def _evidence(counts: Mapping[str, Any]) -> str:
    spans = f"{counts['verified']:,} of {_count(counts['spans'], 'span')} verified in {_count(counts['documents'], 'document')}"
    exempt = ", ".join(f"{number} {why}" for why, number in counts["exempt"].items())
    blocks = f"{counts['covered']} of {counts['covered'] + counts['uncovered']} blocks covered" if counts["blocks"] else ""
    return "; ".join(part for part in (spans, blocks + (f" ({exempt} aside)" if exempt else "")) if part)


def _task_lines(task: Task) -> Iterator[str]:
    shown: dict[tuple[str, str | None], int] = {}
    lines = []
    for error in (*task.errors, *task.warnings):
        key = (error.type, error.field_name)
        shown[key] = shown.get(key, 0) + 1
        if shown[key] <= SHOWN:
            lines.append(f"  {_where(error)}{error.note}{_cell(error)}")
    if lines:
        yield ""
        yield f"{task.name} ({task.place})"
        yield from lines
        more = task.error_count + len(task.warnings) - len(lines)
        if more > 0:
            yield f"  … and {more:,} more of the kinds above (--format json --limit-errors 0 lists them all)"


def _where(error: Error) -> str:
    parts = [f"row {error.row_number}"] if error.row_number is not None else []
    parts += [error.field_name] if error.field_name else []
    marked = "warning: " if error.severity == "warning" else ""
    return marked + (", ".join(parts) + ": " if parts else f"{error.type}: ")


def _cell(error: Error) -> str:
    return "" if error.cell is None else f"  «{shorten(error.cell, 40)}»"


def csv_text(fields: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """Rows as CSV with a header."""
    sink = io.StringIO(newline="")
    writer = csv.DictWriter(sink, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return sink.getvalue()


def table(rows: Sequence[Sequence[str]], right: Iterable[int] = ()) -> Iterator[str]:
    """Columns in line, two spaces apart; those in `right` end in line."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    ends = set(right)
    for row in rows:
        cells = (
            cell.rjust(width) if i in ends else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield ("  " + "  ".join(cells)).rstrip()


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


# Changes


def changes_json(changes: Changes, verdict: Verdict) -> dict[str, Any]:
    """The JSON form of a diff."""
    sides = {side: vars(getattr(changes, side)) for side in ("old", "new")}
    fired = [
        {
            "rule": one.rule.id,
            "bump": one.rule.bump.name,
            **{k: v for k, v in (("resource", one.difference.resource), ("field", one.difference.field)) if v},
            **({"count": one.difference.count} if one.difference.count is not None else {}),
            "message": one.difference.message,
            **({"witness": one.difference.witness} if one.difference.witness else {}),
            **({"waived": True} if one.waived else {}),
        }
        for one in verdict.fired
    ]
    resources = [_resource_json(one) for one in changes.resources]
    next_ = {"nextVersion": verdict.next_version}
    return {**sides, "bump": verdict.bump.name, **next_, "changes": fired, "resources": resources}


def _resource_json(one: ResourceDiff) -> dict[str, Any]:
    rows = [{"op": row.op, "key": dict(row.key), "cells": {k: list(v) for k, v in row.cells.items()}} for row in one.rows]
    counts = {word: getattr(one, word) for word in ("added", "removed", "changed", "unchanged")}
    return {"name": one.name, "key": list(one.key), **counts, "fields": dict(one.fields), "rows": rows, "sampled": one.sampled}


def changes_text(changes: Changes, verdict: Verdict) -> str:
    """A diff as a person reads it: the verdict and why, then each table's rows."""
    return "\n".join(_changes_lines(changes, verdict))


def _changes_lines(changes: Changes, verdict: Verdict) -> Iterator[str]:
    name = changes.new.name or "package"
    old = f"{changes.old.name or 'package'} {changes.old.version}".strip()
    new = changes.new.version if changes.old.name == changes.new.name else f"{name} {changes.new.version}"
    new = new or name
    if not verdict.fired and not verdict.bump:
        yield f"{old} → {new}: no change of content"
        return
    least = f", next version at least {verdict.next_version}" if verdict.next_version else ""
    yield f"{old} → {new}: {verdict.bump.name}{least}"
    yield ""
    for fired in verdict.fired:
        place = f"{fired.difference.path}: " if fired.difference.path else ""
        waived = ", waived" if fired.waived else ""
        yield _filled(f"{place}{fired.difference.message} ({fired.rule.id}{waived})", f"  {fired.rule.bump.name}  ")
    for one in changes.resources:
        if one.added or one.removed or one.changed:
            yield from _resource_lines(one)


def _resource_lines(one: ResourceDiff) -> Iterator[str]:
    key = f"by {', '.join(one.key)}" if one.key else "no key: whole rows are compared"
    yield ""
    counts = ", ".join(f"{getattr(one, word):,} {word}" for word in ("added", "removed", "changed", "unchanged"))
    yield f"{one.name} ({key}): {counts}"
    if one.fields:
        yield _filled(", ".join(f"{field} {count:,}" for field, count in one.fields.items()), "  cells changed: ")
    for row in one.rows[:SHOWN_ROWS]:
        yield f"  {_row_line(row)}"
    if one.added + one.removed + one.changed > SHOWN_ROWS:
        yield f"  … and {one.added + one.removed + one.changed - SHOWN_ROWS:,} more (--format json lists them)"


SHOWN_ROWS = 10
SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def _row_line(row: RowChange) -> str:
    name = ", ".join(str(value) for value in row.key.values())
    if row.op == "changed":
        cells = [f"{field}: {_value(old)} → {_value(new)}" for field, (old, new) in row.cells.items()]
    else:
        cells = [f"{field}: {_value(new if row.op == 'added' else old)}" for field, (old, new) in list(row.cells.items())[:3]]
    line = f"{SIGNS[row.op]} {name}  {'; '.join(cells)}".rstrip()
    return line if len(line) <= WIDTH - 2 else f"{line[: WIDTH - 3]}…"


def _filled(text: str, head: str) -> str:
    """Text behind a head, in lines of a terminal's width."""
    later = " " * min(len(head), 9)
    return textwrap.fill(
        text, WIDTH, initial_indent=head, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
    )


def _value(text: str | None) -> str:
    return "null" if text is None else f"«{shorten(text, 32)}»"


# Releases


def released_text(one: Released) -> str:
    """A release as a person reads it."""
    lines = [f"note: {note}" for note in one.notes] if one.released else []
    if one.released:
        lines.append(f"{one.version} released ({one.bump}) in {one.path}")
        lines.append(f"  {one.archive.name}  SHA-256 {one.sha256}")
    else:
        lines.append(f"{one.version}: nothing to release; {one.path} {'; '.join(one.notes)}")
    return "\n".join(lines)


def verification_text(results: Sequence[Verification]) -> str:
    """What was verified, a line per release and one per problem."""
    lines = []
    for one in results:
        said = f"{len(one.problems)} problems" if one.problems else f"{one.files + 2} files, all as released"
        lines.append(f"{one.path}: {said}")
        lines += [f"  {problem}" for problem in one.problems]
    return "\n".join(lines) if lines else "the store holds no release"


def formatted_text(files: Sequence[Formatted], *, check: bool) -> str:
    """Which files were not in canonical form."""
    changed = [file for file in files if file.changed]
    verb = "would be rewritten" if check else "rewritten"
    return "\n".join([*(f"{file.path}: {verb}" for file in changed), f"{len(files)} files, {len(changed)} {verb}"])
