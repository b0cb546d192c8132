"""PyTorch: a torch.nn model and torch.optim, run eagerly. Compiled: adapters/pytorch_compile.py.

Choices, measured on 2 cores with 2.13.0+cpu. Other work shared the cores, so these are medians of
pairwise ratios of one thread's CPU time, alternatives interleaved, unless it says two threads:

* Adam(fused=True): with foreach a training step took 1.42× on the 784-128-10 network, 1.13× on a
  small CNN and 1.09× on LSTMs; with the plain loop 1.35×, 1.16× and 1.04× to 1.11×. With two
  threads (wall time) the optimizer alone took 2.1× to 4.8× with foreach and the 784-128-10 step
  1.7×; the whole LSTM steps stayed undecided (0.83× and 0.89×, intervals around 1).
* index_select to gather a batch: x[rows] took 2.1× on digits, 2.0× on 64×64 images.
* channels_last: images stay (N, H, W, C) in memory, and Flatten takes them in that order, so no
  dense kernel is permuted. On two CNNs, two runs each (noisy): contiguous channels took 1.2× to
  1.35× in training and 1.9× to 3.4× in prediction; flattening as C, H, W 1.07× to 1.37× in
  training.
* nn.LSTM through oneDNN: the native kernel took 1.7× on LSTM(50) over 12 steps, 1.25× over the
  200 words of LSTM(128), 2.8× for one row there.
* Losses are kept in a list and stacked: adding each to a sum took 1.9× for that part.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adapters.base import Adapter, Data, Device, Precision, Setting, Unsupported
from tasks.spec import (
    LSTM,
    SGD,
    Activation,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Loss,
    MaxPool2D,
    SimpleRNN,
    Task,
    layer_name,
    output_shapes,
)
from tasks.weights import Weights

Forward = Callable[[Tensor], Tensor]
Step = Callable[[Tensor, Tensor], Tensor]

LOSSES: dict[Loss, Callable[[Tensor, Tensor], Tensor]] = {
    "sparse_categorical_crossentropy": F.cross_entropy,
    "binary_crossentropy": F.binary_cross_entropy_with_logits,
    "mean_squared_error": F.mse_loss,
}


class Permute(nn.Module):
    """A view with the axes in another order."""

    def __init__(self, *axes: int) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.axes)


class LastState(nn.Module):
    """(N, T, in) → (N, units): the last hidden state of an nn.RNN or nn.LSTM of one layer.

    PyTorch adds a second, recurrent bias. It is zero and frozen: two trained biases would learn
    at twice the rate.
    """

    def __init__(self, cell: nn.RNN | nn.LSTM) -> None:
        super().__init__()
        self.cell = cell
        nn.init.zeros_(cell.bias_hh_l0).requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        _, state = self.cell(x)
        hidden = state[0] if isinstance(state, tuple) else state
        return hidden[0]


class Contender(Adapter):
    """PyTorch in mode "eager"."""

    adam_form = "epsilon"
    mode: ClassVar[str] = "eager"
    recurrent: ClassVar[type[LastState]] = LastState

    def __init__(self, mode: str, device: Device, precision: Precision, threads: int) -> None:
        if mode != self.mode:
            raise Unsupported(f"PyTorch has no mode {mode!r} here: eager or compile")
        if device == "cuda" and not torch.cuda.is_available():
            raise Unsupported("this PyTorch build or this machine has no CUDA device")
        self._device = torch.device(device)
        torch.set_num_threads(threads)
        # Settable once a process, and only before the first use. Nothing here forks work.
        if torch.get_num_interop_threads() != 1:
            torch.set_num_interop_threads(1)
        for name, backend in _fp32_backends().items():
            on_gpu = name.startswith("cu")
            backend.fp32_precision = "tf32" if precision == "tf32" and on_gpu else "ieee"
        self._mixed = precision == "bf16"

    def settings(self) -> dict[str, Setting]:
        precisions = {name: b.fp32_precision for name, b in _fp32_backends().items()}
        narrowed = set(precisions.values()) - {"ieee"}
        cuda = self._device.type == "cuda"
        return {
            "version": torch.__version__,
            "threads": torch.get_num_threads(),
            "interop_threads": torch.get_num_interop_threads(),
            "device": self._device.type,
            "cuda_device": torch.cuda.get_device_name() if cuda else "none",
            "precision": "bf16" if self._mixed else "/".join(sorted(narrowed)) or "fp32",
            **{f"fp32_precision_{name}": value for name, value in precisions.items()},
            "onednn": torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled,
            "mkl": torch.backends.mkl.is_available(),
            "cpu_capability": torch.backends.cpu.get_cpu_capability(),
            "flush_denormal": (torch.tensor(1e-39) * 0.5).item() == 0.0,
            "cuda": torch.version.cuda or "none",
            "deterministic": torch.are_deterministic_algorithms_enabled(),
            "cudnn_benchmark": torch.backends.cudnn.benchmark,
            "mode": self.mode,
        }

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        self._task = task
        model = _model(task, self.recurrent).to(self._device, memory_format=torch.channels_last)
        self._model = model
        self._views = _canonical_views(task, model)
        for name, view in self._views.items():
            view.copy_(torch.tensor(weights[name]))
        forward = _autocast(model, self._device.type) if self._mixed else model
        self._step, self._forward = self._programs(task, model, forward)
        torch.manual_seed(seed)

    def _programs(self, task: Task, model: nn.Module, forward: Forward) -> tuple[Step, Forward]:
        """What runs one optimizer step, and what infers a batch."""
        return stepping(task, model, gradients_of(task, forward)), forward

    def stage(self, x: np.ndarray, y: np.ndarray) -> Data:
        rows = torch.tensor(x, device=self._device)
        if self._task.loss == "sparse_categorical_crossentropy":
            return rows, torch.tensor(y, device=self._device, dtype=torch.int64)
        return rows, torch.tensor(y, device=self._device)[:, None]

    def train(self, data: Data, order: np.ndarray, warps: np.ndarray | None = None) -> Tensor:
        x, y = data
        if not self._model.training:
            self._model.train()
        thetas = None if warps is None else _thetas(warps, x.shape).to(self._device)
        losses = []
        for number, rows in enumerate(torch.tensor(order, device=self._device).unbind()):
            batch = x.index_select(0, rows)
            if thetas is not None:
                batch = _warp(batch, thetas[number])
            losses.append(self._step(batch, y.index_select(0, rows)))
        return torch.stack(losses).mean()

    @torch.inference_mode()
    def predict(self, data: Data, batch_size: int) -> np.ndarray:
        if self._model.training:
            self._model.eval()
        outputs = [self._forward(batch) for batch in data[0].split(batch_size)]
        return torch.cat(outputs).cpu().numpy()

    def wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize()

    def weights(self) -> Weights:
        return {name: view.cpu().numpy().copy() for name, view in self._views.items()}


def _fp32_backends() -> dict[str, Any]:
    """Every switch of the arithmetic inside float32 operations; only "ieee" is strict."""
    return {
        "mkldnn_matmul": torch.backends.mkldnn.matmul,
        "mkldnn_conv": torch.backends.mkldnn.conv,
        "mkldnn_rnn": torch.backends.mkldnn.rnn,
        "cuda_matmul": torch.backends.cuda.matmul,
        "cudnn_conv": torch.backends.cudnn.conv,
        "cudnn_rnn": torch.backends.cudnn.rnn,
    }


def _model(  # noqa: C901 - one case a layer
    task: Task, recurrent: type[LastState]
) -> nn.Sequential:
    """The task as one nn.Sequential; each layer's modules bear its canonical name."""
    model = nn.Sequential()
    shape, channels_first = task.input_shape, False
    for index, (layer, after) in enumerate(zip(task.layers, output_shapes(task), strict=True)):
        name = layer_name(index, layer)
        if isinstance(layer, (Conv2D, MaxPool2D)) and not channels_first:
            model.add_module(f"{name}_nchw", Permute(0, 3, 1, 2))
            channels_first = True
        elif isinstance(layer, Flatten) and channels_first:
            model.add_module(f"{name}_nhwc", Permute(0, 2, 3, 1))
            channels_first = False
        match layer:
            case Flatten():
                model.add_module(name, nn.Flatten())
            case Dense(units=units):
                model.add_module(name, nn.Linear(shape[0], units))
            case Dropout(rate=rate):
                model.add_module(name, nn.Dropout(rate))
            case Conv2D(filters=filters, kernel=k):
                model.add_module(name, nn.Conv2d(shape[2], filters, k))
            case MaxPool2D(size=size):
                model.add_module(name, nn.MaxPool2d(size))
            case Embedding(vocabulary=vocabulary, units=units):
                model.add_module(name, nn.Embedding(vocabulary, units))
            case SimpleRNN() | LSTM():
                model.add_module(name, recurrent(_recurrent(layer, shape[1])))
        if isinstance(layer, (Dense, Conv2D)) and layer.activation != "linear":
            model.add_module(f"{name}_activation", _activation(layer.activation))
        shape = after
    return model


def _activation(name: Activation) -> nn.Module:
    # In place only where the backward pass needs nothing but the output.
    modules = {"relu": nn.ReLU(inplace=True), "tanh": nn.Tanh(), "sigmoid": nn.Sigmoid()}
    return modules[name]


def _recurrent(layer: SimpleRNN | LSTM, inputs: int) -> nn.RNN | nn.LSTM:
    if isinstance(layer, LSTM):
        return nn.LSTM(inputs, layer.units, batch_first=True)
    if layer.activation not in ("tanh", "relu"):
        raise Unsupported(f"nn.RNN has no {layer.activation} activation, only tanh and relu")
    return nn.RNN(inputs, layer.units, nonlinearity=layer.activation, batch_first=True)


def _canonical_views(task: Task, model: nn.Sequential) -> dict[str, Tensor]:
    """Canonical name → the parameter itself, seen in its canonical layout.

    The views share the parameters' memory, so that loading writes into them and reading sees
    the optimizer's updates. nn.LSTM's gates are in the canonical order.
    """
    views: dict[str, Tensor] = {}
    for index, layer in enumerate(task.layers):
        name = layer_name(index, layer)
        module = model.get_submodule(name)
        match module:
            case nn.Linear():
                parts = {"kernel": module.weight.T, "bias": module.bias}
            case nn.Conv2d():  # (out, in, k, k)
                parts = {"kernel": module.weight.permute(2, 3, 1, 0), "bias": module.bias}
            case nn.Embedding():
                parts = {"table": module.weight}
            case LastState(cell=cell):
                parts = {
                    "kernel": cell.weight_ih_l0.T,
                    "recurrent": cell.weight_hh_l0.T,
                    "bias": cell.bias_ih_l0,
                }
            case _:
                parts = {}
        views.update({f"{name}/{part}": value.detach() for part, value in parts.items()})
    return views


def trained(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that learn: the second bias of a recurrent layer does not."""
    return [p for p in model.parameters() if p.requires_grad]


def _autocast(model: nn.Module, device: str) -> Forward:
    """The model in bfloat16 where PyTorch holds that to be safe; float32 outputs."""

    def forward(batch: Tensor) -> Tensor:
        with torch.autocast(device, torch.bfloat16):
            return model(batch).float()

    return forward


def gradients_of(task: Task, forward: Forward) -> Step:
    """Forward, loss and backward; the gradients are left on the parameters."""
    loss_of = LOSSES[task.loss]

    def gradients(batch: Tensor, target: Tensor) -> Tensor:
        loss = loss_of(forward(batch), target)
        loss.backward()
        return loss.detach()

    return gradients


def stepping(task: Task, model: nn.Module, gradients: Step) -> Step:
    """One optimizer step by torch.optim; gives the loss before it."""
    optimizer = _optimizer(task, model)

    def step(batch: Tensor, target: Tensor) -> Tensor:
        loss = gradients(batch, target)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss

    return step


def _optimizer(task: Task, model: nn.Module) -> torch.optim.Optimizer:
    optimizer, parameters = task.optimizer, trained(model)
    if isinstance(optimizer, SGD):
        return torch.optim.SGD(parameters, lr=optimizer.learning_rate, fused=True)
    return torch.optim.Adam(
        parameters,
        lr=optimizer.learning_rate,
        betas=(optimizer.beta_1, optimizer.beta_2),
        eps=optimizer.epsilon,
        fused=True,
    )


def _thetas(warps: np.ndarray, shape: torch.Size) -> Tensor:
    """Maps in pixels (steps, batch, 6) → maps in affine_grid's coordinates (steps, batch, 2, 3).

    There x and y run from -1 at the first pixel's centre to 1 at the last one's
    (align_corners=True): x = (x' + 1) (width - 1) / 2.
    """
    width, height = shape[2] - 1, shape[1] - 1
    a, b, c, d, e, f = torch.tensor(warps, dtype=torch.float64).unbind(-1)
    b, d = b * height / width, d * width / height
    rows = (a, b, a + b + 2 * c / width - 1, d, e, d + e + 2 * f / height - 1)
    return torch.stack(rows, -1).unflatten(-1, (2, 3)).float()


def _warp(images: Tensor, theta: Tensor) -> Tensor:
    """Images (N, H, W, C) sampled bilinearly along maps (N, 2, 3), edges repeated."""
    nchw = images.permute(0, 3, 1, 2)
    grid = F.affine_grid(theta, list(nchw.shape), align_corners=True)
    warped = F.grid_sample(nchw, grid, padding_mode="border", align_corners=True)
    return warped.permute(0, 2, 3, 1)
