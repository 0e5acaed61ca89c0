"""diff, apply, squash, uses and gitdiff."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..exceptions import ExitCode, UsageFault
from .group import FILE, FORMAT, MEMORY, PATH, VERSION_PROFILE, main, show, write

if TYPE_CHECKING:
    from ..changes import Changes
    from ..impact import Impact
    from ..version import Verdict

DIFF_FORMATS = ["text", "json", "markdown", "html", "csv"]


@main.command()
@click.argument("old", required=False, metavar="OLD")
@click.argument("new", required=False, metavar="[NEW]")
@click.option(
    "--format", "form", type=click.Choice(DIFF_FORMATS), default="text", show_default=True, help="What to print or write."
)
@click.option(
    "--output",
    "-o",
    type=FILE,
    metavar="FILE",
    help="Write the diff to FILE, whole or not at all, instead of printing it.",
)
@MEMORY
@click.option("--last-release", is_flag=True, help="OLD is the package; it is compared with its last release.")
@click.option("--out", type=PATH, default="dist", show_default=True, help="Where releases are.")
@click.option(
    "--key", "keys", multiple=True, metavar="[RESOURCE=]FIELD[,FIELD]", help="A key for a table whose schema has none."
)
@click.option("--ignore", multiple=True, metavar="PATH", help="Don't look at a resource, or a field.")
@click.option("--abs-tol", multiple=True, metavar="PATH=X", help="Numbers that differ by no more than X are equal.")
@click.option("--rel-tol", multiple=True, metavar="PATH=X", help="Numbers that differ by no more than this share are equal.")
@click.option("--rename", multiple=True, metavar="PATH=NAME", help="A resource or field of OLD is called NAME in NEW.")
@click.option(
    "--limit-rows",
    type=click.IntRange(min=0),
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
@click.option("--delta", "delta_out", type=PATH, metavar="DIR", help="Write what imprint apply needs to DIR, too.")
def diff(
    old: str | None, new: str | None, form: str, output: Path | None, memory: str | None, last_release: bool, out: Path,
    keys: tuple[str, ...], ignore: tuple[str, ...], abs_tol: tuple[str, ...], rel_tol: tuple[str, ...],
    rename: tuple[str, ...], limit_rows: int | None, bump: bool, rules: bool, profile: str | None, exit_code: bool,
    locks: tuple[str, ...], delta_out: Path | None,
) -> None:  # fmt: skip
    """Show what changed from OLD to NEW, and the least version that it asks for.

    A PATH is RESOURCE or RESOURCE.FIELD in the words of OLD; of packages with one table, FIELD does.
    """
    from .. import api, diffs, version

    if rules:
        _print_rules(profile, form, bump=bump)
        return
    if old is None and not last_release:
        raise click.UsageError("Missing argument 'OLD'.")
    new = _refuse_senseless(old, new, form, last_release=last_release, bump=bump, impact=bool(locks))
    old = old or "."
    compare = functools.partial(api.since_last_release, old, out) if last_release else functools.partial(api.diff, old, new)
    if limit_rows is None:
        limit_rows = 0 if form == "csv" else api.ROWS
    renamed = dict(_named(one, "--rename") for one in rename)
    made: Callable[..., Changes] = functools.partial(
        compare, keys=dict(_key(one) for one in keys), ignore=ignore, abs_tol=_tolerances(abs_tol, "--abs-tol"),
        rel_tol=_tolerances(rel_tol, "--rel-tol"), rename=renamed, limit_rows=limit_rows, memory=memory,
        fingerprints=form == "json",
    )  # fmt: skip
    with contextlib.ExitStack() as stack:
        if delta_out is not None:
            from .. import delta

            made = stack.enter_context(delta.with_delta(made, delta_out, memory=memory))
        changes, impacts = api.impacts(locks, made, renamed) if locks else (made(), ())
        verdict = version.verdict(changes, profile)
        if bump:
            _print_bump(changes, verdict, old)
        elif locks:
            _impact(changes, verdict, impacts, form, output)
        elif output is None:
            show(diffs.render(changes, verdict, form, click.style))
        else:
            write(output, diffs.render(changes, verdict, form))
            click.echo(f"{diffs.headline(changes, verdict)}; the diff is in {output}", err=True)
    if delta_out is not None:
        _tell_of_delta(delta_out)
    differs = any(one.affected for one in impacts) if locks else bool(verdict.fired or verdict.bump)
    sys.exit(ExitCode.INVALID if exit_code and differs else ExitCode.GOOD)


def _refuse_senseless(old: str | None, new: str | None, form: str, *, last_release: bool, bump: bool, impact: bool) -> str:
    """NEW, which is the package here if it isn't given. Raises UsageFault for what doesn't go together."""
    if last_release and new is not None:
        raise UsageFault("takes one package", where="--last-release", fix=f"leave {new} out, or name two without it")
    if not last_release and old == (new or "."):
        raise UsageFault("is both OLD and NEW", where=old or "", fix="name two packages, or compare it with --last-release")
    if impact and form not in ("text", "json"):
        raise UsageFault(f"an impact has no {form} form", where="--for", fix="use --format text or json")
    if bump and form != "text":
        raise UsageFault("prints a version, and nothing else", where="--bump", fix=f"leave --format {form} out")
    return new or "."


def _print_bump(changes: Changes, verdict: Verdict, old: str) -> None:
    if not verdict.next_version:
        asked = f": the changes ask for a {verdict.bump.name} one" if verdict.bump else ""
        fix = f'give it a "version", or leave --bump out{asked}'
        raise UsageFault("has no version, so none is next", where=old, fix=fix)
    for note in changes.notes:
        click.echo(f"note: {note.message} ({note.kind})", err=True)
    click.echo(verdict.next_version)


def _tell_of_delta(path: Path) -> None:
    from .. import api, applying

    click.echo(f"the delta is in {path}", err=True)
    with api.open_package(path) as (delta, _):
        for obstacle in applying.obstacles(delta):
            click.echo(f"note: imprint apply can't write what it makes: {obstacle}", err=True)


def _print_rules(profile: str | None, form: str, *, bump: bool) -> None:
    from .. import render, version
    from ..versioning import PROFILE

    if bump:
        raise UsageFault("prints a version, and no rules", where="--bump", fix="leave it out, or --rules")
    if form not in ("text", "json"):
        raise UsageFault(f"the rules have no {form} form", where="--rules", fix="use --format text or json")
    rules = version.rules_of(profile or PROFILE)
    click.echo(render.to_json(render.rules_json(rules)) if form == "json" else render.rules_text(rules))


def _impact(changes: Changes, verdict: Verdict, impacts: Sequence[Impact], form: str, output: Path | None) -> None:
    """Print or write how a diff affects the consumers of locks."""
    from ..diffs import impact

    if output is None:
        show(impact.render(changes, verdict, impacts, form, click.style))
    else:
        write(output, impact.render(changes, verdict, impacts, form))
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
    type=FILE,
    metavar="LOCK",
    help="Write a lock, such as imprint.lock.json, whole or not at all, for imprint diff --for.",
)
def uses(source: str, form: str, package: str | None, output: Path | None) -> None:
    """Say which resources, fields, keys and codes the consumer SOURCE relies on.

    SOURCE is a lock (.json, .yaml); a script (.py, .ipynb, .R, .Rmd, .qmd, .jl, .sql), of which the names in it are read; or
    a list with a resource, resource.field or resource.field=code,code in each line (- for the one on standard input).
    """
    from .. import api
    from ..diffs import impact

    piped = sys.stdin.buffer.read() if source == "-" else None
    lock = api.uses_of(source, package, piped)
    if output is not None:
        write(output, impact.lock_json(lock))
        click.echo(f"the lock is in {output}", err=True)
    click.echo(impact.lock_json(lock) if form == "json" else impact.lock_text(lock, package or ""))


@main.command()
@click.argument("delta")
@click.argument("old")
@click.argument("out", type=PATH)
@click.option("--invert", is_flag=True, help="Go back: OLD is what DELTA ends with, OUT what it starts from.")
@MEMORY
def apply(delta: str, old: str, out: Path, invert: bool, memory: str | None) -> None:
    """Write to the directory OUT what DELTA (see imprint diff --delta) makes of the package OLD."""
    from .. import api, applying

    with api.open_package(delta) as (plan, _), api.open_package(old) as (before, _):
        click.echo(str(applying.apply(plan, before, out, invert=invert, memory=memory)))


@main.command()
@click.argument("deltas", nargs=-1, required=True, metavar="DELTA...")
@click.argument("out", type=PATH)
@MEMORY
def squash(deltas: tuple[str, ...], out: Path, memory: str | None) -> None:
    """Write to the directory OUT the one DELTA that does what several do one after the other."""
    from .. import api, delta

    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(api.open_package(one))[0] for one in deltas]
        click.echo(str(delta.squash(opened, out, memory=memory)))


@main.command(  # a path that begins with a dash is no option
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False, "help_option_names": ["--help"]}
)
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED, metavar="PATH OLD-FILE OLD-HEX ...")
@click.option(
    "--limit-rows", type=click.IntRange(min=0), default=100, show_default=True, help="Rows shown of each table, 0 for all."
)
def gitdiff(arguments: tuple[str, ...], limit_rows: int) -> None:
    """Show how one file changed, for git, which gives the arguments.

    Two lines make git use it: "*.csv diff=imprint" in .gitattributes, and: git config diff.imprint.command "imprint gitdiff".
    """
    from .. import gitdiff as driver
    from ..reports.text import plain

    paint = click.style if driver.coloured() else plain
    shown = driver.render(arguments, limit_rows=limit_rows, paint=paint).encode("utf-8", "surrogateescape")
    try:
        click.echo(shown, nl=False)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough, which is no fault that git should hear of
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
