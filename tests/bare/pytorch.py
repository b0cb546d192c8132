"""fnn-mnist by hand in PyTorch: eager, autograd, torch.optim.Adam. No compile."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

PREDICT_BATCH = 256


class Bare:
    """The loop of PyTorch's own tutorials: nn.Sequential, cross_entropy, backward, Adam.step.

    Adam is fused: against it, foreach takes 1.26 and the default 1.32 of a step's time. What is
    *not* used here, because it leaves torch.nn, which the mode "eager" stands for: `addmm` on
    plain tensors with kernels kept as (in, out). That loop was tried against the suite too: it
    trains in 0.89 and infers in 0.94 of the time, the price of nn.Module calls on a net this
    small. Gradients derived by hand take 0.82 and leave autograd as well.
    """

    def __init__(
        self, x: np.ndarray, y: np.ndarray, weights: dict[str, np.ndarray], threads: int
    ) -> None:
        torch.set_num_threads(threads)
        with suppress(RuntimeError):  # allowed only before the first parallel work
            torch.set_num_interop_threads(threads)
        self.x, self.y = self.prepare(x), torch.from_numpy(np.array(y)).long()
        self.model = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
        self.kernels = {"1_dense": self.model[1], "2_dense": self.model[3]}
        with torch.no_grad():
            for name, layer in self.kernels.items():
                layer.weight.copy_(torch.from_numpy(np.array(weights[f"{name}/kernel"].T)))
                layer.bias.copy_(torch.from_numpy(np.array(weights[f"{name}/bias"])))
        self.adam = torch.optim.Adam(
            self.model.parameters(), lr=1e-3, betas=(0.9, 0.999), eps=1e-7, fused=True
        )

    def train(self, order: np.ndarray) -> float:
        """One step a row of `order`; eager CPU work is done when each call returns."""
        model, images, labels, adam, losses = self.model, self.x, self.y, self.adam, []
        for rows in torch.from_numpy(order).long().unbind(0):
            x, y = images.index_select(0, rows), labels.index_select(0, rows)
            loss = F.cross_entropy(model(x), y)
            adam.zero_grad()
            loss.backward()
            adam.step()
            losses.append(loss.detach())
        return float(torch.stack(losses).mean())

    def prepare(self, x: np.ndarray) -> torch.Tensor:
        """Rows as a tensor of its own."""
        return torch.from_numpy(np.array(x))

    def predict(self, x: torch.Tensor) -> np.ndarray:
        """Logits of all rows, in batches, without autograd's bookkeeping."""
        with torch.inference_mode():
            parts = [self.model(part) for part in x.split(PREDICT_BATCH)]
            return np.asarray(torch.cat(parts).numpy())

    def weights(self) -> dict[str, np.ndarray]:
        """The current weights, copied."""
        found = {}
        for name, layer in self.kernels.items():
            found[f"{name}/kernel"] = layer.weight.detach().numpy().T.copy()
            found[f"{name}/bias"] = layer.bias.detach().numpy().copy()
        return found
