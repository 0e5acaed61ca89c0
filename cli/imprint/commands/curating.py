"""span, section and hydrate: for who makes or reads a record of documents."""

from __future__ import annotations

from pathlib import Path

import click

from .group import FORMAT, MEMORY, PATH, main


@main.command()
@click.argument("file", type=PATH)
@click.argument("words")
@click.option("--nth", type=int, help="Which of several places, from 1.")
@FORMAT
def span(file: Path, words: str, nth: int | None, form: str) -> None:
    """Print start, end and sha256 of WORDS in the document FILE, as the fields of a row."""
    from .. import curation, render

    found = curation.span(file, words, nth)
    click.echo(render.to_json(vars(found)) if form == "json" else f"{found.start},{found.end},{found.sha256}")


@main.command()
@click.argument("file", type=PATH)
@click.option("--source", help="The document's id; the file's name if not given.")
def section(file: Path, source: str | None) -> None:
    """Print a draft of the rows of `sections` for the document FILE, as CSV."""
    from .. import curation, render

    rows = list(curation.sections(file, source or file.stem.lower()))
    click.echo(render.csv_text(curation.SECTION_FIELDS, rows), nl=False)


@main.command()
@click.argument("package", default=".")
@click.argument("out", type=PATH)
@click.option("--documents", type=PATH, required=True, help="Directory of the source documents.")
@MEMORY
def hydrate(package: str, out: Path, documents: Path, memory: str | None) -> None:
    """Write the tables that have spans to OUT with a `passage` column, for who holds the documents."""
    from .. import api, curation

    with api.open_package(package) as (opened, _):
        for path in curation.hydrate(opened, documents, out, memory=memory):
            click.echo(str(path))
