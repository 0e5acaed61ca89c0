"""Tampering is found and named: `cases/tamper.json`, done to a signed store of two releases."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import tampering
from packages import CASES, tree

from imprint import archive, fetching, signing
from imprint.exceptions import ImprintError
from imprint.verification import verify

TABLE = json.loads((CASES / "tamper.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SOURCE_DATE_EPOCH", "1700000000")
        return tampering.make_store(tmp_path_factory.mktemp("template"))


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(template, tmp_path / "place")


def do(folder: Path, deeds: list[list[Any]]) -> None:
    for name, *arguments in deeds:
        tampering.DEEDS[name](folder, *arguments)


def found(folder: Path, asked: list[str] | tuple[str, ...] = (), *, quick: bool = False) -> list[str]:
    """What is wrong, each problem with the release or the file that it is a problem of."""
    try:
        results = verify(
            folder / "dist", keys=[folder / "key.pub.pem"] if "key" in asked else [],
            ledger_file=folder / "releases.json" if "ledger" in asked else None, recompute="recompute" in asked, quick=quick,
        )  # fmt: skip
    except ImprintError as error:
        return [f"dist: {error.what}"]
    return [f"{Path(one.path).relative_to(folder / 'dist')}: {problem}" for one in results for problem in one.problems]


@pytest.mark.parametrize("asked", [[], ["key", "ledger", "recompute"]])
def test_a_store_that_nobody_touched_is_as_released(folder: Path, asked: list[str]) -> None:
    assert found(folder, asked) == []


@pytest.mark.parametrize("case", TABLE["every file"], ids=lambda case: case["what"])
def test_what_is_done_to_any_file_is_found_and_the_file_named(template: Path, tmp_path: Path, case: dict[str, Any]) -> None:
    signed = shutil.copytree(template, tmp_path / "signed")
    unsigned = shutil.copytree(template, tmp_path / "unsigned", ignore=shutil.ignore_patterns(f"*{signing.ATTESTATION}"))
    names = [name for name in archive.files_below(template) if name.startswith("dist/")]
    assert len(names) > 60
    touched = 0
    for name in names:
        # No digest in the store is of an attestation, nor of the page: the key alone tells.
        by_key = name.endswith((signing.ATTESTATION, signing.PAGE))
        folder = signed if by_key else unsigned
        do(folder, [[word.replace("FILE", name) for word in deed] for deed in case["do"]])
        if (folder / name).is_file() and not (folder / name).is_symlink() and same(folder / name, template / name):
            continue  # both versions have the same file
        touched += 1
        place, _, file = name.removeprefix("dist/").partition("/")
        problems = found(folder, ["key"] if by_key else [], quick=True)
        said = [one.partition(": ")[2] for one in problems if not file or one.startswith(f"{place}: ")]
        assert any((file or place) in problem for problem in said), (name, problems)
        (folder / name).unlink(missing_ok=True)
        shutil.copy(template / name, folder / name)
    assert touched >= case.get("at least", len(names))


def same(one: Path, other: Path) -> bool:
    return one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: case["what"])
def test_what_is_done_is_said(folder: Path, case: dict[str, Any]) -> None:
    do(folder, case["do"])
    problems = found(folder, case.get("asked", []), quick="values" not in case.get("asked", []))
    said = [one for one in problems if one in case["says"]] if case.get("more") else problems
    assert said == case["says"], problems


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: case["what"])
def test_what_is_fetched_by_key_is_what_was_signed_or_nothing(template: Path, folder: Path, case: dict[str, Any]) -> None:
    do(folder, case["do"])
    for version in ("0.1.0", "0.1.1"):
        out = folder / "fetched" / version
        try:
            fetching.fetch(str(folder / "dist"), version, out, folder=folder / "cache", keys=[folder / "key.pub.pem"])
        except ImprintError:
            assert not out.exists()
        else:
            assert tree(out) == tree(template / "dist" / version)
