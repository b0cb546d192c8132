"""A task that is a graph as Keras's documents would train it: functional models, compile and fit.

The layers are graph_layers.py's, everything at Keras's own settings: one step an execution, XLA by
Keras's own choice, no unrolled sequence.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from adapters.keras.graph_layers import Making
from adapters.keras.graph_model import Network
from adapters.keras.graph_training import (
    afresh,
    is_plain,
    loss_of,
    on_tensorflow,
    optimizer_of,
    stepping_model,
)
from tasks.spec.network import Task
from tasks.weights import Weights


class Program:
    """One network and the model that trains it."""

    def __init__(self, task: Task, weights: Weights) -> None:
        self._network = Network(Making(keras), task)
        self._network.load(weights)
        self.model: Any = compiled(self._network)

    def restart(self, task: Task, weights: Weights, seed: int) -> None:
        """What `fit` and `predict` have traced is kept."""
        afresh(self._network, self.model, task, weights, seed)

    def fit(self, x: np.ndarray, y: np.ndarray, batch_size: int) -> float:
        """The mean of the losses of all steps, rows in their order."""
        history = self.model.fit(x, y, batch_size=batch_size, shuffle=False, verbose=0)
        return float(history.history["loss"][-1])

    def fit_batches(self, batches: Any) -> float:
        """The same over a tf.data set."""
        return float(self.model.fit(batches, verbose=0).history["loss"][-1])

    def predict(self, x: np.ndarray, batch_size: int) -> np.ndarray:
        outputs: np.ndarray = self.model.predict(x, batch_size=batch_size, verbose=0)
        return outputs

    def weights(self) -> Weights:
        return self._network.weights()


def compiled(network: Network) -> Any:
    """What is trained: the functional model itself where one loss says how."""
    if is_plain(network.task):
        update = network.task.rules[0]
        network.predicting.compile(
            optimizer=optimizer_of(network, update), loss=loss_of(keras, update.terms[0])
        )
        return network.predicting
    model = stepping_model(network, on_tensorflow(tf))
    model.compile()
    return model
