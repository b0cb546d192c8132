"""The digit network in whose features generated digits are judged.

It has the body of `transfer-mnist`, and has learned all ten digits from the training rows that the
suite ships: `python -m bench.audit.pretrain` makes its arrays.
"""

from __future__ import annotations

from dataclasses import replace

from tasks.catalogue.transfer import BODY
from tasks.spec.graph import chain
from tasks.spec.layers import Dense
from tasks.spec.network import Task

DIGITS = Task(
    name="digit-features",
    family="cnn",
    summary="Conv 8, pool, Conv 16, pool, Dense 32 relu, Dense 10: all digits",
    data="digits",
    input_shape=(28, 28, 1),
    layers=(*BODY, Dense(32, "relu"), Dense(10)),
    loss="sparse_categorical_crossentropy",
    metric="accuracy",
    epochs=5,
    round_steps=60,
)
"""The digit network as it is trained."""
FEATURES = replace(
    DIGITS,
    summary="the 32 values before its last layer",
    layers=(),
    network=chain(DIGITS.layers[:-1]),
    pretrained="digits-all",
)
"""The digit network as far as its features, (N, 28, 28, 1) → (N, 32), with its arrays."""
