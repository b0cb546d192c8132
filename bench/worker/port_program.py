"""A user's program, called with every way that its functions can fail as one line."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from bench.worker.port_numbers import Named

TOLD = ("layers", "gradients")  # what a program may leave out


class Refused(Exception):
    """What is wrong with a program, in one line."""


class Asked:
    """A program, called with its failures as one line each."""

    def __init__(self, file: Path, folder: Path) -> None:
        self.file, self.folder = file, folder
        self.groups: dict[str, Named] = {}
        self.module = self._imported()
        self.takes_dropout = "dropout" in self._parameters("build")

    def _imported(self) -> ModuleType:
        spec = importlib.util.spec_from_file_location("ported_program", self.file)
        if spec is None or spec.loader is None:
            raise Refused("it is no Python file")
        module = importlib.util.module_from_spec(spec)
        sys.path.insert(0, str(self.file.parent))  # as when it is run
        try:
            self._guarded("its import", spec.loader.exec_module, module)
        finally:
            sys.path.remove(str(self.file.parent))
        return module

    def _parameters(self, name: str) -> tuple[str, ...]:
        code = getattr(getattr(self.module, name, None), "__code__", None)
        return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] if code else ()

    def has(self, name: str) -> bool:
        return callable(getattr(self.module, name, None))

    def call(self, name: str, *given: Any, **named: Any) -> Any:
        """What the program's function returns; `Refused` for every other way it can end."""
        return self._guarded(f"`{name}`", getattr(self.module, name), *given, **named)

    def _guarded(self, what: str, function: Any, *given: Any, **named: Any) -> Any:
        (self.folder / "doing").write_text(what, encoding="utf-8")
        try:
            return function(*given, **named)
        except SystemExit as error:
            raise Refused(f"{what} ended the process (SystemExit {error.code})") from error
        except Exception as error:
            words = " ".join(str(error).split())[:300]
            raise Refused(f"{what} raised {type(error).__name__}: {words}") from error

    def build(self, dropout: bool = False) -> Any:
        """A new model, without dropout where it can be taken away."""
        if self.takes_dropout and not dropout:
            return self.call("build", dropout=0.0)
        return self.call("build")

    def weights(self, model: Any) -> Named:
        return self._named("weights", self.call("weights", model))

    def load(self, model: Any, weights: Named) -> None:
        self.call("load", model, {name: value.copy() for name, value in weights.items()})

    def forward(self, model: Any, x: np.ndarray) -> np.ndarray:
        found = _array("`forward`", self.call("forward", model, x.copy()))
        if found.ndim < 1 or len(found) != len(x):
            raise Refused(f"`forward` of {len(x)} rows returned an array of shape {found.shape}")
        return found

    def layers(self, model: Any, x: np.ndarray, training: bool) -> Named:
        return self._named("layers", self.call("layers", model, x.copy(), training))

    def gradients(self, model: Any, x: np.ndarray, y: np.ndarray) -> Named:
        return self._named("gradients", self.call("gradients", model, x.copy(), y.copy()))

    def step(self, model: Any, x: np.ndarray, y: np.ndarray) -> float:
        loss = _array("`step`", self.call("step", model, x.copy(), y.copy()))
        if loss.size != 1:
            raise Refused(f"`step` returned an array of shape {loss.shape}; the loss is one number")
        return float(loss.ravel()[0])

    @staticmethod
    def _named(name: str, found: Any) -> Named:
        if not isinstance(found, Mapping) or not found:
            raise Refused(f"`{name}` returned {type(found).__name__}, no dict of arrays by name")
        return {str(key): _array(f"`{name}`: {key}", value) for key, value in found.items()}


def _array(what: str, value: Any) -> np.ndarray:
    try:
        found = np.array(value)
    except Exception as error:
        words = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise Refused(f"{what} returned what NumPy takes for no array ({words})") from error
    if found.dtype.kind not in "fiub":
        raise Refused(f"{what} returned {type(value).__name__}, which holds no numbers")
    return found
