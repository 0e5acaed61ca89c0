"""A diff, a release and a verification to text or JSON; `reports` renders what a validation found."""

from __future__ import annotations

import csv
import io
import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .changes import Changes, ResourceDiff, RowChange
from .formatting import Formatted
from .release import Released
from .report import shorten
from .verification import Verification
from .version import Verdict

WIDTH = 80  # columns of a terminal


def to_json(value: Any) -> str:
    """JSON in one form: two spaces, text as it is."""
    # Half a surrogate pair, which JSON may hold, can't be written but as an escape.
    return json.dumps(value, indent=2, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()


def csv_text(fields: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """Rows as CSV with a header."""
    sink = io.StringIO(newline="")
    writer = csv.DictWriter(sink, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return sink.getvalue()


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
