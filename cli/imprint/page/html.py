"""The page itself: what the store says as sections, the tables' rows as data for the script, nothing but text of either."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from importlib import resources
from urllib.parse import quote

from ..manifest import MANIFEST, NOTES, SUMS, Manifest
from ..metadata import summary
from ..package import Package, Resource
from ..signing import ATTESTATION
from . import markdown
from .content import Picture, Release, Store
from .data import data
from .snippets import ADDRESS, Offer, snippets
from .texts import count, date, link, listed, named, size, text, texts

CHANGES = 40_000  # characters of a release's changes
FORMS = {  # of the files that a release makes, in the order in which they are offered
    "csv": "CSV", "json": "JSON", "parquet": "Parquet", "sqlite": "SQLite", "xlsx": "Excel", "delta": "Changes as data",
    "datacite": "DataCite", "schema-org": "schema.org", "dcat": "DCAT", "croissant": "Croissant", "ro-crate": "RO-Crate",
    "citation": "CITATION.cff",
}  # fmt: skip
MADE = {
    "metadata/datacite.json": "datacite", "metadata/schema-org.jsonld": "schema-org", "metadata/dcat.ttl": "dcat",
    "metadata/croissant.json": "croissant", "ro-crate-metadata.json": "ro-crate", "CITATION.cff": "citation",
    "delta/datapackage.json": "delta",
}  # fmt: skip
ADDRESSED = re.compile(rf"{re.escape(ADDRESS)}([\w%./~-]*)", re.ASCII)  # with a path as `quote` writes it


def render(store: Store) -> str:
    """The page of a store."""
    title = _title(store)
    style, script = (_part(name) for name in ("page.css", "page.js"))
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:; connect-src 'none'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )
    whole = "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">',
            f"<title>{text(title)}</title>\n<style>{style}</style>\n</head>\n<body>",
            '<a class="skip" href="#content">Skip to the content</a>',
            *_body(store, title),
            f'<script type="application/json" id="data">{data(store.samples)}</script>',
            f"<script>{script}</script>\n</body>\n</html>\n",
        ]
    )
    return whole.encode("utf-8", errors="replace").decode("utf-8")  # a surrogate alone has no place in a file


def _part(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _digest(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


def _body(store: Store, title: str) -> Iterator[str]:
    sections = dict(_sections(store))
    yield f'<header>\n<h1 dir="auto">{text(title)}</h1>'
    yield from _about(store)
    links = "".join(f'<li><a href="#{anchor}">{name}</a></li>' for anchor, (name, _) in sections.items())
    yield f'<nav aria-label="On this page"><ul>{links}</ul></nav>\n</header>\n<main id="content" tabindex="-1">'
    for anchor, (name, lines) in sections.items():
        yield f'<section id="{anchor}" aria-labelledby="{anchor}-title">\n<h2 id="{anchor}-title">{name}</h2>'
        yield from lines
        yield "</section>"
    if not sections:
        yield "<p>No version has been released yet.</p>"
    tool = store.releases[0].manifest.tool if store.releases else ""
    made = f"Made by imprint{f' {text(tool)}' if tool else ''}"
    yield f"</main>\n<footer><p>{made} from what is in this directory. This page loads nothing from elsewhere.</p></footer>"
    yield '<p id="said" class="unseen" role="status"></p>'
    yield '<dialog id="row" aria-labelledby="row-title"></dialog>'


def _sections(store: Store) -> Iterator[tuple[str, tuple[str, Iterable[str]]]]:
    if store.releases and store.package:
        yield "download", ("Download", _download(store.releases[0]))
        yield "tables", ("Tables", _tables(store, store.package))
    if store.pictures:
        yield "pictures", ("Pictures", _pictures(store.pictures))
    if store.releases and store.package:
        yield "use", ("Load it", _use(store.releases[0], store.package))
        yield "changes", ("Changes", _changes(store.releases))
        yield "versions", ("Versions", _versions(store.releases))


# What it is


def _title(store: Store) -> str:
    return (store.package.title if store.package else "") or store.index.name or "Data Package"


def _about(store: Store) -> Iterator[str]:
    package = store.package
    if package is None:
        return
    said = package.descriptor
    if isinstance(said.get("description"), str):
        yield f'<div class="lead">{markdown.render(said["description"], 2)}</div>'
    latest = store.releases[0]
    rows = sum(one.rows for one in latest.manifest.resources.values())
    facts = [
        ("Version", f"{text(latest.listed.version)}, {date(latest.listed.date)}"),
        ("Contents", f"{count(len(latest.manifest.resources), 'table')}, {count(rows, 'row')}"),
        ("Licence", ", ".join(filter(None, (named(one, ("title", "name"), "path") for one in listed(said, "licenses"))))),
        ("By", ", ".join(link(one.name, one.url) for one in summary.of(package, latest.manifest).agents)),
        ("Sources", "<br>".join(filter(None, (named(one, ("title",), "path") for one in listed(said, "sources"))))),
        ("Home page", link(said.get("homepage"), said.get("homepage"))),
        ("Keywords", ", ".join(f"<bdi>{text(one)}</bdi>" for one in texts(said.get("keywords")))),
    ]
    yield f'<dl class="facts">{"".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts if value)}</dl>'


# Downloads


def _download(latest: Release) -> Iterator[str]:
    files, at = latest.manifest.files, latest.listed.path
    yield "<p>Everything in one file: the data, its description and its changes.</p>"
    yield f'<p class="chief">{_file(latest, latest.manifest.archive, "Download the zip")}</p>'
    yield _sum("SHA-256 of the zip", latest.listed.sha256)
    single = [(form, name) for name, form in _made(latest.manifest).items() if form not in ("csv", "json", "parquet")]
    databases = [_file(latest, name, FORMS[form]) for form, name in single if form in ("sqlite", "xlsx")]
    others = [_file(latest, name, FORMS[form]) for form, name in single if form not in ("sqlite", "xlsx")]
    if databases:
        yield f"<p>All tables in one file: {', '.join(databases)}</p>"
    if others:
        yield f"<p>About the data, for programs: {', '.join(others)}</p>"
    kept = [(name, label) for name, label in (("report.json", "validation report"), (NOTES, "changes")) if name in files]
    checks = [_file(latest, name, label) for name, label in kept]
    checks += [_address(at, SUMS, "digest of each file"), _address(at, MANIFEST, "manifest")]
    if latest.signed:
        checks.append(_address(at, ATTESTATION, "signed statement"))
    yield f"<p>To check it: {', '.join(checks)}</p>"


def _made(manifest: Manifest) -> dict[str, str]:
    """The formats of the files that the release made, by the file's name, in the order of FORMS; of a delta, its descriptor."""
    found = {}
    for name, one in manifest.files.items():
        form = MADE.get(name) or one.form or (name.rpartition(".")[2] if "/" not in name else name.partition("/")[0])
        if form in FORMS and (form not in MADE.values() or name in MADE):
            found[name] = form
    return dict(sorted(found.items(), key=lambda one: list(FORMS).index(one[1])))


def _file(release: Release, name: str, label: str) -> str:
    length = release.manifest.files[name].bytes
    return _address(release.listed.path, name, label) + (f" <small>({size(length)})</small>" if length is not None else "")


def _address(folder: str, name: str, label: str) -> str:
    path = f"{folder.rstrip('/')}/{name}"
    return f'<a href="{quote(path)}" download>{text(label)}</a>'


def _sum(name: str, digest: str) -> str:
    return (
        f'<p class="sum"><span>{name}</span> <code>{digest}</code> '
        f'<button type="button" class="copy scripted" data-copy="{digest}" aria-label="Copy the {name}">Copy</button></p>'
    )


# Tables


def _tables(store: Store, package: Package) -> Iterator[str]:
    manifest = store.releases[0].manifest
    shown = {one.resource.name for one in store.samples}
    made = _made(manifest)
    yield '<ul class="tables">'
    for resource in package.resources:
        yield f"<li>{_resource(store.releases[0], resource, made, browse=resource.name in shown)}</li>"
    yield "</ul>"
    if shown:
        yield '<noscript><p class="note">To sort, filter and search the tables on this page, allow JavaScript.</p></noscript>'
        yield _part("explorer.html").strip()


def _resource(release: Release, resource: Resource, made: dict[str, str], *, browse: bool) -> str:
    title, said = resource.descriptor.get("title"), resource.descriptor.get("description")
    name = f"<code><bdi>{text(resource.name)}</bdi></code>"
    heading = f'<span dir="auto">{text(title)}</span> {name}' if isinstance(title, str) and title else name
    content = release.manifest.resources.get(resource.name)
    counts = [count(content.rows, "row")] if content else []
    if resource.schema:
        counts.append(count(len(resource.schema.fields), "field"))
    label = text(f"Browse {resource.name}")
    open_ = f' <a class="scripted open" href="#/{_key(resource.name)}" aria-label="{label}">Browse</a>'
    files = [_own_file(release, path) for path in resource.paths if path in release.manifest.files]
    files += [
        _file(release, path, FORMS[form]) for path, form in made.items()
        if release.manifest.files[path].table == resource.name or path == f"{form}/{resource.name.replace('/', '-')}.{form}"
    ]  # fmt: skip
    return (
        f"<h3>{heading}</h3>"
        + (f'<div class="said">{markdown.render(said, 4)}</div>' if isinstance(said, str) else "")
        + f'<p class="meta">{", ".join(counts)}{open_ if browse else ""}</p><p class="files">{", ".join(files)}</p>'
    )


def _own_file(release: Release, path: str) -> str:
    return _file(release, path, path.rpartition("/")[2])


def _key(text: str) -> str:
    """A part of an address after the `#`, as the script writes it."""
    return quote(text, safe="!'()*-._~", errors="replace")


# Pictures, snippets, changes, versions


def _pictures(pictures: Iterable[Picture]) -> Iterator[str]:
    for one in pictures:
        words = f'<details><summary>In words</summary><p dir="auto">{text(one.words)}</p></details>' if one.words else ""
        caption = f'<figcaption><span dir="auto">{text(one.title)}</span>{words}</figcaption>'
        yield f'<figure><img src="{one.address}" alt="{text(one.title)}" decoding="async">{caption}</figure>'


def _use(latest: Release, package: Package) -> Iterator[str]:
    yield "<p>These lines load the latest version. They can be copied as they are.</p>"
    yield f"<noscript><p>Put the address of this page in the place of <code>{ADDRESS}</code>.</p></noscript>"
    for one in snippets(_offer(latest, package)):
        code = ADDRESSED.sub(
            rf'<span class="address" data-path="\1" data-language="{one.language}">\g<0></span>', text(one.text)
        )
        yield f'<div class="snippet"><h3>{one.language}</h3>'
        yield f'<button type="button" class="copy scripted" aria-label="Copy the lines for {one.language}">Copy</button>'
        yield f'<pre tabindex="0" role="region" aria-label="Lines for {one.language}"><code>{code}</code></pre></div>'


def _offer(latest: Release, package: Package) -> Offer:
    """The zip, the database, and of the tables in one plain CSV file the one with the most rows."""
    files, folder = latest.manifest.files, latest.listed.path.rstrip("/")
    made = _made(latest.manifest)
    plain: dict[str, str] = {}
    for one in package.resources:
        own = one.paths[0] if len(one.paths) == 1 and _is_plain(one) else ""
        path = next((name for name, form in made.items() if form == "csv" and files[name].table == one.name), own)
        if path in files and one.name in latest.manifest.resources:
            plain[one.name] = path
    name = max(plain, key=lambda name: latest.manifest.resources[name].rows, default="")
    database = next((path for path, form in made.items() if form == "sqlite"), "")
    archive = latest.manifest.archive
    return Offer(
        f"{folder}/{archive}", latest.listed.sha256, f"{folder}/{database}" if database else "",
        f"{folder}/{plain[name]}" if name else "", name or next(iter(latest.manifest.resources), ""),
    )  # fmt: skip


def _is_plain(one: Resource) -> bool:
    """Whether a file is what `read_csv` expects where it is told nothing."""
    dialect = one.dialect
    return (
        one.tabular and one.format == "csv" and one.compression is None and one.encoding == "utf-8" and dialect.header
        and dialect.header_rows == (1,) and dialect.delimiter == "," and dialect.quote_char == '"' and not dialect.comment_char
    )  # fmt: skip


def _changes(releases: tuple[Release, ...]) -> Iterator[str]:
    for number, one in enumerate(releases):
        changes = re.sub(r"\A\s*## [^\n]*\n", "", one.changes)
        if len(changes) > CHANGES:
            rest = f"\n\n… The first {CHANGES:,} of {len(changes):,} characters; the rest is in the release."
            changes = changes[:CHANGES].rpartition("\n")[0] + rest
        version = f"<bdi>{text(one.listed.version)}</bdi> <small>{date(one.listed.date)}</small>"
        yield f'<details class="part"{" open" if not number else ""}><summary><h3>{version}</h3></summary>'
        yield f'<div class="prose">{markdown.render(changes, 4) or "<p>Nothing is said of this version.</p>"}</div></details>'


def _versions(releases: tuple[Release, ...]) -> Iterator[str]:
    for number, one in enumerate(releases):
        length = one.listed.bytes or one.manifest.files[one.manifest.archive].bytes
        said = [date(one.listed.date), *([size(length)] if length is not None else []), *(["latest"] if not number else [])]
        version = f"<bdi>{text(one.listed.version)}</bdi> <small>{', '.join(said)}</small>"
        single = [_file(one, one.manifest.archive, "zip")]
        single += [_file(one, name, FORMS[form]) for name, form in _made(one.manifest).items() if form in ("sqlite", "xlsx")]
        single += [_address(one.listed.path, name, name) for name in ("datapackage.json", MANIFEST, SUMS)]
        yield f'<details class="part"{" open" if not number else ""}><summary><h3>{version}</h3></summary>'
        yield f"<p>{', '.join(single)}</p>"
        yield _sum(f"SHA-256 of the zip of {text(one.listed.version)}", one.listed.sha256)
        yield _sum(f"Fingerprint of the content of {text(one.listed.version)}", one.listed.fingerprint)
        yield "</details>"
