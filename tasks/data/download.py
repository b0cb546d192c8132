"""Downloads a canonical set into the cache: verified before anything is kept."""

from __future__ import annotations

import http.client
import shutil
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tasks.data import cache
from tasks.data.cache import Prepared
from tasks.data.family import DataFamily, Decoded
from tasks.errors import UserError

OnProgress = Callable[[int, int | None], None]
"""Called with the bytes done and the bytes in all, None where the server does not say."""

_CHUNK_BYTES = 1 << 18
_TIMEOUT_SECONDS = 30.0


def fetch(
    family: DataFamily, progress: OnProgress | None = None, url: str | None = None
) -> Prepared:
    """Download, decode, verify and cache the canonical set of a family.

    url: another place for the same file. Raises `UserError` when the family has no file to
    download, when the network fails, when the contents are not the canonical ones and when the
    disk is full; the cache is then as before.
    """
    place = url or family.url
    if not place:
        raise UserError(_cannot(family))
    try:
        cache.root().mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".fetching-", dir=cache.root()))
    except OSError as error:
        raise cache.cannot_write(cache.root(), error) from None
    file = folder / Path(family.url).name
    try:
        _download(place, file, progress, family.advice)
        return cache.keep(family.name, _verified(family, file, place))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _cannot(family: DataFamily) -> str:
    if family.wanted:
        return f"{family.name} has no public file to download; {family.advice}"
    return f"{family.name} needs no download: its data come with the installed packages"


def _verified(family: DataFamily, file: Path, place: str) -> Decoded:
    try:
        return family.decode([file])
    except UserError as error:
        why = str(error).replace(str(file), "it").split(";")[0]
        raise UserError(
            f"the download from {place} is refused: {why}; try again or {family.advice}"
        ) from None


def _download(place: str, file: Path, progress: OnProgress | None, instead: str) -> None:
    failed = f"cannot download {place}"
    try:
        response = urllib.request.urlopen(place, timeout=_TIMEOUT_SECONDS)
    except (OSError, ValueError, http.client.HTTPException) as error:
        why = getattr(error, "reason", None) or error
        raise UserError(f"{failed}: {why}; {instead}") from None
    try:
        with response:
            done, total = _copy(response, file, progress)
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, OSError) and error.errno in cache.FULL:
            raise cache.cannot_write(file.parent.parent, error) from None
        raise UserError(f"{failed}: {error}; {instead}") from None
    if total is not None and done != total:
        raise UserError(f"{failed}: it broke off after {done} of {total} bytes; try again")


def _copy(response: Any, file: Path, progress: OnProgress | None) -> tuple[int, int | None]:
    """Bytes copied, and bytes announced."""
    said = response.headers.get("Content-Length")
    total = int(said) if said and said.isdigit() else None
    done = 0
    with file.open("wb") as target:
        while chunk := response.read(_CHUNK_BYTES):
            target.write(chunk)
            done += len(chunk)
            if progress is not None:
                progress(done, total)
    return done, total
