"""Reads NumPy object arrays of lists of ints from an .npz without trusting the pickle in it.

A pickle can name any function and have it called. Here no name of the pickle is ever looked up:
the three that a NumPy object array needs are answered with an inert stand-in, any other ends
the reading. What was built is then looked through: lists of ints, or refused.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from tasks.data.files import archives
from tasks.errors import UserError

_MOST_BYTES = 100_000_000  # Keras's largest member has 14 MB: more is a bomb
_KNOWN = {
    (package, name)
    for package in ("numpy.core.multiarray", "numpy._core.multiarray")
    for name in ("_reconstruct",)
} | {("numpy", "ndarray"), ("numpy", "dtype")}


class _Inert:
    """Stands for ndarray, dtype and _reconstruct: takes anything, does nothing, keeps its state."""

    def __init__(self, *arguments: Any) -> None:
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _KNOWN:
            return _Inert
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def lists(path: Path, name: str) -> list[list[int]]:
    """The object array `name` of an .npz as lists of ints; `UserError` for anything else."""
    file = _member(path, name)
    try:
        shape, dtype = _header(file)
        if not dtype.hasobject:
            raise ValueError("it is no array of lists")
        built = _Unpickler(file).load()
    except Exception as error:  # a hostile pickle can raise anything; nothing of it is run
        raise _refused(path, name, str(error) or type(error).__name__) from None
    rows = _rows(built)
    if rows is None or (len(rows),) != shape:
        raise _refused(path, name, "it holds something else than lists of ints")
    return rows


def numbers(path: Path, name: str) -> np.ndarray:
    """The plain array `name` of an .npz; no pickle is read."""
    try:
        found: np.ndarray = np.lib.format.read_array(_member(path, name), allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise _refused(path, name, str(error)) from None
    return found


def _rows(built: Any) -> list[list[int]] | None:
    """State of an ndarray: (version, shape, dtype, order, values). bool is no int here."""
    state = built.state if isinstance(built, _Inert) else None
    if not (isinstance(state, tuple) and len(state) == 5 and type(state[4]) is list):
        return None
    rows: list[Any] = state[4]
    fine = all(type(row) is list and set(map(type, row)) <= {int} for row in rows)
    return rows if fine else None


def _header(file: io.BytesIO) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise ValueError(f"its .npy version is {version}")
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    return shape, dtype


def _member(path: Path, name: str) -> io.BytesIO:
    try:
        with zipfile.ZipFile(path) as archive:
            about = archive.getinfo(f"{name}.npy")
            if about.file_size > _MOST_BYTES:
                raise _refused(path, name, f"it claims {about.file_size} bytes")
            return io.BytesIO(archive.read(about))
    except KeyError:
        raise UserError(f"{path} has no array {name}; replace it by Keras's imdb.npz") from None
    except archives.BROKEN as error:
        raise UserError(f"{path} is damaged ({error}); replace it by Keras's imdb.npz") from None


def _refused(path: Path, name: str, why: str) -> UserError:
    return UserError(f"{path}: {name} is refused: {why}; replace the file by Keras's imdb.npz")
