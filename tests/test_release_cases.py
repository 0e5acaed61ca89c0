"""What can be released after what, and what can't: `cases/release.json`. What was released verifies; a refusal changes no file."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from packages import CASES, commit, git, imprint, tree, write

TABLE = json.loads((CASES / "release.json").read_text(encoding="utf-8"))


def run(package: Path, arguments: list[str], code: int, *says: str) -> None:
    before = tree(package.parent)
    done = imprint(*arguments, cwd=package)
    assert done.exit_code == code, done.output
    for words in says:
        assert words in done.output
    if code and arguments[0] != "verify":
        assert len([line for line in done.stderr.splitlines() if line.startswith("imprint: ")]) == 1
        assert str(package) not in done.stderr
        assert tree(package.parent) == before
    elif arguments[0] == "release" and (package / "dist").exists():
        verified = imprint("verify", "dist", cwd=package)
        assert verified.exit_code == 0, verified.output


def describe(package: Path, place: str, value: Any) -> None:
    content = inner = json.loads((package / "datapackage.json").read_text(encoding="utf-8"))
    *outside, last = [int(word) if word.isdigit() else word for word in place.split("/")]
    for word in outside:
        inner = inner[word]
    if isinstance(inner, list):
        inner[last : last + 1] = [value]
    else:
        inner[last] = value
    write(package, {"datapackage.json": content})


def delete(package: Path, name: str) -> None:
    path = package / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def holds(package: Path, name: str, *texts: str) -> None:
    found = (package / name).read_text(encoding="utf-8")
    for text in texts:
        assert text in found


def same(package: Path, name: str, other: str) -> None:
    """Two directories hold the same, but for what is in hidden files."""
    assert tree(package / name) == tree(package / other)


DEEDS = {
    "write": lambda package, name, content: write(package, {name: content}),
    "latin-1": lambda package, name, text: write(package, {name: text.encode("latin-1")}),
    "describe": describe,
    "delete": delete,
    "unzip": lambda package, name, to: shutil.unpack_archive(package / name, package / to),
    "zip": lambda package, name, to: shutil.make_archive(str((package / to).with_suffix("")), "zip", package / name),
    "rename": lambda package, name, to: (package / name).rename(package / to),
    "copy": lambda package, name, to: shutil.copytree(package / name, package / to),
    "folder": lambda package, name: (package / name).mkdir(),
    "link": lambda package, name, target: (package / name).symlink_to(target),
    "commit": commit,
    "git": git,
    "holds": holds,
    "same": same,
    "run": run,
}


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: case["what"])
def test_what_can_be_released_after_what(case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1709164800")
    package = write(tmp_path / "herbs", copy.deepcopy(TABLE["package"]))
    for name, *arguments in case["do"]:
        DEEDS[name](package, *arguments)
