"""release, publish, fetch and verify."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import click

from ..exceptions import ExitCode, UsageFault
from .group import FORMAT, MEMORY, PATH, VERSION_PROFILE, bar, main, show, stages

KEYS = click.option(
    "--key",
    "keys",
    multiple=True,
    type=PATH,
    metavar="PUBLIC",
    help="A public key in PEM: what isn't signed by it, or by another that is given, is refused.",
)


@main.command()
@click.argument("package", default=".")
@FORMAT
@MEMORY
@click.option("--out", type=PATH, default="dist", show_default=True, help="Where releases are.")
@click.option("--against", metavar="PACKAGE", help="The last release's data, where it is neither in --out nor in git.")
@click.option("--allow-unbumped", is_flag=True, help="Below 1.0.0: release a version again with other content.")
@click.option("--formats", metavar="LIST", help="What to make besides the package, such as csv,parquet; all, or none.")
@click.option("--sign", "key", type=PATH, metavar="KEY", help="Sign with the private key in this PEM file.")
@click.option(
    "--picture",
    "pictures",
    multiple=True,
    type=PATH,
    metavar="FILE",
    help="A picture for the page; can be given several times.",
)
@VERSION_PROFILE
def release(
    package: str, form: str, memory: str | None, out: Path, against: str | None, allow_unbumped: bool, formats: str | None,
    key: Path | None, pictures: tuple[Path, ...], profile: str | None,
) -> None:  # fmt: skip
    """Validate PACKAGE, judge its version, and build the release in --out."""
    from .. import api, building, render, reports
    from .. import release as releases

    wanted = building.formats(formats)
    try:
        with api.open_package(package) as (opened, faults), stages() as say:
            asked = releases.Asked(out, against, allow_unbumped, profile, memory, wanted, key, pictures, say)
            done = releases.release(opened, faults, asked)
    except releases.Refused as refused:
        if refused.report is not None:
            show(reports.render(refused.report, paint=click.style), err=True)
        if refused.verdict is not None and refused.verdict.demanding:
            show(render.demands_text(refused.verdict), err=True)
        raise
    click.echo(render.to_json(done.to_dict()) if form == "json" else render.released_text(done))


@main.command()
@click.argument("target")
@click.option("--from", "store", type=PATH, default="dist", show_default=True, help="Where releases are.")
@FORMAT
@click.option("--dry-run", is_flag=True, help="Only say what would be sent.")
def publish(target: str, store: Path, form: str, dry_run: bool) -> None:
    """Copy the releases in --from to TARGET, a directory or a URL such as s3://BUCKET/PREFIX.

    What is published there stays as it is, and the versions of others stay listed; run again, it goes on where it stopped.
    """
    from .. import publishing, render

    with bar(f"publishing {store}") as tell:
        done = publishing.publish(store, target, dry_run=dry_run, tell=tell)
    click.echo(render.to_json(done.to_dict()) if form == "json" else render.published_text(done))


@main.command()
@click.argument("release", default="dist")
@FORMAT
@MEMORY
@click.option("--quick", is_flag=True, help="Check digests, and no values.")
@click.option("--partial", is_flag=True, help="A format that isn't there at all, as after fetch --formats, is no problem.")
@click.option("--recompute", is_flag=True, help="Derive each verdict again, from the data of the release before.")
@KEYS
@click.option(
    "--ledger",
    type=PATH,
    metavar="FILE",
    help="A releases.json from a place that you trust: the versions must be those in it.",
)
def verify(
    release: str, form: str, memory: str | None, quick: bool, partial: bool, recompute: bool, keys: tuple[Path, ...],
    ledger: Path | None,
) -> None:  # fmt: skip
    """Check RELEASE: a release's directory, a store of them (a directory or a URL), one of a store (STORE@VERSION), or a zip.

    Every digest, the values of each table in each format, and how index, manifests, signatures and releases fit together.
    """
    from .. import render, verification

    with bar(f"fetching {release}") as tell:
        results = verification.verify(
            release, keys=keys, ledger_file=ledger, recompute=recompute, quick=quick, partial=partial, memory=memory, tell=tell
        )
    as_json = [result.to_dict() for result in results]
    click.echo(render.to_json(as_json) if form == "json" else render.verification_text(results))
    sys.exit(ExitCode.INVALID if any(result.problems for result in results) else ExitCode.GOOD)


@main.command()
@click.argument("store")
@click.argument("version", default="latest")
@click.option("--out", type=PATH, metavar="DIR", help="Where to write the release; NAME-VERSION, if not given.")
@click.option("--formats", metavar="LIST", help="Only the package itself and these formats, such as parquet,sqlite.")
@KEYS
@FORMAT
@click.option("--cache", type=PATH, metavar="DIR", help="Another place for the cache.")
@click.option("--no-cache", is_flag=True, help="Use no cache: remember nothing.")
@click.option("--offline", is_flag=True, help="Ask nobody: take all from the cache.")
@click.option("--forget", is_flag=True, help="Accept a store that contradicts what it listed before.")
@click.option(
    "--timeout",
    type=click.FloatRange(0.01),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="How long a server may stall.",
)
@click.option(
    "--tries",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    metavar="N",
    help="How many tries may fail one after the other.",
)
def fetch(
    store: str, version: str, out: Path | None, formats: str | None, keys: tuple[Path, ...], form: str, cache: Path | None,
    no_cache: bool, offline: bool, forget: bool, timeout: float, tries: int,
) -> None:  # fmt: skip
    """Fetch VERSION, or the latest, from STORE, and check every byte of it.

    STORE is the directory of an index.json: at an http or https address, on this machine, or where fsspec reaches; or the
    zip of a release, on this machine, which is unpacked. What was fetched is kept in the cache, and never fetched again.
    --formats package fetches the package alone.
    """
    import tempfile

    from .. import fetching, render
    from ..fetching.downloading import Patience

    if store.lower().endswith(".zip") and Path(store).is_file():
        if version != "latest":
            raise UsageFault("is a zip, which has one version", where=store, fix=f"leave {version} out, or name a store")
        if keys:
            raise UsageFault("is a zip, which isn't signed", where=store, fix="leave --key out, or name the store")
        for option, given in (("--formats", formats), ("--offline", offline), ("--forget", forget)):
            if given:
                what = "is a zip, which is unpacked whole and asks nobody"
                raise UsageFault(what, where=store, fix=f"leave {option} out, or name a store")
        click.echo(render.unpacked_text(store, fetching.unpack(Path(store), out), form))
        return
    if no_cache and (offline or cache):
        raise UsageFault(f"goes against {'--offline' if offline else '--cache'}", where="--no-cache", fix="give one of them")
    forms = [one.strip() for one in (formats or "").split(",") if one.strip()]
    if formats is not None and not forms:
        raise UsageFault("names no format", where="--formats", fix="write such as parquet,sqlite, or package")
    with contextlib.ExitStack() as stack:
        if no_cache:
            cache = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="imprint-", ignore_cleanup_errors=True)))
        tell = stack.enter_context(bar(f"fetching {version}"))
        done = fetching.fetch(
            store, version, out, forms=forms, folder=cache, offline=offline, forget=forget, keys=keys, tell=tell,
            patience=Patience(stall=timeout, tries=tries),
        )  # fmt: skip
    click.echo(render.to_json(done.to_dict()) if form == "json" else render.fetched_text(done))
