"""Kills at random instants, and workers that misbehave: nothing is lost, doubled or mistyped.

Few of each by default; `nox -s faults` injects hundreds and writes what came of them into
results/faults (BENCH_KILLS: how many kills of each kind; BENCH_FAULTS: the folder).
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bench.plan.jobs import pending
from bench.records.record import Job, Request
from bench.records.schema import Launch
from bench.records.store import Run
from bench.run import offspring
from bench.run.environments import PROJECT
from tests.support.fakes import misbehaving, searching
from tests.support.faults import Tally, tally
from tests.support.plans import SMALL, begin, plan_of

KILLS = int(os.environ.get("BENCH_KILLS", "3"))
SCRIPT = """
import json, signal, sys
from pathlib import Path
from bench.records.record import Job
from bench.records.store import Run
from bench.run import regress
from bench.run.environments import Environment
from bench.run.launches import forget_outer, run_jobs
from bench.run.session import Session

ready = {"fake": Environment("fake", "ready", sys.executable)}
opened = {}
for place in sys.argv[1:]:
    run = Run.open(Path(place))
    raw = json.loads((run.path / "jobs.json").read_text())
    opened[run.path.name] = Session(run, None, [Job.from_dict(one) for one in raw], ready)
    with run.locked():
        forget_outer(run, opened[run.path.name].jobs, ready)
if len(opened) == 2:
    regress.interleave(opened, lambda *_: None)
else:
    one = next(iter(opened.values()))
    with one.run.locked():
        run_jobs(one.run, one.jobs, ready)
"""


def start(*runs: Run) -> subprocess.Popen[bytes]:
    """Go on with a run, or with both sides of a comparison, in a process of its own."""
    words = [sys.executable, "-c", SCRIPT, *(str(run.path) for run in runs)]
    variables = os.environ | {"PYTHONPATH": str(PROJECT)}
    return subprocess.Popen(words, env=variables, start_new_session=True)


def made(path: Path, data: Path, task: str = "fnn-mnist", mode: str = "honest") -> Run:
    kind = searching if task.startswith("tune") else misbehaving
    names = (f"fake:{mode}",) if task.startswith("tune") else (f"fake:{mode}", "fake:rubbish")
    contenders = [kind.implementation(name.split(":")[1]) for name in names]
    launches = 1 if task.startswith("tune") else 40
    request = Request("smoke", (task,), names, launches=launches)
    run, jobs = begin(path, plan_of(request, contenders, data, SMALL), pairing="p")
    (run.path / "jobs.json").write_text(json.dumps([job.as_dict() for job in jobs]))
    return run


def jobs_of(run: Run) -> list[Job]:
    return [Job.from_dict(one) for one in json.loads((run.path / "jobs.json").read_text())]


def workers(runner: int) -> list[psutil.Process]:
    try:
        return psutil.Process(runner).children()
    except psutil.NoSuchProcess:
        return []


def kill(process: subprocess.Popen[bytes], what: str) -> bool:
    """Whether there was something to kill. Between two workers a runner is killed all the same."""
    ours = workers(process.pid)
    if what in ("worker", "both"):
        for one in ours:
            try:
                one.kill()
            except psutil.NoSuchProcess:
                return False
    if what in ("runner", "both"):
        process.kill()
        process.wait()
    return what == "runner" or bool(ours)


def injected(runs: list[Run], what: str, rng: random.Random) -> bool:
    """Start a runner, and kill at a random instant of its work; whether that was done."""
    process = start(*runs)
    at_work = time.monotonic() + 30
    least = 1 if jobs_of(runs[0])[-1].kind == "search" else 0  # its certificate first
    while process.poll() is None and time.monotonic() < at_work:
        there = len(list(runs[0].launches.glob("*.json")))
        if there >= least and workers(process.pid):
            break
        time.sleep(0.02)
    time.sleep(2.5 * rng.random())
    done = process.poll() is None and kill(process, what)
    if process.poll() is None:  # a worker was killed: the runner types it and goes on
        time.sleep(0.3)
        process.kill()
        process.wait()
    return done


KINDS: dict[str, tuple[str, str, int]] = {
    "runner killed": ("runner", "fnn-mnist", 1),
    "worker killed": ("worker", "fnn-mnist", 1),
    "runner and worker killed": ("both", "fnn-mnist", 1),
    "runner of a search killed": ("runner", "tune-random", 1),
    "runner of a comparison killed": ("runner", "fnn-mnist", 2),
}


@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_random_instants_nothing_is_lost_or_doubled(
    tmp_path: Path, data: Path, kind: str
) -> None:
    """What was whole stays as it was, but for sittings of which a part is missing; at the end every
    job has one record, typed as in a run that nobody disturbed."""
    what, task, sides = KINDS[kind]
    runs = [made(tmp_path / name, data, task) for name in ("base", "new")[:sides]]
    jobs = jobs_of(runs[0])
    rng, count = random.Random(KILLS), tally(kind)
    deadline = time.monotonic() + 100 + 20 * KILLS
    kept: list[dict[str, Launch]] = [{} for _ in runs]
    while count.injected < KILLS and time.monotonic() < deadline:
        count.injected += injected(runs, what, rng)
        for side, run in enumerate(runs):
            count.lost += changed(kept[side], run, jobs)
            kept[side] = run.records()
        if not pending(jobs, kept[0]) and what != "worker":
            for run in runs:  # a fast machine: begin again
                for name, launch in run.records().items():
                    if launch.kind != "certify":
                        run.remove(name)
                shutil.rmtree(run.searches, ignore_errors=True)
            kept = [run.records() for run in runs]
    for run in runs:  # few of the sittings that are left will do
        left = [job for job in jobs_of(run) if job.kind != "measure" or job.block < 3]
        (run.path / "jobs.json").write_text(json.dumps([job.as_dict() for job in left]))
    assert start(*runs).wait(500) == 0
    for run in runs:
        judge(run, count)
    assert (count.lost, count.doubled, count.mistyped) == (0, 0, 0)
    assert count.injected == KILLS


def changed(before: dict[str, Launch], run: Run, jobs: list[Job]) -> int:
    """Records that are there no more, or are others, though their sitting was whole."""
    now = run.records()
    whole = {job.block for job in jobs} - {
        job.block for job in jobs if job.kind == "measure" and job.id not in before
    }
    return sum(
        name not in now or (now[name].datetime, now[name].status) != (x.datetime, x.status)
        for name, x in before.items()
        if x.kind == "measure" and x.status == "ok" and x.job.block in whole
    )


def judge(run: Run, count: Tally) -> None:
    """Every job once, ended well, and nothing left over: no file, no process."""
    records = run.records()
    wanted = {job.id for job in jobs_of(run)}
    count.lost += len(wanted - records.keys())
    for name in wanted & records.keys():
        count.mistyped += records[name].status != "ok"
    for launch in records.values():
        if launch.launch.search is not None:
            trials = [trial.index for trial in launch.launch.search.trials]
            count.doubled += len(trials) - len(set(trials))
            count.lost += launch.launch.search.trials_wanted - len(set(trials))
    rows = [(x.kind, x.cell, x.job.block) for x in records.values()]
    count.doubled += len(rows) - len(set(rows))
    assert not [path for path in run.path.rglob(".*")], "a temporary file is left"
    assert not (run.path / "tmp").exists()
    assert not list(offspring.marked(offspring.of_run(run.path))), "a process is left"


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "pid"


WAYS: dict[str, tuple[str, str]] = {
    "SIGSEGV": ("crash", "SIGSEGV"), "SIGABRT": ("crash", "SIGABRT"), "SIGBUS": ("crash", "SIGBUS"),
    "SIGFPE": ("crash", "SIGFPE"), "SIGILL": ("crash", "SIGILL"), "SIGTERM": ("crash", "SIGTERM"),
    "SIGHUP": ("crash", "SIGHUP"), "SIGPIPE": ("crash", "SIGPIPE"), "SIGXCPU": ("crash", "SIGXCPU"),
    "SIGRTMIN+5": ("crash", "signal 39"), "exit 0": ("crash", "exit status 0"),
    "exit 3": ("crash", "exit status 3"), "hang in C": ("timeout", "stopped after"),
    "stopped": ("timeout", "stopped after"), "flood": ("crash", "exit status 4"),
    "child that outlives it": ("crash", "exit status 5"), "rubbish": ("crash", "exit status 0"),
    "truncated": ("crash", "exit status 0"), "another's": ("crash", "exit status 0"),
    "a list": ("crash", "exit status 0"), "deep": ("crash", "exit status 0"),
    "no status": ("crash", "exit status 0"), "strange status": ("error", "status"),
    "NaN": ("error", "is no launch"), "memory": ("out-of-memory", "--memory-limit"),
}  # fmt: skip
WORKER = """#!{python} -IS
import ctypes, json, os, pathlib, signal, sys
way, (job, answer) = {way!r}, sys.argv[3:5]
job, answer = json.loads(pathlib.Path(job).read_text()), pathlib.Path(answer)
launch = dict(schema=2, status="ok", reason="", job=job)
record = dict(machine_info=dict(), commit_info=dict(), benchmarks=[], datetime="", version="")
whole = json.dumps(record | dict(launch=launch))
if way.startswith("SIGRTMIN"):
    os.kill(os.getpid(), signal.SIGRTMIN + 5)
if way.startswith("SIG"):
    signal.signal(getattr(signal, way), signal.SIG_DFL)
    os.kill(os.getpid(), getattr(signal, way))
if way.startswith("exit"):
    os._exit(int(way[5:]))
if way == "hang in C":
    ctypes.CDLL(None).sleep(1000)
if way == "stopped":
    os.kill(os.getpid(), signal.SIGSTOP)
if way == "flood":
    for _ in range({flood}):
        os.write(1, b"x" * 2**20)
    os._exit(4)
if way == "child that outlives it":
    if not os.fork():
        os.setsid()
        pathlib.Path({child!r}).write_text(str(os.getpid()))
        signal.pause()
    while not pathlib.Path({child!r}).exists():
        pass
    os._exit(5)
if way == "memory":
    hoard = []
    try:
        while True:
            hoard.append(bytearray(2**24))
    except MemoryError:
        del hoard[:]
        os.write(2, b"MemoryError")
        os._exit(1)
answer.write_text(dict([
    ("rubbish", "not JSON"), ("truncated", whole[:-9]), ("a list", "[]"), ("deep", "[" * 100000),
    ("another's", whole.replace(job["id"], "b9~other")), ("NaN", whole.replace("[]", "[NaN]")),
    ("no status", whole.replace("status", "stat")), ("strange status", whole.replace("ok", "hm")),
]).get(way, ""))
"""


@pytest.mark.parametrize("way", WAYS)
def test_workers_that_misbehave_are_typed(
    tmp_path: Path, data: Path, way: str, child: Path
) -> None:
    from dataclasses import replace

    from bench.run.environments import Environment
    from bench.run.launches import keep, launch
    from bench.run.logs import MOST_BYTES

    run = made(tmp_path / "run", data)
    (run.path / "tmp").mkdir()
    python = tmp_path / "python"
    flood = 1024 if KILLS > 50 else 40  # 1 GiB in the session
    python.write_text(WORKER.format(python=sys.executable, way=way, child=str(child), flood=flood))
    python.chmod(0o755)
    job = jobs_of(run)[0]
    job = replace(job, budget=replace(job.budget, timeout_seconds=2.0))
    count = tally(f"worker: {way}")
    count.injected += 1
    limit = 2**27 if way == "memory" else None
    found = keep(run, job, launch(run, job, Environment("fake", "ready", str(python)), limit))
    status, words = WAYS[way]
    right = found.status == status and words in found.reason and "\n" not in found.reason
    count.mistyped += not right
    count.lost += job.id not in run.records()
    assert right, (found.status, found.reason)
    assert (run.logs / f"{job.id}.log").stat().st_size <= MOST_BYTES
    if child.exists():
        end = time.monotonic() + 5
        while psutil.pid_exists(int(child.read_text())) and time.monotonic() < end:
            time.sleep(0.02)  # until who reaps orphans has seen it
        assert not psutil.pid_exists(int(child.read_text()))
