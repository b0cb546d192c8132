"""The front page's text: whole, harmless, the same twice; and what it is not written over."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from bench.records.results import Results
from bench.records.store import Run
from bench.site import page, timeline
from bench.site.content import content
from tasks.errors import UserError
from tests.bench.site.conftest import NAMES, TASKS, make_run
from tests.support.command import bench


def data_of(text: str) -> dict[str, object]:
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    made = json.loads(found)
    assert isinstance(made, dict)
    return made


def test_the_page_holds_every_cell_and_loads_nothing(runs: Path) -> None:
    text = page.write(runs).read_text()
    (run,) = data_of(text)["runs"]  # type: ignore[misc]
    assert {(c["task"], c["implementation"]) for c in run["cells"]} == {
        (task, name) for task in TASKS for name in NAMES
    }
    assert not re.findall(r"(?:src|href)\s*=\s*[\"'](?:https?:)?//", text)
    assert "default-src 'none'" in text
    assert page.write(runs).read_text() == text


def test_words_of_a_record_end_no_script(runs: Path) -> None:
    hostile = "</script><script>alert(1)</script><!-- & \u2028"
    results = Results.read(Run.open(runs / "old"))
    about = replace(results, about=results.about.model_copy(update={"command": hostile}))
    text = page.text({"old": about})
    assert "alert(1)</script>" not in text
    (run,) = data_of(text)["runs"]  # type: ignore[misc]
    assert run["command"] == hostile


def test_a_pair_has_the_judges_own_interval(runs: Path) -> None:
    results = Results.read(Run.open(runs / "old"))
    made = content({"old": results})["runs"][0]["pairs"]
    (row,) = [
        r for r in made
        if r[0] == "fnn-mnist" and r[2] == "train_throughput" and {r[3], r[4]} == set(NAMES[:2])
    ]  # fmt: skip
    ratio = row[5] if row[3] == NAMES[0] else 1 / row[5]
    assert ratio == pytest.approx(0.5, rel=0.02) and row[6] < row[5] < row[7]
    assert row[8] == ("w" if row[3] == NAMES[0] else "b")


def test_it_is_not_written_over_another_page_nor_into_a_run(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is one run"):
        page.write(runs / "old")
    with pytest.raises(UserError, match="holds no run"):
        page.write(tmp_path)
    make_run(tmp_path / "a", {NAMES[0]: 0.1, NAMES[1]: 0.2}, ["fnn-mnist"])
    (tmp_path / "index.html").write_text("somebody's")
    with pytest.raises(UserError, match="move it away"):
        page.write(tmp_path)


@pytest.mark.parametrize("price", ["free", "-1/h", "0", "inf", "nan", "1/day"])
def test_a_price_is_a_price(runs: Path, price: str) -> None:
    ended = bench("publish", str(runs), "--price", price, cwd=runs)
    assert ended.returncode == 2 and "0.10/h" in ended.stderr


def test_sides_of_a_regression_become_a_step_of_the_timeline(tmp_path: Path) -> None:
    for side, took in (("base", 0.1), ("new", 0.2)):
        make_run(tmp_path / "r" / side, {NAMES[0]: took}, ["fnn-mnist"], 8, pairing="a b c")
    make_run(tmp_path / "alone", {NAMES[0]: 0.1, NAMES[1]: 0.1}, ["fnn-mnist"])
    found = {
        place: Results.read(Run.open(tmp_path / place)) for place in ("r/base", "r/new", "alone")
    }
    alone, sides = timeline.split(found)
    assert set(alone) == {"alone"} and set(sides) == {"r"}
    speed = [c for c in timeline.changes(sides) if c["metric"] == "train_throughput"]
    assert [(c["word"], c["worse"]) for c in speed] == [("slower", True)]
    assert speed[0]["change"][0] == pytest.approx(0.5, rel=0.05)


def test_a_side_alone_is_a_run_like_others(tmp_path: Path) -> None:
    make_run(tmp_path / "r" / "base", {NAMES[0]: 0.1}, ["fnn-mnist"], pairing="a b c")
    alone, sides = timeline.split({"r/base": Results.read(Run.open(tmp_path / "r" / "base"))})
    assert set(alone) == {"r/base"} and not sides
