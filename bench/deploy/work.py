"""Does a deployment run: weights, exports, launches. What has a record is not done again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from adapters.base import Implementation
from adapters.deployment import Artefact
from bench import discover
from bench.deploy import environments as places
from bench.deploy import network
from bench.deploy.plan import PROFILES, DeployProfile, ExportJob, ServeJob, export_jobs, serve_jobs
from bench.deploy.process import asked
from bench.deploy.routes import export_of, named, runtime_of
from bench.machine.readings import without_places
from bench.records.deployment import DeployRecord, DeployStage, RouteFacts, identity
from bench.records.record import SCHEMA, finite
from bench.records.schema import RunFile
from bench.records.store import Run
from bench.run import environments
from tasks.data import cache
from tasks.errors import UserError

QUANTIZED = "adapters.quantized"


@dataclass
class Deployment:
    """A run under way. say: told a line for each thing that is done."""

    run: Run
    about: RunFile
    say: Callable[[str], None]
    records: dict[str, DeployRecord] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.records = dict(self.run.deployments())
        self.request = self.about.request
        self.profile: DeployProfile = PROFILES[self.request.profile]
        self.routes = named(self.request.routes)

    def work(self, budget_seconds: float | None = None) -> int:
        """All that has no record yet; returns how many launches there was no time for. What is
        first of its route is done in any case."""
        started = monotonic()
        exports = export_jobs(self.request.tasks, self.routes)
        for number, job in enumerate(exports, 1):
            if not self._has(job.id) or not self._is_there(job):
                self._export(job, f"[{number}/{len(exports)}]")
        left = 0
        for serve in serve_jobs(self.request.tasks, self.routes, self.request.launches):
            over = budget_seconds is not None and monotonic() - started > budget_seconds
            if self._has(serve.id) or self._refused(serve):
                continue
            if over and serve.launch:
                left += 1
                continue
            self._serve(serve)
        if self.profile.load:
            for task in self.request.tasks:
                self._network(task)
        return left

    def _has(self, name: str) -> bool:
        """Whether it was done. What lacked an environment may have one now."""
        return name in self.records and self.records[name].status != "uninstallable"

    def needed(self) -> list[str]:
        """The environments of its routes."""
        exports = [export_of(route.framework, route.format) for route in self.routes]
        sources = [export_of(r.framework, e.of) for r, e in zip(self.routes, exports, strict=True)
                   if e.of]  # fmt: skip
        writing = [one.environment for one in (*exports, *sources) if one.environment]
        reading = [runtime_of(route.runtime).environment for route in self.routes]
        serving = [network.ENVIRONMENT] if self.profile.load else []
        return list(dict.fromkeys([*writing, *reading, *serving]))

    def _folder(self, task: str, framework: str, form: str) -> Path:
        return (self.run.path / "tmp" / task / framework / form).absolute()

    def _is_there(self, job: ExportJob) -> bool:
        """Whether its file is still there, or was never written, or needs no more."""
        record = self.records[job.id]
        if record.status != "ok":
            return True
        place = self._folder(job.task, job.framework, job.format) / "artefact.json"
        waiting = (
            serve for serve in serve_jobs([job.task], self.routes, self.request.launches)
            if (serve.route.framework, serve.route.format) == (job.framework, job.format)
        )  # fmt: skip
        return place.exists() or all(serve.id in self.records for serve in waiting)

    def _facts(self, task: str) -> dict[str, Any]:
        """What every process is told of a task."""
        data = cache.root() / self.about.datasets[task].folder
        return {
            "work": self.about.tasks[task].definition,
            "data": str(data),
            "threads": self.request.threads,
            "weights": str(self._weights(task)),
        }

    def _weights(self, task: str) -> Path:
        """Trained once a run, and kept while it goes on."""
        place = (self.run.path / "tmp" / f"{task}.npz").absolute()
        if not place.exists():
            trainer = _trainer()
            self.say(f"training {task} once, in {trainer.framework}")
            place.parent.mkdir(parents=True, exist_ok=True)
            request = {
                "work": self.about.tasks[task].definition,
                "data": str(cache.root() / self.about.datasets[task].folder),
                "threads": self.request.threads, "seed": self.request.seed,
                "module": trainer.module, "mode": trainer.mode,
            }  # fmt: skip
            python = environments.describe(trainer.environment, "cpu").python
            done = asked(
                "bench.worker.deploy.learned", request, python, trainer.environment, answer=place
            )
            if done["status"] != "ok":
                raise UserError(f"{task} could not be trained: {done['reason']}")
        return place

    def _export(self, job: ExportJob, which: str) -> None:
        known = export_of(job.framework, job.format)
        if known.refused:
            self._keep(job.id, "export", job.task, job.route, _no("unsupported", known.refused))
            return
        place = places.describe(known.environment)
        if place.reason:
            self._keep(job.id, "export", job.task, job.route, _no("uninstallable", place.reason))
            return
        source = self.records.get(ExportJob(job.task, job.framework, job.of).id)
        if job.of and (source is None or source.status != "ok"):
            reason = f"there is no {job.of} to make it from"
            self._keep(job.id, "export", job.task, job.route, _no("unsupported", reason))
            return
        self.say(f"{which} export {job.task} {job.route.name}")
        request = self._facts(job.task) | {
            "module": QUANTIZED if job.of else f"adapters.{job.framework}.export",
            "format": job.format,
            "folder": str(self._folder(job.task, job.framework, job.format)),
            "source": str(self._folder(job.task, job.framework, job.of)) if job.of else "",
        }
        found = asked("bench.worker.deploy.export", request, place.python, place.over)
        self._keep(job.id, "export", job.task, job.route, found)

    def _refused(self, serve: ServeJob) -> bool:
        """Whether there is no file to load; or an earlier launch said that it does not work."""
        route = serve.route
        export = self.records[ExportJob(serve.task, route.framework, route.format).id]
        first = self.records.get(ServeJob(serve.task, route, 0).id)
        bad = serve.launch > 0 and (first is None or first.status != "ok")
        return export.status != "ok" or bad

    def _serve(self, job: ServeJob) -> None:
        runtime = runtime_of(job.route.runtime)
        place = places.describe(runtime.environment)
        if place.reason:
            self._keep(job.id, "serve", job.task, job.route, _no("uninstallable", place.reason))
            return
        self.say(f"launch {job.launch + 1} {job.task} {job.route.name}")
        request = self._facts(job.task) | {
            "module": runtime.module,
            "width": job.route.width,
            "packages": list(runtime.packages),
            "folder": str(self._folder(job.task, job.route.framework, job.route.format)),
            "full_score": self._full_score(job.task),
            "seconds": self.profile.seconds,
            "load": self.profile.load and job.launch == 0,
        }
        found = asked("bench.worker.deploy.serve", request, place.python, place.over)
        self._keep(job.id, "serve", job.task, job.route, found, job.launch)

    def _network(self, task: str) -> None:
        """A server with the first file of ONNX that ONNX Runtime was certified with."""
        good = (
            one for one in self.records.values()
            if (one.stage, one.task, one.status) == ("serve", task, "ok")
            and (one.route.format, one.route.runtime) == ("onnx", "onnxruntime")
        )  # fmt: skip
        first = next(good, None)
        if first is None or identity("network", task, first.route) in self.records:
            return
        name, place = identity("network", task, first.route), places.describe(network.ENVIRONMENT)
        if place.reason:
            self._keep(name, "network", task, first.route, _no("uninstallable", place.reason))
            return
        self.say(f"serving {task} {first.route.name} by {network.SERVER}")
        folder = self._folder(task, first.route.framework, first.route.format)
        if not (folder / "artefact.json").exists():
            return  # of a run that was finished before and whose files are gone
        artefact = Artefact(**json.loads((folder / "artefact.json").read_text(encoding="utf-8")))
        x = np.load(cache.root() / self.about.datasets[task].folder / "x_test.npy", mmap_mode="r")
        rows = artefact.laid_out(np.asarray(x[: network.ROWS]))
        request = {
            "folder": str(folder), "threads": self.request.threads, "seed": self.request.seed,
            "seconds": max(0.5, 4 * self.profile.seconds),
        }  # fmt: skip
        self._keep(name, "network", task, first.route, network.serve(request, place, list(rows)))

    def _full_score(self, task: str) -> float:
        with np.load(self._weights(task)) as kept:
            return float(kept["score"])

    def _keep(
        self, name: str, stage: DeployStage, task: str, route: RouteFacts, found: dict[str, Any],
        launch: int = 0,
    ) -> None:  # fmt: skip
        record = {
            "schema": SCHEMA, "id": name, "stage": stage, "task": task, "launch": launch,
            "route": route.model_dump(), "made": datetime.now(UTC).isoformat(timespec="seconds"),
        }  # fmt: skip
        found |= {"reason": without_places(found["reason"])}  # a converter's words name its files
        self.records[name] = self.run.add_deployment(name, finite(record | found))
        if found["status"] != "ok":
            self.say(f"  {found['status']}: {found['reason'][:200]}")


def _no(status: str, reason: str) -> dict[str, Any]:
    return {"status": status, "reason": reason}


def _trainer() -> Implementation:
    """The first usual tuned row whose environment is ready."""
    usual = discover.usual(discover.implementations(), "tuned")
    order = sorted(usual, key=lambda row: row.framework != "pytorch")
    for row in order:
        if environments.describe(row.environment, "cpu").status == "ready":
            return row
    raise UserError("no framework is ready to train the weights: run `bench setup`")
