"""The articles' framework table as data: every claim, and the evidence that is put beside it.

The articles (TensorFlow, PyTorch, Keras and MXNet with their pros and cons) state opinions. Here
each is a `Claim` that names its evidence. Each piece of evidence stands in `bench.claims.measure`,
with its method, its rule and the code of the rule, alike for every framework.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ProOrCon = Literal["pro", "con"]


@dataclass(frozen=True)
class Claim:
    """What the articles say of a framework, and which evidence is asked about it."""

    framework: str
    side: ProOrCon
    words: str
    evidence: tuple[str, ...]


CLAIMS = (
    Claim("tensorflow", "pro", "Highly flexible", ("own_step", "certified")),
    Claim("tensorflow", "pro", "Scalable", ("threads", "batches")),
    Claim("tensorflow", "pro", "Robust", ("endings", "seeds")),
    Claim("tensorflow", "con", "Steeper learning curve", ("program_longest",)),
    Claim("pytorch", "pro", "Intuitive", ("shape_error", "branch")),
    Claim("pytorch", "pro", "Dynamic computation graph", ("lengths", "branch")),
    Claim("pytorch", "con", "Less mature ecosystem", ("fewer_formats", "releases")),
    Claim("keras", "pro", "User-friendly API", ("program_shortest", "shape_error")),
    Claim("keras", "pro", "Integrates well", ("formats", "backends")),
    Claim("keras", "con", "Less flexible for advanced users", ("custom_step",)),
    Claim("mxnet", "pro", "Efficient", ("speed", "memory", "energy")),
    Claim("mxnet", "pro", "Supports distributed training", ("distributed",)),
    Claim("mxnet", "con", "Less popular", ("retired",)),
    Claim("mxnet", "con", "Smaller community", ("retired",)),
)
