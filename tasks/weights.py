"""Canonical initial weights, made once by NumPy and loaded into every framework.

Rules (Keras's defaults, which the articles use): Glorot-uniform kernels (Glorot & Bengio
2010), orthogonal recurrent kernels (Saxe et al. 2014), uniform ±0.05 embeddings, zero
biases except an LSTM forget bias of 1 (Jozefowicz et al. 2015).
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from tasks.spec.layers import LSTM, Shape
from tasks.spec.network import Task, layer_name, parameter_shapes

Weights = dict[str, np.ndarray]


def initial_weights(task: Task, seed: int) -> Weights:
    """Float32 arrays by canonical name; the same seed gives the same bytes everywhere."""
    rng = np.random.Generator(np.random.PCG64(seed))
    weights: Weights = {}
    for name, shape in parameter_shapes(task).items():
        weights[name] = _draw(name.rsplit("/", 1)[1], shape, rng).astype(np.float32)
    for index, layer in enumerate(task.layers):
        if isinstance(layer, LSTM):
            bias = weights[f"{layer_name(index, layer)}/bias"]
            bias[layer.units : 2 * layer.units] = 1.0
    return weights


def _draw(part: str, shape: Shape, rng: np.random.Generator) -> np.ndarray:
    if part == "bias":
        return np.zeros(shape)
    if part == "table":
        return rng.uniform(-0.05, 0.05, shape)
    if part == "recurrent":
        return _orthogonal(shape, rng)
    receptive = int(np.prod(shape[:-2]))
    limit = sqrt(6.0 / (receptive * (shape[-2] + shape[-1])))
    return rng.uniform(-limit, limit, shape)


def _orthogonal(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Rows orthonormal, (units, k units); signs fixed for a uniform draw (Mezzadri 2007)."""
    q, r = np.linalg.qr(rng.standard_normal((shape[1], shape[0])))
    return np.asarray((q * np.sign(np.diag(r))).T)
