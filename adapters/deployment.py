"""The contract of deployment: how a framework writes a model to a file, and how a runtime reads it.

An export is a function of `adapters.<framework>.export` that writes the network of a task, with
given weights, into a folder, as the framework's documents tell a user to. A runtime is a module of
`adapters.runtimes` that loads such a file and answers rows. Neither holds a clock, and neither
imports the suite.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from adapters.base import Setting
from tasks.spec.network import Task
from tasks.weights import Weights

RowLayout = Literal["canonical", "channels first"]
RowType = Literal["float32", "int32", "int64"]
Width = Literal["fp32", "bf16", "int8-dynamic", "int8-static"]
"""In what a runtime computes: int8 with scales found while it runs, or from rows shown before."""

# Sizes of the rows that an export may trace its model with. Certificates use other ones.
TRACED_BATCH = 2


@dataclass(frozen=True)
class Artefact:
    """What an export wrote. file: its name in the folder; it may be a folder itself.

    layout, dtype: what the file wants of rows; images are (N, H, W, C) in the canonical one.
    batch, length: the only batch size or sequence length it takes, None where it takes any.
    words: where one is fixed, why, in the converter's own words where it has some.
    width: what it computes in.
    """

    file: str
    layout: RowLayout = "canonical"
    dtype: RowType = "float32"
    batch: int | None = None
    length: int | None = None
    words: str = ""
    width: Width = "fp32"

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return asdict(self)

    def laid_out(self, x: np.ndarray) -> np.ndarray:
        """Canonical rows (N, ...) as the file wants them."""
        if self.layout == "channels first" and x.ndim == 4:
            x = x.transpose(0, 3, 1, 2)
        return np.ascontiguousarray(x, self.dtype)


Exporter = Callable[[Task, Weights, Path], Artefact]
"""Writes a task's network with these weights into a folder. Raises `Unsupported` for work that it
knows it cannot do; whatever a converter raises is its refusal."""


@dataclass(frozen=True)
class Runtime:
    """What the suite knows of a runtime before it is installed: `ABOUT` of its module.

    formats: what it reads. environment: a table of adapters/runtimes/pins.toml. packages: the
    distributions a user installs for it, whose size on disk is told with all that they need.
    widths: what it can be asked to compute in, a file of float32 given.
    """

    name: str
    title: str
    module: str
    environment: str
    formats: tuple[str, ...]
    packages: tuple[str, ...]
    widths: tuple[Width, ...] = ("fp32",)


class Loaded(ABC):
    """A runtime in a process, with one file loaded."""

    @abstractmethod
    def __init__(self, threads: int, width: Width) -> None:
        """Import the runtime; set threads and precision."""

    @abstractmethod
    def load(self, path: Path) -> None:
        """Read the file and make it ready; what a first answer needs beyond that comes with it."""

    @abstractmethod
    def settings(self) -> dict[str, Setting]:
        """Read back from the runtime, after `load`: "version", "threads", "precision", and more."""

    @abstractmethod
    def predict(self, x: np.ndarray) -> np.ndarray:
        """Rows as the file wants them → outputs (N, units), float32, on the host."""
