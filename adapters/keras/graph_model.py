"""A task that is a graph as functional models of Keras over the same layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.keras.graph_arrays import Array, arrays_of
from adapters.keras.graph_layers import Making, layer_of, value_of
from tasks.spec.graph import ROWS, TARGETS, needed, value_shapes
from tasks.spec.network import Task, moved_arrays, parameter_shapes
from tasks.spec.normalization import BatchNorm
from tasks.spec.training import Update
from tasks.weights import Weights


class Network:
    """The task's layers, made once; `model` gives functional models that go through them."""

    def __init__(self, making: Making, task: Task) -> None:
        self.keras, self.task = making.keras, task
        self._inputs = {ROWS: self._input(task.input_shape, task.input_dtype)}
        if any(TARGETS in node.reads for node in task.nodes):
            self._inputs[TARGETS] = self._input(task.target_shape, task.target_dtype)
        self._values = dict(self._inputs)
        shapes, made = value_shapes(task.nodes, task.inputs), {}
        for node in task.nodes:
            if not node.shares:
                made[node.name] = layer_of(making, node.layer, shapes[node.reads[0]])
            reads = [self._values[name] for name in node.reads]
            self._values[node.name] = value_of(node.layer, made[node.owner], reads)
        self.arrays: dict[str, Array] = {
            f"{node.name}/{part}": array
            for node in task.nodes
            if not node.shares
            for part, array in arrays_of(node.layer, made[node.name]).items()
        }
        self.layers = list(made.values())
        self._hold(made)
        self.predicting = self.keras.Model(self._inputs[ROWS], self._values[task.predicted])

    def _input(self, shape: Sequence[int], dtype: str) -> Any:
        return self.keras.Input(tuple(shape), dtype=dtype)

    def reads(self, outputs: Sequence[str]) -> list[str]:
        """Which of rows and targets some nodes depend on."""
        read = {name for node in needed(self.task.nodes, outputs) for name in node.reads}
        return [name for name in self._inputs if name in read]

    def model(self, outputs: Sequence[str]) -> Any:
        """From what they depend on, a list, to the values of some nodes by their names."""
        inputs = [self._inputs[name] for name in self.reads(outputs)]
        return self.keras.Model(inputs, {name: self._values[name] for name in outputs})

    def _hold(self, made: dict[str, Any]) -> None:
        """What no update moves is not trainable: whole layers as the guide to transfer learning
        freezes them, but a batch norm's scale alone, because Keras runs one that is not trainable
        in inference, which only the task's `frozen` means; and the bias of attention's keys."""
        moved = {name for rule in self.task.rules for name in moved_arrays(self.task, rule)}
        kept = {id(self.arrays[name].variable) for name in moved}
        for node in self.task.nodes:
            layer: Any = made.get(node.name)
            for variable in getattr(layer, "trainable_variables", ()):
                if id(variable) not in kept:
                    variable.trainable = False
            is_held = getattr(layer, "weights", ()) and not layer.trainable_variables
            if is_held and not isinstance(node.layer, BatchNorm):
                layer.trainable = False

    def moved(self, update: Update) -> list[Any]:
        """The variables that an update moves."""
        return [self.arrays[name].variable for name in moved_arrays(self.task, update)]

    def load(self, weights: Weights) -> None:
        for name, array in self.arrays.items():
            array.put(weights[name])

    def weights(self) -> Weights:
        shapes = parameter_shapes(self.task)
        return {name: self.arrays[name].get(self.keras, shape) for name, shape in shapes.items()}
