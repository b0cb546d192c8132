"""PyTorch through fastai: a Learner over DataLoaders of PyTorch, as fastai's documents have it.

The network is that of the program or of its classes (documented_model.py), and the rows and their
order are those of documented.py. A call of `train` is a `Learner.fit` of one epoch, by fastai's
own optimizer, and a call of `predict` a `Learner.get_preds`.

What a user would not write: the task's numbers for Adam, where fastai's own defaults differ (its
weight decay among them), no rows to validate on, the optimizer kept from one `fit` to the next, as
the suite trains a network in several calls, and nothing printed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import fastai
import numpy as np
from fastai.data.core import DataLoaders
from fastai.learner import Callback, Learner
from fastai.optimizer import SGD as FastaiSGD
from fastai.optimizer import Adam as FastaiAdam
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from adapters.base import Data, Setting, only_chains, unknown
from adapters.pytorch import documented
from tasks.spec.network import Task
from tasks.spec.training import SGD, Adam
from tasks.weights import Weights


class KeptLosses(Callback):
    """Every batch's loss: fastai's own record of them is smoothed."""

    def __init__(self) -> None:
        super().__init__()
        self.values: list[float] = []

    def after_batch(self) -> None:
        if self.training:
            self.values.append(self.loss.item())


class Contender(documented.Contender):
    """Mode "fastai"."""

    modes: ClassVar[tuple[str, ...]] = ("fastai",)

    def settings(self) -> dict[str, Setting]:
        return super().settings() | {"fastai": fastai.__version__}

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        only_chains(task)
        super().build(task, weights, seed)
        self._learner: Any = None

    def train(self, data: Data, order: np.ndarray, warps: np.ndarray | None = None) -> float:
        kept = KeptLosses()
        learner = self._learner_on(self._loader(data, order, warps))
        with learner.no_logging():
            learner.fit(1, cbs=kept, reset_opt=False)
        return float(np.mean(kept.values))

    def predict(self, data: TensorDataset, batch_size: int) -> np.ndarray:
        batches: DataLoader[Any] = DataLoader(
            data, batch_size=batch_size, collate_fn=self._collate()
        )
        learner = self._learner_on(batches)
        outputs: Tensor = learner.get_preds(dl=batches)[0]
        return outputs.cpu().numpy()

    def _learner_on(self, batches: DataLoader[Any]) -> Any:
        """The Learner, its training batches these and none to validate on."""
        loaders = DataLoaders(batches, [], device=self._device)
        if self._learner is None:
            self._learner = Learner(
                loaders,
                self._network,
                loss_func=self._loss,
                opt_func=optimizer_of(self._task),
                lr=self._task.optimizer.learning_rate,
            )
        self._learner.dls = loaders
        return self._learner


def optimizer_of(task: Task) -> Callable[..., Any]:
    """fastai's own optimizer, with the task's numbers and no weight decay."""
    wanted = task.optimizer
    if isinstance(wanted, SGD):
        return partial(FastaiSGD, mom=0.0, wd=0.0)
    if not isinstance(wanted, Adam):
        raise unknown("optimizer", wanted)
    return partial(FastaiAdam, mom=wanted.beta_1, sqr_mom=wanted.beta_2, eps=wanted.epsilon, wd=0.0)
