"""The report of searches, from made-up records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.plan.jobs import make_jobs, pending
from bench.plan.request import contenders
from bench.records import searches, tidy
from bench.records.metrics import SEARCH_METRICS
from bench.records.parts import SearchRecord
from bench.records.record import Outcome, Record, Request, failure_record
from bench.records.results import Results
from bench.report import publish, trials
from bench.report.blocks import Notes, Section, Table
from bench.report.context import context
from bench.report.document import document
from bench.report.layouts import markdown
from bench.report.sections import answer
from bench.report.sections import searches as section
from tasks.errors import UserError
from tests.support.plans import plan_of
from tests.support.records import about, job, launch, results

TRIALS = 12


def entry(index: int, compile_seconds: float, units: int) -> dict[str, Any]:
    """A good trial of 1 s and its compilation; the fourth is the best."""
    phases = {
        "tuner": 0.1, "build": 0.2, "compile": compile_seconds, "train": 0.5, "evaluate": 0.15,
    }  # fmt: skip
    return {
        "index": index, "units": units, "learning_rate": 1e-3, "weights": f"w{units}",
        "status": "ok", "reason": "", "validation_accuracy": 0.95 if index == 3 else 0.9,
        "epoch_accuracies": [0.9] * 5, "epoch_losses": [0.1] * 5, "number": index,
        "seconds": 1.0 + compile_seconds, "phases": phases, "rss_bytes": 2**28 + index * 2**20,
        "start": 1,
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
            "sampler": "random", "trials_wanted": TRIALS, "rows": 3200, "optuna": "4",
            "open_seconds": 0.0, "loop_seconds": 1.0, "resumed_trials": 0, "starts": 1,
            "trials": trials, "prune": False, "epochs": 5,
            "best": {k: trials[3][k] for k in ("index", "units", "learning_rate",
                                               "validation_accuracy")},
            "retrained": {
                "rows": 4000, "epoch_losses": [0.1], "test_accuracy": 0.93, "seconds": 1.0,
            },
        },
    }  # fmt: skip
    return made


def make(*records: Record) -> Results:
    names = list(dict.fromkeys(r["launch"]["job"]["cell"]["implementation"] for r in records))
    return results(records, about(["tune-random", "tune-bayes"], names, profile="full"))


def search_of(run: Results, implementation: str) -> SearchRecord:
    return section.ran(run, "tune-random")[implementation][1]


def parts(run: Results) -> tuple[list[Table], list[str]]:
    """The tables and the remarks of both searches."""
    (whole,) = section.sections(run, context(run))
    blocks = [b for part in whole.blocks if isinstance(part, Section) for b in part.blocks]
    notes = [line for block in blocks if isinstance(block, Notes) for line in block.lines]
    return [block for block in blocks if isinstance(block, Table)], notes


def text(run: Results) -> str:
    return markdown.text(document(run))


def test_the_waste_table_finds_growth_at_equal_units() -> None:
    """Compile time follows units and, in one of two, the number of trials before."""
    run = make(record("keras:tensorflow", growth=0.05), record("pytorch:eager"))
    keras, torch = (search_of(run, name) for name in ("keras:tensorflow", "pytorch:eager"))
    growing, flat = searches.waste_growth(keras), searches.waste_growth(torch)
    assert growing is not None and flat is not None
    assert growing.value == pytest.approx(0.05)
    assert flat.value == pytest.approx(0.0, abs=1e-9)
    first, early, late = searches.halves(keras)
    assert first == pytest.approx(0.2 + 0.3 + 0.032)
    assert late - early > 0.2
    memory = searches.memory_growth(keras)
    assert memory is not None and memory.value == pytest.approx(2**20)


def test_the_same_trials_are_said_to_be_the_same_and_others_not() -> None:
    same = make(record("keras:tensorflow"), record("pytorch:eager"))
    assert f"Same trials: yes. All {TRIALS} trials" in text(same)
    unlike = record("pytorch:eager", other=7)
    said = text(make(record("keras:tensorflow"), unlike))
    assert "Same trials: NO (pytorch:eager)" in said
    weights = record("pytorch:eager")
    weights["launch"]["search"]["trials"][2]["weights"] = "others"
    said = text(make(record("keras:tensorflow"), weights))
    assert "Same trials: NO" in said
    short = record("pytorch:eager")
    del short["launch"]["search"]["trials"][-1]
    said = text(make(record("keras:tensorflow"), short))
    assert "Same trials: NO" in said


def test_bayesian_searches_say_how_far_they_coincide() -> None:
    a = record("keras:tensorflow", "tune-bayes")
    b = record("pytorch:eager", "tune-bayes", growth=0.1, other=7)
    said = text(make(a, b))
    assert f"keras:tensorflow, of {TRIALS}: pytorch:eager the first 7, 11 in all" in said


def test_accounted_is_the_worst_trial_and_never_rounded_up() -> None:
    made = record("keras:tensorflow")
    trial = made["launch"]["search"]["trials"][5]
    trial["phases"] = dict.fromkeys(searches.PHASES, 0.0) | {"train": 0.94999}
    trial["seconds"] = 1.0
    run = make(made)
    assert searches.accounted(search_of(run, "keras:tensorflow")) == pytest.approx(0.94999)
    assert parts(run)[0][0].rows[0][-1] == "≥ 94.9 %"


def test_failed_and_pruned_trials_are_counted_and_told() -> None:
    made = record("keras:tensorflow")
    search = made["launch"]["search"]
    search["prune"] = True
    search["trials"][4] |= {"status": "crash", "reason": "SIGSEGV", "validation_accuracy": None}
    search["trials"][6] |= {
        "status": "pruned", "epoch_accuracies": [0.1, 0.1], "validation_accuracy": None,
    }  # fmt: skip
    tables, notes = parts(make(made))
    assert tables[0].rows[0][1] == "12 (1 pruned, 1 failed)"
    assert any("trial 5 (160 units, 0.001): crash: SIGSEGV" in note for note in notes)
    assert any("3 of 60 epochs not run, about 1.0 s" in note for note in notes)


def test_the_curve_and_every_trial_are_in_the_csv_and_the_metrics_in_the_table(
    tmp_path: Path,
) -> None:
    run = make(record("keras:tensorflow"), record("pytorch:eager", "tune-bayes"))
    paths = publish.write(run, tmp_path / "out")
    assert {"index.html", "table.csv", "trials.csv", "search.svg"} <= {p.name for p in paths}
    frame = trials.frame(run)
    assert list(frame.columns) == list(trials.COLUMNS)
    assert len(frame) == 2 * TRIALS
    curve = frame[frame["task"] == "tune-random"]["best_so_far"].tolist()
    assert curve == [0.9] * 3 + [0.95] * (TRIALS - 3)
    table = tidy.tidy(run)
    mine = table[table["task"] == "tune-random"]
    assert {m.name for m in SEARCH_METRICS} <= set(mine["metric"])
    documented = Path(__file__).parents[3].joinpath("results", "README.md").read_text()
    for name in [
        *trials.COLUMNS,
        *(m.name.removesuffix("_share") for m in SEARCH_METRICS),
    ]:
        assert f"`{name}`" in documented or f"`{name}_share`" in documented, name


def test_the_answer_tells_what_a_search_took() -> None:
    run = make(record("keras:tensorflow", growth=0.05), record("pytorch:eager"))
    slow, fast = (
        searches.seconds(search_of(run, n)) for n in ("keras:tensorflow", "pytorch:eager")
    )
    (line,) = answer.sentences(run, context(run))["Hyper-parameter searches"]
    assert f"pytorch:eager {fast:.1f}, keras:tensorflow {slow:.1f};" in line


def test_a_search_that_gave_nothing_is_a_note() -> None:
    failed = failure_record(
        job("mxnet:hybrid", 0, "search", task="tune-random"), Outcome("timeout", "after 300 s")
    )
    said = text(make(failed))
    assert "mxnet:hybrid: timeout: after 300 s" in said
    assert "bench run --profile full --tasks tune-random --implementations mxnet" in said


def test_plan_of_the_searches() -> None:
    names = ["tune-random", "tune-bayes", "fnn-mnist"]
    rows = {i.name: i for i in contenders(["*"], names)}
    assert "keras:keras-tuner" in rows
    request = Request("full", tuple(names), tuple(rows), launches=2, prune=True)
    jobs = make_jobs(plan_of(request, rows.values()))
    native = [j for j in jobs if j.cell.implementation == "keras:keras-tuner"]
    assert [(j.cell.task, j.kind) for j in native] == [
        ("tune-random", "certify"), ("tune-random", "search"),
    ]  # fmt: skip
    mine = [j for j in jobs if j.kind == "search"]
    assert len(mine) == 2 * len(rows) - 1  # one launch each, no A/A
    assert all((j.trials, j.prune) == (20, True) for j in mine)
    assert not any(j.prune or j.trials for j in jobs if j.kind != "search")
    refused = failure_record(native[0], Outcome("unverified", "32 units: outputs"))
    left = pending(jobs, {native[0].id: launch(refused)})
    assert native[1] not in left and mine[0] in left


def test_a_tuner_alone_for_another_task_is_a_mistake() -> None:
    with pytest.raises(UserError, match="is for tune-random only"):
        contenders(["keras:keras-tuner"], ["fnn-mnist"])


def test_a_search_whose_every_trial_took_its_process_with_it_is_reported(tmp_path: Path) -> None:
    """Such a trial has no seconds: nothing may be divided by them."""
    died = record("mxnet:hybrid")
    died["launch"] |= {"status": "error", "reason": "every trial failed"}
    search = died["launch"]["search"]
    search |= {"best": None, "retrained": None}
    for trial in search["trials"]:
        trial |= {"status": "crash", "reason": "the worker died with signal SIGSEGV"}
        trial |= {"validation_accuracy": None, "epoch_accuracies": [], "epoch_losses": []}
        trial |= {"seconds": 0.0, "phases": dict.fromkeys(trial["phases"], 0.0)}
    run = make(record("pytorch:eager"), died)
    publish.write(run, tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert "SIGSEGV" in text
    assert "| mxnet:hybrid | " in text
