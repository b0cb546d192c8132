"""How errors against the float64 oracle are measured, how large they may be, and why.

float32 keeps 24 bits (6e-8). Sums over some hundred terms and a few layers leave outputs within
1e-5 and gradients within 1e-4; recurrence multiplies rounding along the sequence.

Weights after some steps are compared twice. A hidden unit within rounding of relu's kink passes
its gradient in one framework and not in the other: rare, honest, and it moves that unit's weights
by up to a step's share, so the norm is given 2e-2. The typical element (the median) hardly sees
such a unit and is held to 1e-4 (honest implementations: 2e-5 in 39 of 40 draws; faults from 6e-4).
"""

from __future__ import annotations

import numpy as np

from tasks.spec.network import Task

_BOUNDS = {
    "outputs": 1e-5,
    "gradients": 1e-4,
    "losses": 1e-4,
    "update": 2e-2,
    "typical": 1e-4,
    "statistics": 1e-4,
}
_RECURRENT = {"losses": 1e-3}

# As large as the gradients themselves: Adam's two forms then part at the first step, and an
# implementation that keeps its own epsilon is seen whatever the task's gradients are.
LARGE_EPSILON = 1e-3

# In a net of millions of relu and pool units some lie within rounding of their kink, and pass
# their gradient in float64 but not in float32: one such unit of a batch can move the gradient by
# 2e-3, in every honest implementation. A single row has few enough units that most rows have none
# (cats and dogs, 24 rows, five frameworks: 20 or 21 within 1e-4 each, median 1e-5). So where a
# batch is over the bound, single rows are held to the same bound, their median deciding; a fault
# of the arithmetic is in every row. The batch may then be off by what such units can do, no more.
SINGLE_ROWS, KINKS = 15, 2e-2

# Adam moves a unit by a whole step however small its gradient, so one of 512 has moved a bias's
# norm by 3.3e-2 (MXNet on cats and dogs; without the worst 5 elements: 1.3e-3). A norm over its
# bound, up to this, must therefore be within it without the worst hundredth of the elements.
ONE_UNIT, WORST_SHARE = 1e-1, 0.01

# Where a unit meets its kink in some step, all later losses carry it: untouched PyTorch and JAX
# left the losses of fnn-mnist by 2.1e-4 with seed 2, Keras with seed 11. So a check over its bound
# and up to this is made on four more draws of weights and rows, and the median of the five decides:
# a kink is in one draw of tens, a fault in every one.
AGAIN_LOSSES, AGAIN_TYPICAL, DRAWS = 1e-2, 2e-1, 5
# Twenty steps under gradients that swing: an Adam that keeps the largest second moment is off by
# 3e-3 and more.
SWINGS = 5e-4

# Calls of 142 steps under a calm optimizer, from weights off their kinks (bench.proof.calls): the
# typical weight in float32 is within 2e-5 of float64, the losses within 3e-7. One kink (recurrent
# units and pools still have them) moves the typical weight by up to 1e-1 where units are few.
CALLS, CALL_LOSSES, AGAIN_CALLS = 1e-4, 2e-5, 2e-1
# A call as long as a timed round: within 4e-5, and 5e-3 in one draw of ten where a small network's
# pool has a window of two equal winners; what is looked for, steps left out or repeated, starts at
# 0.1 of a call.
LONG_CALL, AGAIN_LONG_CALL = 5e-3, 5e-1
# Outputs from the contender's own weights, relative to their RMS over many rows: no trajectory is
# between them. Honest 3e-7, faults from 5e-5 (half precision in a part of the rows).
OWN_WEIGHTS = 5e-6

# float32's sums end on float64's result, rounded once, for 5 % to 60 % of the values.
EXACT_SHARE, LEAST_VALUES = 0.95, 50

# Dropout and augmentation are read as numbers. Deviations in standard errors: over 5 once in two
# million honest checks; a rate of 0.45 for 0.5 gives 18 and more.
STANDARD_ERRORS = 5.0
MASK_SCALE = 2e-3
MASKED_GRADIENTS = 1e-3
# A warped pixel, in units of the range of pixels: PyTorch, TensorFlow and MXNet are within 1e-5
# of photographs on average; half a pixel off is 1e-2 there, 256 levels are 4e-4.
PIXEL = 5e-5
# In a lower precision frameworks round a pixel at other places than the oracle does: bfloat16 keeps
# it to 2e-3 of its value. Half a pixel off is still five times that.
LOWER_PIXEL = 2e-3

# Weights so large that clips and limits inside a framework are met, or so small that numbers get
# lost; and rows that are learned.
EXTREME_OUTPUTS, EXTREME_GRADIENTS, AGAIN_EXTREME = 1e-5, 1e-4, 5e-2
# What is left of a probability of nearly 1 has few digits: MXNet's gradients are off by 5e-5.
LEARNED = 1e-3
MEMORY, AGAIN_MEMORY = 1e-4, 5e-2
# With open gates an LSTM keeps every rounding of its sequence: within 7e-6 on CPUs; cuDNN's, whose
# activations are less exact, 1.5e-5 under PyTorch. What is looked for starts at 4e-2.
MEMORY_OUTPUTS = 5e-5

# Under a lower precision the oracle itself computes in it (adapters.reference.oracle), and the
# contender may err so many times as far as that: frameworks round at other places than the oracle
# does (a bias before or after, a recurrent state or not). A bound over the cap says little: it is
# only gone over where the oracle itself is near it (a bias whose gradients nearly cancel). And it
# must err at least this part as far, or it did not compute in that precision.
LOWER_FACTOR, LOWER_CAP, LOWER_LEAST = 4.0, 0.5, 0.125
# Whether a unit lies at its kink is luck of the batch: the oracle's worst error over this many
# counts. (A small recurrent net's gradient: 5e-3 in one batch, 8e-2 in five frameworks' next.)
LOWER_DRAWS = 4
# What one rounding of the result errs by on average, which nobody can be asked to avoid: in a
# single row the oracle's own error may be far less, when its output happens to lie near such a
# number.
ROUNDING = {"bf16": 2.0**-9, "tf32": 2.0**-12}
# A check over its bound by less than this is tried on further draws too, and the median decides.
LOWER_AGAIN = 3.0


def bound(task: Task, check: str) -> float:
    """The float32 bound of one check for a task's family, or the task's own."""
    if check == "typical" and task.proof is not None:
        return task.proof.typical
    if task.family in ("rnn", "lstm") and check in _RECURRENT:
        return _RECURRENT[check]
    return _BOUNDS[check]


def declared() -> dict[str, float]:
    """Check → float32 bound, as a run keeps them: under other bounds another thing was proven."""
    recurrent = {f"recurrent {check}": limit for check, limit in _RECURRENT.items()}
    return dict(_BOUNDS) | recurrent


def lower_bound(float32: float, own: float, rounding: float = 0.0) -> float:
    """The bound of a check in a lower precision: `own` is the error of the oracle in it."""
    own = max(own, rounding)
    return max(float32, min(LOWER_FACTOR * own, max(LOWER_CAP, 2 * own)))


def relative(a: np.ndarray, b: np.ndarray) -> float:
    """||a - b|| / ||b||, or ||a|| where b is zero; infinite when shapes differ."""
    if np.shape(a) != np.shape(b):
        return float("inf")
    scale = float(np.linalg.norm(b))
    distance = float(np.linalg.norm(np.asarray(a, np.float64) - b))
    return distance / scale if scale else distance


def typical(a: np.ndarray, b: np.ndarray) -> float:
    """Median of |a - b| over the elements where b is not zero, relative to their RMS of b."""
    if np.shape(a) != np.shape(b):
        return float("inf")
    used = b != 0
    if not used.any():
        return relative(a, b)
    scale = np.sqrt(np.mean(b[used] ** 2))
    return float(np.median(np.abs(a[used] - b[used])) / scale)


def without_worst(a: np.ndarray, b: np.ndarray) -> float:
    """`relative` without the hundredth of the elements that differ most (none of under 100)."""
    if np.shape(a) != np.shape(b):
        return float("inf")
    left_out = int(WORST_SHARE * b.size)
    differences = np.sort(np.abs(a - b), axis=None)[: b.size - left_out]
    scale = float(np.linalg.norm(b))
    return float(np.linalg.norm(differences)) / (scale or 1.0)
