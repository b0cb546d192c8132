"""Decoded data sets on disk: four .npy files and a manifest. NumPy only: workers use it.

Workers never decode: they memory-map what the runner has prepared. Images are kept as uint8
with a `scale`; `load` turns them into float32 once, so no framework pays for it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

NAMES = ("x_train", "y_train", "x_test", "y_test")


@dataclass(frozen=True)
class Arrays:
    """Training and test rows. x (N, ...): float32 or int32; y (N, ...): int32 classes or float32,
    uint8 where images are the targets."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def load(folder: Path) -> Arrays:
    """The arrays of a prepared folder, ready for an adapter; memory-mapped where not scaled."""
    scale = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["scale"]
    found = [np.load(folder / f"{name}.npy", mmap_mode="r") for name in NAMES]
    for i in range(len(found)):  # targets too, where they are images
        if found[i].dtype == np.uint8:
            found[i] = np.multiply(found[i], np.float32(scale), dtype=np.float32)
    return Arrays(*found)


def digest(arrays: Arrays) -> str:
    """SHA-256 over name, dtype, shape and bytes of all four arrays: whatever the container."""
    total = hashlib.sha256()
    for name in NAMES:
        array = getattr(arrays, name)
        total.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()
