"""TensorFlow itself: tf.Module, tf.function and TensorFlow's own fused kernels. No Keras.

All steps of a `train` call run in one tf.while_loop inside one function. Measured on 2 cores
under other load, TensorFlow 2.21, medians of interleaved pairs, time as a ratio:

- Fixed batch size in the signature against None: 784-128-10 1 / 1.44, a small CNN 1 / 1.02.
- oneDNN on against off (off by default on the CPU measured): 784-128-10 0.76,
  a small CNN 0.36, LSTM(50) over 12 steps 1.03, SimpleRNN 0.77.
- One inter-op thread against two, oneDNN on: steps 0.87 to 1.11, no clear winner.
- LSTM gradient by BlockLSTMGradV2 against cell gradients and one product a weight: the first
  wins 1.6 times on LSTM(50) over 12 steps of 1, the second 1.7 times on LSTM(128) over 200
  steps of 128 (oneDNN off); 1.09 and 2.0 times to the second with oneDNN on. With oneDNN on, an
  unrolled LSTM(128) of plain operations takes 0.81 of the second's time, but traces 4 times longer.
- Inference by batches of 256, quiet machine: plain operations step by step against the fused
  BlockLSTM 0.60 on LSTM(50) over 12 steps (one row: 1.15, so one row keeps the fused one), 0.85
  over 200 steps of 128, but traced 2.6 times longer, so short sequences only; SimpleRNN(64) with
  the input's product inside the steps 0.78 of one product for all steps (training: 1.04).
- A separate function for a single step, without the loop: no gain.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

# Both are read when TensorFlow is imported. The suite's own values, where set, win.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import numpy as np
import tensorflow as tf
from tensorflow.python.util import _pywrap_util_port  # the only door to "is oneDNN on?"

from adapters.base import Adapter, Data, Device, Precision, Setting, Unsupported
from tasks.spec import (
    LSTM,
    SGD,
    Adam,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    Loss,
    MaxPool2D,
    SimpleRNN,
    Task,
    layer_name,
    output_shapes,
)
from tasks.weights import Weights

Tensor = tf.Tensor
Parts = dict[str, tf.Variable]

MODES = ("graph", "xla", "eager")
# Weight elements of an LSTM above which its gradient is summed by one product after the loop.
LARGE_LSTM = 2**16
# Time steps up to which inference over many rows goes step by step in plain operations.
SHORT_SEQUENCE = 32
UNROLLED = 8  # batches of inference in one XLA program
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda x: x,
    "relu": tf.nn.relu,
    "tanh": tf.nn.tanh,
    "sigmoid": tf.nn.sigmoid,
}


class Contender(Adapter):
    """tf.function over a loop of steps ("graph"), the same under XLA ("xla") or eagerly."""

    adam_form = "epsilon-hat"

    def __init__(self, mode: str, device: Device, precision: Precision, threads: int) -> None:
        if mode not in MODES:
            raise Unsupported(f"no mode {mode!r}; there are {', '.join(MODES)}")
        gpus = tf.config.list_physical_devices("GPU")
        if device == "cuda" and not gpus:
            built = tf.test.is_built_with_cuda()
            raise Unsupported("no GPU found" if built else "this TensorFlow is built without CUDA")
        used = gpus[:1] if device == "cuda" else []
        tf.config.set_visible_devices(used, "GPU")
        for gpu in used:
            tf.config.experimental.set_memory_growth(gpu, True)
        tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")
        self._compute = tf.bfloat16 if precision == "bf16" else tf.float32
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        self._mode = mode
        self._cuda = device == "cuda"

    def settings(self) -> dict[str, Setting]:
        tf32 = tf.config.experimental.tensor_float_32_execution_enabled()
        gpus = tf.config.get_visible_devices("GPU")
        return {
            "version": tf.__version__,
            "threads": tf.config.threading.get_intra_op_parallelism_threads(),
            "inter_op_threads": tf.config.threading.get_inter_op_parallelism_threads(),
            "device": "cuda" if gpus else "cpu",
            "precision": _precision(self._compute, tf32 and bool(gpus)),
            "tf32": tf32,
            "onednn": _pywrap_util_port.IsMklEnabled(),
            "cuda_build": tf.test.is_built_with_cuda(),
            "jit_compile": self._mode == "xla",
            "auto_jit": tf.config.optimizer.get_jit(),
        }

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        tf.random.set_seed(seed)
        self._task = task
        self._model = Model(task, weights, self._mode, self._cuda, self._compute)
        self._optimizer = Optimizer(task.optimizer, self._model.parameters)
        x = tf.TensorSpec((None, *task.input_shape), self._resident(task.input_dtype))
        self._forward = self._compile(lambda x: self._model(x, training=False), x)
        self._programs: dict[tuple[int, int], Any] = {}
        if self._mode == "graph":
            batch_size = tf.TensorSpec((), tf.int32)
            self._all_batches = self._compile(self._forward_all, x, batch_size)
        self._trainers = {}
        self._trainer(task.batch_size, task.augmentation is not None)

    def stage(self, x: np.ndarray, y: np.ndarray) -> Data:
        task = self._task
        return (
            tf.constant(x, self._resident(task.input_dtype)),
            tf.constant(y, self._resident(task.target_dtype)),
        )

    def train(self, data: Data, order: np.ndarray, warps: np.ndarray | None = None) -> Tensor:
        arrays = (order,) if warps is None else (order, warps)
        trainer = self._trainer(order.shape[1], warps is not None)
        return trainer(*data, *(tf.constant(array) for array in arrays))

    def predict(self, data: Data, batch_size: int) -> np.ndarray:
        x, _ = data
        n = len(x)
        if n <= batch_size:
            return self._forward(x).numpy()
        if self._mode == "graph":
            return self._all_batches(x, tf.constant(batch_size)).numpy()
        forward, rows = self._forward, batch_size
        if self._mode == "xla":
            forward, rows = partial(self._unrolled, size=batch_size), UNROLLED * batch_size
            if n <= rows:
                return forward(x).numpy()
        outputs = [forward(x[i : i + rows]) for i in range(0, n, rows)]
        return tf.concat(outputs, 0).numpy()

    def wait(self) -> None:
        tf.test.experimental.sync_devices()

    def weights(self) -> Weights:
        return {name: variable.numpy() for name, variable in self._model.parameters.items()}

    def _forward_all(self, x: Tensor, batch_size: Tensor) -> Tensor:
        """x (N, ...) → outputs (N, units) in batches: one graph call where a Python loop over
        `_forward` took 2.2 times as long (784-128-10, 8 batches of 256, 2 cores)."""
        count = (tf.shape(x)[0] + batch_size - 1) // batch_size
        units = output_shapes(self._task)[-1]
        parts = tf.TensorArray(tf.float32, count, infer_shape=False, element_shape=(None, *units))

        def body(i: Tensor, parts: tf.TensorArray) -> tuple[Tensor, tf.TensorArray]:
            batch = x[i * batch_size : (i + 1) * batch_size]
            outputs = self._model(batch, training=False, stepwise=True)
            return i + 1, parts.write(i, outputs)

        loop = tf.while_loop(lambda i, _: i < count, body, (tf.constant(0), parts))
        return loop[1].concat()

    def _unrolled(self, x: Tensor, size: int) -> Tensor:
        """The batches of x one after the other in one program, for XLA, which wants each shape
        itself and so knows how many they are: a call a batch took 1.3 (784-128-10) to 2.2 times as
        long (10 steps of SimpleRNN)."""

        def all_of(x: Tensor) -> Tensor:
            batches = [x[i : i + size] for i in range(0, x.shape[0], size)]
            return tf.concat([self._model(b, training=False, stepwise=True) for b in batches], 0)

        key = (x.shape[0], size)
        if key not in self._programs:
            self._programs[key] = self._compile(all_of, tf.TensorSpec(x.shape, x.dtype))
        return self._programs[key](x)

    def _resident(self, dtype: str) -> tf.DType:
        """TensorFlow keeps int32 in host memory even on a GPU, so integers are int64 there."""
        return tf.int64 if dtype == "int32" and self._cuda else tf.as_dtype(dtype)

    def _compile(self, function: Callable[..., Tensor], *signature: tf.TensorSpec) -> Any:
        if self._mode == "eager":
            return function
        return tf.function(
            function, signature, autograph=False, jit_compile=self._mode == "xla" or None
        ).get_concrete_function()

    def _trainer(self, batch: int, warped: bool) -> Any:
        """The compiled training loop for one batch size: static shapes fold into constants."""
        if warped and self._mode == "xla":
            raise Unsupported("augmentation is not implemented for TensorFlow under XLA")
        key = (batch, warped)
        if key not in self._trainers:
            task = self._task
            signature = [
                tf.TensorSpec((None, *task.input_shape), self._resident(task.input_dtype)),
                tf.TensorSpec((None,), self._resident(task.target_dtype)),
                tf.TensorSpec((None, batch), tf.int32),
            ]
            if warped:
                signature.append(tf.TensorSpec((None, batch, 6), tf.float32))
            # No argument may have a default: a concrete function is then slow to call.
            plain = lambda x, y, order: self._train(x, y, order, None)  # noqa: E731
            function = self._train if warped else plain
            self._trainers[key] = self._compile(function, *signature)
        return self._trainers[key]

    def _train(self, x: Tensor, y: Tensor, order: Tensor, warps: Tensor | None) -> Tensor:
        """All steps of `order` (steps, batch) → mean loss ()."""
        steps = tf.shape(order)[0]

        def step(i: Tensor, total: Tensor, *powers: Tensor) -> tuple[Tensor, ...]:
            rows = order[i]
            batch = tf.gather(x, rows)
            if warps is not None:
                batch = fused_warp(batch, warps[i])
            with tf.GradientTape() as tape:
                logits = self._model(batch, training=True)
                loss = batch_loss(self._task.loss, logits, tf.gather(y, rows))
            gradients = tape.gradient(loss, self._optimizer.parameters)
            powers = self._optimizer.apply(gradients, powers)
            return i + 1, total + loss, *powers

        start = (tf.constant(0), tf.constant(0.0), *self._optimizer.powers)
        _, total, *powers = tf.while_loop(
            lambda i, *_: i < steps, step, start, parallel_iterations=1
        )
        for variable, power in zip(self._optimizer.powers, powers, strict=True):
            variable.assign(power)
        return total / tf.cast(steps, tf.float32)


class Optimizer(tf.Module):
    """Adam or SGD by TensorFlow's fused kernels, one call a parameter."""

    def __init__(self, rule: Adam | SGD, parameters: dict[str, tf.Variable]) -> None:
        super().__init__()
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


class Model(tf.Module):
    """The layers of a task, over one float32 variable for each canonical parameter.

    compute: what the layers compute in; under bfloat16 they see rounded copies of the variables.
    """

    def __init__(self, task: Task, weights: Weights, mode: str, cuda: bool, compute: Any) -> None:
        super().__init__()
        self.parameters = {name: tf.Variable(value) for name, value in weights.items()}
        # Looked up once: an eager call would do it anew for every layer.
        names = [layer_name(index, layer) for index, layer in enumerate(task.layers)]
        shapes = output_shapes(task)
        self.layers = list(zip(task.layers, map(self._parts, names), shapes, strict=True))
        self.xla = mode == "xla"
        self.cuda = cuda
        self.compute = compute

    def __call__(self, x: Tensor, training: bool, stepwise: bool = False) -> Tensor:
        """Outputs (N, units) in float32.

        stepwise: recurrent layers over short sequences step by step in plain operations."""
        mixed = self.compute != tf.float32  # a cast to what it is costs an eager call too
        x = tf.cast(x, self.compute) if mixed and x.dtype.is_floating else x
        for layer, parts, shape in self.layers:
            if isinstance(layer, Flatten):
                x = tf.reshape(x, (-1, *shape))
                continue
            if mixed:
                parts = {part: tf.cast(variable, self.compute) for part, variable in parts.items()}
            x = self._layer(layer, parts, x, training, stepwise)
        return tf.cast(x, tf.float32) if mixed else x

    def _parts(self, layer: str) -> Parts:
        """The variables of a layer, by part."""
        named = ((name.split("/"), variable) for name, variable in self.parameters.items())
        return {part: variable for (owner, part), variable in named if owner == layer}

    def _layer(self, layer: Layer, p: Parts, x: Tensor, training: bool, stepwise: bool) -> Tensor:
        match layer:
            case Dense(activation=activation):
                z = tf.nn.bias_add(tf.matmul(x, p["kernel"]), p["bias"])
                return ACTIVATIONS[activation](z)
            case Dropout(rate=rate):
                return tf.nn.dropout(x, rate) if training else x
            case Conv2D(activation=activation):
                z = tf.nn.bias_add(tf.nn.conv2d(x, p["kernel"], 1, "VALID"), p["bias"])
                return ACTIVATIONS[activation](z)
            case MaxPool2D(size=size):
                return tf.nn.max_pool2d(x, size, size, "VALID")
            case Embedding():
                return tf.gather(p["table"], x)
            case SimpleRNN() | LSTM():
                return self._recurrent(layer, p, x, stepwise)

    def _recurrent(self, layer: SimpleRNN | LSTM, p: Parts, x: Tensor, stepwise: bool) -> Tensor:
        """x (N, T, in) → last h (N, units)."""
        kernel, recurrent, bias = (
            tf.convert_to_tensor(p[k]) for k in ("kernel", "recurrent", "bias")
        )
        # Under XLA laid out step by step, training too: SimpleRNN takes 0.84 of the time it takes
        # with the input's products made ahead, LSTM 0.75 of its loop's (two threads).
        if (stepwise or self.xla) and not self.cuda and x.shape[1] <= SHORT_SEQUENCE:
            return step_by_step(layer, tf.unstack(x, axis=1), kernel, recurrent, bias)
        x = tf.transpose(x, (1, 0, 2))
        fused = not self.xla and self.compute == tf.float32
        if self.cuda and fused:
            if isinstance(layer, LSTM):
                return cudnn_rnn(x, kernel, recurrent, bias, "lstm")
            if layer.activation in ("relu", "tanh"):
                return cudnn_rnn(x, kernel, recurrent, bias, f"rnn_{layer.activation}")
        if isinstance(layer, LSTM) and fused:
            return block_lstm(x, kernel, recurrent, bias)
        # The input's product for all time steps at once: (T, N, units or 4 units).
        projected = tf.nn.bias_add(tf.tensordot(x, kernel, 1), bias)
        if isinstance(layer, LSTM):
            return lstm_loop(projected, recurrent)
        activate = ACTIVATIONS[layer.activation]
        h = tf.zeros((tf.shape(x)[1], layer.units), x.dtype)
        for z in tf.unstack(projected):
            h = activate(z + tf.matmul(h, recurrent))
        return h


def _precision(compute: Any, tf32: bool) -> str:
    if compute == tf.bfloat16:
        return "bf16"
    return "tf32" if tf32 else "fp32"


def batch_loss(loss: Loss, logits: Tensor, y: Tensor) -> Tensor:
    """logits (N, units), y (N,) → mean loss ()."""
    if loss == "sparse_categorical_crossentropy":
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))
    outputs = tf.reshape(logits, (-1,))
    if loss == "binary_crossentropy":
        return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, outputs))
    return tf.reduce_mean(tf.math.squared_difference(outputs, y))


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
    """The recurrence in plain operations, for XLA and bfloat16 (which the fused kernels lack).

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


@tf.custom_gradient
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


def cudnn_rnn(x: Tensor, kernel: Tensor, recurrent: Tensor, bias: Tensor, cell: str) -> Tensor:
    """cuDNN over time. x (T, N, in) → h (N, units). cuDNN's gates are i, f, g, o as ours.

    Its flat parameters: input matrices, recurrent matrices (each transposed, by gate), input
    biases, recurrent biases. The second biases are constant zeros.
    """
    units = recurrent.shape[0]
    flat = [tf.reshape(tf.transpose(matrix), (-1,)) for matrix in (kernel, recurrent)]
    state = tf.zeros((1, tf.shape(x)[1], units))
    out = tf.raw_ops.CudnnRNN(
        input=x,
        input_h=state,
        input_c=state,
        params=tf.concat((*flat, bias, tf.zeros_like(bias)), 0),
        rnn_mode=cell,
    )
    return out.output[-1]


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
