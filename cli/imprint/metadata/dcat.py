"""DCAT 3 in Turtle, for data portals. Addresses are relative to the file, which lies in `metadata/` of the release."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from .summary import Agent, Piece, Summary
from .turtle import Pairs, Term, blank, iri, literal, name, prefixes, statement

PREFIXES = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"
CLASSES = {"person": "foaf:Person", "organization": "foaf:Organization"}


def text(said: Summary) -> str:
    """The file."""
    parts = [prefixes(PREFIXES), statement(iri("../"), _dataset(said))]
    parts += [statement(_distribution(piece), _file(piece, said)) for piece in said.data]
    return "\n".join(parts)


def _dataset(said: Summary) -> Iterator[tuple[str, Term | None]]:
    version, previous = said.manifest.version, said.manifest.previous.get("version", "")
    yield "a", name("dcat:Dataset")
    yield "dct:title", literal(said.name)
    yield "dct:description", _literal(said.description)
    yield "dct:identifier", _literal(f"https://doi.org/{said.doi}" if said.doi else said.identifier or said.package.name)
    yield "dcat:version", _literal(version)
    yield "dcat:previousVersion", iri(f"../../{quote(previous, safe='')}/") if previous else None
    yield "dct:created", _moment(said.created)
    yield "dct:issued", _moment(said.manifest.date)
    yield "dcat:landingPage", iri(said.homepage) if said.homepage else None
    yield from (("dcat:keyword", literal(word)) for word in said.keywords)
    yield from _licences(said)
    yield from (("dct:creator", _agent(one)) for one in said.creators)
    yield from (("dct:publisher", _agent(one)) for one in said.publishers)
    yield from (("dct:contributor", _agent(one)) for one in said.others)
    yield from (("dcat:contactPoint", _contact(one)) for one in said.agents if one.acts("contact", "contactperson"))
    for source in said.sources:
        yield "dct:source", blank([("dct:title", _literal(source.title)), ("foaf:page", _iri(source.url))])
    yield from (("dcat:distribution", _distribution(piece)) for piece in said.data)


def _file(piece: Piece, said: Summary) -> Iterator[tuple[str, Term | None]]:
    packed = piece.path == said.manifest.archive
    yield "a", name("dcat:Distribution")
    yield "dct:title", literal(piece.path)
    yield "dcat:accessURL", iri(f"../{piece.href}")
    yield "dcat:downloadURL", iri(f"../{piece.href}")
    yield "dcat:packageFormat" if packed else "dcat:mediaType", iri(MEDIA_TYPES + piece.media)
    yield "dcat:byteSize", None if piece.bytes is None else literal(str(piece.bytes), "xsd:nonNegativeInteger")
    yield "spdx:checksum", _checksum(piece.sha256) if piece.sha256 else None
    yield from _licences(said)


def _distribution(piece: Piece) -> Term:
    return iri(f"#{piece.href}")


def _checksum(sha256: str) -> Term:
    return blank(
        [
            ("a", name("spdx:Checksum")),
            ("spdx:algorithm", name("spdx:checksumAlgorithm_sha256")),
            ("spdx:checksumValue", literal(sha256, "xsd:hexBinary")),
        ]
    )


def _licences(said: Summary) -> Iterator[tuple[str, Term]]:
    for one in said.licences:
        document = [("a", name("dct:LicenseDocument")), ("dct:title", literal(one.name))]
        yield "dct:license", iri(one.url) if one.url else blank(document)


def _agent(one: Agent) -> Term:
    said: Pairs = [
        ("a", name(CLASSES.get(one.kind, "foaf:Agent"))),
        ("foaf:name", literal(one.name)),
        ("foaf:givenName", _literal(one.given)),
        ("foaf:familyName", _literal(one.family)),
        ("foaf:homepage", _iri(one.url)),
        ("foaf:mbox", _mail(one.email)),
    ]
    return blank(said)


def _contact(one: Agent) -> Term:
    return blank([("a", name("vcard:Kind")), ("vcard:fn", literal(one.name)), ("vcard:hasEmail", _mail(one.email))])


def _literal(text: str) -> Term | None:
    return literal(text) if text else None


def _iri(address: str) -> Term | None:
    return iri(address) if address else None


def _mail(address: str) -> Term | None:
    return iri(f"mailto:{quote(address, safe='@')}") if address else None


def _moment(text: str) -> Term | None:
    """A date or a moment."""
    return literal(text, "xsd:date" if len(text) == len("2024-01-31") else "xsd:dateTime") if text else None
