"""Augmentation as data: one affine map an image, drawn before training, the same for everyone."""

from __future__ import annotations

import numpy as np

from tasks.spec.training import Augmentation


def draw_warps(
    augmentation: Augmentation, steps: int, batch: int, shape: tuple[int, ...], seed: int
) -> np.ndarray:
    """float32 (steps, batch, 6): maps from output to input pixels (see Adapter.train).

    Rotation, shear, zoom (each axis its own) and flip turn about the image's centre, then the
    shift is added; ranges as in the articles' ImageDataGenerator. shape: (height, width, …).
    """
    rng = np.random.default_rng((seed, 0xA6))
    size = (steps, batch)
    height, width = shape[:2]
    angle = np.deg2rad(rng.uniform(-1, 1, size) * augmentation.rotation_degrees)
    shear = np.deg2rad(rng.uniform(-1, 1, size) * augmentation.shear)
    zoom_x, zoom_y = 1 + rng.uniform(-1, 1, (2, *size)) * augmentation.zoom
    shift_x, shift_y = rng.uniform(-1, 1, (2, *size)) * augmentation.shift
    mirror = np.where(rng.random(size) < 0.5 * augmentation.flip, -1.0, 1.0)
    cos, sin = np.cos(angle), np.sin(angle)
    a = mirror * zoom_x * cos
    b = zoom_y * (-sin + cos * np.tan(shear))
    d = mirror * zoom_x * sin
    e = zoom_y * (cos + sin * np.tan(shear))
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    c = centre_x - a * centre_x - b * centre_y + shift_x * width
    f = centre_y - d * centre_x - e * centre_y + shift_y * height
    return np.stack([a, b, c, d, e, f], axis=-1).astype(np.float32)
