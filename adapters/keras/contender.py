"""Keras 3: Sequential, compile, fit and predict. Mode "tensorflow" is the backend's name.

Keras reads its backend from KERAS_BACKEND once, at import, so keras is imported in the
constructor, where the mode is known, and not at module top (`_import_keras`). The arithmetic is
written in Keras alone and serves any backend (model.py); the input, by tf.data (input.py), and what
is set and read back is TensorFlow's. adapters/keras/backends.py replaces these for the others.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import Any, ClassVar

import numpy as np

from adapters.base import (
    AdamForm,
    Adapter,
    Data,
    Device,
    Precision,
    Setting,
    Unsupported,
)
from adapters.keras import graph_training, model
from adapters.keras import input as staging
from adapters.keras.debugging import debugging
from adapters.keras.graph_layers import Making
from adapters.keras.graph_model import Network
from tasks.spec.network import Task, parameter_shapes
from tasks.weights import Weights

_BACKENDS = ("tensorflow", "jax", "torch")
# TF32 is the backend's switch, not a policy.
_POLICIES = {"fp32": "float32", "tf32": "float32", "bf16": "mixed_bfloat16"}


def _import_keras(mode: str, device: Device) -> Any:
    """Import keras on the backend `mode`, or return it when that was already done."""
    if mode not in _BACKENDS:
        raise Unsupported(f"Keras has no backend {mode!r}")
    if importlib.util.find_spec(mode) is None:
        raise Unsupported(f"the backend package {mode} is not installed")
    os.environ["KERAS_BACKEND"] = mode
    # Otherwise PyTorch's backend computes on a GPU wherever there is one.
    os.environ["KERAS_TORCH_DEVICE"] = device
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
    gpus = tf.config.list_physical_devices("GPU")
    if device == "cuda" and not gpus:
        raise Unsupported("TensorFlow sees no GPU")
    tf.config.set_visible_devices(gpus[:1] if device == "cuda" else [], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")
    return tf


class Contender(Adapter):
    """Keras through `fit` and `predict`; one step `train_on_batch`, one batch `predict_on_batch`.

    A step of many goes through `fit` over a dataset made once, 125 steps an execution, and by XLA
    where that is faster: MEASURED.md has each of these choices.
    """

    adam_form: ClassVar[AdamForm] = "epsilon-hat"
    steps_per_execution = 125

    def __init__(self, mode: str, device: Device, precision: Precision, threads: int) -> None:
        self._keras = _import_keras(mode, device)
        self._configure(device, threads, precision)
        self._device = device
        self._keras.config.set_floatx("float32")
        self._policy = _POLICIES[precision]
        self._keras.config.set_dtype_policy(self._policy)
        self._keras.config.set_image_data_format("channels_last")
        self._model: Any = None
        self._network: Network | None = None

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
            "rows": staging.HOST,
            "xla": self._xla(),
            "debugging": debugging(keras, self._model),
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
        self._network = None
        if task.is_graph:
            self._model, self._outputs = self._graph(task, weights)
        else:
            self._model = self._chain(task, weights)
            # The same layers again: steps_per_execution would unroll `predict` into as many
            # batches.
            self._outputs = keras.Model(self._model.inputs, self._model.outputs)
        self._outputs.compile(jit_compile=self._use_xla(task), run_eagerly=False)

    def _chain(self, task: Task, weights: Weights) -> Any:
        keras = self._keras
        inputs = keras.Input(task.input_shape, dtype=task.input_dtype)
        layers = [model.layer_of(keras, layer, task, self._device) for layer in task.layers]
        made = keras.Sequential([inputs, *layers])
        # Copies: on a CPU JAX takes an array as it lies, and then writes its steps into it.
        made.set_weights([weights[name].copy() for name in parameter_shapes(task)])
        made.compile(
            optimizer=model.optimizer_of(keras, task.optimizer),
            loss=model.loss_of(keras, task.loss),
            **self._execution(task),
        )
        return made

    def _execution(self, task: Task) -> dict[str, Any]:
        """How `compile` is told to run the steps."""
        return {
            "steps_per_execution": self.steps_per_execution,
            "jit_compile": self._use_xla(task),
            "run_eagerly": False,
        }

    def _graph(self, task: Task, weights: Weights) -> tuple[Any, Any]:
        """What is trained, and what predicts."""
        keras = self._keras
        making = Making(keras, model.recurrent_options(keras, task, self._device))
        self._network = network = Network(making, task)
        network.load(weights)
        if graph_training.is_plain(task):
            update = task.rules[0]
            made = keras.Model(network.predicting.inputs, network.predicting.outputs)
            made.compile(
                optimizer=graph_training.optimizer_of(network, update),
                loss=graph_training.loss_of(keras, update.terms[0]),
                **self._execution(task),
            )
        else:
            made = graph_training.stepping_model(network, self._moving())
            made.compile(**self._execution(task))
        return made, network.predicting

    def _moving(self) -> graph_training.Moving:
        """How one update of several is done."""
        return graph_training.on_tensorflow(self._tf)

    def restart(self, task: Task, weights: Weights, seed: int) -> None:
        if not model.same_programs(task, self._task):
            self.build(task, weights, seed)
            return
        self._task = task
        if self._network:
            graph_training.afresh(self._network, self._model, task, weights, seed)
            return
        values = [weights[name].copy() for name in parameter_shapes(task)]
        model.afresh(self._keras, self._model, task, values, seed)

    def stage(self, x: np.ndarray, y: np.ndarray) -> Data:
        targets = model.staged_targets(self._task, y)
        return staging.stage(self._tf, x, targets, self._task.batch_size, self._warp)

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

    def _one_step(self, data: staging.Staged, rows: np.ndarray, maps: np.ndarray | None) -> float:
        with self._tf.device(staging.HOST):
            x, y = self._tf.gather(data.x, rows), self._tf.gather(data.y, rows)
        return float(self._model.train_on_batch(x if maps is None else self._warp(x, maps), y))

    def predict(self, data: Data, batch_size: int) -> np.ndarray:
        if len(data.x) <= batch_size:
            return np.asarray(self._outputs.predict_on_batch(data.x), np.float32)
        with self._tf.device(staging.HOST):
            batches = [data.x[i : i + batch_size] for i in range(0, len(data.x), batch_size)]
        parts = [self._outputs.predict_on_batch(batch) for batch in batches]
        return np.concatenate(parts).astype(np.float32, copy=False)

    def wait(self) -> None:
        # `fit` and `train_on_batch` return Python numbers, so the losses are done; the updates
        # of the last step are waited for here.
        self._tf.test.experimental.sync_devices()

    def weights(self) -> Weights:
        if self._network:
            return self._network.weights()
        values = self._model.get_weights()
        return dict(zip(parameter_shapes(self._task), values, strict=True))

    def _warp(self, images: Any, maps: Any) -> Any:
        return model.warped(self._keras, images, maps)

    def _use_xla(self, task: Task) -> bool | str:
        return model.compiled_by_xla(task, self._device)


def _precision(tf: Any, keras: Any) -> str:
    """As the global policy and TensorFlow's switch for TF32 say."""
    tf32 = tf.config.experimental.tensor_float_32_execution_enabled()
    return policy_precision(keras) or ("tf32" if tf32 else "fp32")


def policy_precision(keras: Any) -> str:
    """The precision of Keras's global policy; empty for float32, which the backend may narrow."""
    compute = str(keras.config.dtype_policy().compute_dtype)
    return {"float32": "", "bfloat16": "bf16"}.get(compute, compute)
