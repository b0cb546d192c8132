"""The tasks: what every framework is asked to do. No framework is imported here.

`CATALOGUE` is what the commands offer: the tasks, and the searches, whose trials are tasks.
"""

from __future__ import annotations

from tasks import cnn, fnn, lstm, rnn
from tasks.spec import Task
from tasks.tuning import SEARCHES, Search

TASKS: tuple[Task, ...] = fnn.TASKS + cnn.TASKS + rnn.TASKS + lstm.TASKS
CATALOGUE: tuple[Task | Search, ...] = TASKS + SEARCHES
