"""A package with something of everything, in a git repository, for the tests of release and verify."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from packages import commit, write

PLANTS = """\
id,name,height,evergreen,found,tags
1,Basil,0.5,false,2021-03-01,"annual,kitchen"
2,Bay,12,true,2020-11-30,kitchen
3,Mint,0.75,false,2021-05-05,
4,Rosemary,1.50,true,,"kitchen,shrub"
5,"Sage, common",0.6,true,2019-07-19,shrub
6,Thyme,0.3,true,2022-01-01,shrub
7,Woodruff,0.25,false,2018-04-04,annual
8,Yarrow,1,false,2017-06-06,
"""
FILES: dict[str, Any] = {
    ".gitignore": "dist/\n",
    "data/plants.csv": PLANTS,
    "data/sightings.json": [
        {"plant": 1, "at": "2021-03-02T10:00:00Z", "place": {"lat": 1.5, "name": "Ségou"}, "certain": True},
        {"plant": 4, "at": "2021-03-03T10:00:00Z", "place": None, "certain": False},
    ],
    "data/uses-1.csv": "use\ntea\nsoap\n",
    "data/uses-2.csv": "use\nink\ntea\n",
    "data/about.json": {"title": "Herbs", "since": 2017},
    "schemas/about.schema.json": {"type": "object", "required": ["title"]},
    "schemas/plants.json": {
        "fields": [
            {"name": "id", "type": "integer"},
            {"name": "name", "type": "string", "constraints": {"required": True}},
            {"name": "height", "type": "number", "constraints": {"minimum": 0}},
            {"name": "evergreen", "type": "boolean"},
            {"name": "found", "type": "date"},
            {"name": "tags", "type": "list"},
        ],
        "primaryKey": "id",
    },
    "datapackage.json": {
        "name": "herbs",
        "version": "0.1.0",
        "licenses": [{"name": "CC0-1.0"}],
        "resources": [
            {"name": "plants", "type": "table", "path": "data/plants.csv", "schema": "schemas/plants.json"},
            {
                "name": "sightings",
                "type": "table",
                "path": "data/sightings.json",
                "format": "json",
                "schema": {
                    "fields": [
                        {"name": "plant", "type": "integer"},
                        {"name": "at", "type": "datetime"},
                        {"name": "place", "type": "object"},
                        {"name": "certain", "type": "boolean"},
                    ],
                    "foreignKeys": [{"fields": "plant", "reference": {"resource": "plants", "fields": "id"}}],
                },
            },
            {
                "name": "uses",
                "type": "table",
                "path": ["data/uses-1.csv", "data/uses-2.csv"],
                "schema": {"fields": [{"name": "use", "type": "string"}]},
            },
            {"name": "about", "path": "data/about.json", "format": "json", "jsonSchema": "schemas/about.schema.json"},
        ],
    },
}
RELEASED = [
    "CHANGES.md", "CITATION.cff", "SHA256SUMS", "csv/sightings.csv", "csv/uses.csv", "data/about.json", "data/plants.csv",
    "data/sightings.json", "data/uses-1.csv", "data/uses-2.csv", "datapackage.json", "herbs-0.1.0.zip", "herbs.sqlite",
    "herbs.xlsx", "json/plants.json", "json/sightings.json", "json/uses.json", "manifest.json", "metadata/croissant.json",
    "metadata/datacite.json", "metadata/dcat.ttl", "metadata/schema-org.jsonld", "parquet/plants.parquet",
    "parquet/sightings.parquet", "parquet/uses.parquet", "report.json", "ro-crate-metadata.json",
    "schemas/about.schema.json", "schemas/plants.json",
]  # fmt: skip
DERIVED = {
    "herbs.sqlite": "SQLite", "herbs.xlsx": "XlsxWriter", "parquet/plants.parquet": "DuckDB",
    "parquet/sightings.parquet": "DuckDB", "parquet/uses.parquet": "DuckDB",
}  # fmt: skip
STORE = ["index.html", "index.json"]


def repository(folder: Path) -> Path:
    """The package in a fresh repository."""
    folder.mkdir(parents=True, exist_ok=True)
    write(folder, FILES)
    commit(folder, "herbs")
    return folder


def edit(folder: Path, name: str, old: str, new: str) -> None:
    """Put one text in the place of another that stands in a file once."""
    text = (folder / name).read_text(encoding="utf-8")
    assert text.count(old) == 1, (old, text.count(old))
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")


def set_version(folder: Path, old: str, new: str) -> None:
    """Another version in the descriptor."""
    edit(folder, "datapackage.json", f'"version": "{old}"', f'"version": "{new}"')
