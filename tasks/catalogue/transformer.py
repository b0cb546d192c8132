"""Transformers: an encoder that classifies, and a small GPT.

The encoder is Keras's example of text classification with a Transformer: one block 32 wide with 2
heads, norms after the sums, the mean over all places, padding among them; with half the words and
without dropout. Words and places are normalised before the block, as in BERT: without that the
scores of the initial weights differ so little that the key's gradient is what rounding leaves of
numbers of one size, and TensorFlow's certificate is refused. Its reviews pair words by subject
(tasks/data/subjects.py says why not by place).
"""

from __future__ import annotations

from tasks.spec.graph import Node
from tasks.spec.layers import Dense, Embedding, Layer
from tasks.spec.network import Task
from tasks.spec.normalization import LayerNorm
from tasks.spec.sequence import Gelu, PositionalEmbedding, SelfAttention, Unembedding
from tasks.spec.training import Adam, AdamW, Target, Term, Update, WarmupCosine
from tasks.spec.vision import Add, GlobalAveragePool

ORDER = 6
_LETTERS = 63


def _post_norm(wide: int, units: int, heads: int) -> tuple[Node, ...]:
    """A block as Vaswani et al. 2017 and Keras's example have it: norms after the sums."""
    return (
        Node("attention", SelfAttention(heads), ("normed",)),
        Node("attended", Add(), ("normed", "attention")),
        Node("norm", LayerNorm(1e-6), ("attended",)),
        Node("wide", Dense(wide, "relu"), ("norm",)),
        Node("narrow", Dense(units), ("wide",)),
        Node("sum", Add(), ("norm", "narrow")),
        Node("out", LayerNorm(1e-6), ("sum",)),
    )


def _pre_norm(number: int, reads: str, units: int, heads: int) -> tuple[Node, ...]:
    """A block as GPT-2 has it: norms before what they feed."""
    layers: tuple[tuple[str, Layer, tuple[str, ...]], ...] = (
        ("norm", LayerNorm(1e-5), (reads,)),
        ("attention", SelfAttention(heads, causal=True), (f"{number}_norm",)),
        ("attended", Add(), (reads, f"{number}_attention")),
        ("wide_norm", LayerNorm(1e-5), (f"{number}_attended",)),
        ("wide", Dense(4 * units), (f"{number}_wide_norm",)),
        ("gelu", Gelu("tanh"), (f"{number}_wide",)),
        ("narrow", Dense(units), (f"{number}_gelu",)),
        ("out", Add(), (f"{number}_attended", f"{number}_narrow")),
    )
    return tuple(Node(f"{number}_{name}", layer, read) for name, layer, read in layers)


_ENCODER = Task(
    name="transformer-imdb",
    family="transformer",
    summary="10,000 words, length 200, one Transformer block 32 wide with 2 heads: sentiment",
    data="reviews-subjects",
    input_shape=(200,),
    layers=(),
    loss="binary_crossentropy",
    metric="accuracy",
    epochs=3,
    round_steps=12,
    infer_batches=2,
    target=Target(
        0.90,
        "0.927 and 0.942 after one epoch, 0.946 and 0.988 after three, a bag of words 0.766; "
        "IMDb 0.869 and 0.877 after one, 0.864 after two (two seeds, PyTorch)",
        0.85,
    ),
    network=(
        Node("tokens", Embedding(10_000, 32), ("x",)),
        Node("places", PositionalEmbedding(), ("tokens",)),
        Node("normed", LayerNorm(1e-6), ("places",)),
        *_post_norm(32, 32, 2),
        Node("mean", GlobalAveragePool(), ("out",)),
        Node("hidden", Dense(20, "relu"), ("mean",)),
        Node("logit", Dense(1), ("hidden",)),
    ),
    updates=(Update((Term("logit", "binary_crossentropy"),), (), Adam()),),
)

# Smaller than nanoGPT's setting for a CPU (4 layers, 128 wide), so that its certificate takes well
# under a minute; its rate and the length of its schedule are ours.
_GPT = Task(
    name="gpt-chars",
    family="transformer",
    summary="63 letters, length 64, a GPT of 2 layers 64 wide with 4 heads: the next letter",
    data="letters",
    input_shape=(64,),
    target_shape=(64,),
    layers=(),
    loss="sparse_categorical_crossentropy",
    metric="cross_entropy",
    epochs=2,
    round_steps=6,
    batch_size=12,
    infer_batches=1,
    target=Target(
        1.95,
        "two epochs end at 1.859 to 1.875, 2.04 to 2.07 after the first (three seeds, PyTorch)",
    ),
    network=(
        Node("tokens", Embedding(_LETTERS, 64), ("x",)),
        Node("places", PositionalEmbedding(), ("tokens",)),
        *_pre_norm(1, "places", 64, 4),
        *_pre_norm(2, "1_out", 64, 4),
        Node("norm", LayerNorm(1e-5), ("2_out",)),
        Node("logits", Unembedding(_LETTERS), ("norm",), shares="tokens"),
    ),
    updates=(
        Update(
            (Term("logits", "sparse_categorical_crossentropy"),),
            (),
            AdamW(
                2e-3,
                weight_decay=0.1,
                beta_2=0.99,
                clip_norm=1.0,
                schedule=WarmupCosine(warmup=100, steps=1800, end=0.1),
            ),
        ),
    ),
)

TASKS = (_ENCODER, _GPT)
