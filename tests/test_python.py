"""docs/python.md: its examples print what it says, its tables have every field, and the command says the same."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from packages import imprint as run
from packages import write

import imprint

PAGE = (Path(__file__).parent.parent / "docs/python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLES = [(code, text) for (kind, code), (_, text) in itertools.pairwise(BLOCKS) if kind == "python"]


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """The package of the page."""
    files = dict(BLOCKS)
    return write(tmp_path / "people", {"people.csv": files["csv"], "datapackage.json": files["json"]})


def test_every_block_of_code_is_followed_by_what_it_prints() -> None:
    kinds = [kind for kind, _ in BLOCKS]
    assert kinds == ["csv", "json", *["python", "text"] * len(EXAMPLES)]


def test_the_examples_print_what_the_page_says(people: Path) -> None:
    names: dict[str, Any] = {}
    with contextlib.chdir(people.parent):
        for code, text in EXAMPLES:
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(code, names)
            assert printed.getvalue() == text


@pytest.mark.parametrize("kind", [imprint.Report, imprint.Task, imprint.Error, imprint.Total], ids=lambda kind: kind.__name__)
def test_the_tables_have_every_field(kind: Any) -> None:
    section = PAGE.split(f"\n## {kind.__name__}\n")[1].split("\n## ")[0]
    listed = [name for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]
    properties = [name for name, value in vars(kind).items() if isinstance(value, property)]
    assert sorted(listed) == sorted([*(field.name for field in dataclasses.fields(kind)), *properties])


@pytest.mark.parametrize(
    "options", [{}, {"limit": 1}, {"only": ["type-error"]}, {"warn": ["foreign-key"], "strict": True}], ids=str
)
def test_the_command_says_the_same(people: Path, options: dict[str, Any]) -> None:
    words = {"limit": "--limit-errors", "only": "--only", "warn": "--warn", "strict": "--strict"}
    given = [
        [words[key]] if value is True else [words[key], *(value if isinstance(value, list) else [value])]
        for key, value in options.items()
    ]
    told = json.loads(run("validate", people, "--format", "json", *(word for one in given for word in one)).stdout)
    mine = json.loads(json.dumps(imprint.validate(people, **options).to_dict()))
    assert {**mine, "stats": {**mine["stats"], "seconds": 0}} == {**told, "stats": {**told["stats"], "seconds": 0}}
