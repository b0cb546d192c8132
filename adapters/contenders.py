"""The contenders: which frameworks there are and how each can execute.

This table is data, readable without any framework installed, so that the suite can plan,
list and report what is missing. A new mode is one row; a new framework is one module with a
class named ``Contender``, one dependency group of the same name as the framework, and its rows.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Implementation:
    """framework + mode. `module` holds the adapter; `package` is what a user would import.

    `only`: names of the tasks it is for; empty for all. `usual`: it is measured when nobody
    names implementations; the other modes are asked for. `group`: the dependency group of its
    environment, where that is not the framework's own: one mode's packages must not be there when
    another is measured.
    """

    framework: str
    mode: str
    module: str
    package: str
    summary: str
    only: tuple[str, ...] = ()
    usual: bool = True
    group: str = ""

    @property
    def environment(self) -> str:
        """The dependency group it is installed from, and runs in."""
        return self.group or self.framework

    def does(self, task: str) -> bool:
        """Whether it is a contender of that task."""
        return not self.only or task in self.only

    @property
    def name(self) -> str:
        """``framework:mode``."""
        return f"{self.framework}:{self.mode}"


IMPLEMENTATIONS: tuple[Implementation, ...] = (
    Implementation(
        "tensorflow",
        "graph",
        "adapters.tensorflow.contender",
        "tensorflow",
        "tf.Module and tf.function, TensorFlow's own fused kernels; no Keras",
    ),
    Implementation(
        "tensorflow", "xla", "adapters.tensorflow.contender", "tensorflow",
        "the same with jit_compile: XLA compiles the whole loop of steps", usual=False,
    ),
    Implementation(
        "tensorflow", "eager", "adapters.tensorflow.contender", "tensorflow",
        "the same, operation by operation", usual=False,
    ),
    Implementation(
        "pytorch",
        "eager",
        "adapters.pytorch.contender",
        "torch",
        "torch.nn and torch.optim, run eagerly",
    ),
    Implementation(
        "pytorch", "compile", "adapters.pytorch.compiled", "torch",
        "a step compiled by torch.compile without a break; up to 32 time steps", usual=False,
    ),
    Implementation(
        "keras",
        "tensorflow",
        "adapters.keras.contender",
        "keras",
        "Keras 3 on TensorFlow through compile, fit and predict",
    ),
    Implementation(
        "keras", "jax", "adapters.keras.backends", "keras",
        "Keras 3 on JAX, fit on NumPy rows", usual=False, group="keras_backends",
    ),
    Implementation(
        "keras", "torch", "adapters.keras.backends", "keras",
        "Keras 3 on PyTorch, fit on NumPy rows", usual=False, group="keras_backends",
    ),
    Implementation(
        "mxnet",
        "hybrid",
        "adapters.mxnet.contender",
        "mxnet",
        "Gluon, hybridized, with its Trainer",
    ),
    Implementation(
        "mxnet", "imperative", "adapters.mxnet.contender", "mxnet",
        "Gluon, operation by operation, with its Trainer", usual=False,
    ),
    Implementation(
        "jax", "jit", "adapters.jax.contender", "jax",
        "plain JAX, steps in a jitted scan, singly with convolutions", usual=False,
    ),
    Implementation(
        "jax", "eager", "adapters.jax.contender", "jax",
        "the same without jax.jit, operation by operation; up to 32 time steps", usual=False,
    ),
    Implementation(
        "sklearn", "mlp", "adapters.sklearn.contender", "sklearn",
        "scikit-learn's MLPClassifier by partial_fit; dense layers only", usual=False,
    ),
)  # fmt: skip

TUNERS: tuple[Implementation, ...] = (
    Implementation(
        "keras",
        "keras-tuner",
        "adapters.keras.tuner",
        "keras_tuner",
        "keras:tensorflow searched by KerasTuner's RandomSearch; only tune-random",
        only=("tune-random",),
    ),
)
"""Frameworks' own tuners: a second row of their framework in the searches they can do."""


def does(implementation: str, task: str) -> bool:
    """Whether the implementation of that name is a contender of the task of that name."""
    return all(tuner.does(task) for tuner in TUNERS if tuner.name == implementation)
