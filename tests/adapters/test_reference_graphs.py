"""The oracle over graphs judged by finite differences, SciPy and the formulas of the papers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from adapters.mutants.small_graphs import (
    ADVERSARIES,
    FROZEN,
    GATES,
    GRAPHS,
    LANGUAGE,
    RESIDUAL,
    graph_rows,
)
from adapters.reference.graph import forward
from adapters.reference.optimizers import clipped
from adapters.reference.oracle import Reference
from adapters.reference.pairs import Given
from tasks.spec.graph import Node
from tasks.spec.layers import LSTM, Conv2D, Dense, Flatten, Layer
from tasks.spec.network import Task, moved_arrays, task_arrays
from tasks.spec.normalization import BatchNorm, LayerNorm
from tasks.spec.sequence import (
    GRU,
    Bidirectional,
    Gelu,
    PositionalEmbedding,
    SelfAttention,
)
from tasks.spec.training import SGD, Term, Update, WarmupCosine
from tasks.spec.vision import (
    Add,
    AveragePool2D,
    Concat,
    GlobalAveragePool,
    LeakyRelu,
    Relu,
    Reshape,
    Slice,
    TransposedConv2D,
)
from tasks.weights import initial_weights

STEP = 1e-6
ROWS = 5


def drawn(task: Task) -> dict[str, np.ndarray]:
    """Float64 weights, none of them zero or one; variances positive."""
    rng = np.random.default_rng(4)
    weights = initial_weights(task, 2)
    return {
        name: w
        + 0.1 * (abs if name.endswith("variance") else np.asarray)(rng.standard_normal(w.shape))
        for name, w in weights.items()
    }


def of_update(task: Task, number: int) -> Task:
    return replace(task, updates=(task.rules[number],))


def loss(task: Task, weights: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray) -> float:
    oracle = Reference()
    oracle.build(task, weights, 0)
    return oracle.gradients(x, y)[0]


def check(task: Task) -> None:
    """Every array that is moved, along a random direction and at its largest element."""
    x, y = graph_rows(task, ROWS)
    x = x if x.dtype.kind == "i" else x.astype(np.float64)
    weights = drawn(task)
    oracle = Reference()
    oracle.build(task, weights, 0)
    _, gradients = oracle.gradients(x, y)
    moved = set(moved_arrays(task, task.rules[0]))
    rng = np.random.default_rng(1)
    for name, gradient in gradients.items():
        if name not in moved:
            assert not gradient.any()
            continue
        one = np.zeros(gradient.shape)
        one[np.unravel_index(np.abs(gradient).argmax(), gradient.shape)] = 1
        for direction in (one, rng.standard_normal(gradient.shape)):
            sides = [
                loss(task, {**weights, name: weights[name] + s * STEP * direction}, x, y)
                for s in (1, -1)
            ]
            slope = (sides[0] - sides[1]) / (2 * STEP)
            assert slope == pytest.approx(float((gradient * direction).sum()), rel=1e-6, abs=1e-9)


UPDATES = [(task, number) for task in GRAPHS for number in range(len(task.rules))]


@pytest.mark.parametrize(("task", "number"), UPDATES, ids=lambda v: getattr(v, "name", str(v)))
def test_gradients_of_every_update_are_the_slopes_of_its_loss(task: Task, number: int) -> None:
    check(of_update(task, number))


SEQUENCE, IMAGE, VECTOR = (4, 6), (5, 6, 3), (7,)
LAYERS: list[tuple[Layer, tuple[int, ...]]] = [
    (Dense(3, "tanh"), SEQUENCE),
    (Dense(3, bias=False), VECTOR),
    (Conv2D(4, 3, "tanh", stride=2, padding="same"), IMAGE),
    (Conv2D(4, 2, "sigmoid", stride=2), IMAGE),
    (Conv2D(2, 3, padding="same", bias=False), IMAGE),
    (Conv2D(2, 1, stride=2, padding="same", bias=False), IMAGE),
    (LSTM(3, sequences=True), SEQUENCE),
    (GRU(3), SEQUENCE),
    (GRU(3, sequences=True), SEQUENCE),
    (Bidirectional(LSTM(3)), SEQUENCE),
    (Bidirectional(GRU(2, sequences=True)), SEQUENCE),
    (SelfAttention(2), SEQUENCE),
    (SelfAttention(3, causal=True), SEQUENCE),
    (PositionalEmbedding(), SEQUENCE),
    (Gelu("erf"), SEQUENCE),
    (Gelu("tanh"), IMAGE),
    (LayerNorm(1e-3), SEQUENCE),
    (BatchNorm(0.9, 1e-3), IMAGE),
    (BatchNorm(0.9, 1e-5), VECTOR),
    (BatchNorm(0.9, 1e-3, frozen=True), IMAGE),
    (Relu(), IMAGE),
    (LeakyRelu(0.3), SEQUENCE),
    (Slice(1, 4), SEQUENCE),
    (Slice(2, 3), IMAGE),
    (Reshape((6, 4)), SEQUENCE),
    (AveragePool2D(2), IMAGE),
    (AveragePool2D(3), IMAGE),
    (GlobalAveragePool(), IMAGE),
    (GlobalAveragePool(), SEQUENCE),
    (TransposedConv2D(2, 4, 2, "tanh"), IMAGE),
    (TransposedConv2D(2, 3, 2, bias=False), IMAGE),
    (TransposedConv2D(2, 5, 1), IMAGE),
]


def between(layer: Layer, shape: tuple[int, ...]) -> Task:
    """The layer over a layer that learns, and under one: its gradients by input and by array."""
    return replace(
        RESIDUAL,
        input_shape=shape,
        network=(
            Node("below", Dense(shape[-1], "tanh"), ("x",)),
            Node("layer", layer, ("below",)),
            Node("both", Add(), ("layer", "layer")),
            Node("flat", Flatten(), ("both",)),
            Node("logits", Dense(10), ("flat",)),
        ),
        updates=(Update((Term("logits", "sparse_categorical_crossentropy"),)),),
    )


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=str)
def test_every_layer_against_finite_differences(layer: Layer, shape: tuple[int, ...]) -> None:
    check(between(layer, shape))


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(4, 7), st.sampled_from(["same", "valid"]))
def test_strides_and_padding_of_any_size(kernel: int, stride: int, side: int, padding: str) -> None:
    layer = Conv2D(2, kernel, "tanh", stride=stride, padding=padding)  # type: ignore[arg-type]
    check(between(layer, (side, side + 1, 2)))


def test_same_padding_puts_the_odd_zero_right_and_below() -> None:
    """A kernel of ones, stride 2, over one pixel: only where the pad begins after the image."""
    x = np.zeros((1, 4, 4, 1))
    x[0, 0, 0, 0] = 1
    layer = Conv2D(1, 3, stride=2, padding="same", bias=False)
    out = forward(layer, Given((x,), {"kernel": np.ones((3, 3, 1, 1))}), np.random.default_rng(0))
    assert out.out[0, :, :, 0].tolist() == [[1, 0], [0, 0]]
    x[0, 0, 0, 0], x[0, 3, 3, 0] = 0, 1
    out = forward(layer, Given((x,), {"kernel": np.ones((3, 3, 1, 1))}), np.random.default_rng(0))
    assert out.out[0, :, :, 0].tolist() == [[0, 0], [0, 1]]


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 3), st.integers(0, 3), st.integers(2, 4))
def test_a_transposed_convolution_is_the_gradient_of_a_convolution(
    stride: int, more: int, side: int
) -> None:
    kernel = stride + more
    rng = np.random.default_rng(stride + 10 * more)
    layer = TransposedConv2D(2, kernel, stride, bias=False)
    p = {"kernel": rng.standard_normal((kernel, kernel, 2, 3))}
    x = rng.standard_normal((1, side, side, 3))
    up = forward(layer, Given((x,), p), rng).out
    down = Conv2D(3, kernel, stride=stride, padding="same", bias=False)
    other = rng.standard_normal(up.shape)
    back = forward(down, Given((other,), p), rng).out
    assert (up * other).sum() == pytest.approx((x * back).sum(), rel=1e-9)


def test_gelu_is_scipys_normal_distribution() -> None:
    x = np.linspace(-6, 6, 101)[None]
    out = forward(Gelu("erf"), Given((x,), {}), np.random.default_rng(0)).out
    assert np.allclose(out, x * special.ndtr(x), rtol=1e-12, atol=1e-15)
    near = forward(Gelu("tanh"), Given((x,), {}), np.random.default_rng(0)).out
    assert 1e-4 < np.abs(near - out).max() < 4.8e-4


def test_a_causal_position_sees_no_later_one() -> None:
    rng = np.random.default_rng(0)
    layer = SelfAttention(2, causal=True)
    p = {name: rng.standard_normal(part.shape) for name, part in layer.parts((5, 4)).items()}
    x = rng.standard_normal((2, 5, 4))
    before = forward(layer, Given((x,), p), rng).out
    x[:, 3] += 1
    after = forward(layer, Given((x,), p), rng).out
    assert np.array_equal(before[:, :3], after[:, :3])
    assert not np.allclose(before[:, 3:], after[:, 3:])


@pytest.mark.parametrize("form", ["biased", "unbiased"])
def test_running_statistics_are_state_and_move_once_a_step(form: str) -> None:
    x, y = graph_rows(RESIDUAL, 8)
    oracle = Reference(variance=form)  # type: ignore[arg-type]
    oracle.build(RESIDUAL.with_optimizer(SGD(0.0)), initial_weights(RESIDUAL, 1), 0)
    data = oracle.stage(x, y)
    oracle.predict(data, 4)
    assert not oracle.weights()["norm/mean"].any()
    assert oracle.graph is not None
    conv = oracle.graph.values({"x": x.astype(float)}, RESIDUAL.network[:1], False)[0]["conv"]
    oracle.train(data, np.arange(8, dtype=np.int32)[None].repeat(2, 0))
    n = conv.size // 4
    variance = conv.var((0, 1, 2)) * (n / (n - 1) if form == "unbiased" else 1)
    got = oracle.weights()
    assert np.allclose(got["norm/mean"], (1 - 0.81) * conv.mean((0, 1, 2)))
    assert np.allclose(got["norm/variance"], 0.81 + (1 - 0.81) * variance)


def test_frozen_arrays_and_statistics_stand() -> None:
    x, y = graph_rows(FROZEN, 8)
    start = initial_weights(FROZEN, 1)
    oracle = Reference()
    oracle.build(FROZEN, start, 0)
    oracle.train(oracle.stage(x, y), np.arange(8, dtype=np.int32)[None].repeat(3, 0))
    for name, value in oracle.weights().items():
        stands = name.split("/")[0] in ("0_conv2d", "1_batchnorm")
        assert np.array_equal(value, start[name]) == stands, name


def test_a_tied_table_has_the_gradients_of_both_uses() -> None:
    parts = task_arrays(LANGUAGE)
    assert "tokens/table" in parts
    assert not any(name.startswith("logits/") for name in parts)


def test_the_second_update_sees_what_the_first_has_moved() -> None:
    x, y = graph_rows(ADVERSARIES, 8)
    start = initial_weights(ADVERSARIES, 1)

    def made_by(task: Task) -> np.ndarray:
        oracle = Reference()
        oracle.build(task, start, 0)
        oracle.train(oracle.stage(x, y), np.arange(8, dtype=np.int32)[None].repeat(5, 0))
        return oracle.weights()["fake/kernel"]

    turned = replace(ADVERSARIES, updates=ADVERSARIES.updates[::-1])
    assert np.abs(made_by(ADVERSARIES) - made_by(turned)).max() > 1e-6


def test_warm_up_begins_with_a_move_and_the_cosine_ends() -> None:
    schedule = WarmupCosine(4, 12, 0.1)
    factors = [schedule.factor(k) for k in (1, 4, 8, 12, 20)]
    assert factors == pytest.approx([0.25, 1, 0.55, 0.1, 0.1])


def test_clipping_is_by_the_norm_over_all() -> None:
    grads = {"a": np.array([3.0]), "b": np.array([4.0])}
    assert clipped(grads, 1.0) == {"a": pytest.approx([0.6]), "b": pytest.approx([0.8])}
    assert clipped(grads, 9.0) == grads


def test_both_ways_of_a_sequence_are_in_its_own_order() -> None:
    """Turned round, a sequence gives the other way's values where the arrays are the same."""
    rng = np.random.default_rng(0)
    layer = Bidirectional(GRU(3, sequences=True))
    one = {n: rng.standard_normal(p.shape) for n, p in GRU(3).parts((5, 2)).items()}
    p = {f"{way}_{n}": v for way in ("forward", "backward") for n, v in one.items()}
    x = rng.standard_normal((2, 5, 2))
    out = forward(layer, Given((x,), p), rng).out
    turned = forward(layer, Given((x[:, ::-1],), p), rng).out
    assert np.allclose(out[..., :3], turned[:, ::-1, 3:])
    assert GATES.network[1].layer.parts((5, 2)).keys() >= {"forward_kernel", "backward_bias"}


def test_concat_is_in_the_order_of_reading() -> None:
    a, b = np.zeros((1, 2)), np.ones((1, 3))
    out = forward(Concat(), Given((a, b), {}), np.random.default_rng(0)).out
    assert out.tolist() == [[0, 0, 1, 1, 1]]
