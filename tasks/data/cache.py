"""The cache of decoded data sets: a folder a data set, written whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path

from tasks.arrays import NAMES, Arrays, digest
from tasks.errors import UserError


@dataclass(frozen=True)
class Decoded:
    """A data set in memory with what is to be known of it. `scale` multiplies uint8 images."""

    id: str
    arrays: Arrays
    source: str
    licence: str
    embedded: bool
    scale: float = 1.0
    note: str = ""


@dataclass(frozen=True)
class Prepared:
    """A data set in the cache. `sha256` is of the decoded arrays; `rows` training and test."""

    id: str
    family: str
    folder: Path
    sha256: str
    source: str
    licence: str
    rows: tuple[int, int]
    embedded: bool
    note: str = ""


def root() -> Path:
    """$BENCH_CACHE, else the user's cache folder."""
    chosen = os.environ.get("BENCH_CACHE")
    return Path(chosen) if chosen else user_cache_path("framework-bench")


def find(family: str, id_: str) -> Prepared | None:
    """The cached data set of that id, or None."""
    for manifest in sorted((root() / family).glob(f"{id_}-*/manifest.json")):
        raw = json.loads(manifest.read_text())
        raw.pop("scale")
        return Prepared(**{**raw, "folder": manifest.parent, "rows": tuple(raw["rows"])})
    return None


def keep(family: str, decoded: Decoded) -> Prepared:
    """Write a decoded data set; `UserError` when the disk is full, and then nothing is left.

    Two processes may do this at once: both write whole folders, the first rename wins.
    """
    sha256 = digest(decoded.arrays)
    folder = root() / family / f"{decoded.id}-{sha256[:12]}"
    rows = (len(decoded.arrays.y_train), len(decoded.arrays.y_test))
    prepared = Prepared(
        decoded.id, family, folder, sha256, decoded.source, decoded.licence, rows,
        decoded.embedded, decoded.note,
    )  # fmt: skip
    if (folder / "manifest.json").exists():
        return prepared
    temporary = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".making-", dir=folder.parent))
        for name in NAMES:
            np.save(temporary / f"{name}.npy", getattr(decoded.arrays, name))
        manifest = {**asdict(prepared), "scale": decoded.scale, "folder": ""}
        (temporary / "manifest.json").write_text(json.dumps(manifest, indent=1))
        os.rename(temporary, folder)
    except OSError as error:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        if not (folder / "manifest.json").exists():
            raise UserError(_why(folder, error)) from None
    return prepared


def _why(folder: Path, error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return f"no space left for the data cache at {folder.parent}; free some or set BENCH_CACHE"
    return f"cannot write the data cache at {folder.parent}: {error.strerror}; set BENCH_CACHE"
