"""Recurrent layers in TensorFlow: fused kernels on CPU and GPU, and plain operations.

Which form is fastest depends on the size of the layer, the length of the sequence, the number of
rows, and whether XLA compiles it: MEASURED.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import tensorflow as tf

from tasks.spec.layers import LSTM, SimpleRNN

Tensor: TypeAlias = tf.Tensor

# Weight elements of an LSTM above which its gradient is summed by one product after the loop.
LARGE_LSTM = 2**16
# Time steps up to which inference over many rows goes step by step in plain operations.
SHORT_SEQUENCE = 32
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda x: x,
    "relu": tf.nn.relu,
    "tanh": tf.nn.tanh,
    "sigmoid": tf.nn.sigmoid,
}


@dataclass(frozen=True)
class Place:
    """What compiles a layer, and where it computes."""

    xla: bool
    cuda: bool

    def fuses(self, dtype: tf.DType) -> bool:
        """Whether a fused kernel takes this type: cuDNN's take bfloat16 too, the CPU's do not."""
        types = (tf.float32, tf.bfloat16) if self.cuda else (tf.float32,)
        return not self.xla and dtype in types


def last_state(
    layer: SimpleRNN | LSTM, parts: Any, x: Tensor, place: Place, training: bool, stepwise: bool
) -> Tensor:
    """x (N, T, in) → last h (N, units), by the form that is best there.

    stepwise: a short sequence goes step by step in plain operations.
    """
    xla, cuda = place.xla, place.cuda
    weights = [tf.convert_to_tensor(parts[part]) for part in ("kernel", "recurrent", "bias")]
    if (stepwise or xla) and not cuda and x.shape[1] <= SHORT_SEQUENCE:
        return step_by_step(layer, tf.unstack(x, axis=1), *weights)
    x = tf.transpose(x, (1, 0, 2))
    if place.fuses(x.dtype):
        if isinstance(layer, LSTM):
            return cudnn_rnn("lstm", training, x, *weights) if cuda else block_lstm(x, *weights)
        if cuda and layer.activation in ("relu", "tanh"):
            return cudnn_rnn(f"rnn_{layer.activation}", training, x, *weights)
    kernel, recurrent, bias = weights
    # The input's product for all time steps at once: (T, N, units or 4 units).
    projected = tf.nn.bias_add(tf.tensordot(x, kernel, 1), bias)
    if isinstance(layer, LSTM):
        return lstm_loop(projected, recurrent)
    activate = ACTIVATIONS[layer.activation]
    h = tf.zeros((tf.shape(x)[1], layer.units), x.dtype)
    for z in tf.unstack(projected):
        h = activate(z + tf.matmul(h, recurrent))
    return h


def step_by_step(
    layer: SimpleRNN | LSTM, x: Sequence[Tensor], kernel: Tensor, recurrent: Tensor, bias: Tensor
) -> Tensor:
    """The recurrence unrolled in plain operations. x: T times (N, in) → h (N, units)."""
    h = c = tf.zeros((tf.shape(x[0])[0], layer.units), x[0].dtype)
    for now in x:
        z = tf.nn.bias_add(tf.matmul(now, kernel) + tf.matmul(h, recurrent), bias)
        if isinstance(layer, LSTM):
            i, f, g, o = tf.split(z, 4, axis=1)
            c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
            h = tf.sigmoid(o) * tf.tanh(c)
        else:
            h = ACTIVATIONS[layer.activation](z)
    return h


def lstm_loop(projected: Tensor, recurrent: Tensor) -> Tensor:
    """The recurrence in plain operations, for XLA, and for bfloat16 on a CPU.

    projected (T, N, 4 units) → h (N, units)."""
    steps, units = projected.shape[0], recurrent.shape[0]
    inputs = tf.TensorArray(projected.dtype, steps).unstack(projected)

    def step(t: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        i, f, g, o = tf.split(inputs.read(t) + tf.matmul(h, recurrent), 4, axis=1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        return t + 1, tf.sigmoid(o) * tf.tanh(c), c

    zeros = tf.zeros((tf.shape(projected)[1], units), projected.dtype)
    return tf.while_loop(
        lambda t, *_: t < steps, step, (tf.constant(0), zeros, zeros), maximum_iterations=steps
    )[1]


@tf.custom_gradient  # type: ignore[untyped-decorator]
def block_lstm(x: Tensor, kernel: Tensor, recurrent: Tensor, bias: Tensor) -> tuple[Tensor, Any]:
    """TensorFlow's fused CPU LSTM over time. x (T, N, in) → h (N, units).

    The gradient TensorFlow registers for BlockLSTMV2 calls the kernel of the first version,
    whose gates are ordered i, g, f, o: it is wrong (seen in 2.21), so it is not used.
    """
    zeros = tf.zeros((tf.shape(x)[1], recurrent.shape[0]))
    peephole = tf.zeros(recurrent.shape[0])
    inputs = {
        "x": x,
        "cs_prev": zeros,
        "h_prev": zeros,
        "w": tf.concat((kernel, recurrent), 0),
        "wci": peephole,
        "wcf": peephole,
        "wco": peephole,
        "b": bias,
    }
    steps = tf.constant(x.shape[0], tf.int64)
    out = tf.raw_ops.BlockLSTMV2(seq_len_max=steps, **inputs, cell_clip=0.0, use_peephole=False)

    def kernel_gradient(by_h: Tensor) -> tuple[Tensor, ...]:
        split = kernel.shape[0]
        grad = tf.raw_ops.BlockLSTMGradV2(
            seq_len_max=steps,
            **inputs,
            **out._asdict(),
            cs_grad=tf.zeros_like(out.cs),
            h_grad=tf.concat((tf.zeros_like(out.h[1:]), by_h[None]), 0),
            use_peephole=False,
        )
        return grad.x_grad, grad.w_grad[:split], grad.w_grad[split:], grad.b_grad

    def product_gradient(by_h: Tensor) -> tuple[Tensor, ...]:
        return lstm_gradient(x, kernel, recurrent, bias, out, by_h)

    large = inputs["w"].shape.num_elements() > LARGE_LSTM
    return out.h[-1], product_gradient if large else kernel_gradient


def lstm_gradient(
    x: Tensor, kernel: Tensor, recurrent: Tensor, bias: Tensor, out: Any, by_h: Tensor
) -> tuple[Tensor, ...]:
    """Back through time by the fused cell gradient, then each weight gradient as one product.

    The cell's gates are ordered i, g, f, o. Its x, w and peepholes are not read.
    """
    n, units = tf.shape(x)[1], recurrent.shape[0]
    transposed = tf.transpose(swap_gates(recurrent))  # (4 units, units)
    zeros, peephole = tf.zeros((n, units)), tf.zeros(units)
    unread = {"x": tf.zeros((n, 1)), "w": tf.zeros((1 + units, 4 * units)), "b": bias}
    unread |= {"wci": peephole, "wcf": peephole, "wco": peephole, "h_prev": zeros}
    before = tf.concat((zeros[None], out.cs[:-1]), 0)
    saved = [
        dict(zip(("i", "cs", "f", "o", "ci", "co", "cs_prev"), s, strict=True))
        for s in zip(*(tf.unstack(s) for s in (*out[:6], before)), strict=True)
    ]
    gates = []
    by_c = zeros
    for values in reversed(saved):
        grad = tf.raw_ops.LSTMBlockCellGrad(
            **unread, **values, cs_grad=by_c, h_grad=by_h, use_peephole=False
        )
        by_c, by_h = grad.cs_prev_grad, tf.matmul(grad.dicfo, transposed)
        gates.append(grad.dicfo)
    by_z = swap_gates(tf.concat(gates[::-1], 0))  # (T N, 4 units)
    h_before = tf.concat((zeros[None], out.h[:-1]), 0)
    return (
        tf.reshape(tf.matmul(by_z, kernel, transpose_b=True), tf.shape(x)),
        tf.matmul(tf.reshape(x, (-1, x.shape[2])), by_z, transpose_a=True),
        tf.matmul(tf.reshape(h_before, (-1, units)), by_z, transpose_a=True),
        tf.reduce_sum(by_z, 0),
    )


def swap_gates(array: Tensor) -> Tensor:
    """(…, 4 units) between the gate orders i, f, g, o and i, g, f, o."""
    i, second, third, o = tf.split(array, 4, axis=1)
    return tf.concat((i, third, second, o), 1)


def cudnn_rnn(
    cell: str, training: bool, x: Tensor, kernel: Tensor, recurrent: Tensor, bias: Tensor
) -> Tensor:
    """cuDNN over time. x (T, N, in) → h (N, units). cuDNN's gates are i, f, g, o as ours.

    training: it keeps what a gradient needs, which takes memory and a slower kernel.

    Its flat parameters: input matrices, recurrent matrices (each transposed, by gate), input
    biases, recurrent biases. The second biases are constant zeros.
    """
    units = recurrent.shape[0]
    flat = [tf.reshape(tf.transpose(matrix), (-1,)) for matrix in (kernel, recurrent)]
    state = tf.zeros((1, tf.shape(x)[1], units), x.dtype)
    out = tf.raw_ops.CudnnRNN(
        input=x,
        input_h=state,
        input_c=state,
        params=tf.concat((*flat, bias, tf.zeros_like(bias)), 0),
        rnn_mode=cell,
        is_training=training,
    )
    return out.output[-1]
