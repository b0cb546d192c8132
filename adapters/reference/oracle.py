"""The oracle: the whole contract in NumPy, in float64 ("fp64"), float32, "tf32" or "bf16".

Every certificate compares a framework with this module. It is an adapter like the others so
that the same conformance tests run over it, and so that mutants can be made from it.

The two lower precisions are what mixed precision means in all frameworks: parameters, optimizer
and loss stay float32. In "tf32" the factors of every product are rounded to 10 bits of mantissa;
in "bf16" they, and what a layer or time step passes on in either direction, to 7.
"""

from __future__ import annotations

from math import sqrt
from typing import Any, Literal

import numpy as np

from adapters.base import AdamForm, Adapter, Data, Setting, Unsupported, VarianceForm
from adapters.reference import layers
from adapters.reference.graph import Graph
from adapters.reference.losses import loss_and_gradient
from adapters.reference.threads import products_on
from tasks.spec.network import Task, layer_name, task_arrays
from tasks.spec.training import Adam
from tasks.weights import Weights

Array = np.ndarray


_DROPPED_BITS = {"tf32": 13, "bf16": 16}  # of float32's 23 bits of mantissa


def round_mantissa(value: Array, dropped: int) -> Array:
    """float32 `value` without its last `dropped` bits, rounded to nearest, ties to even."""
    bits = np.ascontiguousarray(value).view(np.uint32)
    half = np.uint32(2 ** (dropped - 1) - 1) + ((bits >> np.uint32(dropped)) & np.uint32(1))
    return ((bits + half) & np.uint32(2**32 - 2**dropped)).view(np.float32)


class Reference(Adapter):
    """NumPy implementation. `adam` and `variance` pick the forms of Adam and of a running variance:
    those the contender declares."""

    adam_form: AdamForm = "epsilon"  # type: ignore[misc]  # per object: the oracle follows the contender
    variance_form: VarianceForm = "biased"  # type: ignore[misc]

    def __init__(
        self,
        mode: str = "numpy",
        device: str = "cpu",
        precision: Literal["fp64", "fp32", "tf32", "bf16"] = "fp64",
        threads: int = 1,
        adam: AdamForm = "epsilon",
        variance: VarianceForm = "biased",
    ) -> None:
        if device != "cpu":
            raise Unsupported("the NumPy reference runs on the CPU only")
        self.dtype = np.dtype(np.float64 if precision == "fp64" else np.float32)
        self.adam_form = adam
        self.variance_form = variance
        self._precision = precision
        self._threads = threads

    def settings(self) -> dict[str, Setting]:
        return {
            "version": np.__version__,
            "threads": self._threads,
            "device": "cpu",
            "precision": self._precision,
        }

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        self.task = task
        self.params = {name: value.astype(self.dtype) for name, value in weights.items()}
        self.m = {name: np.zeros_like(value) for name, value in self.params.items()}
        self.v = {name: np.zeros_like(value) for name, value in self.params.items()}
        self.t = 0
        self.rng = np.random.default_rng(seed)
        self.graph = (
            Graph(task, self.params, self._rounded, self.adam_form, self.variance_form, seed)
            if task.is_graph
            else None
        )

    def stage(self, x: Array, y: Array) -> Data:
        return (x if self.task.input_dtype == "int32" else x.astype(self.dtype)), y

    def train(self, data: Data, order: Array, warps: Array | None = None) -> float:
        x, y = data
        losses = []
        for step, rows in enumerate(order):
            batch = x[rows] if warps is None else warp(x[rows], warps[step])
            if self.graph:
                with products_on(self._threads):
                    losses.append(self.graph.step(batch, self._targets(y[rows])))
                continue
            loss, grads = self.gradients(batch, y[rows])
            self._update(grads)
            losses.append(loss)
        return float(np.mean(losses))

    def gradients(self, x: Array, y: Array) -> tuple[float, Weights]:
        """Batch-mean loss and its gradient by every parameter, canonical names; of a graph those of
        its first update, 0 for what that does not move, without the state."""
        with products_on(self._threads):
            if self.graph is None:
                return self._gradients(x, y)
            loss, grads, _ = self.graph.gradients(x, self._targets(y), self.task.rules[0])
            trained = [name for name, part in task_arrays(self.task).items() if part.trained]
            return loss, {n: grads.get(n, np.zeros_like(self.params[n])) for n in trained}

    def _targets(self, y: Array) -> Array:
        """As nodes may read them: float targets in the oracle's own precision."""
        return y.astype(self.dtype) if y.dtype.kind == "f" else y

    def _gradients(self, x: Array, y: Array) -> tuple[float, Weights]:
        outputs, saved = self._forward(x, training=True)
        loss, grad = loss_and_gradient(self.task.loss, outputs, y)
        grads: Weights = {}
        for index in reversed(range(len(self.task.layers))):
            layer = self.task.layers[index]
            grad = self._rounded(grad)
            by_x, parts = layers.backward(
                layer, self._parts(index), saved[index], grad, self._rounded, by_input=index > 0
            )
            name = layer_name(index, layer)
            grads.update({f"{name}/{part}": value for part, value in parts.items()})
            if by_x is None:
                break
            grad = by_x
        return loss, grads

    def predict(self, data: Data, batch_size: int) -> Array:
        x, _ = data
        batches = [x[i : i + batch_size] for i in range(0, len(x), batch_size)]
        with products_on(self._threads):
            if self.graph:
                return np.concatenate([self.graph.predict(b) for b in batches])
            return np.concatenate([self._forward(b, training=False)[0] for b in batches])

    def wait(self) -> None:
        return None

    def weights(self) -> Weights:
        return {name: value.copy() for name, value in self.params.items()}

    def _parts(self, index: int) -> Weights:
        prefix = layer_name(index, self.task.layers[index]) + "/"
        params = {k[len(prefix) :]: v for k, v in self.params.items() if k.startswith(prefix)}
        return {part: self._rounded(value) for part, value in params.items()}

    def _rounded(self, value: Array) -> Array:
        """What a product takes of a float value in this precision."""
        dropped = _DROPPED_BITS.get(self._precision, 0)
        return round_mantissa(value, dropped) if dropped and value.dtype == np.float32 else value

    def _forward(self, x: Array, training: bool) -> tuple[Array, list[Any]]:
        saved = []
        task = self.task if training else self.task.without_dropout()
        for index, layer in enumerate(task.layers):
            x, keep = layers.forward(
                layer, self._parts(index), self._rounded(x), self.rng, self._rounded
            )
            saved.append(keep)
        return (self._rounded(x) if self._precision == "bf16" else x), saved

    def _update(self, grads: Weights) -> None:
        optimizer = self.task.optimizer
        self.t += 1
        for name, grad in grads.items():
            if isinstance(optimizer, Adam):
                self.params[name] -= self._adam_step(optimizer, name, grad)
            else:
                self.params[name] -= self.dtype.type(optimizer.learning_rate) * grad

    def _adam_step(self, adam: Adam, name: str, grad: Array) -> Array:
        m, v = self.m[name], self.v[name]
        m += (1 - adam.beta_1) * (grad - m)
        v += (1 - adam.beta_2) * (grad * grad - v)
        first, second = 1 - adam.beta_1**self.t, 1 - adam.beta_2**self.t
        if self.adam_form == "epsilon":
            return adam.learning_rate / first * m / (np.sqrt(v / second) + adam.epsilon)
        return adam.learning_rate * sqrt(second) / first * m / (np.sqrt(v) + adam.epsilon)


def warp(images: Array, maps: Array) -> Array:
    """Affine warp of (N, H, W, C) by maps (N, 6); the sampling rule of `Adapter.train`."""
    n, height, width, _ = images.shape
    ys, xs = np.mgrid[0:height, 0:width].astype(images.dtype)
    a = maps.astype(images.dtype)[:, :, None, None]
    px = np.clip(a[:, 0] * xs + a[:, 1] * ys + a[:, 2], 0, width - 1)
    py = np.clip(a[:, 3] * xs + a[:, 4] * ys + a[:, 5], 0, height - 1)
    x0, y0 = np.floor(px).astype(int), np.floor(py).astype(int)
    x1, y1 = np.minimum(x0 + 1, width - 1), np.minimum(y0 + 1, height - 1)
    fx, fy = (px - x0)[..., None], (py - y0)[..., None]
    row = np.arange(n)[:, None, None]
    top = images[row, y0, x0] * (1 - fx) + images[row, y0, x1] * fx
    bottom = images[row, y1, x0] * (1 - fx) + images[row, y1, x1] * fx
    return np.asarray(top * (1 - fy) + bottom * fy)
