"""Downloads a canonical set into the cache: verified before anything is kept."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.data import cache, transfer
from tasks.data.cache import Prepared
from tasks.data.family import DataFamily, Decoded
from tasks.data.transfer import OnProgress
from tasks.errors import UserError

__all__ = ["OnProgress", "fetch"]

_PREFIX = ".fetching-"
_FORGOTTEN_SECONDS = 7 * 86400.0


def fetch(
    family: DataFamily, progress: OnProgress | None = None, url: str | None = None
) -> Prepared:
    """Download, decode, verify and cache the canonical set of a family.

    What an earlier call began, and what broke off or was killed, is gone on with where the server
    can. url: another place for the same file. Raises `UserError` when the family has no file to
    download, when the network fails, when the contents are not the canonical ones and when the
    disk is full; the cache is then as before.
    """
    place = url or family.url
    if not place:
        raise UserError(_cannot(family))
    try:
        cache.root().mkdir(parents=True, exist_ok=True)
        cache.sweep(cache.root(), f"{_PREFIX}*", _FORGOTTEN_SECONDS)
        with _workplace(place) as folder:
            return _fetched(family, place, folder / Path(family.url).name, progress)
    except OSError as error:
        raise cache.cannot_write(cache.root(), error) from None


def _cannot(family: DataFamily) -> str:
    if family.wanted:
        return f"{family.name} has no public file to download; {family.advice}"
    return f"{family.name} needs no download: its data come with the installed packages"


@contextmanager
def _workplace(place: str) -> Iterator[Path]:
    """A folder for the download of `place`, held by this process alone, and empty or with what an
    earlier one left. It stays only where the next one can go on from it.

    While another process has it, and on file systems without locks, it is a fresh one.
    """
    name = hashlib.sha256(f"{os.getuid()} {place}".encode()).hexdigest()[:16]
    folder = cache.root() / f"{_PREFIX}{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if not _held(handle, folder):
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=cache.root()))
        shared = folder.name == f"{_PREFIX}{name}"
        try:
            yield folder
        finally:
            if not (shared and any(transfer.can_go_on(file) for file in _files(folder))):
                shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)


def _held(handle: int, folder: Path) -> bool:
    """Lock the folder; False where that cannot be, and where the process that had it before has
    just removed it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return folder.stat().st_ino == os.fstat(handle).st_ino
    except OSError:
        return False


def _files(folder: Path) -> list[Path]:
    """The files that are begun in a workplace."""
    return [path.with_suffix("") for path in folder.glob("*.part")]


def _fetched(family: DataFamily, place: str, file: Path, progress: OnProgress | None) -> Prepared:
    """Download, verify, keep. A file that was put together from two tries and is not the canonical
    one is taken once more from nothing: its server may have answered with another."""
    resumed = _download(family, place, file, progress)
    try:
        decoded = _verified(family, file, place)
    except UserError:
        if not resumed:
            raise
        transfer.forget(file)
        return _fetched(family, place, file, progress)
    return cache.keep(family.name, decoded)


def _verified(family: DataFamily, file: Path, place: str) -> Decoded:
    try:
        return family.decode([file])
    except UserError as error:
        why = str(error).replace(str(file), "it").split(";")[0]
        raise UserError(
            f"the download from {place} is refused: {why}; try again or {family.advice}"
        ) from None


def _download(family: DataFamily, place: str, file: Path, progress: OnProgress | None) -> bool:
    try:
        return transfer.get(place, file, progress)
    except transfer.Broken as broken:
        then = family.advice
        if transfer.can_go_on(file):
            then = f"the same command goes on from there, or {then}"
        raise UserError(f"cannot download {place}: {broken}; {then}") from None
