"""Transfer learning as Keras's mnist_transfer_cnn has it: a body that learned the digits 0 to 4,
kept as it is, and a head that learns 5 to 9.

The body's arrays are data of the suite's: `python -m bench.audit.pretrain` makes them, with the
oracle. Its relu and pools move nothing: only the head's units can meet a kink.
"""

from __future__ import annotations

from tasks.spec.graph import chain
from tasks.spec.layers import Conv2D, Dense, Flatten, MaxPool2D
from tasks.spec.network import Task
from tasks.spec.training import Adam, Target, Term, Update

ORDER = 9
BODY = (Conv2D(8, 3, "relu"), MaxPool2D(), Conv2D(16, 3, "relu"), MaxPool2D(), Flatten())
HEAD = (Dense(64, "relu"), Dense(5))
_NODES = chain((*BODY, *HEAD))
_HEAD = tuple(node.name for node in _NODES[len(BODY) :])

TASKS = (
    Task(
        name="transfer-mnist",
        family="transfer",
        summary="Conv 8, pool, Conv 16, pool of digits 0-4, frozen; Dense 64 relu, Dense 5: 5-9",
        data="digits-late",
        input_shape=(28, 28, 1),
        layers=(),
        loss="sparse_categorical_crossentropy",
        metric="accuracy",
        epochs=5,
        round_steps=60,
        target=Target(
            0.94,
            "five epochs end at 0.950 to 0.964, the first at 0.91 to 0.93 (three seeds, PyTorch)",
        ),
        network=_NODES,
        updates=(Update((Term(_HEAD[-1], "sparse_categorical_crossentropy"),), _HEAD, Adam()),),
        pretrained="digits-early",
    ),
)
