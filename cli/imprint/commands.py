"""The command line: parse, call, render, exit. Heavy modules are imported by the command that needs them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from . import __version__
from .exceptions import ExitCode, ImprintError

FORMAT = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="What to print."
)
MEMORY = click.option("--memory", metavar="SIZE", help="Memory that the engine may use, such as 1GB; the rest spills to disk.")


class Commands(click.Group):
    """Turns an operator's fault into one line on stderr and its exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ImprintError as error:
            click.echo(f"imprint: {error}", err=True)
            ctx.exit(error.exit_code)
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            click.echo(f"imprint: {place}{error.strerror or error}; check the path and the disk", err=True)
            ctx.exit(ExitCode.ENVIRONMENT)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="imprint")
def main() -> None:
    """Validate, diff, version and release Data Packages.

    A PACKAGE is a directory, a datapackage.json or .yaml, a zip, a URL, or git:REV[:path]. Exit codes: 0 good; 1 the data
    says no; 2 usage; 3 the environment failed, or something could not be checked.
    """


@main.command()
@click.argument("package", default=".")
@FORMAT
@MEMORY
@click.option(
    "--limit-errors",
    default=100,
    show_default=True,
    help="Rows shown of each field and type, 0 for all; totals are always exact.",
)
@click.option(
    "--documents", type=click.Path(path_type=Path), help="Directory of the source documents, to check evidence against."
)
def validate(package: str, form: str, memory: str | None, limit_errors: int, documents: Path | None) -> None:
    """Check descriptor, structure, cells, keys, rules and evidence of PACKAGE."""
    from . import api, render

    report = api.validate(package, limit=limit_errors, memory=memory, documents=documents)
    click.echo(render.to_json(report.to_dict()) if form == "json" else render.report_text(report))
    for error in report.all_errors:
        if error.type in ("scheme-error", "format-error") or error.unchecked:
            click.echo(f"imprint: {package}: {error.message}; it could not be checked", err=True)
    sys.exit(ExitCode.GOOD if report.valid else ExitCode.INVALID if report.complete else ExitCode.ENVIRONMENT)


if __name__ == "__main__":
    main()
