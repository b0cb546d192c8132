"""TensorFlow, as the suite knows it before it is installed."""

from __future__ import annotations

from adapters.base import Framework, Implementation

_MODULE = "adapters.tensorflow.contender"

FRAMEWORK = Framework(
    name="tensorflow",
    title="TensorFlow",
    order=1,
    package="tensorflow",
    variables=("TF_", "XLA_"),
    implementations=(
        Implementation(
            "tensorflow", "graph", _MODULE, "tensorflow",
            "tf.Module and tf.function, TensorFlow's own fused kernels; no Keras",
        ),
        Implementation(
            "tensorflow", "xla", _MODULE, "tensorflow",
            "the same with jit_compile: XLA compiles the whole loop of steps", usual=False,
        ),
        Implementation(
            "tensorflow", "eager", _MODULE, "tensorflow",
            "the same, operation by operation", usual=False,
        ),
    ),
)  # fmt: skip
