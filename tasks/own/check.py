"""Whether a user's task holds together: types, layers that fit one another, rows that fit them.

A task of the catalogue is tried by tests; a task out of a file is tried here, before anything is
started, so that a mistake is one line and no failure of some framework.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from math import isfinite
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from tasks.data.arrays import NAMES, Arrays
from tasks.errors import UserError
from tasks.spec.form import definition, restored
from tasks.spec.layers import (
    CHAINED,
    LSTM,
    Conv2D,
    Dense,
    Embedding,
    Layer,
    MaxPool2D,
    Shape,
    SimpleRNN,
)
from tasks.spec.network import Family, Task, output_shapes
from tasks.spec.training import Adam

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")
# How many axes a row must have before a layer, where it is not any number.
AXES: dict[type, tuple[int, str]] = {
    Dense: (1, "(values,), so put a Flatten before it"),
    Conv2D: (3, "(height, width, channels)"),
    MaxPool2D: (3, "(height, width, channels)"),
    Embedding: (1, "(words,)"),
    SimpleRNN: (2, "(time steps, values)"),
    LSTM: (2, "(time steps, values)"),
}
OF_FAMILY: dict[type, Family] = {Conv2D: "cnn", SimpleRNN: "rnn", LSTM: "lstm"}
_ABOVE_ZERO = {
    "epochs", "round_steps", "batch_size", "infer_batches", "units", "filters", "kernel", "size",
    "vocabulary", "stride", "patience", "learning_rate", "epsilon", "input_shape", "typical",
}  # fmt: skip
_SHARES = {"rate", "validation_split", "beta_1", "beta_2"}


def checked_task(given: Any) -> Task:
    """The task, with tuples where lists stood. `UserError` says what does not fit."""
    if not isinstance(given, Task):
        raise UserError(f"TASK is {type(given).__name__} and no tasks.spec.network.Task")
    try:
        task: Task = restored(definition(given))
    except ValueError as error:
        raise UserError(f"TASK: {error}; its layers are {_names(CHAINED)}") from None
    if task.is_graph:
        raise UserError("TASK must be one chain of layers, without a network or updates of its own")
    _check_types(task, "TASK")
    for field in ("name", "data"):
        if not NAME.fullmatch(getattr(task, field)):
            raise UserError(
                f"TASK.{field} is {getattr(task, field)!r}; write small letters, digits, . _ -"
            )
    _check_layers(task)
    _check_training(task)
    return task


def _names(kinds: Iterable[type]) -> str:
    return ", ".join(kind.__name__ for kind in kinds)


def _check_types(thing: Any, where: str) -> None:
    """Every field of a dataclass has its declared type and a value that makes sense."""
    hints = get_type_hints(type(thing))
    for field in fields(thing):
        value, place = getattr(thing, field.name), f"{where}.{field.name}"
        for number, part in enumerate(value) if field.name == "layers" else ():
            if not isinstance(part, CHAINED):
                kinds = _names(CHAINED)
                raise UserError(f"{place}[{number}] is {part!r:.60}; layers are {kinds}")
            _check_types(part, f"{place}[{number}]")
        if not _fits(value, hints[field.name]):
            raise UserError(f"{place} is {value!r:.60}; it must be {_words(hints[field.name])}")
        for number in value if isinstance(value, tuple) else (value,):
            if field.name in _ABOVE_ZERO and not number > 0:
                raise UserError(f"{place} is {value!r}; it must be above 0")
            if field.name in _SHARES and not 0 <= number < 1:
                raise UserError(f"{place} is {value!r}; it must be at least 0 and under 1")
        if is_dataclass(value):
            _check_types(value, place)


def _fits(value: Any, hint: Any) -> bool:
    origin = get_origin(hint)
    if origin is Literal:
        return isinstance(value, str) and value in get_args(hint)
    if origin in (UnionType, Union):
        return any(_fits(value, one) for one in get_args(hint))
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(v, get_args(hint)[0]) for v in value)
    if hint is Layer:
        return isinstance(value, CHAINED)
    if hint is float:
        return type(value) in (int, float) and isfinite(value)
    return type(value) is hint


def _words(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return " or ".join(map(repr, get_args(hint)))
    return str(getattr(hint, "__name__", hint)).replace("tasks.spec.", "")


def _check_layers(task: Task) -> None:
    """Each layer takes what the one before it gives, and the last one what the loss takes."""
    if not task.layers or not task.input_shape:
        raise UserError("TASK.layers and TASK.input_shape must not be empty")
    shapes: list[Shape] = [task.input_shape]
    for number, layer in enumerate(task.layers):
        place, shape = f"TASK.layers[{number}], {type(layer).__name__},", shapes[-1]
        axes, words = AXES.get(type(layer), (len(shape), ""))
        if len(shape) != axes:
            raise UserError(f"{place} is given rows of shape {shape} and takes {words}")
        if isinstance(layer, Embedding) and number:
            raise UserError(f"{place} must be the first layer: it takes word numbers")
        shapes = [task.input_shape, *output_shapes(_first(task, number + 1))]
        if min(shapes[-1]) < 1:
            raise UserError(f"{place} leaves nothing of rows of shape {shape}")
    last = task.layers[-1]
    if not isinstance(last, Dense) or last.activation != "linear":
        raise UserError("the last of TASK.layers must be a Dense without activation (logits)")
    if task.loss == "sparse_categorical_crossentropy" and last.units < 2:
        raise UserError("the last Dense must have a unit a class for this loss, two or more")
    if task.loss != "sparse_categorical_crossentropy" and last.units != 1:
        raise UserError(f"the last Dense must have 1 unit for {task.loss}; it has {last.units}")
    families = {OF_FAMILY[type(x)] for x in task.layers if type(x) in OF_FAMILY} or {"fnn"}
    if task.family not in families:
        raise UserError(f"TASK.family is {task.family!r}; its layers make it {min(families)!r}")


def _first(task: Task, count: int) -> Task:
    """The task's first layers."""
    return replace(task, layers=task.layers[:count])


def _check_training(task: Task) -> None:
    metric = "rmse" if task.loss == "mean_squared_error" else "accuracy"
    if task.metric != metric:
        raise UserError(f"TASK.metric is {task.metric!r}; with {task.loss} it is {metric!r}")
    if not isinstance(task.optimizer, Adam):
        raise UserError("TASK.optimizer must be Adam: the proof of equal steps is one of Adam's")
    if task.augmentation and len(task.input_shape) != 3:
        raise UserError("TASK.augmentation warps images: input_shape (height, width, channels)")


def checked_rows(task: Task, arrays: Arrays) -> Arrays:
    """The rows in the task's types; `UserError` where they do not fit it. uint8 rows of a task of
    real values stay so: they are scaled to 0…1 when they are read."""
    found = {name: np.asarray(getattr(arrays, name)) for name in NAMES}
    for name, array in found.items():
        if array.dtype.kind not in "buif" or array.size == 0:
            kind = "empty" if array.size == 0 else f"of type {array.dtype}, not of numbers"
            raise UserError(f"{name} is {kind}")
        if not np.isfinite(array).all():
            raise UserError(f"{name} has values that are missing or infinite")
    for part in ("train", "test"):
        x, y = found[f"x_{part}"], found[f"y_{part}"]
        if x.shape[1:] != task.input_shape:
            raise UserError(f"x_{part} is {x.shape}; TASK.input_shape is {task.input_shape} a row")
        if y.shape != x.shape[:1]:
            raise UserError(f"y_{part} is {y.shape}; it must be ({len(x)},), a target a row of x")
        found[f"x_{part}"] = _inputs(task, x, f"x_{part}")
        found[f"y_{part}"] = _targets(task, y, f"y_{part}")
    held_out = task.early_stopping.validation_split if task.early_stopping else 0.0
    rows = round(len(found["y_train"]) * (1 - held_out))
    if rows < task.batch_size:
        raise UserError(f"{rows} training rows are fewer than a batch of {task.batch_size}")
    return Arrays(**found)


def _inputs(task: Task, x: np.ndarray, name: str) -> np.ndarray:
    first = task.layers[0]
    if not isinstance(first, Embedding):
        return x if x.dtype == np.uint8 else x.astype(np.float32)
    if (x != np.round(x)).any() or x.min() < 0 or x.max() >= first.vocabulary:
        raise UserError(f"{name} must hold word numbers from 0 to {first.vocabulary - 1}")
    return x.astype(np.int32)


def _targets(task: Task, y: np.ndarray, name: str) -> np.ndarray:
    classes = 2 if task.loss == "binary_crossentropy" else output_shapes(task)[-1][0]
    if task.loss != "mean_squared_error" and (
        (y != np.round(y)).any() or y.min() < 0 or y.max() >= classes
    ):
        raise UserError(f"{name} must hold class numbers from 0 to {classes - 1}")
    return y.astype(task.target_dtype)
