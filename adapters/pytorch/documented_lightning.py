"""PyTorch through Lightning: a LightningModule and a Trainer, as Lightning's documents have it.

The network is that of the program or of its classes (documented_model.py), and the rows and their
order are those of documented.py. A call of `train` is a `fit` of one epoch and a call of `predict`
a `Trainer.predict`, with all that these set up each time.

What a user would not write: the optimizer is kept from one `fit` to the next, as the suite trains
a network in several calls, and everything that prints or writes files is switched off by the
Trainer's own arguments.
"""

from __future__ import annotations

import logging
import warnings
from typing import Any, ClassVar

import lightning
import numpy as np
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from adapters.base import Data, Device, Precision, Setting, only_chains
from adapters.pytorch import documented
from tasks.spec.network import Task
from tasks.weights import Weights


class Module(LightningModule):
    """Network, loss and optimizer as one; what the Trainer calls."""

    def __init__(
        self, network: nn.Module, loss_function: nn.Module, optimizer: torch.optim.Optimizer
    ) -> None:
        super().__init__()
        self.network = network
        self.loss_function = loss_function
        self.optimizer = optimizer

    def training_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        inputs, targets = batch
        loss: Tensor = self.loss_function(self.network(inputs), targets)
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def predict_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        inputs, _ = batch
        outputs: Tensor = self.network(inputs)
        return outputs

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return self.optimizer


class Contender(documented.Contender):
    """Mode "lightning"."""

    modes: ClassVar[tuple[str, ...]] = ("lightning",)

    def __init__(self, mode: str, device: Device, precision: Precision, threads: int) -> None:
        super().__init__(mode, device, precision, threads)
        # Lightning says on each fit what hardware it found, and advises workers for loading.
        logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", module="lightning")

    def settings(self) -> dict[str, Setting]:
        trainer = self._trainer()
        return super().settings() | {
            "lightning": lightning.__version__,
            "lightning_precision": str(trainer.precision),
            "lightning_device": trainer.strategy.root_device.type,
        }

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        only_chains(task)
        super().build(task, weights, seed)
        self._module = Module(self._network, self._loss, self._optimizer)

    def train(self, data: Data, order: np.ndarray, warps: np.ndarray | None = None) -> float:
        trainer = self._trainer()
        trainer.fit(self._module, self._loader(data, order, warps))
        return float(trainer.callback_metrics["train_loss"])

    def predict(self, data: TensorDataset, batch_size: int) -> np.ndarray:
        batches: DataLoader[Any] = DataLoader(data, batch_size=batch_size)
        outputs = self._trainer().predict(self._module, batches)
        return torch.cat(outputs).cpu().numpy()

    def _trainer(self) -> Trainer:
        return Trainer(
            accelerator="gpu" if self._device.type == "cuda" else "cpu",
            devices=1,
            max_epochs=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
