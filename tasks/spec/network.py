"""A task: its network, its data and its training, as plain data.

A task says *what* is computed, never how. Every adapter and the NumPy oracle read
the same `Task`, so a difference between two implementations can only come from the
implementations.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from tasks.spec.graph import ROWS, TARGETS, Node, arrays, chain, layer_name, value_shapes
from tasks.spec.layers import LATER, ArraySpec, Dropout, Embedding, Layer, Shape
from tasks.spec.training import (
    LOWER,
    Adam,
    Augmentation,
    EarlyStopping,
    Loss,
    Optimizer,
    Proof,
    Score,
    Target,
    Term,
    Update,
)

__all__ = ["Task", "layer_name", "output_shapes", "parameter_shapes"]

Family = Literal[
    "fnn", "cnn", "rnn", "lstm", "transformer", "resnet", "autoencoder", "transfer", "gan"
]


@dataclass(frozen=True)
class Task:
    """One identical piece of work for every framework.

    `data` names a data-set family (tasks.data.prepare). `epochs` is the length of the articles'
    training. `round_steps` is the length of one timed training round in optimizer steps, and
    `infer_batches` that of an inference round in batches of 256.
    Of the metrics, accuracy is better high, the others low.

    The network is `layers`, one after the other; or, where `layers` is empty, the graph `network`.
    A graph's nodes read the rows as "x" and, if they will, the targets as "y", whose rows have the
    shape `target_shape`. `output` is the node that is predicted, the last one unless told.
    `updates` are done in order in every step; without any it is one, of `loss` at the output.
    `pretrained`: a file of tasks/data/pretrained whose arrays replace drawn ones of their name.
    """

    name: str
    family: Family
    summary: str
    data: str
    input_shape: Shape
    layers: tuple[Layer, ...]
    loss: Loss
    metric: Score
    epochs: int
    round_steps: int
    batch_size: int = 32
    infer_batches: int = 8
    optimizer: Optimizer = Adam()  # noqa: RUF009 (frozen)
    augmentation: Augmentation | None = None
    early_stopping: EarlyStopping | None = None
    target: Target | None = None
    proof: Proof | None = None
    network: tuple[Node, ...] = field(default=(), metadata=LATER)
    updates: tuple[Update, ...] = field(default=(), metadata=LATER)
    output: str = field(default="", metadata=LATER)
    target_shape: Shape = field(default=(), metadata=LATER)
    pretrained: str = field(default="", metadata=LATER)

    @property
    def is_graph(self) -> bool:
        """Whether it is more than one chain of layers under one loss."""
        return bool(self.network or self.updates)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The network as nodes, a chain's under canonical names."""
        return self.network or chain(self.layers)

    @property
    def predicted(self) -> str:
        """The name of the node whose values `predict` gives."""
        return self.output or self.nodes[-1].name

    @property
    def rules(self) -> tuple[Update, ...]:
        """The updates of one step, in order."""
        one = Update((Term(self.predicted, self.loss),), (), self.optimizer)
        return self.updates or (one,)

    @property
    def inputs(self) -> dict[str, Shape]:
        """The shape of one row of what nodes may read and no node gives."""
        return {ROWS: self.input_shape, TARGETS: self.target_shape}

    @property
    def input_dtype(self) -> Literal["float32", "int32"]:
        """Rows of word numbers where an embedding reads them, else real values."""
        words = any(isinstance(n.layer, Embedding) and ROWS in n.reads for n in self.nodes)
        return "int32" if words else "float32"

    @property
    def target_dtype(self) -> Literal["float32", "int32"]:
        """Labels are int32 class numbers, or float32 for binary and regression targets."""
        return "int32" if self.loss == "sparse_categorical_crossentropy" else "float32"

    def reached(self, score: float, target: float) -> bool:
        """Whether a score is as good as the target."""
        return score <= target if self.metric in LOWER else score >= target

    def with_optimizer(self, optimizer: Optimizer) -> Task:
        """The same task under another optimizer, in every update."""
        updates = tuple(replace(update, optimizer=optimizer) for update in self.updates)
        return replace(self, optimizer=optimizer, updates=updates)

    def at_rate(self, learning_rate: float) -> Task:
        """The same task at another learning rate, in every update."""
        updates = tuple(
            replace(update, optimizer=replace(update.optimizer, learning_rate=learning_rate))
            for update in self.updates
        )
        optimizer = replace(self.optimizer, learning_rate=learning_rate)
        return replace(self, optimizer=optimizer, updates=updates)

    def without_dropout(self) -> Task:
        """The same task with every dropout rate 0: what a trajectory can be compared on."""
        layers = tuple(Dropout(0.0) if isinstance(x, Dropout) else x for x in self.layers)
        network = tuple(
            replace(n, layer=Dropout(0.0)) if isinstance(n.layer, Dropout) else n
            for n in self.network
        )
        return replace(self, layers=layers, network=network)


def output_shapes(task: Task) -> list[Shape]:
    """The shape of one row after each layer, or node, without the batch axis."""
    shapes = value_shapes(task.nodes, task.inputs)
    return [shapes[node.name] for node in task.nodes]


def task_arrays(task: Task) -> dict[str, ArraySpec]:
    """Canonical name, such as ``1_dense/kernel`` → every array of the task, in node order."""
    return arrays(task.nodes, task.inputs)


def parameter_shapes(task: Task) -> dict[str, Shape]:
    """Canonical name → shape of every array of the task, in node order: what is trained, and the
    running statistics of a batch norm, which are state. Layouts: tasks.spec.layers."""
    return {name: part.shape for name, part in task_arrays(task).items()}


def moved_arrays(task: Task, update: Update) -> list[str]:
    """The names of the arrays that one update of the task moves."""
    nodes = set(update.moves)
    return [
        name
        for name, part in task_arrays(task).items()
        if part.trained and (not nodes or name.split("/")[0] in nodes)
    ]
