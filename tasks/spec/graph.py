"""A network as named nodes, each of which says what it reads: single assignment, in order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tasks.spec.layers import ArraySpec, Layer, Shape

ROWS, TARGETS = "x", "y"
"""The names by which nodes read a task's rows and its targets."""


@dataclass(frozen=True)
class Node:
    """One layer, named as the value it gives.

    reads: names of earlier nodes, or of the inputs "x" (the rows) and "y" (their targets).
    shares: the node whose arrays it uses; it has none of its own then.
    """

    name: str
    layer: Layer
    reads: tuple[str, ...]
    shares: str = ""

    @property
    def owner(self) -> str:
        """The node that has its arrays."""
        return self.shares or self.name


def layer_name(index: int, layer: Layer) -> str:
    """The canonical name of layer `index`, e.g. ``1_dense``."""
    return f"{index}_{type(layer).__name__.lower()}"


def chain(layers: Sequence[Layer], reads: str = ROWS, begin: int = 0) -> tuple[Node, ...]:
    """Layers one after the other, under canonical names; numbers go up from `begin`."""
    nodes: list[Node] = []
    for index, layer in enumerate(layers, start=begin):
        nodes.append(Node(layer_name(index, layer), layer, (reads,)))
        reads = nodes[-1].name
    return tuple(nodes)


def value_shapes(nodes: Sequence[Node], inputs: Mapping[str, Shape]) -> dict[str, Shape]:
    """The shape of one row of every value, inputs first."""
    shapes = dict(inputs)
    for node in nodes:
        shapes[node.name] = node.layer.shape(*(shapes[name] for name in node.reads))
    return shapes


def arrays(nodes: Sequence[Node], inputs: Mapping[str, Shape]) -> dict[str, ArraySpec]:
    """Canonical name, ``node/part`` → every array, in the order of nodes; shared ones once."""
    shapes = value_shapes(nodes, inputs)
    found: dict[str, ArraySpec] = {}
    for node in nodes:
        if not node.shares:
            parts = node.layer.parts(*(shapes[name] for name in node.reads))
            found.update({f"{node.name}/{part}": what for part, what in parts.items()})
    return found


def needed(nodes: Sequence[Node], outputs: Collection[str]) -> tuple[Node, ...]:
    """The nodes that the outputs depend on, in order."""
    wanted = set(outputs)
    for node in reversed(nodes):
        if node.name in wanted:
            wanted.update(node.reads)
    return tuple(node for node in nodes if node.name in wanted)
