"""Faults made inside a framework: something of it replaced, or switched, while the adapter works.

Frameworks are imported by name and late, for only one of them is there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module
from types import ModuleType
from typing import Any, SupportsFloat
from unittest.mock import patch

from adapters.base import Adapter, Data, Setting
from adapters.mutants.mutant import Array, Mutant, Wrapped
from tasks.spec.network import Task
from tasks.weights import Weights

Context = Callable[[Any], AbstractContextManager[Any]]
"""What is to be entered while the adapter given works."""


class Within(Wrapped):
    """Building, training and predicting inside a context."""

    def __init__(self, inner: Adapter, context: Context) -> None:
        super().__init__(inner)
        self.context = context

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        with self.context(self.inner):
            super().build(task, weights, seed)

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        with self.context(self.inner):
            return self.inner.train(data, order, warps)

    def predict(self, data: Data, batch_size: int) -> Array:
        with self.context(self.inner):
            return self.inner.predict(data, batch_size)


class LeftOn(Within):
    """Inside the context also when its settings are asked for, as with a switch that was left on;
    not beyond, because other adapters are tried after this one."""

    def settings(self) -> dict[str, Setting]:
        with self.context(self.inner):
            return self.inner.settings()


class Altered(Wrapped):
    """Something is done to the adapter after each build."""

    def __init__(self, inner: Adapter, alter: Callable[[Any], Any]) -> None:
        super().__init__(inner)
        self.alter = alter

    def begin(self) -> None:
        self.alter(self.inner)


def within(context: Context) -> Callable[[Adapter], Adapter]:
    """For `Mutant.make`."""
    return lambda adapter: Within(adapter, context)


def left_on(context: Context) -> Callable[[Adapter], Adapter]:
    """For `Mutant.make`."""
    return lambda adapter: LeftOn(adapter, context)


def altered(alter: Callable[[Any], Any]) -> Callable[[Adapter], Adapter]:
    """For `Mutant.make`."""
    return lambda adapter: Altered(adapter, alter)


def replaced(owner: str, name: str, change: Callable[[Any], Any]) -> Context:
    """In the module or class `owner` the attribute `name` is `change` of what it was. A class is
    spelled module:class."""

    def context(_: Any) -> AbstractContextManager[Any]:
        module, _, inside = owner.partition(":")
        place: Any = import_module(module)
        place = getattr(place, inside) if inside else place
        # Not of a replacement: a context may be entered inside itself.
        original = getattr(getattr(place, name), "replaces", getattr(place, name))
        replacement = change(original)
        if callable(replacement) and not isinstance(replacement, type):
            replacement.replaces = original
        return patch.object(place, name, replacement)

    return context


def beside(adapter: Any, module: str) -> ModuleType:
    """A module of the adapter's own folder, e.g. "model", or the adapter's own by ""."""
    own = type(adapter).__module__
    return sys.modules[f"{own.rsplit('.', 1)[0]}.{module}" if module else own]


def inside(
    framework: str, name: str, kind: Any, make: Callable[[Adapter], Adapter], **where: Any
) -> Mutant:
    """A mutant of one framework."""
    return Mutant(f"{framework}: {name}", kind, make, frameworks=(framework,), **where)
