"""Keras as its documents tell a user to write it: adapters/keras/programs, run on given rows.

The network of a program, `compile`, `fit` on NumPy rows and `predict`, on TensorFlow, everything
at Keras's own settings: one step an execution, XLA by Keras's own choice, no unrolled sequence. A
single step is `train_on_batch` and one batch of rows `predict_on_batch`: what the documents give to
loops of a user's own, where `fit` and `predict` would set up a data set for each call.

What the suite's contract asks for and a user would not write: weights are loaded, the rows are
put in the given order and not shuffled, Adam's numbers are the task's and reach every row of an
Embedding (documented_model.py), and float32 is kept strict.
"""

from __future__ import annotations

import os

import keras
import numpy as np
import tensorflow as tf

from adapters.base import Adapter, Data, Device, Precision, Setting, Unsupported
from adapters.keras import documented_graph
from adapters.keras.debugging import debugging
from adapters.keras.documented_model import network, program_of, warped_batches, whole_tables
from adapters.keras.model import afresh, loss_of, optimizer_of, same_programs
from tasks.spec.network import Task, parameter_shapes
from tasks.weights import Weights


class Contender(Adapter):
    """Keras on TensorFlow in the mode "fit"."""

    adam_form = "epsilon-hat"

    def __init__(self, mode: str, device: Device, precision: Precision, threads: int) -> None:
        if mode != "fit":
            raise Unsupported(f"Keras has no mode {mode!r} here: fit")
        if keras.config.backend() != "tensorflow":
            raise Unsupported(f"this process already uses Keras on {keras.config.backend()}")
        if device == "cuda" and not tf.config.list_physical_devices("GPU"):
            raise Unsupported("TensorFlow sees no GPU")
        if precision == "bf16":
            raise Unsupported("bfloat16 needs a last layer in float32; the programs have none")
        if precision == "tf32" and device == "cpu":
            raise Unsupported("a CPU has no TF32")
        if device == "cpu":
            tf.config.set_visible_devices([], "GPU")
        else:  # TensorFlow's own default on a GPU is TF32
            tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        self._model: keras.Model | None = None
        self._graph: documented_graph.Program | None = None

    def settings(self) -> dict[str, Setting]:
        cuda = bool(tf.config.get_visible_devices("GPU"))
        tf32 = tf.config.experimental.tensor_float_32_execution_enabled()
        compute = str(keras.config.dtype_policy().compute_dtype)
        float32 = "tf32" if cuda and tf32 else "fp32"
        return {
            "version": keras.version(),
            "threads": tf.config.threading.get_intra_op_parallelism_threads(),
            "device": "cuda" if cuda else "cpu",
            "precision": float32 if compute == "float32" else compute,
            "backend": keras.config.backend(),
            "tensorflow": tf.__version__,
            "inter_op_threads": tf.config.threading.get_inter_op_parallelism_threads(),
            "onednn_variable": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "not set"),
            "image_data_format": keras.config.image_data_format(),
            "debugging": debugging(keras, self._model),
            **self._compiled(),
        }

    def _compiled(self) -> dict[str, Setting]:
        """What `compile` chose by itself; the choice depends on the task."""
        if self._model is None:
            return {"xla": "by task"}
        return {
            "xla": bool(self._model.jit_compile),
            "steps_per_execution": self._model.steps_per_execution,
        }

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        keras.utils.clear_session()
        keras.utils.set_random_seed(seed)
        self._task, self._graph = task, None
        if task.is_graph:
            self._graph = documented_graph.Program(task, weights)
            self._model = self._graph.model
            return
        self._program = program_of(task.family)
        self._model = network(task)
        self._model.set_weights([weights[name] for name in parameter_shapes(task)])
        whole_tables(self._model)
        self._model.compile(
            optimizer=optimizer_of(keras, task.optimizer), loss=loss_of(keras, task.loss)
        )

    def restart(self, task: Task, weights: Weights, seed: int) -> None:
        """What `fit` and `predict` have traced is kept."""
        if not same_programs(task, self._task):
            self.build(task, weights, seed)
            return
        self._task = task
        if self._graph:
            self._graph.restart(task, weights, seed)
            return
        values = [weights[name] for name in parameter_shapes(task)]
        afresh(keras, self._model, task, values, seed)

    def stage(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows stay NumPy arrays: the documents give them to `fit` and `predict` as they are."""
        return x, y

    def train(self, data: Data, order: np.ndarray, warps: np.ndarray | None = None) -> float:
        x, y = data
        if warps is not None:
            batches = warped_batches(x, y, order, warps)
            if self._graph:
                return self._graph.fit_batches(batches)
            return float(self._program.fit(self._model, batches, None))
        rows = order.ravel()
        if self._graph:
            return self._graph.fit(x[rows], y[rows], order.shape[1])
        assert self._model is not None
        if len(order) == 1:
            self._model.reset_metrics()  # else it tells the mean loss over all steps so far
            return float(self._model.train_on_batch(x[rows], y[rows]))
        loss = self._program.fit(
            self._model, x[rows], y[rows], batch_size=order.shape[1], shuffle=False
        )
        return float(loss)

    def predict(self, data: Data, batch_size: int) -> np.ndarray:
        if self._graph:
            return self._graph.predict(data[0], batch_size)
        assert self._model is not None
        x, _ = data
        if len(x) <= batch_size:
            return np.asarray(self._model.predict_on_batch(x))
        outputs: np.ndarray = self._program.predict(self._model, x, batch_size)
        return outputs

    def wait(self) -> None:
        # `fit` returns Python numbers, so the losses are done; the last step's updates may not be.
        tf.test.experimental.sync_devices()

    def weights(self) -> Weights:
        if self._graph:
            return self._graph.weights()
        assert self._model is not None
        values = self._model.get_weights()
        return dict(zip(parameter_shapes(self._task), values, strict=True))
