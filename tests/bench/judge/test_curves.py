"""Curves of a sweep: efficiency, knee, and where memory ends one."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bench.claims.facts import ClaimFacts
from bench.claims.measure import sweeps as evidence
from bench.judge.curves import Knee, SweptCurve, curves
from bench.records.record import Outcome, Record, failure_record
from bench.records.results import Results
from bench.report.figures import sweeps as figure
from bench.report.sections import sweeps as section
from tests.support.records import job, record, results

ROW, OTHER = "pytorch:eager", "mxnet:hybrid"


def swept(axis: str, seconds: Mapping[int, float], name: str = ROW, count: int = 4) -> list[Record]:
    """Sittings in which a round of as many samples takes so long at each value."""
    return [
        record(name, block, took * (1 + 0.002 * block), task=f"fnn-mnist@{axis}={value}")
        for value, took in seconds.items()
        for block in range(count)
    ]


def one(made: Results) -> SweptCurve:
    (curve,) = curves(made)
    return curve


def test_a_run_that_is_no_sweep_has_none() -> None:
    assert curves(results([record()])) == ()


def test_points_ascend_and_the_knee_is_within_a_tenth_of_the_best() -> None:
    curve = one(results(swept("batch", {128: 1.0, 32: 2.0, 64: 1.05, 256: 1.01})))
    assert [p.point.value for p in curve.points] == [32, 64, 128, 256]
    assert curve.best is not None
    assert curve.best.point.value == 128
    assert curve.knee == Knee(64, 64)
    shares = [e.value for p in curve.points if (e := curve.efficiency(p)) is not None]
    assert shares == pytest.approx([0.5, 1 / 1.05, 1.0, 1 / 1.01], rel=0.02)


def test_threads_are_held_against_the_fewest() -> None:
    curve = one(results(swept("threads", {1: 1.0, 2: 0.625})))
    efficiency = curve.efficiency(curve.points[1])
    assert efficiency is not None
    assert efficiency.value == pytest.approx(0.8, rel=0.02)
    assert curve.knee is None


def test_out_of_memory_is_a_point_without_a_value() -> None:
    full = failure_record(
        job(ROW, 0, task="fnn-mnist@batch=256"), Outcome("out-of-memory", "8 GiB")
    )
    made = results([*swept("batch", {64: 1.0, 128: 1.0}), full])
    curve = one(made)
    assert curve.ended is not None
    assert curve.ended.point.value == 256
    assert len(curve.measured) == 2
    (whole,) = section.sections(made, None)  # type: ignore[arg-type]
    text = repr(whole)
    assert "out-of-memory" in text
    assert "out of memory at 256" in text
    assert figure.draw(made) is not None


def test_scalable_is_judged_by_the_curves() -> None:
    records = swept("threads", {1: 1.0, 2: 0.5}) + swept("threads", {1: 1.0, 2: 0.9}, OTHER)
    facts = ClaimFacts(results(records), {}, lambda metric: {})
    assert evidence.threads(facts, "pytorch").verdict == "supported"
    assert evidence.threads(facts, "mxnet").verdict == "contradicted"
    assert evidence.threads(facts, "keras").verdict == "undecided"
    assert evidence.batches(facts, "pytorch").verdict == "undecided"
