"""Keras, as the suite knows it before it is installed: on TensorFlow, on JAX and on PyTorch."""

from __future__ import annotations

from adapters.base import Framework, Implementation, Installation

_BACKENDS = "keras_backends"

FRAMEWORK = Framework(
    name="keras",
    title="Keras",
    order=3,
    package="keras",
    variables=("KERAS_",),
    implementations=(
        Implementation(
            "keras", "tensorflow", "adapters.keras.contender", "keras",
            "Keras 3 on TensorFlow through compile, fit and predict",
        ),
        Implementation(
            "keras", "jax", "adapters.keras.backends", "keras",
            "Keras 3 on JAX, fit on NumPy rows", usual=False, environment=_BACKENDS,
        ),
        Implementation(
            "keras", "torch", "adapters.keras.backends", "keras",
            "Keras 3 on PyTorch, fit on NumPy rows", usual=False, environment=_BACKENDS,
        ),
    ),
    tuners=(
        Implementation(
            "keras", "keras-tuner", "adapters.keras.tuner", "keras_tuner",
            "keras:tensorflow searched by KerasTuner's RandomSearch; only tune-random",
            only=("tune-random",),
        ),
    ),
    installations=(
        Installation("keras", after="tensorflow", ceiling="tensorflow"),
        Installation(_BACKENDS, after="pytorch", ceiling="pytorch"),
    ),
)  # fmt: skip
