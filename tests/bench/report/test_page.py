"""The page: self-contained, the same bytes from the same records, and no markup of others."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from bench.records.record import Outcome, failure_record
from bench.records.store import Run
from bench.report import publish, view
from tasks.catalogue.every import TASKS
from tests.bench.records.test_table import ABOUT
from tests.support.records import certificate, job, record

EVIL = "</td><script>alert('x')</script><img src=x onerror=alert(1)>\\input{secret} & 50 %"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run.create(tmp_path / "run", ABOUT)
    for block in range(4):
        made.add(f"p{block}", record("pytorch:eager", block, 0.1))
        made.add(f"m{block}", record("mxnet:hybrid", block, 0.2))
        made.add(f"a{block}", record("pytorch:eager", block, 0.1, "A/A"))
    made.add("c", certificate("pytorch:eager"))
    made.add("k", failure_record(job("keras:tensorflow", 0), Outcome("error", EVIL)))
    return made


class Page(HTMLParser):
    """The tags with their attributes, and the text outside script and style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] not in ("script", "style"):
            self.words.append(data)


def page(run: Run, out: Path) -> str:
    publish.write(run, out)
    return (out / "index.html").read_text()


def test_the_same_records_give_the_same_bytes(run: Run, tmp_path: Path) -> None:
    first, second = (publish.write(run, tmp_path / name) for name in ("one", "two"))
    assert [p.name for p in first] == [p.name for p in second]
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes(), one.name


def test_nothing_is_fetched(run: Run, tmp_path: Path) -> None:
    parsed = Page(page(run, tmp_path / "out"))
    for tag, attributes in parsed.tags:
        if source := attributes.get("src"):
            assert source.startswith("data:"), (tag, source[:60])
        if tag == "a":
            target = str(attributes["href"])
            assert target.startswith("#") or (tmp_path / "out" / target).exists(), target
        assert tag not in ("link", "iframe", "object", "embed")


def test_markup_in_a_record_is_shown_as_text(run: Run, tmp_path: Path) -> None:
    text = page(run, tmp_path / "out")
    parsed = Page(text)
    assert sum(tag == "script" for tag, _ in parsed.tags) == 1
    assert not any("onerror" in attributes for _, attributes in parsed.tags)
    assert EVIL in "".join(parsed.words)
    latex = (tmp_path / "out" / "report.tex").read_text()
    assert "\\input{secret}" not in latex


def test_a_failed_cell_stands_with_its_reason_and_command(run: Run, tmp_path: Path) -> None:
    words = " ".join(Page(page(run, tmp_path / "out")).words)
    assert "keras:tensorflow" in words
    assert "bench run --profile quick --tasks 'fnn-mnist' --implementations" in words


def test_the_page_of_a_run_of_nothing_is_made(tmp_path: Path) -> None:
    made = Run.create(tmp_path / "run", ABOUT)
    made.add("k", failure_record(job("keras:tensorflow", 0), Outcome("timeout", "stopped")))
    assert "0 of 1 cells" in page(made, tmp_path / "out")


def test_tables_beside_the_page_hold_the_same_rows(run: Run, tmp_path: Path) -> None:
    publish.write(run, tmp_path / "out")
    csv = pd.read_csv(tmp_path / "out" / "table.csv", keep_default_na=False)
    parquet = pd.read_parquet(tmp_path / "out" / "table.parquet")
    assert len(csv) == len(parquet) > 20
    assert list(csv.columns) == list(parquet.columns)
    latex = (tmp_path / "out" / "report.tex").read_text()
    assert latex.count("\\toprule") == latex.count("\\bottomrule") == 1
    assert re.search(r"pytorch:eager & passed", latex)


def test_every_task_of_the_catalogue_can_be_drawn() -> None:
    for task in TASKS:
        layers = view.model(task)
        assert len(layers) == len(task.layers) + 1
        assert all(one["shape"] for one in layers)
    assert view.model(TASKS[0])[2] == {"layer": "Dense 128 relu", "shape": "128"}


def test_settings_that_differ_come_first() -> None:
    a, b = record("pytorch:eager"), record("mxnet:hybrid")
    a["launch"]["settings"] = {"threads": 2, "tf32": "no"}
    b["launch"]["settings"] = {"threads": 2, "engine": "Naive"}
    shown = view.settings_table([a, b])
    assert [key for key, _ in shown["rows"]][-1] == "threads"
    assert dict(shown["rows"])["engine"] == ["Naive", "–"]
