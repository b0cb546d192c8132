"""What each framework's documents say of repeating a training on the CPU, bit for bit. Read in
November 2026, of the releases that are pinned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

By = Literal["seeds", "a switch", "nothing"]


@dataclass(frozen=True)
class Statement:
    """What a framework's documents say. by: what they ask for before results repeat. Adapters set
    all seeds; a switch stays as it is by default, since it may cost speed."""

    by: By
    words: str
    source: str


STATEMENTS: dict[str, Statement] = {
    "tensorflow": Statement(
        "a switch",
        "seeds, and `tf.config.experimental.enable_op_determinism()`; by default ops might differ",
        "https://www.tensorflow.org/api_docs/python/tf/config/experimental/enable_op_determinism",
    ),
    "pytorch": Statement(
        "a switch",
        "seeds, and `torch.use_deterministic_algorithms(True)`, on one platform and release",
        "https://docs.pytorch.org/docs/stable/notes/randomness.html",
    ),
    "keras": Statement(
        "seeds",
        "`keras.utils.set_random_seed` makes almost any program deterministic; "
        "excepted are communication over a network and some cuDNN operations",
        "https://keras.io/api/utils/python_utils/#setrandomseed-function",
    ),
    "mxnet": Statement(
        "a switch",
        "`MXNET_ENFORCE_DETERMINISM=1` allows only deterministic algorithms",
        "https://mxnet.apache.org/versions/1.9.1/api/faq/env_var.html",
    ),
    "jax": Statement(
        "nothing",
        "random numbers are a function of their key; of arithmetic nothing is said for the CPU",
        "https://docs.jax.dev/en/latest/random-numbers.html",
    ),
    "sklearn": Statement(
        "seeds",
        "an integer `random_state` gives reproducible results across calls",
        "https://scikit-learn.org/stable/modules/generated/"
        "sklearn.neural_network.MLPClassifier.html",
    ),
}
