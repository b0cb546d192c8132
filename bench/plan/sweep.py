"""Sweeps: tasks derived from others by one thing at a time. Pure.

``batch=32..1024`` asks for 32, 64, … 1024 (doubling, the end included), ``batch=32,100`` for these
two. Each axis gives a curve of its own; nothing is varied together, so a curve shows one cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from bench.records.points import AXES, Axis, SweepPoint
from tasks.errors import UserError
from tasks.spec.layers import LSTM, Conv2D, Dense, Layer, SimpleRNN
from tasks.spec.network import Task
from tasks.spec.search import Search

MOST_POINTS = 32  # of an axis: more are a mistake
MOST_VALUE = 2**20


@dataclass(frozen=True)
class Sweep:
    """One axis and its values, ascending."""

    axis: Axis
    values: tuple[int, ...]


def sweeps_of(texts: Sequence[str]) -> list[Sweep]:
    """Of ``AXIS=VALUES``; `UserError` for what is none, and for an axis that is given twice."""
    found = [_sweep(text) for text in texts]
    axes = [sweep.axis for sweep in found]
    if twice := next((axis for axis in axes if axes.count(axis) > 1), None):
        raise UserError(f"--sweep {twice}=… is given twice; write all its values in one")
    return found


def _sweep(text: str) -> Sweep:
    name, _, words = text.partition("=")
    axis = next((axis for axis in AXES if axis == name.strip()), None)
    if axis is None:
        raise UserError(f"--sweep {text!r}: write AXIS=32..1024; the axes: {', '.join(AXES)}")
    values = sorted({value for word in words.split(",") for value in _values(word, text)})
    if not 2 <= len(values) <= MOST_POINTS:
        raise UserError(
            f"--sweep {text!r} has {len(values)} points; a curve has 2 to {MOST_POINTS}"
        )
    return Sweep(axis, tuple(values))


def _values(word: str, text: str) -> list[int]:
    """Of one value, or of a range, which doubles from its first to its last."""
    first, dots, last = word.partition("..")
    try:
        low, high = int(first), int(last if dots else first)
    except ValueError:
        low, high = 0, 0
    if not 1 <= low <= high <= MOST_VALUE:
        raise UserError(
            f"--sweep {text!r}: {word!r} is no value above 0, nor a range like 32..1024"
        )
    doubled = takewhile(lambda value: value < high, (low * 2**k for k in range(64)))
    return [*doubled, high]


def points(
    works: Sequence[Task | Search], sweeps: Sequence[Sweep]
) -> list[tuple[SweepPoint, Task]]:
    """Every task's points with what is measured there, task by task and axis by axis, ascending.
    `UserError` for a task that has not what is to be varied."""
    found = []
    for work in works:
        if isinstance(work, Search):
            raise UserError(f"{work.name} is a search, and --sweep is for tasks; leave it out")
        for sweep in sweeps:
            for value in sweep.values:
                point = SweepPoint(work.name, sweep.axis, value)
                found.append((point, derived(work, point)))
    return found


def derived(task: Task, point: SweepPoint) -> Task:
    """The task at a point, under the point's name. It has no target: a score is not comparable
    with that of another batch, width or length. A round keeps its number of samples over batches.
    """
    named = replace(
        task, name=point.name, summary=f"{task.summary}; {point.axis} {point.value}", target=None
    )
    if point.axis == "batch":
        steps = max(1, round(task.round_steps * task.batch_size / point.value))
        return replace(named, batch_size=point.value, round_steps=steps)
    if point.axis == "width":
        return replace(named, layers=_widened(task, point.value))
    if point.axis == "length":
        if task.family not in ("rnn", "lstm"):
            raise UserError(f"--sweep length: {task.name} reads no sequence; --tasks 'lstm-*' do")
        return replace(named, input_shape=(point.value, *task.input_shape[1:]))
    return named


def _widened(task: Task, width: int) -> tuple[Layer, ...]:
    """Its first hidden layer that wide, every other hidden one in proportion; the last stays."""
    if task.is_graph:
        raise UserError(f"--sweep width: {task.name} is a graph, not a chain of layers")
    first = next((size for layer in task.layers[:-1] if (size := _width(layer))), 0)
    if not first:
        raise UserError(f"--sweep width: {task.name} has no hidden layer")
    return (*(_scaled(layer, width, first) for layer in task.layers[:-1]), task.layers[-1])


def _width(layer: Layer) -> int:
    """Units or filters of a hidden layer; 0 of one that has none. An embedding is a table."""
    if isinstance(layer, Conv2D):
        return layer.filters
    return layer.units if isinstance(layer, Dense | SimpleRNN | LSTM) else 0


def _scaled(layer: Layer, width: int, first: int) -> Layer:
    if isinstance(layer, Conv2D):
        return replace(layer, filters=max(1, round(layer.filters * width / first)))
    if isinstance(layer, Dense | SimpleRNN | LSTM):
        return replace(layer, units=max(1, round(layer.units * width / first)))
    return layer
