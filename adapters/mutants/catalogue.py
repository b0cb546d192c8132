"""All faults and all correct variants."""

from __future__ import annotations

from adapters.mutants import (
    adversaries,
    arithmetic,
    arithmetic_inside,
    augmentation,
    calls,
    correct,
    dropout,
    graphs,
    graphs_of_jax,
    graphs_of_keras,
    in_keras,
    in_mxnet,
    in_others,
    in_pytorch,
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
    *graphs.MUTANTS,
    *adversaries.MUTANTS,
    *graphs_of_jax.FAULTS,
    *graphs_of_keras.FAULTS,
    *in_pytorch.FAULTS,
    *in_keras.FAULTS,
    *in_others.FAULTS,
    *in_mxnet.FAULTS,
)
CORRECT: tuple[Mutant, ...] = (*correct.MUTANTS, *in_pytorch.CORRECT, *in_keras.CORRECT)
