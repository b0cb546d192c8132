"""What runs are said to show: half-widths, answers, where the time goes, agreement, promises."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import typer

from bench.audit import precision, precision_figures
from bench.audit.neighbour import Condition
from bench.audit.precision_figures import (
    FinishedRun,
    RunFigures,
    StagePart,
    agreement,
    broken,
    contradictions,
    figures,
    parts,
    questions_asked,
    speed_verdicts,
)
from bench.audit.precision_summary import COLUMNS, markdown, table
from bench.judge import questions
from bench.records.beside import written
from bench.records.record import Record
from bench.records.results import Results
from tasks.errors import UserError
from tests.support import records

NAMES = ("pytorch:eager", "mxnet:hybrid", "jax:jit")
TASKS = ("fnn-mnist", "cnn-64-10")


def results(
    seconds: Mapping[str, float], spread: float = 0.002, blocks: int = 4, seed: int = 0
) -> Results:
    """A run of two tasks in which contenders take so long a round, sittings scattering by
    `spread`; the first contender twice."""
    rng = np.random.default_rng(seed)
    made: list[Record] = []
    for task in TASKS:
        for block in range(blocks):
            for name, taken in seconds.items():
                for label in ("", "A/A") if name == NAMES[0] else ("",):
                    scattered = taken * float(np.exp(spread * rng.standard_normal()))
                    made.append(records.turned(records.record(name, block, scattered, label, task)))
    return records.results(made, records.about(TASKS, tuple(seconds)))


def finished(
    of: Results, condition: Condition = "quiet", number: int = 1, ended: float = 400.0
) -> FinishedRun:
    """Each sitting's records were written at once, 40 s after those of the one before."""
    at = {(x.cell.task, x.job.block): 0.0 for x in of.launches}
    at = {sitting: 50.0 + 40.0 * n for n, sitting in enumerate(at, 1)}
    return FinishedRun(
        condition=condition, number=number, options=(), begun=4.0, ceiling=50.0,
        records={x.job.id: at[x.cell.task, x.job.block] for x in of.launches}, ended=ended,
    )  # fmt: skip


def shown(condition: Condition = "quiet", number: int = 1, **made: Any) -> RunFigures:
    seconds = made.pop("seconds", dict(zip(NAMES, (0.010, 0.012, 0.020), strict=True)))
    of = results(seconds, **made)
    return figures(of, finished(of, condition, number))


def test_half_widths_are_those_of_the_judges_intervals_over_every_pair() -> None:
    of = results(dict(zip(NAMES, (0.010, 0.012, 0.020), strict=True)))
    run = figures(of, finished(of))
    assert len(run.half_widths) == 3 * len(TASKS)
    asked = [q for _, q in questions.pairs_of(of, "train_throughput")]
    own = [
        (v.change[2] - v.change[1]) / 2 / v.change[0]
        for v in questions.answered(of, asked, questions.a_a_questions(of))
    ]
    # Turned, an interval of ratios is a little wider or narrower on this scale.
    assert sorted(run.half_widths) == pytest.approx(sorted(own), rel=0.02)
    assert 0.001 < run.median_half_width <= run.greatest_half_width < 0.02


def test_noisier_sittings_are_less_precise_and_answer_less() -> None:
    fine, coarse = shown(), shown(spread=0.2)
    assert coarse.median_half_width > 10 * fine.median_half_width
    assert fine.answered == 1.0
    assert coarse.answered < 0.8


def test_one_sitting_has_no_interval() -> None:
    run = shown(blocks=1)
    assert run.median_half_width == float("inf")
    assert run.answered == 0.0
    assert any("half-width" in fault for fault in broken([run]))


def test_who_failed_is_asked_all_the_same_and_who_cannot_is_not() -> None:
    of = results(dict(zip(NAMES, (0.010, 0.012, 0.020), strict=True)), blocks=6)
    assert questions_asked(of) == 4 * 3 * len(TASKS)
    for status, asked in (("crash", 4 * (3 + 3)), ("unsupported", 4 * (3 + 1))):
        launches = [
            x.model_copy(
                update={"benchmarks": (), "launch": x.launch.model_copy(update={"status": status})}
            )
            if (x.cell.implementation, x.cell.task) == (NAMES[2], TASKS[0])
            else x
            for x in of.launches
        ]
        without = of.with_launches(launches)
        assert questions_asked(without) == asked
        run = figures(without, finished(without))
        assert run.answered == pytest.approx(4 * (1 + 3) / asked)


def test_the_parts_are_the_wall_time() -> None:
    of = results(dict(zip(NAMES, (0.010, 0.012, 0.020), strict=True)))
    run = finished(of)
    spent = parts(of, run)
    assert set(spent) == set(get_args(StagePart))
    assert sum(spent.values()) == pytest.approx(run.ended)
    assert min(spent.values()) >= 0
    assert spent["starting and preparing data"] == 4.0
    assert spent["the machine's ceiling"] == 46.0
    assert spent["after the last sitting"] == pytest.approx(400 - 50 - 8 * 40)
    assert spent["certificates"] == 0.0
    launches = len(of.launches)
    assert spent["imports"] == pytest.approx(launches * 1.0)
    assert spent["building"] == pytest.approx(launches * 0.1)
    assert 0 < spent["rest of the sittings"] < 8 * 40 - 8 * 5 * 10 * 0.5
    # Of every phase 20 rounds in 10 turns of 0.5 s, the second of which does not count.
    assert spent["turns put aside"] == pytest.approx(8 * 5 * (0.5 + 0.1))
    data = [
        b.stats.data for x in of.launches for b in x.benchmarks if b.extra_info.phase != "learn"
    ]
    rounds = sum(sum(d[:2]) + sum(d[4:]) for d in data)
    assert spent["rounds in turns"] == pytest.approx(rounds)
    both = spent["rounds in turns"] + spent["waking and switching in turns"]
    assert both == pytest.approx(8 * 5 * 9 * 0.5)


def test_certificates_take_from_the_record_before_to_their_own() -> None:
    of = results(dict(zip(NAMES, (0.010, 0.012, 0.020), strict=True)))
    proofs = [records.launch(records.certificate(name)) for name in NAMES]
    of = of.with_launches([*of.launches, *proofs])
    run = finished(of)
    written_at = dict(zip((x.job.id for x in proofs), (52.0, 55.0, 63.0), strict=True))
    spent = parts(of, run.model_copy(update={"records": run.records | written_at}))
    assert spent["certificates"] == pytest.approx(13.0)
    assert sum(spent.values()) == pytest.approx(run.ended)


def test_runs_of_one_truth_agree_and_a_swap_is_named() -> None:
    runs = [shown(number=n, seed=n) for n in (1, 2)]
    same, both = agreement(runs)
    assert same == both == 4 * 3 * len(TASKS)
    assert contradictions(runs) == []
    swapped = shown(number=3, seconds=dict(zip(NAMES, (0.012, 0.010, 0.020), strict=True)))
    against = contradictions([*runs, swapped])
    assert len(against) == 2 * 4 * len(TASKS)
    line = next(x for x in against if x.startswith("fnn-mnist, train_throughput"))
    assert "pytorch:eager is faster in quiet-1 (1." in line
    assert "slower in quiet-3 (0." in line
    assert line.endswith("of mxnet:hybrid")
    assert set(against) <= set(broken([*runs, swapped]))
    assert agreement([*runs, swapped])[0] == 4 * 3 * len(TASKS) + 2 * (4 * 2 * len(TASKS))


def test_verdicts_are_of_the_second_name_against_the_first() -> None:
    of = results(dict(zip(NAMES, (0.010, 0.012, 0.020), strict=True)))
    verdicts = speed_verdicts(of)
    v = verdicts["fnn-mnist", "train_throughput", "jax:jit", "pytorch:eager"]
    assert (v.outcome, v.question.new) == ("better", "pytorch:eager")
    assert v.change[0] == pytest.approx(2.0, rel=0.02)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"half_widths": (0.02, 0.04, 0.04)}, "median half-width"),
        ({"half_widths": (0.01, 0.01, 0.11)}, "greatest half-width"),
        ({"half_widths": ()}, "median half-width"),
        ({"asked": 27}, "88.9% of the speed questions"),
        ({"ended": 601.0}, "took 10.0 minutes, 10 are promised"),
    ],
)
def test_each_promise_alone_is_missed(changes: dict[str, Any], words: str) -> None:
    run = shown()
    assert broken([run]) == []
    ended = changes.pop("ended", 400.0)
    missed = replace(run, run=run.run.model_copy(update={"ended": ended}), **changes)
    assert any(words in fault for fault in broken([missed]))
    assert all(fault.startswith("quiet-1: ") for fault in broken([missed]))


def test_beside_a_neighbour_less_is_promised() -> None:
    run = replace(shown("bursts"), half_widths=(0.05, 0.05, 0.3), asked=32)
    late = replace(run, run=run.run.model_copy(update={"ended": 1e4}))
    assert broken([late]) == []
    assert "71.9%" not in str(broken([late]))
    assert len(broken([replace(late, half_widths=(0.07,), asked=40)])) == 2


def test_the_page_and_the_table_show_every_run() -> None:
    runs = [shown(), shown("bursts", spread=0.3)]
    page = markdown(runs)
    assert "| quiet-1 |" in page
    assert "| *promised, bursts* | 6% |" in page
    assert "- not kept: bursts-1: the median half-width" in page
    assert "not kept: quiet-1" not in page
    for part in get_args(StagePart):
        assert f"| {part} | " in page
    rows = list(csv.DictReader(io.StringIO(table(runs))))
    assert tuple(rows[0]) == COLUMNS
    minutes = [row["value"] for row in rows if row["figure"] == "minutes"]
    assert [float(value) for value in minutes] == pytest.approx([400 / 60] * 2, rel=1e-5)
    kept = markdown(runs[:1])
    assert "All are kept." in kept
    assert "no two runs" in kept


# --- the command, with a `bench run` that is made up -------------------------------------------


def made_up(path: Path, condition: Condition, of: Results) -> None:
    """A finished run in its folder, with its note."""
    run = precision.Run.create(path, of.about)
    for launch in of.launches:
        (run.launches / f"{launch.job.id}.json").write_text(launch.model_dump_json(by_alias=True))
    number = int(path.name.split("-")[1])
    precision.write_json(path.with_suffix(".json"), written(finished(of, condition, number)))


def test_finished_runs_are_kept_and_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    of = results(dict(zip(NAMES, (0.010, 0.012, 0.020), strict=True)))
    made_up(tmp_path / "quiet-1", "quiet", of)
    precision.precision(1, "quiet", tmp_path)
    assert "All are kept." in capsys.readouterr().out
    assert (tmp_path / "precision.md").exists()
    made_up(tmp_path / "bursts-1", "bursts", results({NAMES[0]: 0.1, NAMES[1]: 0.2}, 0.5))
    with pytest.raises(typer.Exit) as ended:
        precision.precision(1, "both", tmp_path)
    assert ended.value.exit_code == 1
    with pytest.raises(UserError, match="other options"):
        precision.precision(1, "quiet", tmp_path, ["--profile", "smoke"])
    with pytest.raises(UserError, match="--out"):
        precision.precision(1, "quiet", tmp_path, ["--out", "elsewhere"])


def test_a_run_that_fails_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="status 2"):
        precision.finished_run(tmp_path, "quiet", 1, ("--no-such-option",))
    assert not (tmp_path / "quiet-1.json").exists()


def test_a_spoiled_note_is_named(tmp_path: Path) -> None:
    (tmp_path / "quiet-1.json").write_text('{"condition": "quiet"}')
    with pytest.raises(UserError, match=r"quiet-1\.json is no note of a run: number"):
        precision.finished_run(tmp_path, "quiet", 1, ())


def test_what_was_stopped_is_made_anew_and_timed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = results({NAMES[0]: 0.1, NAMES[1]: 0.2}, blocks=1)
    half = tmp_path / "quiet-1"
    begun = precision.Run.create(half, of.about)
    with begun.locked(), pytest.raises(UserError, match="being run by another process"):
        precision.finished_run(tmp_path, "quiet", 1, ())
    (half / "left").write_text("from before")

    def run(command: list[str], check: bool) -> Any:
        made_up(Path(command[command.index("--out") + 1]), "quiet", of)
        return precision.subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(precision.subprocess, "run", run)
    made = precision.finished_run(tmp_path, "quiet", 1, ("--profile", "smoke"))
    assert not (half / "left").exists()
    assert made.options == ("--profile", "smoke")
    assert made.records.keys() == of.by_id.keys()
    assert -0.1 <= made.begun <= min(made.records.values()) <= made.ended < 60
    assert precision.finished_run(tmp_path, "quiet", 1, ("--profile", "smoke")) == made
    assert precision_figures.figures(Results.read(precision.Run.open(half)), made).asked == 8
