"""Augmentation that is not the task's: its maps, its steps, its sampling of pixels."""

from __future__ import annotations

from typing import SupportsFloat

import numpy as np

from adapters.base import Data
from adapters.mutants.mutant import NUMPY, Array, Faulty, Keeping, Mutant, Staged, Wrapped
from tasks.spec.training import Augmentation


class Maps(Wrapped):
    """Other maps in the place of the task's."""

    def maps(self, warps: Array | None) -> Array | None:
        return None if warps is None else self.changed(warps.copy())

    def changed(self, warps: Array) -> Array | None:
        raise NotImplementedError


class LeftOut(Maps):
    def changed(self, warps: Array) -> Array | None:
        return None


class LeftOutOfLongCalls(Maps):
    def changed(self, warps: Array) -> Array | None:
        return None if len(warps) > 1 else warps


class LeftOutLater(Maps):
    """Not after the twentieth step: what is left over of a call is not warped either."""

    def begin(self) -> None:
        self.done = 0

    def changed(self, warps: Array) -> Array | None:
        self.done += len(warps)
        return warps if self.done <= 20 else None


class OneSetForACall(Maps):
    def changed(self, warps: Array) -> Array | None:
        return np.repeat(warps[:1], len(warps), axis=0)


class OneMapForABatch(Maps):
    def changed(self, warps: Array) -> Array | None:
        return np.repeat(warps[:, :1], warps.shape[1], axis=1)


class StepsReversed(Maps):
    def changed(self, warps: Array) -> Array | None:
        return warps[::-1].copy()


class RowsReversed(Maps):
    def changed(self, warps: Array) -> Array | None:
        return warps[:, ::-1].copy()


class Inverted(Maps):
    """Maps read as from input to output pixels."""

    def changed(self, warps: Array) -> Array | None:
        whole = np.zeros((*warps.shape[:2], 3, 3))
        whole[..., :2, :] = warps.reshape(*warps.shape[:2], 2, 3)
        whole[..., 2, 2] = 1
        inverse = np.linalg.inv(whole)[..., :2, :]
        return inverse.reshape(warps.shape).astype(np.float32)


class PixelCorners(Maps):
    """Positions counted from a pixel's corner for its centre: half a pixel off where it turns."""

    def changed(self, warps: Array) -> Array | None:
        moved = warps.copy()
        moved[..., 2] += 0.5 * (warps[..., 0] + warps[..., 1] - 1)
        moved[..., 5] += 0.5 * (warps[..., 3] + warps[..., 4] - 1)
        return moved


class HalfAPixel(Maps):
    def changed(self, warps: Array) -> Array | None:
        warps[..., [2, 5]] += 0.5
        return warps


class Hundredths(Maps):
    """All images three hundredths of a pixel to the left."""

    def changed(self, warps: Array) -> Array | None:
        warps[..., 2] += 0.03
        return warps


class AxesSwapped(Maps):
    """x taken for y."""

    def changed(self, warps: Array) -> Array | None:
        return warps[..., [4, 3, 5, 1, 0, 2]]


class NoFlips(Maps):
    """Mirrored images are not: the map is turned round about the image's middle."""

    def changed(self, warps: Array) -> Array | None:
        turned = np.linalg.det(warps[..., [0, 1, 3, 4]].reshape(*warps.shape[:2], 2, 2)) < 0
        width = self.asked.input_shape[1]
        mirrored = warps.copy()
        mirrored[..., 0], mirrored[..., 3] = -warps[..., 0], -warps[..., 3]
        mirrored[..., 2] += warps[..., 0] * (width - 1)
        mirrored[..., 5] += warps[..., 3] * (width - 1)
        return np.where(turned[..., None], mirrored, warps)


class NoShift(Maps):
    """The image's middle stays where it is."""

    def changed(self, warps: Array) -> Array | None:
        height, width = self.asked.input_shape[:2]
        x, y = (width - 1) / 2, (height - 1) / 2
        warps[..., 2] = x - warps[..., 0] * x - warps[..., 1] * y
        warps[..., 5] = y - warps[..., 3] * x - warps[..., 4] * y
        return warps


class MapsInHalfPrecision(Maps):
    def changed(self, warps: Array) -> Array | None:
        return warps.astype(np.float16).astype(np.float32)


class FirstMapKept(Keeping):
    """An image keeps the first map it was ever warped by."""

    def begin(self) -> None:
        super().begin()
        self.known: dict[int, Array] = {}

    def train(self, data: Staged, order: Array, warps: Array | None = None) -> SupportsFloat:
        if warps is not None:
            warps = warps.copy()
            for at, row in np.ndenumerate(order):
                warps[at] = self.known.setdefault(int(row), warps[at].copy())
        return super().train(data, order, warps)


class Sampled(Faulty):
    """The reference with another way to read pixels."""

    def positions(self, at: Array, size: int) -> Array:
        """Where pixels are read along an axis, in 0 … size - 1."""
        return np.clip(at, 0, size - 1)

    def read(self, images: Array, px: Array, py: Array) -> Array:
        """Bilinear, of (N, H, W, C) at positions (N, H, W)."""
        x0, y0 = np.floor(px).astype(int), np.floor(py).astype(int)
        x1, y1 = np.minimum(x0 + 1, images.shape[2] - 1), np.minimum(y0 + 1, images.shape[1] - 1)
        fx, fy = (px - x0)[..., None], (py - y0)[..., None]
        row = np.arange(len(images))[:, None, None]
        top = images[row, y0, x0] * (1 - fx) + images[row, y0, x1] * fx
        bottom = images[row, y1, x0] * (1 - fx) + images[row, y1, x1] * fx
        return np.asarray(top * (1 - fy) + bottom * fy)

    def warp(self, images: Array, maps: Array) -> Array:
        height, width = images.shape[1:3]
        ys, xs = np.mgrid[0:height, 0:width].astype(images.dtype)
        a = maps.astype(images.dtype)[:, :, None, None]
        px = self.positions(a[:, 0] * xs + a[:, 1] * ys + a[:, 2], width)
        py = self.positions(a[:, 3] * xs + a[:, 4] * ys + a[:, 5], height)
        return self.read(images, px, py).astype(images.dtype)

    def train(self, data: Data, order: Array, warps: Array | None = None) -> float:
        x, y = data
        losses = []
        for step, rows in enumerate(order):
            batch = x[rows] if warps is None else self.warp(x[rows], warps[step])
            losses.append(super().train((batch, y[rows]), np.arange(len(rows))[None]))
        return float(np.mean(losses))


class Nearest(Sampled):
    def positions(self, at: Array, size: int) -> Array:
        return np.clip(np.round(at), 0, size - 1)


class ThirtySeconds(Sampled):
    """Positions to a thirty-second of a pixel, as image libraries keep them."""

    def positions(self, at: Array, size: int) -> Array:
        return np.clip(np.round(at * 32) / 32, 0, size - 1)


class Mirrored(Sampled):
    """Outside the image it is mirrored."""

    def positions(self, at: Array, size: int) -> Array:
        period = 2 * (size - 1)
        return (size - 1) - np.abs(np.mod(at, period) - (size - 1))


class Repeated(Sampled):
    """Outside the image it begins anew."""

    def positions(self, at: Array, size: int) -> Array:
        return np.clip(np.mod(at, size), 0, size - 1)


class ZerosOutside(Sampled):
    def positions(self, at: Array, size: int) -> Array:
        return np.where((at < 0) | (at > size - 1), np.nan, at)

    def read(self, images: Array, px: Array, py: Array) -> Array:
        inside = ~(np.isnan(px) | np.isnan(py))
        return super().read(images, np.nan_to_num(px), np.nan_to_num(py)) * inside[..., None]


class WholeLevels(Sampled):
    """Pixels kept as 256 levels over -1 … 1, what is outside of it unchanged."""

    def read(self, images: Array, px: Array, py: Array) -> Array:
        return np.round(super().read(images, px, py) * 127.5) / 127.5


class WrittenBack(Sampled):
    """Warped images replace the staged ones: the next step warps them again."""

    def train(self, data: Data, order: Array, warps: Array | None = None) -> float:
        x, _ = data
        losses = []
        for step, rows in enumerate(order):
            if warps is not None:
                x[rows] = self.warp(x[rows], warps[step])
            losses.append(super().train(data, rows[None]))
        return float(np.mean(losses))


def _maps(name: str, wrapper: type[Wrapped]) -> Mutant:
    return Mutant(name, "augmentation", wrapper, ("cnn",), Augmentation)


def _pixels(name: str, faulty: type[Faulty]) -> Mutant:
    return Mutant(
        name, "augmentation", lambda _: faulty(), ("cnn",), Augmentation, frameworks=NUMPY
    )


MUTANTS: tuple[Mutant, ...] = (
    _maps("augmentation left out", LeftOut),
    _maps("augmentation's maps inverted", Inverted),
    _maps("augmentation half a pixel off where it turns", PixelCorners),
    _maps("augmentation left out of calls of several steps", LeftOutOfLongCalls),
    _maps("augmentation left out after 20 steps", LeftOutLater),
    _maps("one set of maps for all steps of a call", OneSetForACall),
    _maps("one map for a batch", OneMapForABatch),
    _maps("the steps' maps in another order", StepsReversed),
    _maps("the rows' maps in another order", RowsReversed),
    _maps("all images half a pixel off", HalfAPixel),
    _maps("all images three hundredths of a pixel off", Hundredths),
    _maps("x and y swapped in the maps", AxesSwapped),
    _maps("flips left out", NoFlips),
    _maps("shifts left out", NoShift),
    _maps("maps in half precision", MapsInHalfPrecision),
    _maps("an image keeps its first map", FirstMapKept),
    _pixels("the nearest pixel read", Nearest),
    _pixels("positions to a 32nd of a pixel", ThirtySeconds),
    _pixels("images mirrored at their edges", Mirrored),
    _pixels("images repeated at their edges", Repeated),
    _pixels("zeros outside of images", ZerosOutside),
    _pixels("pixels rounded to 256 levels", WholeLevels),
    _pixels("warped images written back", WrittenBack),
)
