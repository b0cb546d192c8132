"""The body of `transfer-mnist`, made again: ``python -m bench.audit.pretrain``.

The oracle, in float32, learns the digits 0 to 4 that the suite ships, with the task's own body and
head, Adam and seed 0; the body's arrays are kept in tasks/data/pretrained. Frozen weights of a task
are data: whoever makes them anew may get others in the last bits, and a task of another digest only
where the file's name changes.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

import tasks
from adapters.reference.oracle import Reference
from tasks.catalogue.transfer import BODY, HEAD, TASKS
from tasks.data import digits
from tasks.data.late_digits import early
from tasks.spec.network import Task
from tasks.weights import Weights, initial_weights

EPOCHS, SEED = 5, 0


def task() -> Task:
    """The same network as a plain chain, all of it trained."""
    (late,) = TASKS
    layers = (*BODY, *HEAD)
    return replace(late, layers=layers, network=(), updates=(), pretrained="")


def learned() -> tuple[Weights, float]:
    """The body's arrays after training, and the accuracy of the whole on test rows."""
    arrays, whole = early(digits.make().arrays), task()
    x, x_test = (rows.astype(np.float32) / 255 for rows in (arrays.x_train, arrays.x_test))
    oracle = Reference(precision="fp32")
    oracle.build(whole, initial_weights(whole, SEED), SEED)
    data = oracle.stage(x, arrays.y_train)
    rng = np.random.default_rng(SEED)
    for _ in range(EPOCHS):
        steps = len(x) // whole.batch_size
        order = rng.permutation(len(x))[: steps * whole.batch_size]
        oracle.train(data, order.reshape(steps, -1).astype(np.int32))
    outputs = oracle.predict(oracle.stage(x_test, arrays.y_test), 256)
    body = {
        name: value.astype(np.float32)
        for name, value in oracle.weights().items()
        if int(name.split("_")[0]) < len(BODY)
    }
    return body, float(np.mean(outputs.argmax(axis=1) == arrays.y_test))


def main() -> None:
    """Writes the file and says how well the whole has learned."""
    body, accuracy = learned()
    path = Path(tasks.__path__[0]) / "data" / "pretrained" / "digits-early.npz"
    path.parent.mkdir(exist_ok=True)
    np.savez_compressed(path, **body)  # type: ignore[arg-type]  # its stubs take keywords for bools
    print(f"{path.name}: {', '.join(body)}; digits 0 to 4 at {accuracy:.3f}")


if __name__ == "__main__":
    main()
