"""The weights that are deployed: a task trained once, in the first framework that is there.

``python -m bench.worker.deploy.learned REQUEST.json ANSWER.npz``. The same weights go into every
export, so that what is compared is the way and not the training.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path

import numpy as np

from bench.proof.artefact import score_of
from bench.worker.deploy.serve import BATCH, SCORED_ROWS
from tasks.data import arrays
from tasks.draws import draw_warps
from tasks.spec.form import restored
from tasks.weights import initial_weights

MOST_EPOCHS = 5  # of training: weights must be useful, not the best


def main(words: list[str]) -> None:
    """Writes the weights by their canonical names, and the score under "score"."""
    request = json.loads(Path(words[0]).read_text(encoding="utf-8"))
    task, data = restored(request["work"]), arrays.load(Path(request["data"]))
    contender = import_module(request["module"]).Contender(
        request["mode"], "cpu", "fp32", request["threads"]
    )
    contender.build(task, initial_weights(task, request["seed"]), request["seed"])
    staged = contender.stage(np.asarray(data.x_train), np.asarray(data.y_train))
    for epoch in range(min(MOST_EPOCHS, task.epochs)):
        rng = np.random.default_rng((request["seed"], epoch))
        steps = len(data.y_train) // task.batch_size
        order = rng.permutation(len(data.y_train))[: steps * task.batch_size]
        order = order.reshape(steps, task.batch_size).astype(np.int32)
        warps = task.augmentation and draw_warps(
            task.augmentation, *order.shape, task.input_shape, epoch
        )
        contender.train(staged, order, warps)
    contender.wait()
    tested = contender.stage(
        np.asarray(data.x_test[:SCORED_ROWS]), np.asarray(data.y_test[:SCORED_ROWS])
    )
    score = score_of(task, contender.predict(tested, BATCH), np.asarray(data.y_test[:SCORED_ROWS]))
    with open(words[1], "wb") as file:
        np.savez(file, score=np.float64(score), **contender.weights())


if __name__ == "__main__":
    main(sys.argv[1:])
