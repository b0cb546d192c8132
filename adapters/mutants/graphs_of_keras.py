"""Accidents of Keras and TensorFlow in graphs: their defaults, and options with like names."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from importlib import import_module
from typing import Any
from unittest.mock import patch

from adapters.mutants import small_graphs as small
from adapters.mutants.in_pytorch import fixed
from adapters.mutants.mutant import Mutant
from adapters.mutants.within import beside, inside, replaced, within
from tasks.spec.network import Task
from tasks.spec.normalization import BatchNorm


def without(name: str) -> Callable[[Any], Any]:
    """A layer whose argument of that name is left out, and so has Keras's default."""

    def change(original: Any) -> Any:
        def make(*given: Any, **asked: Any) -> Any:
            return original(*given, **{key: v for key, v in asked.items() if key != name})

        return make

    return change


def clipped_one_by_one(original: Any) -> Any:
    """AdamW with clipnorm, which is of each variable, for global_clipnorm."""

    def make(*given: Any, **asked: Any) -> Any:
        return original(*given, clipnorm=asked.pop("global_clipnorm"), **asked)

    return make


def _layer(name: str, change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return within(replaced("keras.layers", name, change))


def each_clipped(original: Any) -> Any:
    """tf.clip_by_norm for tf.clip_by_global_norm."""

    def clip(gradients: Any, norm: float) -> Any:
        tf = import_module("tensorflow")
        return [tf.clip_by_norm(gradient, norm) for gradient in gradients], None

    return clip


def cropped_before(original: Any) -> Any:
    """What `same` padding adds is cut off on the other side: odd ones before, not after."""

    def convolve(x: Any, kernel: Any, shape: Any, stride: int, padding: str) -> Any:
        tf = import_module("tensorflow")
        total = kernel.shape[0] - stride
        before = total - total // 2
        whole = shape + tf.constant([0, total, total, 0])
        out = original(x, kernel, whole, stride, "VALID")
        height, width = x.shape[1] * stride, x.shape[2] * stride
        cut = out[:, before : before + height, before : before + width]
        return tf.ensure_shape(cut, (None, height, width, kernel.shape[2]))

    return convolve


def _fused(layer: BatchNorm, p: Any, reads: Any, training: bool) -> Any:
    """TensorFlow's fused batch norm, whose running variance is the unbiased one."""
    fused = import_module("tensorflow").compat.v1.nn.fused_batch_norm
    is_training = training and not layer.frozen
    out, mean, variance = fused(
        reads[0], p["gamma"], p["beta"], p["mean"], p["variance"], layer.epsilon,
        is_training=is_training, exponential_avg_factor=1 - layer.momentum,
    )  # fmt: skip
    if is_training:
        p["mean"].assign(mean)
        p["variance"].assign(variance)
    return out


def fused_norm(adapter: Any) -> AbstractContextManager[Any]:
    manager: AbstractContextManager[Any] = patch.dict(
        beside(adapter, "graph_layers").LAYERS, {BatchNorm: _fused}
    )
    return manager


def _fault(framework: str, name: str, task: Task, make: Callable[[Any], Any]) -> Mutant:
    return inside(framework, name, "graphs", make, families=(task.family,), task=task.name)


_keras, _tensorflow = (partial(_fault, name) for name in ("keras", "tensorflow"))

FAULTS: tuple[Mutant, ...] = (
    _keras("clipnorm for global_clipnorm", small.LANGUAGE,
           within(replaced("keras.optimizers", "AdamW", clipped_one_by_one))),
    _keras("AdamW's own weight decay of 0.004", small.LANGUAGE,
           within(replaced("keras.optimizers", "AdamW", fixed(weight_decay=0.004)))),
    _keras("both biases of a GRU trained", small.GATES, _layer("GRU", without("bias_constraint"))),
    _keras("batch norm's own momentum of 0.99", small.RESIDUAL,
           _layer("BatchNormalization", without("momentum"))),
    _keras("layer norm's own epsilon of 1e-3", small.ENCODER,
           _layer("LayerNormalization", without("epsilon"))),
    _tensorflow("the fused batch norm's variance", small.RESIDUAL, within(fused_norm)),
    _tensorflow("each gradient clipped by itself", small.LANGUAGE,
                within(replaced("tensorflow", "clip_by_global_norm", each_clipped))),
    _tensorflow("a transposed convolution cut off before", small.PIXELS,
                within(replaced("tensorflow.nn", "conv2d_transpose", cropped_before))),
)  # fmt: skip
