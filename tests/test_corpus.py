"""imprint and frictionless-py agree on third-party packages, but for the departures in departures.json."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from peer import ours, read_json, theirs

from imprint import descriptor, validation

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


OTHER = {"location_coordinates"}  # its JSON has another telephone number
SPECTRUM = sorted({path.stem for path in (CORPUS / "csv-spectrum" / "csvs").glob("*.csv")} - OTHER)


@pytest.mark.parametrize("name", SPECTRUM or ["nothing"])
def test_a_csv_file_holds_the_values_that_its_json_says(name: str, corpus: Path) -> None:
    package, _ = descriptor.load(corpus / "csv-spectrum" / "csvs" / f"{name}.csv")
    with validation.open_tables(package) as (engine, [checked]):
        (one,) = checked.values()
        cells = ", ".join(column.id for column in one.table.columns)
        rows = engine.rows(f"SELECT {cells} FROM {one.table.numbered} ORDER BY rn")
    meant = read_json(corpus / "csv-spectrum" / "json" / f"{name}.json")
    if b"\r" not in package.resources[0].files[0].read_bytes():  # the corpus holds some files without their CRs
        meant = json.loads(json.dumps(meant).replace("\\r\\n", "\\n"))
    assert [dict(zip(one.table.labels, row, strict=True)) for row in rows] == meant


def test_every_departure_is_of_a_file_in_the_corpus_and_says_why(corpus: Path) -> None:
    assert [name for name in DEPARTURES if not (corpus / name).is_file()] == []
    assert [name for name, entry in DEPARTURES.items() if not entry["differs"] or not entry["reason"]] == []
