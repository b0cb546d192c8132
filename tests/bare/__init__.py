"""Hand-written loops of fnn-mnist, one a framework: what the suite must not be slower than.

Each module has one class ``Bare`` and needs only NumPy and its framework; nothing is shared with
the adapters, nor among these modules. The ratios in their docstrings are medians of interleaved
runs on a loaded two-core machine with one thread, in CPU seconds unless said otherwise.
"""
