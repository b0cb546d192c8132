"""JAX, as the suite knows it before it is installed."""

from __future__ import annotations

from adapters.base import Export, Framework, Implementation, Scheme
from adapters.repeating import Repeating

FRAMEWORK = Framework(
    name="jax",
    title="JAX",
    order=5,
    package="jax",
    repeating=Repeating(
        "nothing",
        "random numbers are a function of their key; of arithmetic nothing is said "
        "for the CPU",
        "https://docs.jax.dev/en/latest/random-numbers.html",
    ),
    interface=("jax", "flax", "optax"),
    exports=(
        Export("jax-export", "jax_export"),
        Export("xla-executable", "jax_export"),
        Export("saved-model", "jax_export"),
        Export("litert", "jax_export"),
        Export("onnx", "jax_export"),
        Export("onnx-int8-dynamic", "onnx_export", of="onnx"),
        Export("onnx-int8-static", "onnx_export", of="onnx"),
        Export("openvino", "jax_export"),
    ),
    implementations=(
        Implementation(
            "jax", "jit", "adapters.jax.contender", "jax",
            "functions of arrays and a jitted scan of steps, written for speed", usual=False,
            division="tuned",
            departures=(
                "a program runs up to 500 steps in one lax.scan and gathers their rows itself; "
                "only with convolutions is a step a call",
                "rows are on the device before training begins",
                "one of XLA's experimental options leaves convolutions to Eigen "
                "(xla_cpu_experimental_ynn_fusion_type)",
                "an LSTM or GRU of more than 32 time steps has a gradient of its own "
                "(jax.custom_vjp); on a GPU every float32 LSTM of a chain is cuDNN's, by "
                "jax.experimental.rnn",
                "attention's queries, keys and values are one product, and a graph's weight decay, "
                "clipping and schedule are written by hand too",
                "on a GPU memory is taken when it is needed (XLA_PYTHON_CLIENT_PREALLOCATE), not "
                "three quarters of it beforehand",
                "max pooling is made of jnp.where over strided views",
                "recurrent layers of up to 32 time steps are written out step by step",
                "Adam and the losses are written by hand, not taken from optax",
                "the state is donated to each call",
                "predictions run eight batches in one program",
                "losses are read once a call, not once a step",
            ),
        ),
        Implementation(
            "jax", "eager", "adapters.jax.contender", "jax",
            "the same without jax.jit, operation by operation; up to 32 time steps", usual=False,
            division="tuned",
            departures=(
                "JAX is meant to be used with jax.jit; this is how one debugs it",
                "an operation at a time, except that one function is jitted by itself: max "
                "pooling, made of jnp.where over strided views",
                "recurrent layers are written out step by step",
                "Adam and the losses are written by hand, not taken from optax",
                "rows are on the device before training begins, and losses are read once a call",
            ),
        ),
        Implementation(
            "jax", "flax", "adapters.jax.documented", "flax",
            "Flax's own program: NNX modules, one nnx.jit training step, optax",
            environment="jax_flax",
            tests=(
                "tests/adapters/test_documented_jax.py", "tests/adapters/test_jax_device.py",
                "tests/adapters/test_jax_graphs.py",
            ),
            division="documented",
        ),
    ),
    schemes=(
        Scheme(
            "jax", "sharded", "adapters.jax.distributed",
            "jax.distributed, one jitted step over arrays that are cut by rows",
        ),
    ),
)  # fmt: skip
