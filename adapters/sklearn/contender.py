"""scikit-learn: MLPClassifier through partial_fit and predict_proba, the "no framework" choice.

It is an estimator, not a toolkit: dense layers with one activation, one cross-entropy, CPU only.
What it has no word for is refused with a reason. Its BLAS products, weights and moments are
float32; under NumPy 2 Adam's last product and quotient come out in float64, as its learning rate
is a float64 scalar from np.sqrt, and are rounded as they are added to the weights.

All steps of a `train` call are one call of partial_fit over their rows, in their order: unshuffled,
it takes a step for each batch_size of them, and loss_ is the mean of the losses before each step.
It costs a copy of those rows; a call a step would validate and binarize each batch anew, which
takes longer than the step. Known data is not validated again, as the documents advise. Both:
MEASURED.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_info, threadpool_limits

from adapters.base import Adapter, Data, Device, Precision, Setting, Unsupported, only_chains
from adapters.sklearn.model import classifier, dense_layers
from tasks.spec.network import Task
from tasks.weights import Weights


class Contender(Adapter):
    """scikit-learn in mode "mlp"."""

    clamps_loss = True  # its log loss clips probabilities; its gradients do not
    adam_form = "epsilon-hat"

    def __init__(self, mode: str, device: Device, precision: Precision, threads: int) -> None:
        if mode != "mlp":
            raise Unsupported(f"scikit-learn has no mode {mode!r} here: mlp")
        if device != "cpu":
            raise Unsupported("scikit-learn's MLP runs on the CPU only")
        if precision != "fp32":
            raise Unsupported(f"scikit-learn's MLP has no {precision}, only float32 and float64")
        # Kept: the limit holds as long as nobody restores the former one.
        self._limits = threadpool_limits(threads)
        sklearn.set_config(assume_finite=True, skip_parameter_validation=True)
        self._views: Weights = {}

    def settings(self) -> dict[str, Setting]:
        pools = threadpool_info()
        blas = [pool for pool in pools if pool["user_api"] == "blas"]
        config = sklearn.get_config()
        return {
            "version": sklearn.__version__,
            "threads": max(pool["num_threads"] for pool in pools),
            "device": "cpu",
            "precision": "fp32" if self._dtypes() <= {"float32"} else "other",
            "threads_least": min(pool["num_threads"] for pool in pools),
            "blas": ", ".join(sorted({f"{p['internal_api']} {p['version']}" for p in blas})),
            "blas_kernels": ", ".join(sorted({p.get("architecture", "unknown") for p in blas})),
            "assume_finite": config["assume_finite"],
            "skip_parameter_validation": config["skip_parameter_validation"],
        }

    def _dtypes(self) -> set[str]:
        """Of the parameters: partial_fit takes over the type of the first rows it sees."""
        return {view.dtype.name for view in self._views.values()}

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        only_chains(task)
        dense = dense_layers(task)
        self._features = int(np.prod(task.input_shape))
        self._model = classifier(task, [layer for _, layer in dense], seed)
        self._start(task, dense[-1][1].units)
        self._views = {}
        for number, (name, _) in enumerate(dense):
            self._views[f"{name}/kernel"] = self._model.coefs_[number]
            self._views[f"{name}/bias"] = self._model.intercepts_[number]
        for name, view in self._views.items():
            view[...] = weights[name]

    def _start(self, task: Task, units: int) -> None:
        """Make the parameters and the optimizer, which the first call of partial_fit does, without
        a step: it is given no iteration to do (`max_iter` 0), which only unvalidated parameters
        allow. A step would leave its moments in Adam. The arrays are then filled in place."""
        x = np.zeros((task.batch_size, self._features), np.float32)
        y = np.zeros(task.batch_size, np.int64)
        self._model.partial_fit(x, y, classes=np.arange(max(units, 2)))
        self._model.max_iter = 1

    def stage(self, x: np.ndarray, y: np.ndarray) -> Data:
        return x.reshape(len(x), -1).copy(), y.astype(np.int64)

    def train(self, data: Data, order: np.ndarray, warps: np.ndarray | None = None) -> float:
        x, y = data
        self._model.batch_size = order.shape[1]
        rows = order.ravel()
        self._model.partial_fit(x.take(rows, axis=0), y.take(rows))
        return float(self._model.loss_)

    def predict(self, data: Data, batch_size: int) -> np.ndarray:
        x, _ = data
        with _logits(self._model):
            parts = [
                self._model.predict_proba(x[first : first + batch_size])
                for first in range(0, len(x), batch_size)
            ]
        outputs = np.concatenate(parts)
        # Of two classes it answers the columns 1 - p and p, here with the logit for p.
        return outputs[:, 1:] if self._model.n_outputs_ == 1 else outputs

    def wait(self) -> None:
        """Every call above returns when its work is done."""

    def weights(self) -> Weights:
        return {name: view.copy() for name, view in self._views.items()}


@contextmanager
def _logits(model: MLPClassifier) -> Iterator[None]:
    """Inside, the model's last layer has no activation, so that predict_proba answers logits.

    No public method does, and float32 probabilities cannot be turned back into logits exactly.
    `out_activation_` is public and read at every pass; the private _forward_pass_fast reads it
    as well.
    """
    trained = model.out_activation_
    model.out_activation_ = "identity"
    try:
        yield
    finally:
        model.out_activation_ = trained
