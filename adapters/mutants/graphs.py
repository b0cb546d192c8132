"""Faults of graphs: what frameworks' defaults differ in, and what ports of such networks get wrong.

Most are another task under the asked one's name (an epsilon, a mask, an order), so that they are
made around any adapter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from adapters.base import Adapter
from adapters.mutants import small_graphs as small
from adapters.mutants.mutant import Mutant, Wrapped
from tasks.spec.layers import Conv2D, Layer
from tasks.spec.network import Task
from tasks.spec.normalization import BatchNorm, LayerNorm
from tasks.spec.sequence import GRU, Gelu, PositionalEmbedding, SelfAttention
from tasks.spec.training import AdamW, Momentum, WarmupCosine
from tasks.spec.vision import LeakyRelu
from tasks.weights import Weights

Change = Callable[[Task], Task]
Array = np.ndarray


class FromZero(WarmupCosine):
    """Steps counted from 0: the first one does not move."""

    def factor(self, step: int) -> float:
        return 0.0 if step == 1 else super().factor(step - 1)


class Exchanged(Wrapped):
    """Arrays in another order inside than outside; `turn` is its own inverse."""

    def turn(self, task: Task, weights: Weights) -> Weights:
        raise NotImplementedError

    def load(self, task: Task, weights: Weights) -> Weights:
        return self.turn(task, weights)

    def unload(self, task: Task, weights: Weights) -> Weights:
        return self.turn(task, weights)


def _of_layer(task: Task, kind: type[Layer], weights: Weights) -> dict[str, Array]:
    nodes = {node.name for node in task.nodes if isinstance(node.layer, kind)}
    return {name: v for name, v in weights.items() if name.split("/")[0] in nodes}


class PadsBefore(Exchanged):
    """The odd zero of `same` padding left and above: the same as images and kernels turned."""

    def turn(self, task: Task, weights: Weights) -> Weights:
        kernels = _of_layer(task, Conv2D, weights)
        return weights | {n: v[::-1, ::-1] for n, v in kernels.items() if v.ndim == 4}

    def rows(self, x: Array, y: Array) -> tuple[Array, Array]:
        return np.ascontiguousarray(x[:, ::-1, ::-1]), y


class GatesExchanged(Exchanged):
    """Gates z, r, n, as Keras has them, of arrays that hold r, z, n."""

    def turn(self, task: Task, weights: Weights) -> Weights:
        turned = {}
        for name, value in _of_layer(task, GRU, weights).items():
            r, z, n = np.split(value, 3, axis=-1)
            turned[name] = np.concatenate((z, r, n), axis=-1)
        return weights | turned


class DirectionsExchanged(Exchanged):
    """The arrays of one direction in the other."""

    def turn(self, task: Task, weights: Weights) -> Weights:
        other = {"forward": "backward", "backward": "forward"}
        turned = {}
        for name in weights:
            node, part = name.split("/")
            way, *rest = part.split("_")
            if way in other:
                turned[name] = weights[f"{node}/{'_'.join((other[way], *rest))}"]
        return weights | turned


class PlacesTurned(Exchanged):
    """The positions counted from the other end."""

    def turn(self, task: Task, weights: Weights) -> Weights:
        tables = _of_layer(task, PositionalEmbedding, weights)
        return weights | {name: value[::-1] for name, value in tables.items()}


class HeadsAsStripes(Exchanged):
    """Of 8 columns and 2 heads, every fourth in pairs instead of the first and the second half."""

    def turn(self, task: Task, weights: Weights) -> Weights:
        turned = {}
        for name, value in _of_layer(task, SelfAttention, weights).items():
            part = name.split("/")[1]
            exchanged = np.arange(len(value) if part == "output" else value.shape[-1])
            exchanged[1], exchanged[5] = exchanged[5], exchanged[1]
            if part != "output_bias":
                turned[name] = value[exchanged] if part == "output" else value[..., exchanged]
        return weights | turned


class OtherVariance(Wrapped):
    """Says that it keeps the other running variance than it does."""

    def __init__(self, inner: Adapter) -> None:
        super().__init__(inner)
        was_biased = inner.variance_form == "biased"
        self.variance_form = "unbiased" if was_biased else "biased"  # type: ignore[misc]


class StatisticsNotLoaded(Wrapped):
    """Running statistics begin afresh with every build, whatever is loaded."""

    def load(self, task: Task, weights: Weights) -> Weights:
        fresh = {"mean": np.zeros_like, "variance": np.ones_like}
        return {
            name: fresh[name.split("/")[1]](v) if name.split("/")[1] in fresh else v
            for name, v in weights.items()
        }


def _layers(kind: type[Layer], **changes: Any) -> Change:
    def changed(task: Task) -> Task:
        return replace(
            task,
            network=tuple(
                replace(n, layer=replace(n.layer, **changes))  # type: ignore[type-var]
                if isinstance(n.layer, kind)
                else n
                for n in task.network
            ),
        )

    return changed


def _optimizers(kind: type, **changes: Any) -> Change:
    """Not of the optimizers by which a certificate reads gradients."""

    def changed(task: Task) -> Task:
        return replace(
            task,
            updates=tuple(
                replace(u, optimizer=replace(u.optimizer, **changes))
                if isinstance(u.optimizer, kind)
                else u
                for u in task.updates
            ),
        )

    return changed


def _terms(**changes: Any) -> Change:
    def changed(task: Task) -> Task:
        updates = (
            replace(u, terms=tuple(replace(term, **changes) for term in u.terms))
            for u in task.updates
        )
        return replace(task, updates=tuple(updates))

    return changed


def _all_moved(task: Task) -> Task:
    return replace(task, updates=tuple(replace(u, moves=()) for u in task.updates))


def another(change: Change) -> type[Wrapped]:
    """Does the changed task."""

    class Another(Wrapped):
        def task(self, task: Task) -> Task:
            return change(task)

    return Another


def _fault(name: str, task: Task, how: Change | type[Wrapped]) -> Mutant:
    make = how if isinstance(how, type) else another(how)
    return Mutant(name, "graphs", make, families=(task.family,), task=task.name)


_SCHEDULE = WarmupCosine(4, 16, 0.1)  # of small-language

MUTANTS = (
    _fault("batch norm's epsilon of 1e-5", small.RESIDUAL, _layers(BatchNorm, epsilon=1e-5)),
    _fault("batch norm's momentum turned round", small.RESIDUAL, _layers(BatchNorm, momentum=0.1)),
    _fault("batch norm's momentum of 0.99", small.RESIDUAL, _layers(BatchNorm, momentum=0.99)),
    _fault("batch norm as in inference", small.RESIDUAL, _layers(BatchNorm, frozen=True)),
    _fault("a frozen batch norm that moves", small.FROZEN, _layers(BatchNorm, frozen=False)),
    _fault("the other running variance", small.RESIDUAL, OtherVariance),
    _fault("running statistics not loaded", small.RESIDUAL, StatisticsNotLoaded),
    _fault("same padding on the other side", small.RESIDUAL, PadsBefore),
    _fault("label smoothing left out", small.RESIDUAL, _terms(label_smoothing=0.0)),
    _fault("label smoothing over the others", small.RESIDUAL, _terms(label_smoothing=1 / 9)),
    _fault("momentum of 0.91", small.RESIDUAL, _optimizers(Momentum, momentum=0.91)),
    _fault("no momentum", small.RESIDUAL, _optimizers(Momentum, momentum=0.0)),
    _fault("layer norm's epsilon of 1e-3", small.ENCODER, _layers(LayerNorm, epsilon=1e-3)),
    _fault("GELU by tanh", small.ENCODER, _layers(Gelu, form="tanh")),
    _fault("GELU by erf", small.LANGUAGE, _layers(Gelu, form="erf")),
    _fault("no causal mask", small.LANGUAGE, _layers(SelfAttention, causal=False)),
    _fault("a causal mask", small.ENCODER, _layers(SelfAttention, causal=True)),
    _fault("one head for two", small.ENCODER, _layers(SelfAttention, heads=1)),
    _fault("heads as stripes", small.ENCODER, HeadsAsStripes),
    _fault("positions from the end", small.ENCODER, PlacesTurned),
    _fault("weight decay not times the rate", small.LANGUAGE, _optimizers(AdamW, weight_decay=10)),
    _fault("no weight decay", small.LANGUAGE, _optimizers(AdamW, weight_decay=0.0)),
    _fault("no clipping", small.LANGUAGE, _optimizers(AdamW, clip_norm=0.0)),
    _fault("clipping at twice the norm", small.LANGUAGE, _optimizers(AdamW, clip_norm=1.0)),
    _fault("a schedule counted from 0", small.LANGUAGE,
           _optimizers(AdamW, schedule=FromZero(4, 16, 0.1))),
    _fault("warm-up beside the cosine's length", small.LANGUAGE,
           _optimizers(AdamW, schedule=replace(_SCHEDULE, steps=20))),
    _fault("no warm-up", small.LANGUAGE,
           _optimizers(AdamW, schedule=replace(_SCHEDULE, warmup=1))),
    _fault("GRU gates z, r, n", small.GATES, GatesExchanged),
    _fault("directions exchanged", small.GATES, DirectionsExchanged),
    _fault("LeakyReLU's slope of 0.01", small.ADVERSARIES, _layers(LeakyRelu, slope=0.01)),
    _fault("frozen arrays that are trained", small.FROZEN, _all_moved),
)  # fmt: skip
