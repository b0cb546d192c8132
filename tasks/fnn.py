"""The feed-forward tasks of the source articles."""

from __future__ import annotations

from dataclasses import replace

from tasks.spec import Dense, Dropout, EarlyStopping, Flatten, Task

_MNIST = Task(
    name="fnn-mnist",
    family="fnn",
    summary="Flatten, Dense 128 relu, Dense 10 on handwritten digits",
    data="digits",
    input_shape=(28, 28),
    layers=(Flatten(), Dense(128, "relu"), Dense(10)),
    loss="sparse_categorical_crossentropy",
    metric="accuracy",
    epochs=5,
    round_steps=625,
)

TASKS = (
    _MNIST,
    replace(
        _MNIST,
        name="fnn-mnist-dropout",
        summary="fnn-mnist with Dropout 0.5 after the hidden layer",
        layers=(Flatten(), Dense(128, "relu"), Dropout(0.5), Dense(10)),
    ),
    replace(
        _MNIST,
        name="fnn-mnist-earlystop",
        summary="fnn-mnist, stopped when the validation loss has not fallen for 2 epochs",
        epochs=30,
        early_stopping=EarlyStopping(patience=2, validation_split=0.2),
    ),
    Task(
        name="fnn-binary-8",
        family="fnn",
        summary="8 features, Dense 64 relu, Dense 32 relu, Dense 1 sigmoid",
        data="fair",
        input_shape=(8,),
        layers=(Dense(64, "relu"), Dense(32, "relu"), Dense(1)),
        loss="binary_crossentropy",
        metric="accuracy",
        epochs=10,
        round_steps=1000,
    ),
    Task(
        name="fnn-binary-20",
        family="fnn",
        summary="20 features, Dense 64 relu, Dense 1 sigmoid",
        data="binary20",
        input_shape=(20,),
        layers=(Dense(64, "relu"), Dense(1)),
        loss="binary_crossentropy",
        metric="accuracy",
        epochs=10,
        round_steps=1000,
    ),
)
