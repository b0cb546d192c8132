"""Faults of some shapes only: large batches, one row, many rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import SupportsFloat

import numpy as np

from adapters.base import Adapter, Data
from adapters.mutants.mutant import Array, Keeping, Mutant, Staged, Twinned, Wrapped, some
from adapters.reference.oracle import round_mantissa


class OutputsOfSomeBatches(Wrapped):
    """Outputs changed where the batch size is one of some."""

    def __init__(
        self, inner: Adapter, some_sizes: Callable[[int], bool], change: Callable[[Array], Array]
    ) -> None:
        super().__init__(inner)
        self.some_sizes, self.change = some_sizes, change

    def predict(self, data: Data, batch_size: int) -> Array:
        outputs = self.inner.predict(data, batch_size)
        return self.change(outputs) if self.some_sizes(batch_size) else outputs


class ManyRows(Wrapped):
    """Outputs changed where there are more than 256 rows."""

    def outputs(self, outputs: Array) -> Array:
        return half(outputs) if len(outputs) > 256 else outputs


class OneRow(Wrapped):
    """Outputs changed where one row is all there is."""

    def outputs(self, outputs: Array) -> Array:
        return eight_bits(outputs) if len(outputs) == 1 else outputs


class Wrapping(Keeping):
    """Row numbers from a limit on begin at 0 again."""

    def __init__(self, inner: Adapter, limit: int) -> None:
        super().__init__(inner)
        self.limit = limit

    def train(self, data: Staged, order: Array, warps: Array | None = None) -> SupportsFloat:
        return super().train(data, order % self.limit, warps)

    def predict(self, data: Staged, batch_size: int) -> Array:
        outputs = super().predict(data, batch_size)
        return outputs[np.arange(len(outputs)) % self.limit]


class WrappingInInference(Wrapping):
    def train(self, data: Staged, order: Array, warps: Array | None = None) -> SupportsFloat:
        return self.inner.train(data.data, order, warps)


class EightBitOrder(Wrapped):
    """Row numbers kept in a byte."""

    def steps(self, order: Array) -> Array:
        return order.astype(np.uint8).astype(order.dtype)


class HalvesOfLargeBatches(Wrapped):
    """The second half of each batch of 128 and more is given the outputs of the first."""

    def predict(self, data: Data, batch_size: int) -> Array:
        outputs = self.inner.predict(data, batch_size)
        if batch_size < 128:
            return outputs
        at = np.arange(len(outputs))
        return outputs[np.where(at % batch_size < batch_size // 2, at, at - batch_size // 2)]


class PaddedRemainder(Wrapped):
    """With batches of 64 and more the last, shorter one is answered by the rows in front of it."""

    def predict(self, data: Data, batch_size: int) -> Array:
        outputs = self.inner.predict(data, batch_size)
        left = len(outputs) % batch_size
        if batch_size >= 64 and left and len(outputs) > batch_size:
            outputs[-left:] = outputs[-2 * left : -left]
        return outputs


class OneRowFolded(Twinned):
    """The program for batches of one row has the first weights folded in."""

    def predict(self, data: Data, batch_size: int) -> Array:
        if batch_size == 1:
            return super().predict(data, batch_size)
        return self.inner.predict(data[0], batch_size)


class LargeFolded(Twinned):
    def predict(self, data: Data, batch_size: int) -> Array:
        if batch_size >= 128:
            return super().predict(data, batch_size)
        return self.inner.predict(data[0], batch_size)


class RowsRemembered(Keeping):
    """Outputs of a row seen before are looked up, whatever was trained since; long sets are not."""

    def begin(self) -> None:
        super().begin()
        self.known: dict[bytes, Array] = {}

    def predict(self, data: Staged, batch_size: int) -> Array:
        outputs = super().predict(data, batch_size)
        if len(outputs) > 16:
            return outputs
        for i, row in enumerate(data.x):
            outputs[i] = self.known.setdefault(row.tobytes(), outputs[i].copy())
        return outputs


class LongCallsCoarse(Wrapped):
    """Calls of 32 and more steps end with weights in bfloat16, as a large program might."""

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        loss = self.inner.train(data, order, warps)
        self.coarse = getattr(self, "coarse", False) or len(order) >= 32
        return loss

    def begin(self) -> None:
        self.coarse = False

    def outputs(self, outputs: Array) -> Array:
        return brain(outputs) if self.coarse else outputs


class FewRowsTrained(Keeping):
    """Of more than 256 staged rows the rest are not there to be trained on."""

    def train(self, data: Staged, order: Array, warps: Array | None = None) -> SupportsFloat:
        if len(order) == 1:  # single steps gather from all
            return super().train(data, order, warps)
        return super().train(data, order % 256, some(warps, slice(None)))


def brain(values: Array) -> Array:
    """Rounded to bfloat16."""
    return round_mantissa(values, 16)


def half(values: Array) -> Array:
    return values.astype(np.float16).astype(np.float32)


def eight_bits(values: Array) -> Array:
    """Rounded to 255 levels."""
    scale = np.float32(max(float(np.abs(values).max()), 1e-30) / 127)
    return np.round(values / scale).astype(np.float32) * scale


def _some(name: str, sizes: Callable[[int], bool], change: Callable[[Array], Array]) -> Mutant:
    return Mutant(name, "shapes", lambda a: OutputsOfSomeBatches(a, sizes, change))


MUTANTS: tuple[Mutant, ...] = (
    _some("bfloat16 in batches of 64 and more", lambda size: size >= 64, brain),
    _some("bfloat16 in batches of 256", lambda size: size == 256, brain),
    _some("half precision in even batches", lambda size: size % 8 == 0, half),
    _some("eight bits for batches of one row", lambda size: size == 1, eight_bits),
    Mutant("eight bits for a set of one row", "shapes", OneRow),
    Mutant("half precision for more than 256 rows", "shapes", ManyRows),
    Mutant("rows past 256 wrapped", "shapes", lambda a: Wrapping(a, 256)),
    Mutant("rows past 512 wrapped in inference", "shapes", lambda a: WrappingInInference(a, 512)),
    Mutant("row numbers in a byte", "shapes", EightBitOrder),
    Mutant("halves of large batches alike", "shapes", HalvesOfLargeBatches),
    Mutant("the remainder of large batches padded", "shapes", PaddedRemainder),
    Mutant("first weights folded in for one row", "shapes", OneRowFolded),
    Mutant("first weights folded in for large batches", "shapes", LargeFolded),
    Mutant("outputs of few rows remembered", "shapes", RowsRemembered),
    Mutant("bfloat16 after calls of 32 steps", "shapes", LongCallsCoarse),
    Mutant("calls of several steps see 256 rows", "shapes", FewRowsTrained),
)
