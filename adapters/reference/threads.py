"""How many threads NumPy's own products take.

OpenBLAS starts its threads for products that are far too small for them, and they spin while they
wait: the oracle on small batches takes five times as much processor time with two threads as with
one. It has no switch in NumPy, so it is asked by its C interface, as threadpoolctl does, which the
frameworks' environments do not have. Only the library that came with NumPy is touched: a
framework may hold another one.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

# Beside the package in wheels for Linux and Windows, inside it in those for macOS.
_FOLDERS = ("../numpy.libs", ".dylibs")
_NAMES = ("scipy_openblas_{}64_", "openblas_{}64_", "scipy_openblas_{}", "openblas_{}")


class _Switch(NamedTuple):
    read: Callable[[], int]
    write: Callable[[int], None]


@contextmanager
def products_on(threads: int) -> Iterator[None]:
    """NumPy's products inside take that many threads, and afterwards as many as before. Nothing
    where NumPy has another library than its own OpenBLAS."""
    switch = _switch()
    before = threads if switch is None else switch.read()
    if switch is None or before == threads:
        yield
        return
    switch.write(threads)
    try:
        yield
    finally:
        switch.write(before)


@cache
def _switch() -> _Switch | None:
    home = Path(np.__file__).parent
    for folder in _FOLDERS:
        for path in sorted((home / folder).glob("*openblas*")):
            library = ctypes.CDLL(str(path))
            for name in _NAMES:
                read = getattr(library, name.format("get_num_threads"), None)
                write = getattr(library, name.format("set_num_threads"), None)
                if read is not None and write is not None:
                    return _Switch(read, write)
    return None
