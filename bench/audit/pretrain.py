"""Arrays that tasks begin with or are judged by, made again: ``python -m bench.audit.pretrain``.

The oracle, in float32, learns digits that the suite ships, with Adam and seed 0, and arrays are
kept in tasks/data/pretrained:

- digits-early: the body of `transfer-mnist`, which learned the digits 0 to 4 under the task's head;
- digits-all: the digit network in whose features `gan-mnist` is scored, which learned all ten.

They are data: whoever makes them anew may get others in the last bits, and a task of another digest
only where the file's name changes.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

import tasks
from adapters.reference.oracle import Reference
from tasks.catalogue.transfer import BODY, HEAD, TASKS
from tasks.data import digits
from tasks.data.arrays import Arrays
from tasks.data.late_digits import early
from tasks.features import DIGITS, FEATURES
from tasks.spec.network import Task, task_arrays
from tasks.weights import Weights, initial_weights

EPOCHS, SEED = 5, 0


def early_task() -> Task:
    """The network of `transfer-mnist` as a plain chain, all of it trained."""
    (late,) = TASKS
    layers = (*BODY, *HEAD)
    return replace(late, layers=layers, network=(), updates=(), pretrained="")


def learned(whole: Task, arrays: Arrays) -> tuple[Weights, float]:
    """All arrays after training, and the accuracy on test rows. arrays: images of bytes."""
    x, x_test = (
        rows.reshape(-1, *whole.input_shape).astype(np.float32) / 255
        for rows in (arrays.x_train, arrays.x_test)
    )
    oracle = Reference(precision="fp32")
    oracle.build(whole, initial_weights(whole, SEED), SEED)
    data = oracle.stage(x, arrays.y_train)
    rng = np.random.default_rng(SEED)
    for _ in range(EPOCHS):
        steps = len(x) // whole.batch_size
        order = rng.permutation(len(x))[: steps * whole.batch_size]
        oracle.train(data, order.reshape(steps, -1).astype(np.int32))
    outputs = oracle.predict(oracle.stage(x_test, arrays.y_test), 256)
    return oracle.weights(), float(np.mean(outputs.argmax(axis=1) == arrays.y_test))


def main() -> None:
    """Writes both files and says how well each network has learned."""
    images, body = digits.make().arrays, task_arrays(replace(early_task(), layers=BODY))
    _write("digits-early", early_task(), early(images), set(body))
    _write("digits-all", DIGITS, images, set(task_arrays(FEATURES)))


def _write(name: str, whole: Task, arrays: Arrays, kept: set[str]) -> None:
    weights, accuracy = learned(whole, arrays)
    path = Path(tasks.__path__[0]) / "data" / "pretrained" / f"{name}.npz"
    path.parent.mkdir(exist_ok=True)
    stored = {key: value.astype(np.float32) for key, value in weights.items() if key in kept}
    np.savez_compressed(path, **stored)  # type: ignore[arg-type]  # its stubs take keywords for bools
    print(f"{path.name}: {', '.join(stored)}; accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
