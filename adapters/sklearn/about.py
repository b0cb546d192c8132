"""scikit-learn, as the suite knows it before it is installed."""

from __future__ import annotations

from adapters.base import Framework, Implementation

FRAMEWORK = Framework(
    name="sklearn",
    title="scikit-learn",
    order=6,
    package="sklearn",
    implementations=(
        Implementation(
            "sklearn", "mlp", "adapters.sklearn.contender", "sklearn",
            "scikit-learn's MLPClassifier by partial_fit; dense layers only", usual=False,
        ),
    ),
)  # fmt: skip
