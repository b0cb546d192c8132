"""Graphs of norms and relu, with weights whose units are far from their kink.

A unit within rounding of its kink passes its gradient in float64 and not in float32. Of some
millions of units a few always are, and under batch norm each moves the gradients of all the layers
before it: of a network of twenty layers by 1e-2, in the oracle in float32 as in every framework.
Its trajectories then say nothing. A norm's shift puts its units where they stay on, or off.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from adapters.reference.graph import forward
from adapters.reference.pairs import Given
from tasks.spec.graph import ROWS, Node, needed
from tasks.spec.network import Task
from tasks.spec.normalization import BatchNorm
from tasks.spec.vision import Add, Relu
from tasks.weights import Weights

# Sums of always-on blocks would grow with every block: so much narrower are the norms' values.
SCALE = 0.25
MARGIN = 0.5  # in breadths of a unit's values over the rows: what hundreds of steps move it
OFF_EVERY = 4


def off_kinks(task: Task, weights: Weights, x: np.ndarray) -> Weights:
    """float32: the weights, with every norm's scale smaller and the shifts before relu such that on
    the rows x no unit is near 0: three of four channels on, one off. A relu must read a norm, or a
    sum that reads one first; ValueError else."""
    nodes = {node.name: node for node in task.nodes}
    found = {name: value.astype(np.float64) for name, value in weights.items()}
    values = {ROWS: x.astype(np.float64)}
    for node in needed(task.nodes, {task.predicted}):
        if isinstance(node.layer, BatchNorm):
            found[f"{node.name}/gamma"] *= SCALE
        if isinstance(node.layer, Relu):
            path = _to_norm(node.reads[0], nodes)
            shift = away_from_zero(values[node.reads[0]])
            found[f"{path[-1]}/beta"] += shift
            for name in path:
                values[name] = values[name] + shift
        values[node.name] = _value(node, found, values)
    return {name: value.astype(np.float32) for name, value in found.items()}


def _to_norm(name: str, nodes: Mapping[str, Node]) -> list[str]:
    """From what a relu reads, through sums, to the norm whose shift all of them have."""
    path = [name]
    while isinstance(nodes[path[-1]].layer, Add):
        path.append(nodes[path[-1]].reads[0])
    if not isinstance(nodes[path[-1]].layer, BatchNorm):
        raise ValueError(f"{name} is no norm, nor a sum that reads one first")
    return path


def away_from_zero(values: np.ndarray) -> np.ndarray:
    """values: (..., units), before relu. What is added to each unit, so that none is near 0."""
    flat = values.reshape(-1, values.shape[-1])
    low, high = flat.min(axis=0), flat.max(axis=0)
    margin = MARGIN * (high - low)
    is_off = np.arange(len(low)) % OFF_EVERY == OFF_EVERY - 1
    return np.asarray(np.where(is_off, -high - margin, margin - low))


def _value(node: Node, weights: Weights, values: Mapping[str, np.ndarray]) -> np.ndarray:
    begin = f"{node.owner}/"
    parts = {n.removeprefix(begin): v for n, v in weights.items() if n.startswith(begin)}
    reads = tuple(values[name] for name in node.reads)
    given = Given(reads, parts, True, lambda value: value, "biased")
    return forward(node.layer, given, np.random.default_rng(0)).out
