"""What a layer's forward and backward in a graph take and give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adapters.base import VarianceForm
from adapters.reference.layers import Params, Stored, exactly
from tasks.spec.layers import Layer


@dataclass(frozen=True)
class Given:
    """reads: the values the node reads; p: its arrays by part; stored: as in the module `layers`;
    variance: which running variance a batch norm keeps."""

    reads: tuple[np.ndarray, ...]
    p: Params
    training: bool = False
    stored: Stored = exactly
    variance: VarianceForm = "biased"


@dataclass(frozen=True)
class Result:
    """saved: what the backward pass needs. state: the arrays that training moves without an
    optimizer, as they are afterwards."""

    out: np.ndarray
    saved: Any
    state: Params = field(default_factory=dict)


@dataclass(frozen=True)
class Gradients:
    """by_reads: one for every value that was read, None for word numbers. by_parts: by array."""

    by_reads: tuple[np.ndarray | None, ...]
    by_parts: Params = field(default_factory=dict)


Forward = Callable[[Any, Given], Result]
Backward = Callable[[Any, Params, Any, np.ndarray], Gradients]
Pairs = dict[type[Layer], tuple[Forward, Backward]]
