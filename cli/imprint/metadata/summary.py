"""What a Data Package says of itself, read once for all formats: who, which licence, which files. Nothing is guessed."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, urlsplit

from ..manifest import Manifest
from ..package import Package, Resource, strings
from ..remote import is_url
from . import spdx

UNTITLED = "Untitled"
NO_DESCRIPTION = "The Data Package gives no description."
NO_LICENCE = "The Data Package states no licence."
DOI = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:\s*)?(10\.[0-9]{4,9}/\S+)", re.IGNORECASE)
ORCID = re.compile(r"https?://orcid\.org/((?:[0-9]{4}-){3}[0-9]{3}[0-9X])/?")
ROR = re.compile(r"https?://ror\.org/(0[a-z0-9]{8})/?")
MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9].*)?")
NOT_IN_IRI = re.compile(r"[\x00-\x20<>\"{}|\\^`\x7f]")
MEDIA = {
    "csv": "text/csv", "tsv": "text/tab-separated-values", "json": "application/json", "jsonl": "application/jsonl",
    "ndjson": "application/x-ndjson", "geojson": "application/geo+json", "parquet": "application/vnd.apache.parquet",
    "sqlite": "application/vnd.sqlite3", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xls": "application/vnd.ms-excel", "ods": "application/vnd.oasis.opendocument.spreadsheet", "zip": "application/zip",
    "gz": "application/gzip", "md": "text/markdown", "txt": "text/plain", "html": "text/html", "pdf": "application/pdf",
    "xml": "application/xml", "yaml": "application/yaml", "yml": "application/yaml", "sql": "application/sql",
    "png": "image/png", "jpg": "image/jpeg", "svg": "image/svg+xml", "ttl": "text/turtle", "jsonld": "application/ld+json",
}  # fmt: skip
DATA_FORMS = frozenset({"csv", "json", "parquet", "sqlite", "xlsx"})


@dataclass(frozen=True)
class Agent:
    """A contributor. `kind` is "person" or "organization" where the package says so, by the words that it uses, else ""."""

    name: str
    kind: str = ""
    given: str = ""
    family: str = ""
    organization: str = ""
    url: str = ""
    email: str = ""
    roles: tuple[str, ...] = ()

    @property
    def orcid(self) -> str:
        """The ORCID that `path` is, without its address."""
        found = ORCID.fullmatch(self.url)
        return found[1] if found else ""

    @property
    def ror(self) -> str:
        """The ROR identifier that `path` is, without its address."""
        found = ROR.fullmatch(self.url)
        return found[1] if found else ""

    def acts(self, *roles: str) -> bool:
        """Whether one of its roles is one of these."""
        return bool({_plain(role) for role in self.roles} & {*roles})


@dataclass(frozen=True)
class Licence:
    """A licence: its title or name, its SPDX identifier if it has one, its address if there is one."""

    name: str
    spdx: str = ""
    url: str = ""


@dataclass(frozen=True)
class Source:
    """What the package says that it was made from."""

    title: str
    url: str = ""


@dataclass(frozen=True)
class Piece:
    """A file of the release; `data` says whether it holds the data. One whose writer decides on its bytes has no digest."""

    path: str
    media: str
    bytes: int | None
    sha256: str
    table: str
    form: str
    data: bool

    @property
    def href(self) -> str:
        """The path as a relative address."""
        return quote(self.path, safe="/")


@dataclass(frozen=True)
class Summary:
    """What the formats have in common; "" and () stand for what the package doesn't state."""

    package: Package
    manifest: Manifest
    title: str
    description: str
    identifier: str
    doi: str
    homepage: str
    created: str
    keywords: tuple[str, ...]
    licences: tuple[Licence, ...]
    agents: tuple[Agent, ...]
    sources: tuple[Source, ...]
    pieces: tuple[Piece, ...]

    @property
    def name(self) -> str:
        """The title, else the name, else that there is none."""
        return self.title or self.package.name or UNTITLED

    @property
    def creators(self) -> tuple[Agent, ...]:
        """Who is said to have made it."""
        return tuple(agent for agent in self.agents if agent.acts("author", "creator"))

    @property
    def publishers(self) -> tuple[Agent, ...]:
        """Who is said to publish it."""
        return tuple(agent for agent in self.agents if agent.acts("publisher"))

    @property
    def others(self) -> tuple[Agent, ...]:
        """Who has a part, and is neither creator nor publisher."""
        return tuple(agent for agent in self.agents if agent not in self.creators and agent not in self.publishers)

    @property
    def data(self) -> tuple[Piece, ...]:
        """The files that hold the data, in whatever format."""
        return tuple(piece for piece in self.pieces if piece.data)


def of(package: Package, manifest: Manifest) -> Summary:
    """What a released package says of itself."""
    said = package.descriptor
    identifier = _text(said.get("id"))
    doi = DOI.fullmatch(identifier)
    return Summary(
        package=package,
        manifest=manifest,
        title=_text(package.title),
        description=_text(said.get("description")),
        identifier=identifier,
        doi=doi[1] if doi else "",
        homepage=link(_text(said.get("homepage"))),
        created=_moment(_text(said.get("created"))),
        keywords=tuple(dict.fromkeys(word for word in strings(said.get("keywords")) if word.strip())),
        licences=tuple(_licences(said.get("licenses"))),
        agents=tuple(_agents(said.get("contributors"))),
        sources=tuple(_sources(said.get("sources"))),
        pieces=tuple(_pieces(package, manifest)),
    )


def link(text: str) -> str:
    """A web address in the form that all formats take, or "" where the text is none."""
    try:
        if not is_url(text) or not urlsplit(text).hostname:
            return ""
    except ValueError:
        return ""
    return NOT_IN_IRI.sub(lambda found: quote(found[0]), text)


def as_json(value: Any) -> str:
    """JSON as it is written to a release."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def stated(**properties: Any) -> dict[str, Any]:
    """The properties that have a value; `at_id` and `at_type` are JSON-LD's `@id` and `@type`."""
    given = {word.replace("at_", "@"): value for word, value in properties.items()}
    return {word: value for word, value in given.items() if value not in ("", None, [], (), {})}


def unique(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items without those that are there before; most formats take none twice."""
    return [one for number, one in enumerate(listed) if one not in listed[:number]]


def _agents(listed: Any) -> Iterator[Agent]:
    for one in _objects(listed):
        given, family = _text(one.get("givenName")), _text(one.get("familyName"))
        organization, title = _text(one.get("organization")), _text(one.get("title"))
        name = title or " ".join(part for part in (given, family) if part) or organization
        kind = "person" if given or family else "organization" if organization and not title else ""
        roles = (*strings(one.get("roles")), *strings(one.get("role")))
        if name:
            email, url = _text(one.get("email")), link(_text(one.get("path")))
            yield Agent(name, kind, given, family, "" if kind == "organization" else organization, url, email, roles)


def _licences(listed: Any) -> Iterator[Licence]:
    for one in _objects(listed):
        name, title, url = _text(one.get("name")), _text(one.get("title")), link(_text(one.get("path")))
        identifier = spdx.identifier(name)
        if name or title or url:
            yield Licence(title or name or url, identifier, url or spdx.address(identifier))


def _sources(listed: Any) -> Iterator[Source]:
    for one in _objects(listed):
        title, url = _text(one.get("title")), link(_text(one.get("path")))
        if title or url:
            yield Source(title, url)


def _pieces(package: Package, manifest: Manifest) -> Iterator[Piece]:
    """The files, sorted. Those of a resource have its media type where their names don't tell."""
    resources = {PurePosixPath(path).as_posix(): one for one in package.resources for path in one.paths}
    for path, file in sorted(manifest.files.items()):
        resource = resources.get(path)
        data = resource is not None or file.form in DATA_FORMS or path == manifest.archive
        yield Piece(path, _media(path, resource), file.bytes, file.sha256, file.table, file.form, data)


def _media(path: str, resource: Resource | None) -> str:
    suffix = PurePosixPath(path).suffix[1:].lower()
    declared = _text(resource.descriptor.get("mediatype")) if resource else ""
    if resource is not None and not resource.compression and resource.format in MEDIA:
        return MEDIA[resource.format]
    return MEDIA.get(suffix) or (declared if re.fullmatch(r"[\w.+-]+/[\w.+-]+", declared) else "application/octet-stream")


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _moment(text: str) -> str:
    """A date or moment in the one spelling that all formats take, or "" where the text is none."""
    found = MOMENT.fullmatch(text)
    try:
        moment = datetime.datetime.fromisoformat(text.upper()) if found else None
    except ValueError:
        return ""
    if moment is None or found is None:
        return ""
    return moment.isoformat().replace("+00:00", "Z") if found[1] else moment.date().isoformat()


def _text(value: Any) -> str:
    """The text, or "" for what is none or is blank."""
    return value if isinstance(value, str) and value.strip() else ""


def _plain(role: str) -> str:
    """A role without the marks that vocabularies differ in: dataCurator, data-curator, Data Curator."""
    return re.sub(r"[\s_-]+", "", role).lower()
