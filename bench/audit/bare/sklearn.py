"""fnn-mnist by hand in scikit-learn: MLPClassifier and `partial_fit`. It has no other family."""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

BATCH = 32
PREDICT_BATCH = 256


class Bare:
    """One `partial_fit` over the rows in their order: unshuffled, it makes a step a batch of them.

    A call a batch, as scikit-learn's examples of learning by parts have it, takes 2.7 times as
    long (fnn-mnist, one thread). Rows are flattened ahead. Input checks are off for both sides of
    a comparison: that is a setting of the process. Inference is the estimator's own too; two
    matrix products in NumPy in its place take 0.87 of the time, and leave scikit-learn.
    """

    def __init__(
        self,
        task: str,
        x: np.ndarray,
        y: np.ndarray,
        weights: dict[str, np.ndarray],
        threads: int,
        mode: str,
    ) -> None:
        self.limits = threadpool_limits(threads)  # restored when it is collected
        sklearn.set_config(assume_finite=True, skip_parameter_validation=True)
        self.x, self.y = self.prepare(x), y
        self.names = list(weights)
        self.model = MLPClassifier(
            (128,), alpha=0.0, batch_size=BATCH, learning_rate_init=1e-3, shuffle=False,
            beta_1=0.9, beta_2=0.999, epsilon=1e-7, max_iter=0,
        )  # fmt: skip
        # With no iteration allowed this call makes the parameters and takes no step.
        self.model.partial_fit(self.x[:BATCH], y[:BATCH], classes=np.arange(10))
        self.model.max_iter = 1
        for own, value in zip(self._parameters(), weights.values(), strict=True):
            own[...] = value

    def _parameters(self) -> list[Any]:
        pairs = zip(self.model.coefs_, self.model.intercepts_, strict=True)
        return [array for pair in pairs for array in pair]

    def train(self, order: np.ndarray) -> float:
        """One step a row of `order`."""
        rows = order.ravel()
        self.model.partial_fit(self.x[rows], self.y[rows])
        return float(self.model.loss_)

    def prepare(self, x: np.ndarray) -> Any:
        """Flat rows."""
        return np.ascontiguousarray(x.reshape(len(x), -1))

    def predict(self, x: Any) -> np.ndarray:
        """Logits of all rows, in batches: probabilities without the softmax they end in."""
        model = self.model
        model.out_activation_ = "identity"
        parts = [
            model.predict_proba(x[i : i + PREDICT_BATCH]) for i in range(0, len(x), PREDICT_BATCH)
        ]
        model.out_activation_ = "softmax"
        return np.concatenate(parts)

    def weights(self) -> dict[str, np.ndarray]:
        """The current weights, copied."""
        return dict(zip(self.names, map(np.array, self._parameters()), strict=True))
