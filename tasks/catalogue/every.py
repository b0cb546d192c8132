"""The tasks: what every framework is asked to do. No framework is imported here.

`CATALOGUE` is what the commands offer: the tasks, and the searches, whose trials are tasks.
"""

from __future__ import annotations

from tasks.catalogue import cnn, fnn, lstm, rnn
from tasks.catalogue.searches import SEARCHES, Search
from tasks.spec.network import Task

TASKS: tuple[Task, ...] = fnn.TASKS + cnn.TASKS + rnn.TASKS + lstm.TASKS
CATALOGUE: tuple[Task | Search, ...] = TASKS + SEARCHES
