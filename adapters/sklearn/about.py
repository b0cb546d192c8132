"""scikit-learn, as the suite knows it before it is installed."""

from __future__ import annotations

from adapters.base import Framework, Implementation
from adapters.repeating import Repeating

FRAMEWORK = Framework(
    name="sklearn",
    title="scikit-learn",
    order=6,
    package="sklearn",
    repeating=Repeating(
        "seeds",
        "an integer `random_state` gives reproducible results across calls",
        "https://scikit-learn.org/stable/modules/generated/sklearn.neural_network.MLP"
        "Classifier.html",
    ),
    implementations=(
        # There is no documented row: partial_fit makes weights of its own and takes a step in the
        # same call, and predict_proba gives no logits. To start from given weights, and to answer
        # logits, the program below does what the documents do not show.
        Implementation(
            "sklearn", "mlp", "adapters.sklearn.contender", "sklearn",
            "scikit-learn's MLPClassifier by partial_fit; dense layers only", usual=False,
            division="tuned",
            departures=(
                "many steps are one call of partial_fit over their rows, unshuffled, not a call "
                "a batch",
                "parameters and rows are not validated again (skip_parameter_validation, "
                "assume_finite)",
                "weights and optimizer are made by a call without a step (max_iter 0), and the "
                "given weights written into coefs_ and intercepts_",
                "rows are float32, so that all products are; a user's rows are float64 unless they "
                "are made otherwise",
                "the last layer's activation is taken off (out_activation_) while predict_proba "
                "is called, so that it answers logits",
            ),
        ),
    ),
)  # fmt: skip
