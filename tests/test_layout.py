"""The house as a whole: small modules, small rooms, one word a thing."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_LINES = 300
MOST_MODULES = 15
REASON = "Why so many modules"  # a line of the README.md that stands beside them
PRODUCT = [
    path
    for folder in ("bench", "adapters", "tasks")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
# Each framework has its own, by contract or by nature.
OF_EACH = {"Contender", "Bare"}


@pytest.mark.parametrize("path", PRODUCT, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_is_one_idea(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MOST_LINES, f"{path.relative_to(ROOT)} has {lines} lines"


def test_a_folder_with_many_modules_says_why() -> None:
    folders = defaultdict(list)
    for path in PRODUCT:
        if path.name != "__init__.py":
            folders[path.parent].append(path)
    for folder, modules in folders.items():
        readme = folder / "README.md"
        reason = readme.exists() and REASON in readme.read_text(encoding="utf-8")
        assert len(modules) <= MOST_MODULES or reason, f"{folder} has {len(modules)} modules"


def names(path: Path) -> set[str]:
    """Public classes and type aliases of a module."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name[0].isupper() and not name.isupper():
                found.add(name)
    return {name for name in found if not name.startswith("_")}


def test_one_word_a_thing() -> None:
    """No two classes or aliases of bench and tasks have one name."""
    where = defaultdict(list)
    for path in PRODUCT:
        place = path.relative_to(ROOT).parts
        if place[0] in ("bench", "tasks") and place[:3] != ("bench", "audit", "bare"):
            for name in names(path) - OF_EACH:
                where[name].append(str(path.relative_to(ROOT)))
    twice = {name: paths for name, paths in where.items() if len(paths) > 1}
    assert not twice
