"""Layers of image networks that only graphs have. Images are (height, width, channels)."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from tasks.spec.layers import Activation, ArraySpec, Layer, Shape


@dataclass(frozen=True)
class Relu(Layer):
    """max(x, 0), where it stands after a normalisation or a sum."""


@dataclass(frozen=True)
class LeakyRelu(Layer):
    """x where it is positive, else slope · x. Frameworks' defaults differ (0.3, 0.01)."""

    slope: float


@dataclass(frozen=True)
class Add(Layer):
    """The sum of two or more values of one shape."""


@dataclass(frozen=True)
class Concat(Layer):
    """Values beside each other along the last axis, in the order in which they are read."""

    def shape(self, *reads: Shape) -> Shape:
        return (*reads[0][:-1], sum(read[-1] for read in reads))


@dataclass(frozen=True)
class Slice(Layer):
    """The values `begin` to `end` - 1 of the last axis."""

    begin: int
    end: int

    def shape(self, *reads: Shape) -> Shape:
        return (*reads[0][:-1], self.end - self.begin)


@dataclass(frozen=True)
class Reshape(Layer):
    """(N, ...) → (N, *to), in C order of the canonical layout."""

    to: Shape

    def shape(self, *reads: Shape) -> Shape:
        return self.to


@dataclass(frozen=True)
class AveragePool2D(Layer):
    """(N, H, W, C) → (N, H // size, W // size, C): stride = size, the odd border dropped, so no
    padding is ever counted."""

    size: int = 2

    def shape(self, *reads: Shape) -> Shape:
        height, width, channels = reads[0]
        return (height // self.size, width // self.size, channels)


@dataclass(frozen=True)
class GlobalAveragePool(Layer):
    """(N, ..., C) → (N, C): the mean over all places, of an image or of a sequence."""

    def shape(self, *reads: Shape) -> Shape:
        return reads[0][-1:]


@dataclass(frozen=True)
class TransposedConv2D(Layer):
    """(N, H, W, C) → (N, H stride, W stride, filters): what a Conv2D with `same` padding and the
    kernel (kernel, kernel, filters, C) passes back from its output to its input, plus a bias.

    kernel ≥ stride. The crop mirrors that padding: (kernel - stride) // 2 rows before, the rest
    after.
    """

    filters: int
    kernel: int
    stride: int = 2
    activation: Activation = "linear"
    bias: bool = True

    def shape(self, *reads: Shape) -> Shape:
        height, width, _ = reads[0]
        return (height * self.stride, width * self.stride, self.filters)

    @property
    def crop(self) -> tuple[int, int]:
        """Rows (and columns) cut off before and after."""
        total = self.kernel - self.stride
        return total // 2, total - total // 2

    def parts(self, *reads: Shape) -> dict[str, ArraySpec]:
        kernel = ArraySpec((self.kernel, self.kernel, self.filters, reads[0][2]), "glorot")
        return {"kernel": kernel} | (
            {"bias": ArraySpec((self.filters,), "zeros")} if self.bias else {}
        )

    def products(self, *reads: Shape) -> int:
        return 2 * self.kernel**2 * self.filters * prod(reads[0])
