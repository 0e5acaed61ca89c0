"""Every type of error that the validator can report has its explanation, and `--explain` shows it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from packages import imprint

from imprint import explanations

CODE = Path(explanations.__file__).parent
TYPE = re.compile(r"[a-z]+(-[a-z]+)*-(cell|constraint|count|error|header|key|keys|label|row)")


def reported() -> set[str]:
    """Every text in the code that has the form of an error's type."""
    found = set()
    for path in sorted(CODE.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if path.stem != "explanations" else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and TYPE.fullmatch(node.value):
                found.add(node.value)
    return found


def test_the_types_explained_are_those_that_the_validator_reports() -> None:
    assert set(explanations.TABLE) == reported()


@pytest.mark.parametrize("one", explanations.TABLE.values(), ids=lambda one: one.type)
def test_an_explanation_is_whole(one: explanations.Explanation) -> None:
    assert all((one.title, one.meaning, one.example, one.mend, one.section))
    assert one.meaning.endswith(".") and one.mend.endswith(".")
    assert bool(one.address) == one.section.startswith(tuple(explanations.PAGES))


@pytest.mark.parametrize("kind", explanations.TABLE)
def test_explain_tells_all_of_a_type(kind: str) -> None:
    done = imprint("validate", "--explain", kind)
    one = explanations.of(kind)
    shown = " ".join(done.stdout.split())
    assert done.exit_code == 0
    assert all(part in shown for part in (one.type, one.title, one.meaning, one.example, one.mend, one.section, one.address))


@pytest.mark.parametrize("arguments", [("--explain",), ("--explain", "all")])
def test_explain_lists_every_type_on_a_line(arguments: tuple[str, ...]) -> None:
    done = imprint("validate", *arguments)
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(explanations.TABLE)


@pytest.mark.parametrize(
    ("kind", "advice"),
    [
        ("type-eror", "did you mean type-error"),
        ("Foreign-Key", "did you mean foreign-key"),
        ("xyzzy", "`imprint validate --explain` lists them all"),
        ("", "`imprint validate --explain` lists them all"),
    ],
)
def test_an_unknown_type_gets_the_nearest_names(kind: str, advice: str) -> None:
    done = imprint("validate", "--explain", kind)
    assert done.exit_code == 2
    assert done.stderr.startswith(f'imprint: "{kind}" is no type of error; ') and advice in done.stderr
    assert done.stderr.count("\n") == 1
