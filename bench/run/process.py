"""One worker process: started pinned and alone, watched, stopped for cause, read when it ends."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Collection
from pathlib import Path
from time import monotonic

from bench.machine import cores
from bench.machine.cores import pinned
from bench.machine.devices.kinds import KINDS, Watch
from bench.records.door import MOST_BYTES
from bench.records.record import (
    CHANNEL,
    MEMORY_WORDS,
    Job,
    Outcome,
    Record,
    failure_record,
)
from bench.records.store import Run
from bench.run import environments, logs, offspring
from bench.run.environments import Environment
from bench.run.variables import BESIDE_OTHERS, fresh_caches, worker_variables
from tasks.data import cache

POLL_SECONDS = 0.2
GIB = 2**30
GRACE_FRACTION = 0.9  # of the machine's free memory: above it a worker is stopped


class Worker:
    """A worker from start to record. Use as a context: whatever happens, it is gone afterwards.

    channel: the runner's end of a socket that the worker gets, where it takes turns. ours:
    processes of the same sitting. seconds: that it has worked so far; at its job's timeout it is
    stopped. shared: the limit is its share of what is free, and nobody asked for it.
    """

    def __init__(
        self,
        run: Run,
        job: Job,
        environment: Environment,
        memory_limit_bytes: int | None = None,
        poll: Callable[[], None] = lambda: None,
        channel: bool = False,
        ours: Collection[int] = (),
        shared: bool = False,
    ) -> None:
        self.run, self.job, self.poll = run, job, poll
        self.answer = run.answer_path(job.id).absolute()  # the worker stands in another folder
        self.question = self.answer.with_suffix(".job")
        self.log = run.logs / f"{job.id}.log"
        self.mark = offspring.mark(run.path, job.id)
        self.asked_limit = None if shared else memory_limit_bytes
        self.memory_limit = memory_limit_bytes or int(GRACE_FRACTION * available_bytes())
        self.oom_kills = cores.oom_kills()
        self.stopped: Outcome | None = None
        self.seconds = 0.0
        self.channel: socket.socket | None = None
        theirs: socket.socket | None = None
        if channel:
            self.channel, theirs = socket.socketpair()
        self.process = self._start(environment, theirs)
        if theirs is not None:
            theirs.close()
        self.device = Watch(KINDS[job.cell.device], self.process.pid, ours)

    def _start(
        self, environment: Environment, theirs: socket.socket | None
    ) -> subprocess.Popen[bytes]:
        """Pinned to the cores that every contender gets, with nothing compiled before."""
        job = self.job
        self.question.write_text(json.dumps(job.as_dict()), encoding="utf-8")
        keeps = environments.keeps(job.framework)
        variables = worker_variables(job.cell.threads, environment.project, job.division, keeps)
        variables |= fresh_caches(self.answer.with_suffix(".caches"))
        variables |= environment.variables()
        variables |= BESIDE_OTHERS if job.kind == "certify" else {}
        searches = str(self.run.searches.absolute())
        variables |= {"BENCH_CACHE": str(cache.root()), "BENCH_SEARCHES": searches}
        if theirs is not None:
            variables[CHANNEL] = str(theirs.fileno())
        variables[offspring.NAME] = self.mark
        files = (str(self.question), str(self.answer))
        words = ("-m", "bench.worker.launch", *files, str(os.getpid()))
        self.log.unlink(missing_ok=True)
        with pinned(cores.chosen(job.cell.threads)), open(self.log, "ab") as log:
            process = subprocess.Popen(
                [environment.python, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.run.path / "tmp",
                env=variables,
                start_new_session=True,
                pass_fds=() if theirs is None else (theirs.fileno(),),
            )
        if self.asked_limit is not None:  # by the kernel: what would be over it cannot be had
            with contextlib.suppress(OSError, ValueError):
                resource.prlimit(process.pid, resource.RLIMIT_DATA, (self.asked_limit,) * 2)
        return process

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()
        offspring.end(self.mark)
        logs.bound(self.log)
        if self.channel is not None:
            self.channel.close()
        for path in (self.question, self.answer, self.answer.with_suffix(".rounds")):
            path.unlink(missing_ok=True)
        shutil.rmtree(self.answer.with_suffix(".caches"), ignore_errors=True)

    def wait(self) -> None:
        """Until it ends by itself, or is stopped for cause."""
        self.work_until(lambda: self.process.poll() is not None, self._pause)

    def _pause(self, seconds: float) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)

    def work_until(self, done: Callable[[], bool], pause: Callable[[float], None]) -> None:
        """Let it work until `done`, or until it has to be stopped: then `stopped` says why."""
        self.device.begin()
        started = monotonic()
        allowed = self.job.budget.timeout_seconds - self.seconds
        while not done():
            pause(POLL_SECONDS)
            if done():
                break
            self.poll()
            self.device.look()
            logs.bound(self.log)
            self.stopped = self._cause(monotonic() - started > allowed)
            if self.stopped is not None:
                break
        self.seconds += monotonic() - started
        self.device.end()

    def _cause(self, late: bool) -> Outcome | None:
        if late:
            return Outcome("timeout", f"stopped after {self.job.budget.timeout_seconds:.0f} s")
        used = resident_bytes(self.process.pid)
        if used > self.memory_limit:
            return Outcome("out-of-memory", f"stopped at {used / GIB:.1f} GiB ({self._limit()})")
        return None

    def _limit(self) -> str:
        """The memory that it may take, and where that comes from."""
        if self.asked_limit is not None:
            return f"limit {self.asked_limit / GIB:.1f} GiB by --memory-limit"
        share = f"limit {self.memory_limit / GIB:.1f}, {GRACE_FRACTION:.0%} of what was free"
        of_group = cores.memory_limit()
        return (
            share if of_group is None else f"{share} of the {of_group / GIB:.1f} GiB allowed here"
        )

    def signal(self, number: signal.Signals) -> None:
        """To the whole group of its processes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """Stopped processes too: nobody can hold this signal back."""
        self.signal(signal.SIGKILL)
        self.process.wait()

    def record(self) -> Record:
        """What it answered, once it has ended; every way it can end is a record."""
        self.device.look()
        used = self.device.found()
        self.kill()
        record = self._read()
        launch = record["launch"]
        if used:
            launch["device_use"] = used
        limited = self.asked_limit is not None or cores.memory_limit() is not None
        if limited and launch["status"] == "out-of-memory" and "limit" not in launch["reason"]:
            launch["reason"] += f" ({self._limit()})"
        return record

    def _read(self) -> Record:
        if self.stopped is not None:
            return failure_record(self.job, self.stopped)
        record = self._answer()
        return record if record is not None else failure_record(self.job, self._death())

    def _answer(self) -> Record | None:
        """What it wrote, where that is a record of this job."""
        try:
            if self.answer.stat().st_size > MOST_BYTES:
                return None
            record: Record = json.loads(self.answer.read_text(encoding="utf-8"))
            launch = record["launch"]
            named = isinstance(launch["status"], str) and isinstance(launch["reason"], str)
            return record if named and launch["job"]["id"] == self.job.id else None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def _death(self) -> Outcome:
        """How a worker ended that left no record."""
        code = self.process.returncode
        lines = logs.last_lines(self.log)
        last = f": {lines[-1][:200]}" if lines else ""
        if code == -signal.SIGKILL and self._killed_for_memory():
            limit = cores.memory_limit()
            allowed = f" of {limit / GIB:.1f} GiB" if limit is not None else ""
            why = f"killed by the kernel at the memory limit{allowed} of its control group"
            return Outcome("out-of-memory", why)
        if self.asked_limit is not None and any(w in last.lower() for w in MEMORY_WORDS):
            return Outcome("out-of-memory", f"died at its {self._limit()}{last}")
        how = f"signal {_signal_name(-code)}" if code < 0 else f"exit status {code}"
        return Outcome("crash", f"the worker died with {how}{last}")

    def _killed_for_memory(self) -> bool:
        now = cores.oom_kills()
        return now is not None and now > (self.oom_kills or 0)


def _signal_name(number: int) -> str:
    """Real-time signals have no name of their own."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def resident_bytes(pid: int) -> int:
    """Memory of a process that is resident now; 0 when it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def available_bytes() -> int:
    """Memory that can be had now without swapping, here: a control group may allow less."""
    found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError):
        for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable"):
                found = int(line.split()[1]) * 1024
    left = cores.memory_left()
    return found if left is None else min(found, left)
