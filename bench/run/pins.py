"""What each environment is installed from: the pins.toml beside the adapters, read as a file.

    [name of the environment]
    pythons = ["3.12", "3.11"]   # the interpreters these pins work with, the preferred one first
    cpu = ["torch==…"]           # exact requirements
    cuda = ["torch==…"]          # where they differ; else those of cpu

A requirement for some of the interpreters says so by a marker (PEP 508): "jax==0.10.2;
python_version < '3.12'".

`worker` in adapters/pins.toml comes before them in every environment. Revisions from before there
were such files have dependency groups in pyproject.toml.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.markers import Marker

from tasks.errors import UserError

FILE = "pins.toml"
WORKER = "worker"


@dataclass(frozen=True)
class Pins:
    """Requirements of one environment on one device. `pythons`: the interpreters they are for
    ("3.11"), in the order in which they are preferred; empty where nothing says it."""

    requirements: tuple[str, ...]
    pythons: tuple[str, ...] = ()

    def on(self, python: str) -> tuple[str, ...]:
        """The requirements on one interpreter ("3.12"), without their markers."""
        found = []
        for text in self.requirements:
            plain, _, marker = text.partition(";")
            version = {"python_version": python, "python_full_version": f"{python}.0"}
            if not marker or Marker(marker).evaluate(version):
                found.append(plain.strip())
        return tuple(found)


def pins(project: Path, environment: str, device: str) -> Pins:
    """Those of a checkout. `UserError` when it has no such environment, or a broken file."""
    if not (project / "adapters" / FILE).exists():
        return _of_groups(project, environment, device)
    shared = shared_pins(project)
    for path in sorted((project / "adapters").glob(f"*/{FILE}")):
        if (table := _read(path).get(environment)) is not None:
            if not isinstance(table, dict) or "cpu" not in table:
                raise UserError(f"{path}: {environment!r} must be a table with a list `cpu`")
            lists = _lists(table, ("cpu", "cuda", "pythons"), path)
            own = lists["cuda"] if device == "cuda" and "cuda" in table else lists["cpu"]
            return Pins((*shared, *own), lists["pythons"])
    raise UserError(f"no {FILE} in adapters names an environment {environment!r}")


def shared_pins(project: Path) -> tuple[str, ...]:
    """What every worker needs beside its framework."""
    path = project / "adapters" / FILE
    return _lists(_read(path), (WORKER,), path)[WORKER]


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: {error}") from error


def _lists(
    table: Mapping[str, Any], keys: tuple[str, ...], path: Path
) -> dict[str, tuple[str, ...]]:
    """The lists of text under `keys`, () for one that is not there."""
    lists = {key: table.get(key, []) for key in keys}
    for key, values in lists.items():
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise UserError(f"{path}: {key!r} must be a list of texts")
    return {key: tuple(values) for key, values in lists.items()}


def package(requirement: str) -> str:
    """The distribution a requirement names, in its canonical form: "Tensorflow_CPU==2" →
    "tensorflow-cpu"."""
    name = re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def pins_of(text: str) -> tuple[str, ...]:
    """Requirements between commas, each exact, in their canonical form. `UserError` else."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        exact = re.fullmatch(
            r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^]]*\])?\s*===?\s*([A-Za-z0-9.+!*-]+)", part
        )
        if exact is None:
            raise UserError(f"{part!r} is no exact pin; write it like torch==2.12.0")
        found.append(f"{package(exact[1])}{exact[2] or ''}=={exact[3]}")
    if len({package(pin) for pin in found}) != len(found):
        raise UserError(f"{text!r} pins a package twice")
    return tuple(found)


def _of_groups(project: Path, environment: str, device: str) -> Pins:
    """From the dependency groups: one a framework, one more for its CUDA flavour."""
    path = project / "pyproject.toml"
    groups = _read(path).get("dependency-groups", {})
    flavour = f"{environment}-cuda"
    group = flavour if device == "cuda" and flavour in groups else environment
    if group not in groups:
        raise UserError(f"{path} has no dependency group {group!r}")
    lists = _lists(groups, (WORKER, group), path)
    return Pins((*lists[WORKER], *lists[group]))
