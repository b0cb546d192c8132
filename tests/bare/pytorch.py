"""fnn-mnist by hand in PyTorch: eager, autograd, torch.optim.Adam. No compile."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import torch
import torch.nn.functional as F

PREDICT_BATCH = 256


class Bare:
    """Functions on four tensors: a call of nn.Sequential costs more (1.05 of F.linear's time).

    Measured against fused Adam with F.linear: Adam with foreach 1.26, the default 1.32; addmm on
    kernels kept as (in, out) 0.96, which is used; all batches gathered ahead 1.01. Gradients
    derived by hand take 0.82, but that is no longer PyTorch's autograd, which the mode means.
    """

    def __init__(
        self, x: np.ndarray, y: np.ndarray, weights: dict[str, np.ndarray], threads: int
    ) -> None:
        torch.set_num_threads(threads)
        with suppress(RuntimeError):  # allowed only before the first parallel work
            torch.set_num_interop_threads(threads)
        self.x, self.y = self.prepare(x), torch.from_numpy(np.array(y)).long()
        self.names = ["1_dense/kernel", "1_dense/bias", "2_dense/kernel", "2_dense/bias"]
        self.parameters = [
            torch.from_numpy(np.array(weights[name])).requires_grad_() for name in self.names
        ]
        self.adam = torch.optim.Adam(
            self.parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-7, fused=True
        )

    def train(self, order: np.ndarray) -> float:
        """One step a row of `order`; eager CPU work is done when each call returns."""
        kernel_1, bias_1, kernel_2, bias_2 = self.parameters
        images, labels, adam, losses = self.x, self.y, self.adam, []
        for rows in torch.from_numpy(order).long().unbind(0):
            x, y = images.index_select(0, rows), labels.index_select(0, rows)
            hidden = torch.addmm(bias_1, x, kernel_1).relu()
            loss = F.cross_entropy(torch.addmm(bias_2, hidden, kernel_2), y)
            adam.zero_grad()
            loss.backward()
            adam.step()
            losses.append(loss.detach())
        return float(torch.stack(losses).mean())

    def prepare(self, x: np.ndarray) -> torch.Tensor:
        """Rows flattened once, as a tensor of its own."""
        return torch.from_numpy(np.array(x)).reshape(len(x), 784)

    def predict(self, x: torch.Tensor) -> np.ndarray:
        """Logits of all rows, in batches, without autograd's bookkeeping."""
        kernel_1, bias_1, kernel_2, bias_2 = self.parameters
        with torch.inference_mode():
            parts = [
                torch.addmm(bias_2, torch.addmm(bias_1, part, kernel_1).relu(), kernel_2)
                for part in x.split(PREDICT_BATCH)
            ]
            return np.asarray(torch.cat(parts).numpy())

    def weights(self) -> dict[str, np.ndarray]:
        """The current weights, copied."""
        values = [p.detach().numpy().copy() for p in self.parameters]
        return dict(zip(self.names, values, strict=True))
