"""Accidents of Keras: options of its layers, optimizers and losses that nobody asked for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from importlib import import_module
from typing import Any
from unittest.mock import patch

from adapters.mutants.in_pytorch import fixed
from adapters.mutants.mutant import Mutant
from adapters.mutants.within import beside, inside, left_on, replaced, within
from tasks.spec.layers import Dense, Dropout, Embedding
from tasks.spec.training import Augmentation


def keras() -> Any:
    return import_module("keras")


def adam(**options: Any) -> Callable[[Any], Any]:
    return within(replaced("keras.optimizers", "Adam", fixed(**options)))


def layer(name: str, change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return within(replaced("keras.layers", name, change))


def decaying(original: Any) -> Any:
    """A schedule that ends at half the rate after 100 steps."""

    def make(learning_rate: float, **asked: Any) -> Any:
        schedule = keras().optimizers.schedules.ExponentialDecay(learning_rate, 100, 0.5)
        return original(schedule, **asked)

    return make


def masking(original: Any) -> Any:
    class Masking(original):
        def __init__(self, *given: Any, **asked: Any) -> None:
            super().__init__(*given, **(asked | {"mask_zero": True}))

    return Masking


def short_relu(adapter: Any) -> AbstractContextManager[Any]:
    manager: AbstractContextManager[Any] = patch.dict(
        beside(adapter, "model").ACTIVATIONS, relu="relu6"
    )
    return manager


def always_training(original: Any) -> Any:
    """Layers called with training=True whatever is asked for."""

    class Training(original):
        def call(self, inputs: Any, training: bool = False) -> Any:
            return super().call(inputs, training=True)

    return Training


def eagerly(adapter: Any) -> AbstractContextManager[Any]:
    """Also where compile was told not to."""
    change = fixed(run_eagerly=True, jit_compile=False)
    return replaced("keras.models:Model", "compile", change)(adapter)


def without_xla(adapter: Any) -> AbstractContextManager[Any]:
    manager: AbstractContextManager[Any] = patch.object(type(adapter), "_use_xla", lambda *_: False)
    return manager


def single_executions(adapter: Any) -> AbstractContextManager[Any]:
    manager: AbstractContextManager[Any] = patch.object(type(adapter), "steps_per_execution", 1)
    return manager


_here = partial(inside, "keras")
_WARP = ("keras.ops.image", "affine_transform")

FAULTS: tuple[Mutant, ...] = (
    _here("amsgrad", "arithmetic", adam(amsgrad=True)),
    _here("Adam's weight decay of 1e-4", "arithmetic", adam(weight_decay=1e-4)),
    _here("labels smoothed by 0.01", "arithmetic",
          within(replaced("keras.losses", "BinaryCrossentropy", fixed(label_smoothing=0.01))),
          losses=("binary_crossentropy",)),
    _here("weights averaged every 20 steps", "calls",
          adam(use_ema=True, ema_overwrite_frequency=20)),
    _here("gradients of two steps taken together", "calls", adam(gradient_accumulation_steps=2)),
    _here("a falling learning rate", "calls",
          within(replaced("keras.optimizers", "Adam", decaying))),
    _here("gradients clipped to a norm of 5", "values", adam(global_clipnorm=5.0)),
    _here("elements of gradients clipped to 1", "values", adam(clipvalue=1.0)),
    _here("relu6", "values", within(short_relu), families=("fnn", "cnn"), needs=Dense),
    _here("compiled with run_eagerly", "work", left_on(eagerly)),
    _here("word 0 masked", "memory", layer("Embedding", masking), needs=Embedding),
    _here("whole rows dropped", "dropout", layer("Dropout", fixed(noise_shape=(None, 1))),
          needs=Dropout),
    _here("Gaussian dropout", "dropout", layer("Dropout", lambda _: keras().layers.GaussianDropout),
          needs=Dropout),
    _here("alpha dropout", "dropout", layer("Dropout", lambda _: keras().layers.AlphaDropout),
          needs=Dropout),
    _here("dropout called with training=True", "prediction", layer("Dropout", always_training),
          needs=Dropout),
    _here("zeros outside of images", "augmentation",
          within(replaced(*_WARP, fixed(fill_mode="constant"))), families=("cnn",),
          needs=Augmentation),
    _here("images mirrored at their edges", "augmentation",
          within(replaced(*_WARP, fixed(fill_mode="reflect"))), families=("cnn",),
          needs=Augmentation),
    _here("the nearest pixel read", "augmentation",
          within(replaced(*_WARP, fixed(interpolation="nearest"))), families=("cnn",),
          needs=Augmentation),
)  # fmt: skip

CORRECT: tuple[Mutant, ...] = (
    _here("the loss scaled by 1024", "correct", adam(loss_scale_factor=1024.0)),
    _here("without XLA", "correct", within(without_xla)),
    _here("one step an execution", "correct", within(single_executions)),
    _here("dropout with a seed of its own", "correct", layer("Dropout", fixed(seed=11)),
          needs=Dropout),
)  # fmt: skip
