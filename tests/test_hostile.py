"""Hostile packages neither crash imprint nor hang it nor eat the machine, and the user is told what is wrong. SLOW=1 adds the longest cases."""

from __future__ import annotations

import gzip
import json
import os
import resource
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import IO, Any

import pytest

CASES = json.loads((Path(__file__).parent / "cases" / "hostile.json").read_text(encoding="utf-8"))
COMMAND = Path(sys.executable).with_name("imprint")  # not `-m`: a package must not bring modules of its own
BLOCK = 1 << 22
V2 = {"$schema": "https://datapackage.org/profiles/2.0/datapackage.json"}


def expanded(value: Any) -> Any:
    """A value in which {"item": …, "times": n} in a list stands for n items ("{n}" is the number), and {"text": …, "times": n}
    for a long text."""
    if isinstance(value, list):
        return [one for item in value for one in _items(item)]
    if isinstance(value, dict):
        if value.keys() == {"text", "times"}:
            return value["text"] * value["times"]
        return {key: expanded(item) for key, item in value.items()}
    return value


def _items(item: Any) -> list[Any]:
    if isinstance(item, dict) and item.keys() == {"item", "times"}:
        form = json.dumps(item["item"])
        return [json.loads(form.replace("{n}", str(number))) for number in range(item["times"])]
    return [expanded(item)]


def build(files: dict[str, Any], folder: Path) -> None:
    """Files by relative path: a text, a value as JSON, or {"repeat": …, "times": n, "before": …, "after": …}, {"gzip": …},
    {"zip": {member: …}}, {"link": target}, {"fifo": true}."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, dict) and "link" in content:
            path.symlink_to(content["link"])
        elif isinstance(content, dict) and "fifo" in content:
            os.mkfifo(path)
        elif isinstance(content, dict) and "zip" in content:
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                for member, inner in content["zip"].items():
                    with archive.open(member, "w", force_zip64=True) as file:
                        fill(file, inner)
        elif isinstance(content, dict) and "gzip" in content:
            with gzip.open(path, "wb", compresslevel=1) as file:
                fill(file, content["gzip"])
        else:
            with path.open("wb") as file:
                fill(file, content)


def fill(file: IO[bytes], content: Any) -> None:
    """Write a file's content, a block at a time where it is long."""
    if isinstance(content, str):
        file.write(content.encode())
    elif isinstance(content, dict) and "repeat" in content:
        unit, left = content["repeat"].encode(), content["times"]
        file.write(content.get("before", "").encode())
        block = max(BLOCK // len(unit), 1)
        while left:
            file.write(unit * min(block, left))
            left -= min(block, left)
        file.write(content.get("after", "").encode())
    else:
        file.write(json.dumps(expanded(content)).encode())


def files_of(case: dict[str, Any]) -> dict[str, Any]:
    """The files of a case; `table` and `data` are short for a package of one table."""
    if "table" not in case:
        return case.get("files", {})
    table = {"name": "t", "path": "t.csv", **case["table"]}
    package = {**V2, "name": "a", "resources": [table], **case.get("package", {})}
    data = {"t.csv": case["data"]} if "data" in case else {}
    return {"datapackage.json": package, **data, **case.get("files", {})}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["what"])
def test_a_hostile_package_gets_its_sentence_in_time(case: dict[str, Any], tmp_path: Path) -> None:
    if case.get("not as root") and os.geteuid() == 0:
        pytest.skip("root may read everything")
    if case.get("slow") and "SLOW" not in os.environ:
        pytest.skip("takes long: SLOW=1 runs it too")
    build(files_of(case), tmp_path)
    for name in case.get("unreadable", ()):
        (tmp_path / name).chmod(0)
    seconds, memory = case.get("seconds", 30), case.get("memory", 1000)
    before = time.monotonic()
    done = run([*case.get("run", ["validate", "."])], tmp_path, memory << 20, 4 * seconds)
    said = done.stdout + done.stderr
    exits = (
        case["exit"] if isinstance(case["exit"], list) else [case["exit"]]
    )  # several, where the machine decides whether it is in time
    assert done.returncode in exits, said[-3000:]
    assert "Traceback" not in said, said[-3000:]
    for words in case["says"]:
        assert words in said, said[-3000:]
    assert max(map(len, done.stderr.splitlines()), default=0) < 1000
    assert time.monotonic() - before < 4 * seconds  # four times what it takes alone: the machine may be busy


def run(arguments: list[str], folder: Path, memory: int, seconds: int) -> subprocess.CompletedProcess[str]:
    """The command in a process that may hold so many bytes of its own, and take so long."""
    return subprocess.run(
        [str(COMMAND), *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=seconds,
        stdin=subprocess.DEVNULL, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (memory, memory)),
    )  # fmt: skip
