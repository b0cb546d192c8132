"""What the documents of a framework say of doing the same training twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Repeating:
    """What a framework's documents say of repeating a training on the CPU, bit for bit, read in
    the releases that are pinned. by: what they ask for before results repeat. Adapters set all
    seeds; a switch stays as it is by default, since it may cost speed."""

    by: Literal["seeds", "a switch", "nothing"]
    words: str
    source: str
