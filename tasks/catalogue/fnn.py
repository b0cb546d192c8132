"""The feed-forward tasks of the source articles."""

from __future__ import annotations

from dataclasses import replace

from tasks.spec.layers import Dense, Dropout, Flatten
from tasks.spec.network import Task
from tasks.spec.training import EarlyStopping, Target

ORDER = 1

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
    target=Target(
        0.90, "five epochs end at 0.915 to 0.934 (three seeds); MNIST at 0.976 to 0.979", 0.97
    ),
)

TASKS = (
    _MNIST,
    replace(
        _MNIST,
        name="fnn-mnist-dropout",
        summary="fnn-mnist with Dropout 0.5 after the hidden layer",
        layers=(Flatten(), Dense(128, "relu"), Dropout(0.5), Dense(10)),
        target=Target(0.90, "five epochs end at 0.921 to 0.928 (three seeds)"),
    ),
    replace(
        _MNIST,
        name="fnn-mnist-earlystop",
        summary="fnn-mnist, stopped when the validation loss has not fallen for 2 epochs",
        epochs=30,
        early_stopping=EarlyStopping(patience=2, validation_split=0.2),
        target=Target(
            0.92, "reached after four or five epochs, 0.927 to 0.938 after ten (three seeds)"
        ),
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
        target=Target(
            0.72, "0.738 to 0.740 after one epoch (three seeds); the larger class has 0.678"
        ),
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
        target=Target(
            0.90, "0.90 after four to six epochs, 0.912 to 0.921 after ten (three seeds)"
        ),
    ),
)
