"""The command itself, and what its subcommands share: options, output, a progress bar."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from .. import __version__
from ..exceptions import ExitCode, ImprintError, UsageFault

# Modules make many objects that stay to the end: looking for garbage among them takes a tenth of a short command's time.
gc.set_threshold(50_000, 20, 20)
atexit.register(gc.freeze)


class Local(click.Path):
    """A path on this machine: an address would make directories of its parts, and nothing would be the current one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if "://" in str(value):
            fix = "name a path; only imprint publish writes to an address"
            raise UsageFault("is an address, where a path on this machine is meant", where=str(value), fix=fix)
        if not str(value):
            what = f"{param.get_error_hint(ctx) if param and ctx else 'a path'} is empty"
            raise UsageFault(what, fix="name a path")
        return super().convert(value, param, ctx)


PATH = Local(path_type=Path)
FILE = Local(dir_okay=False, path_type=Path)
FORMAT = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="What to print."
)
VERSION_PROFILE = click.option(
    "--profile",
    type=click.Choice(["datapackage", "croissant"]),
    help="Whose version rules count; datapackage, unless the descriptor names one.",
)
MEMORY = click.option(
    "--memory",
    metavar="SIZE",
    help="Memory that the engine may use, such as 2GB; the rest spills to disk. Else 640MB, or more for many cores or columns.",
)


class Commands(click.Group):
    """Turns an operator's fault into one line on stderr and its exit code; one of our own too, unless IMPRINT_DEBUG is set."""

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
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if os.environ.get("IMPRINT_DEBUG"):
                raise
            what = f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}".rstrip(": ")
            click.echo(f"imprint: a fault of its own ({what}); set IMPRINT_DEBUG=1, and report what it prints then", err=True)
            ctx.exit(ExitCode.ENVIRONMENT)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="imprint")
def main() -> None:
    """Validate, diff, version and release Data Packages.

    A PACKAGE is a directory, a datapackage.json or .yaml, a data file such as a CSV, a zip, a URL, a release (STORE@VERSION,
    STORE@latest), or git:REV[:path]. Exit codes: 0 good; 1 the data says no; 2 usage; 3 the environment failed, or something
    could not be checked.
    """


@contextlib.contextmanager
def bar(label: str) -> Iterator[Callable[[float], None] | None]:
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
                bars[0].render_progress()  # an update by nothing, as the first may be, draws nothing
            bars[0].update(int(share * 1000) - bars[0].pos)

        yield tell


@contextlib.contextmanager
def stages() -> Iterator[Callable[[str], None]]:
    """A line on stderr, where that is a terminal, that says what is being done; it goes with the last."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from ..report import shorten

    try:
        yield lambda what: click.echo(f"\r\x1b[K{shorten(what, 79)}", nl=False, err=True)
    finally:
        click.echo("\r\x1b[K", nl=False, err=True)


def show(text: str, *, err: bool = False) -> None:
    """Print, in colour on a terminal unless NO_COLOR says no."""
    click.echo(text, err=err, color=False if os.environ.get("NO_COLOR") else None)


def write(path: Path, text: str) -> None:
    """Put a text into a file at once; a device or a pipe can only be written to."""
    from .. import archive

    ended = text.rstrip("\n") + "\n"
    if path.exists() and not path.is_file():
        path.write_text(ended, encoding="utf-8", newline="\n")
    else:
        archive.replace_text(path.resolve(), ended)
