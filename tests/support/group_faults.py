"""Peers that do not end as they should, made of any framework's."""

from __future__ import annotations

import os
from threading import Event
from typing import Any


def deaf(peer: Any) -> Any:
    """Goes on waiting when another is gone."""

    class Deaf(peer):
        def train(self, data: Any, order: Any) -> Any:
            try:
                return super().train(data, order)
            except (EOFError, OSError):
                Event().wait()

    return Deaf


def raising(peer: Any) -> Any:
    """Rank 0 raises in its first step."""

    class Raising(peer):
        def train(self, data: Any, order: Any) -> Any:
            if self.place.rank == 0:
                raise ValueError("no more")
            Event().wait()

    return Raising


def dying(peer: Any) -> Any:
    """The last rank is gone without a word."""

    class Dying(peer):
        def train(self, data: Any, order: Any) -> Any:
            if self.place.rank == self.place.size - 1 > 0:
                os._exit(7)
            return super().train(data, order)

    return Dying
