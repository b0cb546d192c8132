"""Forward and backward of the normalisations, in plain NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from adapters.reference.layers import Array, Params
from adapters.reference.pairs import Given, Gradients, Pairs, Result
from tasks.spec.normalization import BatchNorm, LayerNorm


def batch_norm(layer: BatchNorm, g: Given) -> Result:
    (x,) = g.reads
    axes = tuple(range(x.ndim - 1))
    by_batch = g.training and not layer.frozen
    mean = x.mean(axes) if by_batch else g.p["mean"]
    variance = x.var(axes) if by_batch else g.p["variance"]
    scale = 1 / np.sqrt(variance + x.dtype.type(layer.epsilon))
    normal = (x - mean) * scale
    state = {}
    if by_batch:
        n = x.size // x.shape[-1]
        kept = variance * n / (n - 1) if g.variance == "unbiased" else variance
        old = layer.momentum
        state = {
            "mean": old * g.p["mean"] + (1 - old) * mean,
            "variance": old * g.p["variance"] + (1 - old) * kept,
        }
    return Result(g.p["gamma"] * normal + g.p["beta"], (normal, scale, by_batch), state)


def batch_norm_back(layer: BatchNorm, p: Params, saved: Any, grad: Array) -> Gradients:
    normal, scale, by_batch = saved
    axes = tuple(range(grad.ndim - 1))
    by_normal = grad * p["gamma"]
    if by_batch:
        by_normal = by_normal - by_normal.mean(axes) - normal * (by_normal * normal).mean(axes)
    parts = {"gamma": (grad * normal).sum(axes), "beta": grad.sum(axes)}
    return Gradients((by_normal * scale,), parts)


def layer_norm(layer: LayerNorm, g: Given) -> Result:
    (x,) = g.reads
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    scale = 1 / np.sqrt(variance + x.dtype.type(layer.epsilon))
    normal = (x - mean) * scale
    return Result(g.p["gamma"] * normal + g.p["beta"], (normal, scale))


def layer_norm_back(layer: LayerNorm, p: Params, saved: Any, grad: Array) -> Gradients:
    normal, scale = saved
    axes = tuple(range(grad.ndim - 1))
    by_normal = grad * p["gamma"]
    centred = by_normal - by_normal.mean(-1, keepdims=True)
    by_x = scale * (centred - normal * (by_normal * normal).mean(-1, keepdims=True))
    return Gradients((by_x,), {"gamma": (grad * normal).sum(axes), "beta": grad.sum(axes)})


PAIRS: Pairs = {BatchNorm: (batch_norm, batch_norm_back), LayerNorm: (layer_norm, layer_norm_back)}
