"""Four tasks as Flax's getting-started guide writes them: NNX modules, one nnx.jit step, optax."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

PREDICT_BATCH = 256


class _Dense(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.first = nnx.Linear(784, 128, rngs=rngs)
        self.last = nnx.Linear(128, 10, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        return self.last(nnx.relu(self.first(x.reshape(x.shape[0], -1))))

    def ordered(self) -> tuple[Any, ...]:
        return self.first.kernel, self.first.bias, self.last.kernel, self.last.bias


class _Images(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.conv = nnx.Conv(3, 32, kernel_size=(3, 3), padding="VALID", rngs=rngs)
        self.first = nnx.Linear(31 * 31 * 32, 64, rngs=rngs)
        self.last = nnx.Linear(64, 10, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = nnx.max_pool(nnx.relu(self.conv(x)), (2, 2), strides=(2, 2))
        return self.last(nnx.relu(self.first(x.reshape(x.shape[0], -1))))

    def ordered(self) -> tuple[Any, ...]:
        dense = (self.first.kernel, self.first.bias, self.last.kernel, self.last.bias)
        return self.conv.kernel, self.conv.bias, *dense


class _Sequence(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.cell = nnx.SimpleCell(1, 64, activation_fn=nnx.relu, rngs=rngs)
        self.rnn = nnx.RNN(self.cell)
        self.first = nnx.Linear(64, 32, rngs=rngs)
        self.last = nnx.Linear(32, 1, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        return self.last(nnx.relu(self.first(self.rnn(x)[:, -1])))

    def ordered(self) -> tuple[Any, ...]:
        cell = (self.cell.dense_i.kernel, self.cell.dense_h.kernel, self.cell.dense_i.bias)
        return *cell, self.first.kernel, self.first.bias, self.last.kernel, self.last.bias


class _Series(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.cell = nnx.OptimizedLSTMCell(1, 50, rngs=rngs)
        self.rnn = nnx.RNN(self.cell)
        self.last = nnx.Linear(50, 1, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        return self.last(self.rnn(x)[:, -1])

    def ordered(self) -> tuple[Any, ...]:
        cell = (self.cell.dense_i.kernel, self.cell.dense_h.kernel, self.cell.dense_h.bias)
        return *cell, self.last.kernel, self.last.bias


def _cross_entropy(outputs: Any, labels: Any) -> Any:
    return optax.softmax_cross_entropy_with_integer_labels(outputs, labels).mean()


def _squares(outputs: Any, targets: Any) -> Any:
    return optax.squared_error(outputs[:, 0], targets).mean()


MODELS: dict[str, tuple[Callable[[nnx.Rngs], Any], Callable[[Any, Any], Any]]] = {
    "fnn-mnist": (_Dense, _cross_entropy),
    "cnn-64-10": (_Images, _cross_entropy),
    "rnn-sequence": (_Sequence, _squares),
    "lstm-forecast": (_Series, _squares),
}


def _step_of(loss: Callable[[Any, Any], Any]) -> Callable[..., None]:
    """The guide's training step: gradients, update and metric in one compiled function."""

    @nnx.jit
    def step(model: Any, optimizer: Any, metric: Any, x: Any, y: Any) -> None:
        value, gradients = nnx.value_and_grad(lambda model: loss(model(x), y))(model)
        optimizer.update(model, gradients)
        metric.update(loss=value)

    return step


@nnx.jit
def _outputs(model: Any, x: Any) -> Any:
    return model(x)


class Bare:
    """The loop of the guide, with NumPy batches in the order they are asked for."""

    def __init__(
        self,
        task: str,
        x: np.ndarray,
        y: np.ndarray,
        weights: dict[str, np.ndarray],
        threads: int,
        mode: str,
    ) -> None:
        if mode != "flax":
            raise ValueError(f"there is no bare loop of mode {mode}")
        # JAX has no setting for it: a thread for each core the process may use.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
        make, loss = MODELS[task]
        self.x, self.y = self.prepare(x), np.array(y)
        self.model = make(nnx.Rngs(0))
        self.names = list(weights)
        for name, parameter in zip(self.names, self.model.ordered(), strict=True):
            parameter[...] = jnp.array(weights[name])
        self.optimizer = nnx.Optimizer(self.model, optax.adam(1e-3, eps=1e-7), wrt=nnx.Param)
        self.step = _step_of(loss)

    def train(self, order: np.ndarray) -> float:
        """One step a row of `order`; the mean loss, awaited with the weights."""
        self.model.train()
        metric = nnx.metrics.Average("loss")
        for rows in order:
            self.step(self.model, self.optimizer, metric, self.x[rows], self.y[rows])
        jax.block_until_ready((nnx.state(self.model), nnx.state(self.optimizer)))
        return float(metric.compute())

    def prepare(self, x: np.ndarray) -> np.ndarray:
        """Rows as the guide has them: NumPy arrays on the host."""
        return np.array(x)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Outputs of all rows, in batches."""
        self.model.eval()
        starts = range(0, len(x), PREDICT_BATCH)
        return np.concatenate([_outputs(self.model, x[i : i + PREDICT_BATCH]) for i in starts])

    def weights(self) -> dict[str, np.ndarray]:
        """The current weights, copied."""
        values = zip(self.names, self.model.ordered(), strict=True)
        return {name: np.array(parameter[...]) for name, parameter in values}
