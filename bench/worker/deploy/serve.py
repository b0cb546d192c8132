"""One file in one runtime, in a fresh process of the runtime's environment: proven, then timed.

``python -m bench.worker.deploy.serve REQUEST.json ANSWER.json``. Cold start is read first, then the
certificate is made; without it nothing is timed. Single rows are timed one after the other, each
another one, as they lie where the runtime takes them from.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from time import perf_counter, perf_counter_ns
from typing import Any

import numpy as np

from adapters.base import Unsupported
from adapters.deployment import Artefact, Loaded
from bench.machine import readings
from bench.proof.artefact import accepted, certify_artefact, score_of, set_as_asked
from bench.proof.checks import Certificate, Check
from bench.worker.deploy import installed
from bench.worker.deploy.load import scenarios
from tasks.data import arrays
from tasks.spec.form import restored
from tasks.spec.network import Task

ServeRequest = dict[str, Any]
BATCH = 256  # rows of the batched throughput, as in `bench run`
SCORED_ROWS = 512  # at most, of the test rows
LEAST = 50  # single rows that are timed, however long it takes


class ServedFile:
    """A file, loaded. Construction is the cold start, a part after the other."""

    def __init__(self, request: ServeRequest) -> None:
        self.request = request
        self.folder = Path(request["folder"])
        self.artefact = Artefact(
            **json.loads((self.folder / "artefact.json").read_text(encoding="utf-8"))
        )
        self.task: Task = restored(request["work"])
        self.data = arrays.load(Path(request["data"]))
        x = self.data.x_test[: self.artefact.batch or 1]
        first = self.artefact.laid_out(x)
        module = import_module(request["module"])
        clock = [perf_counter()]
        self.model: Loaded = module.Model(request["threads"], request["width"])
        clock.append(perf_counter())
        self.model.load(self.folder / self.artefact.file)
        clock.append(perf_counter())
        self.model.predict(first)
        clock.append(perf_counter())
        self.seconds = dict(zip(("import", "load", "first"), np.diff(clock).tolist(), strict=True))

    def proof(self) -> tuple[Check, ...]:
        """Of float32 the outputs; of less the score."""
        width = self.request["width"]
        checks = set_as_asked(self.model.settings(), self.request["threads"], width)
        if width == "fp32" and self.artefact.width == "fp32":
            weights = dict(np.load(self.request["weights"]))
            weights.pop("score", None)  # of the training, kept in the same file
            rows = np.asarray(self.data.x_test)
            return checks + certify_artefact(
                self.task, weights, self.artefact, self.model.predict, rows
            )
        return checks + accepted(self.task, self.score(), self.request["full_score"])

    def score(self) -> float:
        """Of the test rows, in batches that the file takes."""
        count = min(SCORED_ROWS, len(self.data.y_test))
        step = self.artefact.batch or BATCH
        count -= count % step if self.artefact.batch else 0
        x, y = self.data.x_test[:count], self.data.y_test[:count]
        parts = [
            np.array(self.model.predict(self.artefact.laid_out(x[i : i + step])))
            for i in range(0, count, step)
        ]
        return score_of(self.task, np.concatenate(parts), np.asarray(y))

    def single_rows(self) -> list[np.ndarray]:
        """Requests: a row each (or as many as the file takes), all different. In random order, as
        the load generator asks for them: rows that lie behind one another are fetched ahead."""
        size = self.artefact.batch or 1
        x = self.data.x_test
        starts = np.arange(0, min(len(x), 256 * size) - size + 1, size)
        order = np.random.default_rng(0).permutation(starts)
        return [self.artefact.laid_out(x[i : i + size]) for i in order]

    def latency(self, seconds: float) -> dict[str, Any]:
        """Microseconds of single rows."""
        rows, predict = self.single_rows(), self.model.predict
        for row in rows[:LEAST]:
            predict(row)
        taken: list[int] = []
        until = perf_counter() + seconds
        while len(taken) < LEAST or perf_counter() < until:
            row = rows[len(taken) % len(rows)]
            began = perf_counter_ns()
            predict(row)
            taken.append(perf_counter_ns() - began)
        p50, p90, p99 = (float(x) for x in np.percentile(np.array(taken) / 1e3, (50, 90, 99)))
        return {"count": len(taken), "p50": p50, "p90": p90, "p99": p99}

    def throughput(self, seconds: float) -> float:
        """Rows a second, 256 at a time (or as many as the file takes); the median pass."""
        size = self.artefact.batch or BATCH
        times = -(-size // len(self.data.x_test))
        batch = self.artefact.laid_out(np.concatenate([self.data.x_test[:size]] * times)[:size])
        predict = self.model.predict
        predict(batch)
        taken: list[float] = []
        until = perf_counter() + seconds
        while len(taken) < 3 or perf_counter() < until:
            began = perf_counter()
            predict(batch)
            taken.append(perf_counter() - began)
        return float(size / np.median(taken))


def answer(request: ServeRequest) -> dict[str, Any]:
    """What a record of the stage "serve" holds beside its name."""
    served = ServedFile(request)
    certificate = Certificate(served.proof(), "", 0)
    proof = {key: certificate.as_dict()[key] for key in ("passed", "reason", "checks")}
    facts: dict[str, Any] = dict(served.seconds)
    seconds = request["seconds"]
    if certificate.passed and seconds:
        facts["latency"] = served.latency(seconds)
        facts["rows_per_second"] = served.throughput(seconds)
    facts |= {
        "score": served.score(),
        "full_score": request["full_score"],
        "settings": served.model.settings(),
        "peak_rss_bytes": readings.peak_rss_bytes(),
        "installed_bytes": installed.size(request["packages"]),
    }
    if "latency" in facts and request["load"]:
        facts["load_generator"] = scenarios(served, facts["latency"]["p50"], request)
    status = "ok" if certificate.passed else "unverified"
    return {
        "status": status, "reason": certificate.reason(), "proof": proof, "served": facts,
    }  # fmt: skip


def main(words: list[str]) -> None:
    """Whatever the runtime raises, the answer says it."""
    request = json.loads(Path(words[0]).read_text(encoding="utf-8"))
    try:
        found = answer(request)
    except Unsupported as why:
        found = {"status": "unsupported", "reason": str(why)}
    except Exception as error:  # the runtime's own words
        text = " ".join(str(error).split())[:600]
        found = {"status": "error", "reason": f"{type(error).__name__}: {text}"}
    Path(words[1]).write_text(
        json.dumps(found | {"packages": readings.packages()}), encoding="utf-8"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
