"""JAX, as the suite knows it before it is installed."""

from __future__ import annotations

from adapters.base import Framework, Implementation

FRAMEWORK = Framework(
    name="jax",
    title="JAX",
    order=5,
    package="jax",
    variables=("JAX_", "XLA_"),
    implementations=(
        Implementation(
            "jax", "jit", "adapters.jax.contender", "jax",
            "plain JAX, steps in a jitted scan, singly with convolutions", usual=False,
        ),
        Implementation(
            "jax", "eager", "adapters.jax.contender", "jax",
            "the same without jax.jit, operation by operation; up to 32 time steps", usual=False,
        ),
    ),
)  # fmt: skip
