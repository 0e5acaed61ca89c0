"""The command line: parse, call, render, exit. Heavy modules are imported by the command that needs them."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import __version__
from .exceptions import ExitCode, ImprintError, UsageFault

if TYPE_CHECKING:
    from .changes import Changes
    from .impact import Impact
    from .version import Verdict

FORMAT = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="What to print."
)
VERSION_PROFILE = click.option(
    "--profile",
    type=click.Choice(["datapackage", "croissant"]),
    help="Whose version rules count; datapackage, unless the descriptor names one.",
)
MEMORY = click.option("--memory", metavar="SIZE", help="Memory that the engine may use, such as 2GB; the rest spills to disk.")
REPORT_FORMATS = ["text", "json", "github", "junit", "sarif", "markdown", "html"]
DIFF_FORMATS = ["text", "json", "markdown", "html", "csv"]


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

    A PACKAGE is a directory, a datapackage.json or .yaml, a zip, a URL, a release (STORE@VERSION, STORE@latest), or
    git:REV[:path]. Exit codes: 0 good; 1 the data says no; 2 usage; 3 the environment failed, or something could not be
    checked.
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
@click.argument("old", required=False, metavar="OLD")
@click.argument("new", default=".")
@click.option(
    "--format", "form", type=click.Choice(DIFF_FORMATS), default="text", show_default=True, help="What to print or write."
)
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the diff to FILE, whole or not at all, instead of printing it.",
)
@MEMORY
@click.option("--last-release", is_flag=True, help="OLD is the package; it is compared with its last release.")
@click.option("--out", type=click.Path(path_type=Path), default="dist", show_default=True, help="Where releases are.")
@click.option(
    "--key", "keys", multiple=True, metavar="[RESOURCE=]FIELD[,FIELD]", help="A key for a table whose schema has none."
)
@click.option("--ignore", multiple=True, metavar="PATH", help="Don't look at a resource, or a field.")
@click.option("--abs-tol", multiple=True, metavar="PATH=X", help="Numbers that differ by no more than X are equal.")
@click.option("--rel-tol", multiple=True, metavar="PATH=X", help="Numbers that differ by no more than this share are equal.")
@click.option("--rename", multiple=True, metavar="PATH=NAME", help="A resource or field of OLD is called NAME in NEW.")
@click.option(
    "--limit-rows",
    type=int,
    show_default="100, all for csv",
    help="Example rows per table, 0 for all; totals are always exact.",
)
@click.option("--bump", is_flag=True, help="Print only the least next version.")
@click.option("--rules", is_flag=True, help="Print only the version rules: id, least bump, reason.")
@VERSION_PROFILE
@click.option("--exit-code", is_flag=True, help="Exit with 1 if there is a difference; with --for, if one affects a lock.")
@click.option(
    "--for",
    "locks",
    multiple=True,
    metavar="LOCK",
    help="Only say how a consumer is affected, by its lock or its script (see imprint uses).",
)
@click.option(
    "--delta", "delta_out", type=click.Path(path_type=Path), metavar="DIR", help="Write what imprint apply needs to DIR, too."
)
def diff(
    old: str | None, new: str, form: str, output: Path | None, memory: str | None, last_release: bool, out: Path,
    keys: tuple[str, ...], ignore: tuple[str, ...], abs_tol: tuple[str, ...], rel_tol: tuple[str, ...],
    rename: tuple[str, ...], limit_rows: int | None, bump: bool, rules: bool, profile: str | None, exit_code: bool,
    locks: tuple[str, ...], delta_out: Path | None,
) -> None:  # fmt: skip
    """Show what changed from OLD to NEW, and the least version that it asks for.

    A PATH is RESOURCE or RESOURCE.FIELD in the words of OLD; of packages with one table, FIELD does.
    """
    from . import api, diffs, version

    if rules:
        _print_rules(profile, form)
        return
    if old is None and not last_release:
        raise click.UsageError("Missing argument 'OLD'.")
    if old == new and not last_release:
        raise UsageFault("is both OLD and NEW", where=old, fix="name two packages, or compare it with --last-release")
    old = old or "."
    compare = functools.partial(api.since_last_release, old, out) if last_release else functools.partial(api.diff, old, new)
    if locks and form not in ("text", "json"):
        raise UsageFault(f"an impact has no {form} form", where="--for", fix="use --format text or json")
    if limit_rows is None:
        limit_rows = 0 if form == "csv" else api.ROWS
    renamed = dict(_named(one, "--rename") for one in rename)
    made = functools.partial(
        compare, keys=dict(_key(one) for one in keys), ignore=ignore, abs_tol=_tolerances(abs_tol, "--abs-tol"),
        rel_tol=_tolerances(rel_tol, "--rel-tol"), rename=renamed, limit_rows=limit_rows, memory=memory,
        fingerprints=form == "json",
    )  # fmt: skip
    if delta_out is not None:
        from . import delta

        made = functools.partial(delta.with_delta(made, delta_out, memory=memory))
    changes, impacts = api.impacts(locks, made, renamed) if locks else (made(), ())
    verdict = version.verdict(changes, profile)
    if bump:
        click.echo(verdict.next_version)
    elif locks:
        _impact(changes, verdict, impacts, form, output)
    elif output is None:
        _print(diffs.render(changes, verdict, form, click.style))
    else:
        _write(output, diffs.render(changes, verdict, form))
        click.echo(f"{diffs.headline(changes, verdict)}; the diff is in {output}", err=True)
    if delta_out is not None:
        click.echo(f"the delta is in {delta_out}", err=True)
    differs = any(one.affected for one in impacts) if locks else bool(verdict.fired or verdict.bump)
    sys.exit(ExitCode.INVALID if exit_code and differs else ExitCode.GOOD)


def _print_rules(profile: str | None, form: str) -> None:
    from . import render, version
    from .changes import PROFILE

    if form not in ("text", "json"):
        raise UsageFault(f"the rules have no {form} form", where="--rules", fix="use --format text or json")
    rules = version.rules_of(profile or PROFILE)
    click.echo(render.to_json(render.rules_json(rules)) if form == "json" else render.rules_text(rules))


def _impact(changes: Changes, verdict: Verdict, impacts: Sequence[Impact], form: str, output: Path | None) -> None:
    """Print or write how a diff affects the consumers of locks."""
    from .diffs import impact

    if output is None:
        _print(impact.render(changes, verdict, impacts, form, click.style))
    else:
        _write(output, impact.render(changes, verdict, impacts, form))
        affected = [one.lock.source for one in impacts if one.affected]
        click.echo(f"{', '.join(affected) or 'no lock'} affected; how is in {output}", err=True)


def _named(text: str, option: str) -> tuple[str, str]:
    path, separator, name = text.rpartition("=")
    if not (path and separator and name):
        raise UsageFault(f'"{text}" is not PATH=NAME', where=option, fix="write RESOURCE.FIELD=NAME or RESOURCE=NAME")
    return path, name


def _tolerances(texts: Sequence[str], option: str) -> dict[str, float]:
    found = {}
    for text in texts:
        path, _, number = text.rpartition("=")
        try:
            found[path] = float(number)
        except ValueError:
            path = ""
        if not path:
            raise UsageFault(f'"{text}" is not PATH=NUMBER', where=option, fix="write RESOURCE.FIELD=0.01")
    return found


def _key(text: str) -> tuple[str, list[str]]:
    resource, _, fields = text.rpartition("=")
    if bool(resource) is not ("=" in text) or not all(fields.split(",")):
        raise UsageFault(f'"{text}" names no key', where="--key", fix="write [RESOURCE=]FIELD[,FIELD]")
    return resource, fields.split(",")


@main.command()
@click.argument("source")
@FORMAT
@click.option("--package", metavar="PACKAGE", help="The package that SOURCE reads; it must have all that SOURCE names.")
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="LOCK",
    help="Write a lock, such as imprint.lock.json, whole or not at all, for imprint diff --for.",
)
def uses(source: str, form: str, package: str | None, output: Path | None) -> None:
    """Say which resources, fields, keys and codes the consumer SOURCE relies on.

    SOURCE is a lock (.json, .yaml); a script (.py, .ipynb, .R, .Rmd, .qmd, .jl, .sql), of which the names in it are read; or
    a list with a resource, resource.field or resource.field=code,code in each line (- for the one on standard input).
    """
    from . import api
    from .diffs import impact

    piped = sys.stdin.buffer.read() if source == "-" else None
    lock = api.uses_of(source, package, piped)
    if output is not None:
        _write(output, impact.lock_json(lock))
        click.echo(f"the lock is in {output}", err=True)
    click.echo(impact.lock_json(lock) if form == "json" else impact.lock_text(lock, package or ""))


@main.command()
@click.argument("delta")
@click.argument("old")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--invert", is_flag=True, help="Go back: OLD is what DELTA ends with, OUT what it starts from.")
@MEMORY
def apply(delta: str, old: str, out: Path, invert: bool, memory: str | None) -> None:
    """Write to the directory OUT what DELTA (see imprint diff --delta) makes of the package OLD."""
    from . import api, applying

    with api.open_package(delta) as (plan, _), api.open_package(old) as (before, _):
        click.echo(str(applying.apply(plan, before, out, invert=invert, memory=memory)))


@main.command()
@click.argument("deltas", nargs=-1, required=True, metavar="DELTA...")
@click.argument("out", type=click.Path(path_type=Path))
@MEMORY
def squash(deltas: tuple[str, ...], out: Path, memory: str | None) -> None:
    """Write to the directory OUT the one DELTA that does what several do one after the other."""
    from . import api, delta

    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(api.open_package(one))[0] for one in deltas]
        click.echo(str(delta.squash(opened, out, memory=memory)))


@main.command(  # a path that begins with a dash is no option
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False, "help_option_names": ["--help"]}
)
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED, metavar="PATH OLD-FILE OLD-HEX ...")
@click.option("--limit-rows", default=100, show_default=True, help="Rows shown of each table, 0 for all.")
def gitdiff(arguments: tuple[str, ...], limit_rows: int) -> None:
    """Show how one file changed, for git, which gives the arguments.

    Two lines make git use it: "*.csv diff=imprint" in .gitattributes, and: git config diff.imprint.command "imprint gitdiff".
    """
    from . import gitdiff as driver
    from .reports.text import plain

    paint = click.style if driver.coloured() else plain
    shown = driver.render(arguments, limit_rows=limit_rows, paint=paint).encode("utf-8", "surrogateescape")
    try:
        click.echo(shown, nl=False)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough, which is no fault that git should hear of
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@main.command()
@click.argument("package", default=".")
@FORMAT
@MEMORY
@click.option("--out", type=click.Path(path_type=Path), default="dist", show_default=True, help="Where releases are.")
@click.option("--against", metavar="PACKAGE", help="The last release's data, where it is neither in --out nor in git.")
@click.option("--allow-unbumped", is_flag=True, help="Below 1.0.0: release a version again with other content.")
@VERSION_PROFILE
def release(
    package: str, form: str, memory: str | None, out: Path, against: str | None, allow_unbumped: bool, profile: str | None
) -> None:
    """Validate PACKAGE, judge its version, and build the release in --out."""
    from . import api, render, reports
    from . import release as releases

    try:
        with api.open_package(package) as (opened, faults):
            done = releases.release(
                opened, faults, out=out, against=against, allow_unbumped=allow_unbumped, profile=profile, memory=memory
            )
    except releases.Refused as refused:
        if refused.report is not None:
            _print(reports.render(refused.report, paint=click.style), err=True)
        if refused.verdict is not None:
            _print(render.demands_text(refused.verdict), err=True)
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
