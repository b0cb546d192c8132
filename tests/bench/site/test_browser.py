"""The front page in a real browser: random choices against pandas, a stranger's questions, widths.

Needs Debian's ``chromium``; for accessibility axe-core, whose file $BENCH_AXE names. Without them
the tests are skipped. `nox -s site` tries all; unasked a few seconds of it.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench import discover
from bench.records.tidy import load_run
from bench.run.environments import PROJECT
from bench.site.page import write
from tests.bench.site.conftest import make_run

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
AXE = os.environ.get("BENCH_AXE", "")
ALL = os.environ.get("BENCH_SITE") == "all"
CHOICES = 20 if ALL else 3
PAGE = PROJECT / "results" / "index.html"
RUNS = ("cpu-both", "cpu-modes", "cpu-full")
METRICS = ("train_throughput", "infer_throughput", "infer_latency_p50", "cold_start", "peak_rss")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    opened = context.new_page()
    said: list[str] = []
    opened.on("console", lambda m: said.append(m.text))
    opened.on("pageerror", lambda e: said.append(str(e)))
    opened.goto(PAGE.as_uri())
    yield opened
    assert said == []
    context.close()


def means(frame: pd.DataFrame, metric: str, base: str) -> pd.Series:
    """Geometric mean over tasks, value over `base`, above 1 better; missing: half the worst."""
    rows = frame[(frame["metric"] == metric) & (frame["certificate"] == "passed")]
    values = rows.pivot(index="implementation", columns="task", values="value")
    good = values if rows["better"].iloc[0] == "higher" else 1 / values
    names = sorted(frame["implementation"].unique())
    filled = good.reindex(names)
    filled = filled.fillna(filled.min() / 2)
    return np.exp(np.log(filled / filled.loc[base]).mean(axis=1))


@pytest.mark.parametrize("seed", range(CHOICES))
def test_a_random_choice_is_what_pandas_computes(page: Any, seed: int) -> None:
    """Within 10 %: the page's ratios are of turns and sittings, pandas' of the cells' values."""
    rng = random.Random(seed)
    name = rng.choice(RUNS)
    frame = load_run(PROJECT / "results" / name)
    frame = frame[frame["label"] == ""]
    rows = {row.name: row.division for row in discover.implementations()}
    first = page.evaluate("(run) => DATA.runs.find((x) => x.name === run).cells[0].division", name)
    if name == "cpu-both":
        frame = frame[frame["implementation"].map(rows) == first]
    metric = rng.choice(METRICS)
    without = rng.sample(sorted(frame["framework"].unique()), rng.randint(0, 2))
    frame = frame[~frame["framework"].isin(without)]
    base = rng.choice(sorted(frame.loc[frame["metric"] == metric, "implementation"].unique()))
    page.evaluate(
        "([run, metric, without, baseline]) => { const r = DATA.runs.find((x) => x.name === run);"
        " go({ ...Object.fromEntries(SETTING.map((n) => [n, r[n]])),"
        " division: r.cells[0].division, run, metric, without, baseline }); }",
        [name, metric, without, base],
    )
    made = page.evaluate("comparison(state).rows.map((r) => [r.name, r.mean.value])")
    wanted = means(frame, metric, base)
    assert {row[0] for row in made} == set(wanted.index)
    for implementation, value in made:
        assert value == pytest.approx(wanted[implementation], rel=0.1), implementation
    shown = page.locator("#heat tbody th").all_text_contents()
    assert shown == [row[0] for row in made]
    assert f"run={name}" in page.url


QUESTIONS = [
    ("Fastest documented framework for an LSTM", "#answers", "LSTMs"),
    ("Lightest to serve one row", "#serving", "Lightest"),
    ("Does compiling pay", "#pays", "1,000 steps it pays in"),
    ("Did the last release of PyTorch", "#release", "pytorch"),
    ("What failed, and why", "#failures", "unsupported"),
]


@pytest.mark.parametrize(("words", "place", "said"), QUESTIONS)
def test_a_strangers_question_is_one_click(page: Any, words: str, place: str, said: str) -> None:
    page.get_by_role("button", name=words).click()
    assert said in page.locator(place).inner_text()
    box = page.locator(place).bounding_box()
    assert box["y"] < 900


@pytest.mark.parametrize("dark", [False, True] if ALL else [True], ids=lambda d: f"dark={d}")
@pytest.mark.parametrize("width", [375, 1280] if ALL else [375])
def test_it_fits_and_axe_finds_nothing_serious(browser: Any, width: int, dark: bool) -> None:
    scheme = "dark" if dark else "light"
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    opened = context.new_page()
    opened.goto(PAGE.as_uri())
    opened.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    if not AXE:
        pytest.skip("$BENCH_AXE names no axe-core: fits, accessibility not checked")
    opened.evaluate(Path(AXE).read_text())
    found = opened.evaluate("axe.run()")
    bad = [v["id"] for v in found["violations"] if v["impact"] in ("serious", "critical")]
    assert bad == []
    context.close()


def test_everything_is_reached_by_keys_alone(page: Any) -> None:
    """The first question by Tab and Enter; a chooser by arrows; each stop is seen."""
    words = QUESTIONS[0][0]
    reached: list[str] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", reached[-1]
        if words in reached[-1]:
            break
    assert words in reached[-1], reached
    page.keyboard.press("Enter")
    assert "LSTMs" in page.locator("#answers").inner_text()
    page.locator("label", has_text="what").locator("select").focus()
    before = page.url
    page.keyboard.press("ArrowDown")
    assert page.url != before
    assert page.evaluate("document.activeElement.tagName") == "SELECT", "the focus stays"


@pytest.mark.skipif(not ALL, reason="fifty runs are made for it: `nox -s site`")
def test_fifty_runs_open_within_two_seconds(browser: Any, tmp_path: Path) -> None:
    """Ten implementations on four tasks each, three sittings; the page stays under 8 MB."""
    rng = random.Random(0)
    known = discover.implementations()
    names = [row.name for row in known if row.division == "documented"][:10]
    assert len(names) >= 8
    tasks = ["fnn-mnist", "cnn-64-10", "rnn-sequence", "lstm-forecast"]
    first = tmp_path / "run-0"
    make_run(first, {name: rng.uniform(0.1, 1.0) for name in names}, tasks, blocks=3)
    for number in range(1, 50):
        shutil.copytree(first, tmp_path / f"run-{number}")
    place = write(tmp_path)
    assert place.stat().st_size < 8e6
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    opened = context.new_page()
    started = perf_counter()
    opened.goto(place.as_uri())
    opened.locator("#answers tbody tr").first.wait_for()
    seconds = perf_counter() - started
    print(f"{place.stat().st_size / 1e6:.2f} MB of 50 runs opened in {seconds:.2f} s")
    assert opened.evaluate("DATA.runs.length") == 50
    assert seconds <= 2.0
    context.close()
