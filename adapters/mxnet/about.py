"""MXNet, as the suite knows it before it is installed."""

from __future__ import annotations

from adapters.base import Framework, Implementation, Installation

FRAMEWORK = Framework(
    name="mxnet",
    title="MXNet",
    order=4,
    package="mxnet",
    variables=("MXNET_",),
    # Its OpenBLAS of 2022 computes wrongly on some newer processors unless it is told a kernel.
    installations=(Installation("mxnet", keeps=("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")),),
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
