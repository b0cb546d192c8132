"""Film reviews: Keras's IMDb where imdb.npz is, else a generated review language.

x int32 (N, 200): word numbers below 10,000, padded with 0 before the text; a longer text keeps
its last 200 words. y float32 (N,): 1 for a favourable review, else 0. In IMDb as Keras loads it:
1 starts a text, 2 stands for a word outside the vocabulary, the word of rank r is r + 3, and the
rows are shuffled with seed 113.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tasks.data import language
from tasks.data.arrays import Arrays, digest
from tasks.data.family import About, DataFamily, Decoded
from tasks.data.plainlists import lists, numbers
from tasks.errors import UserError

VOCABULARY, LENGTH = 10_000, 200
_START, _OUTSIDE, _INDEX_FROM, _SEED = 1, 2, 3, 113

IMDB = About(
    "imdb",
    "IMDb, 25,000 + 25,000 reviews as Keras distributes them (Maas et al. 2011)",
    "no explicit licence; cite Maas et al. 2011",
)
IMDB_SHA256 = "949c739ebfd150ffb7bffb337477544920d961e44492e1c81e82c0fb9fff4a8f"
# What Keras checks its download by: a file with it is IMDb, whatever the decoded hash says.
_KERAS_FILE_SHA256 = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"


def find(folder: Path) -> list[Path]:
    """imdb.npz in `folder` or `folder`/imdb."""
    return [p / "imdb.npz" for p in (folder, folder / "imdb") if (p / "imdb.npz").exists()][:1]


def decode(files: Sequence[Path]) -> Decoded:
    """Keras's imdb.npz as `keras.datasets.imdb.load_data` and `pad_sequences` would give it.

    Shuffling as Keras's: one RandomState for both parts, training first.
    """
    path = files[0]
    rng = np.random.RandomState(_SEED)
    parts: list[np.ndarray] = []
    for part in ("train", "test"):
        rows, labels = lists(path, f"x_{part}"), numbers(path, f"y_{part}")
        if labels.shape != (len(rows),) or labels.dtype.kind not in "iu":
            raise _not_imdb(path, f"y_{part} has shape {labels.shape}")
        order = np.arange(len(rows))
        rng.shuffle(order)
        try:
            parts += [_encoded(rows)[order], labels.astype(np.float32)[order]]
        except OverflowError:
            raise _not_imdb(path, f"x_{part} holds numbers beyond 64 bits") from None
    arrays = Arrays(*parts)
    found = digest(arrays)
    if found != IMDB_SHA256 and _file_sha256(path) != _KERAS_FILE_SHA256:
        raise _not_imdb(path, f"decoded contents have sha256 {found[:16]}…")
    return Decoded(IMDB, arrays, embedded=False)


def make() -> Decoded:
    """The generated language of tasks/data/language.py."""
    return Decoded(language.ABOUT, language.reviews(LENGTH), embedded=True)


def _encoded(rows: list[list[int]]) -> np.ndarray:
    """Word ranks → int32 (N, 200)."""
    x = np.zeros((len(rows), LENGTH), np.int32)
    for i, row in enumerate(rows):
        last = np.array(row[-LENGTH:], np.int64) + _INDEX_FROM
        last = np.where(last < VOCABULARY, last, _OUTSIDE)
        if len(row) < LENGTH:
            last = np.concatenate(([_START], last))
        x[i, LENGTH - len(last) :] = last
    return x


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _not_imdb(path: Path, why: str) -> UserError:
    return UserError(
        f"{path} is not IMDb as Keras distributes it: {why}, expected {IMDB_SHA256[:16]}…; "
        "replace it or leave out --data-dir"
    )


FAMILY = DataFamily(
    name="reviews",
    embedded=language.ABOUT,
    make=make,
    canonical=IMDB.id,
    find=find,
    decode=decode,
    wanted="Keras's imdb.npz",
    url="https://storage.googleapis.com/tensorflow/tf-keras-datasets/imdb.npz",
)
