"""TensorFlow, as the suite knows it before it is installed."""

from __future__ import annotations

import json

from adapters.base import Export, Framework, Implementation, Place, Scheme
from adapters.repeating import Repeating

_MODULE = "adapters.tensorflow.contender"


def cluster(place: Place) -> dict[str, str]:
    """TF_CONFIG, which says who the workers are; one alone needs none."""
    if place.size == 1:
        return {}
    workers = [f"127.0.0.1:{port}" for port in place.ports[: place.size]]
    task = {"type": "worker", "index": place.rank}
    return {"TF_CONFIG": json.dumps({"cluster": {"worker": workers}, "task": task})}


FRAMEWORK = Framework(
    name="tensorflow",
    title="TensorFlow",
    order=1,
    package="tensorflow",
    repeating=Repeating(
        "a switch",
        "seeds, and `tf.config.experimental.enable_op_determinism()`; by default ops "
        "might differ",
        "https://www.tensorflow.org/api_docs/python/tf/config/experimental/enable_op_"
        "determinism",
    ),
    exports=(
        Export("saved-model", "tensorflow_export"),
        Export("saved-model-xla", "tensorflow_export"),
        Export("litert", "tensorflow_export"),
        Export("litert-int8-dynamic", "tensorflow_export"),
        Export("onnx", "tensorflow_export"),
        Export("onnx-int8-dynamic", "onnx_export", of="onnx"),
        Export("onnx-int8-static", "onnx_export", of="onnx"),
        Export("openvino", "tensorflow_export"),
    ),
    implementations=(
        Implementation(
            "tensorflow", "graph", _MODULE, "tensorflow",
            "tf.Module and tf.function, TensorFlow's own fused kernels; no Keras",
            division="tuned",
            departures=(
                "all steps of a call run in one tf.while_loop inside the graph: Python is entered "
                "once a call, not once a step",
                "rows are on the device and gathered by number inside the graph, without tf.data",
                "Adam and SGD are fused kernels called through tf.raw_ops, without tf.optimizers",
                "an LSTM is the kernel BlockLSTMV2 from tf.raw_ops with a gradient written by "
                "hand; on a GPU recurrent layers are CudnnRNN from tf.raw_ops",
                "inference loops over its batches inside the graph and takes recurrent layers "
                "over up to 32 time steps in another form",
                "the batch size is fixed in the signature, and concrete functions are called",
                "oneDNN is asked for (TF_ENABLE_ONEDNN_OPTS=1), and one inter-op thread",
                "images are warped by ImageProjectiveTransformV3 from tf.raw_ops",
            ),
            tests=("tests/adapters/test_tensorflow_on_cuda.py",),
        ),
        Implementation(
            "tensorflow", "xla", _MODULE, "tensorflow",
            "the same with jit_compile: XLA compiles the whole loop of steps", usual=False,
            division="tuned",
            departures=(
                "all steps of a call run in one tf.while_loop inside the compiled program",
                "rows are on the device and gathered by number there, without tf.data",
                "Adam and SGD are fused kernels called through tf.raw_ops, without tf.optimizers",
                "on a CPU convolution is written as one product and max pooling by tf.where, "
                "instead of tf.nn",
                "recurrent layers are laid out step by step, up to 32 time steps on a CPU; longer "
                "LSTMs loop over products made ahead",
                "inference unrolls eight batches into one program",
                "the batch size is fixed in the signature, and concrete functions are called",
                "oneDNN is asked for (TF_ENABLE_ONEDNN_OPTS=1), and one inter-op thread",
            ),
        ),
        Implementation(
            "tensorflow", "eager", _MODULE, "tensorflow",
            "the same, operation by operation", usual=False,
            division="tuned",
            departures=(
                "rows are on the device and gathered by number, without tf.data",
                "Adam and SGD are fused kernels called through tf.raw_ops, without tf.optimizers",
                "an LSTM is the kernel BlockLSTMV2 from tf.raw_ops with a gradient written by "
                "hand; on a GPU recurrent layers are CudnnRNN from tf.raw_ops",
                "oneDNN is asked for (TF_ENABLE_ONEDNN_OPTS=1), and one inter-op thread",
                "images are warped by ImageProjectiveTransformV3 from tf.raw_ops",
            ),
        ),
        Implementation(
            "tensorflow", "function", "adapters.tensorflow.documented", "tensorflow",
            "the guides' program: tf.Module, tf.data, one step under tf.function, tf.optimizers",
            usual=False,
            division="documented",
            tests=("tests/adapters/test_documented_tensorflow.py",),
        ),
    ),
    schemes=(
        Scheme(
            "tensorflow", "multi-worker", "adapters.tensorflow.distributed",
            "MultiWorkerMirroredStrategy over gRPC, with a loop of its own", variables=cluster,
        ),
    ),
)  # fmt: skip
