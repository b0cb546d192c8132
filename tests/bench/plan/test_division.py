"""What is measured when nobody names implementations, of one division or of both."""

from __future__ import annotations

import pytest

from adapters.base import Implementation
from bench.discover import frameworks, implementations, tuners, usual
from bench.plan.jobs import make_jobs
from bench.plan.request import contenders, matching_implementations
from bench.records.record import Request
from tasks.errors import UserError
from tests.support.plans import plan_of

EVERY = (*implementations(), *tuners())


def names(rows: list[Implementation]) -> list[str]:
    return [row.name for row in rows]


def test_documented_is_the_default_and_tuned_holds_no_documented_row() -> None:
    assert matching_implementations(None) == matching_implementations(None, division="documented")
    found = matching_implementations(None, division="tuned")
    assert {row.division for row in found} == {"tuned"}
    assert {"tensorflow:graph", "pytorch:eager", "mxnet:hybrid"} <= set(names(found))


def test_documented_is_the_first_documented_row_of_each_framework() -> None:
    found = matching_implementations(None, division="documented")
    first = {
        one.name: next((i.name for i in one.implementations if i.division == "documented"), "")
        for one in frameworks()
    }
    assert names(found) == [name for name in first.values() if name]
    assert "pytorch:loop" in names(found)
    assert len(found) > 1


def test_both_is_the_one_and_the_other() -> None:
    found = matching_implementations(None, division="both")
    assert found == usual(EVERY, "documented") + usual(EVERY, "tuned")


def test_a_usual_documented_row_is_no_tuned_one() -> None:
    row = Implementation("a", "x", "m", "p", "words", usual=True, division="documented")
    assert usual([row], "tuned") == []
    assert usual([row], "documented") == [row]


def test_of_named_rows_those_of_the_division_are_taken() -> None:
    all_of_it = names(contenders(["pytorch"], ["fnn-mnist"]))
    assert {"pytorch:eager", "pytorch:loop"} <= set(all_of_it)
    assert names(contenders(["pytorch"], ["fnn-mnist"], "both")) == all_of_it
    documented = names(contenders(["pytorch"], ["fnn-mnist"], "documented"))
    assert "pytorch:loop" in documented
    assert "pytorch:eager" not in documented
    with pytest.raises(UserError, match="no implementation matches 'sklearn'"):
        contenders(["sklearn"], ["fnn-mnist"], "documented")


def test_each_division_has_an_a_a_pair_in_every_task() -> None:
    rows = usual(implementations(), "both")
    request = Request("quick", ("fnn-mnist", "cnn-64-10"), tuple(names(rows)), launches=2)
    jobs = [job for job in make_jobs(plan_of(request, rows)) if job.kind == "measure"]
    copies = [job for job in jobs if job.cell.label]
    for block in range(2):
        for turn, task in enumerate(request.tasks):
            twins = {
                job.division: job.cell.implementation
                for job in copies
                if (job.block, job.cell.task) == (block, task)
            }
            assert twins == {
                "documented": names(usual(implementations(), "documented"))[turn],
                "tuned": names(usual(implementations(), "tuned"))[turn],
            }
    assert len(copies) == 8
    alone = Request("quick", ("fnn-mnist",), ("pytorch:eager",), launches=2)
    one = make_jobs(plan_of(alone, rows))
    assert sum(bool(job.cell.label) for job in one) == 2
