"""Names that people give the folders of a set's parts: which are trained on, which held out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePath
from typing import Literal

from tasks.errors import UserError

SplitPart = Literal["train", "test", ""]
_TRAIN = frozenset({"train", "training", "trn"})
_TEST = frozenset(
    {
        "test", "testing", "tests", "tst", "valid", "validation", "validate", "val", "vali", "dev",
        "eval", "evaluation", "holdout", "heldout",
    }
)  # fmt: skip
_FILLING = frozenset({"set", "data", "dataset", "split", "images", "imgs", "part", "out", "hold"})


def part_of(name: str) -> SplitPart:
    """What a folder of that name holds: "test_set" and "Valid" are held out, "training-data" is
    trained on; "" where the name speaks of neither."""
    words = [word for word in re.split(r"[^a-z]+", name.lower()) if word]
    if words[:2] == ["hold", "out"] or words[:2] == ["held", "out"]:
        return "test"
    known = [word for word in words if word in _TRAIN | _TEST]
    if len(known) != 1 or any(word not in _FILLING for word in words if word not in known):
        return ""
    return "train" if known[0] in _TRAIN else "test"


def part_of_path(path: PurePath) -> SplitPart:
    """The part that the outermost speaking folder of a path tells."""
    return next((part for name in path.parts[:-1] if (part := part_of(name))), "")


def check_parts(paths: Iterable[PurePath]) -> None:
    """`UserError` where some pictures lie in a part and some in none: are these held out?"""
    named: list[PurePath] = []
    others: list[PurePath] = []
    for path in paths:
        (named if part_of_path(path) else others).append(path)
    if named and others:
        raise UserError(
            f"{others[0]} lies in no part of the set, while {named[0]} does; put all pictures "
            "into train/ and test/, or none"
        )
