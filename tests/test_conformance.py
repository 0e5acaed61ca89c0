"""cases/conformance.json says rule by rule what the standard demands, and which cases hold it."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator

import pytest
from packages import CASES
from peer import read_json

STANDARD = read_json(CASES / "conformance.json")
EXPECTED = {path.parent.name: read_json(path) for path in sorted((CASES / "validate").glob("*/expected.json"))}
RULES = [(section, rule) for section, rules in STANDARD.items() for rule in rules]


def cases_of(rule: dict[str, list[str]]) -> Iterator[str]:
    """The names of the cases that a rule lists."""
    for pattern in rule["cases"]:
        found = fnmatch.filter(EXPECTED, pattern)
        assert found, f"{pattern} names no case"
        yield from found


@pytest.mark.parametrize(("section", "rule"), RULES, ids=[f"{section}: {rule['rule']}" for section, rule in RULES])
def test_every_rule_has_cases(section: str, rule: dict[str, list[str]]) -> None:
    assert list(cases_of(rule))
    assert rule.keys() == {"rule", "says", "cases"} and rule["says"] in ("must", "should", "default", "may")


@pytest.mark.parametrize("name", EXPECTED)
def test_every_case_belongs_to_a_rule_of_its_section(name: str) -> None:
    assert EXPECTED[name]["section"] in [section for section, rule in RULES if name in cases_of(rule)]


def test_every_rule_that_can_be_broken_has_a_case_that_breaks_it() -> None:
    """Of the sections that say how a value is written or bounded, none has valid cases alone."""
    never = {"Table Schema: string", "Table Schema: any", "Table Schema: list"}  # anything is a text
    sections = {section for section in STANDARD if section.startswith("Table Schema: ")} - never
    broken = {section for section, rule in RULES if any(EXPECTED[name]["errors"] for name in cases_of(rule))}
    assert sections - broken == set()
