"""Small graphs with random data: one of each mechanism, and every layer in them."""

from __future__ import annotations

import numpy as np

from tasks.spec.graph import Node, chain
from tasks.spec.layers import LSTM, Conv2D, Dense, Embedding, Flatten, Layer
from tasks.spec.network import Family, Task
from tasks.spec.normalization import BatchNorm, LayerNorm
from tasks.spec.sequence import (
    GRU,
    Bidirectional,
    Gelu,
    PositionalEmbedding,
    SelfAttention,
    Unembedding,
)
from tasks.spec.training import Adam, AdamW, Loss, Momentum, Score, Term, Update, WarmupCosine
from tasks.spec.vision import (
    Add,
    AveragePool2D,
    Concat,
    GlobalAveragePool,
    LeakyRelu,
    Relu,
    Reshape,
    Slice,
    TransposedConv2D,
)

_CLASSES: Loss = "sparse_categorical_crossentropy"
_NORM = BatchNorm(momentum=0.9, epsilon=1e-3)


def _conv(filters: int, kernel: int = 3, stride: int = 1) -> Conv2D:
    return Conv2D(filters, kernel, stride=stride, padding="same", bias=False)


def graph(
    name: str,
    family: Family,
    shape: tuple[int, ...],
    nodes: tuple[Node, ...],
    updates: tuple[Update, ...],
    metric: Score = "accuracy",
    output: str = "",
    target_shape: tuple[int, ...] = (),
) -> Task:
    """A task on random rows; its loss is the first update's."""
    return Task(
        name, family, "", "", shape, (), updates[0].terms[0].loss, metric, epochs=1, round_steps=4,
        batch_size=8, infer_batches=1, network=nodes, updates=updates, output=output,
        target_shape=target_shape,
    )  # fmt: skip


RESIDUAL = graph(
    "small-residual",
    "resnet",
    (6, 6, 2),
    (
        Node("conv", _conv(4), ("x",)),
        Node("norm", _NORM, ("conv",)),
        Node("relu", Relu(), ("norm",)),
        Node("strided", _conv(6, 3, 2), ("relu",)),
        Node("strided_norm", _NORM, ("strided",)),
        Node("shortcut", _conv(6, 1, 2), ("relu",)),
        Node("sum", Add(), ("strided_norm", "shortcut")),
        Node("sum_relu", Relu(), ("sum",)),
        Node("pool", GlobalAveragePool(), ("sum_relu",)),
        Node("logits", Dense(10), ("pool",)),
    ),
    (Update((Term("logits", _CLASSES, label_smoothing=0.1),), (), Momentum(0.05, 0.9)),),
)


def _block(begin: str, reads: str, heads: int, causal: bool, wide: int, units: int) -> list[Node]:
    """A pre-norm block of a Transformer."""
    return [
        Node(f"{begin}_norm", LayerNorm(1e-5), (reads,)),
        Node(f"{begin}_attention", SelfAttention(heads, causal), (f"{begin}_norm",)),
        Node(f"{begin}_sum", Add(), (reads, f"{begin}_attention")),
        Node(f"{begin}_wide_norm", LayerNorm(1e-5), (f"{begin}_sum",)),
        Node(f"{begin}_wide", Dense(wide), (f"{begin}_wide_norm",)),
        Node(f"{begin}_gelu", Gelu("tanh" if causal else "erf"), (f"{begin}_wide",)),
        Node(f"{begin}_narrow", Dense(units), (f"{begin}_gelu",)),
        Node(f"{begin}_out", Add(), (f"{begin}_sum", f"{begin}_narrow")),
    ]


LANGUAGE = graph(
    "small-language",
    "transformer",
    (7,),
    (
        Node("tokens", Embedding(11, 8), ("x",)),
        Node("places", PositionalEmbedding(), ("tokens",)),
        *_block("a", "places", 2, True, 16, 8),
        Node("norm", LayerNorm(1e-5), ("a_out",)),
        Node("logits", Unembedding(11), ("norm",), shares="tokens"),
    ),
    (
        Update(
            (Term("logits", _CLASSES),),
            (),
            AdamW(1e-2, 0.1, beta_2=0.99, clip_norm=0.5, schedule=WarmupCosine(4, 16, 0.1)),
        ),
    ),
    metric="cross_entropy",
    target_shape=(7,),
)

ENCODER = graph(
    "small-encoder",
    "transformer",
    (9,),
    (
        Node("tokens", Embedding(20, 8), ("x",)),
        Node("places", PositionalEmbedding(), ("tokens",)),
        *_block("a", "places", 2, False, 12, 8),
        Node("mean", GlobalAveragePool(), ("a_out",)),
        Node("logit", Dense(1), ("mean",)),
    ),
    (Update((Term("logit", "binary_crossentropy"),)),),
)

GATES = graph(
    "small-gates",
    "lstm",
    (5, 3),
    (
        Node("gru", GRU(4, sequences=True), ("x",)),
        Node("both", Bidirectional(LSTM(3, sequences=True)), ("gru",)),
        Node("beside", Concat(), ("gru", "both")),
        Node("lstm", LSTM(4, sequences=True), ("beside",)),
        Node("end", Bidirectional(GRU(3)), ("lstm",)),
        Node("logit", Dense(1), ("end",)),
    ),
    (Update((Term("logit", "binary_crossentropy"),)),),
)

PIXELS = graph(
    "small-pixels",
    "autoencoder",
    (4, 4, 2),
    (
        Node("code", Conv2D(3, 3, "relu", padding="same"), ("x",)),
        Node("pool", AveragePool2D(), ("code",)),
        Node("wider", TransposedConv2D(3, 4, 2, "tanh"), ("pool",)),
        Node("even", TransposedConv2D(2, 3, 2), ("wider",)),
        Node("shrunk", AveragePool2D(), ("even",)),
    ),
    (Update((Term("shrunk", "binary_crossentropy"),)),),
    metric="cross_entropy",
    target_shape=(4, 4, 2),
)


def _judge(begin: str, reads: str, shares: str = "") -> list[Node]:
    layers: tuple[Layer, ...] = (Flatten(), Dense(8), LeakyRelu(0.2), Dense(1))
    return [
        Node(f"{begin}{number}", layer, (reads if not number else f"{begin}{number - 1}",),
             f"{shares}{number}" if shares else "")
        for number, layer in enumerate(layers)
    ]  # fmt: skip


ADVERSARIES = graph(
    "small-adversaries",
    "gan",
    (6,),
    (
        Node("noise", Slice(0, 3), ("x",)),
        Node("dense", Dense(8, "relu"), ("noise",)),
        Node("square", Reshape((2, 2, 2)), ("dense",)),
        Node("fake", TransposedConv2D(1, 4, 2, "sigmoid"), ("square",)),
        Node("other_noise", Slice(3, 6), ("x",)),
        Node("other_dense", Dense(8, "relu"), ("other_noise",), "dense"),
        Node("other_square", Reshape((2, 2, 2)), ("other_dense",)),
        Node("other_fake", TransposedConv2D(1, 4, 2, "sigmoid"), ("other_square",), "fake"),
        *_judge("real", "y"),
        *_judge("made", "fake", "real"),
        *_judge("fooled", "other_fake", "real"),
    ),
    (
        Update(
            (
                Term("real3", "binary_crossentropy", 1.0),
                Term("made3", "binary_crossentropy", 0.0),
            ),
            ("real1", "real3"),
            Adam(2e-3, beta_1=0.5),
        ),
        Update(
            (Term("fooled3", "binary_crossentropy", 1.0),),
            ("dense", "fake"),
            Adam(1e-3, beta_1=0.5),
        ),
    ),
    metric="rmse",  # what it gives is not scored
    output="fake",
    target_shape=(4, 4, 1),
)

FROZEN = graph(
    "small-frozen",
    "transfer",
    (6, 6, 1),
    chain(
        (
            Conv2D(3, 3, "relu"),
            BatchNorm(0.9, 1e-3, frozen=True),
            Flatten(),
            Dense(6, "relu"),
            Dense(5),
        )
    ),
    (Update((Term("4_dense", _CLASSES),), ("3_dense", "4_dense")),),
)

GRAPHS = (RESIDUAL, LANGUAGE, ENCODER, GATES, PIXELS, ADVERSARIES, FROZEN)


def graph_rows(task: Task, count: int = 24, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Random rows and targets of a task's shapes and types."""
    rng = np.random.default_rng(seed)
    if task.input_dtype == "int32":
        words = next(n.layer for n in task.nodes if isinstance(n.layer, Embedding)).vocabulary
        x = rng.integers(0, words, (count, *task.input_shape)).astype(np.int32)
    else:
        x = rng.standard_normal((count, *task.input_shape)).astype(np.float32)
    shape = (count, *task.target_shape)
    if task.target_dtype == "int32":
        y = rng.integers(0, _classes(task), shape).astype(np.int32)
    elif task.target_shape:
        y = rng.random(shape).astype(np.float32)
    else:
        y = rng.integers(0, 2, shape).astype(np.float32)
    return x, y


def _classes(task: Task) -> int:
    last = task.nodes[-1].layer
    return last.vocabulary if isinstance(last, Unembedding) else getattr(last, "units", 2)
