"""Series: what ends one, which way a change points, and the exit status."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from bench.history.alike import in_order
from bench.history.series import (
    MIN_RUNS,
    Series,
    change_at,
    exit_code,
    not_judged,
    sentence,
    series_of,
)
from bench.records.record import Outcome, failure_record
from tasks.catalogue.every import TASKS
from tasks.spec.form import definition, digest
from tasks.spec.layers import Dense
from tests.bench.history.made import about, edited, entry, kept, launches, noisy, speed
from tests.support import records
from tests.support.records import job, record


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("machine", "cpu"), "d"),
        (("machine", "cores"), 4),
        (("machine", "memory_gib"), 48),
        (("machine", "architecture"), "aarch64"),
        (("budget", "turns"), 99),
        (("suite", "measurement"), 99),
        (("datasets", "fnn-mnist", "sha256"), "1" * 64),
    ],
)
def test_what_makes_another_series(place: tuple[str, ...], value: Any) -> None:
    other = kept(edited(about(1), *place, to=value), launches())
    found = [s for s in series_of([entry(0), other]) if s.metric == "train_throughput"]
    assert [len(s.points) for s in found] == [1, 1]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("machine", "os"), "Linux 7"),
        (("machine", "python"), "3.12.1"),
        (("suite", "version"), "9"),
        (("suite", "revision"), "def"),
        (("command",), "bench run --tasks fnn-mnist"),
    ],
)
def test_what_a_history_watches_makes_no_other_series(place: tuple[str, ...], value: Any) -> None:
    other = kept(edited(about(1), *place, to=value), launches())
    assert len(speed([entry(0), other]).points) == 2


def test_other_threads_are_another_series() -> None:
    more = launches()
    for each in more:
        each["launch"]["job"]["cell"] |= {"threads": 8}
    found = series_of([entry(0), kept(about(1), more)])
    assert [len(s.points) for s in found if s.metric == "train_throughput"] == [1, 1]


def test_a_task_edited_under_its_name_is_another_series() -> None:
    """One layer's units: the name says nothing of it, the digest does."""
    task = next(work for work in TASKS if work.name == "fnn-mnist")
    number, dense = next((n, x) for n, x in enumerate(task.layers) if isinstance(x, Dense))
    layers = list(task.layers)
    layers[number] = replace(dense, units=dense.units + 1)
    wider = replace(task, layers=tuple(layers))
    assert wider.name == task.name
    facts = {"digest": digest(wider), "definition": definition(wider)}
    raw = edited(about(1), "tasks", "fnn-mnist", to=facts)
    same, other = kept(about(1), launches()), kept(raw, launches())
    assert len(speed([entry(0), same]).points) == 2
    found = [s for s in series_of([entry(0), other]) if s.metric == "train_throughput"]
    assert [len(s.points) for s in found] == [1, 1]
    assert found[0].name == found[1].name
    assert found[0].fingerprint != found[1].fingerprint


def test_a_change_names_the_run_and_what_else_is_new_there() -> None:
    series = speed([entry(0), entry(1, 0.2, os="Linux 7.0")])
    change = change_at(series, 1, series.points[0].value, series.points[1].value)
    assert change.worse
    assert change.relative == pytest.approx(-0.5)
    assert "WORSE" in sentence(change)
    assert "revision r1" in sentence(change)
    assert "os Linux 6.1 → Linux 7.0" in sentence(change)
    latency = replace(series, metric="step_latency_p50", better="lower")
    assert not change_at(latency, 1, 2.0, 1.0).worse
    assert change_at(latency, 1, 1.0, 2.0).worse
    assert change_at(latency, 1, 0.0, 2.0).relative == math.inf


def test_the_score_of_a_regression_is_an_error() -> None:
    error = kept(records.about(["rnn-sequence"]), [record(task="rnn-sequence")])
    better = {s.metric: s.better for s in series_of([error])}
    assert better["test_score"] == "lower"
    assert better["train_throughput"] == "higher"
    assert {s.better for s in series_of([entry(0)]) if s.metric == "test_score"} == {"higher"}


def test_runs_are_ordered_by_their_moment_whatever_its_zone() -> None:
    east = kept(about(0) | {"created": "2026-01-01T04:30:00+02:00"}, launches(0.1))
    utc = kept(about(0) | {"created": "2026-01-01T03:00:00+00:00"}, launches(0.2))
    assert [p.run for p in speed([utc, east]).points] == [east.id, utc.id]


def test_exit_codes() -> None:
    whole = speed(noisy(MIN_RUNS))
    short = replace(whole, points=whole.points[:-1])
    shown = replace(whole, metric="build")
    worse = change_at(whole, 4, 2.0, 1.0)
    better = change_at(whole, 4, 1.0, 2.0)
    assert exit_code([whole], []) == 0
    assert exit_code([whole], [better]) == 0
    assert exit_code([whole], [worse]) == 1
    assert exit_code([whole], [worse], since="2026-01-05") == 1
    assert exit_code([whole], [worse], since="2026-01-06") == 0
    assert exit_code([short], []) == 2
    assert exit_code([shown], []) == 2
    assert exit_code([whole, short], []) == 0


def test_what_runs_vary_by_is_their_noise_and_no_change_in_level() -> None:
    """Forty runs with 1 % noise; the same with a step of 20 % in the middle."""
    even, stepped = speed(noisy(40)), speed(noisy(40, slower_from=20))
    assert 0.006 < even.varies_by < 0.014
    assert stepped.varies_by == pytest.approx(even.varies_by, rel=0.35)
    assert math.isnan(replace(even, points=even.points[:2]).varies_by)


def test_what_stopped_working_is_not_unchanged() -> None:
    entries = noisy(10)
    broken = [failure_record(job("pytorch:eager", b), Outcome("crash", "boom")) for b in (0, 1)]
    last = kept(about(10), [*broken, record("mxnet:hybrid", 0)])
    gone = speed_of(series_of([*entries, last]), "pytorch:eager")
    assert "boom" in gone.missing
    assert exit_code([gone], []) == 2
    assert exit_code([gone], [], since="2026-02-01") == 0
    assert speed_of(series_of([*entries, last, entry(11)]), "pytorch:eager").missing == ""


def speed_of(series: list[Series], implementation: str) -> Series:
    (found,) = [
        s for s in series
        if s.metric == "train_throughput" and s.cell.implementation == implementation
    ]  # fmt: skip
    return found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cpu": "another"}, "another machine: cpu a CPU → another"),
        ({"quota_cores": 0.5}, "another machine: quota_cores none → 0.5"),
        ({"memory_gib": 48}, "another machine: memory_gib 24 → 48"),
    ],
)
def test_a_run_of_another_machine_is_not_judged(change: dict[str, Any], words: str) -> None:
    entries = in_order([*noisy(MIN_RUNS + 1), entry(20, **change)])
    series = series_of(entries)
    lines = not_judged(series, entries)
    assert lines and all(words in line for line in lines)
    assert exit_code(series, [], unseen=bool(lines)) == 2
    both = in_order([*entries, entry(21)])
    assert not not_judged(series_of(both), both), "the newest is of the first machine again"


def test_memory_that_a_reboot_moved_is_the_same_machine() -> None:
    entries = [entry(day, memory_gib=24 - day % 2) for day in range(MIN_RUNS)]
    assert len(speed(in_order(entries)).points) == MIN_RUNS


def test_a_contender_that_nobody_asks_for_any_more_is_gone() -> None:
    entries = [entry(day) for day in range(MIN_RUNS)]
    other = kept(about(20), [record("mxnet:hybrid", block) for block in (0, 1)])
    series = series_of([*entries, other])
    gone = speed_of(series, "pytorch:eager")
    assert "nothing measured" in gone.missing or "was not asked for" in gone.missing or gone.missing
    assert exit_code([gone], []) == 2
