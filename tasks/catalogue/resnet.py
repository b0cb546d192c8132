"""A residual network in the form of ResNet-20 (He et al. 2016), at half its width.

The rate of its momentum is constant. Under a falling one frameworks have two forms of the step:
Keras (and tf.optimizers with it) and MXNet keep the rate in the velocity, PyTorch and optax
multiply by it afterwards.
Its certificate takes 75 s of CPU, as the near-zero gradients below are drawn five times.

Three million relu units a batch, of which float32 passes other gradients than float64 wherever one
is within rounding of 0; batch norm hands that on to every layer before. At the initial weights the
oracle in float32 leaves the one in float64 by 1e-2 in the first gradients and 7e-2 in the third
loss, as PyTorch does. From weights whose units are away from 0 both stay within 1e-6 in the losses
of twelve steps at a rate of 0.05, so those are certified. Shifts that the next norm all but
takes away have gradients near zero: hence the bound of the typical weight.
"""

from __future__ import annotations

from tasks.spec.graph import Node
from tasks.spec.layers import Conv2D, Dense
from tasks.spec.network import Task
from tasks.spec.normalization import BatchNorm
from tasks.spec.training import Momentum, Proof, Target, Term, Update
from tasks.spec.vision import Add, GlobalAveragePool, Relu

ORDER = 7
WIDTHS, BLOCKS = (8, 16, 32), 3


def _normed(name: str, reads: str, filters: int, kernel: int, stride: int) -> tuple[Node, Node]:
    """A convolution without bias, which the norm after it would take away, and that norm."""
    conv = Conv2D(filters, kernel, stride=stride, padding="same", bias=False)
    norm = BatchNorm(momentum=0.9, epsilon=1e-5)
    return Node(f"{name}_conv", conv, (reads,)), Node(name, norm, (f"{name}_conv",))


def _block(name: str, reads: str, filters: int, stride: int) -> tuple[Node, ...]:
    """Two convolutions and a shortcut, of 1×1 where the shape changes."""
    nodes = [
        *_normed(f"{name}_first", reads, filters, 3, stride),
        Node(f"{name}_relu", Relu(), (f"{name}_first",)),
        *_normed(f"{name}_second", f"{name}_relu", filters, 3, 1),
    ]
    shortcut = reads
    if stride > 1:
        nodes += _normed(f"{name}_shortcut", reads, filters, 1, stride)
        shortcut = f"{name}_shortcut"
    nodes.append(Node(f"{name}_sum", Add(), (f"{name}_second", shortcut)))
    return (*nodes, Node(name, Relu(), (f"{name}_sum",)))


def residual() -> tuple[Node, ...]:
    """The whole network: 20 layers with weights, and the shortcuts'."""
    nodes = [*_normed("stem", "x", WIDTHS[0], 3, 1), Node("stem_relu", Relu(), ("stem",))]
    reads = "stem_relu"
    for stage, filters in enumerate(WIDTHS, start=1):
        for number in range(1, BLOCKS + 1):
            name = f"block{stage}{number}"
            nodes += _block(name, reads, filters, 2 if stage > 1 and number == 1 else 1)
            reads = name
    return (
        *nodes,
        Node("pool", GlobalAveragePool(), (reads,)),
        Node("logits", Dense(10), ("pool",)),
    )


TASKS = (
    Task(
        name="resnet-photos",
        family="resnet",
        summary="32×32×3, ResNet-20 8/16/32 wide with batch norm on photograph patches",
        data="photos-32-10",
        input_shape=(32, 32, 3),
        layers=(),
        loss="sparse_categorical_crossentropy",
        metric="accuracy",
        epochs=10,
        round_steps=6,
        infer_batches=1,
        target=Target(0.75, "ten epochs end at 0.813, 0.876 and 0.891 (three seeds, PyTorch)"),
        proof=Proof(learning_rate=0.005, typical=5e-3, off_kinks=True),
        network=residual(),
        updates=(
            Update(
                (Term("logits", "sparse_categorical_crossentropy", label_smoothing=0.1),),
                (),
                Momentum(0.005, 0.9),
            ),
        ),
    ),
)
