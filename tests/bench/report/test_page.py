"""The page: self-contained, the same bytes from the same records, and no markup of others."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from bench.records.record import Outcome, failure_record
from bench.records.results import Results
from bench.report import publish
from bench.report.sections import machine, tasks
from tasks.catalogue.every import TASKS
from tests.support.records import about, certificate, job, record, results

EVIL = "</td><script>alert('x')</script><img src=x onerror=alert(1)>\\input{secret} & 50 %"


@pytest.fixture
def run() -> Results:
    made = [certificate("pytorch:eager")]
    made.append(failure_record(job("keras:tensorflow", 0), Outcome("error", EVIL)))
    for block in range(4):
        made.append(record("pytorch:eager", block, 0.1))
        made.append(record("mxnet:hybrid", block, 0.2))
        made.append(record("pytorch:eager", block, 0.1, "A/A"))
    return results(made)


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


def page(run: Results, out: Path) -> str:
    publish.write(run, out)
    return (out / "index.html").read_text()


def test_the_same_records_give_the_same_bytes(run: Results, tmp_path: Path) -> None:
    first, second = (publish.write(run, tmp_path / name) for name in ("one", "two"))
    assert first[0].name == "index.html"
    assert [p.name for p in first] == [p.name for p in second]
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes(), one.name


def test_nothing_is_fetched_and_every_link_leads_somewhere(run: Results, tmp_path: Path) -> None:
    parsed = Page(page(run, tmp_path / "out"))
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    for tag, attributes in parsed.tags:
        if source := attributes.get("src"):
            assert source.startswith("data:"), (tag, source[:60])
        if tag == "a":
            target = str(attributes["href"])
            here = target.startswith("#") and target[1:] in ids
            assert here or (tmp_path / "out" / target).exists(), target
        assert tag not in ("link", "iframe", "object", "embed")


def test_markup_in_a_record_is_shown_as_text(run: Results, tmp_path: Path) -> None:
    parsed = Page(page(run, tmp_path / "out"))
    assert sum(tag == "script" for tag, _ in parsed.tags) == 1
    assert not any("onerror" in attributes for _, attributes in parsed.tags)
    assert EVIL in "".join(parsed.words)
    latex = (tmp_path / "out" / "report.tex").read_text()
    assert "\\input{secret}" not in latex


def test_the_page_of_a_run_of_nothing_is_made(tmp_path: Path) -> None:
    failed = failure_record(job("keras:tensorflow", 0), Outcome("timeout", "stopped"))
    assert "0 of 1 cells" in page(results([failed]), tmp_path / "out")


def test_data_beside_the_page_hold_the_same_rows(run: Results, tmp_path: Path) -> None:
    publish.write(run, tmp_path / "out")
    csv = pd.read_csv(tmp_path / "out" / "table.csv", keep_default_na=False)
    parquet = pd.read_parquet(tmp_path / "out" / "table.parquet")
    assert len(csv) == len(parquet) > 20
    assert list(csv.columns) == list(parquet.columns)


def test_every_task_of_the_catalogue_can_be_drawn() -> None:
    for task in TASKS:
        layers = tasks.model(task)
        assert len(layers) == len(task.nodes) + 1
        assert all(shape for _, shape in layers)
    assert tasks.model(TASKS[0])[2] == ("Dense 128 relu", "128")


def test_settings_that_differ_come_first() -> None:
    a, b = record("pytorch:eager"), record("mxnet:hybrid")
    a["launch"]["settings"] = {"threads": 2, "tf32": "no"}
    b["launch"]["settings"] = {"threads": 2, "engine": "Naive"}
    rows = machine.settings(results([a, b])).rows
    assert rows[-1] == ("threads", "2", "2")
    assert ("engine", "Naive", "–") in rows


def test_the_machine_is_shown_as_it_is_kept() -> None:
    """Memory in whole GiB, the kernel without its patch; a device's memory in GiB too."""
    raw = about()
    raw["machine"] |= {"cuda_name": "a GPU", "cuda_memory_bytes": 80 * 2**30, "cuda_driver": None}
    facts = dict(machine.machine(results([record()], raw)))
    assert facts["memory"] == "24 GiB"
    assert facts["os"] == "Linux 6.1"
    assert facts["cuda memory"] == "80 GiB"
    assert "cuda driver" not in facts
