"""Data sets, prepared by the runner: a canonical one where its files are, else an embedded one."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from tasks.data import cache, digits
from tasks.data.cache import Prepared
from tasks.errors import UserError

__all__ = ["FAMILIES", "Prepared", "prepare"]

FAMILIES: dict[str, ModuleType] = {module.FAMILY: module for module in (digits,)}


def prepare(family: str, data_dir: Path | None = None) -> Prepared:
    """The data set a run will use, decoded and cached.

    In this order: the canonical files under `data_dir`, the canonical set in the cache, the
    embedded default. Raises `UserError` for a missing folder and for spoiled or foreign files.
    """
    module = FAMILIES[family]
    if data_dir is not None:
        if not data_dir.is_dir():
            raise UserError(f"--data-dir {data_dir} is no folder")
        found = module.canonical(data_dir)
        if found is not None:
            return cache.keep(family, found)
    known = cache.find(family, module.CANONICAL) or cache.find(family, module.EMBEDDED)
    return known or cache.keep(family, module.embedded())
