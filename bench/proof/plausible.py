"""Whether a speed is possible at all on a machine."""

from __future__ import annotations

# A ceiling is itself a measurement, of a shared machine, and of one size of matrix: beside other
# load honest inference was read at 1.3 of it. Work that was not done is read at tens and hundreds.
ALLOWANCE = 3.0


def implausible(flops_per_second: float, ceiling_flops: float | None) -> str:
    """Why a rate cannot be true, in words; empty when it can, or where no ceiling is known.

    flops_per_second: a round's rate in the floating-point operations its products need
    (tasks.flops), a lower bound of the work. ceiling_flops: the best that the machine reached in a
    large matrix product in the same precision (RUN/ceiling.json).
    """
    if not ceiling_flops or flops_per_second <= ALLOWANCE * ceiling_flops:
        return ""
    times = flops_per_second / ceiling_flops
    return (
        f"{flops_per_second / 1e9:.3g} GFLOP/s are {times:.1f} times what this machine reaches "
        f"in a matrix product ({ceiling_flops / 1e9:.3g}): the work cannot have been done"
    )
