"""Plays of Shakespeare, letter by letter: which letter comes next.

x, y int32 (N, 64): letters, numbered in the order of their code points, and those one place on.
Windows of the training part begin every 32 letters, so two meet in half; those of the last tenth,
for testing, do not overlap. The text is the first 400,000 letters, to the end of a speech, of the
collection that char-rnn and nanoGPT train on.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

from tasks.data.arrays import Arrays
from tasks.data.family import About, DataFamily, Decoded

LENGTH, STRIDE = 64, 32
_FILE = Path(__file__).parent / "texts" / "shakespeare.txt.gz"
_TEST_SHARE = 0.1
ABOUT = About(
    "shakespeare-letters",
    "plays of Shakespeare, as collected in karpathy/char-rnn (data/tinyshakespeare)",
    "public domain (William Shakespeare, 1564 to 1616)",
)


def make() -> Decoded:
    """The text as windows, in order. It has 63 different letters."""
    text = gzip.decompress(_FILE.read_bytes()).decode("ascii")
    codes = np.frombuffer(text.encode("ascii"), np.uint8)
    letters = np.searchsorted(np.unique(codes), codes).astype(np.int32)
    cut = round(len(letters) * (1 - _TEST_SHARE))
    train, test = _windows(letters[:cut], STRIDE), _windows(letters[cut:], LENGTH)
    return Decoded(ABOUT, Arrays(*train, *test), embedded=True)


def _windows(letters: np.ndarray, stride: int) -> tuple[np.ndarray, np.ndarray]:
    begins = np.arange(0, len(letters) - LENGTH, stride)
    places = begins[:, None] + np.arange(LENGTH)
    return letters[places], letters[places + 1]


FAMILY = DataFamily("letters", ABOUT, make)
