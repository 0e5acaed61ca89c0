"""The changelog of a package: one part per release, newest first, with the rows that were withdrawn."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .changes import PROFILE, Changes, ResourceDiff
from .version import Verdict

NAME = "CHANGELOG.md"
HEAD = "# Changes\n\nEvery released version, newest first. Written by `imprint release`.\n"


WITHDRAWN = re.compile(r"^Withdrawn from `([^`]*)`, never to be used again: (.*)$", re.MULTILINE)


def first_release(version: str, date: str, rows: dict[str, int]) -> str:
    """The part for a package's first release."""
    lines = [f"## {version} ({date})", "", "First release.", ""]
    lines += [f"- `{name}`: {count:,} row{'' if count == 1 else 's'}" for name, count in rows.items()]
    return finished(lines)


def release(version: str, date: str, changes: Changes, verdict: Verdict) -> str:
    """The part for a release: the verdict, what demanded it, the rows that changed and the ids that were withdrawn."""
    lines = [f"## {version} ({date})", ""]
    profile = f" by the rules of the profile {verdict.profile}" if verdict.profile != PROFILE else ""
    lines += [f"Since {changes.old.version}; the changes ask for a {verdict.bump.name} version{profile}.", ""]
    for fired in verdict.fired:
        place = f"`{fired.difference.path}`: " if fired.difference.path else ""
        why = f": {fired.reason}" if fired.reason else ""
        waived = f" (waived{why})" if fired.waived else ""
        lines.append(f"- {place}{fired.difference.message} ({fired.rule.id}, {fired.rule.bump.name}){waived}")
    for resource in changes.resources:
        lines += _withdrawn(resource)
    return finished(lines)


def finished(lines: Iterable[str]) -> str:
    """A part as it stands in the changelog and in the release: no blank line at its ends."""
    return "\n".join(lines).strip() + "\n"


def _withdrawn(resource: ResourceDiff) -> Iterator[str]:
    gone = [", ".join(str(value) for value in row.key.values()) for row in resource.rows if row.op == "removed" and row.key]
    if gone:
        yield ""
        yield f"Withdrawn from `{resource.name}`, never to be used again: {', '.join(f'`{key}`' for key in gone)}"


def with_part(existing: str, version: str, part: str) -> str:
    """The changelog with a release's part put in front, or in the place of the part that it has for that version."""
    head, *parts = ("\n" + existing).split("\n## ")
    kept = [f"## {one.strip()}" for one in parts if not one.startswith((f"{version} ", f"{version}\n"))]
    return "\n\n".join([head.strip() or HEAD.strip(), part.strip(), *kept]) + "\n"


def withdrawn(text: str) -> dict[str, set[str]]:
    """The keys that a changelog lists as withdrawn, by table."""
    found: dict[str, set[str]] = {}
    for name, keys in WITHDRAWN.findall(text):
        found.setdefault(name, set()).update(re.findall(r"`([^`]*)`", keys))
    return found
