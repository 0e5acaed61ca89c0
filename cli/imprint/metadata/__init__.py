"""A released package's metadata in the words of others: catalogues, search engines, repositories, citation tools.

Each format says what the Data Package says, and nothing else: what a format asks for and the package doesn't state is left
out, or is the format's own word for "unknown". docs/metadata.md lists what becomes what.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from ..manifest import Manifest
from ..package import Package
from . import citation, croissant, datacite, dcat, ro_crate, schema_org, summary

FORMS = {
    "datacite": "metadata/datacite.json",
    "schema-org": "metadata/schema-org.jsonld",
    "dcat": "metadata/dcat.ttl",
    "croissant": "metadata/croissant.json",
    "ro-crate": "ro-crate-metadata.json",
    "citation": "CITATION.cff",
}
WRITERS: dict[str, Callable[[summary.Summary], str]] = {
    "datacite": datacite.text,
    "schema-org": schema_org.text,
    "dcat": dcat.text,
    "croissant": croissant.text,
    "ro-crate": ro_crate.text,
    "citation": citation.text,
}


def render(package: Package, manifest: Manifest, forms: Collection[str] = tuple(FORMS)) -> dict[str, str]:
    """The text of each format in `forms`, by its path in the release.

    `package` is the copy that is released: its `base` is the release's directory, where the CSV files' headers are read.
    `manifest` lists the files that there are so far. The texts depend on these alone. Raises KeyError for an unknown format.
    """
    said = summary.of(package, manifest)
    return {FORMS[form]: WRITERS[form](said) for form in FORMS if form in forms}
