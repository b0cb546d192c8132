"""Operations on images in TensorFlow: its own, and forms that XLA's CPU compiler is good at.

XLA on the CPU is slow at the gradients of convolution and of max pooling, so training has other
forms of both there, and inference of pooling alone: MEASURED.md.
"""

from __future__ import annotations

from typing import TypeAlias

import tensorflow as tf

Tensor: TypeAlias = tf.Tensor


def conv(x: Tensor, kernel: Tensor) -> Tensor:
    """Valid convolution of x (N, H, W, C) by (k, k, C, F)."""
    return tf.nn.conv2d(x, kernel, 1, "VALID")


def pool(x: Tensor, size: int) -> Tensor:
    """Max pooling."""
    return tf.nn.max_pool2d(x, size, size, "VALID")


def conv_by_product(x: Tensor, kernel: Tensor) -> Tensor:
    """`conv` as one product over the patches of x."""
    k, filters = kernel.shape[0], kernel.shape[3]
    height, width = x.shape[1] - k + 1, x.shape[2] - k + 1
    windows = [x[:, i : i + height, j : j + width] for i in range(k) for j in range(k)]
    patches = tf.reshape(tf.concat(windows, -1), (-1, k * k * x.shape[3]))
    product = tf.matmul(patches, tf.reshape(kernel, (-1, filters)))
    return tf.reshape(product, (-1, height, width, filters))


def pool_by_where(x: Tensor, size: int) -> Tensor:
    """`pool`: the size² views that meet in a window; of equals the first has the gradient."""
    height, width = x.shape[1] // size * size, x.shape[2] // size * size
    corners = [(i, j) for i in range(size) for j in range(size)]
    top, *others = (x[:, i:height:size, j:width:size] for i, j in corners)
    for other in others:
        top = tf.where(other > top, other, top)
    return top


def plain_warp(images: Tensor, maps: Tensor) -> Tensor:
    """`fused_warp` in plain operations, for XLA, which does not know TensorFlow's sampler."""
    count, height, width, channels = images.shape
    ys, xs = tf.meshgrid(
        tf.range(height, dtype=tf.float32), tf.range(width, dtype=tf.float32), indexing="ij"
    )
    a = maps[:, :, None, None]
    px = tf.clip_by_value(a[:, 0] * xs + a[:, 1] * ys + a[:, 2], 0.0, width - 1.0)
    py = tf.clip_by_value(a[:, 3] * xs + a[:, 4] * ys + a[:, 5], 0.0, height - 1.0)
    x0, y0 = tf.floor(px), tf.floor(py)
    x1, y1 = tf.minimum(x0 + 1, width - 1.0), tf.minimum(y0 + 1, height - 1.0)
    flat = tf.reshape(images, (count, height * width, channels))

    def at(y: Tensor, x: Tensor) -> Tensor:
        numbers = tf.reshape(tf.cast(y * width + x, tf.int32), (count, -1))
        return tf.reshape(tf.gather(flat, numbers, batch_dims=1), images.shape)

    fx, fy = (px - x0)[..., None], (py - y0)[..., None]
    top = at(y0, x0) * (1 - fx) + at(y0, x1) * fx
    bottom = at(y1, x0) * (1 - fx) + at(y1, x1) * fx
    return top * (1 - fy) + bottom * fy


def fused_warp(images: Tensor, maps: Tensor) -> Tensor:
    """images (N, H, W, C), maps (N, 6): TensorFlow's own sampler, whose rule is the contract's."""
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.pad(maps, ((0, 0), (0, 2))),
        output_shape=images.shape[1:3],
        interpolation="BILINEAR",
        fill_mode="NEAREST",
        fill_value=0.0,
    )
