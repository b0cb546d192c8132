"""Small tasks that faults are tried on: quick to certify, every kind of layer and loss in them."""

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
from tasks.spec.training import Augmentation, Loss, Score

SPARSE: Loss = "sparse_categorical_crossentropy"
BINARY: Loss = "binary_crossentropy"
SQUARE: Loss = "mean_squared_error"


def _task(family: Family, name: str, shape: tuple[int, ...], loss: Loss, *layers: Layer) -> Task:
    metric: Score = "rmse" if loss == SQUARE else "accuracy"
    return Task(
        name, family, "", "", shape, layers, loss, metric,
        epochs=1, round_steps=64, batch_size=16,
    )  # fmt: skip


FNN = _task(
    "fnn", "small-fnn", (7, 5), SPARSE, Flatten(), Dense(24, "relu"), Dropout(0.5), Dense(10)
)
FNN_FIFTH = _task(
    "fnn", "small-fnn-fifth", (30,), SPARSE, Dense(32, "relu"), Dropout(0.2), Dense(10)
)
CNN = replace(
    _task(
        "cnn", "small-cnn", (17, 16, 3), SPARSE,
        Conv2D(6, 3, "relu"), MaxPool2D(2), Conv2D(8, 3, "relu"), MaxPool2D(2), Flatten(),
        Dense(16, "relu"), Dense(10),
    ),
    augmentation=Augmentation(40, 0.2, 0.2, 0.2, flip=True),
)  # fmt: skip
RNN = _task("rnn", "small-rnn", (9, 2), SQUARE, SimpleRNN(12, "relu"), Dense(8, "relu"), Dense(1))
RNN_TANH = _task("rnn", "small-rnn-tanh", (9, 2), BINARY, SimpleRNN(12), Dense(1))
LSTM_FLOAT = _task("lstm", "small-lstm", (9, 2), SQUARE, LSTM(11), Dense(1))
LSTM_WORDS = _task("lstm", "small-lstm-words", (14,), BINARY, Embedding(60, 9), LSTM(11), Dense(1))
LSTM_LONG = _task("lstm", "small-lstm-long", (130,), BINARY, Embedding(40, 6), LSTM(8), Dense(1))
SMALL = (FNN, FNN_FIFTH, CNN, RNN, RNN_TANH, LSTM_FLOAT, LSTM_WORDS, LSTM_LONG)


def rows(task: Task, rows: int = 400, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """x (rows, *input_shape) and targets y (rows,) that can be learned from it, in the task's
    types."""
    rng = np.random.default_rng(seed)
    first = task.layers[0]
    if isinstance(first, Embedding):
        x = rng.integers(0, first.vocabulary, (rows, *task.input_shape)).astype(np.int32)
    else:
        x = rng.standard_normal((rows, *task.input_shape)).astype(np.float32)
    flat = x.reshape(rows, -1).astype(float)
    signal = flat @ rng.standard_normal(flat.shape[1])
    signal = (signal - signal.mean()) / signal.std()
    if task.loss == SPARSE:
        edges = np.quantile(signal, np.linspace(0, 1, 11)[1:-1])
        return x, np.digitize(signal, edges).astype(np.int32)
    return x, (signal > 0 if task.loss == BINARY else signal).astype(np.float32)
