"""The oracle judged by what is not ours: finite differences, SciPy, the papers' formulas."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage, signal, special

from adapters.base import AdamForm
from adapters.reference.losses import loss_and_gradient
from adapters.reference.oracle import Reference, warp
from tasks.draws import draw_warps
from tasks.spec.layers import Activation, Conv2D, Dense, Flatten, MaxPool2D
from tasks.spec.network import Task
from tasks.spec.training import Adam, Augmentation
from tasks.weights import initial_weights
from tests.support.small import CNN, RNN, SMALL, random_rows

STEP = 1e-6  # the error of a central difference is near STEP² and 1e-16 / STEP: 1e-10


def drawn(task: Task) -> dict[str, np.ndarray]:
    """Float64 weights, biases included, away from zero."""
    rng = np.random.default_rng(4)
    weights = initial_weights(task, 2)
    return {k: w + 0.1 * rng.standard_normal(w.shape) for k, w in weights.items()}


def mean_loss(task: Task, weights: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray) -> float:
    oracle = Reference()
    oracle.build(task, weights, 0)
    return oracle.gradients(x, y)[0]


def check_gradients(task: Task) -> None:
    """Every parameter array, along random directions and at single elements."""
    task = task.without_dropout()
    x, y = random_rows(task, rows=6)
    x = x if task.input_dtype == "int32" else x.astype(np.float64)
    weights = drawn(task)
    oracle = Reference()
    oracle.build(task, weights, 0)
    _, gradients = oracle.gradients(x, y)
    assert gradients.keys() == weights.keys()
    rng = np.random.default_rng(1)
    for name, gradient in gradients.items():
        one = np.zeros(gradient.shape)
        one[np.unravel_index(np.abs(gradient).argmax(), gradient.shape)] = 1
        for direction in (one, rng.standard_normal(gradient.shape)):
            sides = [
                mean_loss(task, {**weights, name: weights[name] + s * STEP * direction}, x, y)
                for s in (1, -1)
            ]
            slope = (sides[0] - sides[1]) / (2 * STEP)
            assert slope == pytest.approx(float((gradient * direction).sum()), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("task", SMALL, ids=lambda t: t.name)
def test_gradients_are_those_of_finite_differences(task: Task) -> None:
    check_gradients(task)


@pytest.mark.parametrize("activation", ["linear", "relu", "tanh", "sigmoid"])
def test_every_activation(activation: Activation) -> None:
    layers = (Flatten(), Dense(7, activation), Dense(1))
    check_gradients(replace(CNN, layers=layers, loss="binary_crossentropy"))
    check_gradients(replace(CNN, layers=(Conv2D(4, 3, activation), Flatten(), Dense(10))))
    check_gradients(replace(RNN, layers=(replace(RNN.layers[0], activation=activation), Dense(1))))


@pytest.mark.parametrize("size", [2, 3])
def test_pools_drop_the_odd_border(size: int) -> None:
    task = replace(CNN, layers=(Conv2D(4, 2), MaxPool2D(size), Flatten(), Dense(10)))
    check_gradients(task)


def test_convolution_is_scipys_correlation() -> None:
    task = replace(CNN, layers=(Conv2D(5, 3), Flatten(), Dense(10)))
    x, y = random_rows(task, rows=2)
    weights = drawn(task)
    oracle = Reference()
    oracle.build(task, weights, 0)
    outputs = oracle.predict(oracle.stage(x, y), 2)
    kernel = weights["0_conv2d/kernel"]
    feature = np.stack(
        [
            [
                sum(signal.correlate2d(row[..., c], kernel[..., c, f], "valid") for c in range(3))
                for f in range(5)
            ]
            for row in x.astype(np.float64)
        ]
    ).transpose(0, 2, 3, 1)
    feature += weights["0_conv2d/bias"]
    expected = feature.reshape(2, -1) @ weights["2_dense/kernel"] + weights["2_dense/bias"]
    assert np.allclose(outputs, expected, rtol=1e-12)


def test_losses_are_the_textbooks_and_survive_large_logits() -> None:
    z = np.array([[1.0, -2.0, 0.5], [30.0, 0.0, -30.0]])
    y = np.array([2, 0])
    expected = -np.log(special.softmax(z, axis=1)[np.arange(2), y]).mean()
    assert loss_and_gradient("sparse_categorical_crossentropy", z, y)[0] == pytest.approx(expected)
    t = np.array([1.0, 0.0])
    expected = -(special.log_expit(z[0, 0]) + special.log_expit(-z[1, 0])) / 2
    assert loss_and_gradient("binary_crossentropy", z[:, :1], t)[0] == pytest.approx(expected)
    assert np.isfinite(loss_and_gradient("binary_crossentropy", np.array([[1e4], [-1e4]]), t)[0])
    assert loss_and_gradient("mean_squared_error", z[:, :1], t)[0] == pytest.approx(450.0)


@pytest.mark.parametrize("form", ["epsilon", "epsilon-hat"])
def test_adam_is_the_papers(form: AdamForm) -> None:
    """Kingma & Ba 2015, Algorithm 1, and the reordered form at the end of their section 2."""
    task = replace(CNN, layers=(Flatten(), Dense(10)), optimizer=Adam(0.01, 0.8, 0.95, 1e-2))
    x, y = random_rows(task, rows=32)
    weights = drawn(task)
    oracle = Reference(adam=form)
    oracle.build(task, weights, 0)
    name, rule = "1_dense/kernel", task.optimizer
    assert isinstance(rule, Adam)
    theta, m, v = weights[name].copy(), 0.0, 0.0
    for t in range(1, 6):
        g = oracle.gradients(x.astype(np.float64), y)[1][name]
        m, v = rule.beta_1 * m + (1 - rule.beta_1) * g, rule.beta_2 * v + (1 - rule.beta_2) * g**2
        if form == "epsilon":
            m_hat, v_hat = m / (1 - rule.beta_1**t), v / (1 - rule.beta_2**t)
            theta -= rule.learning_rate * m_hat / (np.sqrt(v_hat) + rule.epsilon)
        else:
            rate = rule.learning_rate * np.sqrt(1 - rule.beta_2**t) / (1 - rule.beta_1**t)
            theta -= rate * m / (np.sqrt(v) + rule.epsilon)
        oracle.train(oracle.stage(x, y), np.arange(32)[None])
        assert np.allclose(oracle.weights()[name], theta, rtol=1e-12)


def test_warps_are_scipys() -> None:
    image = np.random.default_rng(0).random((1, 21, 30, 3))
    augmentation = Augmentation(40, 0.2, 0.2, 0.2, True)
    for seed in range(5):
        maps = draw_warps(augmentation, 1, 1, image.shape[1:], seed)[0].astype(np.float64)
        a, b, c, d, e, f = maps[0]
        expected = [
            ndimage.affine_transform(
                image[0, ..., channel], [[e, d], [b, a]], (f, c), order=1, mode="nearest"
            )
            for channel in range(3)
        ]
        assert np.allclose(warp(image, maps)[0], np.stack(expected, -1), atol=1e-9)
