"""Weights whose relu units are far from their kink, for stretches of many steps.

A unit within rounding of its kink passes its gradient in one framework and not in another, and all
later steps carry it: over hundreds of steps some unit always is. So dense and convolutional units
get biases that keep three of four always on and one always off. A recurrent one depends on its own
state and is left as it is.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.proof.graph_kinks import away_from_zero
from bench.proof.trial import Trial
from tasks.spec.layers import Conv2D, Dense
from tasks.spec.network import layer_name
from tasks.weights import Weights

BATCH = 256


def away_from_kinks(t: Trial, x: np.ndarray) -> Weights:
    """The trial's weights, with relu layers' scaled and their biases such that on the rows x no
    unit is near 0. Scaled, because larger values would make steps of the same rate diverge."""
    weights = dict(t.weights)  # a graph's: see bench.proof.graph_kinks, and the median of draws
    for index, layer in enumerate(t.task.layers):
        if isinstance(layer, (Dense, Conv2D)) and layer.activation == "relu":
            name = layer_name(index, layer)
            shift, factor = _lift(_before_relu(t, index, weights, x))
            weights[f"{name}/kernel"] = (weights[f"{name}/kernel"] * factor).astype(np.float32)
            weights[f"{name}/bias"] = ((weights[f"{name}/bias"] + shift) * factor).astype(
                np.float32
            )
    return weights


def _lift(values: np.ndarray) -> tuple[np.ndarray, float]:
    """values: (..., units) before the activation. What is added to each unit's bias, and the factor
    that brings the layer's values back to the size they had."""
    flat = values.reshape(-1, values.shape[-1])
    shift = away_from_zero(flat)
    now = np.sqrt(np.mean(np.maximum(flat + shift, 0) ** 2))
    before = np.sqrt(np.mean(np.maximum(flat, 0) ** 2))
    return shift, float(before / now) if before and now else 1.0


def _before_relu(t: Trial, index: int, weights: Weights, x: np.ndarray) -> np.ndarray:
    """float64 (rows, ..., units): what reaches the activation of a layer."""
    layer = t.task.layers[index]
    assert isinstance(layer, Dense | Conv2D)
    body = (*t.task.layers[:index], replace(layer, activation="linear"))
    begins = tuple(f"{number}_" for number in range(index + 1))
    used = {name: value for name, value in weights.items() if name.startswith(begins)}
    t.oracle.build(replace(t.task, layers=body), used, t.seed)
    return t.oracle.predict((x.astype(np.float64) if x.dtype.kind == "f" else x, None), BATCH)
