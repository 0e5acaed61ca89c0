"""The command line: parse, call, render, exit. Heavy modules are imported by the command that needs them."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from . import __version__
from .exceptions import ExitCode, ImprintError, UsageFault

FORMAT = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="What to print."
)
MEMORY = click.option("--memory", metavar="SIZE", help="Memory that the engine may use, such as 2GB; the rest spills to disk.")
REPORT_FORMATS = ["text", "json", "github", "junit", "sarif", "markdown", "html"]


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


def _explain(ctx: click.Context, _: click.Parameter, kind: str | None) -> None:
    if kind is not None:
        from . import explanations

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
    type=click.Path(dir_okay=False, path_type=Path),
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
    default=100,
    show_default=True,
    help="Rows shown of each field and type, 0 for all; totals are always exact.",
)
@click.option("--only", multiple=True, metavar="NAME", help="Look only for a type of error or a rule, or only in a resource.")
@click.option("--skip", multiple=True, metavar="NAME", help="Don't look for a type of error or a rule, or in a resource.")
@click.option("--warn", multiple=True, metavar="NAME", help="Make a type of error, or a rule, a warning.")
@click.option("--strict", is_flag=True, help="A package with warnings isn't valid.")
@click.option("--remote", is_flag=True, help="Fetch what the package names by URL; without this, it is not followed.")
@click.option(
    "--documents", type=click.Path(path_type=Path), help="Directory of the source documents, to check evidence against."
)
def validate(
    package: str, form: str, output: Path | None, memory: str | None, limit_errors: int, only: tuple[str, ...],
    skip: tuple[str, ...], warn: tuple[str, ...], strict: bool, remote: bool, documents: Path | None,
) -> None:  # fmt: skip
    """Check descriptor, structure, cells, keys, rules and evidence of PACKAGE.

    --only, --skip and --warn can be given several times.
    """
    from . import api, reports

    with _bar(f"validating {package}") as tell:
        report = api.validate(
            package, limit=limit_errors, memory=memory, documents=documents, only=only, skip=skip, warn=warn, strict=strict,
            remote=remote, tell=tell,
        )  # fmt: skip
    if output is None:
        _print(reports.render(report, form, click.style))
    else:
        _write(output, reports.render(report, form))
        click.echo(f"{reports.headline(report)}; the report is in {output}", err=True)
    for error in report.all_errors:
        if error.type in ("scheme-error", "format-error") or error.unchecked:
            advice = "mend the descriptor or the file: it could not be checked"
            click.echo(f"imprint: {package}: {error.message}; {advice}", err=True)
    sys.exit(ExitCode.GOOD if report.valid else ExitCode.INVALID if report.complete else ExitCode.ENVIRONMENT)


@contextlib.contextmanager
def _bar(label: str) -> Iterator[Callable[[float], None] | None]:
    """A progress bar on stderr, where that is a terminal: it comes with the first word of progress and goes with the last."""
    if not sys.stderr.isatty():
        yield None
        return
    with contextlib.ExitStack() as stack:
        bars: list[Any] = []

        def tell(share: float) -> None:
            if not bars:
                bars.append(click.progressbar(length=1000, label=label, file=sys.stderr))
                stack.callback(click.echo, "\r\x1b[K\x1b[?25h", nl=False, err=True)
            bars[0].update(int(share * 1000) - bars[0].pos)

        yield tell


def _print(text: str, *, err: bool = False) -> None:
    """Print, in colour on a terminal unless NO_COLOR says no."""
    click.echo(text, err=err, color=False if os.environ.get("NO_COLOR") else None)


def _write(path: Path, text: str) -> None:
    """Put a text into a file at once; a device or a pipe can only be written to."""
    from . import archive

    ended = text.rstrip("\n") + "\n"
    if path.exists() and not path.is_file():
        path.write_text(ended, encoding="utf-8", newline="\n")
    else:
        archive.replace_text(path.resolve(), ended)


@main.command()
@click.argument("old")
@click.argument("new", default=".")
@FORMAT
@MEMORY
@click.option("--last-release", is_flag=True, help="OLD is the package; it is compared with its last release.")
@click.option("--out", type=click.Path(path_type=Path), default="dist", show_default=True, help="Where releases are.")
@click.option("--key", "keys", multiple=True, metavar="RESOURCE=FIELD[,FIELD]", help="A key for a table whose schema has none.")
@click.option(
    "--limit-rows", default=100, show_default=True, help="Example rows per table, 0 for all; totals are always exact."
)
@click.option("--bump", is_flag=True, help="Print only the least next version.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if there is a difference.")
def diff(
    old: str, new: str, form: str, memory: str | None, last_release: bool, out: Path, keys: tuple[str, ...], limit_rows: int,
    bump: bool, exit_code: bool,
) -> None:  # fmt: skip
    """Show what changed from OLD to NEW, and the least version that it asks for."""
    from . import api, render, version

    if last_release:
        old, new = api.last_release(old, out), old
    changes = api.diff(old, new, keys=dict(_key(one) for one in keys), limit_rows=limit_rows, memory=memory)
    verdict = version.verdict(changes)
    if bump:
        click.echo(verdict.next_version)
    elif form == "json":
        click.echo(render.to_json(render.changes_json(changes, verdict)))
    else:
        click.echo(render.changes_text(changes, verdict))
    sys.exit(ExitCode.INVALID if exit_code and (verdict.fired or verdict.bump) else ExitCode.GOOD)


def _key(text: str) -> tuple[str, list[str]]:
    resource, separator, fields = text.partition("=")
    if not separator or not fields:
        raise click.BadParameter(f'"{text}" is not RESOURCE=FIELD[,FIELD]', param_hint="--key")
    return resource, fields.split(",")


@main.command()
@click.argument("package", default=".")
@FORMAT
@MEMORY
@click.option("--out", type=click.Path(path_type=Path), default="dist", show_default=True, help="Where releases are.")
@click.option("--against", metavar="PACKAGE", help="The last release's data, where it is neither in --out nor in git.")
@click.option("--allow-unbumped", is_flag=True, help="Below 1.0.0: release a version again with other content.")
def release(package: str, form: str, memory: str | None, out: Path, against: str | None, allow_unbumped: bool) -> None:
    """Validate PACKAGE, judge its version, and build the release in --out."""
    from . import api, render, reports
    from . import release as releases

    try:
        with api.open_package(package) as (opened, faults):
            done = releases.release(opened, faults, out=out, against=against, allow_unbumped=allow_unbumped, memory=memory)
    except releases.Refused as refused:
        if refused.report is not None:
            _print(reports.render(refused.report, paint=click.style), err=True)
        raise
    click.echo(render.to_json(done.to_dict()) if form == "json" else render.released_text(done))


@main.command()
@click.argument("release", type=click.Path(path_type=Path), default="dist")
@FORMAT
@MEMORY
def verify(release: Path, form: str, memory: str | None) -> None:
    """Check every digest and fingerprint of RELEASE: a release's directory, or a store of them."""
    from . import render, verification

    results = verification.verify(release, memory=memory)
    as_json = [result.to_dict() for result in results]
    click.echo(render.to_json(as_json) if form == "json" else render.verification_text(results))
    sys.exit(ExitCode.INVALID if any(result.problems for result in results) else ExitCode.GOOD)


@main.command()
@click.argument("package", default=".")
@MEMORY
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a file isn't in canonical form.")
def fmt(package: str, memory: str | None, check: bool) -> None:
    """Put PACKAGE in canonical form: order of rows, quoting, line ends."""
    from . import api, formatting, render

    if not Path(package).exists() or package.endswith(".zip"):
        raise UsageFault("can't be rewritten where it is", where=package, fix="name the package's own directory")
    with api.open_package(package) as (opened, _):
        files = formatting.canonical_files(opened, memory=memory)
        if not check:
            formatting.write(files)
    click.echo(render.formatted_text(files, check=check))
    sys.exit(ExitCode.INVALID if check and any(file.changed for file in files) else ExitCode.GOOD)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("words")
@click.option("--nth", type=int, help="Which of several places, from 1.")
@FORMAT
def span(file: Path, words: str, nth: int | None, form: str) -> None:
    """Print start, end and sha256 of WORDS in the document FILE, as the fields of a row."""
    from . import curation, render

    found = curation.span(file, words, nth)
    click.echo(render.to_json(vars(found)) if form == "json" else f"{found.start},{found.end},{found.sha256}")


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--source", help="The document's id; the file's name if not given.")
def section(file: Path, source: str | None) -> None:
    """Print a draft of the rows of `sections` for the document FILE, as CSV."""
    from . import curation, render

    rows = list(curation.sections(file, source or file.stem.lower()))
    click.echo(render.csv_text(curation.SECTION_FIELDS, rows), nl=False)


@main.command()
@click.argument("package", default=".")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--documents", type=click.Path(path_type=Path), required=True, help="Directory of the source documents.")
@MEMORY
def hydrate(package: str, out: Path, documents: Path, memory: str | None) -> None:
    """Write the tables that have spans to OUT with a `passage` column, for who holds the documents."""
    from . import api, curation

    with api.open_package(package) as (opened, _):
        for path in curation.hydrate(opened, documents, out, memory=memory):
            click.echo(str(path))


if __name__ == "__main__":
    main()
