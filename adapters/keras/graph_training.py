"""How a graph is trained in Keras: losses, optimizers, and steps of several updates.

One update of one loss on what is predicted is `compile` and `fit` of a functional model. Any other
is a Model whose train_step does the updates in order, as Keras's guide to custom steps and its
examples of adversarial networks write it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from adapters.base import Unsupported, unknown
from adapters.keras import model as chains
from adapters.keras.graph_model import Network
from tasks.spec.graph import ROWS, TARGETS
from tasks.spec.network import Task, moved_arrays, parameter_shapes
from tasks.spec.sequence import GRU, Bidirectional
from tasks.spec.training import AdamW, Momentum, Term, Update, WarmupCosine
from tasks.weights import Weights


def is_plain(task: Task) -> bool:
    """Whether `compile` with one loss and one optimizer says how it is trained."""
    if len(task.rules) > 1 or len(task.rules[0].terms) > 1:
        return False
    term = task.rules[0].terms[0]
    reads = {name for node in task.nodes for name in node.reads}
    return term.output == task.predicted and term.target is None and TARGETS not in reads


def loss_of(keras: Any, term: Term) -> Any:
    """Keras's loss of one term, (targets, outputs) → mean. Raises `Unsupported`."""
    if not term.label_smoothing:
        return chains.loss_of(keras, term.loss)
    if term.loss != "sparse_categorical_crossentropy":
        raise unknown("loss", f"{term.loss} with smoothed labels")

    class Smoothed(keras.losses.Loss):
        """Keras smooths the labels of one-hot targets only."""

        def call(self, targets: Any, outputs: Any) -> Any:
            classes = keras.ops.cast(targets, "int32")
            return keras.losses.categorical_crossentropy(
                keras.ops.one_hot(classes, outputs.shape[-1]), outputs,
                from_logits=True, label_smoothing=term.label_smoothing,
            )  # fmt: skip

    return Smoothed()


def term_loss(keras: Any, term: Term) -> Callable[[Any, Any], Any]:
    """The loss of a term whose target may be a number."""
    loss = loss_of(keras, term)
    if term.target is None:
        return loss
    return lambda targets, outputs: loss(keras.ops.full_like(outputs, term.target), outputs)


def optimizer_of(network: Network, update: Update) -> Any:
    """Keras's own optimizer by an update's rule."""
    keras, rule = network.keras, update.optimizer
    if isinstance(rule, Momentum):
        return keras.optimizers.SGD(learning_rate=rule.learning_rate, momentum=rule.momentum)
    if not isinstance(rule, AdamW):
        return chains.optimizer_of(keras, rule)
    _refuse_clipped_gates(network.task, update)
    rate: Any = rule.learning_rate
    made = keras.optimizers.AdamW(
        learning_rate=scheduled(keras, rate, rule.schedule) if rule.schedule else rate,
        weight_decay=rule.weight_decay, beta_1=rule.beta_1, beta_2=rule.beta_2,
        epsilon=rule.epsilon, global_clipnorm=rule.clip_norm or None,
    )  # fmt: skip
    shapes = parameter_shapes(network.task)
    flat = [name for name in moved_arrays(network.task, update) if len(shapes[name]) < 2]
    made.exclude_from_weight_decay(var_list=[network.arrays[name].variable for name in flat])
    return made


def _refuse_clipped_gates(task: Task, update: Update) -> None:
    """The gradient by the bias that is held at zero would count in the norm."""
    moved = {name.split("/")[0] for name in moved_arrays(task, update)}
    layers = [node.layer for node in task.nodes if node.name in moved]
    layers = [layer.layer if isinstance(layer, Bidirectional) else layer for layer in layers]
    clips = isinstance(update.optimizer, AdamW) and update.optimizer.clip_norm
    if clips and any(isinstance(layer, GRU) for layer in layers):
        raise Unsupported(
            "an optimizer's global_clipnorm in Keras takes the norm over both biases of a GRU, "
            "of which the task has one"
        )


def scheduled(keras: Any, rate: float, schedule: WarmupCosine) -> Any:
    """The rate by the number of steps done, which begins at 0 where the task's begins at 1.

    Keras's CosineDecay is it, but for a first rate that is not 0 and no warm-up at all.
    """
    ops = keras.ops

    class WarmupThenCosine(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, done: Any) -> Any:
            step = ops.cast(done, "float32") + 1.0
            warm = step / max(schedule.warmup, 1)
            part = (step - schedule.warmup) / max(schedule.steps - schedule.warmup, 1)
            fall = 0.5 * (1.0 + ops.cos(ops.minimum(part, 1.0) * 3.141592653589793))
            fall = schedule.end + (1.0 - schedule.end) * fall
            return rate * ops.where(step <= schedule.warmup, warm, fall)

        def get_config(self) -> dict[str, Any]:
            return {}

    return WarmupThenCosine()


@dataclass(frozen=True)
class Move:
    """One update: the model of what its losses are of, which reads `reads`; by the name of each
    term's output (targets, outputs) → loss; what moves, and by what."""

    model: Any
    reads: list[str]
    losses: list[tuple[str, Callable[[Any, Any], Any]]]
    variables: list[Any]
    optimizer: Any

    def loss(self, rows: Any, targets: Any) -> Any:
        """The sum of the terms; regularizers of strength zero keep whole gradients of tables."""
        given = {ROWS: rows, TARGETS: targets}
        outputs = self.model([given[name] for name in self.reads], training=True)
        terms = [loss(targets, outputs[name]) for name, loss in self.losses]
        return sum([*terms, *self.model.losses])


def _move(network: Network, update: Update) -> Move:
    outputs = [term.output for term in update.terms]
    return Move(
        network.model(outputs),
        network.reads(outputs),
        [(term.output, term_loss(network.keras, term)) for term in update.terms],
        network.moved(update),
        optimizer_of(network, update),
    )


Moving = Callable[[Move, Any, Any], Any]
"""(update, rows, targets) → its loss, once its variables have been moved."""


def stepping_model(network: Network, moved: Moving) -> Any:
    """A Model that predicts as the network does, and whose train_step does all updates in order."""
    keras = network.keras

    class InOrder(keras.Model):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.predicting = network.predicting
            self.moves = [_move(network, update) for update in network.task.rules]
            self.networks = [move.model for move in self.moves]  # so that Keras knows them
            self.mean_loss = keras.metrics.Mean(name="loss")

        def call(self, rows: Any, training: bool = False) -> Any:
            return self.predicting(rows, training=training)

        @property
        def metrics(self) -> list[Any]:
            return [self.mean_loss]

        def train_step(self, data: Any) -> dict[str, Any]:
            rows, targets, _ = keras.utils.unpack_x_y_sample_weight(data)
            total = 0.0
            for move in self.moves:
                total += moved(move, rows, targets)
            self.mean_loss.update_state(total)
            return {"loss": self.mean_loss.result()}

    return InOrder()


def afresh(network: Network, model: Any, task: Task, weights: Weights, seed: int) -> None:
    """A compiled model of either kind as it was when it was made, with these weights; its programs
    are kept."""
    keras = network.keras
    keras.utils.set_random_seed(seed)
    network.load(weights)
    optimizers = [move.optimizer for move in model.moves] if not is_plain(task) else []
    for optimizer, update in zip(optimizers or [model.optimizer], task.rules, strict=True):
        chains.optimizer_afresh(keras, optimizer, update.optimizer)
    chains.dropouts_afresh(keras, network.layers)
    model.reset_metrics()


def on_tensorflow(tf: Any) -> Moving:
    """By TensorFlow's tape."""

    def moved(move: Move, rows: Any, targets: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = move.loss(rows, targets)
        move.optimizer.apply(tape.gradient(loss, move.variables), move.variables)
        return loss

    return moved


def on_torch(torch: Any) -> Moving:
    """By PyTorch's backward pass, for these variables only."""

    def moved(move: Move, rows: Any, targets: Any) -> Any:
        loss = move.loss(rows, targets)
        found = torch.autograd.grad(loss, [variable.value for variable in move.variables])
        with torch.no_grad():
            move.optimizer.apply(found, move.variables)
        return loss.detach()

    return moved
