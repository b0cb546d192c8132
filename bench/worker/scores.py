"""How good predictions are, by the task's own metric."""

from __future__ import annotations

import numpy as np

from adapters.reference.losses import loss_and_gradient
from tasks.spec.network import Task


def score(task: Task, outputs: np.ndarray, y: np.ndarray) -> float:
    """The task's metric on outputs (N, units): accuracy in 0…1, root mean squared error, or the
    task's own loss."""
    if task.metric == "cross_entropy":
        return loss_and_gradient(task.loss, outputs.astype(np.float64), y)[0]
    if task.metric == "rmse":
        return float(np.sqrt(np.mean((outputs[:, 0] - y) ** 2)))
    if task.loss == "binary_crossentropy":
        return float(np.mean((outputs[:, 0] > 0) == (y > 0.5)))
    return float(np.mean(outputs.argmax(axis=1) == y))
