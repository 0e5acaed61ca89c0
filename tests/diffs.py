"""Diffs for the tests of their renderers: read from their JSON form, and one whose every text is hostile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from packages import CASES
from reports import HOSTILE_TEXTS

from imprint.changes import Changes, Difference, Note, ResourceDiff, RowChange, Side
from imprint.version import RULES, Verdict, verdict
from imprint.versioning import Waiver

FOLDERS = sorted(path.parent for path in (CASES / "diffs").glob("*/diff.json"))


def read(folder: Path) -> tuple[Changes, Verdict]:
    """The diff of a case and what it demands."""
    return from_json(json.loads((folder / "diff.json").read_text(encoding="utf-8")))


def from_json(told: dict[str, Any]) -> tuple[Changes, Verdict]:
    """A diff and what it demands, from the JSON form."""
    words = ("message", "resource", "field", "count", "witness")
    differences = [Difference(one["rule"], **{word: one.get(word) for word in words}) for one in told["changes"]]
    waived = [(one, found) for one, found in zip(told["changes"], differences, strict=True) if one.get("waived")]
    changes = Changes(
        Side(**told["old"]), Side(**told["new"]), tuple(differences), tuple(map(_resource, told["resources"])),
        tuple(Waiver(found.rule, found.path, one.get("reason", "")) for one, found in waived),
        tuple(Note(one["kind"], one["message"], one.get("resource"), one.get("field")) for one in told["notes"]),
    )  # fmt: skip
    return changes, verdict(changes)


def _resource(one: dict[str, Any]) -> ResourceDiff:
    rows = [
        RowChange(row["op"], row["key"], {field: tuple(pair) for field, pair in row["cells"].items()}) for row in one["rows"]
    ]
    return ResourceDiff(**{**one, "key": tuple(one["key"]), "rows": tuple(rows)})


def hostile() -> tuple[Changes, Verdict]:
    """A diff whose names, messages, keys and cells are hostile."""
    texts = HOSTILE_TEXTS
    rows = [
        RowChange(
            op,
            {texts[0]: text},
            {name: pair for name in texts for pair in [_sides(op, text[:500], f"{name[:500]}{text[:500]}")]},
        )
        for op in ("added", "removed", "changed")
        for text in texts
    ]
    counts = dict.fromkeys(texts, len(texts))
    tables = tuple(ResourceDiff(name, (texts[0],), 21, 21, 21, 0, counts, tuple(rows)) for name in texts[:2])
    differences = [
        Difference(rule, text, text, other, witness=text)
        for rule, text, other in zip(RULES, texts, reversed(texts), strict=False)
    ]
    differences += [Difference("metadata-changed", text, witness=text) for text in texts]
    waivers = (Waiver("package-renamed", "", texts[0]),)
    notes = tuple(Note("keyless", text, text, text) for text in texts)
    sides = Side(texts[0], texts[1], "a" * 64), Side(texts[2], texts[3], "b" * 64)
    changes = Changes(*sides, tuple(differences), tables, waivers, notes)
    return changes, verdict(changes)


def _sides(op: str, old: str, new: str) -> tuple[str | None, str | None]:
    return (None, new) if op == "added" else (old, None) if op == "removed" else (old, new)


DIFFS = {**{folder.name: read(folder) for folder in FOLDERS}, "hostile": hostile()}
