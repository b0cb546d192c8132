"""The Fréchet distance against SciPy's matrix root, and what it says of digits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg

from bench.worker.scores import features, frechet, score
from tasks.catalogue.generative import TASKS
from tasks.data import digits
from tasks.features import FEATURES
from tasks.weights import initial_weights

(GAN,) = (task for task in TASKS if task.family == "gan")


def rows(seed: int, count: int, units: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, units)) @ rng.standard_normal((units, units)) + rng.random()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999), st.integers(2, 6), st.integers(3, 40))
def test_it_is_the_formula_with_scipys_root(seed: int, units: int, count: int) -> None:
    """Fewer rows than units too, where covariances have no full rank."""
    one, other = rows(seed, count, units), rows(seed + 1, 2 * count, units)
    c, d = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    apart = np.sum((one.mean(0) - other.mean(0)) ** 2)
    root = np.real(linalg.sqrtm(c @ d))
    expected = apart + np.trace(c + d - 2 * root)
    assert frechet(one, other) == pytest.approx(expected, rel=1e-4, abs=1e-4)
    assert frechet(one, other) == pytest.approx(frechet(other, one), rel=1e-6, abs=1e-6)


def test_rows_are_at_no_distance_from_themselves_and_a_shift_counts_squared() -> None:
    one = rows(3, 50, 5)
    assert frechet(one, one) == pytest.approx(0, abs=1e-9)
    assert frechet(one, one + 2.0) == pytest.approx(5 * 4)


def test_what_is_not_finite_has_no_distance() -> None:
    one = rows(3, 50, 5)
    assert np.isnan(frechet(np.where(one > 2, np.inf, one), one))
    assert not GAN.reached(float("nan"), 35.0)


def test_real_digits_are_near_random_pixels_are_not() -> None:
    """The figures that the target's reason has."""
    arrays = digits.make().arrays
    train, test = arrays.x_train[:1000] / 255, arrays.x_test[..., None] / 255
    near = score(GAN, train.reshape(len(train), -1), test)
    noise = np.random.default_rng(0).random((len(test), 784))
    assert near < 1
    assert score(GAN, noise, test) == pytest.approx(145, abs=5)
    ones = test.reshape(len(test), -1)[arrays.y_test == 1]
    assert score(GAN, ones, test) > 35, "one digit, however well made"


def test_the_features_are_those_of_the_stored_arrays_whatever_the_seed() -> None:
    first, second = (initial_weights(FEATURES, seed) for seed in (0, 1))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    made = features(np.zeros((3, 784)))
    assert made.shape == (3, 32)
    assert np.isfinite(made).all()
