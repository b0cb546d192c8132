"""What must be so before MXNet is imported: import this module first.

MXNet 1.9.1 (2022, its last release) takes `numpy.bool`, the name of Python's own `bool`, which
NumPy 1.24 removed. Its adapters compute the same on NumPy 1.23.5, where the name is there, and on
1.26.4, which is the oldest of which there are builds for Python 3.12.
"""

from __future__ import annotations

import numpy as np

if "bool" not in vars(np):
    vars(np)["bool"] = bool
