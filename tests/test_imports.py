"""Imports go one way, and nothing imports the worker. Read from the source, no import needed."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
OURS = {"bench", "adapters", "tasks", "tests"}
FRAMEWORKS = {"tensorflow", "torch", "keras", "mxnet", "jax", "flax", "optax"}


def imports(path: Path) -> set[str]:
    """Full names of all modules a file imports, wherever the statement stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def ours(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)} & OURS


def test_tasks_import_nothing_above_them() -> None:
    for path in modules("tasks"):
        assert ours(path) <= {"tasks"}, path


def test_adapters_import_neither_bench_nor_one_another_nor_a_clock() -> None:
    """A framework's modules begin with its name; what is there for all has no framework's."""
    common = {"base", "tuner", "reference", "reference_layers"}
    for path in modules("adapters"):
        assert "bench" not in ours(path), path
        assert not {"time", "timeit", "datetime"} & imports(path), path
        used = {n.split(".")[1] for n in imports(path) if n.startswith("adapters.")}
        framework = path.stem.split("_")[0]
        strange = {n for n in used - common if n.split("_")[0] != framework}
        assert not strange, (path, strange)


def test_only_a_frameworks_adapter_imports_it() -> None:
    for folder in ("bench", "tasks", "adapters"):
        for path in modules(folder):
            used = {name.split(".")[0] for name in imports(path)} & FRAMEWORKS
            assert not used or path.parent.name in ("adapters", "examples"), path


def test_nothing_imports_the_worker_or_the_rounds() -> None:
    for folder in ("bench", "tasks", "adapters"):
        for path in modules(folder):
            assert not {"bench.worker", "bench.rounds"} & imports(path), path


def test_statistics_import_nothing_of_ours() -> None:
    assert ours(ROOT / "bench" / "stats.py") == set()
