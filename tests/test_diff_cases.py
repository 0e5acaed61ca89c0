"""Each folder of cases/diff is a case: two packages and what is expected of their diff."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from packages import CASES

import imprint
from imprint.changes import Changes
from imprint.version import RULES, verdict

FOLDERS = sorted(folder for folder in (CASES / "diff").iterdir() if folder.is_dir())


def expected_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "expected.json").read_text(encoding="utf-8"))


def found_of(changes: Changes) -> dict[str, Any]:
    decided = verdict(changes)
    rules = [(one.rule.id, one.difference.resource, one.difference.field) for one in decided.fired]
    words = ("added", "removed", "changed", "unchanged", "fields")
    waived = sorted({one.rule.id for one in decided.fired if one.waived})
    return {
        "rules": sorted(rules, key=lambda rule: [part or "" for part in rule]),
        "bump": decided.bump.name,
        "next": decided.next_version,
        "rows": {one.name: {word: getattr(one, word) for word in words} for one in changes.resources},
        **({"waived": waived} if waived else {}),
    }


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_case_gives_what_its_folder_expects(folder: Path) -> None:
    expected = expected_of(folder)
    keys = expected.pop("keys", {})
    if "refused" in expected:
        with pytest.raises(imprint.ImprintError) as raised:
            imprint.diff(folder / "old", folder / "new", keys=keys)
        assert [text for text in expected["refused"] if text not in str(raised.value)] == []
        assert raised.value.exit_code == expected["exit"]
        return
    found = found_of(imprint.diff(folder / "old", folder / "new", keys=keys))
    assert found == {**expected, "rules": [tuple(rule) for rule in expected["rules"]]}


def test_every_rule_has_a_case() -> None:
    named = {rule for folder in FOLDERS for rule, _, _ in expected_of(folder).get("rules", ())}
    assert RULES.keys() - named == set()
