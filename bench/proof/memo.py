"""The oracle's answers, kept: the same question of several frameworks is computed once.

A question is known by the digest of the task, the rows, the seed, what is asked, and the code that
answers. Answers are kept in this process, and in a folder where one is given.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

Answer = Mapping[str, np.ndarray]

# Enough for the small tasks of the tests; a large answer would push all others out.
IN_PROCESS_BYTES, LARGEST_IN_PROCESS = 2**27, 2**23
# Single precision rounds by 6e-8: nothing beside the bounds, and half the space.
ROUNDED_FROM_ELEMENTS = 2**17
FOLDER_BYTES = 2**31

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
_CODE = ("adapters/reference", "bench/proof", "tasks/spec")
_kept: dict[str, dict[str, np.ndarray]] = {}


@dataclass(frozen=True)
class Memo:
    """Where answers are kept. folder: None for this process only."""

    folder: Path | None = None

    def answer(self, question: str, compute: Callable[[], Answer]) -> dict[str, np.ndarray]:
        """The kept answer to `question`, or `compute`'s, which is then kept."""
        key = hashlib.sha256(f"{code_digest()} {question}".encode()).hexdigest()[:32]
        if key in _kept:
            return _kept[key]
        path = self.folder / f"{key}.npz" if self.folder else None
        answer = _read(path) if path else None
        if answer is None:
            answer = {name: np.asarray(value) for name, value in compute().items()}
            if path:
                _write(path, answer)
        _keep(key, answer)
        return answer


@cache
def code_digest() -> str:
    """SHA-256 of the oracle's source and of the checks that ask it."""
    total = hashlib.sha256()
    extra = [_ROOT / "tasks" / "weights.py", _ROOT / "tasks" / "draws.py"]
    for path in [*extra, *(p for folder in _CODE for p in sorted((_ROOT / folder).glob("*.py")))]:
        total.update(path.read_bytes())
    return total.hexdigest()


def rows_digest(*arrays: np.ndarray) -> str:
    """SHA-256 over types, shapes and bytes."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(f"{array.dtype.str} {array.shape}\n".encode())
        total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()


def _keep(key: str, answer: dict[str, np.ndarray]) -> None:
    if _size(answer) > LARGEST_IN_PROCESS:
        return
    _kept[key] = answer
    while sum(map(_size, _kept.values())) > IN_PROCESS_BYTES:
        del _kept[next(iter(_kept))]


def _size(answer: Answer) -> int:
    return sum(value.nbytes for value in answer.values())


def _read(path: Path) -> dict[str, np.ndarray] | None:
    try:
        with np.load(path) as stored:
            return {name: stored[name].astype(np.float64) for name in stored.files}
    except (OSError, ValueError, EOFError, KeyError, BadZipFile):  # absent, or half of a file
        return None


def _write(path: Path, answer: Answer) -> None:
    """Whole or not at all; another process may be writing the same. Older files make room."""
    stored = {
        name: value.astype(np.float32) if value.size >= ROUNDED_FROM_ELEMENTS else value
        for name, value in answer.items()
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.stem}.{os.getpid()}.part")
        with part.open("wb") as file:
            # Names hold slashes, which an archive takes for folders and gives back unchanged.
            np.savez(file, **stored)  # type: ignore[arg-type]  # its stubs take keywords for bools
        part.replace(path)
        _make_room(path.parent)
    except OSError:
        return  # a full or read-only disk costs time, not the certificate


def _make_room(folder: Path) -> None:
    files = sorted(folder.glob("*.npz"), key=lambda path: path.stat().st_mtime, reverse=True)
    total = 0
    for path in files:
        total += path.stat().st_size
        if total > FOLDER_BYTES:
            path.unlink(missing_ok=True)
