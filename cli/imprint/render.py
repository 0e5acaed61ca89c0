"""A release, a verification and a formatting to text; `reports` renders what a validation found, `diffs` what changed."""

from __future__ import annotations

import csv
import io
import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .changes import PROFILE
from .formatting import Formatted
from .release import Released
from .report import shorten
from .verification import Verification
from .version import Bump, Rule, Verdict

WIDTH = 80  # columns of a terminal
DEMANDS = 20  # changes that are listed


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


# Versions


def rules_text(rules: Mapping[str, Rule]) -> str:
    """The version rules of a profile as a table: id, least bump, reason."""
    wide = max(map(len, rules))
    rows = [("rule", "bump", "because"), *((one.id, one.bump.name, one.reason) for one in rules.values())]
    lines = (f"{rule:<{wide}}  {bump:<5}  {why}" for rule, bump, why in rows)
    return "\n".join(textwrap.fill(line, WIDTH, subsequent_indent=" " * (wide + 9)) for line in lines)


def rules_json(rules: Mapping[str, Rule]) -> list[dict[str, str]]:
    """The version rules of a profile, each with the sentence that it rests on."""
    return [{"rule": one.id, "bump": one.bump.name, "reason": one.reason, "basis": one.basis} for one in rules.values()]


def demands_text(verdict: Verdict) -> str:
    """What demands a higher version, a line each, and how it can be waived."""
    listed = verdict.demanding
    profile = f" by the profile {verdict.profile}" if verdict.profile != PROFILE else ""
    asking = "1 change asks" if len(listed) == 1 else f"{len(listed):,} changes ask"
    lines = [f"{asking} for a {verdict.bump.name} version{profile}:"]
    for fired in listed[:DEMANDS]:
        one = fired.difference
        lines.append(f"  {one.path}: {one.message} ({fired.rule.id})" if one.path else f"  {one.message} ({fired.rule.id})")
        if one.witness:
            word = "breaks:" if one.witness.startswith("SELECT ") else "such as"
            lines[-1] += f", {word} {shorten(one.witness, 200)}"
    if len(listed) > DEMANDS:
        lines.append(f"  … and {len(listed) - DEMANDS:,} more: imprint diff lists them")
    for fired in listed[:1] if verdict.bump > Bump.patch else ():  # other content is at least a patch, waived or not
        entry = json.dumps({"rule": fired.rule.id, "path": fired.difference.path, "reason": "..."}, ensure_ascii=False)
        lines.append(f'To waive one, say so in the descriptor: "versioning": {{"waive": [{entry}]}}')
    return "\n".join(lines)


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
