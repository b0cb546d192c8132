"""How a network is trained and when it counts as learned, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import cos, pi
from typing import Literal

from tasks.spec.layers import LATER

Loss = Literal["sparse_categorical_crossentropy", "binary_crossentropy", "mean_squared_error"]
Score = Literal["accuracy", "rmse", "cross_entropy", "frechet_distance"]
LOWER: tuple[Score, ...] = ("rmse", "cross_entropy", "frechet_distance")
"""The scores that are better low."""


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba 2015). Epsilon is fixed here because frameworks' defaults differ."""

    learning_rate: float = 1e-3
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7


@dataclass(frozen=True)
class SGD:
    """w ← w - learning_rate · gradient; used by the certificate to read gradients."""

    learning_rate: float


@dataclass(frozen=True)
class Momentum:
    """v ← momentum · v + gradient; w ← w - learning_rate · v. No Nesterov step, no dampening."""

    learning_rate: float
    momentum: float


@dataclass(frozen=True)
class WarmupCosine:
    """A factor of the learning rate, of step k counted from 1.

    k / warmup up to k = warmup, so the first step moves; then half a cosine from 1 down to `end` at
    k = steps, which counts the warm-up; `end` after that.
    """

    warmup: int
    steps: int
    end: float

    def factor(self, step: int) -> float:
        """Of step number `step`, 1 or more."""
        if step <= self.warmup:
            return step / self.warmup
        done = min((step - self.warmup) / (self.steps - self.warmup), 1.0)
        return self.end + (1 - self.end) * 0.5 * (1 + cos(pi * done))


@dataclass(frozen=True)
class AdamW:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019).

    rate = learning_rate · schedule's factor. w ← w - rate · weight_decay · w with the old w, and by
    Adam's step at that rate, in the framework's own form. Arrays of two or more axes decay; biases
    and the scales of normalisations do not. clip_norm: before the step all gradients of the update
    are multiplied by min(1, clip_norm / norm), the norm over all of them together; 0: not.
    """

    learning_rate: float
    weight_decay: float
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    clip_norm: float = 0.0
    schedule: WarmupCosine | None = None


Optimizer = Adam | SGD | Momentum | AdamW


@dataclass(frozen=True)
class Term:
    """One loss: of the node `output`, the mean over the batch and over a row's values.

    target: None for the rows' own ("y"), else one number for every value. label_smoothing, of class
    numbers: the target class has 1 - s + s / classes, each other one s / classes.
    """

    output: str
    loss: Loss
    target: float | None = None
    label_smoothing: float = 0.0


@dataclass(frozen=True)
class Update:
    """One move of an optimizer: along the gradient of the sum of its terms, of its own arrays only.

    moves: the names of the nodes whose arrays it moves; empty: all. Each update has an optimizer
    state of its own, and sees what the updates before it in the step have moved.
    """

    terms: tuple[Term, ...]
    moves: tuple[str, ...] = ()
    optimizer: Optimizer = Adam()


@dataclass(frozen=True)
class Augmentation:
    """Ranges from which one affine warp an image is drawn (uniformly), as data, before training."""

    rotation_degrees: float = 0.0
    shift: float = 0.0  # fraction of width and height
    shear: float = 0.0  # degrees, as in the articles' ImageDataGenerator
    zoom: float = 0.0  # scale drawn from 1 ± zoom
    flip: bool = False


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when the validation loss has not fallen for `patience` epochs; keep the best weights."""

    patience: int
    validation_split: float


@dataclass(frozen=True)
class Target:
    """The score at which a task counts as learned; time to accuracy is the time to reach it.

    embedded: on the embedded default data. canonical: on the canonical set, None where no
    full-length run of ours justifies one. reason: the run that justifies them. Another data set
    of the user's has no target.
    """

    embedded: float
    reason: str
    canonical: float | None = None


@dataclass(frozen=True)
class Proof:
    """How the optimizer's steps are certified where float32 cannot follow float64 for 20 steps.

    Some networks are chaotic at their own learning rate: the float64 oracle and the same oracle in
    float32 part ways by more than a fault would. Their steps are compared at `learning_rate`
    instead. `typical` bounds the typical weight's relative difference; it must stay well under
    0.01, where a learning rate 1 % off would show. off_kinks: of a graph, certify it from weights
    that keep every relu after a batch norm away from 0, where rounding decides which units learn.
    """

    learning_rate: float
    typical: float
    off_kinks: bool = field(default=False, metadata=LATER)
