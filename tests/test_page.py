"""The page of a store, as a real browser shows it: whole, quiet, for any package, and nothing but text of the data's."""

from __future__ import annotations

import functools
import http.server
import itertools
import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from herbs import edit, repository, set_version
from hypothesis import given
from hypothesis import strategies as st
from packages import examples, imprint, write
from test_reports_html import BROWSER, CONTRASTS, FLAGS, WIDTHS, in_a_browser

from imprint import archive, descriptor, page
from imprint.exceptions import ImprintError, UsageFault
from imprint.manifest import Content, File, Index, Listed, Manifest
from imprint.page import content, data, html, markdown, texts

ROOT = Path(__file__).parent.parent
HOSTILE = json.loads((Path(__file__).parent / "cases/page.json").read_text(encoding="utf-8"))
ZERO = 64 * "0"


# Stores


def store(out: Path, package: Path, rows: dict[str, int], changes: str, version: str = "1.0.0") -> Path:
    """A store with one release of a package, made by hand: the page must show it whatever a release refuses."""
    name = str(json.loads((package / "datapackage.json").read_text(encoding="utf-8")).get("name", "package"))
    folder = out / version
    shutil.copytree(package, folder, ignore=shutil.ignore_patterns(".*", "dist", "tests", "cli", "docs", "bench"))
    (folder / "CHANGES.md").write_text(changes, encoding="utf-8")
    (folder / "package.zip").write_bytes(b"zip")
    files = {path: File((folder / path).stat().st_size, archive.sha256(folder / path)) for path in archive.files_below(folder)}
    resources = {table: Content(count, ZERO) for table, count in rows.items()}
    manifest = Manifest(name, version, "2026-01-02", ZERO, "package.zip", {"bump": "none"}, resources, files)
    archive.write_text(folder / "manifest.json", manifest.text())
    archive.write_text(folder / "SHA256SUMS", archive.sums(folder, archive.files_below(folder)))
    listed = Listed(version, "2026-01-02", f"{version}/", files["package.zip"].sha256, ZERO, 3)
    archive.write_text(out / "index.json", Index(name, version, (listed,)).text())
    return out


def record(out: Path) -> Path:
    """This repository's own package."""
    package, _ = descriptor.load(ROOT / "datapackage.json")
    rows = {}
    for one in package.resources:
        text = one.files[0].read_text(encoding="utf-8")
        rows[one.name] = len(json.loads(text)) if one.format == "json" else len(text.splitlines()) - 1
    store(out, ROOT, rows, (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    page.write(out, sorted((ROOT / "docs/pictures").glob("*.svg")))
    return out


def herbs(out: Path) -> Path:
    """Two releases of a package with something of everything, as `imprint release` makes them."""
    folder = repository(out / "package")
    for old, new in ((None, None), ("0.75", "0.76")):
        if old and new:
            set_version(folder, "0.1.0", "0.1.1")
            edit(folder, "data/plants.csv", old, new)
        done = imprint("release", cwd=folder)
        assert done.exit_code == 0, done.stderr
    page.write(folder / "dist")
    return folder / "dist"


def hostile(out: Path) -> Path:
    """A package whose every text is hostile, with 300 columns and names that objects have of their own."""
    texts, names = HOSTILE["texts"], HOSTILE["names"]
    wide = [f"f{number}" for number in range(300)]
    fields = [{"name": text, "title": text, "description": text, "type": "string"} for text in texts]
    key = {
        "fields": fields,
        "primaryKey": texts[0],
        "foreignKeys": [{"fields": texts[0], "reference": {"resource": names[0], "fields": "id"}}],
    }
    resources: list[dict[str, Any]] = [
        {
            "name": name, "title": texts[number % len(texts)], "description": texts[number % len(texts)], "path": f"{number}.json",
            "format": "json", "type": "table", "schema": {"fields": [{"name": "id", "type": "string"}, {"name": "name", "type": "string"}], "primaryKey": "id"},
        }
        for number, name in enumerate(names)
    ]  # fmt: skip
    resources += [
        {"name": "texts", "title": texts[0], "path": "texts.json", "format": "json", "type": "table", "schema": key},
        {"name": "wide", "path": "wide.csv", "format": "csv", "type": "table", "schema": {"fields": [{"name": name, "type": "string"} for name in wide]}},
    ]  # fmt: skip
    package = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json", "name": "hostile", "title": texts[0], "version": "1.0.0",
        "description": "\n\n".join(texts), "homepage": "javascript:alert(1)", "keywords": texts, "image": "../../secret.svg",
        "licenses": [{"name": text, "title": text, "path": address} for text, address in zip(texts, HOSTILE["addresses"], strict=False)],
        "contributors": [{"title": text} for text in texts], "sources": [{"title": texts[0], "path": "JaVaScRiPt:alert(1)"}],
        "resources": resources,
    }  # fmt: skip
    files: dict[str, Any] = {f"{number}.json": [{"id": text, "name": text} for text in texts] for number in range(len(names))}
    files["texts.json"] = [
        {name: text if number else texts[row] for number, name in enumerate(texts)} for row, text in enumerate(texts)
    ]
    files["wide.csv"] = ",".join(wide) + "\n" + ",".join(300 * ["x" * 50]) + "\n"
    write(out / "package", {"datapackage.json": package, **files})
    rows = dict.fromkeys(names, len(texts)) | {"texts": len(texts), "wide": 1}
    store(out / "dist", out / "package", rows, "## 1.0.0\n\n" + "\n\n".join(f"- {text}\n\n# {text}" for text in texts))
    page.write(out / "dist")
    return out / "dist"


def large(out: Path) -> Path:
    """100,000 rows in a file of more than 4 MiB, with a cell of two lines in each."""
    package = {
        "name": "large", "resources": [{"name": "plots", "type": "table", "path": "plots.csv", "schema": {
            "fields": [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}, {"name": "note", "type": "string"}], "primaryKey": "id",
        }}],
    }  # fmt: skip
    lines = (f'{number},Plot {number},"one\ntwo {"x" * 40}"\n' for number in range(1, 100_001))
    write(out / "package", {"datapackage.json": package, "plots.csv": "id,name,note\n" + "".join(lines)})
    store(out / "dist", out / "package", {"plots": 100_000}, "First release.")
    page.write(out / "dist")
    return out / "dist"


def garden(out: Path) -> Path:
    """Numbers, lists, keys and names of every sort, in a folder whose name is no plain word."""
    package = write(out / "package", HOSTILE["garden"])
    rows = {"levels": 14, "crossings": 2, "lists": 11, "letters": 2, "empty": 0}
    page.write(store(out / "a gärdener's [1] 100%", package, rows, ""))
    return out / "a gärdener's [1] 100%"


STORES = {"record": record, "herbs": herbs, "hostile": hostile, "large": large, "garden": garden}


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A store with its page by the name of its package, made once."""
    return functools.cache(lambda name: STORES[name](tmp_path_factory.mktemp(name)))


# The browser


class Shown(NamedTuple):
    """A page in a browser, what it asked for, and what the browser had to say of it."""

    page: Any
    requests: list[str]
    complaints: list[str]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        opened = started.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def show(browser: Any, stores: Callable[[str], Path]) -> Iterator[Callable[..., Shown]]:
    """The page of a store in a window without a network."""
    contexts = []

    def shown(name: str, width: int = 1280, at: str = "", address: str = "", offline: bool = True, **options: Any) -> Shown:
        context = browser.new_context(viewport={"width": width, "height": 800}, offline=offline, **options)
        contexts.append(context)
        found = Shown(context.new_page(), [], [])
        found.page.set_default_timeout(5000)
        found.page.on("request", lambda one: found.requests.append(one.url) if not one.url.startswith("data:") else None)
        found.page.on("console", lambda message: found.complaints.append(message.text))
        found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
        found.page.on("dialog", lambda dialog: (found.complaints.append(dialog.message), dialog.dismiss()))
        found.page.goto((address or (stores(name) / "index.html").as_uri()) + at)
        return found

    yield shown
    for context in contexts:
        context.close()


FOLLOWED = """() => Promise.race([
    window.followed, new Promise((_, fail) => setTimeout(() => fail(new Error("the address stays as it was")), 5000))])"""


def follow(shown: Shown, link: Any = None, at: str = "") -> None:
    """Click a link into the page itself, or go to such an address, and wait until the page hears of it: that takes a while."""
    shown.page.evaluate(
        "() => { window.followed = new Promise(done => addEventListener('hashchange', () => done(), {once: true})) }"
    )
    if link is None:
        shown.page.evaluate("at => { location.hash = at }", at)
    else:
        link.click()
    shown.page.evaluate(FOLLOWED)


def focused(shown: Shown) -> str:
    """The text, else the id, of what has the focus."""
    return str(shown.page.evaluate("document.activeElement.textContent.trim() || document.activeElement.id"))


def cells(shown: Shown, field: str) -> list[str]:
    """The texts of a column of the rows that are shown."""
    heads = [text.strip(" ↑↓") for text in shown.page.locator("#rows thead th").all_inner_texts()]
    return shown.page.locator(f"#rows tbody tr > :nth-child({heads.index(field) + 1})").all_inner_texts()


# Every page


@in_a_browser
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize("name", STORES)
def test_the_page_is_no_wider_than_the_window_asks_for_nothing_and_is_quiet(show: Any, name: str, width: int) -> None:
    shown = show(name, width)
    assert shown.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]") == [width, width]
    outside = """[...document.querySelectorAll('body *')].filter(e => !e.closest('.wide, pre, .skip') &&
        e.getClientRects().length && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 99))"""
    assert shown.page.evaluate(outside) == [], "nothing is cut off"
    assert shown.page.locator("#rows tbody tr").count() <= 25
    follow(shown, shown.page.locator("#rows tbody th a").first)
    assert shown.page.evaluate("(e => e.scrollWidth <= e.clientWidth)(document.querySelector('dialog'))")
    assert [one for one in shown.requests if not one.startswith("file:")] == []
    assert len(shown.requests) == 1
    assert shown.complaints == []


@in_a_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("name", "at"), [("record", ""), ("record", "#/claims/omsac-descent-c023"), ("herbs", "")])
def test_every_text_stands_out_by_day_and_by_night(show: Any, name: str, at: str, scheme: str) -> None:
    shown = show(name, at=at, color_scheme=scheme)
    contrasts = shown.page.evaluate(CONTRASTS.replace("document.body", "(document.querySelector(':modal') ?? document.body)"))
    assert len(contrasts) > 30
    assert min(contrasts) >= 4.5
    assert (
        shown.page.evaluate("getComputedStyle(document.body).backgroundColor")
        == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}[scheme]
    )


@in_a_browser
@pytest.mark.parametrize(("name", "at"), [("record", "#/claims/omsac-descent-c023"), ("herbs", ""), ("hostile", "")])
def test_axe_finds_nothing(show: Any, name: str, at: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    shown = show(name, at=at, bypass_csp=True)
    found = Axe().run(shown.page).response
    assert len(found["passes"]) > 20
    assert [(one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found["violations"]] == []


@in_a_browser
@pytest.mark.parametrize("name", STORES)
def test_the_page_makes_sense_without_seeing_it(show: Any, name: str) -> None:
    page = show(name).page
    headings = page.locator("h1, h2, h3, h4, h5, h6").evaluate_all(
        "all => all.filter(e => !e.closest('.lead, .said, .prose')).map(e => +e.tagName[1])"
    )
    assert headings[0] == 1 and headings.count(1) == 1
    assert all(later <= before + 1 for before, later in itertools.pairwise(headings)), "no level is skipped"
    ids = page.locator("[id]").evaluate_all("all => all.map(one => one.id)")
    assert len(ids) == len(set(ids))
    assert page.get_attribute("html", "lang") == "en"
    anchors = page.locator("nav a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert {"#download", "#tables", "#use", "#changes", "#versions"} <= set(anchors)
    assert all(page.locator(anchor).count() == 1 for anchor in anchors)


@pytest.mark.parametrize("name", STORES)
def test_the_same_store_gives_the_same_page(stores: Callable[[str], Path], name: str) -> None:
    before = (stores(name) / "index.html").read_bytes()
    page.write(stores(name), sorted((ROOT / "docs/pictures").glob("*.svg")) if name == "record" else [])
    assert (stores(name) / "index.html").read_bytes() == before
    assert before.count(b"<script>") == 1


# Without a script


@in_a_browser
def test_without_a_script_all_but_the_rows_is_there(show: Any, stores: Callable[[str], Path]) -> None:
    shown = show("herbs", java_script_enabled=False)
    assert (
        shown.page.locator("noscript").first.inner_text()
        == "To sort, filter and search the tables on this page, allow JavaScript."
    )
    assert not shown.page.locator("#explorer").is_visible()
    assert shown.page.locator("button:visible").count() == 0
    index = json.loads((stores("herbs") / "index.json").read_text(encoding="utf-8"))
    seen = shown.page.inner_text("#versions")
    assert [shown.page.locator("#versions h3").nth(number).inner_text() for number in (0, 1)] == [
        f"{one['version']} {one['date']}, {texts.size(one['bytes'])}{tail}"
        for one, tail in zip(reversed(index["versions"]), (", latest", ""), strict=True)
    ]
    assert index["versions"][-1]["sha256"] in seen
    assert "1 of 8 rows with other values in height" in shown.page.inner_text("#changes")


@in_a_browser
@pytest.mark.parametrize("name", STORES)
def test_every_link_leads_to_a_file_of_the_store(show: Any, stores: Callable[[str], Path], name: str) -> None:
    from urllib.parse import unquote, urlsplit

    page = show(name).page
    links = page.locator("a[download]").evaluate_all("all => all.map(one => one.href)")
    assert len(links) > 5
    assert [link for link in links if not Path(unquote(urlsplit(link).path)).is_file()] == []


# The tables


@in_a_browser
def test_a_heading_sorts_both_ways_and_back(show: Any) -> None:
    shown = show("herbs")
    heading = shown.page.locator("#rows thead th", has_text="height")
    given = cells(shown, "height")
    orders = []
    for _ in range(3):
        heading.locator("button").click()
        orders.append((heading.get_attribute("aria-sort"), cells(shown, "height")))
    ordered = ["0.25", "0.3", "0.5", "0.6", "0.76", "1", "1.5", "12"]
    assert orders == [("ascending", ordered), ("descending", ordered[::-1]), (None, given)]
    shown.page.locator("#rows thead button", has_text="found").click()
    assert cells(shown, "found")[-1] == "", "what has no value comes last"
    shown.page.locator("#rows thead button", has_text="found").click()
    assert cells(shown, "found")[-1] == ""


@in_a_browser
@pytest.mark.parametrize(("field", "wanted", "found"), HOSTILE["filters"])
def test_a_field_is_filtered(show: Any, field: str, wanted: str, found: list[str]) -> None:
    shown = show("herbs")
    shown.page.click("#filters summary")
    control = shown.page.get_by_label(field, exact=True)
    if control.evaluate("e => e.tagName") == "SELECT":
        control.select_option(wanted)
    else:
        control.fill(wanted)
    assert cells(shown, "name") == found
    assert shown.page.inner_text("#count") == f"{len(found)} of 8 rows found."
    shown.page.click("#clear")
    assert len(cells(shown, "name")) == 8


@in_a_browser
def test_numbers_are_sorted_by_what_they_are_and_what_is_none_comes_last(show: Any) -> None:
    shown = show("garden", at="#/levels")
    for order in ("ascending", "descending"):
        shown.page.locator("#rows thead button", has_text="level").click()
        assert cells(shown, "level") == HOSTILE[order]


@in_a_browser
@pytest.mark.parametrize(("wanted", "found"), HOSTILE["levels"])
def test_numbers_are_compared_by_what_they_are(show: Any, wanted: str, found: list[str]) -> None:
    shown = show("garden", at="#/levels")
    shown.page.click("#filters summary")
    shown.page.get_by_label("level", exact=True).fill(wanted)
    assert cells(shown, "level") == found


@in_a_browser
def test_lists_can_be_told_apart(show: Any) -> None:
    shown = show("garden", at="#/lists")
    assert cells(shown, "parts") == HOSTILE["lists"]
    for number, text in enumerate(HOSTILE["lists"], 1):
        follow(shown, at=f"#/lists/{number}")
        assert shown.page.inner_text("#row-title bdi") == str(number)
        seen = shown.page.locator("dialog dd").last.inner_text()
        assert seen == (text or "no value") or json.loads(seen) == json.loads(text)


@in_a_browser
@pytest.mark.parametrize(("words", "said"), HOSTILE["searches"])
def test_a_search_is_for_words_not_for_the_spaces_around_them(show: Any, words: str, said: str) -> None:
    shown = show("garden", at="#/lists")
    shown.page.fill("#search", words)
    assert shown.page.inner_text("#count") == said


@in_a_browser
@pytest.mark.parametrize(("at", "count"), HOSTILE["rows"])
def test_an_address_opens_its_own_row(show: Any, at: str, count: str) -> None:
    shown = show("garden", at=at)
    assert shown.page.locator("dialog dd").last.inner_text() == count


@in_a_browser
@pytest.mark.parametrize("before", ["#/empty", "#/empty/1", "#/levels/1"])
@pytest.mark.parametrize(("at", "table", "said"), HOSTILE["missing"])
def test_an_address_of_what_is_not_there_says_so(show: Any, before: str, at: str, table: str, said: str) -> None:
    shown = show("garden", at=before)
    shown.page.evaluate("at => { location.hash = at }", at)
    shown.page.wait_for_function("said => document.getElementById('count').textContent === said", arg=said)
    assert shown.page.inner_text("#explorer-title") == f"Rows of {table or before.split('/')[1]}"
    assert not shown.page.locator("dialog").is_visible(), "nothing hides what is said"


@in_a_browser
def test_the_head_of_a_row_is_short(show: Any) -> None:
    shown = show("garden", at="#/letters/1")
    head, whole = shown.page.inner_text("dialog > .words"), shown.page.locator("dialog dd").last.inner_text()
    assert head.endswith("…") and whole.startswith(head[:-1] + " ") and 80 < len(head) <= 121
    shown.page.goto(shown.page.url.replace("letters/1", "letters/2"))
    shown.page.wait_for_function("document.querySelector('dialog > .words').textContent === 'Dear neighbour'")


@in_a_browser
def test_a_search_looks_into_every_field_and_says_where_else_it_is(show: Any) -> None:
    shown = show("record")
    shown.page.fill("#search", "constitution-suspended")
    assert shown.page.inner_text("#count") == "1 of 215 rows found."
    assert cells(shown, "Identifier") == ["omsac-descent-c023"]
    assert shown.page.inner_text("#elsewhere").startswith("Found too in: ")
    follow(shown, shown.page.locator("#elsewhere a", has_text="Events"))
    assert cells(shown, "Identifier") == ["constitution-suspended"]
    shown.page.fill("#search", "nothing has this")
    assert shown.page.inner_text("#count") == "0 of 123 rows found."
    assert shown.page.inner_text("#page") == "no rows"


@in_a_browser
def test_a_claim_leads_to_its_section_its_source_and_its_span(show: Any) -> None:
    shown = show("record", at="#/claims/omsac-descent-c023")
    row = (line.split(",") for line in (ROOT / "data/claims.csv").read_text(encoding="utf-8").splitlines())
    _, section, start, end, digest = next(cells[:5] for cells in row if cells[0] == "omsac-descent-c023")
    seen = dict(
        zip(
            shown.page.locator("dialog dt code").all_inner_texts(),
            shown.page.locator("dialog dd").all_inner_texts(),
            strict=True,
        )
    )
    assert [seen[word].splitlines()[0] for word in ("start", "end", "sha256")] == [start, end, digest]
    assert seen["section_id"].startswith(f"Sections: {section} ")
    assert "Sources: omsac-descent Mali: The Descent into Hell" in seen["section_id"]
    assert "Unverified: Recorded as said, not checked." in seen["standing"]
    follow(shown, shown.page.locator("dialog a", has_text=section))
    assert shown.page.inner_text("#row-title bdi") == section
    referring = shown.page.locator("dialog h4", has_text="Claims by Section")
    assert re.fullmatch(r"Claims by Section: \d+", referring.inner_text())
    number = int(referring.inner_text().rpartition(" ")[2])
    assert number > 10
    shown.page.locator("dialog button", has_text=f"Show all {number} in the table").first.click()
    assert shown.page.inner_text("#count") == f"{number} of 215 rows found."
    assert set(cells(shown, "Section")) == {section}
    assert not shown.page.locator("dialog").is_visible()


@in_a_browser
def test_a_large_table_is_cut_and_the_page_says_so(show: Any, stores: Callable[[str], Path]) -> None:
    shown = show("large")
    assert shown.page.inner_text("#count") == "1,000 rows. These are the first 1,000 of 100,000 rows; the rest is in the files."
    assert (stores("large") / "index.html").stat().st_size < 250_000
    assert shown.page.inner_text("#page") == "1–25 of 1,000"
    shown.page.click("#last")
    assert cells(shown, "id")[-1] == "1000"
    assert shown.page.locator("#rows tbody tr").count() == 25
    shown.page.fill("#search", "Plot 100")
    assert cells(shown, "name") == ["Plot 100", "Plot 1000"]


def test_only_the_beginning_of_a_large_file_is_read(stores: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(content, "read_table", lambda engine, resource, findings: seen.append(resource) and None)
    content.read_store(stores("large"))
    assert sum(one.files[0].stat().st_size if one.files[0].exists() else 0 for one in seen) <= content.LARGE


# The keyboard


@in_a_browser
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_the_page_is_used_with_the_keyboard_alone(show: Any, width: int) -> None:
    shown = show("herbs", width)
    keys = shown.page.keyboard
    keys.press("Tab")
    assert focused(shown) == "Skip to the content"
    assert shown.page.evaluate("document.activeElement.getBoundingClientRect().left >= 0")
    outline = shown.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "the focus is seen"
    keys.press("Enter")
    shown.page.focus("#search")
    keys.type("ba")
    keys.press("Tab")
    assert focused(shown).startswith("Filter by field")
    keys.press("Tab")
    assert focused(shown) == "id", "one stop for the whole table"
    keys.press("ArrowRight")
    keys.press("Enter")
    assert cells(shown, "name")[:2] == ["Basil", "Bay"]
    for key in ("ArrowDown", "ArrowDown"):
        keys.press(key)
    assert focused(shown) == "Bay"
    keys.press("Home")
    assert focused(shown) == "2"
    keys.press("Enter")
    assert shown.page.inner_text("#row-title").split() == ["plants", "2"]
    keys.press("Tab")
    assert shown.page.evaluate("document.activeElement.closest('dialog') !== null"), "what is behind can't be reached"
    keys.press("Escape")
    assert not shown.page.locator("dialog").is_visible()
    assert focused(shown) == "2", "the focus is where it was"
    keys.press("Control+End")
    assert shown.page.evaluate("document.activeElement.closest('tr').rowIndex") == shown.page.locator("#rows tr").count() - 1
    keys.press("Tab")
    assert focused(shown) not in ("", "2")


@in_a_browser
def test_page_keys_turn_the_page(show: Any) -> None:
    shown = show("large")
    shown.page.locator("#rows tbody a").first.focus()
    shown.page.keyboard.press("PageDown")
    assert (shown.page.inner_text("#page"), focused(shown)) == ("26–50 of 1,000", "26")
    shown.page.keyboard.press("PageUp")
    assert (shown.page.inner_text("#page"), focused(shown)) == ("1–25 of 1,000", "1")


@in_a_browser
def test_who_asks_for_less_motion_gets_none(show: Any) -> None:
    motion = "getComputedStyle(document.documentElement).scrollBehavior"
    assert show("herbs", reduced_motion="reduce").page.evaluate(motion) == "auto"
    assert show("herbs", reduced_motion="no-preference").page.evaluate(motion) == "smooth"


@in_a_browser
def test_on_paper_there_is_nothing_to_press(show: Any) -> None:
    shown = show("herbs")
    shown.page.emulate_media(media="print")
    assert shown.page.locator("button:visible, input:visible, select:visible, nav:visible").count() == 0
    assert shown.page.locator("#versions code").first.is_visible()


# Copying


@in_a_browser
def test_a_digest_is_copied(show: Any, stores: Callable[[str], Path]) -> None:
    shown = show("herbs")
    shown.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button = shown.page.locator("#download button.copy")
    button.click()
    shown.page.wait_for_function("document.querySelector('#download button.copy').textContent === 'Copied'")
    index = json.loads((stores("herbs") / "index.json").read_text(encoding="utf-8"))
    assert shown.page.evaluate("navigator.clipboard.readText()") == index["versions"][-1]["sha256"]
    assert shown.page.inner_text("#said") == "Copied."


@pytest.fixture(scope="module")
def served(stores: Callable[[str], Path]) -> Iterator[tuple[str, list[str]]]:
    """The herbs over HTTP from a folder with a space and a quote in its name, and the paths that were asked for."""
    asked: list[str] = []
    home = stores("herbs").parent.parent / "served"
    shutil.copytree(stores("herbs"), home / "the gardener's herbs")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            asked.append(self.path)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=home)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/the%20gardener's%20herbs/", asked
        server.shutdown()


def lines_for(shown: Shown, language: str) -> str:
    return str(shown.page.locator(".snippet", has=shown.page.locator(f"h3:text-is('{language}')")).locator("code").inner_text())


COMMANDS = {
    "pandas": [sys.executable, "-c"], "R": ["Rscript", "--vanilla", "-e"], "SQLite": ["bash", "-ec"], "curl": ["bash", "-ec"],
}  # fmt: skip


@in_a_browser
@pytest.mark.parametrize("language", COMMANDS)
def test_the_lines_run_as_they_are_copied(show: Any, served: tuple[str, list[str]], tmp_path: Path, language: str) -> None:
    command = COMMANDS[language]
    needed = "sqlite3" if language == "SQLite" else command[0]
    if shutil.which(needed) is None:
        pytest.skip(f"no {needed} here; install Debian's package {'r-base-core' if needed == 'Rscript' else needed}")
    shown = show("herbs", address=served[0] + "index.html", offline=False)
    done = subprocess.run([*command, lines_for(shown, language)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert ("herbs-0.1.1.zip: OK" if language == "curl" else "Basil") in done.stdout


@in_a_browser
@pytest.mark.parametrize("language", ["pandas", "R", "DuckDB", "curl"])
def test_the_lines_run_from_a_disk(show: Any, tmp_path: Path, language: str) -> None:
    load = "import duckdb, sys; print(duckdb.sql(sys.argv[1].rstrip(';')))"
    command = [sys.executable, "-c", load] if language == "DuckDB" else COMMANDS[language]
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]} here")
    done = subprocess.run(
        [*command, lines_for(show("garden"), language)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ("package.zip: OK" if language == "curl" else "level") in done.stdout, done.stderr


@in_a_browser
def test_a_served_page_asks_for_itself_alone(show: Any, served: tuple[str, list[str]]) -> None:
    served[1].clear()
    show("herbs", address=served[0], offline=False).page.wait_for_timeout(200)
    assert len(served[1]) == 1


# Hostile content


@in_a_browser
def test_hostile_texts_are_texts(show: Any) -> None:
    shown = show("hostile")
    page = shown.page
    for opened in (False, True):
        if opened:
            follow(shown, page.locator("#rows tbody a").first)
        assert (
            page.evaluate(
                "document.querySelectorAll('iframe, form, object, embed, img, svg, base, meta[http-equiv=refresh]').length"
            )
            == 0
        )
        assert page.evaluate("document.scripts.length") == 2
        attributes = set(
            page.evaluate("[...new Set([...document.body.querySelectorAll('*')].flatMap(e => e.getAttributeNames()))]")
        )
        assert not {one for one in attributes if one.startswith("on") or one in ("style", "src", "srcdoc", "action")}
        links = page.locator("a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
        assert [link for link in links if not re.match(r"(?:#|https?://|1\.0\.0/)", link)] == []
    assert shown.page.locator("dialog").is_visible()
    assert shown.page.evaluate("window.hit") is None
    assert shown.complaints == []


@in_a_browser
def test_every_hostile_cell_is_shown_as_it_is_and_its_row_is_found(show: Any) -> None:
    words, names = HOSTILE["texts"], HOSTILE["names"]
    shown = show("hostile")
    for name in names:
        follow(shown, at=f"#/{html._key(name)}/{html._key(words[1])}")
        assert shown.page.evaluate("document.querySelector('#row-title bdi').textContent") == words[1]
        values = shown.page.locator("dialog .value").evaluate_all("all => all.map(one => one.textContent)")
        assert values == [words[1], words[1]]
        assert shown.page.locator("dialog h4").count() == (name == names[0]), "rows that refer to it, where there are some"
        shown.page.keyboard.press("Escape")
    assert shown.complaints == []


@in_a_browser
def test_a_table_of_300_fields_shows_some_and_all_in_a_row(show: Any) -> None:
    shown = show("hostile", at="#/wide")
    assert shown.page.inner_text("#count") == "1 row. 40 of 300 fields are shown; a row's own view has them all."
    follow(shown, shown.page.locator("#rows tbody a").first)
    assert shown.page.locator("dialog dt").count() == 300


@in_a_browser
def test_a_script_would_not_run_nor_a_request_be_made(browser: Any, stores: Callable[[str], Path], tmp_path: Path) -> None:
    opened = browser.new_page()
    told: list[str] = []
    opened.on("console", lambda message: told.append(message.text))
    text = (stores("herbs") / "index.html").read_text(encoding="utf-8")
    added = "<script>document.title = 'ran'</script><style>main { display: none }</style><img src='https://example.org/x.png'>"
    (tmp_path / "index.html").write_text(text.replace("<header>", f"{added}<header>"), encoding="utf-8")
    opened.goto((tmp_path / "index.html").as_uri())
    assert opened.title() != "ran"
    assert opened.locator("main").is_visible()
    assert len([one for one in told if "Content Security Policy" in one]) == 3
    assert opened.evaluate("fetch('https://example.org/').catch(() => 'refused')") == "refused"
    assert (
        opened.evaluate(
            "(() => { try { document.body.innerHTML = '<b>x</b>'; return 'written' } catch { return 'refused' } })()"
        )
        == "refused"
    )
    opened.close()


TEXTS = st.text(st.characters(exclude_categories=[]), max_size=40) | st.sampled_from(HOSTILE["texts"])


@examples(150)
@given(TEXTS)
def test_markdown_gives_no_tag_or_address_that_it_should_not(text: str) -> None:
    found = markdown.render(text, 4)
    tags = re.findall(r"<(/?[^ >/]+)", found)
    known = "p h4 h5 h6 ul ol li code pre em strong a br hr blockquote s table thead tbody tr th td".split()
    assert {tag.lstrip("/") for tag in tags} <= set(known)
    assert all(address.startswith(("http://", "https://")) for address in re.findall(r'href="([^"]*)"', found))
    assert not re.search(r"<[^>]*\son\w+=", found)


@examples(100)
@given(TEXTS | st.lists(TEXTS, max_size=3) | st.dictionaries(TEXTS, TEXTS, max_size=3))
def test_the_rows_come_out_of_the_page_as_they_went_in(value: Any) -> None:
    written = json.dumps(value, ensure_ascii=False).translate(data.UNSAFE)
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written) == value


# What is given


@in_a_browser
def test_everybody_has_a_name(show: Any) -> None:
    facts = show("garden").page.locator(".facts > div")
    said = dict(text.split("\n", 1) for text in facts.all_inner_texts())
    assert (said["By"], said["Sources"]) == (HOSTILE["by"], HOSTILE["sources"])


def test_pictures_are_in_the_page_with_what_they_say_of_themselves(stores: Callable[[str], Path]) -> None:
    shown = content.read_store(stores("record"), [ROOT / "docs/pictures/timeline.svg"]).pictures
    assert [(one.title, one.words.split(".")[0]) for one in shown] == [
        ("Events that the documents date", "Dated events, from the first to the last day that the stated date allows")
    ]
    text = (stores("record") / "index.html").read_text(encoding="utf-8")
    assert len(re.findall(r'<img src="data:image/svg\+xml;base64,[^"]+" alt="[^"]+"', text)) == 3


@in_a_browser
def test_pictures_are_seen(show: Any) -> None:
    shown = show("record", WIDTHS["phone"])
    images = shown.page.locator("figure img")
    assert images.count() == 3
    assert all(images.nth(number).evaluate("async one => (await one.decode(), one.naturalWidth)") > 100 for number in range(3))


@in_a_browser
def test_a_script_in_a_picture_does_nothing(browser: Any, stores: Callable[[str], Path], tmp_path: Path) -> None:
    drawing = '<svg xmlns="http://www.w3.org/2000/svg" onload="parent.hit=1"><title>&lt;b&gt;</title><script>parent.hit=1</script></svg>'
    (tmp_path / "a.svg").write_text(drawing, encoding="utf-8")
    text = page.render(content.read_store(stores("herbs"), [tmp_path / "a.svg"]))
    assert 'alt="&lt;b&gt;"' in text
    (tmp_path / "index.html").write_text(text, encoding="utf-8")
    opened = browser.new_page()
    opened.goto((tmp_path / "index.html").as_uri())
    assert opened.evaluate("window.hit") is None
    opened.close()


@pytest.mark.parametrize(
    ("name", "said"), [("notes.txt", "is no picture that a page can show"), ("gone.svg", "cannot be read")]
)
def test_a_picture_that_is_none_is_said_and_the_old_page_stays(
    stores: Callable[[str], Path], tmp_path: Path, name: str, said: str
) -> None:
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    before = (stores("herbs") / "index.html").read_bytes()
    with pytest.raises((UsageFault, ImprintError), match=said):
        page.write(stores("herbs"), [tmp_path / name])
    assert (stores("herbs") / "index.html").read_bytes() == before


def test_a_store_without_releases_has_a_page(tmp_path: Path) -> None:
    archive.write_text(tmp_path / "index.json", Index("herbs", None, ()).text())
    page.write(tmp_path)
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert '<h1 dir="auto">herbs</h1>' in text
    assert "No version has been released yet." in text


def test_a_package_without_tables_has_a_page(tmp_path: Path) -> None:
    package = write(
        tmp_path / "package", {"datapackage.json": {"name": "few", "resources": [{"name": "a", "path": "a.txt"}]}, "a.txt": "x"}
    )
    page.write(store(tmp_path / "dist", package, {}, ""))
    text = (tmp_path / "dist/index.html").read_text(encoding="utf-8")
    assert 'href="1.0.0/a.txt"' in text
    assert 'id="explorer"' not in text
    assert sorted(path.name for path in (tmp_path / "dist").iterdir()) == ["1.0.0", "index.html", "index.json"]
