"""Where the suite's own code lies, and from where a worker imports it."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from functools import cache as once
from pathlib import Path

from tasks.data import cache

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = ("bench", "adapters", "tasks")
COMPILED = "__pycache__"


def is_checkout(project: Path = PROJECT) -> bool:
    """Whether it is a checkout of the project, and no place that packages are installed into."""
    return (project / "pyproject.toml").exists()


@once
def importable(project: Path = PROJECT) -> str:
    """A folder with the suite's packages and nothing else.

    A checkout is one. An installed suite lies among its own libraries, which a framework's Python
    must not see: they are others than its own, and built for another interpreter. So its packages
    are copied into the cache, under a digest of what they hold. `UserError` where that cannot be
    written.
    """
    if is_checkout(project):
        return str(project)
    place = cache.root() / "code" / _digest(project)
    try:
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            _copy(project, place)
    except OSError as error:
        if not place.exists():  # another process or thread may have been first
            raise cache.cannot_write(place, error) from None
    return str(place)


def _copy(project: Path, place: Path) -> None:
    """Whole or not at all."""
    part = Path(tempfile.mkdtemp(prefix=f"{place.name}.", dir=place.parent))
    try:
        for name in PACKAGES:
            left_out = shutil.ignore_patterns(COMPILED)
            shutil.copytree(project / name, part / name, ignore=left_out)
        part.chmod(0o755)
        part.rename(place)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _digest(project: Path) -> str:
    total = hashlib.sha256()
    for name in PACKAGES:
        for path in sorted((project / name).rglob("*")):
            if path.is_file() and COMPILED not in path.parts:
                total.update(f"{path.relative_to(project).as_posix()}\n".encode())
                total.update(path.read_bytes())
    return total.hexdigest()[:16]
