"""Canonical initial weights, made once by NumPy and loaded into every framework.

Rules (Keras's defaults, which the articles use): Glorot-uniform kernels (Glorot & Bengio
2010), orthogonal recurrent kernels (Saxe et al. 2014), uniform ±0.05 embeddings, zero
biases except an LSTM forget bias of 1 (Jozefowicz et al. 2015). Normalisations begin with scale
1, shift 0, running mean 0 and running variance 1.

A task with pretrained weights begins with those where it has arrays of their names.
"""

from __future__ import annotations

from math import sqrt
from pathlib import Path

import numpy as np

from tasks.spec.layers import ArraySpec, Shape
from tasks.spec.network import Task, task_arrays

Weights = dict[str, np.ndarray]
_PRETRAINED = Path(__file__).parent / "data" / "pretrained"


def initial_weights(task: Task, seed: int) -> Weights:
    """Float32 arrays by canonical name; the same seed gives the same bytes everywhere."""
    rng = np.random.Generator(np.random.PCG64(seed))
    weights = {
        name: _drawn(part, rng).astype(np.float32) for name, part in task_arrays(task).items()
    }
    return weights | {k: v for k, v in _pretrained(task.pretrained).items() if k in weights}


def _pretrained(name: str) -> Weights:
    if not name:
        return {}
    with np.load(_PRETRAINED / f"{name}.npz") as stored:
        return {key: stored[key] for key in stored.files}


def _drawn(part: ArraySpec, rng: np.random.Generator) -> np.ndarray:
    match part.draw:
        case "zeros":
            return np.zeros(part.shape)
        case "ones":
            return np.ones(part.shape)
        case "forget":
            return np.repeat([0.0, 1.0, 0.0, 0.0], part.shape[0] // 4)  # gates i, f, g, o
        case "uniform":
            return rng.uniform(-0.05, 0.05, part.shape)
        case "orthogonal":
            return _orthogonal(part.shape, rng)
        case "glorot":
            receptive = int(np.prod(part.shape[:-2]))
            limit = sqrt(6.0 / (receptive * (part.shape[-2] + part.shape[-1])))
            return rng.uniform(-limit, limit, part.shape)


def _orthogonal(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Rows orthonormal, (units, k units); signs fixed for a uniform draw (Mezzadri 2007)."""
    q, r = np.linalg.qr(rng.standard_normal((shape[1], shape[0])))
    return np.asarray((q * np.sign(np.diag(r))).T)
