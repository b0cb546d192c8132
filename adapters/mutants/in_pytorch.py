"""Accidents of PyTorch, made in the adapter's own model and in torch."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from importlib import import_module
from typing import Any, SupportsFloat

from adapters.base import Data, Setting
from adapters.mutants.mutant import RECURRENT, Array, Mutant, Wrapped
from adapters.mutants.within import altered, beside, inside, left_on, replaced, within
from tasks.spec.layers import Dense, Dropout
from tasks.spec.training import Augmentation
from tasks.weights import Weights


def torch() -> Any:
    return import_module("torch")


def nothing(*_: Any) -> None:
    """In the place of a call that is forgotten."""


def evaluation_forgotten(adapter: Any) -> None:
    adapter._model.eval = nothing


def training_forgotten(adapter: Any) -> None:
    model = adapter._model
    switch = model.train
    model.train = lambda mode=True: model if mode else switch(False)


def coarse_forward(sizes: Callable[[int], bool]) -> Callable[[Any], None]:
    """Inference under autocast for some batch sizes."""

    def alter(adapter: Any) -> None:
        exact = adapter._forward

        def forward(batch: Any) -> Any:
            with torch().autocast("cpu", torch().bfloat16, enabled=sizes(len(batch))):
                return exact(batch).float()

        adapter._forward = forward

    return alter


def double(adapter: Any) -> None:
    """Every layer in float64, parameters and optimizer in float32."""
    model = adapter._model

    def forward(batch: Any) -> Any:
        wide = {name: value.double() for name, value in model.named_parameters()}
        rows = batch.double() if batch.is_floating_point() else batch
        return torch().func.functional_call(model, wide, (rows,)).float()

    own = beside(adapter, "")
    gradients = own.gathering(own.gradients_of(adapter._task, forward))
    adapter._step, adapter._forward = own.stepping(adapter._task, model, gradients), forward


def recurrent(change: Callable[[Any], Callable[[Any], Any]]) -> Callable[[Any], None]:
    """Recurrent layers whose forward is `change` of their cell."""

    def alter(adapter: Any) -> None:
        for module in adapter._model.modules():
            if hasattr(module, "cell"):
                module.forward = change(module.cell)

    return alter


def last_state(state: Any) -> Any:
    return (state[0] if isinstance(state, tuple) else state)[0]


def detached(state: Any) -> Any:
    return tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()


def truncated(cell: Any) -> Callable[[Any], Any]:
    def forward(x: Any) -> Any:
        if x.shape[1] <= 20:
            return last_state(cell(x)[1])
        _, before = cell(x[:, :-20])
        return last_state(cell(x[:, -20:], detached(before))[1])

    return forward


def stateful(cell: Any) -> Callable[[Any], Any]:
    known: dict[int, Any] = {}

    def forward(x: Any) -> Any:
        _, state = cell(x, known.get(len(x)))
        known[len(x)] = detached(state).clone() if not isinstance(state, tuple) else detached(state)
        return last_state(state)

    return forward


def windowed(cell: Any) -> Callable[[Any], Any]:
    return lambda x: last_state(cell(x[:, -100:])[1])


def adam(**options: Any) -> Callable[[Any], Any]:
    """Another torch.optim.Adam."""

    def change(original: Any) -> Any:
        def make(parameters: Any, **asked: Any) -> Any:
            return original(parameters, **(asked | options))

        return make

    return lambda adapter: replaced("torch.optim", "Adam", change)(adapter)


def clipped(original: Any) -> Any:
    class Clipped(original):
        def step(self, closure: Any = None) -> Any:
            parameters = [p for group in self.param_groups for p in group["params"]]
            torch().nn.utils.clip_grad_norm_(parameters, 5.0)
            return super().step(closure)

    return Clipped


def dropout(change: Callable[[Any, Any, float], Any]) -> Callable[[Any], Any]:
    """Another torch.nn.functional.dropout: `change` of the original, its input and rate."""

    def replacement(original: Any) -> Any:
        def fake(x: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
            return change(original, x, p) if training and p else x

        return fake

    return replaced("torch.nn.functional", "dropout", replacement)


def one_mask(original: Any, x: Any, rate: float) -> Any:
    return x * original(torch().ones_like(x[:1]), rate)


def whole_rows(original: Any, x: Any, rate: float) -> Any:
    return x * original(torch().ones_like(x[:, :1]), rate)


def seeded(original: Any, x: Any, rate: float) -> Any:
    with torch().random.fork_rng():
        torch().manual_seed(3)
        return original(x, rate)


def alpha(original: Any, x: Any, rate: float) -> Any:
    return torch().nn.functional.alpha_dropout(x, rate, True)


def fixed(**options: Any) -> Callable[[Any], Any]:
    """A function with some arguments fixed, whatever is asked for."""

    def change(original: Any) -> Any:
        return lambda *given, **asked: original(*given, **(asked | options))

    return change


class NewOptimizer(Wrapped):
    """torch.optim's object is made in the training function."""

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        inner: Any = self.inner
        if len(order) > 1:
            inner._step, _ = inner._programs(inner._task, inner._model, inner._model)
        return self.inner.train(data, order, warps)


class LiveViews(Wrapped):
    """`numpy()` without a copy."""

    def weights(self) -> Weights:
        inner: Any = self.inner
        return {name: view.cpu().numpy() for name, view in inner._views.items()}


class TwoThreads(Wrapped):
    """The thread count is raised when training starts."""

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        torch().set_num_threads(2)
        return self.inner.train(data, order, warps)

    def settings(self) -> dict[str, Setting]:
        found = self.inner.settings()
        torch().set_num_threads(1)  # the count is the process's, and others are tried after this
        return found


def anomalies(_: Any) -> AbstractContextManager[Any]:
    manager: AbstractContextManager[Any] = torch().autograd.detect_anomaly(check_nan=False)
    return manager


def without_onednn(_: Any) -> AbstractContextManager[Any]:
    manager: AbstractContextManager[Any] = torch().backends.mkldnn.flags(enabled=False)
    return manager


def with_no_grad(adapter: Any) -> None:
    adapter._no_gradients = torch().no_grad


_here = partial(inside, "pytorch")
_F = "torch.nn.functional"

FAULTS: tuple[Mutant, ...] = (
    _here("eval() forgotten", "prediction", altered(evaluation_forgotten), needs=Dropout),
    _here("train() forgotten", "prediction", altered(training_forgotten), needs=Dropout),
    _here("autocast for batches of 64 and more", "shapes",
          altered(coarse_forward(lambda size: size >= 64))),
    _here("autocast for one row", "shapes", altered(coarse_forward(lambda size: size == 1))),
    _here("float64 inside", "work", altered(double)),
    _here("anomaly detection left on", "work", left_on(anomalies)),
    _here("gradients cut after 20 time steps", "memory", altered(recurrent(truncated)),
          families=RECURRENT, length=21),
    _here("state kept between batches", "memory", altered(recurrent(stateful)),
          families=RECURRENT),
    _here("the last 100 time steps read", "memory", altered(recurrent(windowed)),
          families=RECURRENT, length=101),
    _here("amsgrad", "arithmetic", within(adam(amsgrad=True))),
    _here("Adam's weight decay of 1e-4", "arithmetic", within(adam(weight_decay=1e-4))),
    _here("gradients clipped to a norm of 5", "values",
          within(replaced("torch.optim", "Adam", clipped))),
    _here("relu6", "values",
          within(replaced("torch.nn", "ReLU", lambda _: torch().nn.ReLU6)),
          families=("fnn", "cnn"), needs=Dense),
    _here("one mask for all rows", "dropout", within(dropout(one_mask)), needs=Dropout),
    _here("whole rows dropped", "dropout", within(dropout(whole_rows)), needs=Dropout),
    _here("dropout seeded in each step", "dropout", within(dropout(seeded)), needs=Dropout),
    _here("alpha dropout", "dropout", within(dropout(alpha)), needs=Dropout),
    _here("grids that begin at pixels' corners", "augmentation",
          within(replaced(_F, "affine_grid", fixed(align_corners=False))), families=("cnn",),
          needs=Augmentation),
    _here("zeros outside of images", "augmentation",
          within(replaced(_F, "grid_sample", fixed(padding_mode="zeros"))), families=("cnn",),
          needs=Augmentation),
    _here("the nearest pixel read", "augmentation",
          within(replaced(_F, "grid_sample", fixed(mode="nearest"))), families=("cnn",),
          needs=Augmentation),
    _here("gradients never zeroed", "calls",
          within(replaced("torch.optim.optimizer:Optimizer", "zero_grad",
                          lambda _: lambda *given, **asked: None))),
    _here("a new optimizer in calls of several steps", "calls", NewOptimizer),
    _here("weights given out are views", "views", LiveViews),
    _here("threads raised in training", "settings", TwoThreads, judged_by="launch"),
)  # fmt: skip

CORRECT: tuple[Mutant, ...] = (
    _here("Adam with foreach", "correct", within(adam(fused=False, foreach=True))),
    _here("Adam in a loop", "correct", within(adam(fused=False, foreach=False))),
    _here("oneDNN off", "correct", within(without_onednn)),
    _here("no_grad for inference_mode", "correct", altered(with_no_grad)),
)
