"""The certificate of an exported file: the answers of a runtime beside the oracle's.

Sizes are ones that the export did not see: two batches, and two lengths of a sequence. A file that
takes one size only, and says so, is asked at that size, with other rows. The outputs must be within
float32's bound of the float64 oracle; in a lower precision the score decides instead
(`accepted`), as MLPerf's rules have it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from adapters.base import Setting
from adapters.deployment import TRACED_BATCH, Artefact, Width
from adapters.reference.oracle import Reference
from bench.proof.bounds import bound, relative
from bench.proof.checks import Check, count
from bench.proof.rows import distinct_rows
from tasks.spec.layers import LSTM, SimpleRNN
from tasks.spec.network import Task
from tasks.weights import Weights

Predict = Callable[[np.ndarray], np.ndarray]
"""Rows as the file wants them → outputs (N, units)."""

BATCHES = (1, 7, 3)  # none is what was traced; the single row is what is timed
SHORTER, LONGER = 3, 5  # steps: lengths beside the task's own
KEPT_OF_SCORE, KEPT_STRICTLY = 0.99, 0.999  # of float32's score (MLPerf Inference, closed division)
WIDTHS = {"fp32": "fp32", "bf16": "bf16"}


def certify_artefact(
    task: Task, weights: Weights, artefact: Artefact, predict: Predict, x: np.ndarray
) -> tuple[Check, ...]:
    """All checks of a file of float32. x: (N, *input) canonical rows to draw from."""
    assert TRACED_BATCH not in BATCHES
    oracle = Reference()
    oracle.build(task, weights, 0)
    checks = []
    for batch, length in sizes(task, artefact):
        rows = _of_length(distinct_rows(x, batch, 31 * batch + (length or 0)), length)
        checks.append(_compared(task, oracle, artefact, predict, rows, length))
    rows = distinct_rows(x, artefact.batch or BATCHES[1], 97)
    checks.append(_again(artefact, predict, rows))
    return tuple(checks)


def sizes(task: Task, artefact: Artefact) -> list[tuple[int, int | None]]:
    """(batch, length) that are asked; a length of None is the task's own."""
    batches = (artefact.batch, artefact.batch) if artefact.batch else BATCHES
    found: list[tuple[int, int | None]] = [(batch, None) for batch in batches]
    if artefact.length is None and any(isinstance(x, LSTM | SimpleRNN) for x in task.layers):
        own = task.input_shape[0]
        found += [(batches[0], own - SHORTER), (batches[1], own + LONGER)]
    return found


def _of_length(rows: np.ndarray, length: int | None) -> np.ndarray:
    """Sequences cut, or gone on with from their own beginning."""
    if length is None:
        return rows
    times = -(-length // rows.shape[1])
    return np.ascontiguousarray(np.concatenate([rows] * times, axis=1)[:, :length])


def _compared(
    task: Task,
    oracle: Reference,
    artefact: Artefact,
    predict: Predict,
    rows: np.ndarray,
    length: int | None,
) -> Check:
    name = f"outputs, batch of {len(rows)}" + (f", length {length}" if length else "")
    expected = oracle.predict(oracle.stage(rows, np.zeros(len(rows))), len(rows))
    try:
        got = np.asarray(predict(artefact.laid_out(rows)))
    except Exception as error:  # a runtime's refusal is the answer to this check
        words = " ".join(str(error).split())[:300]
        return Check(name, float("inf"), bound(task, "outputs"), words, kind="artefact")
    detail = "" if got.shape == expected.shape else f"shape {got.shape}, not {expected.shape}"
    limit = bound(task, "outputs")
    return Check(name, relative(got, expected), limit, detail, kind="artefact")


def _again(artefact: Artefact, predict: Predict, rows: np.ndarray) -> Check:
    """The same rows give the same answer again: no state is left of the call before."""
    name = "the same rows again"
    try:
        predict(artefact.laid_out(rows))
        first = np.array(predict(artefact.laid_out(rows)))
        predict(artefact.laid_out(rows[::-1]))
        second = np.array(predict(artefact.laid_out(rows)))
    except Exception as error:
        return Check(name, float("inf"), 1e-6, " ".join(str(error).split())[:300], kind="artefact")
    return Check(name, relative(second, first), 1e-6, kind="artefact")


def set_as_asked(settings: dict[str, Setting], threads: int, width: Width) -> tuple[Check, ...]:
    """What the runtime says of itself is what was asked for."""
    wanted = {"threads": threads, "precision": WIDTHS.get(width, "fp32")}
    found = []
    for name, value in wanted.items():
        wrong = settings.get(name) != value
        told = f"{settings.get(name)}, not {value}" if wrong else ""
        found.append(count(f"{name} as asked", wrong, told))
    return tuple(found)


def score_of(task: Task, outputs: np.ndarray, y: np.ndarray) -> float:
    """Accuracy or root mean squared error of outputs (N, units) on targets (N,)."""
    if task.metric == "rmse":
        return float(np.sqrt(np.mean((outputs[:, 0].astype(np.float64) - y) ** 2)))
    if task.loss == "binary_crossentropy":
        return float(np.mean((outputs[:, 0] > 0) == (y > 0.5)))
    return float(np.mean(outputs.argmax(axis=1) == y))


def accepted(task: Task, score: float, full: float) -> tuple[Check, ...]:
    """What a lower precision may lose of float32's score: a hundredth. (Of an error: may gain.)"""
    lost = 1 - full / score if task.metric == "rmse" else 1 - score / full
    detail = f"{task.metric} {score:.4g}, {full:.4g} in float32"
    return (Check("score lost", max(0.0, lost), 1 - KEPT_OF_SCORE, detail, kind="artefact"),)
