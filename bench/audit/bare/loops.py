"""Hand-written loops of some tasks, one module a framework: the suite's yardstick.

One of each family of chains, and two graphs.

Each module has one class ``Bare(task, x, y, weights, threads, mode)``, ``task`` being the name and
``mode`` the adapter table's, and needs only NumPy and its framework; nothing is shared with the
adapters, nor among these modules, but PyTorch's graphs between its two. ``TASKS`` of a module are
those that it has; without one they are `CHAINS`. Modes that differ by one switch differ by that
switch here too. The ratios in their docstrings are medians of interleaved runs of fnn-mnist on a
loaded two-core machine with one thread, in CPU seconds unless said otherwise.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Rows drawn for training, steps of a training round, rows of an inference pass."""

    rows: int
    steps: int
    test_rows: int


# The most steps a round has: the tasks' own `round_steps`.
SIZES = {
    "fnn-mnist": Size(4000, 625, 2048),
    "cnn-64-10": Size(800, 25, 512),
    "rnn-sequence": Size(1600, 300, 2048),
    "lstm-forecast": Size(1600, 200, 2048),
    "transformer-imdb": Size(1600, 25, 512),
    "resnet-photos": Size(800, 25, 512),
}

TASKS = tuple(SIZES)
CHAINS = ("fnn-mnist", "cnn-64-10", "rnn-sequence", "lstm-forecast")
