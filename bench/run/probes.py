"""The measurements behind the framework table that are not launches of a task.

Every part runs in a process of its own in its framework's environment (`bench.worker.probe`). The
answers are kept in RUN/evidence.json, beside the run they belong to; what is there already is
not measured again, so a stopped command goes on where it was.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.base import Implementation
from bench import discover
from bench.machine import readings
from bench.records.beside import EvidenceFile, written
from bench.records.door import parse
from bench.records.record import SCHEMA, finite
from bench.records.store import Run, write_json
from bench.run import environments
from bench.run.code import PROJECT
from bench.run.environments import Environment
from bench.run.session import default_threads
from bench.run.variables import fresh_caches, worker_variables
from tasks.catalogue.every import TASKS
from tasks.spec.form import definition

FILE = "evidence.json"
TIMEOUT_SECONDS = 300
PARTS = ("package", "shape", "exports", "dynamic")
ALL_PARTS = (*PARTS, "custom_step", "curve")
CURVE_TASKS = {"fnn-mnist": 4096, "cnn-64-10": 1024, "lstm-forecast": 2048}  # rows a timed call
CURVE_LAUNCHES = 3  # processes of each thread count, by turns
THREAD_BATCH = 32  # at which threads are compared
Entry = dict[str, Any]


def requests(frameworks: Mapping[str, Environment], threads: int) -> list[Entry]:
    """Every part to be measured, in order; one `id` each. Only frameworks that are ready.

    Curves are taken at all threads with every batch size, and at one thread with the task's
    own, of the tuned modes alone, as divisions are not compared; launches of all frameworks stand
    beside one another, so that drift hits all alike.
    """
    usual = [framework.usual for framework in discover.frameworks() if framework.usual.usual]
    ready = [
        i for i in usual if i.framework in frameworks and frameworks[i.framework].status == "ready"
    ]
    tuned = [i for i in ready if i.division == "tuned"]
    found = [_entry(part, i.framework, package=i.package) for part in PARTS for i in ready]
    found += [_entry("custom_step", i.framework) for i in ready if _has_program(i, "custom_step")]
    for launch in range(CURVE_LAUNCHES):
        for task, rows in CURVE_TASKS.items():
            for count in dict.fromkeys((1, threads)):
                for i in tuned[:: -1 if launch % 2 else 1]:
                    entry = _entry("curve", i.framework, task=task, threads=count, launch=launch)
                    work = definition(next(t for t in TASKS if t.name == task))
                    entry |= {"module": i.module, "mode": i.mode, "rows": rows, "work": work}
                    if count != threads or launch:
                        entry["batches"] = [THREAD_BATCH]
                    found.append(entry)
    return found


def _has_program(implementation: Implementation, name: str) -> bool:
    programs = PROJECT / "adapters" / implementation.framework / "programs"
    return (programs / f"{name}.py").exists()


def _entry(part: str, framework: str, **facts: Any) -> Entry:
    keys = [str(facts[k]) for k in ("task", "threads", "launch") if k in facts]
    return {"id": "~".join([part, framework, *keys]), "part": part, "framework": framework} | facts


def measure(run: Run, say: Callable[[str], None], again: Collection[str] = ()) -> EvidenceFile:
    """Measure what is missing and write it, a part at a time; returns all of it. `again`: parts
    whose earlier answers are thrown away first."""
    threads = default_threads()
    usual = [one.usual for one in discover.frameworks() if one.usual.usual]
    frameworks = {row.framework: environments.describe(row.environment, "cpu") for row in usual}
    earlier = run.beside(FILE, EvidenceFile)
    kept = written(earlier) if earlier else _empty(threads)
    answers: dict[str, Any] = {
        key: entry
        for key, entry in kept["answers"].items()
        if entry["request"]["part"] not in again
    }
    wanted = requests(frameworks, threads)
    for number, entry in enumerate(wanted, 1):
        if entry["id"] not in answers:
            say(f"[{number}/{len(wanted)}] {entry['id'].replace('~', ' ')}")
            answer = finite(ask(entry, frameworks[entry["framework"]]))
            answers[entry["id"]] = {"request": entry, "answer": answer}
            write_json(run.path / FILE, kept | {"answers": answers}, indent=1)
    return parse(json.dumps(kept | {"answers": answers}), EvidenceFile, FILE)


def _empty(threads: int) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": readings.machine(),
        "threads": threads,
        "answers": {},
    }


def ask(entry: Entry, environment: Environment) -> dict[str, Any]:
    """The answer of one `bench.worker.probe` process, or the reason why there is none."""
    with tempfile.TemporaryDirectory() as folder:
        request, answer = Path(folder) / "request.json", Path(folder) / "answer.json"
        request.write_text(json.dumps(entry), encoding="utf-8")
        threads = int(entry.get("threads", default_threads()))
        try:
            done = subprocess.run(
                [environment.python, "-m", "bench.worker.probe", str(request), str(answer)],
                env=worker_variables(
                    threads, environment.project, keeps=environments.keeps(environment.framework)
                ) | fresh_caches(Path(folder)) | environment.variables(),
                cwd=folder, capture_output=True, text=True, encoding="utf-8",
                errors="replace", timeout=TIMEOUT_SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return {"reason": f"no answer within {TIMEOUT_SECONDS} s"}
        if done.returncode or not answer.exists():
            last = (done.stderr.strip().splitlines() or ["no output"])[-1]
            return {"reason": f"the process died with status {done.returncode}: {last[:200]}"}
        found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return found
