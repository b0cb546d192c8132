"""The simple recurrent tasks of the source articles."""

from __future__ import annotations

from tasks.spec.layers import Dense, SimpleRNN
from tasks.spec.network import Task
from tasks.spec.training import Target

ORDER = 3

TASKS = (
    Task(
        name="rnn-sequence",
        family="rnn",
        summary="(10, 1), SimpleRNN 64 relu, Dense 32 relu, Dense 1: the next value of a series",
        data="sequence",
        input_shape=(10, 1),
        layers=(SimpleRNN(64, "relu"), Dense(32, "relu"), Dense(1)),
        loss="mean_squared_error",
        metric="rmse",
        epochs=10,
        round_steps=300,
        target=Target(
            0.21, "0.195 to 0.207 after ten epochs (three seeds); a linear fit reads 0.21"
        ),
    ),
    Task(
        name="rnn-binary",
        family="rnn",
        summary="(10, 1), SimpleRNN 50, Dense 1 sigmoid: does the series rise",
        data="sequence-binary",
        input_shape=(10, 1),
        layers=(SimpleRNN(50), Dense(1)),
        loss="binary_crossentropy",
        metric="accuracy",
        epochs=10,
        round_steps=300,
        target=Target(0.72, "0.713 to 0.729 after ten epochs, over 0.724 on the way (three seeds)"),
    ),
)
