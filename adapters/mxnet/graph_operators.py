"""The layers of graphs that have no block in Gluon and no arrays, written out in operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mxnet.gluon import nn

from adapters.base import unknown
from tasks.spec.layers import Flatten, Layer, Shape
from tasks.spec.vision import Add, Concat, GlobalAveragePool, Reshape, Slice


class Joined(nn.HybridBlock):
    """What has no arrays: a function of the operators, of the values that are read."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def hybrid_forward(self, F: Any, *values: Any) -> Any:
        return self.function(F, *values)


def channels_last(F: Any, x: Any, shape: Shape) -> Any:
    """A value whose row has the canonical `shape`, as the task has it."""
    return F.transpose(x, axes=(0, 2, 3, 1)) if len(shape) == 3 else x


def joined(layer: Layer, shape: Shape) -> Joined:
    """The block of such a layer. shape: of what is read first. Raises `Unsupported`."""
    is_image = len(shape) == 3
    last = 1 if is_image else len(shape)  # the task's last axis

    def reshaped(F: Any, x: Any, to: Shape) -> Any:
        rows = F.reshape(channels_last(F, x, shape), shape=(-1, *to))
        return F.transpose(rows, axes=(0, 3, 1, 2)) if len(to) == 3 else rows

    match layer:
        case Add():
            return Joined(lambda F, *values: F.add_n(*values))
        case Concat():
            return Joined(lambda F, *values: F.concat(*values, dim=last))
        case Slice(begin=begin, end=end):
            return Joined(lambda F, x: F.slice_axis(x, axis=last, begin=begin, end=end))
        case Flatten():
            return Joined(lambda F, x: F.flatten(channels_last(F, x, shape)))
        case Reshape(to=to):
            return Joined(lambda F, x: reshaped(F, x, to))
        case GlobalAveragePool():
            return Joined(lambda F, x: F.mean(x, axis=(2, 3) if is_image else 1))
        case _:
            raise unknown("layer", layer)
