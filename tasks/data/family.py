"""What a data-set family is: an embedded default, and often a canonical set to look for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.data.arrays import Arrays


@dataclass(frozen=True)
class About:
    """Where a data set comes from. A change of its contents needs a new id."""

    id: str
    source: str
    licence: str


@dataclass(frozen=True)
class Decoded:
    """A data set in memory. `scale` multiplies uint8 images when a worker loads them."""

    about: About
    arrays: Arrays
    embedded: bool
    scale: float = 1.0
    note: str = ""


def nothing(folder: Path) -> list[Path]:
    """The `find` of a family that has no canonical files."""
    return []


def undecodable(files: Sequence[Path]) -> Decoded:
    """The `decode` of a family that has no canonical files."""
    raise AssertionError("never called: nothing is found to decode")


@dataclass(frozen=True)
class DataFamily:
    """One family. `make` builds the embedded default with no network.

    find: a folder → the files of a better set in it, [] when there are none.
    decode: those files → arrays, verified; `UserError` when they are spoiled or something else.
    canonical: id of the canonical set, "" when there is none with a known hash.
    wanted: the files to put under --data-dir, in words. url: where `fetch` gets them, or "".
    """

    name: str
    embedded: About
    make: Callable[[], Decoded]
    canonical: str = ""
    find: Callable[[Path], list[Path]] = nothing
    decode: Callable[[Sequence[Path]], Decoded] = undecodable
    wanted: str = ""
    url: str = ""

    @property
    def advice(self) -> str:
        """What to do to get the better set by hand; "" when there is none."""
        return f"put {self.wanted} into a folder and use --data-dir" if self.wanted else ""
