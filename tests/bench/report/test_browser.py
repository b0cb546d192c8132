"""The page in a real browser: works offline, sorts, filters, fits a phone, reads aloud.

Needs Debian's ``chromium``; and for the accessibility check axe-core, whose file $BENCH_AXE names
(``npm install axe-core``). `.ci/run` installs both. Without them the tests are skipped.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.records.record import Outcome, failure_record
from bench.report import publish
from bench.run.environments import PROJECT
from tests.support.records import about, certificate, job, of_division, record, results

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
AXE = os.environ.get("BENCH_AXE", "")
PHONE = {"width": 375, "height": 700}
LIMIT_BYTES = 5 * 2**20
PUBLISHED = sorted((PROJECT / "results").glob("*/index.html"))
# The longest, one with searches, one of a GPU with two divisions: what the others show is in them.
OPENED = [
    PROJECT / "results" / name / "index.html" for name in ("cpu-full", "cpu-tuning", "gpu-cnn")
]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with three tasks, a long name, a failed cell and a wide table."""
    folder = tmp_path_factory.mktemp("page")
    tasks = ["fnn-mnist", "cnn-64-10", "lstm-imdb"]
    names = ["pytorch:eager", "mxnet:hybrid", "keras:x"]
    made = [
        record(name, block, seconds, "", task)
        for task in tasks
        for name, seconds in zip(names, (0.1, 0.2, 0.15), strict=True)
        for block in range(4)
    ]
    made += [certificate(name) for name in names]
    outcome = Outcome("error", "a_very_long_word_without_any_break" * 12)
    made.append(failure_record(job("tensorflow:graph", 0), outcome))
    run = results(made, about(tasks, [*names, "tensorflow:graph"]))
    return publish.write(run, folder)[0]


@pytest.fixture(scope="module")
def divided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of documented and tuned rows, some of the documented ones the faster."""
    seconds = {"pytorch:loop": 0.1, "keras:fit": 0.3, "pytorch:eager": 0.2, "mxnet:hybrid": 0.4}
    made = [
        of_division(
            record(name, block, took, "", task),
            "documented" if name in ("pytorch:loop", "keras:fit") else "tuned",
        )
        for task in ("fnn-mnist", "cnn-64-10")
        for name, took in seconds.items()
        for block in range(3)
    ]
    return publish.write(results(made), tmp_path_factory.mktemp("divided"))[0]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


class Visit:
    """An open page and what it said and fetched."""

    def __init__(self, browser: Any, path: Path, dark: bool = False, phone: bool = False) -> None:
        size = PHONE if phone else {"width": 1280, "height": 900}
        scheme = "dark" if dark else "light"
        self.context = browser.new_context(viewport=size, color_scheme=scheme, offline=True)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.fetched: list[str] = []
        self.page.on("console", lambda m: self.said.append(f"{m.type}: {m.text}"))
        self.page.on("pageerror", lambda e: self.said.append(f"error: {e}"))
        self.page.on("request", lambda r: self.fetched.append(r.url))
        self.page.goto(path.as_uri())

    def open_everything(self) -> None:
        self.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")

    def column(self, number: int) -> list[str]:
        cells = self.page.locator(f"#all tbody tr:not([hidden]) > :nth-child({number})")
        return [text.strip() for text in cells.all_text_contents()]


@pytest.fixture
def visit(browser: Any, made: Path) -> Iterator[Visit]:
    one = Visit(browser, made)
    yield one
    one.context.close()


def test_it_loads_without_network_and_without_a_word_on_the_console(
    visit: Visit, made: Path
) -> None:
    assert visit.said == []
    assert [u for u in visit.fetched if not u.startswith("data:")] == [made.as_uri()]
    assert visit.page.locator("h1").count() == 1
    broken = "[...document.images].filter(i => !i.complete || !i.naturalWidth).length"
    assert visit.page.evaluate(broken) == 0


def test_a_heading_sorts_both_ways_and_failed_cells_come_last(visit: Visit) -> None:
    heading = visit.page.locator("#all th", has_text="train samples/s")
    number = 1 + visit.page.locator("#all th").all_text_contents().index("train samples/s")
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    up = [float(x.replace(",", "")) for x in visit.column(number) if x]
    assert up == sorted(up) and len(set(up)) > 1
    assert visit.column(number)[-1] == ""
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    down = [float(x.replace(",", "")) for x in visit.column(number) if x]
    assert down == sorted(up, reverse=True)
    assert visit.column(number)[-1] == ""


def test_sorting_never_ranks_the_two_divisions_together(browser: Any, divided: Path) -> None:
    visit = Visit(browser, divided)
    headings = visit.page.locator("#all th").all_text_contents()
    number = 1 + headings.index("train samples/s")
    column = visit.page.locator("#all th", has_text="train samples/s")
    for down in (False, True):
        column.get_by_role("button").click()
        divisions = visit.column(2)
        assert divisions == ["documented"] * 4 + ["tuned"] * 4
        speeds = [float(text.replace(",", "")) for text in visit.column(number)]
        for part in (speeds[:4], speeds[4:]):
            assert part == sorted(part, reverse=down)
        assert speeds != sorted(speeds, reverse=down)
    visit.page.locator("#filter-division").select_option("tuned")
    assert set(visit.column(2)) == {"tuned"}
    visit.context.close()


def test_a_page_of_two_divisions_fits_a_phone(browser: Any, divided: Path) -> None:
    visit = Visit(browser, divided, phone=True)
    visit.open_everything()
    assert fits(visit) == []
    assert visit.said == []
    visit.context.close()


def test_the_keyboard_is_enough_to_sort(visit: Visit) -> None:
    visit.page.locator("#all th button").first.focus()
    visit.page.keyboard.press("Enter")
    assert visit.column(1) == sorted(visit.column(1))
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.textContent") == "implementation"


def test_filters_narrow_the_table_and_say_how_much_is_left(visit: Visit) -> None:
    rows = len(visit.column(1))
    visit.page.locator("#filter-task").select_option("cnn-64-10")
    assert set(visit.column(1)) == {"cnn-64-10"}
    visit.page.locator("#filter-implementation").select_option("mxnet:hybrid")
    assert visit.column(2) == ["mxnet:hybrid"]
    assert visit.page.get_by_role("status").inner_text() == f"1 of {rows} rows"
    visit.page.get_by_label("Search").fill("no such thing")
    assert visit.column(1) == []


def fits(visit: Visit) -> list[str]:
    """Elements that stick out of the page to the right, outside what scrolls by itself."""
    found: list[str] = visit.page.evaluate(
        """() => {
          const wide = document.documentElement.clientWidth;
          if (document.documentElement.scrollWidth <= wide) return [];
          return [...document.querySelectorAll('body *')]
            .filter(e => !e.closest('.scroll') && e.getBoundingClientRect().right > wide + 1)
            .map(e => e.tagName + '.' + e.className + ': ' + e.textContent.slice(0, 40));
        }"""
    )
    return found


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
@pytest.mark.parametrize("published", [None, *OPENED], ids=lambda p: p.parent.name if p else "")
def test_it_fits_and_axe_finds_nothing_serious(
    browser: Any, made: Path, published: Path | None, phone: bool, dark: bool
) -> None:
    one = Visit(browser, published or made, dark, phone)
    one.open_everything()
    assert fits(one) == []
    assert one.page.evaluate("document.documentElement.scrollWidth") <= (375 if phone else 1280)
    if not AXE:
        pytest.skip("$BENCH_AXE names no axe-core: fits, accessibility not checked")
    one.page.evaluate(Path(AXE).read_text())
    found = one.page.evaluate("axe.run()")
    bad = [v for v in found["violations"] if v["impact"] in ("serious", "critical")]
    assert [(v["id"], [n["target"] for n in v["nodes"]][:5]) for v in bad] == []
    one.context.close()


def test_dark_mode_is_dark(browser: Any, made: Path) -> None:
    shades = []
    for dark in (False, True):
        one = Visit(browser, made, dark)
        colour = one.page.evaluate("getComputedStyle(document.body).backgroundColor")
        shades.append(sum(int(x) for x in colour[4:-1].split(",")[:3]))
        one.context.close()
    assert shades[0] > 700 and shades[1] < 120


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda p: p.parent.name)
def test_published_pages_are_small_enough_to_send(path: Path) -> None:
    assert path.stat().st_size < LIMIT_BYTES
