"""The losses, and their gradients by the outputs, in plain NumPy."""

from __future__ import annotations

import numpy as np

from adapters.reference.layers import Array, sigmoid
from tasks.spec.training import Loss, Term


def loss_and_gradient(
    loss: Loss, outputs: Array, y: Array, label_smoothing: float = 0.0
) -> tuple[float, Array]:
    """Mean loss over the batch, and a row's values, in its fused-logits form; and its gradient by
    the outputs, (N, units) or (N, T, units).

    Sparse categorical, over the last axis: logsumexp(z) - z[y]. Binary: max(z, 0) - z y + log(1 +
    exp(-|z|)).
    """
    if loss == "sparse_categorical_crossentropy":
        return _categorical(outputs, y, label_smoothing)
    n = outputs.size
    target = np.broadcast_to(y, outputs.shape) if np.ndim(y) == 0 else y.reshape(outputs.shape)
    target = target.astype(outputs.dtype)
    if loss == "binary_crossentropy":
        value = np.maximum(outputs, 0) - outputs * target + np.log1p(np.exp(-np.abs(outputs)))
        return float(value.mean()), (sigmoid(outputs) - target) / n
    difference = outputs - target
    return float((difference**2).mean()), 2 * difference / n


def _categorical(outputs: Array, y: Array, smoothing: float) -> tuple[float, Array]:
    z, classes = outputs.reshape(-1, outputs.shape[-1]), y.reshape(-1)
    n, places = len(z), np.arange(len(z))
    shifted = z - z.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    grad = np.exp(log_p)
    if smoothing:
        share = smoothing / z.shape[1]
        loss = -(1 - smoothing) * log_p[places, classes].mean() - share * log_p.sum(1).mean()
        grad[places, classes] -= 1 - smoothing
        grad -= share
    else:
        loss = -log_p[places, classes].mean()
        grad[places, classes] -= 1
    return float(loss), (grad / n).reshape(outputs.shape)


def term_and_gradient(term: Term, outputs: Array, y: Array) -> tuple[float, Array]:
    """Of one term of an update; y: the rows' own targets."""
    target = y if term.target is None else np.array(term.target)
    return loss_and_gradient(term.loss, outputs, target, term.label_smoothing)
