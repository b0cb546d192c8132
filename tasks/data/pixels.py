"""The digits of tasks/data/digits.py for networks that give images: as their own targets.

"digits-pixels": x uint8 (N, 28, 28), y the same as (N, 784): what an autoencoder gives back.
"digits-noise": x float32 (N, 2 NOISE), standard normal; y the images, (N, 28, 28, 1): each image
meets two vectors of noise, one for the step of each of two networks, made beforehand, so that every
framework draws the same. Pixels are scaled to 0…1 when loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tasks.data import digits
from tasks.data.arrays import Arrays
from tasks.data.family import About, DataFamily, Decoded

NOISE = 32
"""Numbers that one image is generated from."""
Turned = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]


def _pixels(images: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    return images, images.reshape(len(images), -1)


def _noise(images: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng((seed, 0x6A))
    x = rng.standard_normal((len(images), 2 * NOISE)).astype(np.float32)
    return x, images[..., None]


def _family(kind: str, turned: Turned) -> DataFamily:
    def about(known: About) -> About:
        return replace(known, id=f"{known.id}-{kind}")

    def made(decoded: Decoded) -> Decoded:
        a = decoded.arrays
        arrays = Arrays(*turned(a.x_train, 0), *turned(a.x_test, 1))
        return replace(decoded, about=about(decoded.about), arrays=arrays)

    def decode(files: Sequence[Path]) -> Decoded:
        return made(digits.decode(files))

    return DataFamily(
        name=f"digits-{kind}",
        embedded=about(digits.EMBEDDED),
        make=lambda: made(digits.make()),
        canonical=about(digits.MNIST).id,
        find=digits.find,
        decode=decode,
        wanted=digits.FAMILY.wanted,
    )


FAMILIES = (_family("pixels", _pixels), _family("noise", _noise))
