"""Gated recurrent networks that are no plain chain: a GRU, and an LSTM both ways.

Candidates: they are built and can be certified, but are not offered as tasks: no run of theirs
justifies a target yet.
"""

from __future__ import annotations

from dataclasses import replace

from tasks.spec.graph import chain
from tasks.spec.layers import LSTM, Dense, Embedding
from tasks.spec.network import Task
from tasks.spec.sequence import GRU, Bidirectional

ORDER = 5

_GRU = Task(
    name="gru-imdb",
    family="lstm",
    summary="10,000 words, length 200, Embedding 128, GRU 128, Dense 1: sentiment",
    data="reviews",
    input_shape=(200,),
    layers=(),
    loss="binary_crossentropy",
    metric="accuracy",
    epochs=3,
    round_steps=8,
    infer_batches=2,
    network=chain((Embedding(10_000, 128), GRU(128), Dense(1))),
)

TASKS: tuple[Task, ...] = ()
CANDIDATES = (
    _GRU,
    replace(
        _GRU,
        name="lstm-bidirectional",
        summary="10,000 words, length 200, Embedding 64, two LSTMs 32 both ways, Dense 1",
        network=chain(
            (
                Embedding(10_000, 64),
                Bidirectional(LSTM(32, sequences=True)),
                Bidirectional(LSTM(32)),
                Dense(1),
            )
        ),
    ),
)
