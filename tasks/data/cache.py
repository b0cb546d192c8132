"""The cache of decoded data sets: a folder a data set, written whole or not at all.

<root>/<family>/<id>-<hash>/ holds four .npy files and manifest.json. The hash in the name keeps
different contents apart. <root>/<family>/origins/ remembers which files were decoded into which
folder, so that files seen before are not decoded again.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_cache_path

from tasks.data.arrays import NAMES, Arrays, digest
from tasks.data.family import Decoded
from tasks.errors import UserError

FULL = (errno.ENOSPC, errno.EDQUOT)
_ABANDONED_SECONDS = 3600.0


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
    note: str
    size_bytes: int


def root() -> Path:
    """$BENCH_CACHE, else the user's cache folder."""
    chosen = os.environ.get("BENCH_CACHE")
    place = Path(chosen).absolute() if chosen else user_cache_path("framework-bench")
    if not place.is_absolute():  # "~" stays as it is where nobody knows whose home is meant
        raise UserError("this user has no home folder (HOME is not set): set BENCH_CACHE")
    return place


def find(family: str, id_: str) -> Prepared | None:
    """The cached data set of that id, or None."""
    folders = sorted((root() / family).glob(f"{id_}-*")) if id_ else []
    whole = (_read(folder) for folder in folders)
    return next((p for p in whole if p is not None and p.id == id_), None)


def holds(folder: str, sha256: str) -> bool:
    """Whether the cache has this folder, relative to it, with contents of that digest; never an
    error, whatever a file names."""
    place = root() / folder
    if not os.path.isdir(place):  # Path.is_dir raises for a name that is too long
        return False
    if not place.resolve().is_relative_to(root().resolve()):
        return False
    found = _read(place)
    if found is None or found.sha256 != sha256:
        return False
    try:
        raw = [np.load(place / f"{name}.npy", mmap_mode="r") for name in NAMES]
    except (OSError, ValueError):
        return False
    return digest(Arrays(*raw)) == sha256


def origin(files: Iterable[Path]) -> str:
    """A name for these files as they are now: paths, sizes and times of change, hashed."""
    total = hashlib.sha256()
    for path in files:
        about = path.stat()
        total.update(f"{path.resolve()} {about.st_size} {about.st_mtime_ns}\n".encode())
    return total.hexdigest()


def recall(family: str, from_: str) -> Prepared | None:
    """What files of that origin were decoded into, or None."""
    try:
        text = (root() / family / "origins" / from_).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    name, _, note = text.partition("\n")
    found = _read(root() / family / name)
    return None if found is None else replace(found, note=note)


def keep(family: str, decoded: Decoded, from_: str | None = None) -> Prepared:
    """Write a decoded data set; `UserError` when the disk is full, and then nothing is left.

    Two processes may do this at once: both write whole folders, the first rename wins.
    from_: the `origin` of the files it was decoded from.
    """
    sha256 = digest(decoded.arrays)
    place = root() / family
    folder = place / f"{decoded.about.id}-{sha256[:12]}"
    try:
        place.mkdir(parents=True, exist_ok=True)
        sweep(place, ".making-*", _ABANDONED_SECONDS)
        prepared = _read(folder) or _write(folder, _manifest(family, decoded, sha256), decoded)
        if from_ is not None:
            _point(place / "origins" / from_, f"{folder.name}\n{decoded.note}")
    except OSError as error:
        raise cannot_write(place, error) from None
    return replace(prepared, note=decoded.note)  # of these files: others may hold the same


def cannot_write(folder: Path, error: OSError) -> UserError:
    """The line for a failed write to the cache."""
    if error.errno in FULL:
        line = f"no space left for the data cache at {folder}; free some or set BENCH_CACHE"
        return UserError(line)
    why = error.strerror or str(error)
    return UserError(f"cannot write the data cache at {folder}: {why}; set BENCH_CACHE")


def _manifest(family: str, decoded: Decoded, sha256: str) -> dict[str, Any]:
    arrays = decoded.arrays
    return {
        **asdict(decoded.about),
        "family": family,
        "sha256": sha256,
        "rows": [len(arrays.y_train), len(arrays.y_test)],
        "embedded": decoded.embedded,
        "note": decoded.note,
        "scale": decoded.scale,
    }


def _read(folder: Path) -> Prepared | None:
    """The data set in `folder`; None when it is not there, not whole, or of another version."""
    try:
        raw = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        sizes = {name: (folder / f"{name}.npy").stat().st_size for name in NAMES}
        if raw.pop("file_bytes") != sizes:
            return None
        raw.pop("scale")
        total = sum(sizes.values())
        read = {"folder": folder, "rows": tuple(raw["rows"]), "size_bytes": total}
        return Prepared(**{**raw, **read})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(folder: Path, manifest: dict[str, Any], decoded: Decoded) -> Prepared:
    temporary = Path(tempfile.mkdtemp(prefix=".making-", dir=folder.parent))
    try:
        sizes = {}
        for name in NAMES:
            sizes[name] = _save(temporary / f"{name}.npy", getattr(decoded.arrays, name))
        text = json.dumps({**manifest, "file_bytes": sizes}, indent=1)
        (temporary / "manifest.json").write_text(text, encoding="utf-8")
        os.chmod(temporary, 0o755)  # other users may read what this one has decoded
        _move(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    prepared = _read(folder)
    if prepared is None:
        raise OSError(None, f"{folder} was changed by someone else")
    return prepared


def _move(temporary: Path, folder: Path) -> None:
    """Rename; where another process was first, its folder stays. A spoiled one gives way."""
    if folder.exists() and _read(folder) is None:
        shutil.rmtree(folder)
    try:
        os.rename(temporary, folder)
    except OSError:
        if _read(folder) is None:
            raise


def _save(path: Path, array: np.ndarray) -> int:
    """Write one .npy and return its size in bytes.

    Not np.save: that writes through C and loses the error number of a full disk.
    """
    array = np.ascontiguousarray(array)
    with path.open("wb") as file:
        header = np.lib.format.header_data_from_array_1_0(array)
        np.lib.format.write_array_header_1_0(file, header)
        file.write(array.reshape(-1).view(np.uint8).data)
        return file.tell()


def _point(path: Path, name: str) -> None:
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        temporary.write_text(name, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def sweep(place: Path, pattern: str, seconds: float) -> None:
    """Remove folders that killed processes left; the age spares one that still writes."""
    for left in place.glob(pattern):
        try:
            old = time.time() - left.stat().st_mtime > seconds
        except OSError:
            continue
        if old:
            shutil.rmtree(left, ignore_errors=True)
