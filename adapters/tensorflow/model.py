"""A task's model, loss and optimizer in TensorFlow: tf.Module over plain variables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import tensorflow as tf

from adapters.base import form_of, unknown
from adapters.tensorflow import images
from adapters.tensorflow.recurrent import ACTIVATIONS, Place, last_state
from tasks.spec import training as spec
from tasks.spec.layers import (
    LSTM,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    MaxPool2D,
    Shape,
    SimpleRNN,
)
from tasks.spec.network import Task, layer_name, output_shapes
from tasks.spec.training import SGD, Adam, Loss
from tasks.weights import Weights

Tensor: TypeAlias = tf.Tensor
Apply = Callable[[Tensor, bool, bool], Tensor]
"""(x, training, stepwise) → what the layer makes of it."""


class Model(tf.Module):
    """The layers of a task, over one float32 variable for each canonical parameter.

    compute: what the layers compute in; under bfloat16 they see rounded copies of the variables.
    """

    def __init__(self, task: Task, weights: Weights, mode: str, cuda: bool, compute: Any) -> None:
        super().__init__()
        self.parameters = {name: tf.Variable(value) for name, value in weights.items()}
        self.xla = mode == "xla"
        self.cuda = cuda
        self.plain = self.xla and not cuda  # images in operations XLA's CPU compiler is good at
        self.compute = compute
        # Decided once: an eager call would look every layer's kind and variables up anew.
        self.layers = [
            self._layer(layer, self._parts(layer_name(index, layer)), shape)
            for index, (layer, shape) in enumerate(
                zip(task.layers, output_shapes(task), strict=True)
            )
        ]

    def __call__(self, x: Tensor, training: bool, stepwise: bool = False) -> Tensor:
        """Outputs (N, units) in float32.

        stepwise: recurrent layers over short sequences step by step in plain operations."""
        mixed = self.compute != tf.float32  # a cast to what it is costs an eager call too
        x = tf.cast(x, self.compute) if mixed and x.dtype.is_floating else x
        for layer in self.layers:
            x = layer(x, training, stepwise)
        return tf.cast(x, tf.float32) if mixed else x

    def _parts(self, layer: str) -> Any:
        """The variables of a layer, by part."""
        named = ((name.split("/"), variable) for name, variable in self.parameters.items())
        parts = {part: variable for (owner, part), variable in named if owner == layer}
        return parts if self.compute == tf.float32 else Rounded(parts, self.compute)

    def _layer(self, layer: Layer, p: Any, shape: Shape) -> Apply:
        match layer:
            case Flatten():
                flat = (-1, *shape)
                return lambda x, *_: tf.reshape(x, flat)
            case Dense(activation="linear"):
                return lambda x, *_: tf.nn.bias_add(tf.matmul(x, p["kernel"]), p["bias"])
            case Dense(activation=name):
                activate = form_of("activation", name, ACTIVATIONS)
                return lambda x, *_: activate(tf.nn.bias_add(tf.matmul(x, p["kernel"]), p["bias"]))
            case Dropout(rate=rate):
                return lambda x, training, _: tf.nn.dropout(x, rate) if training else x
            case Conv2D(activation=name):
                trained = images.conv_by_product if self.plain else images.conv
                activate = form_of("activation", name, ACTIVATIONS)
                return lambda x, training, _: activate(
                    tf.nn.bias_add(
                        (trained if training else images.conv)(x, p["kernel"]), p["bias"]
                    )
                )
            case MaxPool2D(size=size):
                pool = images.pool_by_where if self.plain else images.pool
                return lambda x, *_: pool(x, size)
            case Embedding():
                return lambda x, *_: tf.gather(p["table"], x)
            case SimpleRNN() | LSTM() as cell:
                if isinstance(cell, SimpleRNN):
                    form_of("activation", cell.activation, ACTIVATIONS)
                place = Place(self.xla, self.cuda)
                return lambda x, training, stepwise: last_state(
                    cell, p, x, place, training, stepwise
                )
            case _:
                raise unknown("layer", layer)


class Rounded:
    """Variables of a layer, read in a lower precision; gradients reach the variables."""

    def __init__(self, parts: dict[str, tf.Variable], dtype: tf.DType) -> None:
        self._parts = parts
        self._dtype = dtype

    def __getitem__(self, part: str) -> Tensor:
        return tf.cast(self._parts[part], self._dtype)


class Optimizer(tf.Module):
    """Adam or SGD by TensorFlow's fused kernels, one call a parameter."""

    def __init__(self, rule: spec.Optimizer, parameters: dict[str, tf.Variable]) -> None:
        super().__init__()
        if not isinstance(rule, Adam | SGD):
            raise unknown("optimizer", rule)
        self.rule = rule
        self.parameters = list(parameters.values())
        self.moments: list[tuple[tf.Variable, tf.Variable]] = []
        self.powers: list[tf.Variable] = []  # Adam's beta^t for the step to come
        if isinstance(rule, Adam):
            self.moments = [
                (tf.Variable(tf.zeros_like(p)), tf.Variable(tf.zeros_like(p)))
                for p in self.parameters
            ]
            self.powers = [tf.Variable(rule.beta_1), tf.Variable(rule.beta_2)]

    def apply(self, gradients: Sequence[Tensor], powers: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """One step; `powers` as in `self.powers`, returned for the step after."""
        rule = self.rule
        # An embedding's gradient arrives as rows. Adam moves every row each step, so it is
        # summed into a whole table, which the fused kernel then passes over once.
        dense = [tf.convert_to_tensor(gradient) for gradient in gradients]
        if isinstance(rule, SGD):
            for parameter, gradient in zip(self.parameters, dense, strict=True):
                tf.raw_ops.ResourceApplyGradientDescent(
                    var=parameter.handle, alpha=rule.learning_rate, delta=gradient
                )
            return ()
        for parameter, gradient, (m, v) in zip(self.parameters, dense, self.moments, strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=parameter.handle,
                m=m.handle,
                v=v.handle,
                beta1_power=powers[0],
                beta2_power=powers[1],
                lr=rule.learning_rate,
                beta1=rule.beta_1,
                beta2=rule.beta_2,
                epsilon=rule.epsilon,
                grad=gradient,
            )
        return powers[0] * rule.beta_1, powers[1] * rule.beta_2


def _cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))


def _binary_cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    outputs = tf.reshape(logits, (-1,))
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, outputs))


def _squared_error(outputs: Tensor, y: Tensor) -> Tensor:
    return tf.reduce_mean(tf.math.squared_difference(tf.reshape(outputs, (-1,)), y))


LOSSES: dict[Loss, Callable[[Tensor, Tensor], Tensor]] = {
    "sparse_categorical_crossentropy": _cross_entropy,
    "binary_crossentropy": _binary_cross_entropy,
    "mean_squared_error": _squared_error,
}
"""(outputs (N, units), targets (N,)) → mean loss ()."""
