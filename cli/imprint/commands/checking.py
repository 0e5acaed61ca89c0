"""validate and fmt."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..exceptions import ExitCode, UsageFault
from .group import FILE, MEMORY, PATH, bar, main, show, write

REPORT_FORMATS = ["text", "json", "github", "junit", "sarif", "markdown", "html"]


def _explain(ctx: click.Context, _: click.Parameter, kind: str | None) -> None:
    if kind is not None:
        from .. import explanations

        click.echo(explanations.text(kind))
        ctx.exit()


@main.command()
@click.argument("package", default=".")
@click.option(
    "--format", "form", type=click.Choice(REPORT_FORMATS), default="text", show_default=True, help="What to print or write."
)
@click.option(
    "--output",
    "-o",
    type=FILE,
    metavar="FILE",
    help="Write the report to FILE, whole or not at all, instead of printing it.",
)
@MEMORY
@click.option(
    "--explain",
    metavar="[TYPE]",
    is_flag=False,
    flag_value="all",
    is_eager=True,
    expose_value=False,
    callback=_explain,
    help="Only say what a type of error means and how to mend it; without TYPE, list them all.",
)
@click.option(
    "--limit-errors",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    help="Rows shown of each field and type, 0 for all; totals are always exact.",
)
@click.option("--only", multiple=True, metavar="NAME", help="Look only for a type of error or a rule, or only in a resource.")
@click.option("--skip", multiple=True, metavar="NAME", help="Don't look for a type of error or a rule, or in a resource.")
@click.option("--warn", multiple=True, metavar="NAME", help="Make a type of error, or a rule, a warning.")
@click.option("--strict", is_flag=True, help="A package with warnings isn't valid.")
@click.option("--remote", is_flag=True, help="Fetch what the package names by URL; without this, it is not followed.")
@click.option("--documents", type=PATH, help="Directory of the source documents, to check evidence against.")
def validate(
    package: str, form: str, output: Path | None, memory: str | None, limit_errors: int, only: tuple[str, ...],
    skip: tuple[str, ...], warn: tuple[str, ...], strict: bool, remote: bool, documents: Path | None,
) -> None:  # fmt: skip
    """Check descriptor, structure, cells, keys, rules and evidence of PACKAGE.

    --only, --skip and --warn can be given several times.
    """
    from .. import api, reports

    with bar(f"validating {package}") as tell:
        report = api.validate(
            package, limit=limit_errors, memory=memory, documents=documents, only=only, skip=skip, warn=warn, strict=strict,
            remote=remote, tell=tell,
        )  # fmt: skip
    if output is None:
        show(reports.render(report, form, click.style))
    else:
        write(output, reports.render(report, form))
        click.echo(f"{reports.headline(report)}; the report is in {output}", err=True)
    for error in report.all_errors:
        if error.type in ("scheme-error", "format-error") or error.unchecked:
            click.echo(f"imprint: {package}: could not be checked: {error.message}", err=True)
    sys.exit(ExitCode.GOOD if report.valid else ExitCode.INVALID if report.complete else ExitCode.ENVIRONMENT)


@main.command()
@click.argument("package", default=".")
@MEMORY
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a file isn't in canonical form.")
def fmt(package: str, memory: str | None, check: bool) -> None:
    """Put PACKAGE in canonical form: order of rows, quoting, line ends.

    Every value stays as it is spelled. A file that several resources share has the order of the first one's key. Where the
    descriptor says `bytes` or `hash` of a file, and says it rightly, it does so after, too.
    """
    from .. import api, formatting, render

    path = Path(package)
    if (
        path.suffix.lower() == ".zip" if path.exists() else ":" in package or "@" in package
    ):  # git:REV, an address, STORE@VERSION
        raise UsageFault("can't be rewritten where it is", where=package, fix="name the package's own directory")
    with api.open_package(package) as (opened, _):
        files = formatting.canonical_files(opened, memory=memory)
        if not check:
            formatting.write(files)
    click.echo(render.formatted_text(files, check=check))
    sys.exit(ExitCode.INVALID if check and any(file.changed for file in files) else ExitCode.GOOD)
