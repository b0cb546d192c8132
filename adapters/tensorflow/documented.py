"""TensorFlow as its documents tell a user to write it: adapters/tensorflow/programs, on given rows.

The network of a program, its training step under tf.function, its loop over the batches of
tf.data, tf.optimizers (which is Keras's, and imports it) and its prediction, everything at
TensorFlow's own settings.

What the suite's contract asks for and a user would not write: weights are loaded, the rows come to
tf.data in the given order instead of being shuffled there, Adam's epsilon is the task's, and
float32 is kept strict.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import tensorflow as tf

from adapters.base import (
    Adapter,
    Data,
    Device,
    Precision,
    Setting,
    Unsupported,
    form_of,
)
from adapters.tensorflow import documented_graph
from adapters.tensorflow.debugging import debugging
from adapters.tensorflow.documented_model import (
    LOSSES,
    in_training,
    named_variables,
    network,
    optimizer,
    program_of,
)
from tasks.spec.network import Task
from tasks.weights import Weights

ONEDNN = "TF_ENABLE_ONEDNN_OPTS"


class Contender(Adapter):
    """TensorFlow in the mode "function"."""

    adam_form = "epsilon-hat"

    def __init__(self, mode: str, device: Device, precision: Precision, threads: int) -> None:
        if mode != "function":
            raise Unsupported(f"TensorFlow's documented mode is function, not {mode!r}")
        gpus = tf.config.list_physical_devices("GPU")
        if device == "cuda" and not gpus:
            built = tf.test.is_built_with_cuda()
            raise Unsupported("no GPU found" if built else "this TensorFlow is built without CUDA")
        if precision == "bf16":
            raise Unsupported("the programs compute in float32; bfloat16 needs casts in each layer")
        if precision == "tf32" and device == "cpu":
            raise Unsupported("a CPU has no TF32")
        tf.config.set_visible_devices(gpus[:1] if device == "cuda" else [], "GPU")
        # On by default: strict float32 is the contract's, and TensorFlow has no other switch.
        tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        self._cuda = device == "cuda"

    def settings(self) -> dict[str, Setting]:
        tf32 = tf.config.experimental.tensor_float_32_execution_enabled()
        gpus = tf.config.get_visible_devices("GPU")
        built = tf.sysconfig.get_build_info()
        return {
            "version": tf.__version__,
            "keras": tf.keras.__version__,
            "threads": tf.config.threading.get_intra_op_parallelism_threads(),
            "inter_op_threads": tf.config.threading.get_inter_op_parallelism_threads(),
            "device": "cuda" if gpus else "cpu",
            "precision": "tf32" if tf32 and gpus else "fp32",
            "tf32": tf32,
            "onednn": os.environ.get(ONEDNN, "TensorFlow's default"),  # nothing public tells more
            "cuda_build": tf.test.is_built_with_cuda(),
            "cuda": built.get("cuda_version", "none"),
            "cudnn": built.get("cudnn_version", "none"),
            "jit_compile": False,
            "auto_jit": tf.config.optimizer.get_jit(),
            "debugging": debugging(),
        }

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        tf.random.set_seed(seed)
        if task.is_graph:
            self._program = program_of("fnn")  # its loop over batches, and its prediction
            self._network, self._step = documented_graph.made(task, weights)
            self._variables = self._network.arrays
            return
        self._program = program_of(task.family)
        self._network = network(task)
        self._variables = named_variables(task, self._network)
        for name, variable in self._variables.items():
            variable.assign(weights[name])
        loss = form_of("loss", task.loss, LOSSES)
        trained = in_training(self._network)
        self._step = self._program.make_step(trained, loss, optimizer(task))

    def stage(self, x: np.ndarray, y: np.ndarray) -> Data:
        """Rows stay on the host, where tf.data works: a batch moves when a step takes it."""
        with tf.device("CPU:0"):
            return tf.constant(x), tf.constant(y)

    def train(self, data: Data, order: np.ndarray, warps: np.ndarray | None = None) -> Any:
        if len(order) == 1 and warps is None:  # a batch at hand needs no Dataset
            return self._program.train_epoch(self._step, [gathered(data, order)])
        return self._program.train_epoch(self._step, batches(data, order, warps))

    def predict(self, data: Data, batch_size: int) -> np.ndarray:
        rows = [data[0]]
        if len(data[0]) > batch_size:
            rows = tf.data.Dataset.from_tensor_slices(data[0]).batch(batch_size)
        outputs: np.ndarray = self._program.outputs(self._network, rows).numpy()
        return outputs

    def wait(self) -> None:
        """On a CPU a call returns when it is done; on a GPU reading a variable waits for it."""
        if self._cuda:
            next(reversed(self._variables.values())).numpy()  # the last bias: the smallest

    def weights(self) -> Weights:
        return {name: variable.numpy() for name, variable in self._variables.items()}


def gathered(data: Data, order: np.ndarray) -> tuple[Any, Any]:
    """Rows and targets in the given order, on the host."""
    with tf.device("CPU:0"):
        x, y = (tf.gather(part, order.ravel()) for part in data)
    return x, y


def batches(data: Data, order: np.ndarray, warps: np.ndarray | None) -> Any:
    """The program's Dataset over rows that are in the given order, and so need no shuffle."""
    size = order.shape[1]
    x, y = gathered(data, order)
    if warps is None:
        return tf.data.Dataset.from_tensor_slices((x, y)).batch(size)
    maps = np.pad(warps.reshape(-1, 6), ((0, 0), (0, 2)))
    rows = tf.data.Dataset.from_tensor_slices((x, y, maps)).batch(size)
    return rows.map(_warped, num_parallel_calls=tf.data.AUTOTUNE)


def _warped(images: Any, targets: Any, maps: Any) -> tuple[Any, Any]:
    """A batch whose images are warped, where the tutorials map a layer of augmentation over it.

    Such a layer draws its own maps; this is the public operation that takes given ones.
    """
    transform = tf.keras.ops.image.affine_transform
    return transform(images, maps, interpolation="bilinear", fill_mode="nearest"), targets
