"""Weights of a graph that keep units off their kinks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from adapters.mutants.small_graphs import PIXELS, RESIDUAL, graph_rows
from adapters.reference.oracle import Reference
from bench.proof.certify import certify
from bench.proof.graph_kinks import away_from_zero, off_kinks
from tasks.spec.graph import ROWS, Node
from tasks.spec.training import Proof
from tasks.spec.vision import Relu
from tasks.weights import Weights, initial_weights


def nearest(weights: Weights, x: np.ndarray) -> float:
    """How near to 0 anything comes that a relu of the small residual network reads."""
    oracle = Reference()
    oracle.build(RESIDUAL, weights, 0)
    assert oracle.graph
    values, _, _ = oracle.graph.values({ROWS: x.astype(float)}, RESIDUAL.nodes, training=True)
    reads = [n.reads[0] for n in RESIDUAL.nodes if isinstance(n.layer, Relu)]
    return min(float(np.abs(values[name]).min()) for name in reads)


def test_no_unit_is_near_zero_and_some_are_off() -> None:
    x, _ = graph_rows(RESIDUAL)
    fresh = initial_weights(RESIDUAL, 0)
    moved = off_kinks(RESIDUAL, fresh, x)
    assert nearest(fresh, x) < 0.01 < 0.2 < nearest(moved, x)
    assert {name for name in fresh if not np.array_equal(fresh[name], moved[name])} == {
        f"{norm}/{part}"
        for norm, parts in (
            ("norm", ("gamma", "beta")),
            ("strided_norm", ("gamma", "beta")),
        )
        for part in parts
    }
    assert np.array_equal(fresh["norm/gamma"], initial_weights(RESIDUAL, 0)["norm/gamma"])


def test_three_units_of_four_are_on_and_one_is_off() -> None:
    values = np.random.default_rng(0).standard_normal((50, 8))
    assert np.all(np.sign(values + away_from_zero(values)) == [1, 1, 1, -1, 1, 1, 1, -1])


def test_a_relu_that_reads_no_norm_cannot_be_moved() -> None:
    bare = replace(PIXELS, network=(*PIXELS.network, Node("relu", Relu(), ("shrunk",))))
    x, _ = graph_rows(PIXELS)
    with pytest.raises(ValueError, match="shrunk is no norm"):
        off_kinks(bare, initial_weights(bare, 0), x)


def test_a_certificate_is_made_from_them_and_refuses_a_wrong_step() -> None:
    """The oracle in float32 passes at the task's own rate; with another momentum it is refused."""
    task = replace(RESIDUAL, proof=Proof(0.05, 5e-3, off_kinks=True))
    x, y = graph_rows(task, 640)
    honest = certify(Reference(precision="fp32"), task, x, y, 0)
    assert honest.passed, [check for check in honest.checks if not check.passed]

    class Heavier(Reference):
        def build(self, task, weights, seed):  # type: ignore[no-untyped-def]
            optimizer = task.updates[0].optimizer
            if hasattr(optimizer, "momentum"):
                task = task.with_optimizer(replace(optimizer, momentum=0.89))
            super().build(task, weights, seed)

    faulty = certify(Heavier(precision="fp32"), task, x, y, 0)
    assert not faulty.passed
