"""The layers of graphs as modules of PyTorch, and their arrays in the canonical layout."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adapters.base import unknown
from tasks.spec.layers import (
    LSTM,
    Activation,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    MaxPool2D,
    Shape,
)
from tasks.spec.normalization import BatchNorm, LayerNorm
from tasks.spec.sequence import (
    GRU,
    Bidirectional,
    Gelu,
    PositionalEmbedding,
    SelfAttention,
    Unembedding,
)
from tasks.spec.vision import (
    Add,
    AveragePool2D,
    Concat,
    GlobalAveragePool,
    LeakyRelu,
    Relu,
    Reshape,
    Slice,
    TransposedConv2D,
)

_FUNCTIONS = (Add, Concat, Flatten, GlobalAveragePool, Reshape, Slice, Unembedding)
"""Layers that have no arrays of their own and are written out in graph.py."""
ACTIVATIONS: dict[Activation, type[nn.Module]] = {
    "linear": nn.Identity,
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}


class Activated(nn.Sequential):
    """A layer and its activation."""

    def __init__(self, layer: nn.Module, activation: Activation) -> None:
        super().__init__(layer, ACTIVATIONS[activation]())


class Padded(nn.Conv2d):
    """nn.Conv2d over an image with zeros around it; padding="same" takes no stride in PyTorch."""

    def __init__(self, layer: Conv2D, shape: Shape) -> None:
        pads = [layer.pads(length) for length in shape[:2]]
        is_even = all(before == after for before, after in pads)
        super().__init__(
            shape[2], layer.filters, layer.kernel, stride=layer.stride, bias=layer.bias,
            padding=(pads[0][0], pads[1][0]) if is_even else 0,
        )  # fmt: skip
        self.around = () if is_even else (*pads[1], *pads[0])

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.around) if self.around else x)


class Transposed(nn.ConvTranspose2d):
    """nn.ConvTranspose2d, of whose result what `same` padding adds is cut off."""

    def __init__(self, layer: TransposedConv2D, shape: Shape) -> None:
        before, after = layer.crop
        super().__init__(
            shape[2], layer.filters, layer.kernel, stride=layer.stride, padding=before,
            bias=layer.bias,
        )  # fmt: skip
        self.more = after - before  # the other side is cut off by so much more

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        out = super().forward(x)
        return out[:, :, : -self.more, : -self.more] if self.more else out


class StandingNorm(nn.BatchNorm2d):
    """A batch norm that is frozen: by its running statistics in training too."""

    def __init__(self, channels: int, eps: float, momentum: float) -> None:
        super().__init__(channels, eps=eps, momentum=momentum)
        self.train(False)  # modules begin in training

    def train(self, mode: bool = True) -> StandingNorm:
        super().train(False)
        return self


class Places(nn.Module):
    """A learned table (T, units) added to a sequence."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.table = nn.Embedding(*shape)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.table.weight


class Attention(nn.Module):
    """Self-attention by scaled_dot_product_attention, q, k and v in one product; no key bias."""

    def __init__(self, layer: SelfAttention, units: int) -> None:
        super().__init__()
        self.heads, self.causal = layer.heads, layer.causal
        self.query = nn.Linear(units, units)
        self.key = nn.Linear(units, units, bias=False)
        self.value = nn.Linear(units, units)
        self.output = nn.Linear(units, units)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            each(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for each in (self.query, self.key, self.value)
        )
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        out: Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return out


class Recurrent(nn.Module):
    """nn.LSTM or nn.GRU, one way or both: the last state, or every state. The second bias that
    PyTorch adds is zero and not trained."""

    def __init__(self, layer: LSTM | GRU, inputs: int, both: bool) -> None:
        super().__init__()
        kind = nn.LSTM if isinstance(layer, LSTM) else nn.GRU
        self.cell = kind(inputs, layer.units, batch_first=True, bidirectional=both)
        self.sequences, self.both = layer.sequences, both
        for way in self.ways:
            nn.init.zeros_(getattr(self.cell, f"bias_hh_l0{way}")).requires_grad_(False)

    @property
    def ways(self) -> tuple[str, ...]:
        """The ends of PyTorch's names of the arrays of each direction."""
        return ("", "_reverse") if self.both else ("",)

    def forward(self, x: Tensor) -> Tensor:
        states, last = self.cell(x)
        if self.sequences:
            return states
        hidden = last[0] if isinstance(last, tuple) else last
        return torch.cat((hidden[0], hidden[1]), 1) if self.both else hidden[0]


def module_of(layer: Layer, reads: list[Shape]) -> nn.Module:  # noqa: C901 - one case a layer
    """The module of one node. Raises `Unsupported` for a layer that has no form here."""
    shape = reads[0]
    match layer:
        case Dense(units=units):
            linear = nn.Linear(shape[-1], units, bias=layer.bias)
            return Activated(linear, layer.activation)
        case Conv2D():
            return Activated(Padded(layer, shape), layer.activation)
        case TransposedConv2D():
            return Activated(Transposed(layer, shape), layer.activation)
        case MaxPool2D(size=size):
            return nn.MaxPool2d(size)
        case AveragePool2D(size=size):
            return nn.AvgPool2d(size)
        case Embedding(vocabulary=vocabulary, units=units):
            return nn.Embedding(vocabulary, units)
        case BatchNorm() if len(shape) == 3:
            kind = StandingNorm if layer.frozen else nn.BatchNorm2d
            return kind(shape[2], eps=layer.epsilon, momentum=1 - layer.momentum)
        case LayerNorm() if len(shape) < 3:
            return nn.LayerNorm(shape[-1], eps=layer.epsilon)
        case PositionalEmbedding():
            return Places(shape)
        case SelfAttention():
            return Attention(layer, shape[-1])
        case LSTM() | GRU():
            return Recurrent(layer, shape[-1], both=False)
        case Bidirectional():
            return Recurrent(layer.layer, shape[-1], both=True)
        case Relu():
            return nn.ReLU()
        case LeakyRelu(slope=slope):
            return nn.LeakyReLU(slope)
        case Gelu(form=form):
            return nn.GELU(approximate="tanh" if form == "tanh" else "none")
        case Dropout(rate=rate):
            return nn.Dropout(rate)
        case _ if isinstance(layer, _FUNCTIONS):
            return nn.Identity()
        case _:
            raise unknown("layer", layer)


Arrays = dict[str, tuple[Tensor, Tensor]]
"""By the canonical name of a part: the parameter or buffer, and its view in canonical layout."""


def parts_of(module: nn.Module) -> Arrays:  # noqa: C901 - one case a module
    """The arrays of one node's module."""
    match module:
        case Activated():
            return parts_of(module[0])
        case nn.Linear():
            return {"kernel": _turned(module.weight)} | _bias(module.bias)
        case nn.Conv2d() | nn.ConvTranspose2d():  # (out, in, k, k) and (in, out, k, k)
            kernel = module.weight.permute(2, 3, 1, 0)
            return {"kernel": (module.weight, kernel)} | _bias(module.bias)
        case nn.Embedding():
            return {"table": (module.weight, module.weight)}
        case Places():
            return parts_of(module.table)
        case nn.BatchNorm2d():
            assert module.running_mean is not None and module.running_var is not None
            state = {"mean": module.running_mean, "variance": module.running_var}
            return _scale(module.weight, module.bias) | {n: (v, v) for n, v in state.items()}
        case nn.LayerNorm():
            return _scale(module.weight, module.bias)
        case Attention():
            found: Arrays = {}
            for name in ("query", "key", "value", "output"):
                linear = getattr(module, name)
                found[name] = _turned(linear.weight)
                if linear.bias is not None:
                    found[f"{name}_bias"] = (linear.bias, linear.bias)
            return found
        case Recurrent():
            return _recurrent(module)
        case _:
            return {}


def _turned(weight: Tensor) -> tuple[Tensor, Tensor]:
    return weight, weight.T


def _bias(bias: Tensor | None) -> Arrays:
    return {} if bias is None else {"bias": (bias, bias)}


def _scale(gamma: Tensor, beta: Tensor) -> Arrays:
    return {"gamma": (gamma, gamma), "beta": (beta, beta)}


def _recurrent(module: Recurrent) -> Arrays:
    """nn.LSTM's gates and nn.GRU's are in the canonical order."""
    cell, found = module.cell, {}
    for way, begin in zip(module.ways, ("forward_", "backward_"), strict=False):
        start = begin if module.both else ""
        kernel, bias = getattr(cell, f"weight_ih_l0{way}"), getattr(cell, f"bias_ih_l0{way}")
        found[f"{start}kernel"] = _turned(kernel)
        found[f"{start}recurrent"] = _turned(getattr(cell, f"weight_hh_l0{way}"))
        found[f"{start}bias"] = (bias, bias)
    return found
