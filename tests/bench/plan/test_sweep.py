"""Sweeps: points are tasks of their own; out of memory ends a curve."""

from __future__ import annotations

import pytest

from adapters.base import Implementation
from bench.plan.jobs import make_jobs, pending
from bench.plan.sweep import derived, points, sweeps_of
from bench.records.points import SweepPoint, point_of
from bench.records.record import Job, Outcome, Request, failure_record
from tasks.catalogue.every import SEARCHES, TASKS
from tasks.errors import UserError
from tasks.spec.form import digest
from tasks.spec.network import Task, parameter_shapes
from tests.support.plans import plan_of
from tests.support.records import launch

BY_NAME = {task.name: task for task in TASKS}
NAMES = ("fake:one", "fake:two")


def at(name: str, axis: str, value: int) -> Task:
    (sweep,) = sweeps_of([f"{axis}={value},{value + 1}"])
    return derived(BY_NAME[name], SweepPoint(name, sweep.axis, value))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("batch=32..1024", (32, 64, 128, 256, 512, 1024)),
        ("threads=1..2", (1, 2)),
        ("batch=10..35", (10, 20, 35)),
        ("width=64,16,64", (16, 64)),
        ("length=5..20,7", (5, 7, 10, 20)),
    ],
)
def test_values(text: str, values: tuple[int, ...]) -> None:
    assert sweeps_of([text])[0].values == values


@pytest.mark.parametrize(
    "text",
    ["batch", "batch=", "batch=0..4", "batch=8..4", "batch=x", "batch=32", "depth=1..4",
     "batch=1..2..3", "batch=-4..4", "batch=1.5", "=1..2", "batch=1..99999999999"],
)  # fmt: skip
def test_what_is_no_sweep_is_one_line(text: str) -> None:
    with pytest.raises(UserError) as said:
        sweeps_of([text])
    assert "--sweep" in str(said.value)


def test_an_axis_twice_is_refused() -> None:
    with pytest.raises(UserError, match="twice"):
        sweeps_of(["batch=1..2", "batch=4..8"])


def test_a_name_tells_its_point() -> None:
    point = SweepPoint("fnn-mnist", "batch", 64)
    assert point_of(point.name) == point
    for name in ("fnn-mnist", "a@batch=0", "a@depth=3", "a@batch=", "@batch=2", "a@b@batch=2"):
        assert point_of(name) is None


def test_every_point_has_a_digest_of_its_own() -> None:
    made = points([BY_NAME["lstm-imdb"]], sweeps_of(["batch=8..64", "width=8..64", "length=8..64"]))
    digests = {digest(task) for _, task in made} | {digest(BY_NAME["lstm-imdb"])}
    assert len(digests) == len(made) + 1
    assert [task.name for _, task in made] == [point.name for point, _ in made]


def test_what_is_varied_and_nothing_else() -> None:
    task = BY_NAME["fnn-mnist"]
    assert at("fnn-mnist", "batch", 64).batch_size == 64
    assert at("fnn-mnist", "batch", 64).round_steps == task.round_steps // 2
    assert at("fnn-mnist", "threads", 2).layers == task.layers
    assert parameter_shapes(at("fnn-mnist", "width", 32))["1_dense/kernel"] == (784, 32)
    assert parameter_shapes(at("fnn-mnist", "width", 32))["2_dense/kernel"] == (32, 10)
    assert at("lstm-imdb", "length", 50).input_shape == (50,)
    assert at("lstm-forecast", "length", 50).input_shape == (50, 1)
    deep = at("cnn-catsdogs", "width", 16).layers
    assert [getattr(x, "filters", getattr(x, "units", None)) for x in deep] == [
        16, None, 32, None, 64, None, None, 256, 1,
    ]  # fmt: skip


def test_what_cannot_be_varied_is_one_line() -> None:
    with pytest.raises(UserError, match="reads no sequence"):
        at("cnn-64-10", "length", 8)
    with pytest.raises(UserError, match="is a search"):
        points(SEARCHES, sweeps_of(["batch=8..16"]))


def jobs(*values: int) -> list[Job]:
    made = points([BY_NAME["fnn-mnist"]], sweeps_of([f"batch={','.join(map(str, values))}"]))
    rows = [Implementation("fake", n.split(":")[1], "m", "p", "fake") for n in NAMES]
    plan = plan_of(Request("quick", ("fnn-mnist",), NAMES), rows)
    tasks = {task.name: task for _, task in made}
    request = Request("quick", tuple(tasks), NAMES, threads=2)
    data = dict.fromkeys(tasks, plan.data["fnn-mnist"])
    return make_jobs(type(plan)(request, plan.budget, data, plan.contenders, tasks))


def test_out_of_memory_ends_a_curve_and_no_other() -> None:
    every = jobs(32, 64, 128)
    measured = [job for job in every if job.kind == "measure"]
    full = next(j for j in measured if (j.cell.task, j.cell.implementation) == (
        "fnn-mnist@batch=64", "fake:one"))  # fmt: skip
    left = pending(
        every, {full.id: launch(failure_record(full, Outcome("out-of-memory", "8 GiB")))}
    )
    ids = {(job.cell.task, job.cell.implementation) for job in left}
    assert ("fnn-mnist@batch=128", "fake:one") not in ids
    assert ("fnn-mnist@batch=32", "fake:one") in ids
    assert ("fnn-mnist@batch=128", "fake:two") in ids


def test_threads_are_those_of_the_point() -> None:
    made = points([BY_NAME["fnn-mnist"]], sweeps_of(["threads=1..2"]))
    rows = [Implementation("fake", "one", "m", "p", "fake")]
    tasks = {task.name: task for _, task in made}
    base = plan_of(Request("quick", ("fnn-mnist",), ("fake:one",), threads=4), rows)
    request = Request("quick", tuple(tasks), ("fake:one",), threads=4)
    data = dict.fromkeys(tasks, base.data["fnn-mnist"])
    plan = type(base)(request, base.budget, data, base.contenders, tasks)
    assert {(j.cell.task, j.cell.threads) for j in make_jobs(plan)} == {
        ("fnn-mnist@threads=1", 1), ("fnn-mnist@threads=2", 2),
    }  # fmt: skip
