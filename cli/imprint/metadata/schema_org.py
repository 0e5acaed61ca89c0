"""schema.org `Dataset` as JSON-LD, for search engines. Addresses are relative to the file, which lies in `metadata/`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from .summary import Agent, Licence, Piece, Source, Summary, as_json, stated

VOCABULARY = "https://schema.org/"
KINDS = {"person": "Person", "organization": "Organization"}


def text(said: Summary) -> str:
    """The file."""
    described = {
        "@context": {"@vocab": VOCABULARY},
        "@id": "../",
        **dataset(said),
        **stated(variableMeasured=list(_variables(said)), distribution=[_download(piece) for piece in said.data]),
    }
    return as_json(described)


def dataset(said: Summary) -> dict[str, Any]:
    """The properties that say what the dataset is; Croissant and RO-Crate have them in common with schema.org."""
    return {
        "@type": "Dataset",
        **stated(
            name=said.name,
            alternateName=said.package.name if said.title else "",
            description=said.description,
            url=said.homepage,
            identifier=f"https://doi.org/{said.doi}" if said.doi else said.identifier,
            version=said.manifest.version,
            dateCreated=said.created,
            datePublished=said.manifest.date,
            keywords=list(said.keywords),
            license=[licence(one) for one in said.licences],
            creator=[agent(one) for one in said.creators],
            publisher=[agent(one) for one in said.publishers],
            contributor=[agent(one) for one in said.others],
            isBasedOn=[source(one) for one in said.sources],
        ),
    }


def agent(one: Agent) -> dict[str, Any]:
    """A contributor; its type is left out where the package doesn't say whether it is a person."""
    return stated(
        at_type=KINDS.get(one.kind, ""),
        name=one.name,
        givenName=one.given,
        familyName=one.family,
        affiliation={"@type": "Organization", "name": one.organization} if one.organization else "",
        url=one.url,
        email=one.email,
    )


def licence(one: Licence) -> str | dict[str, str]:
    """The licence's address, or what it is called where it has none."""
    return one.url or {"@type": "CreativeWork", "name": one.name}


def source(one: Source) -> dict[str, Any]:
    """What the dataset was made from."""
    return stated(at_type="CreativeWork", name=one.title, url=one.url)


def _download(piece: Piece) -> dict[str, Any]:
    return stated(
        at_type="DataDownload",
        name=piece.path,
        contentUrl=f"../{piece.href}",
        encodingFormat=piece.media,
        contentSize="" if piece.bytes is None else f"{piece.bytes} B",
        sha256=piece.sha256,
    )


def _variables(said: Summary) -> Iterator[dict[str, Any]]:
    for table in said.package.tables:
        for field in table.schema.fields if table.schema else ():
            yield stated(
                at_type="PropertyValue",
                at_id=f"#{quote(table.name, safe='')}/{quote(field.name, safe='')}",
                name=field.name,
                alternateName=field.descriptor.get("title"),
                description=field.descriptor.get("description"),
            )
