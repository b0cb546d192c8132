"""What there is: a thing is found because its file stands in a folder, and nowhere is a list.

Frameworks are the folders of `adapters` with a module ``about``; tasks, searches, devices, figures
and the rest are the modules of one package. Nothing here imports a framework.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType


def members(package: str) -> list[ModuleType]:
    """The modules of a package, imported, in order of their names."""
    home = import_module(package)
    names = sorted(found.name for found in iter_modules(home.__path__))
    return [import_module(f"{package}.{name}") for name in names]
