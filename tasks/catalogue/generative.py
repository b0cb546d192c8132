"""Networks that give images: an autoencoder, and a generator with its adversary, whose digits are
judged by their features (tasks/features.py)."""

from __future__ import annotations

from tasks.data.pixels import NOISE
from tasks.spec.graph import TARGETS, Node, chain
from tasks.spec.layers import Dense, Flatten, Layer
from tasks.spec.network import Task
from tasks.spec.training import Adam, Loss, Target, Term, Update
from tasks.spec.vision import LeakyRelu, Slice

ORDER = 8
_CROSS_ENTROPY: Loss = "binary_crossentropy"

_AUTOENCODER = Task(
    name="autoencoder-mnist",
    family="autoencoder",
    summary="Flatten, Dense 32 relu, Dense 784: handwritten digits through 32 numbers",
    data="digits-pixels",
    input_shape=(28, 28),
    target_shape=(784,),
    layers=(),
    loss=_CROSS_ENTROPY,
    metric="cross_entropy",
    epochs=10,
    round_steps=400,
    target=Target(0.15, "ten epochs end at 0.130 and 0.130 (two seeds, PyTorch)"),
    network=chain((Flatten(), Dense(32, "relu"), Dense(784))),
)


def _path(begin: str, layers: dict[str, Layer], reads: str, shares: str = "") -> tuple[Node, ...]:
    """Layers by name, one after the other, as nodes whose names begin with `begin`; `shares`: the
    beginning of the nodes whose arrays they use."""
    nodes: list[Node] = []
    for name, layer in layers.items():
        owner = f"{shares}_{name}" if shares else ""
        nodes.append(Node(f"{begin}_{name}", layer, (reads,), owner))
        reads = nodes[-1].name
    return tuple(nodes)


_GENERATOR: dict[str, Layer] = {"hidden": Dense(128, "relu"), "image": Dense(784, "sigmoid")}
_DISCRIMINATOR: dict[str, Layer] = {
    "wide": Dense(128),
    "leaky": LeakyRelu(0.2),
    "logit": Dense(1),
}
_ADAM = Adam(5e-4, beta_1=0.5)

# One step: the discriminator learns to tell real digits from generated ones, then the generator
# to have other generated ones taken for real (Goodfellow et al. 2014, the loss that does not
# saturate). Each has noise of its own, as in Keras's example of a custom train step.
_ADVERSARIES = Task(
    name="gan-mnist",
    family="gan",
    summary="generator Dense 128 relu, Dense 784; discriminator Dense 128, Dense 1: digits",
    data="digits-noise",
    input_shape=(2 * NOISE,),
    target_shape=(28, 28, 1),
    layers=(),
    loss=_CROSS_ENTROPY,
    metric="frechet_distance",
    epochs=30,
    round_steps=100,
    target=Target(
        35.0,
        "thirty epochs end at 16 to 26, and 14 to 18 of them reach it (`bench run --profile full`, "
        "two seeds, PyTorch and JAX); random pixels are at 145, real digits at 0.4",
    ),
    network=(
        Node("noise", Slice(0, NOISE), ("x",)),
        Node("other", Slice(NOISE, 2 * NOISE), ("x",)),
        *_path("made", _GENERATOR, "noise"),
        *_path("again", _GENERATOR, "other", shares="made"),
        Node("pixels", Flatten(), (TARGETS,)),
        *_path("real", _DISCRIMINATOR, "pixels"),
        *_path("told", _DISCRIMINATOR, "made_image", shares="real"),
        *_path("fooled", _DISCRIMINATOR, "again_image", shares="real"),
    ),
    updates=(
        Update(
            (Term("real_logit", _CROSS_ENTROPY, 1.0), Term("told_logit", _CROSS_ENTROPY, 0.0)),
            ("real_wide", "real_logit"),
            _ADAM,
        ),
        Update((Term("fooled_logit", _CROSS_ENTROPY, 1.0),), ("made_hidden", "made_image"), _ADAM),
    ),
    output="made_image",
)

TASKS = (_AUTOENCODER, _ADVERSARIES)
