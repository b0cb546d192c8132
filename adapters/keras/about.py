"""Keras, as the suite knows it before it is installed: on TensorFlow, on JAX and on PyTorch."""

from __future__ import annotations

import json

from adapters.base import Export, Framework, Implementation, Installation, Place, Scheme
from adapters.repeating import Repeating

_BACKENDS = "keras_backends"

_DENSE = ("an Embedding is a subclass whose gradient is a whole table",)
_OWN_CALLS = (
    "a single step goes through train_on_batch, and predictions through predict_on_batch, "
    "batch by batch",
)
_MANY_STEPS = "125 steps an execution (steps_per_execution), where the default is one"
_ON_OTHER_BACKENDS = (
    "sequences of up to 32 steps are unrolled on a CPU",
    *_DENSE, *_OWN_CALLS,
)  # fmt: skip
_DEVICES = ("tests/adapters/test_keras_devices.py",)


def cluster(place: Place) -> dict[str, str]:
    """TF_CONFIG, which says who the workers are; one alone needs none."""
    if place.size == 1:
        return {}
    workers = [f"127.0.0.1:{port}" for port in place.ports[: place.size]]
    task = {"type": "worker", "index": place.rank}
    return {"TF_CONFIG": json.dumps({"cluster": {"worker": workers}, "task": task})}


FRAMEWORK = Framework(
    name="keras",
    title="Keras",
    order=3,
    package="keras",
    repeating=Repeating(
        "seeds",
        "`keras.utils.set_random_seed` makes almost any program deterministic; "
        "excepted are communication over a network and some cuDNN operations",
        "https://keras.io/api/utils/python_utils/#setrandomseed-function",
    ),
    exports=(
        Export("saved-model", "tensorflow_export"),
        Export("onnx", "tensorflow_export"),
        Export("onnx-int8-dynamic", "onnx_export", of="onnx"),
        Export("onnx-int8-static", "onnx_export", of="onnx"),
        Export("openvino", "tensorflow_export"),
        Export("litert", "tensorflow_export"),
    ),
    implementations=(
        Implementation(
            "keras", "tensorflow", "adapters.keras.contender", "keras",
            "Keras 3 on TensorFlow through compile, fit and predict",
            division="tuned",
            departures=(
                _MANY_STEPS,
                "XLA is switched on or off by the task; Keras's own choice on a CPU is off",
                "sequences of up to 32 steps are unrolled, and on a CPU an LSTM is told not to "
                "look for cuDNN",
                *_DENSE, *_OWN_CALLS,
                "batches come from tf.data sets that are made once, read variables, and have "
                "autotuning switched off",
                "oneDNN is switched on by an environment variable where it is off by default",
            ),
            tests=_DEVICES,
        ),
        Implementation(
            "keras", "fit", "adapters.keras.documented", "keras",
            "the tutorials' program on TensorFlow: Sequential, compile, fit and predict",
            usual=False, division="documented",
            tests=("tests/adapters/test_documented_keras.py",),
        ),
        Implementation(
            "keras", "jax", "adapters.keras.backends", "keras",
            "Keras 3 on JAX, fit on NumPy rows", usual=False, environment=_BACKENDS,
            division="tuned", departures=(_MANY_STEPS, *_ON_OTHER_BACKENDS), tests=_DEVICES,
        ),
        Implementation(
            "keras", "torch", "adapters.keras.backends", "keras",
            "Keras 3 on PyTorch, fit on NumPy rows", usual=False, environment=_BACKENDS,
            division="tuned", departures=_ON_OTHER_BACKENDS, tests=_DEVICES,
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
    schemes=(
        Scheme(
            "keras", "data-parallel", "adapters.keras.distributed",
            "keras.distribution.DataParallel on JAX, and fit", environment=_BACKENDS,
        ),
        Scheme(
            "keras", "multi-worker-fit", "adapters.keras.distributed",
            "fit under TensorFlow's MultiWorkerMirroredStrategy", variables=cluster,
            fails="https://github.com/keras-team/keras/issues/20585",
        ),
    ),
)  # fmt: skip
