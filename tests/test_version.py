"""From differences to a version: the verdict, the next version, what a waiver can do."""

from __future__ import annotations

import pytest

from imprint.changes import Changes, Difference, Side
from imprint.exceptions import UsageFault
from imprint.version import BY_PROFILE, RULES, SEMVER, Bump, next_version, parse, verdict
from imprint.versioning import Waiver


def changes(*differences: Difference, waivers: tuple[Waiver, ...] = ()) -> Changes:
    return Changes(Side("p", "1.2.3", "a"), Side("p", "1.2.3", "b"), differences, (), waivers)


@pytest.mark.parametrize("profile", BY_PROFILE)
@pytest.mark.parametrize("name", RULES)
def test_each_rule_alone_asks_for_its_own_bump(name: str, profile: str) -> None:
    rule = BY_PROFILE[profile][name]
    found = verdict(changes(Difference(name, "it changes", "t", "f")), profile)
    assert (found.bump, found.fired[0].rule, found.fired[0].waived) == (rule.bump, rule, False)


def test_every_profile_knows_every_rule_and_says_why_and_whence() -> None:
    for rules in BY_PROFILE.values():
        assert rules.keys() == RULES.keys()
        assert all(rule.reason and rule.basis for rule in rules.values())


@pytest.mark.parametrize("name", ["package-renamed", "constraint-tightened", "codes-added", "fields-reordered"])
def test_croissant_counts_what_leaves_the_data_as_it_is_as_a_patch(name: str) -> None:
    assert BY_PROFILE["croissant"][name].bump is Bump.patch


@pytest.mark.parametrize("name", ["values-corrected", "rows-removed", "rows-added", "field-removed"])
def test_croissant_counts_what_edits_or_removes_data_as_major(name: str) -> None:
    assert BY_PROFILE["croissant"][name].bump is Bump.major


def test_a_profile_that_is_unknown_is_a_usage_fault_that_names_the_known_ones() -> None:
    with pytest.raises(UsageFault, match="datapackage, croissant"):
        verdict(changes(), "semver")


def test_the_reason_of_a_waiver_goes_with_what_it_waives() -> None:
    waiver = Waiver("field-removed", "", "nobody reads it")
    found = verdict(changes(Difference("field-removed", "", "t", "f"), waivers=(waiver,)))
    assert [(one.waived, one.reason) for one in found.fired] == [(True, "nobody reads it")]


def test_the_highest_bump_decides_and_stands_first() -> None:
    found = verdict(
        changes(Difference("metadata-changed", ""), Difference("field-removed", "", "t"), Difference("rows-added", ""))
    )
    assert found.bump is Bump.major
    assert [one.rule.id for one in found.fired] == ["field-removed", "rows-added", "metadata-changed"]


def test_the_order_of_what_fired_does_not_depend_on_the_order_of_the_differences() -> None:
    differences = [Difference("rows-added", "", name) for name in "cab"] + [Difference("field-removed", "", "t", "f")]
    assert verdict(changes(*differences)).fired == verdict(changes(*differences[::-1])).fired


def test_no_difference_asks_for_no_version() -> None:
    assert (verdict(changes()).bump, verdict(changes()).next_version) == (Bump.none, "1.2.3")


@pytest.mark.parametrize(
    ("waiver", "bump"),
    [
        (Waiver("field-removed", "t.f"), Bump.minor),
        (Waiver("field-removed", ""), Bump.minor),
        (Waiver("field-removed", "t"), Bump.major),
        (Waiver("field-removed", "t.g"), Bump.major),
        (Waiver("rows-added", "t"), Bump.major),
        (Waiver("no-such-rule", ""), Bump.major),
    ],
)
def test_a_waiver_counts_for_its_rule_at_its_path(waiver: Waiver, bump: Bump) -> None:
    found = verdict(changes(Difference("field-removed", "", "t", "f"), Difference("rows-added", "", "t"), waivers=(waiver,)))
    assert found.bump is bump


def test_waivers_of_everything_leave_a_patch_where_the_content_differs() -> None:
    waived = verdict(changes(Difference("field-removed", "", "t", "f"), waivers=(Waiver("field-removed", ""),)))
    assert (waived.bump, waived.fired[0].waived) == (Bump.patch, True)
    moved = verdict(changes(Difference("storage-changed", "", "t"), waivers=(Waiver("storage-changed", ""),)))
    assert moved.bump is Bump.none


@pytest.mark.parametrize(
    ("version", "patch", "minor", "major"),
    [
        ("0.0.0", "0.0.1", "0.1.0", "1.0.0"),
        ("0.9.9", "0.9.10", "0.10.0", "1.0.0"),
        ("1.2.3", "1.2.4", "1.3.0", "2.0.0"),
        ("1.2.3+build.5", "1.2.4", "1.3.0", "2.0.0"),
        ("1.2.3-rc.1", "1.2.3", "1.3.0", "2.0.0"),
        ("1.3.0-rc.1", "1.3.0", "1.3.0", "2.0.0"),
        ("2.0.0-rc.1", "2.0.0", "2.0.0", "2.0.0"),
        ("2.0.0+a-b", "2.0.1", "2.1.0", "3.0.0"),
        ("", "", "", ""),
        ("2024-01-01", "2024-01-01", "2024-01-01", "2024-01-01"),
    ],
)
def test_next_version_is_the_least_that_semantic_versioning_allows(version: str, patch: str, minor: str, major: str) -> None:
    assert [next_version(version, bump) for bump in Bump] == [version, patch, minor, major]


@pytest.mark.parametrize(
    "text",
    ["", "1", "1.2", "1.2.3.4", "v1.2.3", "01.2.3", "1.2.x", "1.2.3-", "1.2.3 ", "١.٢.٣", "1.2.3/../x", "1.2." + "3" * 5000],
)
def test_what_is_no_semantic_version_is_a_usage_fault(text: str) -> None:
    assert SEMVER.fullmatch(text) is None
    with pytest.raises(UsageFault, match="not a semantic version"):
        parse(text)


def test_parts_are_numbers_not_texts() -> None:
    assert parse("1.10.0") > parse("1.9.12")
