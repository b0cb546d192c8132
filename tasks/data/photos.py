"""Patches of ten real colour photographs that scikit-image and scikit-learn ship.

x uint8 (N, size, size, 3), RGB 0…255, scaled to 0…1 when loaded. Each photograph is cut into a
grid of blocks, of which about a quarter, spread over it, are for testing; a patch lies in one
block at a random place, so no pixel is in both parts. (Blocks and not one strip at the side: a
model that has seen the left of a picture knows too little of its right.) Every photograph gives
as many patches as any other.

"photos-10": 64×64, y int32 (N,), the photograph. "photos-32-10": the same at 32×32, twice as many.
"photos-binary": 64×64, y float32 (N,), 1 for people and what they made, 0 for nature.
"""

from __future__ import annotations

import importlib.util
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from tasks.data.arrays import Arrays
from tasks.data.family import About, DataFamily, Decoded
from tasks.errors import UserError

# (file, package, 1 for people and what they made); alphabetical: the position is the class.
PHOTOGRAPHS = (
    ("astronaut.png", "skimage/data", 1),
    ("chelsea.png", "skimage/data", 0),  # a cat
    ("china.jpg", "sklearn/datasets/images", 1),  # a palace
    ("coffee.png", "skimage/data", 1),
    ("flower.jpg", "sklearn/datasets/images", 0),
    ("hubble_deep_field.jpg", "skimage/data", 0),
    ("ihc.png", "skimage/data", 0),  # stained tissue
    ("motorcycle_left.png", "skimage/data", 1),
    ("retina.jpg", "skimage/data", 0),
    ("rocket.jpg", "skimage/data", 1),
)
_BLOCK = 100
SOURCE = "patches of 10 photographs shipped with scikit-image and scikit-learn"
LICENCE = (
    "public domain or CC0; china and flower CC BY 2.0 (danielbuechele, vultilion); "
    "motorcycle: Middlebury Stereo 2014 (Scharstein et al.)"
)


def make(about: About, size: int, per_photo: tuple[int, int], binary: bool) -> Decoded:
    """`per_photo`: training and test patches of each photograph. Fixed seed, shuffled."""
    rng = np.random.default_rng(0)
    parts: dict[str, list[np.ndarray]] = {"train": [], "test": []}
    for file, package, _ in PHOTOGRAPHS:
        pixels = _photograph(file, package)
        train, test = _blocks(pixels, max(size, _BLOCK))
        parts["train"].append(_patches(train, size, per_photo[0], rng))
        parts["test"].append(_patches(test, size, per_photo[1], rng))
    made = []
    for part, count in zip(("train", "test"), per_photo, strict=True):
        x = np.concatenate(parts[part])
        classes = np.repeat(np.arange(len(PHOTOGRAPHS), dtype=np.int32), count)
        order = rng.permutation(len(x))
        made += [x[order], _labels(classes[order], binary)]
    return Decoded(about, Arrays(*made), embedded=True, scale=1 / 255)


def _labels(classes: np.ndarray, binary: bool) -> np.ndarray:
    if not binary:
        return classes
    made: np.ndarray = np.array([made for _, _, made in PHOTOGRAPHS], np.float32)
    return np.take(made, classes)


def _blocks(pixels: np.ndarray, side: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """(H, W, 3) → its blocks, each `side` or a little more wide and high: training, test."""
    parts: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    rows = np.array_split(pixels, pixels.shape[0] // side, axis=0)
    for i, row in enumerate(rows):
        for j, block in enumerate(np.array_split(row, row.shape[1] // side, axis=1)):
            parts[(i + j) % 4 == 1].append(block)
    return parts


def _patches(
    blocks: list[np.ndarray], size: int, count: int, rng: np.random.Generator
) -> np.ndarray:
    """(count, size, size, 3): each at a uniformly drawn place in a uniformly drawn block."""
    made = []
    for number in rng.integers(0, len(blocks), count):
        block = blocks[number]
        top, left = (int(rng.integers(0, n - size + 1)) for n in block.shape[:2])
        made.append(block[top : top + size, left : left + size])
    return np.stack(made)


def _photograph(file: str, package: str) -> np.ndarray:
    """uint8 (H, W, 3). Read from the package's folder: importing it would cost seconds."""
    top, *inside = package.split("/")
    spec = importlib.util.find_spec(top)
    places = spec.submodule_search_locations if spec else None
    path = Path(places[0] if places else top, *inside, file)
    try:
        return np.asarray(Image.open(path).convert("RGB"))
    except OSError as error:
        raise UserError(
            f"the photograph {file} of {top} cannot be read ({error}); install {top} again"
        ) from None


_TEN = About("photo-patches-64-10", SOURCE, LICENCE)
_SMALL = About("photo-patches-32-10-400", SOURCE, LICENCE)
_TWO = About("photo-patches-64-binary", SOURCE, LICENCE)
FAMILIES = (
    DataFamily("photos-10", _TEN, partial(make, _TEN, 64, (200, 50), binary=False)),
    DataFamily("photos-32-10", _SMALL, partial(make, _SMALL, 32, (400, 100), binary=False)),
    DataFamily("photos-binary", _TWO, partial(make, _TWO, 64, (200, 50), binary=True)),
)
