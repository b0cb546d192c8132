"""What goes wrong in JAX, Flax and optax where a task is a graph: mostly their defaults.

Each lives in one of the two forms, Flax's modules or functions of arrays, and is tried on the small
graph that has what it spoils.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import Any
from unittest.mock import patch

from adapters.base import Adapter, Unsupported
from adapters.mutants.mutant import Mutant
from adapters.mutants.small_graphs import ENCODER, FROZEN, GATES, LANGUAGE, PIXELS, RESIDUAL
from adapters.mutants.within import Context, inside, replaced, within
from tasks.spec.network import Task
from tasks.spec.normalization import BatchNorm


def without(name: str) -> Callable[[Any], Any]:
    """A call that is not given that keyword, so that the default is taken."""

    def change(original: Any) -> Any:
        def call(*given: Any, **named: Any) -> Any:
            named.pop(name, None)
            return original(*given, **named)

        return call

    return change


def by_axes(original: Any) -> Any:
    """What has two axes in Flax decays: attention's biases are (heads, size)."""
    return lambda arrays: import_module("jax").tree.map(lambda array: array.ndim > 1, arrays)


def from_nought(original: Any) -> Any:
    """optax counts from 0: the first step of a warm-up from 0 moves nothing."""

    def rate_of(wanted: Any) -> Any:
        rate = original(wanted)
        return lambda count: rate(count - 1)

    return rate_of


def unfrozen(original: Any) -> Any:
    """A batch norm that `train()` sets to the batch's statistics, as it does with all."""
    return lambda self, x: self.norm(x)


def both_last(original: Any) -> Any:
    """Of the way back the state after its first step, which is the last in the input's order."""

    def call(self: Any, x: Any) -> Any:
        states = self.both(x)
        return states if self.sequences else states[:, -1]

    return call


def each_by_itself(original: Any) -> Any:
    """Every array's gradient is clipped to the norm that all of them together may have."""

    def clipped(gradients: Any, most: float) -> Any:
        return {name: original({name: value}, most)[name] for name, value in gradients.items()}

    return clipped


def share_of_the_new(original: Any) -> Any:
    """The momentum of a batch norm as PyTorch has it."""

    def batch_norm(layer: Any, given: Any, x: Any) -> Any:
        return original(replace(layer, momentum=1 - layer.momentum), given, x)

    return batch_norm


def unbiased(original: Any) -> Any:
    """A running variance over n - 1 values, which JAX does not say it has."""

    def batch_norm(layer: Any, given: Any, x: Any) -> Any:
        out = original(layer, given, x)
        if "variance" in given.state:
            old, count = layer.momentum * given.p["variance"], x.size // x.shape[-1]
            new = given.state["variance"] - old
            given.state["variance"] = old + new * count / (count - 1)
        return out

    return batch_norm


def batch_norm_by(change: Callable[[Any], Any]) -> Context:
    """The table of layers with another batch norm."""

    def context(_: Any) -> AbstractContextManager[Any]:
        layers = import_module("adapters.jax.graph_layers")
        manager: AbstractContextManager[Any] = patch.dict(
            layers.LAYERS, {BatchNorm: change(layers.batch_norm)}
        )
        return manager

    return context


def _fault(form: str, task: Task, name: str, context: Context) -> Mutant:
    """form: the module of the adapter that it lives in."""

    def make(adapter: Adapter) -> Adapter:
        if type(adapter).__module__ != f"adapters.jax.{form}":
            raise Unsupported(f"it lives in adapters/jax/{form}.py")
        return within(context)(adapter)

    return inside("jax", name, "graphs", make, families=(task.family,), task=task.name)


_flax, _arrays = partial(_fault, "documented"), partial(_fault, "contender")
_LAYERS, _GRAPH = "adapters.jax.documented_layers", "adapters.jax.documented_graph"
FAULTS: tuple[Mutant, ...] = (
    _flax(ENCODER, "GELU in Flax's default form",
          replaced("flax.nnx", "gelu", without("approximate"))),
    _flax(LANGUAGE, "attention's biases decay", replaced(_GRAPH, "_decaying", by_axes)),
    _flax(LANGUAGE, "the schedule's first step is 0", replaced(_GRAPH, "rate_of", from_nought)),
    _flax(FROZEN, "a frozen batch norm set to training",
          replaced(f"{_LAYERS}:Standing", "__call__", unfrozen)),
    _flax(GATES, "the way back's first state for its last",
          replaced(f"{_LAYERS}:BothWays", "__call__", both_last)),
    _flax(PIXELS, "a transposed convolution's kernel not turned",
          replaced("flax.nnx:ConvTranspose", "__init__", without("transpose_kernel"))),
    _arrays(RESIDUAL, "a batch norm's momentum as PyTorch's", batch_norm_by(share_of_the_new)),
    _arrays(RESIDUAL, "a running variance over n - 1 values", batch_norm_by(unbiased)),
    _arrays(LANGUAGE, "each gradient clipped by itself",
            replaced("adapters.jax.graph_model", "clipped", each_by_itself)),
)  # fmt: skip
