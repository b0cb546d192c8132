"""TensorFlow itself: tf.Module, tf.function and TensorFlow's own fused kernels. No Keras.

All steps of a `train` call run in one tf.while_loop inside one function, with the batch size fixed
in its signature; oneDNN is on and one inter-op thread is asked for. MEASURED.md has what each of
these choices was measured on.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

# Both are read when TensorFlow is imported. The suite's own values, where set, win.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import numpy as np
import tensorflow as tf
from tensorflow.python.util import _pywrap_util_port  # the only door to "is oneDNN on?"

from adapters.base import (
    Adapter,
    Data,
    Device,
    Precision,
    Setting,
    Unsupported,
    form_of,
)
from adapters.tensorflow.debugging import debugging
from adapters.tensorflow.graph_training import Predictor, Training
from adapters.tensorflow.images import fused_warp, plain_warp
from adapters.tensorflow.model import LOSSES, Model, Optimizer
from tasks.spec.graph import value_shapes
from tasks.spec.network import Task
from tasks.weights import Weights

Tensor: TypeAlias = tf.Tensor

MODES = ("graph", "xla", "eager")
UNROLLED = 8  # batches of inference in one XLA program


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
        built = tf.sysconfig.get_build_info()
        return {
            "version": tf.__version__,
            "threads": tf.config.threading.get_intra_op_parallelism_threads(),
            "inter_op_threads": tf.config.threading.get_inter_op_parallelism_threads(),
            "device": "cuda" if gpus else "cpu",
            "precision": _precision(self._compute, tf32 and bool(gpus)),
            "tf32": tf32,
            "onednn": _pywrap_util_port.IsMklEnabled(),
            "cuda_build": tf.test.is_built_with_cuda(),
            "cuda": built.get("cuda_version", "none"),
            "cudnn": built.get("cudnn_version", "none"),
            "jit_compile": self._mode == "xla",
            "auto_jit": tf.config.optimizer.get_jit(),
            "debugging": debugging(),
        }

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        tf.random.set_seed(seed)
        self._task = task
        self._loss = form_of("loss", task.loss, LOSSES)
        self._model: Model | Predictor
        if task.is_graph:
            self._model = Predictor(task, weights, self._compute)
            self._training = Training(self._model)
        else:
            self._model = Model(task, weights, self._mode, self._cuda, self._compute)
            self._optimizer = Optimizer(task.optimizer, self._model.parameters)
        x = tf.TensorSpec((None, *task.input_shape), self._resident(task.input_dtype))
        self._forward = self._compile(lambda x: self._model(x, training=False), x)
        self._programs: dict[tuple[int, int], Any] = {}
        if self._mode == "graph":
            batch_size = tf.TensorSpec((), tf.int32)
            self._all_batches = self._compile(self._forward_all, x, batch_size)
        self._trainers: dict[tuple[int, bool], Any] = {}
        self._trainer(task.batch_size, task.augmentation is not None)

    def stage(self, x: np.ndarray, y: np.ndarray) -> Data:
        task = self._task
        return (
            tf.constant(x, self._resident(task.input_dtype)),
            tf.constant(y, self._resident(task.target_dtype)),
        )

    def train(self, data: Data, order: np.ndarray, warps: np.ndarray | None = None) -> Tensor:
        rows = tf.constant(order, self._resident("int32"))
        trainer = self._trainer(order.shape[1], warps is not None)
        return trainer(*data, rows) if warps is None else trainer(*data, rows, tf.constant(warps))

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
        """x (N, ...) → outputs (N, units) in batches: one graph call, as a Python loop over
        `_forward` took longer (MEASURED.md)."""
        count = (tf.shape(x)[0] + batch_size - 1) // batch_size
        units = value_shapes(self._task.nodes, self._task.inputs)[self._task.predicted]
        parts = tf.TensorArray(tf.float32, count, infer_shape=False, element_shape=(None, *units))

        def body(i: Tensor, parts: tf.TensorArray) -> tuple[Tensor, tf.TensorArray]:
            batch = x[i * batch_size : (i + 1) * batch_size]
            outputs = self._model(batch, training=False, stepwise=True)
            return i + 1, parts.write(i, outputs)

        loop = tf.while_loop(lambda i, _: i < count, body, (tf.constant(0), parts))
        return loop[1].concat()

    def _unrolled(self, x: Tensor, size: int) -> Tensor:
        """The batches of x one after the other in one program, for XLA, which wants each shape
        itself and so knows how many they are: a call a batch took longer (MEASURED.md)."""

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
        key = (batch, warped)
        if key not in self._trainers:
            task = self._task
            signature = [
                tf.TensorSpec((None, *task.input_shape), self._resident(task.input_dtype)),
                tf.TensorSpec((None, *task.target_shape), self._resident(task.target_dtype)),
                tf.TensorSpec((None, batch), self._resident("int32")),
            ]
            if warped:
                signature.append(tf.TensorSpec((None, batch, 6), tf.float32))
            # No argument may have a default: a concrete function is then slow to call.
            train = self._train_graph if task.is_graph else self._train
            plain = lambda x, y, order: train(x, y, order, None)  # noqa: E731
            function = train if warped else plain
            self._trainers[key] = self._compile(function, *signature)
        return self._trainers[key]

    def _train(self, x: Tensor, y: Tensor, order: Tensor, warps: Tensor | None) -> Tensor:
        """All steps of `order` (steps, batch) → mean loss ()."""
        steps = tf.shape(order)[0]

        def step(i: Tensor, total: Tensor, *powers: Tensor) -> tuple[Tensor, ...]:
            rows = order[i]
            batch = self._batch(x, rows, None if warps is None else warps[i])
            with tf.GradientTape() as tape:
                logits = self._model(batch, training=True)
                loss = self._loss(logits, tf.gather(y, rows))
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

    def _train_graph(self, x: Tensor, y: Tensor, order: Tensor, warps: Tensor | None) -> Tensor:
        """The same for a graph, whose optimizers keep all that they keep in variables."""

        def step(i: Tensor, total: Tensor) -> tuple[Tensor, Tensor]:
            batch = self._batch(x, order[i], None if warps is None else warps[i])
            return i + 1, total + self._training.step(batch, tf.gather(y, order[i]))

        start = (tf.constant(0), tf.constant(0.0))
        count = tf.shape(order)[0]
        _, total = tf.while_loop(lambda i, _: i < count, step, start, parallel_iterations=1)
        return total / tf.cast(count, tf.float32)

    def _batch(self, x: Tensor, rows: Tensor, maps: Tensor | None) -> Tensor:
        batch = tf.gather(x, rows)
        if maps is None:
            return batch
        return (plain_warp if self._mode == "xla" else fused_warp)(batch, maps)


def _precision(compute: Any, tf32: bool) -> str:
    if compute == tf.bfloat16:
        return "bf16"
    return "tf32" if tf32 else "fp32"
