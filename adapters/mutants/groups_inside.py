"""Faults of a group inside a framework's own exchange of gradients, as its users make them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from adapters.mutants.groups import APART, TYPICAL, WHOLE, GroupFault


def _place(function: str) -> str:
    return f"adapters.mutants.groups_inside:{function}"


def ddp_summed(peer: Any) -> Any:
    """A communication hook that forgets to divide."""

    def summed(bucket: Any) -> Any:
        distributed = import_module("torch.distributed")
        sent = distributed.all_reduce(bucket.buffer(), async_op=True).get_future()
        return sent.then(lambda future: future.value()[0])

    # PyTorch refuses a hook whose bucket is annotated as anything but its own type.
    return _hooked(peer, lambda state, bucket: summed(bucket))


def ddp_rounded(peer: Any) -> Any:
    """PyTorch's own hook that sends half precision."""
    hooks = import_module("torch.distributed.algorithms.ddp_comm_hooks.default_hooks")
    return _hooked(peer, hooks.fp16_compress_hook)


def _hooked(peer: Any, hook: Any) -> Any:
    class Faulty(peer):
        def _wrapped(self, model: Any) -> Any:
            made = super()._wrapped(model)
            made.register_comm_hook(None, hook)
            return made

    return Faulty


def ddp_never_exchanged(peer: Any) -> Any:
    """The model is called past DistributedDataParallel, as `ddp.module`."""

    class Faulty(peer):
        def train(self, data: Any, order: Any) -> Any:
            with self._model.no_sync():
                return super().train(data, order)

    return Faulty


def ddp_averaged_weights(peer: Any) -> Any:
    """Every rank makes its own step, and the weights are averaged afterwards."""

    alone: Any = ddp_never_exchanged(peer)

    class Faulty(alone):
        def _step(self) -> None:
            torch = import_module("torch")
            super()._step()
            with torch.no_grad():
                for value in self._model.parameters():
                    torch.distributed.all_reduce(value)
                    value.div_(self.place.size)

    return Faulty


def fsdp_summed(peer: Any) -> Any:
    """FSDP2 told to divide by one, which is what gloo once did by itself (pytorch 162338)."""

    class Faulty(peer):
        def _wrapped(self, model: Any) -> Any:
            made = super()._wrapped(model)
            made.set_gradient_divide_factor(1.0)
            return made

    return Faulty


def tensorflow_summed(peer: Any) -> Any:
    """The loss is the mean over the worker's rows, not its share of the whole batch's."""

    class Faulty(peer):
        def share(self) -> float:
            return 1.0

    return Faulty


def mxnet_summed(peer: Any) -> Any:
    """`step` is given the worker's rows, not the whole batch's."""

    class Faulty(peer):
        def divisor(self, batch: int) -> int:
            return batch // int(self.place.size)

    return Faulty


DDP, FSDP = ("pytorch:ddp",), ("pytorch:fsdp",)
FAULTS = (
    GroupFault("sum for mean, by a hook", _place("ddp_summed"), DDP, WHOLE),
    GroupFault("half precision, by a hook", _place("ddp_rounded"), DDP, WHOLE),
    GroupFault("never exchanged, no_sync", _place("ddp_never_exchanged"), DDP, APART),
    GroupFault("weights averaged, DDP", _place("ddp_averaged_weights"), DDP, TYPICAL),
    GroupFault("sum for mean, FSDP2", _place("fsdp_summed"), FSDP, WHOLE),
    GroupFault(
        "sum for mean, loss of own rows",
        _place("tensorflow_summed"),
        ("tensorflow:multi-worker",),
        WHOLE,
    ),
    GroupFault("sum for mean, own batch", _place("mxnet_summed"), ("mxnet:dist-sync",), WHOLE),
)
