"""All faults and all correct variants."""

from __future__ import annotations

from adapters.mutants import (
    arithmetic,
    arithmetic_inside,
    augmentation,
    calls,
    correct,
    dropout,
    memory,
    prediction,
    settings,
    shapes,
    staging,
    values,
    views,
    waiting,
    work,
)
from adapters.mutants.mutant import Mutant

FAULTS: tuple[Mutant, ...] = (
    *arithmetic.AROUND,
    *arithmetic_inside.INSIDE,
    *prediction.MUTANTS,
    *calls.MUTANTS,
    *dropout.MUTANTS,
    *staging.MUTANTS,
    *memory.MUTANTS,
    *shapes.MUTANTS,
    *augmentation.MUTANTS,
    *settings.MUTANTS,
    *waiting.MUTANTS,
    *values.MUTANTS,
    *views.MUTANTS,
    *work.MUTANTS,
)
CORRECT: tuple[Mutant, ...] = correct.MUTANTS
