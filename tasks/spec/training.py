"""How a network is trained and when it counts as learned, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Loss = Literal["sparse_categorical_crossentropy", "binary_crossentropy", "mean_squared_error"]
Score = Literal["accuracy", "rmse"]


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


Optimizer = Adam | SGD


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
    0.01, where a learning rate 1 % off would show.
    """

    learning_rate: float
    typical: float
