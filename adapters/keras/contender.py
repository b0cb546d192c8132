"""Keras 3: Sequential, compile, fit and predict. Mode "tensorflow" is the backend's name.

Keras reads its backend from KERAS_BACKEND once, at import, so keras is imported in the
constructor, where the mode is known, and not at module top (`_import_keras`). The arithmetic is
written in Keras alone and serves any backend; the input (`_Staged`, by tf.data) and what is set
and read back is TensorFlow's. adapters/keras/backends.py replaces these for the others.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from adapters.base import AdamForm, Adapter, Data, Device, Precision, Setting, Unsupported
from tasks.spec.layers import (
    LSTM,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    MaxPool2D,
    SimpleRNN,
)
from tasks.spec.network import Task, parameter_shapes
from tasks.spec.training import Adam
from tasks.weights import Weights

_BACKENDS = ("tensorflow", "jax", "torch")
_PREFETCH = 2
# TF32 is the backend's switch, not a policy.
_POLICIES = {"fp32": "float32", "tf32": "float32", "bf16": "mixed_bfloat16"}
_UNROLL_STEPS = 32
SMALL_ROW = 1024  # bytes


def _import_keras(mode: str) -> Any:
    """Import keras on the backend `mode`, or return it when that was already done."""
    if mode not in _BACKENDS:
        raise Unsupported(f"Keras has no backend {mode!r}")
    if importlib.util.find_spec(mode) is None:
        raise Unsupported(f"the backend package {mode} is not installed")
    os.environ["KERAS_BACKEND"] = mode
    # oneDNN is off by default on some CPUs; on, as in adapters/tensorflow/contender.py, so that the
    # two rows differ by the framework and not by its kernels. Keras's notices stay out of the log.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    keras = importlib.import_module("keras")
    if keras.config.backend() != mode:
        raise Unsupported(f"this process already uses Keras on {keras.config.backend()}")
    return keras


def _configure_tensorflow(device: Device, threads: int, precision: Precision) -> Any:
    """Threads, visible devices, TF32 only where asked for; the same settings again are accepted."""
    tf = importlib.import_module("tensorflow")
    if device == "cuda" and not tf.config.list_physical_devices("GPU"):
        raise Unsupported("TensorFlow sees no GPU")
    if device == "cpu":
        tf.config.set_visible_devices([], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")
    return tf


@dataclass
class _Staged:
    """Resident rows and the datasets over them, made once: tracing a dataset costs each call.

    `order` (steps, batch) and `warps` (steps, batch, 6) are variables that the datasets read
    anew whenever `fit` starts an iterator.
    """

    x: Any
    y: Any
    order: Any
    warps: Any
    batches: Any
    warped: Any


def _finish(tf: Any, dataset: Any) -> Any:
    """Prefetch, without tf.data's autotuning (the reason is in `Contender`)."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(_PREFETCH).with_options(options)


def _slices(tf: Any, *variables: Any) -> Any:
    """A dataset over the first axis of the variables' values at the time it is iterated."""

    def read(_: Any) -> Any:
        values = tuple(variable.read_value() for variable in variables)
        return tf.data.Dataset.from_tensor_slices(values)

    return tf.data.Dataset.range(1).flat_map(read)


def _batches(tf: Any, rows: Any, targets: Any, order: Any) -> Any:
    """The dataset of an order's batches; small rows are gathered all at once (see `Contender`)."""
    if rows.dtype.size * rows[0].shape.num_elements() > SMALL_ROW:
        return _slices(tf, order).map(lambda i: (tf.gather(rows, i), tf.gather(targets, i)))

    def gather(_: Any) -> Any:
        i = order.read_value()
        return tf.data.Dataset.from_tensor_slices((tf.gather(rows, i), tf.gather(targets, i)))

    return tf.data.Dataset.range(1).flat_map(gather)


class Contender(Adapter):
    """Keras through `fit` and `predict`; one step `train_on_batch`, one batch `predict_on_batch`.

    Measured with oneDNN off, before it was turned on above; not repeated with it on. 2 shared,
    loaded cores, Keras 3.15.1, TensorFlow 2.21 (median of paired wall-time
    ratios, quartiles in brackets, tf.data autotuning off unless named):

    - Autotuning off. Its thread sleeps 10, 20, 40, ... ms and can miss the end of the iterator,
      so that `fit` returns only at 630, 1270, 2550 ms after its start: seen in 34 of 100 calls of
      625 steps, in 0 of 100 with it off. Without Keras: 8 of 100 iterators, against 0 of 100.
    - fnn-mnist, 625 steps: a dataset made once, 1.25x a new one each call. NumPy arrays 2.9x and
      tensors 1.9x slower than it (CPU time 1.5x, 1.2x); Keras leaves autotuning on for those.
      Buffer size, parallel map and a private pool: no difference shown.
    - fnn-mnist: 125 steps an execution and XLA is 1.9x [1.9, 2.1] the same without XLA and about
      3x one step an execution with XLA. 25 and 625 steps: not told apart from 125.
    - XLA, against none: cnn-64-10 0.39x [0.36, 0.42]; a small CNN 1.17x [0.94, 1.25]; LSTM of 200
      steps 1.02x [0.85, 1.18] and 0.63x [0.51, 0.74] in two runs. Keras's "auto" on a machine
      with no GPU is off. LSTM on the CPU is a while loop, with no fused kernel.
    - Rows of 40 bytes (rnn-sequence): gathered for the whole order at once, as now, the training
      takes 0.72x of one gather a step (against the bare loop 1.17 and 0.84; quiet machine). Large
      rows are gathered a step: all at once would copy the epoch.
    - XLA with Dropout (fnn-mnist-dropout, oneDNN on, quiet machine): 0.46x without it, and a
      single step 0.30x: XLA draws its random numbers by a slower generator. So none there.
    - Unrolled, against neither, 12 steps of LSTM: XLA 1.8x, unrolled 1.9x, both 2.1x; both against
      XLA alone, direct, 1.29x [0.88, 1.99]. 10 steps of SimpleRNN: 1.2x, 1.3x, 1.4x. Which of the
      unrolled forms is best is undecided. 200 steps: 1.15x [1.02, 1.33] but equal CPU time and a
      first call of 45 s against 7 s, so a loop.
    - One step: `train_on_batch` 9x to 11x `fit`. One row: `predict_on_batch` over 100x
      `predict`. 900 rows by 256: `predict` on a dataset made once is 9x to 11x one on a tensor.
    """

    adam_form: ClassVar[AdamForm] = "epsilon-hat"
    steps_per_execution: ClassVar[int] = 125

    def __init__(self, mode: str, device: Device, precision: Precision, threads: int) -> None:
        self._keras = _import_keras(mode)
        self._configure(device, threads, precision)
        self._device = device
        self._keras.config.set_floatx("float32")
        self._policy = _POLICIES[precision]
        self._keras.config.set_dtype_policy(self._policy)
        self._keras.config.set_image_data_format("channels_last")
        self._model: Any = None

    def _configure(self, device: Device, threads: int, precision: Precision) -> None:
        if self._keras.config.backend() != "tensorflow":
            raise Unsupported("this adapter is Keras on TensorFlow; see adapters.keras.backends")
        self._tf = _configure_tensorflow(device, threads, precision)

    def settings(self) -> dict[str, Setting]:
        tf, keras = self._tf, self._keras
        port = importlib.import_module("tensorflow.python.util._pywrap_util_port")
        return {
            "version": keras.version(),
            "threads": tf.config.threading.get_intra_op_parallelism_threads(),
            "device": "cuda" if tf.config.get_visible_devices("GPU") else "cpu",
            "precision": _precision(tf, keras),
            "backend": keras.config.backend(),
            "tensorflow": tf.__version__,
            "inter_op_threads": tf.config.threading.get_inter_op_parallelism_threads(),
            "tf32": tf.config.experimental.tensor_float_32_execution_enabled(),
            "onednn": bool(port.IsMklEnabled()),
            "steps_per_execution": self.steps_per_execution,
            "tf_data_autotune": False,
            "xla": self._xla(),
        }

    def _xla(self) -> str:
        """What the built model does; the choice depends on the task."""
        return "by task" if self._model is None else str(bool(self._model.jit_compile))

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        keras = self._keras
        keras.utils.clear_session()  # which forgets the policy
        keras.config.set_dtype_policy(self._policy)
        keras.utils.set_random_seed(seed)
        self._task = task
        jit = self._use_xla(task)
        inputs = keras.Input(task.input_shape, dtype=task.input_dtype)
        layers = [self._layer(layer, task) for layer in task.layers]
        self._model = keras.Sequential([inputs, *layers])
        self._model.set_weights([weights[name] for name in parameter_shapes(task)])
        self._model.compile(
            optimizer=self._optimizer(),
            loss=self._loss(),
            steps_per_execution=self.steps_per_execution,
            jit_compile=jit,
            run_eagerly=False,
        )
        # The same layers again: steps_per_execution would unroll `predict` into as many batches.
        self._outputs = keras.Model(self._model.inputs, self._model.outputs)
        self._outputs.compile(jit_compile=jit, run_eagerly=False)

    def stage(self, x: np.ndarray, y: np.ndarray) -> Data:
        tf, batch = self._tf, self._task.batch_size
        targets = y if self._task.target_dtype == "int32" else y.reshape(-1, 1)
        with tf.device("CPU:0"):  # tf.data gathers on the host and `fit` moves the batches
            rows, targets = tf.constant(x), tf.constant(targets)
            order = tf.Variable(np.zeros((0, batch), np.int32), shape=(None, batch))
            warps = tf.Variable(np.zeros((0, batch, 6), np.float32), shape=(None, batch, 6))
        batches = _batches(tf, rows, targets, order)
        warped = None
        if x.ndim == 4:
            warped = _finish(
                tf,
                _slices(tf, order, warps).map(
                    lambda i, maps: (self._warp(tf.gather(rows, i), maps), tf.gather(targets, i))
                ),
            )
        return _Staged(rows, targets, order, warps, _finish(tf, batches), warped)

    def train(self, data: Data, order: np.ndarray, warps: np.ndarray | None = None) -> float:
        if len(order) == 1:
            return self._one_step(data, order[0], None if warps is None else warps[0])
        data.order.assign(order)
        if warps is not None:
            data.warps.assign(warps)
        history = self._model.fit(
            data.batches if warps is None else data.warped,
            steps_per_epoch=len(order),
            shuffle=False,
            verbose=0,
        )
        return float(history.history["loss"][-1])

    def _one_step(self, data: _Staged, rows: np.ndarray, maps: np.ndarray | None) -> float:
        x, y = self._tf.gather(data.x, rows), self._tf.gather(data.y, rows)
        return float(self._model.train_on_batch(x if maps is None else self._warp(x, maps), y))

    def predict(self, data: Data, batch_size: int) -> np.ndarray:
        if len(data.x) <= batch_size:
            return np.asarray(self._outputs.predict_on_batch(data.x), np.float32)
        starts = range(0, len(data.x), batch_size)
        parts = [self._outputs.predict_on_batch(data.x[i : i + batch_size]) for i in starts]
        return np.concatenate(parts).astype(np.float32, copy=False)

    def wait(self) -> None:
        # `fit` and `train_on_batch` return Python numbers, so the losses are done; the updates
        # of the last step are waited for here.
        self._tf.test.experimental.sync_devices()

    def weights(self) -> Weights:
        values = self._model.get_weights()
        return dict(zip(parameter_shapes(self._task), values, strict=True))

    def _warp(self, images: Any, maps: Any) -> Any:
        """Bilinear affine warp, edges clamped. images (N, H, W, C), maps (N, 6)."""
        return self._keras.ops.image.affine_transform(
            images,
            self._keras.ops.pad(maps, [[0, 0], [0, 2]]),  # no perspective
            interpolation="bilinear",
            fill_mode="nearest",
        )

    def _use_xla(self, task: Task) -> bool | str:
        """XLA on the CPU for dense layers without dropout and short sequences; "auto" on a GPU."""
        if self._device == "cuda":
            return "auto"
        if any(isinstance(layer, (Conv2D, Dropout)) for layer in task.layers):
            return False
        return not _recurrent(task) or self._unroll(task)

    def _optimizer(self) -> Any:
        optimizer = self._task.optimizer
        if isinstance(optimizer, Adam):
            return self._keras.optimizers.Adam(
                learning_rate=optimizer.learning_rate,
                beta_1=optimizer.beta_1,
                beta_2=optimizer.beta_2,
                epsilon=optimizer.epsilon,
            )
        return self._keras.optimizers.SGD(learning_rate=optimizer.learning_rate)

    def _loss(self) -> Any:
        losses = self._keras.losses
        if self._task.loss == "sparse_categorical_crossentropy":
            return losses.SparseCategoricalCrossentropy(from_logits=True)
        if self._task.loss == "binary_crossentropy":
            return losses.BinaryCrossentropy(from_logits=True)
        return losses.MeanSquaredError()

    def _layer(self, layer: Layer, task: Task) -> Any:
        make = self._keras.layers
        match layer:
            case Flatten():
                return make.Flatten()
            case Dense(units=units, activation=activation):
                return make.Dense(units, activation=activation)
            case Dropout(rate=rate):
                return make.Dropout(rate)
            case Conv2D(filters=filters, kernel=kernel, activation=activation):
                return make.Conv2D(filters, kernel, activation=activation)
            case MaxPool2D(size=size):
                return make.MaxPooling2D(size)
            case Embedding(vocabulary=vocabulary, units=units):
                return _dense_embedding(self._keras, vocabulary, units)
            case SimpleRNN(units=units, activation=activation):
                return make.SimpleRNN(units, activation=activation, unroll=self._unroll(task))
            case LSTM(units=units):
                # PyTorch's own CPU kernel hides behind the same switch: without it 0.4 the speed.
                torch = self._keras.config.backend() == "torch"
                cudnn = "auto" if self._device == "cuda" or torch else False
                return make.LSTM(units, unroll=self._unroll(task), use_cudnn=cudnn)

    def _unroll(self, task: Task) -> bool:
        """Short sequences on the CPU; unrolled layers cannot use cuDNN."""
        return self._device == "cpu" and task.input_shape[0] <= _UNROLL_STEPS


def _dense_embedding(keras: Any, vocabulary: int, units: int) -> Any:
    """An Embedding whose gradient is a whole table.

    Keras on TensorFlow gives its Adam only the rows a batch used, and the moments of all others
    then stand still: another rule than the task's (the table's update was 0.28 off after 20
    steps). A product by one turns the gradient into the dense one that Adam's definition needs.
    """

    class DenseEmbedding(keras.layers.Embedding):  # type: ignore[misc, name-defined]
        def call(self, words: Any) -> Any:
            return keras.ops.take(keras.ops.multiply(self.embeddings, 1.0), words, axis=0)

    return DenseEmbedding(vocabulary, units)


def _recurrent(task: Task) -> bool:
    return any(isinstance(layer, (LSTM, SimpleRNN)) for layer in task.layers)


def _precision(tf: Any, keras: Any) -> str:
    """As the global policy and TensorFlow's switch for TF32 say."""
    tf32 = tf.config.experimental.tensor_float_32_execution_enabled()
    return policy_precision(keras) or ("tf32" if tf32 else "fp32")


def policy_precision(keras: Any) -> str:
    """The precision of Keras's global policy; empty for float32, which the backend may narrow."""
    compute = str(keras.config.dtype_policy().compute_dtype)
    return {"float32": "", "bfloat16": "bf16"}.get(compute, compute)
