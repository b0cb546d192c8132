"""Graph tasks as plain data: JSON and back, digests, arrays, reads."""

from __future__ import annotations

import numpy as np
import pytest

from adapters.mutants.small_graphs import GRAPHS
from tasks import flops
from tasks.catalogue import gates, generative, resnet, transfer, transformer
from tasks.spec.form import definition, digest, restored
from tasks.spec.network import Task, moved_arrays, output_shapes, task_arrays
from tasks.weights import initial_weights

ALL = (
    *GRAPHS,
    *transformer.TASKS,
    *resnet.TASKS,
    *gates.TASKS,
    *generative.TASKS,
    *transfer.TASKS,
)


@pytest.mark.parametrize("task", ALL, ids=lambda task: task.name)
def test_a_graph_is_whole(task: Task) -> None:
    assert restored(definition(task)) == task
    assert digest(restored(definition(task))) == digest(task)
    known = {"x", "y"}
    for node in task.nodes:
        assert set(node.reads) <= known, "only earlier nodes are read"
        assert node.name not in known, "assigned once"
        known.add(node.name)
    assert all(all(side > 0 for side in shape) for shape in output_shapes(task))
    weights = initial_weights(task, 0)
    assert {name: w.shape for name, w in weights.items()} == {
        name: part.shape for name, part in task_arrays(task).items()
    }
    assert all(moved_arrays(task, update) for update in task.rules)
    assert 0 < flops.forward(task) < flops.training(task)


def test_resnet_20_has_twenty_layers_with_weights() -> None:
    (task,) = resnet.TASKS
    ours = [n for n in task.nodes if n.name.endswith("_conv") and "shortcut" not in n.name]
    assert len(ours) + 1 == 20


def test_a_pretrained_body_is_what_every_seed_begins_with_and_nothing_moves_it() -> None:
    (task,) = transfer.TASKS
    begun = [initial_weights(task, seed) for seed in (0, 1)]
    moved = set(moved_arrays(task, task.rules[0]))
    assert moved == {"5_dense/kernel", "5_dense/bias", "6_dense/kernel", "6_dense/bias"}
    for name in begun[0]:
        same = np.array_equal(begun[0][name], begun[1][name])
        assert same == (name not in moved or name.endswith("bias")), name
        assert np.any(begun[0][name]) or name in moved, "learned"
