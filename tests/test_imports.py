"""Imports go one way, and nothing imports the worker. Read from the source.

`ORDER` is the one order, which the picture in bench/README.md shows: a package of `bench` sees
those before it, never those after it, never a framework.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from bench import discover
from bench.audit.architecture import ORDER

ROOT = Path(__file__).parents[1]
OURS = {"bench", "adapters", "tasks", "tests"}
# scikit-learn is a library of the suite too; the last two are JAX's.
FRAMEWORKS = {one.package for one in discover.frameworks()} - {"sklearn"} | {"flax", "optax"}
# The worker runs in a framework's environment: NumPy and the standard library.
WORKER_SEES = (
    "bench.records.record", "bench.machine.readings", "bench.proof", "bench.worker",
    "adapters.base", "adapters.deployment", "adapters.tuner", "adapters.peer", "adapters.reference",
    "tasks",
)  # fmt: skip
# Of adapters: there for every framework.
COMMON = {"base", "deployment", "tuner", "peer", "reference", "repeating"}


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


def packages(names: set[str]) -> set[str]:
    """The packages of bench among full module names."""
    return {name.split(".")[1] for name in names if name.startswith("bench.")}


@pytest.mark.parametrize("package", ORDER)
def test_a_package_imports_only_from_those_before_it(package: str) -> None:
    allowed = set(ORDER[: ORDER.index(package) + 1])
    files = [ROOT / "bench" / f"{package}.py", *modules(f"bench/{package}")]
    for path in (p for p in files if p.exists()):
        above = packages(imports(path)) - allowed
        assert not above, f"{path.relative_to(ROOT)} imports from {sorted(above)}"


def test_the_order_names_every_package() -> None:
    there = {p.stem for p in (ROOT / "bench").iterdir() if p.suffix == ".py" or p.is_dir()}
    assert there - {"__init__", "__main__", "__pycache__", "worker"} == set(ORDER)


def test_package_inits_are_empty() -> None:
    """But for the one that is the Python interface: `from bench import load_run`."""
    for folder in ("bench", "adapters", "tasks", "tests"):
        for path in (ROOT / folder).rglob("__init__.py"):
            if path != ROOT / "bench" / "__init__.py":
                assert path.read_text() == "", path


def test_tasks_import_nothing_above_them() -> None:
    for path in modules("tasks"):
        assert ours(path) <= {"tasks"}, path


def test_adapters_import_neither_bench_nor_one_another_nor_a_clock() -> None:
    for path in modules("adapters"):
        assert "bench" not in ours(path), path
        assert not {"time", "timeit", "datetime"} & imports(path), path
        used = {n.split(".")[1] for n in imports(path) if n.startswith("adapters.")}
        folder = path.relative_to(ROOT / "adapters").parts[0]
        assert not used - COMMON - {folder}, (path, used)


def test_only_a_frameworks_folder_imports_it() -> None:
    """And the bare loops, which are written against it."""
    for folder in ("bench", "tasks", "adapters"):
        for path in modules(folder):
            used = {name.split(".")[0] for name in imports(path)} & FRAMEWORKS
            place = path.relative_to(ROOT).parts
            assert not used or place[0] == "adapters" or place[:3] == ("bench", "audit", "bare"), (
                path
            )


def test_nothing_imports_the_worker_which_imports_only_what_it_needs() -> None:
    for path in [*modules("bench"), *modules("tasks"), *modules("adapters")]:
        if "worker" in path.parts:
            strange = {
                n for n in imports(path)
                if n.split(".")[0] in OURS
                and not any(n == s or n.startswith(f"{s}.") for s in WORKER_SEES)
                and not any(s.startswith(f"{n}.") for s in WORKER_SEES)
            }  # fmt: skip
            assert not strange, (path, strange)
        else:
            assert "worker" not in packages(imports(path)), path
