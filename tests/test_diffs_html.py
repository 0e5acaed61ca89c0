"""The page of a diff, as a real browser shows it: whole, readable at any width, on paper, quiet, and nothing but text of the data's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from diffs import DIFFS
from reports import HOSTILE_TEXTS
from test_reports_html import CONTRASTS, WIDTHS, Shown, browser, in_a_browser

from imprint import diffs
from imprint.diffs import outline

__all__ = ["browser"]  # a fixture


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Any:
    """A diff's page in a browser window."""

    def shown(name: str, width: int = 1280, scheme: str = "light", media: str = "screen") -> Shown:
        path = tmp_path / "diff.html"
        path.write_text(diffs.render(*DIFFS[name], "html"), encoding="utf-8")
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        page.emulate_media(media=media)
        found = Shown(page, [], [])
        page.on("request", lambda request: found.requests.append(request.url))
        page.on("console", lambda message: found.complaints.append(message.text))
        page.on("pageerror", lambda error: found.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (found.complaints.append(dialog.message), dialog.dismiss()))
        page.goto(path.as_uri())
        return found

    return shown


@in_a_browser
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize("name", DIFFS)
def test_the_page_is_no_wider_than_the_window_asks_for_nothing_and_is_quiet(show: Any, name: str, width: int) -> None:
    shown = show(name, width)
    measured = shown.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert measured == [width, width]
    outside = """[...document.querySelectorAll('main *')].filter(e =>
        !e.closest('.wide') && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 99))"""
    assert shown.page.evaluate(outside) == [], "nothing is cut off"
    assert len(shown.requests) == 1
    assert shown.complaints == []


@in_a_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_by_day_and_by_night(show: Any, scheme: str) -> None:
    contrasts = show("herbs", scheme=scheme).page.evaluate(CONTRASTS)
    assert len(contrasts) > 100
    assert min(contrasts) >= 4.5


@in_a_browser
def test_the_tables_of_herbs_fit_on_paper(show: Any) -> None:
    page = show("herbs", width=718, media="print").page  # A4 within Chromium's margins
    assert page.evaluate("document.documentElement.scrollWidth") == 718
    assert page.locator("thead").first.evaluate("e => getComputedStyle(e).display") == "table-header-group"


@in_a_browser
def test_verdict_notes_reasons_and_totals_are_there(show: Any) -> None:
    page = show("herbs").page
    assert page.inner_text("h1") == "herbs 1.2.3 → 1.2.4"
    assert page.inner_text(".verdict") == "major, next version at least 2.0.0"
    assert page.locator(".note").count() == 2
    changes = [row.split("\t") for row in page.locator("table:has(caption:text-is('What changed')) tbody tr").all_inner_texts()]
    assert len(changes) == len(DIFFS["herbs"][1].fired)
    assert changes[0] == ["major", "field-removed", "plants.tags", 'field "tags" is gone\nsuch as SELECT "tags" FROM "plants"']
    assert changes[2][0] == "minor waived: nobody reads it yet"
    totals = [row.split("\t") for row in page.locator("table:has(caption:text-is('Rows')) tbody tr").all_inner_texts()]
    assert totals[0] == ["plants", "id", "1", "1", "5", "1,000"]
    assert len(totals) == page.locator("section").count() == 3
    page.click("table:has(caption:text-is('Rows')) a >> nth=1")
    assert page.evaluate("document.querySelector(location.hash + ' h2').textContent") == "sightings"
    assert "… and 20 rows more" in page.inner_text("#table-1")


@in_a_browser
def test_what_was_is_struck_and_what_is_now_is_underlined_and_a_row_says_what_became_of_it(show: Any) -> None:
    page = show("herbs").page
    rows = page.locator("#table-0 .rows tbody tr")
    assert [text.split("\t")[0] for text in rows.all_inner_texts()] == [
        "~ changed", "+ added", "- removed", "~ changed", "~ changed", "~ changed", "~ changed",
    ]  # fmt: skip
    assert rows.nth(0).locator("del").all_inner_texts() == ["May"]
    assert rows.nth(0).locator("ins").all_inner_texts() == ["late June"]
    assert rows.nth(3).locator("del").all_inner_texts() == ["1.5", "null", "empty"]
    assert "→" in rows.nth(3).inner_text()

    def line(selector: str) -> str:
        return str(page.locator(selector).first.evaluate("e => getComputedStyle(e).textDecorationLine"))

    assert (line("del"), line("ins"), line(".removed td")) == ("line-through", "underline", "line-through")


@in_a_browser
def test_a_screen_reader_finds_headings_and_labelled_tables(show: Any) -> None:
    page = show("herbs").page
    headings = page.locator("h1, h2").all_inner_texts()
    assert headings == ["herbs 1.2.3 → 1.2.4", "plants", "sightings", "gardens"]
    regions = page.locator("[role=region][tabindex='0']")
    assert regions.count() == page.locator("table").count() == 5
    assert page.locator("[role=region]:not([aria-label])").count() == 0
    assert page.locator("tbody tr:has(del):not(:has(th[scope=row]))").count() == 0


@in_a_browser
def test_nothing_of_the_data_is_markup(show: Any) -> None:
    shown = show("hostile")
    page = shown.page
    allowed = {
        "MAIN", "H1", "H2", "P", "B", "S", "I", "BR", "BDI", "DIV", "TABLE", "CAPTION", "THEAD", "TBODY", "TR", "TH", "TD",
        "SECTION", "SPAN", "DEL", "INS", "A", "CODE",
    }  # fmt: skip
    assert set(page.evaluate("[...new Set([...document.body.querySelectorAll('*')].map(e => e.tagName))]")) <= allowed
    attributes = page.evaluate("[...new Set([...document.body.querySelectorAll('*')].flatMap(e => e.getAttributeNames()))]")
    assert set(attributes) <= set("class id href scope role aria-label aria-labelledby aria-hidden tabindex".split())
    hrefs = page.locator("a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert hrefs
    assert all(re.fullmatch(r"#table-\d+", href) for href in hrefs)
    keys = page.locator("#table-0 td.key").all_text_contents()[: len(HOSTILE_TEXTS)]
    assert keys == [outline.visible(text, 160) or "empty" for text in HOSTILE_TEXTS]
    assert shown.complaints == []


def test_the_page_stands_alone() -> None:
    text = diffs.render(*DIFFS["herbs"], "html")
    assert not re.search(r"(?i)<script|<link|<iframe|@import|url\(|\ssrc=|\son[a-z]+=", text)
    assert "Content-Security-Policy" in text.partition("<style>")[0], "the policy stands before what it rules"
