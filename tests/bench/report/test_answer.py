"""The first screen claims what the verdicts claim, and no more."""

from __future__ import annotations

import numpy as np
import pytest

from bench.judge import questions
from bench.judge.leads import leads
from bench.records.record import Outcome, Record, failure_record
from bench.records.results import Results
from bench.report.context import context
from bench.report.sections import answer
from tests.support.records import job, record, results


def records(seconds: dict[str, float], noise: float = 0.0, task: str = "fnn-mnist") -> list[Record]:
    rng = np.random.default_rng(1)
    return [
        record(name, block, s * float(np.exp(rng.normal(0, noise))), "", task)
        for name, s in seconds.items()
        for block in range(8)
    ]


def text(given: Results) -> dict[str, str]:
    said = answer.sentences(given, context(given))
    return {about: " ".join(lines) for about, lines in said.items()}


def test_a_sure_winner_is_named_with_the_least_advantage_its_interval_admits() -> None:
    seconds = {"pytorch:eager": 0.1, "mxnet:hybrid": 0.2, "keras:tensorflow": 0.4}
    given = results(records(seconds, 0.01))
    (lead,) = leads(questions.against_best(given))
    assert lead.leaders == ("pytorch:eager",)
    assert set(lead.others) == {"mxnet:hybrid", "keras:tensorflow"}
    (against,) = questions.against_best(given).values()
    (nearest,) = [v for v in against if v.question.new == "mxnet:hybrid"]
    ratio, _, high = nearest.change
    assert lead.least == pytest.approx(1 / high)
    assert lead.least < 1 / ratio
    said = text(given)["small feed-forward networks"]
    assert (
        f"pytorch:eager is fastest on fnn-mnist, at least {lead.least:.2f} times any other" in said
    )


def test_what_noise_hides_is_said_to_be_undecided() -> None:
    said = text(results(records({"pytorch:eager": 0.1, "mxnet:hybrid": 0.105}, 0.2)))
    assert "lead, not told apart (the best of them " in said["small feed-forward networks"]
    assert "is fastest" not in said["small feed-forward networks"]


def test_what_was_proven_equal_is_said_to_be_equal() -> None:
    said = text(results(records({"pytorch:eager": 0.1, "mxnet:hybrid": 0.1}, 0.0005)))
    assert "lead, equal within the margin, on" in said["small feed-forward networks"]


def test_one_launch_gives_no_winner() -> None:
    given = results([record("a:x", 0, 0.1), record("b:x", 0, 0.9)])
    assert "lead, not told apart (the best of them " in text(given)["small feed-forward networks"]


def test_every_task_of_a_family_is_in_a_sentence() -> None:
    both = records({"a:x": 0.1, "b:x": 0.3}, 0.01)
    both += records({"a:x": 0.1, "b:x": 0.3}, 0.01, "fnn-binary-8")
    said = text(results(both))
    assert "a:x is fastest on every task" in said["small feed-forward networks"]
    assert "of 2 tasks: a:x on 2 (2 alone)" in said["Over all tasks"]


def test_failed_cells_are_counted() -> None:
    bad = failure_record(job("c:x"), Outcome("crash", "died"))
    given = results([*records({"a:x": 0.1, "b:x": 0.3}), bad])
    assert text(given)["Coverage"].startswith("2 of 3 cells")


def test_a_run_without_measurements_says_so() -> None:
    given = results([failure_record(job("c:x"), Outcome("crash", "died"))])
    assert text(given) == {"Coverage": answer.coverage(given)}
