"""PyTorch, as the suite knows it before it is installed."""

from __future__ import annotations

from adapters.base import Framework, Implementation

FRAMEWORK = Framework(
    name="pytorch",
    title="PyTorch",
    order=2,
    package="torch",
    variables=("TORCH",),
    implementations=(
        Implementation(
            "pytorch", "eager", "adapters.pytorch.contender", "torch",
            "torch.nn and torch.optim, run eagerly",
        ),
        Implementation(
            "pytorch", "compile", "adapters.pytorch.compiled", "torch",
            "a step compiled by torch.compile without a break; up to 32 time steps", usual=False,
            tests=("tests/adapters/test_cuda_graphs.py",),  # need PyTorch, but no GPU
        ),
    ),
)  # fmt: skip
