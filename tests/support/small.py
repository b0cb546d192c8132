"""Small tasks of every family with random data: quick to certify, every kind of layer in them.

Those that faults are tried on, with shorter rounds.
"""

from __future__ import annotations

from dataclasses import replace

from adapters.mutants import small

FNN, CNN, RNN, RNN_TANH, LSTM_FLOAT, LSTM_WORDS = SMALL = tuple(
    replace(task, round_steps=4)
    for task in (
        small.FNN, small.CNN, small.RNN, small.RNN_TANH, small.LSTM_FLOAT, small.LSTM_WORDS,
    )
)  # fmt: skip
random_rows = small.rows
