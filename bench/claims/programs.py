"""How much a framework asks its user to write: sizes of the programs in adapters/*/programs."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from radon.metrics import h_visit
from radon.raw import analyze

from adapters.base import Framework
from bench.discover import frameworks
from bench.run.code import PROJECT

FAMILIES = ("fnn", "cnn", "rnn", "lstm")


@dataclass(frozen=True)
class ProgramSize:
    """logical_lines: radon's LLOC without docstrings. names: distinct names of the framework's
    interface that the program uses. vocabulary: Halstead's (distinct operators and operands)."""

    logical_lines: int
    names: int
    vocabulary: int


def path(framework: str, family: str) -> Path:
    """Where a program stands."""
    return PROJECT / "adapters" / framework / "programs" / f"{family}.py"


def complete() -> tuple[Framework, ...]:
    """The frameworks that have a program of every family, in order."""
    return tuple(
        framework
        for framework in frameworks()
        if all(path(framework.name, family).exists() for family in FAMILIES)
    )


def implementation(framework: str) -> str:
    """The documented row that runs a framework's programs, so that what is counted and what is
    timed are one: the first of its division. Empty where there is none."""
    rows = (row for each in frameworks() if each.name == framework for row in each.implementations)
    return next((row.name for row in rows if row.division == "documented"), "")


def sizes() -> dict[str, dict[str, ProgramSize]]:
    """Framework → family → size of its program."""
    return {
        framework.name: {
            family: size(
                path(framework.name, family).read_text(encoding="utf-8"), framework.interface
            )
            for family in FAMILIES
        }
        for framework in complete()
    }


def size(source: str, roots: tuple[str, ...]) -> ProgramSize:
    """Of a program's text; `roots` are the packages it is written against."""
    tree = ast.parse(source)
    documented = [
        tree,
        *(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef)),
    ]
    docstrings = sum(ast.get_docstring(node) is not None for node in documented)
    return ProgramSize(
        analyze(source).lloc - docstrings,
        len(_interface(tree, roots)),
        h_visit(source).total.vocabulary,
    )


def _interface(tree: ast.Module, roots: tuple[str, ...]) -> set[str]:
    """Dotted names that reach into the framework, and what is imported from it."""
    local: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            local |= {(a.asname or a.name).split(".")[0]: a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            local |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    mine = {name for name, full in local.items() if full.split(".")[0] in roots}
    found = set()
    for node in ast.walk(tree):
        dotted = _dotted(node)
        if dotted and dotted.split(".")[0] in mine:
            head, _, rest = dotted.partition(".")
            found.add(f"{local[head]}.{rest}" if rest else local[head])
    # A name that only leads to others is not counted beside them: keras, keras.layers.
    return {name for name in found if not any(o.startswith(f"{name}.") for o in found)}


def _dotted(node: ast.AST) -> str:
    """ "keras.layers.Dense" of an attribute chain or a name; "" of anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := _dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""
