"""The feed-forward tasks of the source articles."""

from __future__ import annotations

from tasks.spec import Dense, Flatten, Task

_DIGITS = (Flatten(), Dense(128, "relu"), Dense(10))

TASKS = (
    Task(
        name="fnn-mnist",
        family="fnn",
        summary="Flatten, Dense 128 relu, Dense 10 on handwritten digits",
        data="digits",
        input_shape=(28, 28),
        layers=_DIGITS,
        loss="sparse_categorical_crossentropy",
        metric="accuracy",
        target=0.92,
        target_reason="",
        epochs=5,
        round_steps=625,
    ),
)
