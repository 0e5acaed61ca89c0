"""The page of a report, as a real browser shows it: whole, readable at any width, quiet, and nothing but text of the data's."""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from reports import HOSTILE_TEXTS, INVALID, STRICT, VALID, WARNED, hostile

from imprint import reports
from imprint.report import Report
from imprint.reports import outline

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
in_a_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium here; install Debian's package chromium")
FLAGS = """
    --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update
    --disable-sync
""".split()
REPORTS = {"valid": VALID, "invalid": INVALID, "warned": WARNED, "strict": STRICT, "hostile": hostile()}
WIDTHS = {"desktop": 1280, "phone": 390}
# Every text against what lies behind it, as WCAG 2 measures contrast.
CONTRASTS = """() => {
  const parsed = color => color.match(/[0-9.]+/g).map(Number);
  const light = color => parsed(color).slice(0, 3).map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = e => !e ? 'rgb(255, 255, 255)' : parsed(getComputedStyle(e).backgroundColor)[3] === 0
    ? behind(e.parentElement) : getComputedStyle(e).backgroundColor;
  const found = [];
  for (const e of document.body.querySelectorAll('*')) {
    if (![...e.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))];
    found.push((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
  }
  return found;
}"""


class Shown(NamedTuple):
    """A page in a browser, and what the browser had to say of it."""

    page: Any
    requests: list[str]
    complaints: list[str]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser without a profile of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        opened = started.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Any:
    """A report's page in a browser window."""

    def shown(report: Report, width: int = 1280, scheme: str = "light") -> Shown:
        path = tmp_path / "report.html"
        path.write_text(reports.render(report, "html"), encoding="utf-8")
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
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
@pytest.mark.parametrize("name", REPORTS)
def test_the_page_is_no_wider_than_the_window_asks_for_nothing_and_is_quiet(show: Any, name: str, width: int) -> None:
    shown = show(REPORTS[name], width)
    measured = shown.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert measured == [width, width]
    outside = """[...document.querySelectorAll('main *')].filter(e =>
        !e.closest('.wide') && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 99))"""
    assert shown.page.evaluate(outside) == [], "nothing is cut off"
    assert len(shown.requests) == 1
    assert shown.complaints == []


@in_a_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["invalid", "warned", "valid"])
def test_every_text_stands_out_by_day_and_by_night(show: Any, name: str, scheme: str) -> None:
    shown = show(REPORTS[name], scheme=scheme)
    contrasts = shown.page.evaluate(CONTRASTS)
    assert len(contrasts) > 10
    assert min(contrasts) >= 4.5
    paper = shown.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}[scheme]


@in_a_browser
def test_verdict_totals_and_rows_are_there(show: Any) -> None:
    page = show(INVALID).page
    assert page.inner_text("h1") == "demo 1.2.0"
    assert page.inner_text(".verdict") == "✗ invalid, 1,008 errors, 3 warnings"
    kinds = outline.kinds(INVALID)
    totals = page.locator("table:has(caption:text-is('Totals')) tbody tr").all_inner_texts()
    assert totals[1].split("\t") == ["people", "age", "type-error", "error", "1,000"]
    assert len(totals) == len(kinds) == page.locator("section").count()
    resources = page.locator("table:has(caption:text-is('Resources')) tbody tr").all_inner_texts()
    assert resources[0].split("\t") == ["people", "data/people.csv", "1,200", "1,005", "3"]
    assert "… and 999 more" in page.inner_text("#kind-1")


@in_a_browser
def test_the_bad_cell_is_marked_in_its_row(show: Any) -> None:
    page = show(INVALID, WIDTHS["phone"]).page
    row = page.locator("#kind-1 table.row")
    assert row.locator("th").all_inner_texts() == ["id", "name", "street", "city", "age", "mail", "born"]
    assert row.locator("td.bad mark").all_inner_texts() == ["old"]
    assert page.locator("#kind-4 td.bad").inner_text() == "no cell"
    assert page.locator("#kind-3 td.bad").inner_text() == "4"


@in_a_browser
def test_a_total_leads_to_its_rows(show: Any) -> None:
    page = show(INVALID, WIDTHS["phone"]).page
    page.click("a[href='#kind-8']")
    assert page.locator("#kind-8 h3").is_visible()
    assert page.evaluate("document.querySelector('#kind-8').getBoundingClientRect().top < innerHeight")


@in_a_browser
def test_the_page_makes_sense_without_seeing_it(show: Any) -> None:
    page = show(INVALID).page
    headings = page.locator("h1, h2, h3").evaluate_all("all => all.map(one => +one.tagName[1])")
    assert headings[0] == 1 and headings.count(1) == 1
    assert all(later <= before + 1 for before, later in itertools.pairwise(headings)), "no level is skipped"
    assert page.locator("table:not(:has(th[scope]))").count() == 0
    assert page.locator("table:not(.row):not(:has(caption))").count() == 0
    assert page.locator(".wide:not([tabindex='0'][role='region'][aria-label])").count() == 0
    ids = page.locator("[id]").evaluate_all("all => all.map(one => one.id)")
    assert len(ids) == len(set(ids))
    assert page.get_attribute("html", "lang") == "en"
    assert page.title().startswith("demo 1.2.0: invalid")


@in_a_browser
def test_hostile_texts_are_texts(show: Any) -> None:
    shown = show(REPORTS["hostile"])
    page = shown.page
    assert (
        page.evaluate(
            "document.scripts.length + document.images.length + document.querySelectorAll('iframe, form, object').length"
        )
        == 0
    )
    attributes = page.evaluate("[...new Set([...document.body.querySelectorAll('*')].flatMap(e => e.getAttributeNames()))]")
    assert set(attributes) <= {
        "class",
        "id",
        "href",
        "scope",
        "role",
        "aria-label",
        "aria-labelledby",
        "aria-hidden",
        "tabindex",
    }
    hrefs = page.locator("a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert all(re.fullmatch(r"#kind-\d+", href) for href in hrefs)
    notes = page.locator("#kind-0 li p").all_text_contents()
    assert notes == [outline.visible(text, 400) for text in HOSTILE_TEXTS[: len(notes)]]
    assert shown.complaints == []


@in_a_browser
def test_letters_that_run_the_other_way_stay_in_their_cell(show: Any) -> None:
    page = show(REPORTS["hostile"]).page
    assert page.locator("td:has-text('שלום'):not(:has(bdi))").count() == 0


@in_a_browser
def test_a_script_would_not_run(browser: Any, tmp_path: Path) -> None:
    page = browser.new_page()
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    path = tmp_path / "report.html"
    script = "<script>document.title = 'ran'</script><style>main { display: none }</style><img src='https://example.org/x.png'>"
    path.write_text(reports.render(VALID, "html").replace("<main>", f"{script}<main>"), encoding="utf-8")
    page.goto(path.as_uri())
    assert page.title() != "ran"
    assert page.locator("main").is_visible()
    assert len([one for one in told if "Content Security Policy" in one]) == 3


def test_the_page_stands_alone() -> None:
    text = reports.render(INVALID, "html")
    assert not re.search(r"(?i)<script|<link|<iframe|@import|url\(|\ssrc=|\son[a-z]+=", text)
    assert "Content-Security-Policy" in text.partition("<style>")[0], "the policy stands before what it rules"
