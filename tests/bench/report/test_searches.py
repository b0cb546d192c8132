"""The report of searches, from made-up records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench import load_run
from bench.plan.jobs import make_jobs, pending
from bench.plan.request import DataSet, Request, contenders
from bench.records import searches
from bench.records.metrics import SEARCH_METRICS
from bench.records.record import Outcome, Record, failure_record
from bench.records.store import Run
from bench.report import publish, search_report, tables
from tasks.errors import UserError
from tests.support.records import job

TRIALS = 12
ABOUT: dict[str, Any] = {
    "created": "2026-01-01T00:00:00+00:00",
    "command": "bench run",
    "machine": {"cpu": "a"},
    "datasets": {"tune-random": {"id": "some-digits"}, "tune-bayes": {"id": "some-digits"}},
    "request": {
        "profile": "full", "tasks": ["tune-random", "tune-bayes"], "implementations": [],
        "device": "cpu", "precision": "fp32", "threads": 2,
    },
}  # fmt: skip


def entry(index: int, compile_seconds: float, units: int) -> dict[str, Any]:
    """A good trial of 1 s and its compilation; the fourth is the best."""
    phases = {
        "tuner": 0.1, "build": 0.2, "compile": compile_seconds, "train": 0.5, "evaluate": 0.15,
    }  # fmt: skip
    return {
        "index": index, "units": units, "learning_rate": 1e-3, "weights": f"w{units}",
        "status": "ok", "reason": "", "validation_accuracy": 0.95 if index == 3 else 0.9,
        "epoch_accuracies": [0.9] * 5, "epoch_losses": [0.1] * 5,
        "seconds": 1.0 + compile_seconds, "phases": phases, "rss_bytes": 2**28 + index * 2**20,
        "start": 1, "number": index,
    }  # fmt: skip


def record(
    implementation: str, task: str = "tune-random", growth: float = 0.0, other: int = -1
) -> Record:
    """A search whose compilation grows by `growth` s a trial and by 1 ms a unit; trial `other`
    has another configuration."""
    units = [32 + 32 * (i * 5 % 16) for i in range(TRIALS)]
    if other >= 0:
        units[other] = 512
    trials = [entry(i, 0.3 + growth * i + u * 1e-3, u) for i, u in enumerate(units)]
    made = failure_record(job(implementation, 0, "search", task=task), Outcome("ok"))
    made["launch"] |= {
        "peak_rss_bytes": 2**29,
        "search": {
            "trials": trials, "prune": False, "epochs": 5,
            "best": {k: trials[3][k] for k in ("index", "units", "learning_rate",
                                               "validation_accuracy")},
            "retrained": {"test_accuracy": 0.93},
        },
    }  # fmt: skip
    return made


def make(path: Path, *records: Record) -> Run:
    run = Run.create(path / "run", ABOUT)
    for each in records:
        run.add(each["launch"]["job"]["id"], each)
    return run


def test_the_waste_table_finds_growth_at_equal_units(tmp_path: Path) -> None:
    """Compile time follows units and, in one of two, the number of trials before."""
    run = make(tmp_path, record("keras:tensorflow", growth=0.05), record("pytorch:eager"))
    found = {r["launch"]["job"]["cell"]["implementation"]: r for r in run.records().values()}
    keras, torch = (found[n]["launch"]["search"] for n in ("keras:tensorflow", "pytorch:eager"))
    growing, flat = searches.waste_growth(keras), searches.waste_growth(torch)
    assert growing is not None and flat is not None
    assert growing.value == pytest.approx(0.05)
    assert flat.value == pytest.approx(0.0, abs=1e-9)
    first, early, late = searches.halves(keras)
    assert first == pytest.approx(0.2 + 0.3 + 0.032)
    assert late - early > 0.2
    memory = searches.memory_growth(keras)
    assert memory is not None and memory.value == pytest.approx(2**20)


def test_the_same_trials_are_said_to_be_the_same_and_others_not(tmp_path: Path) -> None:
    same = make(tmp_path / "a", record("keras:tensorflow"), record("pytorch:eager"))
    assert f"Same trials: yes. All {TRIALS} trials" in tables.markdown(same)
    unlike = record("pytorch:eager", other=7)
    text = tables.markdown(make(tmp_path / "b", record("keras:tensorflow"), unlike))
    assert "Same trials: NO (pytorch:eager)" in text
    weights = record("pytorch:eager")
    weights["launch"]["search"]["trials"][2]["weights"] = "others"
    text = tables.markdown(make(tmp_path / "c", record("keras:tensorflow"), weights))
    assert "Same trials: NO" in text
    short = record("pytorch:eager")
    del short["launch"]["search"]["trials"][-1]
    text = tables.markdown(make(tmp_path / "d", record("keras:tensorflow"), short))
    assert "Same trials: NO" in text


def test_bayesian_searches_say_how_far_they_coincide(tmp_path: Path) -> None:
    a = record("keras:tensorflow", "tune-bayes")
    b = record("pytorch:eager", "tune-bayes", growth=0.1, other=7)
    text = tables.markdown(make(tmp_path, a, b))
    assert f"keras:tensorflow, of {TRIALS}: pytorch:eager the first 7, 11 in all" in text


def test_accounted_is_the_worst_trial_and_never_rounded_up(tmp_path: Path) -> None:
    made = record("keras:tensorflow")
    trial = made["launch"]["search"]["trials"][5]
    trial["phases"] = dict.fromkeys(searches.PHASES, 0.0) | {"train": 0.94999}
    trial["seconds"] = 1.0
    assert searches.accounted(made["launch"]["search"]) == pytest.approx(0.94999)
    grid = search_report.tables(make(tmp_path, made))[0]
    assert grid.rows[0][-1] == "≥ 94.9 %"


def test_failed_and_pruned_trials_are_counted_and_told(tmp_path: Path) -> None:
    made = record("keras:tensorflow")
    search = made["launch"]["search"]
    search["prune"] = True
    search["trials"][4] |= {"status": "crash", "reason": "SIGSEGV", "validation_accuracy": None}
    search["trials"][6] |= {
        "status": "pruned", "epoch_accuracies": [0.1, 0.1], "validation_accuracy": None,
    }  # fmt: skip
    run = make(tmp_path, made)
    grid = search_report.tables(run)[0]
    assert grid.rows[0][1] == "12 (1 pruned, 1 failed)"
    assert any("trial 5 (160 units, 0.001): crash: SIGSEGV" in note for note in grid.notes)
    assert any("3 of 60 epochs not run, about 1.0 s" in note for note in grid.notes)


def test_the_curve_and_every_trial_are_in_the_csv_and_the_metrics_in_the_table(
    tmp_path: Path,
) -> None:
    run = make(tmp_path, record("keras:tensorflow"), record("pytorch:eager", "tune-bayes"))
    paths = publish.write(run, tmp_path / "out")
    assert {"index.html", "table.csv", "trials.csv", "search.svg"} <= {p.name for p in paths}
    frame = search_report.trials_frame(run)
    assert list(frame.columns) == list(search_report.COLUMNS)
    assert len(frame) == 2 * TRIALS
    curve = frame[frame["task"] == "tune-random"]["best_so_far"].tolist()
    assert curve == [0.9] * 3 + [0.95] * (TRIALS - 3)
    tidy = load_run(run.path)
    mine = tidy[tidy["task"] == "tune-random"]
    assert {m.name for m in SEARCH_METRICS} <= set(mine["metric"])
    documented = Path(__file__).parents[3].joinpath("results", "README.md").read_text()
    for name in [
        *search_report.COLUMNS,
        *(m.name.removesuffix("_share") for m in SEARCH_METRICS),
    ]:
        assert f"`{name}`" in documented or f"`{name}_share`" in documented, name


def test_a_search_that_gave_nothing_is_a_note(tmp_path: Path) -> None:
    failed = failure_record(
        job("mxnet:hybrid", 0, "search", task="tune-random"), Outcome("timeout", "after 300 s")
    )
    text = tables.markdown(make(tmp_path, failed))
    assert "mxnet:hybrid: timeout: after 300 s" in text
    assert "bench run --profile full --tasks 'tune-random' --implementations 'mxnet" in text


def test_plan_of_the_searches() -> None:
    names = ["tune-random", "tune-bayes", "fnn-mnist"]
    rows = {i.name: i for i in contenders(["*"], names)}
    assert "keras:keras-tuner" in rows
    request = Request("full", tuple(names), tuple(rows), launches=2, prune=True)
    budget = job().budget
    jobs = make_jobs(request, budget, dict.fromkeys(names, DataSet("d")), rows)
    native = [j for j in jobs if j.cell.implementation == "keras:keras-tuner"]
    assert [(j.cell.task, j.kind) for j in native] == [
        ("tune-random", "certify"), ("tune-random", "search"),
    ]  # fmt: skip
    mine = [j for j in jobs if j.kind == "search"]
    assert len(mine) == 2 * len(rows) - 1  # one launch each, no A/A
    assert all((j.trials, j.prune) == (20, True) for j in mine)
    assert not any(j.prune or j.trials for j in jobs if j.kind != "search")
    refused = failure_record(native[0], Outcome("unverified", "32 units: outputs"))
    left = pending(jobs, {native[0].id: refused})
    assert native[1] not in left and mine[0] in left


def test_a_tuner_alone_for_another_task_is_a_mistake() -> None:
    with pytest.raises(UserError, match="is for tune-random only"):
        contenders(["keras:keras-tuner"], ["fnn-mnist"])
