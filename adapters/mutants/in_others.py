"""Accidents of TensorFlow, JAX and MXNet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from importlib import import_module
from typing import Any, SupportsFloat
from unittest.mock import patch

from adapters.base import Data
from adapters.mutants.in_pytorch import fixed
from adapters.mutants.mutant import Array, Mutant, Wrapped
from adapters.mutants.within import altered, beside, inside, left_on, replaced, within
from tasks.spec.layers import Dense, Dropout
from tasks.spec.training import Adam


def tf() -> Any:
    return import_module("tensorflow")


def masks_of_shape(shape_of: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """tf.nn.dropout with a mask of another shape, broadcast."""

    def change(original: Any) -> Any:
        def dropout(x: Any, rate: float) -> Any:
            return original(x, rate, noise_shape=shape_of(x)) if rate else x

        return dropout

    return within(replaced("tensorflow.nn", "dropout", change))


def always_training(adapter: Any) -> AbstractContextManager[Any]:
    model = beside(adapter, "model").Model
    original = getattr(model.__call__, "replaces", model.__call__)

    def call(self: Any, x: Any, training: bool, stepwise: bool = False) -> Any:
        return original(self, x, True, stepwise)

    call.replaces = original  # type: ignore[attr-defined]
    manager: AbstractContextManager[Any] = patch.object(model, "__call__", call)
    return manager


def short_relu(module: str, six: Callable[[], Any]) -> Callable[[Any], Any]:
    """relu cut at 6 in the table of activations of the adapter's module."""

    def context(adapter: Any) -> AbstractContextManager[Any]:
        manager: AbstractContextManager[Any] = patch.dict(
            beside(adapter, module).ACTIVATIONS, relu=six()
        )
        return manager

    return within(context)


class CountRestarts(Wrapped):
    """Adam's powers start anew in each call of several steps."""

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        inner: Any = self.inner
        rule = self.asked.optimizer
        if len(order) > 1 and isinstance(rule, Adam):
            for variable, beta in zip(
                inner._optimizer.powers, (rule.beta_1, rule.beta_2), strict=True
            ):
                variable.assign(beta)
        return self.inner.train(data, order, warps)


def clipping(adapter: Any) -> AbstractContextManager[Any]:
    optimizer = beside(adapter, "model").Optimizer
    original = getattr(optimizer.apply, "replaces", optimizer.apply)

    def apply(self: Any, gradients: Any, powers: Any) -> Any:
        return original(self, tf().clip_by_global_norm(gradients, 5.0)[0], powers)

    apply.replaces = original  # type: ignore[attr-defined]
    manager: AbstractContextManager[Any] = patch.object(optimizer, "apply", apply)
    return manager


@contextmanager
def values_checked(_: Any) -> Iterator[None]:
    tf().debugging.enable_check_numerics()
    try:
        yield
    finally:
        tf().debugging.disable_check_numerics()


@contextmanager
def functions_eager(_: Any) -> Iterator[None]:
    tf().config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf().config.run_functions_eagerly(False)


def jax() -> Any:
    return import_module("jax")


def jax_nn() -> Any:
    return import_module("jax.nn")


def key_kept(original: Any) -> Any:
    return lambda key, num=2: (key,) * num


def shared_mask(original: Any) -> Any:
    return lambda key, p, shape: original(key, p, (1, *shape[1:]))


def row_mask(original: Any) -> Any:
    return lambda key, p, shape: original(key, p, (shape[0], *(1,) * (len(shape) - 1)))


def always_keyed(adapter: Any) -> AbstractContextManager[Any]:
    """Inference with a key, and so with dropout."""
    own = beside(adapter, "")
    original = getattr(own.forward, "replaces", own.forward)

    def forward(task: Any, params: Any, x: Any, key: Any) -> Any:
        key = import_module("jax").random.key(5) if key is None else key
        return original(task, params, x, key)

    forward.replaces = original  # type: ignore[attr-defined]
    manager: AbstractContextManager[Any] = patch.object(own, "forward", forward)
    return manager


def gradients_clipped(adapter: Any) -> AbstractContextManager[Any]:
    """The JAX step with gradients clipped to a norm of 5."""
    own, jax = beside(adapter, ""), import_module("jax")
    original = getattr(own.update, "replaces", own.update)

    def update(task: Any, params: Any, gradients: Any, moments: Any) -> Any:
        squares = [(leaf**2).sum() for leaf in jax.tree.leaves(gradients)]
        factor = 5.0 / jax.numpy.maximum(sum(squares) ** 0.5, 5.0)
        scaled = jax.tree.map(lambda leaf: leaf * factor, gradients)
        return original(task, params, scaled, moments)

    update.replaces = original  # type: ignore[attr-defined]
    manager: AbstractContextManager[Any] = patch.object(own, "update", update)
    return manager


def trainer(**options: float) -> Callable[[Any], Any]:
    """Gluon's Trainer with more options of its optimizer."""

    def change(original: Any) -> Any:
        def make(parameters: Any, name: str, asked: dict[str, float], **rest: Any) -> Any:
            return original(parameters, name, asked | options, **rest)

        return make

    return within(replaced("mxnet.gluon", "Trainer", change))


def gradients_added(adapter: Any) -> None:
    for parameter in adapter._net.collect_params().values():
        if parameter.grad_req == "write":
            parameter.grad_req = "add"


def in_training_mode(adapter: Any) -> AbstractContextManager[Any]:
    """Predictions recorded in training mode; training is so anyhow."""
    manager: AbstractContextManager[Any] = import_module("mxnet").autograd.train_mode()
    return manager


_tensorflow, _jax, _mxnet = (partial(inside, name) for name in ("tensorflow", "jax", "mxnet"))

FAULTS: tuple[Mutant, ...] = (
    _tensorflow("one mask for all rows", "dropout", masks_of_shape(lambda x: (1, x.shape[1])),
                needs=Dropout),
    _tensorflow("whole rows dropped", "dropout", masks_of_shape(lambda x: (tf().shape(x)[0], 1)),
                needs=Dropout),
    _tensorflow("the model called with training=True", "prediction", within(always_training),
                needs=Dropout),
    _tensorflow("relu6", "values", short_relu("recurrent", lambda: tf().nn.relu6),
                families=("fnn", "cnn"), needs=Dense),
    _tensorflow("gradients clipped to a norm of 5", "values", within(clipping)),
    _tensorflow("the count of steps restarts in each call", "calls", CountRestarts),
    _jax("a key that is never split", "dropout",
         within(replaced("jax.random", "split", key_kept)), needs=Dropout),
    _jax("one mask for all rows", "dropout",
         within(replaced("jax.random", "bernoulli", shared_mask)), needs=Dropout),
    _jax("whole rows dropped", "dropout", within(replaced("jax.random", "bernoulli", row_mask)),
         needs=Dropout),
    _jax("dropout in inference", "prediction", within(always_keyed), needs=Dropout),
    _jax("relu6", "values", short_relu("model", lambda: jax_nn().relu6), families=("fnn", "cnn"),
         needs=Dense),
    _jax("gradients clipped to a norm of 5", "values", within(gradients_clipped)),
    _tensorflow("every value checked for NaN", "work", left_on(values_checked)),
    _tensorflow("tf.function run eagerly", "work", left_on(functions_eager)),
    _jax("every value checked for NaN", "work", left_on(lambda _: jax().debug_nans(True))),
    _jax("jax.jit switched off", "work", left_on(lambda _: jax().disable_jit())),
    _jax("JAX's own checks switched on", "work", left_on(lambda _: jax().enable_checks(True))),
    _mxnet("one mask for all rows", "dropout",
           within(replaced("mxnet.gluon.nn", "Dropout", fixed(axes=(0,)))), needs=Dropout),
    _mxnet("whole rows dropped", "dropout",
           within(replaced("mxnet.gluon.nn", "Dropout", fixed(axes=(1,)))), needs=Dropout),
    _mxnet("recorded without training mode", "dropout",
           within(replaced("mxnet.autograd", "record", fixed(train_mode=False))), needs=Dropout),
    _mxnet("predictions in training mode", "prediction", within(in_training_mode), needs=Dropout),
    _mxnet("elements of gradients clipped to 1", "values", trainer(clip_gradient=1.0)),
    _mxnet("weight decay of 1e-4", "arithmetic", trainer(wd=1e-4)),
    _mxnet("gradients added to those before", "calls", altered(gradients_added)),
)  # fmt: skip
