"""Two runs' verdicts side by side: agreement is counted, contradiction is an exit status."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from bench.audit.agreement import main, together
from bench.run.environments import PROJECT
from tests.bench.site.conftest import make_run

FAST, SLOW = {"pytorch:loop": 0.1, "keras:fit": 0.2}, {"pytorch:loop": 0.2, "keras:fit": 0.1}


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ("better", "better", "agree"), ("undecided", "undecided", "both undecided"),
        ("better", "undecided", "one decides"), ("equivalent", "worse", "differ"),
        ("worse", "better", "contradict"),
    ],
)  # fmt: skip
def test_how_two_verdicts_stand_to_one_another(a: str, b: str, said: str) -> None:
    assert together(a, b) == said  # type: ignore[arg-type]


def test_a_turned_run_contradicts_and_a_like_one_agrees(tmp_path: Path) -> None:
    for name, seconds in (("a", FAST), ("b", FAST), ("turned", SLOW)):
        make_run(tmp_path / name, seconds, blocks=8)
    out = tmp_path / "out"
    words = [str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(out)]
    assert main(words) == 0
    assert "agree (100.0%)" in (out / "agreement.md").read_text()
    words[1] = str(tmp_path / "turned")
    assert main(words) == 1
    found = pd.read_csv(out / "agreement.csv")
    speeds = found[found["metric"] == "train_throughput"]
    assert set(speeds["together"]) == {"contradict"} and len(speeds) == 2


def test_a_run_is_not_held_against_itself(tmp_path: Path) -> None:
    make_run(tmp_path / "a", FAST)
    assert main([str(tmp_path / "a"), str(tmp_path / "a"), "--out", str(tmp_path)]) == 2


def test_published_runs_do_not_contradict_one_another(tmp_path: Path) -> None:
    runs = [str(PROJECT / "results" / name) for name in ("cpu-quick", "cpu-full")]
    if not all(Path(run, "run.json").exists() for run in runs):
        pytest.skip("these runs are no longer published")
    assert main([*runs, "--out", str(tmp_path)]) == 0
    assert len(pd.read_csv(tmp_path / "agreement.csv")) > 20
