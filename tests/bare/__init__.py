"""Hand-written loops of one task of each family, one module a framework: the suite's yardstick.

`TASKS` are fnn-mnist, cnn-64-10, rnn-sequence and lstm-forecast. Each module has one class
``Bare(task, x, y, weights, threads)``, ``task`` being the name, and needs only NumPy and its
framework; nothing is shared with the adapters, nor among these modules. The ratios in their
docstrings are medians of interleaved runs of fnn-mnist on a loaded two-core machine with one
thread, in CPU seconds unless said otherwise.
"""

TASKS = ("fnn-mnist", "cnn-64-10", "rnn-sequence", "lstm-forecast")
