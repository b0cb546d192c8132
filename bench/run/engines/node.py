"""What happens on a node: it is asked what it is, made ready once, and does blocks.

All arguments and answers are plain JSON text, so that an engine needs to know no type of ours.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from adapters.base import Device
from bench.discover import implementations, tuners
from bench.machine.devices.kinds import kind_of
from bench.records.door import parse
from bench.records.points import point_of
from bench.records.record import Job
from bench.records.schema import DataSetFacts, Launch, RunFile
from bench.records.store import Run
from bench.run import adapter_file, ceiling, environments, session
from bench.run.launches import Events, run_jobs
from bench.run.sweep_tasks import at_length
from tasks.data import cache, prepare
from tasks.errors import UserError
from tasks.spec.form import restored
from tasks.spec.network import Task


def look(device: Device) -> str:
    """This machine's fingerprint, suite and threads."""
    kind_of(device)  # UserError where there is no such kind
    facts = {
        "machine": session.machine(device),
        "suite": session.suite(),
        "threads": session.default_threads(),
    }
    return json.dumps(facts)


def make_ready(about_text: str, with_ceiling: bool) -> tuple[str, str]:
    """Environments and data of a run, made where they are missing. Why this node cannot do it,
    empty where it can; and its ceiling.json where that is asked for."""
    about = parse(about_text, RunFile, "the run")
    try:
        session.check_device(about.request.device, about.request.precision)
        adapter_file.take_again(about.request.adapters)
        for name, facts in about.datasets.items():
            _make_data(about, name, facts)
        if about.request.own:
            return "environments of the user's own (--env) are on the user's machine only", ""
        made = environments.setup(_environments(about), about.request.device, lambda line: None)
    except UserError as error:
        return str(error), ""
    if not with_ceiling:
        return "", ""
    with tempfile.TemporaryDirectory(prefix="bench-ceiling-") as place:
        run = Run.create(Path(place) / "run", about)
        ceiling.measure(run, about.request, made, lambda line: None)
        return "", (run.path / ceiling.FILE).read_text(encoding="utf-8")


def _environments(about: RunFile) -> list[str]:
    names = set(about.request.implementations)
    return [row.environment for row in (*implementations(), *tuners()) if row.name in names]


def _make_data(about: RunFile, name: str, facts: DataSetFacts) -> None:
    """`UserError` where this node cannot have the rows that the run was planned with."""
    if (cache.root() / facts.folder / "manifest.json").exists():
        return
    work = restored(about.tasks[name].definition)
    task = work if isinstance(work, Task) else session.task_of(work)
    made = None
    if task.data in prepare.FAMILIES:
        made = prepare.prepare(task.data)
        point = point_of(name)
        if point is not None and point.axis == "length":
            made = at_length(made, point)
    if made is None or made.sha256 != facts.sha256:
        raise UserError(
            f"the data of {name} ({facts.id}) are not in its cache and cannot be made there; "
            f"copy {facts.folder} of this machine's cache to the node's"
        )


def work(about_text: str, jobs_text: str, certify_anew: bool) -> Iterator[tuple[str, str, str]]:
    """Do jobs; (job id, record, log) of each as it is made. The run is kept in a folder of the
    node's only while it goes on."""
    jobs = [Job.from_dict(raw) for raw in json.loads(jobs_text)]
    about = parse(about_text, RunFile, "the run")
    adapter_file.take_again(about.request.adapters)
    device = about.request.device
    frameworks = {f: environments.describe(f, device) for f in {job.framework for job in jobs}}
    done: SimpleQueue[str | BaseException | None] = SimpleQueue()
    with tempfile.TemporaryDirectory(prefix="bench-block-") as place:
        run = Run.create(Path(place) / "run", about)

        def told(job: Job, launch: Launch) -> None:
            done.put(job.id)

        def measure() -> None:
            try:
                run_jobs(run, jobs, frameworks, Events(done=told), certify_anew=certify_anew)
                done.put(None)
            except BaseException as error:
                done.put(error)

        thread = Thread(target=measure, name="block")
        thread.start()
        while (said := done.get()) is not None:
            if isinstance(said, BaseException):
                raise said
            log = run.logs / f"{said}.log"
            text = log.read_text(errors="replace", encoding="utf-8") if log.exists() else ""
            yield said, (run.launches / f"{said}.json").read_text(encoding="utf-8"), text
        thread.join()


def jobs_text(jobs: tuple[Job, ...]) -> str:
    """What `work` reads."""
    return json.dumps([asdict(job) for job in jobs])
