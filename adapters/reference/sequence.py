"""Forward and backward of the layers of sequence networks that only graphs have, in plain NumPy."""

from __future__ import annotations

from dataclasses import replace
from math import erf, pi, sqrt
from typing import Any

import numpy as np

from adapters.reference import layers
from adapters.reference.layers import Array, Params, sigmoid
from adapters.reference.pairs import Given, Gradients, Pairs, Result
from tasks.spec.sequence import (
    GRU,
    Bidirectional,
    Gelu,
    PositionalEmbedding,
    SelfAttention,
    Unembedding,
)

_CUBIC = 0.044715
_erf = np.frompyfunc(erf, 1, 1)


def gelu(layer: Gelu, g: Given) -> Result:
    (x,) = g.reads
    if layer.form == "tanh":
        return Result(0.5 * x * (1 + np.tanh(sqrt(2 / pi) * (x + _CUBIC * x**3))), x)
    return Result(x * _below(x), x)


def _below(x: Array) -> Array:
    """The normal distribution's function Φ(x)."""
    return np.asarray(0.5 * (1 + np.asarray(_erf(x / sqrt(2)), x.dtype)))


def gelu_back(layer: Gelu, p: Params, saved: Array, grad: Array) -> Gradients:
    x = saved
    if layer.form == "tanh":
        t = np.tanh(sqrt(2 / pi) * (x + _CUBIC * x**3))
        slope = 0.5 * (1 + t)
        slope = slope + 0.5 * x * (1 - t * t) * sqrt(2 / pi) * (1 + 3 * _CUBIC * x * x)
    else:
        slope = _below(x) + x * np.exp(-0.5 * x * x) / sqrt(2 * pi)
    return Gradients((grad * slope,))


def positional(layer: PositionalEmbedding, g: Given) -> Result:
    (x,) = g.reads
    return Result(x + g.p["table"], None)


def positional_back(layer: PositionalEmbedding, p: Params, saved: None, grad: Array) -> Gradients:
    return Gradients((grad,), {"table": grad.sum(0)})


def unembedding(layer: Unembedding, g: Given) -> Result:
    (x,) = g.reads
    return Result(x @ g.p["table"].T, x)


def unembedding_back(layer: Unembedding, p: Params, saved: Array, grad: Array) -> Gradients:
    return Gradients((grad @ p["table"],), {"table": _product(grad, saved)})


def _product(a: Array, b: Array) -> Array:
    """aᵀ b over all rows and places: (..., m), (..., n) → (m, n)."""
    return np.asarray(a.reshape(-1, a.shape[-1]).T @ b.reshape(-1, b.shape[-1]))


def _split(x: Array, heads: int) -> Array:
    """(N, T, E) → (N, heads, T, E / heads)."""
    n, time, units = x.shape
    return x.reshape(n, time, heads, units // heads).transpose(0, 2, 1, 3)


def _merged(x: Array) -> Array:
    n, heads, time, size = x.shape
    return x.transpose(0, 2, 1, 3).reshape(n, time, heads * size)


def attention(layer: SelfAttention, g: Given) -> Result:
    (x,) = g.reads
    p, stored = g.p, g.stored
    q = _split(stored(x @ p["query"] + p["query_bias"]), layer.heads)
    k = _split(stored(x @ p["key"]), layer.heads)
    v = _split(stored(x @ p["value"] + p["value_bias"]), layer.heads)
    scores = q @ k.transpose(0, 1, 3, 2) / sqrt(q.shape[-1])
    scores = stored(scores.astype(x.dtype))
    if layer.causal:
        time = x.shape[1]
        scores = np.where(np.tri(time, dtype=bool), scores, -np.inf)
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    shares = stored((shares / shares.sum(-1, keepdims=True)).astype(x.dtype))
    mixed = stored(_merged(shares @ v))
    return Result(mixed @ p["output"] + p["output_bias"], (x, q, k, v, shares, mixed))


def attention_back(layer: SelfAttention, p: Params, saved: Any, grad: Array) -> Gradients:
    x, q, k, v, shares, mixed = saved
    by_mixed = _split(grad @ p["output"].T, layer.heads)
    by_v = shares.transpose(0, 1, 3, 2) @ by_mixed
    by_shares = by_mixed @ v.transpose(0, 1, 3, 2)
    by_scores = shares * (by_shares - (by_shares * shares).sum(-1, keepdims=True))
    by_scores = (by_scores / sqrt(q.shape[-1])).astype(x.dtype)
    by_q, by_k, by_v = map(_merged, (by_scores @ k, by_scores.transpose(0, 1, 3, 2) @ q, by_v))
    by_x = by_q @ p["query"].T + by_k @ p["key"].T + by_v @ p["value"].T
    parts = {
        "query": _product(x, by_q),
        "query_bias": by_q.sum((0, 1)),
        "key": _product(x, by_k),
        "value": _product(x, by_v),
        "value_bias": by_v.sum((0, 1)),
        "output": _product(mixed, grad),
        "output_bias": grad.sum((0, 1)),
    }
    return Gradients((by_x,), parts)


def gru(layer: GRU, g: Given) -> Result:
    (x,) = g.reads
    p, stored, units = g.p, g.stored, layer.units
    h = np.zeros((len(x), units), x.dtype)
    steps, states = [], []
    for t in range(x.shape[1]):
        zx = stored(x[:, t] @ p["kernel"] + p["bias"])
        zh = stored(h @ p["recurrent"])
        r = stored(sigmoid(zx[:, :units] + zh[:, :units]))
        z = stored(sigmoid(zx[:, units : 2 * units] + zh[:, units : 2 * units]))
        n = stored(np.tanh(zx[:, 2 * units :] + r * zh[:, 2 * units :]))
        steps.append((h, r, z, n, zh[:, 2 * units :]))
        h = stored((1 - z) * n + z * h)
        states.append(h)
    return Result(np.stack(states, axis=1) if layer.sequences else h, (x, steps))


def gru_back(layer: GRU, p: Params, saved: Any, grad: Array) -> Gradients:
    x, steps = saved
    grads = {part: np.zeros_like(value) for part, value in p.items()}
    by_x = np.zeros_like(x)
    last = x.shape[1] - 1
    by_h = np.zeros_like(steps[0][0])
    for t in reversed(range(x.shape[1])):
        if layer.sequences:
            by_h = by_h + grad[:, t]
        elif t == last:
            by_h = by_h + grad
        h, r, z, n, candidate = steps[t]
        by_n = by_h * (1 - z) * (1 - n * n)
        by_z = by_h * (h - n) * z * (1 - z)
        by_r = by_n * candidate * r * (1 - r)
        by_zx = np.concatenate((by_r, by_z, by_n), axis=1)
        by_zh = np.concatenate((by_r, by_z, by_n * r), axis=1)
        grads["kernel"] += x[:, t].T @ by_zx
        grads["bias"] += by_zx.sum(0)
        grads["recurrent"] += h.T @ by_zh
        by_x[:, t] = by_zx @ p["kernel"].T
        by_h = by_h * z + by_zh @ p["recurrent"].T
    return Gradients((by_x,), grads)


def bidirectional(layer: Bidirectional, g: Given) -> Result:
    (x,) = g.reads
    results = []
    for way, turned in _ways(x):
        own = replace(g, reads=(turned,), p=_of_way(g.p, way))
        results.append(_cell(layer, own))
    ahead, back = (result.out for result in results)
    if layer.layer.sequences:
        back = back[:, ::-1]
    return Result(np.concatenate((ahead, back), axis=-1), [result.saved for result in results])


def bidirectional_back(layer: Bidirectional, p: Params, saved: Any, grad: Array) -> Gradients:
    ahead, back = np.split(grad, 2, axis=-1)
    if layer.layer.sequences:
        back = back[:, ::-1]
    by_x: Array | None = None
    parts: Params = {}
    for way, kept, by_out in zip(("forward", "backward"), saved, (ahead, back), strict=True):
        found = _cell_back(layer, _of_way(p, way), kept, by_out)
        (by_read,) = found.by_reads
        assert by_read is not None
        by_x = by_read if by_x is None else by_x + by_read[:, ::-1]
        parts |= {f"{way}_{name}": value for name, value in found.by_parts.items()}
    return Gradients((by_x,), parts)


def _ways(x: Array) -> tuple[tuple[str, Array], tuple[str, Array]]:
    return ("forward", x), ("backward", x[:, ::-1])


def _of_way(p: Params, way: str) -> Params:
    begin = f"{way}_"
    return {name.removeprefix(begin): v for name, v in p.items() if name.startswith(begin)}


def _cell(layer: Bidirectional, g: Given) -> Result:
    if isinstance(layer.layer, GRU):
        return gru(layer.layer, g)
    rng = np.random.default_rng(0)  # for dropouts; nothing is drawn
    return Result(*layers.forward(layer.layer, g.p, g.reads[0], rng, g.stored))


def _cell_back(layer: Bidirectional, p: Params, saved: Any, grad: Array) -> Gradients:
    if isinstance(layer.layer, GRU):
        return gru_back(layer.layer, p, saved, grad)
    by_x, parts = layers.backward(layer.layer, p, saved, grad)
    return Gradients((by_x,), parts)


PAIRS: Pairs = {
    Gelu: (gelu, gelu_back),
    PositionalEmbedding: (positional, positional_back),
    Unembedding: (unembedding, unembedding_back),
    SelfAttention: (attention, attention_back),
    GRU: (gru, gru_back),
    Bidirectional: (bidirectional, bidirectional_back),
}
