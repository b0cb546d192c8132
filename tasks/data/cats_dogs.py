"""Cats and dogs at 150×150: a Kaggle folder or zip, else patches of shipped photographs.

x uint8 (N, 150, 150, 3), RGB, resized without keeping proportions (bilinear, as the articles'
ImageDataGenerator users do) and scaled to 0…1 when loaded; y float32 (N,), cat 0, dog 1.

A picture's class is in its name (``cat.7.jpg``) or its folder (``cats``, ``Cat``); where both
speak and disagree the folder is refused. Pictures in a part that is held out by its name
(``test``, ``valid``, ``validation`` …: files/splits.py) are for testing; where there is none, as in
the full archives, the first 1,000 of each class are for training and the next 500 for testing
(of fewer than 1,500, the first two thirds). A picture stands as its camera's EXIF says. What was
used, and what was left out, is in the note.
"""

from __future__ import annotations

import io
import os
import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath, PurePosixPath

import numpy as np
from PIL import Image, ImageOps

from tasks.data import photos
from tasks.data.arrays import Arrays
from tasks.data.family import About, DataFamily, Decoded
from tasks.data.files import archives, splits
from tasks.errors import UserError

EMBEDDED = About("photo-patches-150-binary", photos.SOURCE, photos.LICENCE)
_SIZE = 150
_TRAIN_MOST, _TEST_MOST = 1000, 500
_MOST_DAMAGED = 0.1
_CLASSES = {"cat": 0, "cats": 0, "dog": 1, "dogs": 1}
_BROKEN = (*archives.BROKEN, SyntaxError, struct.error)
PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")


@dataclass(frozen=True)
class Picture:
    """One file: its path inside the set, its class, and how to read its bytes."""

    path: PurePosixPath
    label: int
    read: Callable[[], bytes]

    @property
    def is_test(self) -> bool:
        return splits.part_of_path(self.path) == "test"

    @property
    def order(self) -> tuple[int, str]:
        """By number, then by name, whatever order the disk gives."""
        number = re.search(r"\d+", self.path.stem)
        return (int(number[0]) if number else 0, str(self.path))


def find(folder: Path) -> list[Path]:
    """Pictures of cats and dogs in `folder`/cats_dogs or `folder`, else zips named after them."""
    for place in (folder / "cats_dogs", folder / "cats-dogs", folder):
        named = sorted(p for p in _files(place) if _says(PurePosixPath(p.relative_to(place))))
        zips = sorted(p for p in place.glob("*.zip") if re.search("cat|dog|train", p.stem.lower()))
        if named or zips:
            return named or zips[:1]
        if place != folder and place.is_dir():
            raise UserError(f"{place} holds no cat.N.jpg or dog.N.jpg; put them there or remove it")
    return []


def decode(files: Sequence[Path]) -> Decoded:
    """The pictures, damaged ones skipped and counted; `UserError` when more than a tenth are."""
    pictures = _zipped(files[0]) if files[0].suffix == ".zip" else _lying(files)
    parts = _split(sorted(pictures, key=lambda picture: picture.order))
    damaged: list[str] = []
    made: list[np.ndarray] = []
    for part in parts:
        made += _decoded(part, damaged)
    total = sum(map(len, parts))
    if len(damaged) > _MOST_DAMAGED * total:
        raise UserError(
            f"{len(damaged)} of {total} pictures are damaged, {damaged[0]} first; get them again"
        )
    note = _note(pictures, parts, damaged)
    about = About("cats-dogs", f"cats and dogs (Kaggle/Asirra), {total} pictures", "unclear")
    return Decoded(about, Arrays(*made), embedded=False, scale=1 / 255, note=note)


def _note(
    pictures: Sequence[Picture],
    parts: tuple[list[Picture], list[Picture]],
    damaged: Sequence[str],
) -> str:
    """What was used, and what was left out."""
    own = any(picture.is_test for picture in pictures)
    how = "the set's own split" if own else "split by number, as it has no part that is held out"
    said = [f"{len(parts[0])} pictures trained on, {len(parts[1])} held out: {how}"]
    if left := len(pictures) - sum(map(len, parts)):
        said.append(f"{left} left out, more than are used")
    if damaged:
        said.append(f"{len(damaged)} damaged skipped: {', '.join(damaged[:3])}")
    return "; ".join(said)


def _files(place: Path) -> list[Path]:
    """Pictures at most four folders deep: a --data-dir may be anybody's home."""
    found = (path for depth in range(5) for path in place.glob("*/" * depth + "*"))
    return [path for path in found if _is_picture(path)]


def _is_picture(path: PurePath) -> bool:
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts[-4:])
    return path.suffix.lower() in PICTURES and not hidden


def _says(path: PurePosixPath) -> set[int]:
    """The classes that a picture's name and its folder speak of: none, one, or both."""
    name = re.match(r"(cat|dog)s?(?![a-z])", path.stem.lower())
    words = [name[1] if name else "", path.parent.name.lower()]
    return {_CLASSES[word] for word in words if word in _CLASSES}


def _picture(path: PurePosixPath, read: Callable[[], bytes]) -> Picture:
    classes = _says(path)
    if len(classes) > 1:
        raise UserError(
            f"{path} is mislabelled: its name and its folder disagree; move it to the right folder"
        )
    return Picture(path, classes.pop(), read)


def _lying(files: Sequence[Path]) -> list[Picture]:
    """Pictures in a folder, their paths from the innermost folder that holds them all."""
    top = os.path.commonpath([path.parent for path in files])
    return [_picture(PurePosixPath(path.relative_to(top)), path.read_bytes) for path in files]


def _zipped(path: Path) -> list[Picture]:
    archive = archives.opened(path)
    names = [n for n in archive.namelist() if _is_picture(PurePosixPath(n))]
    named = [PurePosixPath(n) for n in names if _says(PurePosixPath(n))]
    if not named:
        raise UserError(f"{path} holds no cat.N.jpg or dog.N.jpg; unpack inner zips first")
    return [_picture(name, partial(archive.read, str(name))) for name in named]


def _split(pictures: list[Picture]) -> tuple[list[Picture], list[Picture]]:
    splits.check_parts(picture.path for picture in pictures)
    test = [p for p in pictures if p.is_test]
    train = [p for p in pictures if not p.is_test]
    if not test:
        for label in (0, 1):
            mine = [p for p in pictures if p.label == label]
            cut = min(_TRAIN_MOST, len(mine) * 2 // 3)
            train = [p for p in train if p.label != label] + mine[:cut]
            test += mine[cut : cut + _TEST_MOST]
    for part in (train, test):
        if {p.label for p in part} != {0, 1}:
            raise UserError("cats and dogs are both needed, for training and for testing; add them")
    return train, test


def _decoded(part: list[Picture], damaged: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """x, y of one part in a shuffled order that is the same everywhere; adds to `damaged`."""
    x = np.empty((len(part), _SIZE, _SIZE, 3), np.uint8)
    y = np.empty(len(part), np.float32)
    rows = 0
    for picture in part:
        try:
            x[rows] = _pixels(picture.read())
        except (*_BROKEN, Image.DecompressionBombError):
            damaged.append(str(picture.path))
            continue
        y[rows] = picture.label
        rows += 1
    order = np.random.default_rng(0).permutation(rows)
    return x[order], y[order]


def _pixels(raw: bytes) -> np.ndarray:
    """A picture's bytes → uint8 (150, 150, 3); raises where it is damaged or cut short."""
    with Image.open(io.BytesIO(raw)) as picture:
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    return np.asarray(upright.resize((_SIZE, _SIZE), Image.Resampling.BILINEAR))


FAMILY = DataFamily(
    name="cats-dogs",
    embedded=EMBEDDED,
    make=partial(photos.make, EMBEDDED, _SIZE, (64, 16), binary=True),
    find=find,
    decode=decode,
    wanted="a folder or zip of cat.N.jpg and dog.N.jpg (Kaggle's, in cats_dogs/ or beside it)",
)
