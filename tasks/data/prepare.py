"""Data sets, prepared by the runner: a canonical one where its files are, else an embedded one.

Workers import only `tasks.data.arrays`; decoding happens here, once, in the runner.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from tasks.data import (
    cache,
    cats_dogs,
    digits,
    download,
    late_digits,
    photos,
    pixels,
    reviews,
    series,
    subjects,
    tabular,
    text,
)
from tasks.data.cache import Prepared
from tasks.data.download import OnProgress
from tasks.data.family import DataFamily
from tasks.errors import UserError
from tasks.spec.network import Task

__all__ = [
    "FAMILIES",
    "DataStatus",
    "Prepared",
    "family_of",
    "fetch",
    "prepare",
    "status",
    "target",
]

FAMILIES: dict[str, DataFamily] = {
    family.name: family
    for family in (
        digits.FAMILY,
        *tabular.FAMILIES,
        *photos.FAMILIES,
        cats_dogs.FAMILY,
        *series.FAMILIES,
        reviews.FAMILY,
        subjects.FAMILY,
        *pixels.FAMILIES,
        late_digits.FAMILY,
        text.FAMILY,
    )
}


def family_of(name: str) -> DataFamily:
    """A family by its name or by the id of its canonical set ("mnist"); `UserError` if none."""
    for family in FAMILIES.values():
        if name and name in (family.name, family.canonical):
            return family
    raise UserError(f"no data set {name!r}; choose from: {', '.join(FAMILIES)}")


def prepare(family: str, data_dir: Path | None = None) -> Prepared:
    """The data set a run will use, decoded and cached.

    In this order: files under `data_dir`, the canonical set in the cache, the embedded default.
    Raises `UserError` for a missing or empty folder and for spoiled or foreign files.
    """
    known = family_of(family)
    note = ""
    if data_dir is not None:
        files = known.find(_checked(data_dir))
        if files:
            from_ = cache.origin(files)
            recalled = cache.recall(known.name, from_)
            return recalled or cache.keep(known.name, known.decode(files), from_)
        if known.wanted:
            note = f"{data_dir} lacks {known.wanted}"
    found = cache.find(known.name, known.canonical) or cache.find(known.name, known.embedded.id)
    found = found or cache.keep(known.name, known.make())
    return replace(found, note="; ".join(filter(None, (found.note, note))))


def target(task: Task, prepared: Prepared) -> float | None:
    """The score that counts as learned on this data set; None on the user's own data."""
    if task.target is None:
        return None
    if prepared.embedded:
        return task.target.embedded
    return task.target.canonical if prepared.id == family_of(task.data).canonical else None


def _checked(data_dir: Path) -> Path:
    if not data_dir.is_dir():
        raise UserError(f"--data-dir {data_dir} is no folder; name the one that holds the files")
    if not any(data_dir.iterdir()):
        raise UserError(f"--data-dir {data_dir} is empty; put the files there or leave it out")
    return data_dir


def fetch(family: str, progress: OnProgress | None = None, url: str | None = None) -> Path:
    """Download the canonical set of a family into the cache; returns its folder.

    progress: called with bytes done and bytes in all (None: unknown). url: another place for the
    same file. Raises `UserError` where there is nothing to download, on a failing network, and
    for contents that are not the canonical ones; the cache is then as before.
    """
    return download.fetch(family_of(family), progress, url).folder


@dataclass(frozen=True)
class DataStatus:
    """What `prepare` without a --data-dir would use now.

    state: "canonical, cached", "embedded, cached" or "embedded, not yet prepared"; in the last
    case size_bytes is 0, sha256 empty and folder None. canonical: how to get the canonical set,
    empty where it is in use or where there is none.
    """

    family: str
    id: str
    state: str
    size_bytes: int
    sha256: str
    licence: str
    source: str
    folder: Path | None
    canonical: str


def status(family: str) -> DataStatus:
    """The state of one family; decodes and writes nothing."""
    known = family_of(family)
    how = f"bench data fetch {known.canonical}, or {known.advice}" if known.url else known.advice
    found = cache.find(known.name, known.canonical)
    if found:
        how = ""
    found = found or cache.find(known.name, known.embedded.id)
    if found is None:
        about, state = known.embedded, "embedded, not yet prepared"
        return DataStatus(
            known.name, about.id, state, 0, "", about.licence, about.source, None, how
        )
    state = "embedded, cached" if found.embedded else "canonical, cached"
    return DataStatus(
        known.name, found.id, state, found.size_bytes, found.sha256, found.licence, found.source,
        found.folder, how,
    )  # fmt: skip
