"""CITATION.cff 1.2.0, for who cites the release and for the tools that read it (GitHub, Zenodo, Zotero)."""

from __future__ import annotations

import re
from typing import Any

from .summary import Agent, Summary, stated, unique

MESSAGE = "If you use this dataset, please cite it using the metadata from this file."
NOT_STATED = "[authors not stated]"
DOI = re.compile(r"10\.\d{4,9}(\.\d+)?/[A-Za-z0-9:/_;\-.()\[\]\\]+", re.ASCII)
EMAIL = re.compile(r"\S+@\S+\.\S{2,}")
NUMBER = re.compile(r"[-+.\d]")
DATE = re.compile(r"[0-9]{4}-(0[1-9]|1[012])-(0[1-9]|[12][0-9]|3[01])")


def text(said: Summary) -> str:
    """The file."""
    import yaml

    class Writer(yaml.SafeDumper):
        """Quotes what other readers may take for a number, such as `0o17`, and what PyYAML loses, such as U+0085."""

    def represent(writer: yaml.SafeDumper, text: str) -> yaml.Node:
        style = '"' if NUMBER.match(text) or not text.isprintable() else None
        return writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Writer.add_representer(str, represent)
    content = {"cff-version": "1.2.0", "message": MESSAGE, "type": "dataset", **_dataset(said)}
    written: str = yaml.dump(content, Dumper=Writer, allow_unicode=True, sort_keys=False, width=10**9)
    return written


def _dataset(said: Summary) -> dict[str, Any]:
    doi = said.doi if DOI.fullmatch(said.doi) else ""
    identifiers = [{"type": "other", "value": said.identifier}] if said.identifier and not doi else []
    known = list(dict.fromkeys(one.spdx for one in said.licences if one.spdx))
    alone = said.licences[0].url if len(said.licences) == 1 and not known else ""
    contacts = [_agent(one) for one in said.agents if one.acts("contact", "contactperson")]
    return stated(
        title=said.name,
        authors=unique([_agent(one) for one in said.creators]) or [{"name": NOT_STATED}],
        contact=unique(contacts),
        version=said.manifest.version,
        doi=doi,
        identifiers=identifiers,
        abstract=said.description,
        keywords=list(said.keywords),
        # several licences are alternatives to this format, so that one that it can't name must not be left out of them
        license=(known[0] if len(known) == 1 else known) if all(one.spdx for one in said.licences) else "",
        url=said.homepage,
    ) | {
        **({"date-released": said.manifest.date} if DATE.fullmatch(said.manifest.date) else {}),
        **({"license-url": alone} if alone else {}),
    }


def _agent(one: Agent) -> dict[str, Any]:
    """A person where the package gives names of one; an entity otherwise, which is all that can be said."""
    person = {"family-names": one.family, "given-names": one.given} if one.kind == "person" else {"name": one.name}
    orcid = {"orcid": f"https://orcid.org/{one.orcid}"} if one.orcid else {"website": one.url}
    more = {"affiliation": one.organization} if one.kind == "person" else {}
    email = one.email if EMAIL.fullmatch(one.email) else ""
    return {word: value for word, value in {**person, **more, **orcid, "email": email}.items() if value}
