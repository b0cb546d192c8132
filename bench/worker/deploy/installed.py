"""How much disk an installation takes: a distribution and all that it needs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path


def size(packages: Iterable[str]) -> int:
    """Bytes of all files of these distributions and of those that they require, without extras.
    Compiled Python is left out: it is made later."""
    return sum(map(_bytes, needed(packages).values()))


def needed(packages: Iterable[str]) -> dict[str, metadata.Distribution]:
    """Normalized name → distribution; what is required and not installed is left out."""
    found: dict[str, metadata.Distribution] = {}
    left = [_normal(name) for name in packages]
    while left:
        name = left.pop()
        if name in found:
            continue
        try:
            found[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        for requirement in found[name].requires or ():
            if "extra ==" not in requirement:
                left.append(_normal(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]))
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _bytes(distribution: metadata.Distribution) -> int:
    total = 0
    for file in distribution.files or ():
        path = Path(str(distribution.locate_file(file)))
        if path.suffix != ".pyc" and path.is_file():
            total += path.stat().st_size
    return total
