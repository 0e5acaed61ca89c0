"""RO-Crate 1.2, `ro-crate-metadata.json` at the root of a release: what each file is, for repositories of research objects."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from . import schema_org
from .summary import NO_DESCRIPTION, NO_LICENCE, Agent, Licence, Piece, Source, Summary, as_json, stated, unique

VERSION = "https://w3id.org/ro/crate/1.2"


def text(said: Summary) -> str:
    """The file."""
    entities: dict[str, dict[str, Any]] = {}

    def refer(listed: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
        """References to entities, which stand in the graph once each; one address may be that of two that differ."""
        found = []
        for one in listed:
            same = entities.setdefault(one["@id"], one) == one
            named = one if same else {**one, "@id": f"#{sha256(as_json(one).encode()).hexdigest()[:12]}"}
            found.append(entities.setdefault(named["@id"], named))
        return unique([{"@id": one["@id"]} for one in found])

    files = refer(_file(piece) for piece in said.pieces)
    root = {
        "@id": "./",
        **schema_org.dataset(said),
        "description": said.description or NO_DESCRIPTION,
        "license": refer(_licence(one) for one in said.licences) or NO_LICENCE,
        **stated(
            creator=refer(_agent(one) for one in said.creators),
            publisher=refer(_agent(one) for one in said.publishers),
            contributor=refer(_agent(one) for one in said.others),
            isBasedOn=refer(_source(one, number) for number, one in enumerate(said.sources, 1)),
            hasPart=files,
        ),
    }
    about = {
        "@id": "ro-crate-metadata.json", "@type": "CreativeWork", "conformsTo": {"@id": VERSION}, "about": {"@id": "./"},
    }  # fmt: skip
    return as_json({"@context": f"{VERSION}/context", "@graph": [about, root, *entities.values()]})


def _file(piece: Piece) -> dict[str, Any]:
    return stated(
        at_id=piece.href,
        at_type="File",
        name=piece.path,
        encodingFormat=piece.media,
        contentSize="" if piece.bytes is None else str(piece.bytes),
        sha256=piece.sha256,
    )


def _licence(one: Licence) -> dict[str, Any]:
    return {"@id": one.url or f"#licence-{quote(one.name, safe='')}", "@type": "CreativeWork", "name": one.name}


def _agent(one: Agent) -> dict[str, Any]:
    """A contributor; RO-Crate asks each entity for a type, and `Thing` is what is neither person nor organization for sure."""
    said = {"@type": "Thing", **schema_org.agent(one)}
    if one.organization:
        said["affiliation"] = one.organization
    return {"@id": one.url or f"#agent-{quote(one.name, safe='')}", **said}


def _source(one: Source, number: int) -> dict[str, Any]:
    return {"@id": one.url or f"#source-{number}", **schema_org.source(one)}
