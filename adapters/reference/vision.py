"""Forward and backward of the layers of image networks that only graphs have, in plain NumPy."""

from __future__ import annotations

import numpy as np

from adapters.reference.layers import ACTIVATIONS, SLOPES, Array, Params
from adapters.reference.pairs import Given, Gradients, Pairs, Result
from tasks.spec.layers import Conv2D
from tasks.spec.vision import (
    Add,
    AveragePool2D,
    Concat,
    GlobalAveragePool,
    LeakyRelu,
    Relu,
    Reshape,
    Slice,
    TransposedConv2D,
)

Sides = tuple[int, int]


def relu(layer: Relu, g: Given) -> Result:
    (x,) = g.reads
    return Result(np.maximum(x, 0), x)


def relu_back(layer: Relu, p: Params, saved: Array, grad: Array) -> Gradients:
    return Gradients((grad * (saved > 0),))


def leaky_relu(layer: LeakyRelu, g: Given) -> Result:
    (x,) = g.reads
    return Result(np.where(x > 0, x, layer.slope * x), x)


def leaky_relu_back(layer: LeakyRelu, p: Params, saved: Array, grad: Array) -> Gradients:
    return Gradients((np.where(saved > 0, grad, layer.slope * grad),))


def add(layer: Add, g: Given) -> Result:
    first, *others = g.reads
    total = first.copy()
    for other in others:
        total += other
    return Result(total, len(g.reads))


def add_back(layer: Add, p: Params, saved: int, grad: Array) -> Gradients:
    return Gradients((grad,) * saved)


def concat(layer: Concat, g: Given) -> Result:
    widths = [read.shape[-1] for read in g.reads]
    return Result(np.concatenate(g.reads, axis=-1), np.cumsum(widths)[:-1])


def concat_back(layer: Concat, p: Params, saved: Array, grad: Array) -> Gradients:
    return Gradients(tuple(np.split(grad, saved, axis=-1)))


def part(layer: Slice, g: Given) -> Result:
    (x,) = g.reads
    return Result(x[..., layer.begin : layer.end], x.shape)


def part_back(layer: Slice, p: Params, saved: tuple[int, ...], grad: Array) -> Gradients:
    by_x = np.zeros(saved, grad.dtype)
    by_x[..., layer.begin : layer.end] = grad
    return Gradients((by_x,))


def reshape(layer: Reshape, g: Given) -> Result:
    (x,) = g.reads
    return Result(x.reshape(len(x), *layer.to), x.shape)


def reshape_back(layer: Reshape, p: Params, saved: tuple[int, ...], grad: Array) -> Gradients:
    return Gradients((grad.reshape(saved),))


def average_pool(layer: AveragePool2D, g: Given) -> Result:
    (x,) = g.reads
    size = layer.size
    height, width = (length // size for length in x.shape[1:3])
    inside = x[:, : height * size, : width * size]
    blocks = inside.reshape(len(x), height, size, width, size, x.shape[3])
    return Result(blocks.mean(axis=(2, 4)), x.shape)


def average_pool_back(
    layer: AveragePool2D, p: Params, saved: tuple[int, ...], grad: Array
) -> Gradients:
    size = layer.size
    by_x = np.zeros(saved, grad.dtype)
    spread = grad.repeat(size, axis=1).repeat(size, axis=2) / size**2
    by_x[:, : spread.shape[1], : spread.shape[2]] = spread
    return Gradients((by_x,))


def global_pool(layer: GlobalAveragePool, g: Given) -> Result:
    (x,) = g.reads
    return Result(x.mean(axis=tuple(range(1, x.ndim - 1))), x.shape)


def global_pool_back(
    layer: GlobalAveragePool, p: Params, saved: tuple[int, ...], grad: Array
) -> Gradients:
    places = int(np.prod(saved[1:-1]))
    spread = grad.reshape(len(grad), *(1,) * (len(saved) - 2), -1) / places
    return Gradients((np.broadcast_to(spread, saved).copy(),))


def _windows(x: Array, k: int, stride: int, sides: Sides) -> list[Array]:
    """k² views of x (N, H, W, C), (N, *sides, C) each: what a kernel's each place meets."""
    height, width = ((side - 1) * stride + 1 for side in sides)
    return [
        x[:, i : i + height : stride, j : j + width : stride] for i in range(k) for j in range(k)
    ]


def _correlated(x: Array, kernel: Array, stride: int, sides: Sides) -> Array:
    """Cross-correlation of x, already padded, with kernel (k, k, in, out)."""
    columns = np.concatenate(_windows(x, len(kernel), stride, sides), axis=-1)
    return np.asarray(columns @ kernel.reshape(-1, kernel.shape[-1]))


def _spread(grad: Array, kernel: Array, stride: int, shape: tuple[int, ...]) -> Array:
    """What `_correlated` passes back to its input, of that (padded) shape."""
    columns = grad @ kernel.reshape(-1, kernel.shape[-1]).T
    k, total = len(kernel), np.zeros(shape, grad.dtype)
    parts = np.split(columns, k * k, axis=-1)
    for place, part in zip(_windows(total, k, stride, grad.shape[1:3]), parts, strict=True):
        place += part
    return total


def _by_kernel(x: Array, grad: Array, k: int, stride: int) -> Array:
    """The gradient by the kernel of `_correlated`, (k, k, in, out)."""
    columns = np.concatenate(_windows(x, k, stride, grad.shape[1:3]), axis=-1)
    flat = columns.reshape(-1, columns.shape[-1]).T @ grad.reshape(-1, grad.shape[-1])
    return flat.reshape(k, k, x.shape[-1], grad.shape[-1])


def _padded(x: Array, layer: Conv2D) -> Array:
    return np.pad(x, ((0, 0), layer.pads(x.shape[1]), layer.pads(x.shape[2]), (0, 0)))


def conv(layer: Conv2D, g: Given) -> Result:
    """With a stride, padding or no bias."""
    (x,) = g.reads
    sides = layer.shape(x.shape[1:])[:2]
    z = _correlated(_padded(x, layer), g.p["kernel"], layer.stride, (sides[0], sides[1]))
    out = ACTIVATIONS[layer.activation](z + g.p["bias"] if layer.bias else z)
    return Result(out, (x, out))


def conv_back(layer: Conv2D, p: Params, saved: tuple[Array, Array], grad: Array) -> Gradients:
    x, out = saved
    by_z = grad * SLOPES[layer.activation](out)
    padded = _padded(x, layer)
    by_padded = _spread(by_z, p["kernel"], layer.stride, padded.shape)
    top, left = layer.pads(x.shape[1])[0], layer.pads(x.shape[2])[0]
    by_x = by_padded[:, top : top + x.shape[1], left : left + x.shape[2]]
    parts = {"kernel": _by_kernel(padded, by_z, layer.kernel, layer.stride)}
    return Gradients((by_x,), parts | ({"bias": by_z.sum((0, 1, 2))} if layer.bias else {}))


def _cropped(x: Array, layer: TransposedConv2D) -> Array:
    before, after = layer.crop
    return x[:, before : x.shape[1] - after, before : x.shape[2] - after]


def transposed(layer: TransposedConv2D, g: Given) -> Result:
    (x,) = g.reads
    height, width, _ = layer.shape(x.shape[1:])
    whole = (len(x), height + sum(layer.crop), width + sum(layer.crop), layer.filters)
    z = _cropped(_spread(x, g.p["kernel"], layer.stride, whole), layer)
    out = ACTIVATIONS[layer.activation](z + g.p["bias"] if layer.bias else z)
    return Result(out, (x, out))


def transposed_back(
    layer: TransposedConv2D, p: Params, saved: tuple[Array, Array], grad: Array
) -> Gradients:
    x, out = saved
    by_z = grad * SLOPES[layer.activation](out)
    padded = np.pad(by_z, ((0, 0), layer.crop, layer.crop, (0, 0)))
    by_x = _correlated(padded, p["kernel"], layer.stride, (x.shape[1], x.shape[2]))
    parts = {"kernel": _by_kernel(padded, x, layer.kernel, layer.stride)}
    return Gradients((by_x,), parts | ({"bias": by_z.sum((0, 1, 2))} if layer.bias else {}))


PAIRS: Pairs = {
    Relu: (relu, relu_back),
    LeakyRelu: (leaky_relu, leaky_relu_back),
    Add: (add, add_back),
    Concat: (concat, concat_back),
    Slice: (part, part_back),
    Reshape: (reshape, reshape_back),
    AveragePool2D: (average_pool, average_pool_back),
    GlobalAveragePool: (global_pool, global_pool_back),
    Conv2D: (conv, conv_back),
    TransposedConv2D: (transposed, transposed_back),
}
