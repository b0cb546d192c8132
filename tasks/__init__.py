"""The tasks: what every framework is asked to do. No framework is imported here.

`TASKS` is what the commands offer. `PLANNED` tasks are described and have their data, but are not
yet certified in every framework; a task moves up when it is. `CATALOGUE` adds the searches, whose
trials are tasks.
"""

from __future__ import annotations

from tasks import cnn, fnn, lstm, rnn
from tasks.spec import Task
from tasks.tuning import SEARCHES, Search

TASKS: tuple[Task, ...] = fnn.TASKS
PLANNED: tuple[Task, ...] = cnn.TASKS + rnn.TASKS + lstm.TASKS
CATALOGUE: tuple[Task | Search, ...] = TASKS + SEARCHES
