"""A user's file that holds one model, read without running it."""

from __future__ import annotations

import ast
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from bench import discover
from tasks.errors import UserError

NEEDED = ("build", "weights", "load", "forward", "step")
_HEADER = re.compile(r"(?m)^# /// script\s*$\n(?P<body>(?:^#(?:| .*)$\n)+?)^# ///\s*$")


@dataclass(frozen=True)
class Program:
    """One model. name: as it is printed. packages: the frameworks it imports, by their packages'
    names, in the order of the file. requirements: those of its PEP 723 header, None without one."""

    file: Path
    name: str
    packages: tuple[str, ...]
    requirements: tuple[str, ...] | None
    pythons: str = ""


def read(path: Path) -> Program:
    """The program in a file; `UserError` in one line where it cannot be one."""
    try:
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from error
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise UserError(f"{path}: no Python ({str(error).splitlines()[0]}{line})") from error
    names, whole = _bound(tree)
    if lacking := [] if whole else [name for name in NEEDED if name not in names]:
        raise UserError(
            f"{path}: there is no {' and no '.join(f'`{name}`' for name in lacking)}; a program "
            f"has {', '.join(NEEDED)} (adapters/README.md)"
        )
    requirements, pythons = _header(path, text)
    return Program(path, path.name, _packages(tree), requirements, pythons)


def _bound(tree: ast.Module) -> tuple[set[str], bool]:
    """Names that a module binds at its top level; whether it may bind any (``import *``)."""
    names: set[str] = set()
    whole = False
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    whole = "*" in names
    return names, whole


def _packages(tree: ast.Module) -> tuple[str, ...]:
    known = {framework.package for framework in discover.frameworks()}
    found: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules = [node.module]
        else:
            continue
        for module in modules:
            found.setdefault(module.split(".")[0], node.lineno)
    return tuple(name for name in sorted(found, key=lambda n: found[n]) if name in known)


def _header(path: Path, text: str) -> tuple[tuple[str, ...] | None, str]:
    """What a PEP 723 header asks for: requirements, and which Pythons."""
    headers = _HEADER.findall(text)
    if not headers:
        return None, ""
    if len(headers) > 1:
        raise UserError(f"{path}: it has {len(headers)} script headers")
    body = "".join(line[2:] or "\n" for line in headers[0].splitlines(keepends=True))
    try:
        told = tomllib.loads(body)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path}: its script header is no TOML ({error})") from error
    wanted, pythons = told.get("dependencies", []), told.get("requires-python", "")
    right = isinstance(wanted, list) and all(isinstance(word, str) for word in wanted)
    if not right or not isinstance(pythons, str):
        raise UserError(f"{path}: its script header's dependencies must be a list of texts")
    return tuple(wanted), pythons
