"""One worker process: started pinned and alone, watched, stopped for cause, read when it ends."""

from __future__ import annotations

import contextlib
import json
import os
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
from bench.records.record import CHANNEL, Job, Outcome, Record, failure_record
from bench.records.store import Run
from bench.run import environments
from bench.run.environments import Environment
from bench.run.variables import BESIDE_OTHERS, fresh_caches, worker_variables
from tasks.data import cache

POLL_SECONDS = 0.2
GRACE_FRACTION = 0.9  # of the machine's free memory: above it a worker is stopped


class Worker:
    """A worker from start to record. Use as a context: whatever happens, it is gone afterwards.

    channel: the runner's end of a socket that the worker gets, where it takes turns. ours:
    processes of the same sitting. seconds: that it has worked so far; at its job's timeout it is
    stopped.
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
    ) -> None:
        self.run, self.job, self.poll = run, job, poll
        self.answer = run.answer_path(job.id).absolute()  # the worker stands in another folder
        self.question = self.answer.with_suffix(".job")
        self.log = run.logs / f"{job.id}.log"
        self.memory_limit = memory_limit_bytes or int(GRACE_FRACTION * available_bytes())
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
        files = (str(self.question), str(self.answer))
        words = ("-m", "bench.worker.launch", *files, str(os.getpid()))
        with pinned(cores.chosen(job.cell.threads)), open(self.log, "w", encoding="utf-8") as log:
            return subprocess.Popen(
                [environment.python, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.run.path / "tmp",
                env=variables,
                start_new_session=True,
                pass_fds=() if theirs is None else (theirs.fileno(),),
            )

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()
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
            self.stopped = self._cause(monotonic() - started > allowed)
            if self.stopped is not None:
                break
        self.seconds += monotonic() - started
        self.device.end()

    def _cause(self, late: bool) -> Outcome | None:
        if late:
            return Outcome("timeout", f"stopped after {self.job.budget.timeout_seconds:.0f} s")
        used, limit = resident_bytes(self.process.pid), self.memory_limit
        if used > limit:
            said = f"stopped at {used / 2**30:.1f} GiB (limit {limit / 2**30:.1f})"
            return Outcome("out-of-memory", said)
        return None

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
        if used:
            record["launch"]["device_use"] = used
        return record

    def _read(self) -> Record:
        if self.stopped is not None:
            return failure_record(self.job, self.stopped)
        try:
            record: Record = json.loads(self.answer.read_text(encoding="utf-8"))
            if record["launch"]["job"]["id"] == self.job.id:
                return record
        except (OSError, ValueError, KeyError, TypeError):
            pass
        code = self.process.returncode
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        text = self.log.read_text(errors="replace", encoding="utf-8")
        lines = [x.strip() for x in text.splitlines() if x.strip()]
        last = f": {lines[-1][:200]}" if lines else ""
        return failure_record(self.job, Outcome("crash", f"the worker died with {how}{last}"))


def resident_bytes(pid: int) -> int:
    """Memory of a process that is resident now; 0 when it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def available_bytes() -> int:
    """Memory that can be had now without swapping."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
