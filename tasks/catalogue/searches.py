"""The hyper-parameter searches of the source articles, over the digits network."""

from __future__ import annotations

from tasks.catalogue import fnn
from tasks.spec.search import Search

ORDER = 5

_DIGITS = next(task for task in fnn.TASKS if task.name == "fnn-mnist")
_SPACE = "units 32…512, learning rate 1e-2, 1e-3, 1e-4, on fnn-mnist"

SEARCHES = (
    Search("tune-random", f"random search: {_SPACE}", "random", _DIGITS, 5, 20),
    Search("tune-grid", f"sub-grid 2x3 (full: 6x3): {_SPACE}", "grid", _DIGITS, 6, 18),
    Search("tune-bayes", f"Bayesian search (TPE): {_SPACE}", "tpe", _DIGITS, 5, 20),
)
