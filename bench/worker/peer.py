"""One process of a group that trains together, in its framework's environment.

``python -m bench.worker.peer QUESTION.json FOLDER RUNNER``: what is asked, where the answer of this
rank goes (RANK.json, and RANK-TASK.npz with its arrays), and the process that started it. What
fails is an answer with a reason. A helper's only work is to import its framework.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

import numpy as np

from adapters.base import Place
from bench.proof.gradients import gradients_of, reading
from bench.proof.groups import stepped
from bench.records.record import finite
from bench.worker.failures import outcome_of_error
from bench.worker.parent import die_with
from tasks.data import arrays
from tasks.spec.form import restored
from tasks.spec.network import Task
from tasks.weights import Weights, initial_weights

CALLS = 4  # in which the certificate's steps are asked for
CHUNK = 5  # steps a call, of a group that is about to lose a peer
PeerQuestion = dict[str, Any]
PeerAnswer = dict[str, Any]


class PeerWork:
    """A question in work: the peer, what it has answered so far, and where that is written."""

    def __init__(self, question: PeerQuestion, folder: Path, place: Place) -> None:
        self.question, self.folder, self.place = question, folder, place
        self.started = perf_counter()
        self.peer: Any = None
        self.answer: PeerAnswer = {"status": "ok", "reason": "", "seconds": {}, "tasks": {}}

    def join(self) -> Any:
        """The peer, once the group is whole."""
        module = import_module(self.question["module"])
        self.note("import")
        kind = module.Peer
        if fault := self.question.get("fault"):
            home, name = fault.split(":")
            kind = getattr(import_module(home), name)(kind)
        peer = kind(self.question["way"], self.place, self.question["threads"])
        self.peer = peer  # kept until the process ends: what takes a group apart may wait for ever
        self.note("join")
        self.answer["settings"] = peer.settings()
        self.answer["adam_form"] = peer.adam_form
        return peer

    def note(self, what: str) -> None:
        """The seconds since the last note."""
        now = perf_counter()
        self.answer["seconds"][what] = now - self.started
        self.started = now

    def write(self) -> None:
        """Whole or not at all: the runner reads it while this process goes on."""
        path = self.folder / f"{self.place.rank}.json"
        path.with_suffix(".new").write_text(json.dumps(finite(self.answer)), encoding="utf-8")
        os.replace(path.with_suffix(".new"), path)

    def rows(self, asked: PeerQuestion) -> tuple[np.ndarray, np.ndarray]:
        """The first training rows of a task's data."""
        data, most = arrays.load(Path(asked["folder"])), asked["rows"]
        return np.ascontiguousarray(data.x_train[:most]), np.ascontiguousarray(data.y_train[:most])


def certify(asked: PeerWork) -> None:
    """A batch's gradients, and the weights after some steps of the task's own optimizer."""
    peer = asked.join()
    for one in asked.question["tasks"]:
        task, seed, order = restored(one["work"]), one["seed"], np.array(one["order"], np.int32)
        weights, rows = initial_weights(task, seed), asked.rows(one)
        _, moved = _trained(peer, reading(task.without_dropout()), weights, seed, rows, order[:1])
        losses, update = _trained(peer, stepped(task), weights, seed, rows, order, CALLS)
        found: dict[str, Any] = {"losses": np.array(losses)}
        found |= {f"gradients/{name}": value for name, value in gradients_of(moved).items()}
        found |= {f"update/{name}": value for name, value in update.items()}
        path = asked.folder / f"{asked.place.rank}-{task.name}.npz"
        np.savez(path, **found)
        found_masks = {}
        if task != task.without_dropout():
            found_masks = _masks(peer, task, seed, rows, one["draws"], asked.place.size)
        asked.answer["tasks"][task.name] = {"arrays": path.name} | found_masks
        asked.write()
    peer.leave()


def _trained(
    peer: Any,
    task: Task,
    weights: Weights,
    seed: int,
    rows: tuple[np.ndarray, np.ndarray],
    order: np.ndarray,
    calls: int = 1,
) -> tuple[list[float], Weights]:
    """The losses that calls of some steps told, and how far they moved the weights."""
    peer.build(task, {name: value.copy() for name, value in weights.items()}, seed)
    data = peer.stage(*rows)
    losses = [float(peer.train(data, part)) for part in np.split(order, calls)]
    peer.wait()
    after = peer.weights()
    return losses, {name: after[name].astype(np.float64) - weights[name] for name in weights}


def _masks(peer: Any, task: Task, seed: int, rows: Any, draws: int, size: int) -> PeerAnswer:
    """How many units of the layer behind a dropout have a gradient, and of these how many with it,
    over some draws: the batch is one row, as often as there are peers, so that each peer draws one
    mask for it."""
    weights = initial_weights(task, seed)
    whole, behind = replace(task, batch_size=size), list(weights)[-2]
    order = np.zeros((1, size), np.int32)
    alive = kept = 0
    for draw in range(draws):
        plain, masked = (
            np.abs(_trained(peer, reading(work), weights, draw, rows, order)[1][behind]).sum(axis=1)
            for work in (whole.without_dropout(), whole)
        )
        alive += int(np.sum(plain > 0))
        kept += int(np.sum((plain > 0) & (masked > 0)))
    return {"alive": alive, "kept": kept}


def measure(asked: PeerWork) -> None:
    """Seconds of rounds of some steps, of the task's batch and of one that grows with the group;
    and of averaging arrays like the model's."""
    peer = asked.join()
    for one in asked.question["tasks"]:
        task, rows = restored(one["work"]), asked.rows(one)
        begun, found = perf_counter(), {"steps": one["steps"]}
        for name, batch in one["batches"].items():
            sized = replace(task, batch_size=batch)
            peer.build(sized, initial_weights(task, one["seed"]), one["seed"])
            data = peer.stage(*rows)
            found[name] = _rounds(peer, data, one, batch, len(rows[0]))
            found.setdefault("first_step", found[name].pop("first") - begun)
        reduce = peer.reduction()
        reduce()
        found["reduction"] = [_seconds(reduce) for _ in range(one["reductions"])]
        asked.answer["tasks"][task.name] = found
        asked.write()
    peer.leave()


def alone(asked: PeerWork) -> None:
    """The same rounds by an implementation that knows of no group."""
    module = import_module(asked.question["module"])
    contender = module.Contender(asked.question["way"], "cpu", "fp32", asked.question["threads"])
    asked.answer["settings"] = contender.settings()
    for one in asked.question["tasks"]:
        task, rows = restored(one["work"]), asked.rows(one)
        contender.build(task, initial_weights(task, one["seed"]), one["seed"])
        data = contender.stage(*rows)
        found = _rounds(contender, data, one, task.batch_size, len(rows[0]))
        found.pop("first")
        asked.answer["tasks"][task.name] = {"strong": found, "steps": one["steps"]}
        asked.write()


def _rounds(model: Any, data: Any, one: PeerQuestion, batch: int, rows: int) -> PeerAnswer:
    """Every peer draws the same order; the first step and a round are not counted."""
    rng = np.random.default_rng(one["seed"])
    order = rng.integers(0, rows, (one["steps"], batch)).astype(np.int32)

    def work() -> None:
        model.train(data, order)
        model.wait()

    model.train(data, order[:1])
    model.wait()
    first = perf_counter()
    work()
    seconds = [_seconds(work) for _ in range(one["rounds"])]
    return {"first": first, "samples": int(order.size), "seconds": seconds}


def lose(asked: PeerWork) -> None:
    """Train until something happens. The runner kills a peer once all have said that they train;
    what is then raised is the answer, with the moment."""
    peer = asked.join()
    (one,) = asked.question["tasks"]
    task, rows = restored(one["work"]), asked.rows(one)
    peer.build(task, initial_weights(task, one["seed"]), one["seed"])
    data = peer.stage(*rows)
    order = np.arange(CHUNK * task.batch_size, dtype=np.int32).reshape(CHUNK, -1) % len(rows[0])
    while True:
        float(peer.train(data, order))
        peer.wait()
        (asked.folder / f"{asked.place.rank}.training").touch()


def _seconds(call: Callable[[], object]) -> float:
    started = perf_counter()
    call()
    return perf_counter() - started


QUESTIONS: dict[str, Callable[[PeerWork], None]] = {
    "certify": certify, "measure": measure, "alone": alone, "lose": lose,
}  # fmt: skip


def main(arguments: list[str]) -> int:
    """Entry point; exit status 0 whenever all that was asked is answered."""
    question, folder = (
        json.loads(Path(arguments[0]).read_text(encoding="utf-8")),
        Path(arguments[1]),
    )
    if not die_with(int(arguments[2])):
        return 1
    raw = question["place"]
    place = Place(raw["rank"], raw["size"], tuple(raw["ports"]), raw["role"])
    if place.role != "peer":
        import_module(question["module"])  # and stays there, until it is killed
        return 0
    asked = PeerWork(question, folder, place)
    try:
        QUESTIONS[question["question"]](asked)
    except Exception as error:
        outcome = outcome_of_error(error)
        asked.answer |= {"status": outcome.status, "reason": outcome.reason, "at": monotonic()}
    asked.write()
    return int(asked.answer["status"] != "ok")


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    # Frameworks' thread pools can hang at interpreter exit; the answer is already written.
    os._exit(status)
