"""The contract between the suite and a framework.

An adapter turns a `Task` into the framework's own best form of the same work. It holds no
clock, prints nothing, writes no file, and imports neither `bench` nor another adapter. The
suite calls the methods in this order: construct, `settings`, `build`, `stage`, then
`train` / `predict` / `wait` / `weights` in any order; `build` may be called again on the same
object and then starts afresh.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, SupportsFloat, TypeVar

import numpy as np

from adapters.repeating import Repeating
from tasks.spec.layers import CHAINED
from tasks.spec.network import Task
from tasks.weights import Weights

Device = str
"""The name of a module of bench.machine.devices: "cpu", "cuda"."""
Precision = Literal["fp32", "tf32", "bf16"]
Division = Literal["documented", "tuned"]
"""What the framework's documents tell a user to write, or the fastest certified form."""
AdamForm = Literal["epsilon", "epsilon-hat"]
VarianceForm = Literal["biased", "unbiased"]
Setting = str | int | float | bool
Data = Any
"""What `stage` returns: opaque to the suite, arrays resident on the device."""


class Unsupported(Exception):
    """Raised by an adapter for work its framework cannot do; the message is the reason shown."""


Kind = Literal["layer", "activation", "loss", "optimizer"]
Form = TypeVar("Form")


def unknown(kind: Kind, what: object) -> Unsupported:
    """The refusal of a part of a task that an adapter has no form of; `what`: it, or its name."""
    name = what if isinstance(what, str) else type(what).__name__
    return Unsupported(f"no form of the {kind} {name} is written for this framework")


def form_of(kind: Kind, name: str, forms: Mapping[Any, Form]) -> Form:
    """An adapter's own form of what a task names. Raises `Unsupported` where it has none."""
    if name not in forms:
        raise unknown(kind, name)
    return forms[name]


def only_chains(task: Task) -> None:
    """Raises `Unsupported` for a graph, and for layers of a chain that have what came with graphs
    (a stride, no bias): for adapters that have forms of plain chains only."""
    for node in task.nodes:
        if not isinstance(node.layer, CHAINED):
            raise unknown("layer", node.layer)
        for part in fields(node.layer):
            value = getattr(node.layer, part.name)
            if part.metadata.get("later") and value != part.default:
                raise unknown("layer", f"{type(node.layer).__name__} with {part.name}={value!r}")
    if task.is_graph:
        raise unknown("layer", "that reads several, or is moved by a rule of its own (a graph)")


def modes_on(modes: Mapping[str, bool]) -> str:
    """What an adapter's `settings` say under "debugging": the modes for finding faults that are on,
    or "none"."""
    return ", ".join(name for name, is_on in modes.items() if is_on) or "none"


@dataclass(frozen=True)
class Implementation:
    """framework + mode. `module` holds the adapter; `package` is what a user would import.

    `only`: names of its tasks; empty for all. `usual`: measured when nobody names any.
    `environment`: the one it is installed in, where that is not its framework's own: one mode's
    packages must not be there when another is measured. `tests`: more files of tests for it.
    `division`: documented or tuned, never ranked together. `departures`: in plain words, what of a
    tuned form the documents would not have told a user to write.
    """

    framework: str
    mode: str
    module: str
    package: str
    summary: str
    only: tuple[str, ...] = ()
    usual: bool = True
    environment: str = ""
    tests: tuple[str, ...] = ()
    division: Division = "tuned"
    departures: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.environment:
            object.__setattr__(self, "environment", self.framework)

    def does(self, task: str) -> bool:
        """Whether it is a contender of that task."""
        return not self.only or task in self.only

    @property
    def name(self) -> str:
        """``framework:mode``."""
        return f"{self.framework}:{self.mode}"


@dataclass(frozen=True)
class Place:
    """Where a process stands in the group that trains together, all on one machine's loopback.

    rank: 0 to size - 1. ports: free ones, one a process and more; the first is where the group
    meets. role: "peer", or what a helper is to the framework, such as "scheduler".
    """

    rank: int
    size: int
    ports: tuple[int, ...]
    role: str = "peer"


def no_variables(place: Place) -> dict[str, str]:
    """Of a scheme whose processes are told all by calls."""
    return {}


@dataclass(frozen=True)
class Scheme:
    """A framework's own way to train one model on several processes, each with a part of the rows.

    `module` holds its `Peer` (adapters.peer). `variables`: what the launcher of its documents sets
    before a process starts, such as torchrun's. `helpers`: roles of processes beside the peers that
    compute nothing of the network. `fails`: where its makers say that it does not work yet; it is
    asked all the same, and tells how it fails.
    """

    framework: str
    way: str
    module: str
    summary: str
    environment: str = ""
    variables: Callable[[Place], dict[str, str]] = no_variables
    helpers: tuple[str, ...] = ()
    fails: str = ""

    def __post_init__(self) -> None:
        if not self.environment:
            object.__setattr__(self, "environment", self.framework)

    @property
    def name(self) -> str:
        """``framework:way``."""
        return f"{self.framework}:{self.way}"


@dataclass(frozen=True)
class Installation:
    """What is particular about one environment of a framework, a name in its pins.toml.

    `after`: one that is made first, so that pip has both's packages in its cache. `ceiling`: the
    framework whose programs/product.py measures the ceiling there; empty for its own. `keeps`:
    variables of the user's shell that it needs; workers inherit no others (bench.run.variables).
    """

    environment: str
    after: str = ""
    ceiling: str = ""
    keeps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Export:
    """A way to a file: the function of that name in `FORMATS` of export.py. environment: one of
    adapters/runtimes/pins.toml. of: the format it is made from instead. refused: why none is."""

    format: str
    environment: str = ""
    of: str = ""
    refused: str = ""


@dataclass(frozen=True)
class Framework:
    """All that the suite knows of a framework before it is installed: its folder's about.py.

    `title`: its name as printed. `order`: its place among the others in lists and in tables.
    `package`: what a user would import. `interface`: the packages whose names count as its own
    when the size of a program is taken; empty for `package`. `tuners`: its own searchers of
    hyper-parameters. `installations`: of its environments those of which something is to be said.
    `exports`: its ways to a file, every format of `adapters.runtimes` once.
    """

    name: str
    title: str
    order: int
    package: str
    implementations: tuple[Implementation, ...]
    tuners: tuple[Implementation, ...] = ()
    interface: tuple[str, ...] = ()
    installations: tuple[Installation, ...] = ()
    schemes: tuple[Scheme, ...] = ()
    exports: tuple[Export, ...] = ()
    repeating: Repeating | None = None

    def __post_init__(self) -> None:
        if not self.interface:
            object.__setattr__(self, "interface", (self.package,))

    @property
    def usual(self) -> Implementation:
        """The mode its others are held against: the first usual one, or the first of all."""
        return next((row for row in self.implementations if row.usual), self.implementations[0])


class Adapter(ABC):
    """One framework, executing in one mode on one device at one precision and thread count."""

    adam_form: ClassVar[AdamForm]
    """Which Adam the framework computes. "epsilon": Kingma & Ba's Algorithm 1,
    lr · m̂ / (sqrt(v̂) + ε). "epsilon-hat": the form of their section 2,
    lr · sqrt(1-β2^t)/(1-β1^t) · m / (sqrt(v) + ε)."""

    variance_form: ClassVar[VarianceForm] = "biased"
    """Which running variance the framework's batch norm keeps: the batch's own, or that times
    n / (n - 1), over n values. All divide by the root of the batch's own in training."""

    clamps_loss: ClassVar[bool] = False
    """Whether the loss that `train` tells keeps probabilities off 0 and 1, as scikit-learn's does.
    Its gradients must not: those are compared all the same."""

    @abstractmethod
    def __init__(self, mode: str, device: Device, precision: Precision, threads: int) -> None:
        """Apply device, precision and thread settings to the framework, before any work.

        Raises `Unsupported` when this installation cannot do what is asked.
        """

    @abstractmethod
    def settings(self) -> dict[str, Setting]:
        """Versions and *effective* settings, read back from the framework, not remembered.

        Must hold "version", "threads", "device", "precision"; the rest is the adapter's to name.
        "debugging", where a framework has modes for finding faults that slow it down: those that
        are on, as `modes_on` says them. With one of them on nothing is certified or measured.
        """

    @abstractmethod
    def build(self, task: Task, weights: Weights, seed: int) -> None:
        """Make model, loss and optimizer; load `weights`; seed the framework's own randomness.

        `weights` has the names and shapes of `tasks.spec.parameter_shapes(task)`, float32.
        The arrays belong to the caller: copy, never alias. Raises `Unsupported`.
        """

    def restart(self, task: Task, weights: Weights, seed: int) -> None:
        """As `build` after a first one, and with the same effect. Where `task` is the one built
        last, or differs in its learning rate only, an adapter may keep what it compiled, and
        nothing else: weights, optimizer and randomness start afresh.

        Only the certificate asks for it, where compiling again would prove nothing more.
        """
        self.build(task, weights, seed)

    @abstractmethod
    def stage(self, x: np.ndarray, y: np.ndarray) -> Data:
        """Move rows to the device. x (N, *task.input_shape) in `task.input_dtype`; y (N,) in
        `task.target_dtype`. Called after `build`; not timed as work."""

    @abstractmethod
    def train(
        self, data: Data, order: np.ndarray, warps: np.ndarray | None = None
    ) -> SupportsFloat:
        """One optimizer step for each row of `order`; may return before the work is done.

        order: int32 (steps, batch), row numbers into `data`.
        warps: float32 (steps, batch, 6) or None. An affine map (a, b, c, d, e, f) a row: the
        output pixel (x, y), x to the right, takes the input at (a x + b y + c, d x + e y + f),
        sampled bilinearly, positions outside clamped to the nearest edge pixel.
        Returns the mean over the steps of each step's batch-mean loss (taken before its
        update), as anything `float()` accepts; converting it may wait.
        """

    @abstractmethod
    def predict(self, data: Data, batch_size: int) -> np.ndarray:
        """Outputs (N, units) of the last layer, float32, on the host: logits where the loss is a
        cross-entropy. All N rows in order, in batches of `batch_size`, the last one shorter."""

    @abstractmethod
    def wait(self) -> None:
        """Return when all work asked for so far, weight updates included, is done."""

    @abstractmethod
    def weights(self) -> Weights:
        """The current weights, same names, shapes and layouts as given to `build`, new arrays."""
