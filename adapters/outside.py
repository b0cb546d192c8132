"""An adapter outside of this tree: one file, with what must be known before it is installed in its
PEP 723 header, since nothing of it is imported before its framework is there.

    # /// script
    # dependencies = ["paddlepaddle==3.3.1", "numpy==2.3.5"]
    #
    # [tool.framework-bench]
    # name = "paddle"
    # package = "paddle"
    # modes = { dynamic = "eager execution" }
    # ///
"""

from __future__ import annotations

import ast
import hashlib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from adapters.base import Division, Framework, Implementation
from tasks.errors import UserError

# As PEP 723 gives it.
_BLOCK = re.compile(r"(?m)^# /// script\s*$\n(?P<content>(?:^#(?:| .*)$\n)+?)^# ///\s*$")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_KEYS = {"name", "title", "package", "modes", "division", "departures"}
_PINNED = ("==", " @ ")
ORDER = 1000  # behind the suite's own


@dataclass(frozen=True)
class OutsideAdapter:
    """An adapter file as it was read: its framework, the pins of its environment, and its text. The
    name of its module and that of its environment hold digests of the text and of the pins."""

    framework: Framework
    requirements: tuple[str, ...]
    text: bytes

    @property
    def module(self) -> str:
        """As a worker imports it."""
        return self.framework.implementations[0].module

    @property
    def environment(self) -> str:
        """Where its framework is installed."""
        return self.framework.implementations[0].environment


def read(path: Path) -> OutsideAdapter:
    """`UserError` where the file is no adapter, as far as that can be seen without running it."""
    try:
        text = path.read_bytes()
        tree = ast.parse(text)
        source = text.decode("utf-8")
    except OSError as error:
        raise UserError(f"it cannot be read: {error.strerror}") from None
    except (SyntaxError, ValueError) as error:
        raise UserError(f"it is no Python: {str(error).splitlines()[0]}") from None
    if not any(isinstance(n, ast.ClassDef) and n.name == "Contender" for n in tree.body):
        raise UserError("it has no class Contender(Adapter)")
    header = _header(source)
    requirements = _texts(header, "dependencies")
    if loose := [r for r in requirements if not any(mark in r for mark in _PINNED)]:
        raise UserError(f"its dependency {loose[0]!r} is no pin; write it like numpy==2.3.5")
    about = header.get("tool", {}).get("framework-bench", {})
    return OutsideAdapter(_framework(about, text, requirements), requirements, text)


def _header(source: str) -> dict[str, Any]:
    blocks = list(_BLOCK.finditer(source.replace("\r\n", "\n")))
    if len(blocks) != 1:
        raise UserError("it must have one header, from '# /// script' to '# ///' (PEP 723)")
    lines = blocks[0]["content"].splitlines()
    try:
        return tomllib.loads("\n".join(line[2:] for line in lines))
    except ValueError as error:
        raise UserError(f"its header is no TOML: {error}") from None


def _texts(table: dict[str, Any], key: str) -> tuple[str, ...]:
    values = table.get(key, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise UserError(f"{key} in its header must be a list of texts")
    return tuple(values)


def _framework(about: Any, text: bytes, requirements: tuple[str, ...]) -> Framework:
    if not isinstance(about, dict) or not about:
        raise UserError("its header has no table [tool.framework-bench]")
    if strange := sorted(set(about) - _KEYS):
        raise UserError(f"[tool.framework-bench] has no key {strange[0]!r}")
    name, package = about.get("name", ""), about.get("package", "")
    modes, division = about.get("modes", {}), about.get("division", "documented")
    title = about.get("title", name)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UserError(f"name in its header is {name!r}; write small letters, digits and _")
    if not isinstance(package, str) or not package.isidentifier() or not isinstance(title, str):
        raise UserError("package in its header must be what a user imports, title a text")
    if not isinstance(modes, dict) or not modes:
        raise UserError('modes in its header must be a table like { eager = "how it executes" }')
    for mode, summary in modes.items():
        if not _MODE.fullmatch(mode) or not isinstance(summary, str):
            raise UserError(f"mode {mode!r} in its header: small letters and digits = a text")
    if division not in get_args(Division):
        raise UserError(f"division in its header is {division!r}; it is documented or tuned")
    departures = _texts(about, "departures")
    module = f"adapter_{name}_{_digest(text)}"
    environment = f"{name}-{_digest(repr(requirements).encode())[:8]}"
    rows = tuple(
        Implementation(
            name, mode, module, package, summary,
            environment=environment, division=division, departures=departures,
        )
        for mode, summary in modes.items()
    )  # fmt: skip
    return Framework(name, title, ORDER, package, rows)


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:16]
