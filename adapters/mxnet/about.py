"""MXNet, as the suite knows it before it is installed."""

from __future__ import annotations

from adapters.base import Framework, Implementation

FRAMEWORK = Framework(
    name="mxnet",
    title="MXNet",
    order=4,
    package="mxnet",
    variables=("MXNET_",),
    implementations=(
        Implementation(
            "mxnet", "hybrid", "adapters.mxnet.contender", "mxnet",
            "Gluon, hybridized, with its Trainer",
        ),
        Implementation(
            "mxnet", "imperative", "adapters.mxnet.contender", "mxnet",
            "Gluon, operation by operation, with its Trainer", usual=False,
        ),
    ),
)  # fmt: skip
