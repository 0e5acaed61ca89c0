"""Each folder of cases/diff is a case: two packages and what is expected of their diff."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from limits import sized
from packages import CASES

import imprint
from imprint.changes import Changes
from imprint.version import RULES, verdict

FOLDERS = sorted(folder for folder in (CASES / "diff").iterdir() if folder.is_dir())
SIZES = {"small": {}, "as a large table": {"small": -1}, "as a wide table": {"small": -1, "group": 1}}


def expected_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "expected.json").read_text(encoding="utf-8"))


def found_of(changes: Changes, expected: dict[str, Any]) -> dict[str, Any]:
    decided = verdict(changes)
    rules = [(one.rule.id, one.difference.resource, one.difference.field) for one in decided.fired]
    words = ("added", "removed", "changed", "unchanged", "fields")
    waived = sorted({one.rule.id for one in decided.fired if one.waived})
    witnesses = {f"{one.rule} {one.path}".strip(): one.witness for one in changes.differences}
    told = {
        "croissant": verdict(changes, "croissant").bump.name,
        "witness": {name: witnesses.get(name) for name in expected.get("witness", ())},
        "notes": [note.kind for note in changes.notes],
    }
    return {
        "rules": sorted(rules, key=lambda rule: [part or "" for part in rule]),
        "bump": decided.bump.name,
        "next": decided.next_version,
        "rows": {one.name: {word: getattr(one, word) for word in words} for one in changes.resources},
        **({"waived": waived} if waived else {}),
        **{word: value for word, value in told.items() if word in expected},
    }


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_case_gives_what_its_folder_expects(folder: Path, size: dict[str, int]) -> None:
    expected = expected_of(folder)
    terms = {word: expected.pop(word, {}) for word in ("keys", "rename")}
    if "refused" in expected:
        with sized(**size), pytest.raises(imprint.ImprintError) as raised:
            verdict(imprint.diff(folder / "old", folder / "new", **terms))
        assert [text for text in expected["refused"] if text not in str(raised.value)] == []
        assert raised.value.exit_code == expected["exit"]
        return
    with sized(**size):
        found = found_of(imprint.diff(folder / "old", folder / "new", **terms), expected)
    assert found == {**expected, "rules": [tuple(rule) for rule in expected["rules"]]}


def test_every_rule_has_a_case() -> None:
    named = {rule for folder in FOLDERS for rule, _, _ in expected_of(folder).get("rules", ())}
    assert RULES.keys() - named == set()
