"""How good predictions are, by the task's own metric.

Generated digits are scored by their Fréchet distance to real ones (Heusel et al. 2017), not in the
features of Inception, as there, but in the 32 of the suite's own digit network.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from adapters.reference.losses import loss_and_gradient
from adapters.reference.oracle import Reference
from tasks.features import FEATURES
from tasks.spec.network import Task
from tasks.weights import initial_weights

Array = np.ndarray
_BATCH = 256


def score(task: Task, outputs: np.ndarray, y: np.ndarray) -> float:
    """The task's metric on outputs (N, units): accuracy in 0…1, root mean squared error, the
    task's own loss, or of generated digits their Fréchet distance to the real ones y."""
    if task.metric == "frechet_distance":
        return distance_of_digits(outputs, y)
    if task.metric == "cross_entropy":
        return loss_and_gradient(task.loss, outputs.astype(np.float64), y)[0]
    if task.metric == "rmse":
        return float(np.sqrt(np.mean((outputs[:, 0] - y) ** 2)))
    if task.loss == "binary_crossentropy":
        return float(np.mean((outputs[:, 0] > 0) == (y > 0.5)))
    return float(np.mean(outputs.argmax(axis=1) == y))


def distance_of_digits(made: Array, real: Array) -> float:
    """Of images with values in 0…1, each row's 784 values in any shape."""
    return frechet(features(made), features(real))


def features(images: Array) -> Array:
    """(N, ...) of 784 values → (N, 32)."""
    rows = images.reshape(-1, *FEATURES.input_shape)
    network = _network()
    return network.predict(network.stage(rows, np.zeros(len(rows))), _BATCH)


@cache
def _network() -> Reference:
    network = Reference(precision="fp32")
    network.build(FEATURES, initial_weights(FEATURES, 0), 0)
    return network


def frechet(one: Array, other: Array) -> float:
    """|m - n|² + tr(C + D - 2 (C D)^½) of the means m, n and covariances C, D of rows (N, units).

    The trace of the root is the sum of the roots of the eigenvalues of C^½ D C^½, which is
    symmetric and has those of C D. Not a number where a value is not.
    """
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        return float("nan")
    one, other = one.astype(np.float64), other.astype(np.float64)
    root = _root(np.cov(one, rowvar=False))
    covariance = np.cov(other, rowvar=False)
    mixed = np.linalg.eigvalsh(root @ covariance @ root)
    apart = np.sum((one.mean(axis=0) - other.mean(axis=0)) ** 2)
    traces = np.trace(root @ root) + np.trace(covariance)
    return float(apart + traces - 2 * np.sum(np.sqrt(np.maximum(mixed, 0))))


def _root(symmetric: Array) -> Array:
    """Of a symmetric matrix without negative eigenvalues but by rounding."""
    values, vectors = np.linalg.eigh(symmetric)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T)
