"""Small tasks of every family with random data: quick to certify, every kind of layer in them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tasks.spec.layers import (
    LSTM,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    MaxPool2D,
    SimpleRNN,
)
from tasks.spec.network import Family, Task
from tasks.spec.training import Augmentation, Loss


def _task(
    family: Family, name: str, shape: tuple[int, ...], layers: tuple[Layer, ...], loss: Loss
) -> Task:
    metric = "rmse" if loss == "mean_squared_error" else "accuracy"
    return Task(
        name, family, "", "", shape, layers, loss, metric,
        epochs=1, round_steps=4, batch_size=16,
    )  # fmt: skip


FNN = _task(
    "fnn", "small-fnn", (7, 5), (Flatten(), Dense(24, "relu"), Dropout(0.5), Dense(10)),
    "sparse_categorical_crossentropy",
)  # fmt: skip
CNN = replace(_task(
    "cnn", "small-cnn", (17, 16, 3),
    (Conv2D(6, 3, "relu"), MaxPool2D(2), Conv2D(8, 3, "relu"), MaxPool2D(2), Flatten(),
     Dense(16, "relu"), Dense(10)),
    "sparse_categorical_crossentropy",
), augmentation=Augmentation(40, 0.2, 0.2, 0.2, flip=True))  # fmt: skip
RNN = _task(
    "rnn", "small-rnn", (9, 2), (SimpleRNN(12, "relu"), Dense(8, "relu"), Dense(1)),
    "mean_squared_error",
)  # fmt: skip
RNN_TANH = _task("rnn", "small-rnn-tanh", (9, 2), (SimpleRNN(12), Dense(1)), "binary_crossentropy")
LSTM_FLOAT = _task("lstm", "small-lstm", (9, 2), (LSTM(11), Dense(1)), "mean_squared_error")
LSTM_WORDS = _task(
    "lstm", "small-lstm-words", (14,), (Embedding(60, 9), LSTM(11), Dense(1)), "binary_crossentropy"
)  # fmt: skip
SMALL = (FNN, CNN, RNN, RNN_TANH, LSTM_FLOAT, LSTM_WORDS)


def random_rows(task: Task, rows: int = 400, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """x (rows, *input_shape) and learnable y (rows,) in the task's types."""
    rng = np.random.default_rng(seed)
    if task.input_dtype == "int32":
        first = task.layers[0]
        assert isinstance(first, Embedding)
        x = rng.integers(0, first.vocabulary, (rows, *task.input_shape)).astype(np.int32)
    else:
        x = rng.standard_normal((rows, *task.input_shape)).astype(np.float32)
    signal = x.reshape(rows, -1).astype(float) @ rng.standard_normal(int(np.prod(task.input_shape)))
    signal = (signal - signal.mean()) / signal.std()
    if task.loss == "sparse_categorical_crossentropy":
        edges = np.quantile(signal, np.linspace(0, 1, 11)[1:-1])
        return x, np.digitize(signal, edges).astype(np.int32)
    return x, (signal > 0 if task.loss == "binary_crossentropy" else signal).astype(np.float32)
