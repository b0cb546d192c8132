"""A task that is a graph as one nn.Module: values node by node, arrays seen canonically.

Inside, images are (N, C, H, W), whose canonical (N, H, W, C) is a view; rows, and what is given
out, are canonical. Everything PyTorch has a module for is that module.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from adapters.pytorch.graph_layers import module_of, parts_of
from tasks.spec.graph import ROWS, Node, needed, value_shapes
from tasks.spec.layers import Flatten, Shape
from tasks.spec.network import Task, moved_arrays
from tasks.spec.sequence import Unembedding
from tasks.spec.vision import Add, Concat, GlobalAveragePool, Reshape, Slice


class Network(nn.Module):
    """The task's nodes; `forward` gives what is predicted, for rows (N, *input_shape)."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task
        self.shapes = value_shapes(task.nodes, task.inputs)
        self.own = nn.ModuleDict()
        for node in task.nodes:
            if not node.shares:
                self.own[_key(node.name)] = module_of(node.layer, self._reads(node))
        moved = {name for rule in task.rules for name in moved_arrays(task, rule)}
        for name, parameter in self.parameters_by_name().items():
            parameter.requires_grad_(name in moved)
        self.predicting = needed(task.nodes, {task.predicted})

    def forward(self, rows: Tensor) -> Tensor:
        values = self.values({ROWS: rows}, self.predicting)
        return self.canonical(values[self.task.predicted], self.task.predicted)

    def values(self, inputs: Mapping[str, Tensor], nodes: Collection[Node]) -> dict[str, Tensor]:
        """By name, images channels first. inputs: canonical."""
        values = {
            name: value.permute(0, 3, 1, 2) if value.dim() == 4 else value
            for name, value in inputs.items()
        }
        for node in nodes:
            values[node.name] = self._value(node, [values[name] for name in node.reads])
        return values

    def canonical(self, value: Tensor, name: str) -> Tensor:
        """A value as the task has it: images height, width, channels."""
        return value.permute(0, 2, 3, 1) if len(self.shapes[name]) == 3 else value

    def _value(self, node: Node, reads: list[Tensor]) -> Tensor:
        x, layer = reads[0], node.layer
        is_image = len(self.shapes[node.reads[0]]) == 3
        match layer:
            case Add():
                for other in reads[1:]:
                    x = x + other
                return x
            case Concat():
                return torch.cat(reads, dim=1 if is_image else -1)
            case Slice(begin=begin, end=end):
                return x.narrow(1 if is_image else -1, begin, end - begin)
            case Flatten():
                return self.canonical(x, node.reads[0]).flatten(1)
            case Reshape():
                rows = self.canonical(x, node.reads[0]).reshape(len(x), *layer.to)
                return rows.permute(0, 3, 1, 2) if len(layer.to) == 3 else rows
            case GlobalAveragePool():
                return x.mean((2, 3)) if is_image else x.mean(1)
            case Unembedding():
                return F.linear(x, self.own[_key(node.owner)].weight)
            case _:
                value: Tensor = self.own[_key(node.owner)](x)
                return value

    def _reads(self, node: Node) -> list[Shape]:
        return [self.shapes[name] for name in node.reads]

    def parameters_by_name(self) -> dict[str, nn.Parameter]:
        """Canonical name → parameter, state left out."""
        return {
            f"{node.name}/{part}": value
            for node in self.task.nodes
            if not node.shares
            for part, (value, _) in parts_of(self.own[_key(node.name)]).items()
            if isinstance(value, nn.Parameter)
        }

    def views(self) -> dict[str, Tensor]:
        """Canonical name → the array itself, seen in its canonical layout, state too."""
        return {
            f"{node.name}/{part}": view.detach()
            for node in self.task.nodes
            if not node.shares
            for part, (_, view) in parts_of(self.own[_key(node.name)]).items()
        }


def _key(name: str) -> str:
    """nn.ModuleDict takes no name that nn.Module has, such as "half"."""
    return f"node_{name}"
