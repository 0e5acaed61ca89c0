"""What a release says of itself in the formats of others is valid, is what the package says, and is read by their readers.

Cases are rows of cases/metadata.json: the files of a package, what stands where in which format (a JSON pointer; null is
nothing), what a portal finds in the DCAT file, and the records that a reader of Croissant gets.
"""

import json
import logging
import pickle
import re
import subprocess
import sys
import warnings
from csv import writer
from functools import reduce
from pathlib import Path

import mlcroissant
import pytest
import rdflib
import yaml
from datacite import schema45
from herbs import repository
from hypothesis import given, strategies
from jsonschema import Draft7Validator
from packages import CASES, examples, imprint, tree, write
from rocrate.rocrate import ROCrate

from imprint import descriptor, metadata
from imprint.archive import files_below, sha256
from imprint.exports import csv
from imprint.manifest import File, Manifest
from imprint.metadata import dcat, spdx, turtle

ROOT = Path(__file__).parent.parent
TABLE = json.loads((CASES / "metadata.json").read_text(encoding="utf-8"))
CFF = json.loads((Path(__file__).parent / "schemas/cff-1.2.0.json").read_text(encoding="utf-8"))
WHERE = "https://example.org/dist/1.0.0/"
PREVIOUS = {"version": "0.9.0", "sha256": "1" * 64, "fingerprint": "2" * 64}
logging.getLogger("absl").setLevel(logging.ERROR)


def described(folder: Path, **more) -> tuple[Manifest, dict[str, str]]:
    """A package's directory as if it were a release: its manifest so far, and its metadata, which is written to it."""
    package, _ = descriptor.load(folder / "datapackage.json")
    plain = {one.paths[0]: one.name for one in package.tables if csv.is_plain(one)}
    files = {}
    for name in files_below(folder):
        table = plain.get(name) or (Path(name).stem if name.startswith("csv/") else "")
        files[name] = File(
            (folder / name).stat().st_size, sha256(folder / name), form="csv" if name.startswith("csv/") else "", table=table
        )
    files["herbs.parquet"] = File(derived="DuckDB", fingerprint="3" * 64, form="parquet")
    manifest = Manifest(package.name, package.version, "2024-02-29", "0" * 64, "herbs.zip", {}, {}, files, **more)
    texts = metadata.render(package, manifest)
    write(folder, dict(texts))
    return manifest, texts


@pytest.fixture(scope="module", params=TABLE, ids=[case["case"] for case in TABLE])
def case(request, tmp_path_factory) -> tuple[dict, Path, dict[str, str]]:
    folder = write(tmp_path_factory.mktemp("release"), request.param["files"])
    return request.param, folder, described(folder)[1]


def read(form: str, texts: dict[str, str]):
    """A file of metadata as JSON values."""
    text = texts[metadata.FORMS[form]]
    return yaml.safe_load(text) if form == "citation" else json.loads(text)


def at(value, pointer: str):
    """What a JSON pointer leads to, None where there is nothing."""

    def step(inner, word):
        if isinstance(inner, list):
            return inner[int(word)] if int(word) < len(inner) else None
        return inner.get(word) if isinstance(inner, dict) else None

    return reduce(step, pointer.split("/")[1:], value)


def graph(text: str, form: str = "turtle", name: str = "metadata/dcat.ttl") -> rdflib.Graph:
    return rdflib.Graph().parse(data=text, format=form, publicID=WHERE + name)


def records(folder: Path) -> dict[str, list[dict]]:
    """The records of each table as a reader of Croissant gets them: texts for bytes and moments, field names for ids."""
    dataset = mlcroissant.Dataset(str(folder / "metadata/croissant.json"))
    assert not dataset.metadata.ctx.issues.errors
    found = {}
    for one in dataset.metadata.record_sets:
        names = {field.uuid: field.name for field in one.fields}
        found[one.name] = [{names[key]: plain(value) for key, value in row.items()} for row in dataset.records(one.uuid)]
    return found


def plain(value):
    if isinstance(value, bytes):
        return value.decode()
    return value if value is None or isinstance(value, bool | int | float) else str(value)


# What the formats say


def test_it_says_what_the_package_says(case):
    row, _, texts = case
    wrong = [
        (form, pointer, at(read(form, texts), pointer))
        for form, pointer, said in row["says"]
        if at(read(form, texts), pointer) != said
    ]
    assert not wrong


def test_datacite_is_valid(case):
    assert [error.message for error in schema45.validator.iter_errors(read("datacite", case[2]))] == []


def test_citation_is_valid(case):
    assert [error.message for error in Draft7Validator(CFF).iter_errors(read("citation", case[2]))] == []


def test_what_another_reader_of_yaml_takes_for_a_number_is_quoted(case):
    words = [word for word in read("citation", case[2]).get("keywords", []) if word[0].isdigit()]
    assert all(f'- "{word}"\n' in case[2]["CITATION.cff"] for word in words)


def test_a_portal_finds_the_dataset_in_dcat(case):
    row, _, texts = case
    found = graph(texts[metadata.FORMS["dcat"]])
    prefixes = "\n".join(f"PREFIX {short}: <{long}>" for short, long in dcat.PREFIXES.items())
    for path, values in row["dcat"].items():
        query = f"{prefixes} SELECT ?x WHERE {{ ?dataset a dcat:Dataset ; {path} ?x }}"
        assert sorted(str(one.x) for one in found.query(query)) == values, path


def test_croissant_gives_the_records(case):
    row, folder, _ = case
    found = records(folder)
    assert {name: found[name] for name in row["records"]} == row["records"]
    assert not row["records"] or found.keys() == row["records"].keys()


def test_schema_org_is_one_dataset_without_a_network(case):
    found = graph(case[2][metadata.FORMS["schema-org"]], "json-ld", metadata.FORMS["schema-org"])
    types = list(found.subjects(rdflib.RDF.type, rdflib.URIRef("https://schema.org/Dataset")))
    assert types == [rdflib.URIRef(WHERE)]


def test_ro_crate_is_read_with_every_file(case):
    _, folder, texts = case
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        crate = ROCrate({**read("ro-crate", texts)})
    listed = {entity["name"]: entity for entity in crate.get_entities() if entity.type == "File"}
    there = {name for name in tree(folder) if name not in texts}
    assert listed.keys() == {*there, "herbs.parquet"}
    assert all(listed[name]["sha256"] == sha256(folder / name) for name in there)
    assert {part.id for part in crate.root_dataset["hasPart"]} == {entity.id for entity in listed.values()}
    kinds = {entity["@id"]: entity for entity in read("ro-crate", texts)["@graph"]}
    assert all("@type" in entity for entity in kinds.values())
    assert all(one["@id"] in kinds for word in ("creator", "contributor", "publisher") for one in kinds["./"].get(word, []))


# Digests, versions, formats


def test_sizes_and_digests_are_those_of_the_files_and_none_is_said_of_derived_ones(tmp_path):
    folder = write(tmp_path, TABLE[2]["files"])
    manifest, texts = described(folder)
    found = graph(texts[metadata.FORMS["dcat"]])
    spdx_, dcat_ = rdflib.Namespace(dcat.PREFIXES["spdx"]), rdflib.Namespace(dcat.PREFIXES["dcat"])
    said = {}
    for one in found.subjects(rdflib.RDF.type, dcat_.Distribution):
        checksum = found.value(one, spdx_.checksum)
        value = bytes(found.value(checksum, spdx_.checksumValue).value).hex() if checksum else ""
        size = found.value(one, dcat_.byteSize)
        said[str(found.value(one, dcat_.downloadURL))] = (size and int(size), value)
    assert said == {WHERE + "herbs.csv": (6 - 1, manifest.files["herbs.csv"].sha256), WHERE + "herbs.parquet": (None, "")}
    downloads = {one["name"]: one for one in read("schema-org", texts)["distribution"]}
    assert downloads["herbs.csv"]["sha256"] == manifest.files["herbs.csv"].sha256
    assert not {"sha256", "contentSize"} & downloads["herbs.parquet"].keys()
    assert "herbs.parquet" not in texts[metadata.FORMS["croissant"]]


def test_the_version_before_is_named(tmp_path):
    folder = write(tmp_path, TABLE[2]["files"])
    found = graph(described(folder, previous=PREVIOUS)[1][metadata.FORMS["dcat"]])
    assert [str(one) for one in found.objects(None, rdflib.URIRef(dcat.PREFIXES["dcat"] + "previousVersion"))] == [
        "https://example.org/dist/0.9.0/"
    ]


def test_only_the_formats_that_are_asked_for_are_written(tmp_path):
    package, _ = descriptor.load(write(tmp_path, TABLE[0]["files"]) / "datapackage.json")
    manifest = Manifest("herbs", "", "2024-02-29", "0" * 64, "herbs.zip", {}, {}, {})
    assert metadata.render(package, manifest, []) == {}
    assert list(metadata.render(package, manifest, ["citation", "dcat"])) == ["metadata/dcat.ttl", "CITATION.cff"]


def test_the_same_package_gives_the_same_texts(tmp_path):
    folder = write(tmp_path, TABLE[2]["files"])
    manifest, texts = described(folder)
    code = """if True:
        import json, pickle, sys
        from pathlib import Path
        from imprint import descriptor, metadata
        package, _ = descriptor.load(Path(sys.argv[1]))
        json.dump(metadata.render(package, pickle.load(sys.stdin.buffer)), sys.stdout)
    """
    done = subprocess.run(
        [sys.executable, "-c", code, folder / "datapackage.json"], input=pickle.dumps(manifest), capture_output=True, check=True,
        cwd=ROOT, env={"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"},
    )  # fmt: skip
    assert json.loads(done.stdout) == texts


def test_the_spdx_identifiers_are_those_of_the_citation_file_format():
    assert spdx.IDENTIFIERS.split() == sorted(CFF["definitions"]["license-enum"]["enum"], key=str.lower)
    assert set(spdx.OTHER_NAMES.values()) <= set(spdx.IDENTIFIERS.split())


# Whole releases


@pytest.fixture(scope="module", params=["herbs", "record"])
def release(request, tmp_path_factory) -> Path:
    """A release that the command makes: of the herbs, and of this repository's record."""
    out = tmp_path_factory.mktemp(request.param)
    if request.param == "herbs":
        package = repository(out / "herbs")
    else:
        record = tree(ROOT / "data") | {f"../{name}": (ROOT / name).read_bytes() for name in ("datapackage.json",)}
        package = write(out / "record", {f"data/{name}": content for name, content in record.items()})
        write(package / "schemas", tree(ROOT / "schemas"))
    done = imprint("release", package, "--out", out / "dist")
    assert done.exit_code == 0, done.stdout + done.stderr
    return next(path for path in (out / "dist").iterdir() if path.is_dir())


def test_a_release_is_valid_in_every_format(release):
    texts = {path: (release / path).read_text(encoding="utf-8") for path in metadata.FORMS.values()}
    assert schema45.validate(read("datacite", texts))
    assert Draft7Validator(CFF).is_valid(read("citation", texts))
    assert graph(texts[metadata.FORMS["dcat"]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        crate = ROCrate(str(release))
    for file in (entity for entity in crate.get_entities() if entity.type == "File"):
        assert (release / file["name"]).is_file()


def test_the_records_of_a_release_are_those_of_its_tables(release):
    """Read through Croissant and through the release's JSON, cell by cell; a list is its text."""
    package, _ = descriptor.load(release / "datapackage.json")
    found = records(release)
    assert found.keys() == {table.name for table in package.tables}
    for table in package.tables:
        lists = {field.name for field in table.schema.fields if field.type in ("list", "object", "array", "date", "datetime")}
        expected = json.loads((release / f"json/{table.name}.json").read_text(encoding="utf-8"))
        assert len(found[table.name]) == len(expected)
        for row, same in zip(found[table.name], expected, strict=True):
            assert {name: value for name, value in row.items() if name not in lists} == {
                name: value for name, value in same.items() if name not in lists
            }


# Any text at all


TEXT = strategies.text(strategies.characters(exclude_categories=["Cs"]), max_size=30)
SAID = TEXT.filter(str.strip)


@pytest.fixture(scope="module")
def anything(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("anything")


@examples(50)
@given(title=SAID, description=SAID, keywords=strategies.lists(SAID, max_size=3, unique=True), who=SAID)
def test_any_text_comes_back_from_every_reader(anything, title, description, keywords, who):
    for path in [*anything.rglob("*.csv"), *(anything / path for path in metadata.FORMS.values())]:
        path.unlink(missing_ok=True)
    table = {"name": "herbs", "path": "herbs.csv", "schema": {"fields": [{"name": "id", "type": "integer"}]}}
    said = {"name": "herbs", "title": title, "description": description, "keywords": keywords, "resources": [table]}
    said["contributors"] = [{"title": who, "roles": ["creator"]}]
    write(anything, {"herbs.csv": "id\n1\n", "datapackage.json": said})
    texts = described(anything)[1]

    datacite = read("datacite", texts)
    assert schema45.validate(datacite)
    subjects = [one["subject"] for one in datacite.get("subjects", [])]
    assert (datacite["titles"][0]["title"], subjects, datacite["creators"][0]["name"]) == (title, keywords, who)
    citation = read("citation", texts)
    assert Draft7Validator(CFF).is_valid(citation)
    assert (citation["title"], citation["abstract"], citation.get("keywords", [])) == (title, description, keywords)
    assert citation["authors"] == [{"name": who}]
    for form, at_, terms in (("turtle", "dcat", PORTAL), ("json-ld", "schema-org", ENGINE)):
        found = graph(texts[metadata.FORMS[at_]], form, metadata.FORMS[at_])
        dataset = rdflib.URIRef(WHERE)
        values = [{str(value) for value in found.objects(dataset, rdflib.URIRef(term))} for term in terms]
        assert values == [{title}, {description}, set(keywords)]
    crate = ROCrate(read("ro-crate", texts))
    assert (crate.name, crate.description, crate.root_dataset.get("keywords", [])) == (title, description, keywords)
    croissant = mlcroissant.Dataset(str(anything / "metadata/croissant.json")).metadata
    words = [croissant.keywords] if isinstance(croissant.keywords, str) else croissant.keywords or []
    assert read("croissant", texts)["creditText"] == who
    assert (croissant.name, croissant.description, set(words)) == (title, description, set(keywords))


@examples(40)
@given(table=SAID, fields=strategies.lists(SAID, min_size=1, max_size=3, unique=True), file=SAID)
def test_names_of_any_kind_lead_to_the_records(anything, table, fields, file):
    name = re.sub(r"[/:~\\\0]|[.]{2}", "_", file)[:20] + ".csv"  # what the standard lets be a path
    with (anything / name).open("w", encoding="utf-8", newline="") as opened:
        writer(opened).writerows([fields, ["1"] * len(fields)])
    schema = {"fields": [{"name": one, "type": "integer"} for one in fields]}
    said = {"name": "herbs", "resources": [{"name": table, "path": name, "schema": schema}]}
    try:
        described(write(anything, {"datapackage.json": said}))
        assert records(anything) == {table: [dict.fromkeys(fields, 1)]}
    finally:
        (anything / name).unlink()


PORTAL = [dcat.PREFIXES["dct"] + "title", dcat.PREFIXES["dct"] + "description", dcat.PREFIXES["dcat"] + "keyword"]
ENGINE = ["https://schema.org/name", "https://schema.org/description", "https://schema.org/keywords"]


@examples(200)
@given(TEXT)
def test_a_literal_is_read_as_it_was(text):
    written = turtle.prefixes({"x": "urn:x:"}) + turtle.statement(turtle.iri("urn:x:s"), [("x:p", turtle.literal(text))])
    assert [str(value) for value in rdflib.Graph().parse(data=written, format="turtle").objects()] == [text]


@examples(200)
@given(TEXT)
def test_any_address_makes_one_statement(text):
    written = turtle.prefixes({"x": "urn:x:"}) + turtle.statement(
        turtle.iri("urn:x:s"), [("x:p", turtle.iri(f"https://example.org/{text}"))]
    )
    assert len(rdflib.Graph().parse(data=written, format="turtle")) == 1
