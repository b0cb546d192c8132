"""Accidents of MXNet in tasks that are graphs: what its documents let a user believe."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from adapters.mutants import small_graphs as small
from adapters.mutants.in_pytorch import fixed
from adapters.mutants.mutant import Mutant
from adapters.mutants.within import beside, inside, replaced, within
from tasks.spec.network import Task


def coupled_decay(adapter: Any) -> AbstractContextManager[Any]:
    """MXNet's Adam with its own wd, which is added to the gradient, for the adapter's AdamW."""
    module: Any = beside(adapter, "graph_training")
    adam = module.mx.optimizer.Adam

    def make(decay: float, **options: Any) -> Any:
        return adam(wd=decay, **options)

    manager: AbstractContextManager[Any] = patch.object(module, "DecoupledAdam", make)
    return manager


def clipped_by_element(adapter: Any) -> AbstractContextManager[Any]:
    """What the optimizers' clip_gradient does, for the norm over all gradients."""

    def clip(gradients: Any, most: float, check_isfinite: bool = True) -> None:
        for gradient in gradients:
            gradient[:] = gradient.clip(-most, most)

    return replaced("mxnet.gluon.utils", "clip_global_norm", lambda original: clip)(adapter)


def _fault(name: str, task: Task, make: Callable[[Any], Any]) -> Mutant:
    return inside("mxnet", name, "graphs", make, families=(task.family,), task=task.name)


def _batch_norm(**options: Any) -> Callable[[Any], Any]:
    return within(replaced("mxnet.gluon.nn", "BatchNorm", fixed(**options)))


FAULTS: tuple[Mutant, ...] = (
    _fault("a batch norm frozen by its gradients alone", small.FROZEN,
           _batch_norm(use_global_stats=False)),
    _fault("gamma fixed to 1, as the operator has it", small.RESIDUAL, _batch_norm(scale=False)),
    _fault("Adam's own wd for AdamW's decay", small.LANGUAGE, within(coupled_decay)),
    _fault("elements clipped for the norm", small.LANGUAGE, within(clipped_by_element)),
)  # fmt: skip
