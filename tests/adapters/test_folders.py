"""A framework's folder holds all that is its own, under the same names as the others'."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

import adapters
from adapters.base import Framework
from bench.discover import frameworks, implementations, tuners
from bench.run.pins import pins

ADAPTERS = Path(next(iter(adapters.__path__)))
PROJECT = ADAPTERS.parent
SAME_NAMES = ("about.py", "contender.py", "model.py", "pins.toml", "MEASURED.md")
MOST_LINES = 300

each_framework = pytest.mark.parametrize("framework", frameworks(), ids=lambda one: one.name)


def tables(framework: Framework) -> set[str]:
    """The environments that its pins.toml describes."""
    return set(tomllib.loads((ADAPTERS / framework.name / "pins.toml").read_text()))


@each_framework
def test_the_same_file_names_in_every_folder(framework: Framework) -> None:
    there = {path.name for path in (ADAPTERS / framework.name).iterdir()}
    assert not set(SAME_NAMES) - there


@each_framework
def test_its_pins_are_of_its_own_environments_and_no_other(framework: Framework) -> None:
    rows = (*framework.implementations, *framework.tuners)
    assert tables(framework) == {row.environment for row in rows}
    assert {one.environment for one in framework.installations} <= tables(framework)


@each_framework
def test_every_environment_says_which_interpreters_its_pins_are_for(framework: Framework) -> None:
    for environment in tables(framework):
        assert pins(PROJECT, environment, "cpu").pythons


def test_no_environment_is_described_twice() -> None:
    everywhere = [name for framework in frameworks() for name in tables(framework)]
    assert len(everywhere) == len(set(everywhere))


def test_an_environment_is_made_after_one_that_waits_for_nobody() -> None:
    installations = [one for framework in frameworks() for one in framework.installations]
    waiting = {one.environment for one in installations if one.after}
    known = {row.environment for row in implementations()}
    for one in installations:
        assert not one.after or one.after in known - waiting


@each_framework
def test_the_ceiling_has_a_program_in_each_of_its_environments(framework: Framework) -> None:
    others = {one.environment: one.ceiling for one in framework.installations if one.ceiling}
    for environment in tables(framework):
        home = ADAPTERS / others.get(environment, framework.name)
        assert (home / "programs" / "product.py").exists()


def test_names_are_unique_and_adapters_are_where_they_are_said_to_be() -> None:
    rows = implementations() + tuners()
    assert len({row.name for row in rows}) == len(rows)
    for row in rows:
        assert row.module.startswith(f"adapters.{row.framework}.")
        source = (PROJECT / f"{row.module.replace('.', '/')}.py").read_text()
        classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
        assert "Contender" in {node.name for node in classes}
        assert all((PROJECT / path).exists() for path in row.tests)


@each_framework
def test_its_modules_are_short(framework: Framework) -> None:
    for path in (ADAPTERS / framework.name).rglob("*.py"):
        assert len(path.read_text().splitlines()) <= MOST_LINES, path
