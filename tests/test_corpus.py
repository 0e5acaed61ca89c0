"""imprint and frictionless-py agree on third-party packages, but for the departures in departures.json."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from peer import ours, read_json, theirs

HERE = Path(__file__).parent
CORPUS = Path(os.environ.get("CORPUS") or HERE.parent / "../shared/corpus").resolve()
DEPARTURES = {entry["case"]: entry for entry in read_json(HERE / "departures.json")}
FILES = sorted(
    path.relative_to(CORPUS).as_posix()
    for pattern in ("datapackage.json", "*.csv")
    for path in CORPUS.rglob(pattern)
    if path.relative_to(CORPUS).parts[0] != "profiles"
)


@pytest.mark.parametrize("name", FILES or ["nothing"])
def test_imprint_agrees_with_frictionless(name: str, corpus: Path) -> None:
    mine, peer = ours(corpus / name), theirs(corpus / name)
    if name in DEPARTURES:
        assert not mine.agrees(peer), f"departures.json lists {name}, where both tools agree"
        assert mine.valid == DEPARTURES[name]["imprint"]
        assert peer.valid == DEPARTURES[name]["frictionless"]
    else:
        assert mine.valid == peer.valid
        assert mine.faults == peer.faults
        assert mine.agrees(peer)


def test_every_departure_is_of_a_file_in_the_corpus_and_says_why(corpus: Path) -> None:
    assert [name for name in DEPARTURES if not (corpus / name).is_file()] == []
    assert [name for name, entry in DEPARTURES.items() if not entry["differs"] or not entry["reason"]] == []
