"""A release, a verification and a formatting to text; `reports` renders what a validation found, `diffs` what changed."""

from __future__ import annotations

import csv
import io
import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .fetching import Fetched
from .formatting import Formatted
from .publishing import Published
from .release import Released
from .report import shorten
from .verification import Verification
from .version import Bump, Rule, Verdict
from .versioning import PROFILE

WIDTH = 80  # columns of a terminal
DEMANDS = 20  # changes that are listed
PROBLEMS = 100  # problems of a release that are listed


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
    lines = [f"note: {note}" for note in one.notes]
    if one.released:
        bump = f" ({one.bump})" if one.bump != Bump.none.name else ""  # as of the first
        lines.append(f"{one.version} released{bump} in {one.path}")
        lines.append(f"  {one.archive.name}  SHA-256 {one.sha256}")
    else:
        lines.append(f"{one.version}: nothing to release; {one.found}")
    if one.signer:
        lines.append(f"  signed ({one.signer})")
    return "\n".join(lines)


def published_text(one: Published) -> str:
    """What was published, as a person reads it."""
    lines = [f"note: {note}" for note in one.notes]
    if one.added:
        lines.append(f"{', '.join(one.added)} {'would be ' if one.dry_run else ''}published in {one.target}")
    else:
        lines.append(f"{one.target}: no new version")
    sent = f"{_files(len(one.sent))} ({sum(one.sent.values()):,} bytes)" if one.sent else "nothing"
    lines.append(f"  {sent} {'to send' if one.dry_run else 'sent'}, {_files(one.kept)} there already")
    lines.append(f"  latest version there{' then' if one.dry_run and one.added else ''}: {one.versions[-1]}")
    return "\n".join(lines)


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


def verification_text(results: Sequence[Verification]) -> str:
    """What was verified, a line per release and one per problem."""
    return "\n".join(line for one in results for line in _verified(one)) if results else "the store holds no release"


def _verified(one: Verification) -> Iterator[str]:
    count = "1 file" if one.files == 1 else f"{one.files:,} files"
    good = f"{count}, all as released" if one.files else "no problem found"
    derived, signed = ", verdict derived again" if one.derived else "", f", signed ({one.signer})" if one.signer else ""
    number = "1 problem" if len(one.problems) == 1 else f"{len(one.problems):,} problems"
    yield f"{one.path}: {number if one.problems else f'{good}{derived}{signed}'}"
    for line in (*one.problems[:PROBLEMS], *(f"note: {note}" for note in one.notes)):
        yield f"  {shorten(line, 1000)}"  # a name in it comes from elsewhere, and may hold what steers a terminal
    if len(one.problems) > PROBLEMS:
        yield f"  … and {len(one.problems) - PROBLEMS:,} more: --format json lists them all"


def fetched_text(one: Fetched) -> str:
    """What was fetched, where it is, and what that cost."""
    said = "is there already" if one.there else "fetched"
    lines = [f"{one.name} {one.version} ({one.date}) {said}: {one.path}"]
    lines.append(f"  {one.files:,} files, {size(one.bytes)}, every digest as released")
    if one.offline:
        lines.append(f"  the store was not asked; its index is of {one.seen}")
    elif not one.there:
        lines[-1] += f"; {size(one.downloaded)} downloaded" if one.downloaded else "; all of it was in the cache"
    if one.signer:
        lines.append(f"  signed ({one.signer})")
    if one.latest != one.version:
        lines.append(f"  the latest version is {one.latest}")
    return "\n".join(lines)


def unpacked_text(source: str, path: Path, form: str) -> str:
    """Where a zip was unpacked to, as text or JSON."""
    if form == "json":
        return to_json({"path": str(path), "source": source})
    return f"{source} unpacked: {path}\n  a zip says nothing of the store that it is from: no digest was compared"


def size(count: int) -> str:
    """So many bytes, in the unit that says it shortest."""
    for unit, many in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= many:
            return f"{count / many:.1f} {unit}"
    return "1 byte" if count == 1 else f"{count} bytes"


def formatted_text(files: Sequence[Formatted], *, check: bool) -> str:
    """Which files were not in canonical form."""
    changed = [file for file in files if file.changed]
    verb = "would be rewritten" if check else "rewritten"
    total = "1 file" if len(files) == 1 else f"{len(files):,} files"
    return "\n".join([*(f"{file.path}: {verb}" for file in changed), f"{total}, {len(changed)} {verb}"])
