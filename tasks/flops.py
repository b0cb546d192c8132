"""How many floating-point operations a task's matrix products need, counted from its layers.

A multiplication and an addition count as two. Activations, pooling, losses and the optimizer are
left out: they are a few operations a value, where a product is hundreds. So the count is a lower
bound of the work, and the same for every framework, whatever its kernels really execute.
"""

from __future__ import annotations

from tasks.spec.graph import Node, needed, value_shapes
from tasks.spec.layers import Shape
from tasks.spec.network import Task, moved_arrays
from tasks.spec.training import Update


def forward(task: Task) -> int:
    """Of one row's outputs."""
    shapes = value_shapes(task.nodes, task.inputs)
    return sum(_products(node, shapes) for node in needed(task.nodes, {task.predicted}))


def training(task: Task) -> int:
    """Of one row's part in a training step: outputs, gradients by weights and by inputs, of every
    update.

    Each gradient costs what the product itself does. Where nothing below a layer learns, it needs
    none by its inputs; a recurrent one still needs its states'.
    """
    return sum(_of_update(task, update) for update in task.rules)


def _of_update(task: Task, update: Update) -> int:
    shapes = value_shapes(task.nodes, task.inputs)
    moved = {name.split("/")[0] for name in moved_arrays(task, update)}
    learns: set[str] = set()  # values that depend on what is moved
    total = 0
    for node in needed(task.nodes, {term.output for term in update.terms}):
        products = _products(node, shapes)
        inputs = node.layer.products_with_inputs(*_reads(node, shapes))
        is_below = any(name in learns for name in node.reads)
        is_moved = node.owner in moved
        total += products
        if is_moved or is_below:
            learns.add(node.name)
            total += products - inputs  # by a recurrent layer's states
        total += products * is_moved + inputs * is_below
    return total


def _products(node: Node, shapes: dict[str, Shape]) -> int:
    return node.layer.products(*_reads(node, shapes))


def _reads(node: Node, shapes: dict[str, Shape]) -> list[Shape]:
    return [shapes[name] for name in node.reads]
