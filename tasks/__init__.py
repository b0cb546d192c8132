"""The tasks: what every framework is asked to do. No framework is imported here."""

from __future__ import annotations

from tasks import cnn, fnn, lstm, rnn
from tasks.spec import Task

TASKS: tuple[Task, ...] = fnn.TASKS + cnn.TASKS + rnn.TASKS + lstm.TASKS
