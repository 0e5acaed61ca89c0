"""DataCite 4.5 as JSON, for a repository that registers a DOI. Its standard values stand for what is mandatory and unknown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .summary import Agent, Licence, Source, Summary, as_json, stated, unique

UNAVAILABLE, UNTITLED = ":unav", ":unas"  # "value unavailable, possibly unknown"; "value unassigned (e.g., Untitled)"
CONTRIBUTOR_TYPES = (
    "ContactPerson", "DataCollector", "DataCurator", "DataManager", "Distributor", "Editor", "HostingInstitution", "Producer",
    "ProjectLeader", "ProjectManager", "ProjectMember", "RegistrationAgency", "RegistrationAuthority", "RelatedPerson",
    "Researcher", "ResearchGroup", "RightsHolder", "Sponsor", "Supervisor", "WorkPackageLeader",
)  # fmt: skip
NAME_TYPES = {"person": "Personal", "organization": "Organizational"}
SCHEME = "http://datacite.org/schema/kernel-4"


def text(said: Summary) -> str:
    """The file."""
    identifiers = {"Data Package id": "" if said.doi else said.identifier, "Data Package name": said.package.name}
    return as_json(
        stated(
            doi=said.doi,
            url=said.homepage,
            types={"resourceTypeGeneral": "Dataset", "resourceType": "Data Package"},
            titles=[{"title": said.title or said.package.name or UNTITLED}],
            creators=[_agent(one) for one in said.creators] or [{"name": UNAVAILABLE}],
            publisher={"name": said.publishers[0].name if said.publishers else UNAVAILABLE},
            publicationYear=said.manifest.date[:4],
            contributors=[_agent(one) | {"contributorType": kind} for one in said.others for kind in _kinds(one)],
            subjects=[{"subject": word} for word in said.keywords],
            dates=list(_dates(said)),
            alternateIdentifiers=[
                {"alternateIdentifier": value, "alternateIdentifierType": kind} for kind, value in identifiers.items() if value
            ],
            relatedItems=unique([_item(one) for one in said.sources if one.title]),
            relatedIdentifiers=unique([_related(one) for one in said.sources if not one.title]),
            sizes=[f"{piece.bytes} bytes" for piece in said.data if piece.path == said.manifest.archive and piece.bytes],
            formats=list(dict.fromkeys(piece.media for piece in said.data)),
            version=said.manifest.version,
            rightsList=unique([_rights(one) for one in said.licences]),
            descriptions=[{"description": said.description, "descriptionType": "Abstract"}] if said.description else [],
            fundingReferences=unique([{"funderName": one.name} for one in said.agents if one.acts("funder")]),
            schemaVersion=SCHEME,
        )
    )


def _agent(one: Agent) -> dict[str, Any]:
    name = f"{one.family}, {one.given}" if one.family and one.given else one.name
    identifiers = [("ORCID", "https://orcid.org", one.orcid), ("ROR", "https://ror.org", one.ror)]
    return stated(
        name=name,
        nameType=NAME_TYPES.get(one.kind, ""),
        givenName=one.given,
        familyName=one.family,
        affiliation=[{"name": one.organization}] if one.organization else [],
        nameIdentifiers=[
            {"nameIdentifier": f"{uri}/{value}", "nameIdentifierScheme": scheme, "schemeUri": uri}
            for scheme, uri, value in identifiers if value
        ],
    )  # fmt: skip


def _kinds(one: Agent) -> list[str]:
    """The contributor types that an agent's roles are; "Other" for a role that DataCite has no word for."""
    known = [kind for kind in CONTRIBUTOR_TYPES if one.acts(kind.lower())]
    if one.acts("contact") and "ContactPerson" not in known:
        known.append("ContactPerson")
    return known or ([] if one.acts("funder") else ["Other"])


def _dates(said: Summary) -> Iterator[dict[str, str]]:
    if said.created:
        yield {"date": said.created, "dateType": "Created"}
    if said.manifest.date:
        yield {"date": said.manifest.date, "dateType": "Issued"}


def _rights(one: Licence) -> dict[str, Any]:
    scheme = {"rightsIdentifierScheme": "SPDX", "schemeUri": "https://spdx.org/licenses/"} if one.spdx else {}
    return stated(rights=one.name, rightsUri=one.url, rightsIdentifier=one.spdx) | scheme


def _item(one: Source) -> dict[str, Any]:
    """A source with a title; what kind of work it is the package doesn't say."""
    identifier = {"relatedItemIdentifier": one.url, "relatedItemIdentifierType": "URL"} if one.url else {}
    return stated(
        titles=[{"title": one.title}], relatedItemType="Other", relationType="IsDerivedFrom", relatedItemIdentifier=identifier
    )


def _related(one: Source) -> dict[str, Any]:
    return {"relatedIdentifier": one.url, "relatedIdentifierType": "URL", "relationType": "IsDerivedFrom"}
