"""The changelog of a package: one part per release, newest first, with the rows that were withdrawn."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from .changes import Changes, ResourceDiff
from .exceptions import DataFault, ImprintError
from .version import Bump, Verdict
from .versioning import PROFILE

NAME = "CHANGELOG.md"
HEAD = "# Changes\n\nEvery released version, newest first. Written by `imprint release`.\n"
WITHDRAWN = re.compile(r"^Withdrawn from `([^`]*)`, never to be used again: (.*)$", re.MULTILINE)
ODD = re.compile(r'^"|[`\x00-\x1f]')  # what makes of an id a text that isn't read as it is written


def read(base: Path) -> str:
    """The changelog beside a descriptor; "" where there is none. Raises DataFault where it isn't UTF-8."""
    path = base / NAME
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise DataFault(f"is not UTF-8 (byte {error.start})", where=path, fix="save it as UTF-8") from error
    except OSError as error:
        raise ImprintError(f"cannot be read ({error.strerror})", where=path, fix="mend it, or move it away") from error


def first_release(version: str, date: str, rows: dict[str, int]) -> str:
    """The part for a package's first release."""
    lines = [f"## {version} ({date})", "", "First release.", ""]
    lines += [f"- `{name}`: {count:,} row{'' if count == 1 else 's'}" for name, count in rows.items()]
    return finished(lines)


def release(version: str, date: str, changes: Changes, verdict: Verdict) -> str:
    """The part for a release: the verdict, what demanded it, the rows that changed and the ids that were withdrawn."""
    lines = [f"## {version} ({date})", ""]
    profile = f" by the rules of the profile {verdict.profile}" if verdict.profile != PROFILE else ""
    asked = "no new" if verdict.bump is Bump.none else f"a {verdict.bump.name}"
    lines += [f"Since {changes.old.version}; the changes ask for {asked} version{profile}.", ""]
    for fired in verdict.fired:
        place = f"`{fired.difference.path}`: " if fired.difference.path else ""
        why = f": {fired.reason}" if fired.reason else ""
        waived = f" (waived{why})" if fired.waived else ""
        line = f"- {place}{fired.difference.message} ({fired.rule.id}, {fired.rule.bump.name}){waived}"
        lines.append(re.sub(r"\s*[\r\n]\s*", " ", line))  # whatever a descriptor says, it makes no line of its own
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
        listed = ", ".join(f"`{_spelled(key)}`" for key in gone)
        yield f"Withdrawn from `{_spelled(resource.name)}`, never to be used again: {listed}"


def _spelled(text: str) -> str:
    """An id or a name as it stands in a line between backticks: as it is, or as JSON where it would end one of these."""
    return json.dumps(text).replace("`", "\\u0060") if ODD.search(text) else text


def _meant(spelled: str) -> set[str]:
    """What `_spelled` wrote, or wrote before it knew of JSON."""
    try:
        return {spelled, str(json.loads(spelled))} if spelled.startswith('"') and "\\" in spelled else {spelled}
    except ValueError:
        return {spelled}


def with_part(existing: str, version: str, part: str) -> str:
    """The changelog with a release's part put in front, or in the place of the part that it has for that version."""
    head, *parts = ("\n" + existing).split("\n## ")
    kept = [f"## {one.strip()}" for one in parts if not one.startswith((f"{version} ", f"{version}\n"))]
    return "\n\n".join([head.strip() or HEAD.strip(), part.strip(), *kept]) + "\n"


def withdrawn(text: str) -> dict[str, set[str]]:
    """The keys that a changelog lists as withdrawn, by table."""
    found: dict[str, set[str]] = {}
    for table, keys in WITHDRAWN.findall(text):
        gone = {key for one in re.findall(r"`([^`]*)`", keys) for key in _meant(one)}
        for name in _meant(table):
            found.setdefault(name, set()).update(gone)
    return found
