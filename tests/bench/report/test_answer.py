"""The first screen claims what the verdicts claim, and no more."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from bench.judge import questions
from bench.judge.leads import leads
from bench.judge.questions import Groups
from bench.records import tidy
from bench.records.record import Outcome, failure_record, job_of
from bench.report import answer
from tests.bench.records.test_table import ABOUT
from tests.support.records import job, record


def groups(seconds: dict[str, float], noise: float = 0.0, task: str = "fnn-mnist") -> Groups:
    rng = np.random.default_rng(1)
    made = []
    for name, s in seconds.items():
        for block in range(8):
            made.append(record(name, block, s * float(np.exp(rng.normal(0, noise))), "", task))
    return tidy.by_cell(made)


def text(given: Groups, tasks: tuple[str, ...] = ("fnn-mnist",)) -> dict[str, str]:
    about: dict[str, Any] = ABOUT | {"request": ABOUT["request"] | {"tasks": list(tasks)}}
    found = answer.sentences(given, about, partial(questions.against_best, given))
    return {one.about: " ".join(one.lines) for one in found}


def test_a_sure_winner_is_named_with_the_least_advantage_its_interval_admits() -> None:
    given = groups({"pytorch:eager": 0.1, "mxnet:hybrid": 0.2, "keras:tensorflow": 0.4}, 0.01)
    (lead,) = leads(questions.against_best(given))
    assert lead.leaders == ("pytorch:eager",)
    assert set(lead.others) == {"mxnet:hybrid", "keras:tensorflow"}
    (nearest,) = [
        v for v in questions.against_best(given)["fnn-mnist"] if v.question.new == "mxnet:hybrid"
    ]
    ratio, _, high = nearest.change
    assert lead.least == pytest.approx(1 / high)
    assert lead.least < 1 / ratio
    said = text(given)["small feed-forward networks"]
    assert (
        f"pytorch:eager is fastest on fnn-mnist, at least {lead.least:.2f} times any other" in said
    )


def test_what_noise_hides_is_said_to_be_undecided() -> None:
    said = text(groups({"pytorch:eager": 0.1, "mxnet:hybrid": 0.105}, 0.2))
    assert "lead, not told apart, on fnn-mnist" in said["small feed-forward networks"]
    assert "is fastest" not in said["small feed-forward networks"]


def test_what_was_proven_equal_is_said_to_be_equal() -> None:
    said = text(groups({"pytorch:eager": 0.1, "mxnet:hybrid": 0.1}, 0.0005))
    assert "lead, equal within the margin, on" in said["small feed-forward networks"]


def test_one_launch_gives_no_winner() -> None:
    given = {cell: group[:1] for cell, group in groups({"a:x": 0.1, "b:x": 0.9}).items()}
    assert "lead, not told apart, on fnn-mnist" in text(given)["small feed-forward networks"]


def test_every_task_of_a_family_is_in_a_sentence() -> None:
    both = groups({"a:x": 0.1, "b:x": 0.3}, 0.01)
    both |= groups({"a:x": 0.1, "b:x": 0.3}, 0.01, "fnn-binary-8")
    said = text(both, ("fnn-mnist", "fnn-binary-8"))
    assert "a:x is fastest on every task" in said["small feed-forward networks"]
    assert "of 2 tasks: a:x on 2 (2 alone)" in said["Over all tasks"]


def test_failed_cells_are_counted() -> None:
    given = dict(groups({"a:x": 0.1, "b:x": 0.3}))
    bad = failure_record(job("c:x"), Outcome("crash", "died"))
    given[replace(job_of(bad).cell)] = [bad]
    assert text(given)["Coverage"].startswith("2 of 3 cells")


def test_a_run_without_measurements_says_so() -> None:
    bad = failure_record(job("c:x"), Outcome("crash", "died"))
    assert text(tidy.by_cell([bad])) == {"Coverage": answer.coverage(tidy.by_cell([bad]))}
