"""A group of processes that train together: started at once, watched, and gone afterwards.

Each process leads a process group of its own, so that with it all that it starts is killed. All
meet on the loopback. A peer that ends badly leaves the others `PATIENCE_SECONDS` to notice; who has
not by then hangs, and is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil

from adapters.base import Place, Scheme
from bench.machine import cores
from bench.machine.cores import pinned
from bench.run import environments
from bench.run.environments import Environment
from bench.run.variables import fresh_caches, worker_variables
from tasks.data import cache

POLL_SECONDS = 0.02
PATIENCE_SECONDS = 4.0  # so that all of it, with the killing, is over within five
PORTS_MORE = 2  # than processes
LOOPBACK = {
    "GLOO_SOCKET_IFNAME": "lo",  # gloo takes the interface of the host's name else
    "DMLC_INTERFACE": "lo",
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
}
GroupRaw = dict[str, Any]


@dataclass(frozen=True)
class GroupQuestion:
    """What a group is asked (bench.worker.peer). tasks: each with what the question needs of it.
    threads: of each peer. fault: "module:class", planted around every peer (adapters.mutants)."""

    scheme: Scheme
    question: str
    size: int
    threads: int
    tasks: tuple[GroupRaw, ...]
    fault: str = ""

    def as_dict(self, place: Place) -> GroupRaw:
        """What one process is given."""
        return {
            "module": self.scheme.module,
            "way": self.scheme.way,
            "question": self.question,
            "threads": self.threads,
            "tasks": list(self.tasks),
            "fault": self.fault,
            "place": asdict(place),
        }


@dataclass(frozen=True)
class GroupEnd:
    """How a group ended. answers: by rank; a rank that wrote none has an empty one. hung: ranks
    that had to be killed. codes: exit status by rank."""

    answers: tuple[GroupRaw, ...]
    hung: tuple[int, ...]
    codes: tuple[int, ...]
    reason: str = ""

    @property
    def well(self) -> bool:
        """Whether every rank answered all that it was asked."""
        return not self.reason


class PeerGroup:
    """The processes of one group. Use as a context: whatever happens, they are gone afterwards."""

    def __init__(self, question: GroupQuestion, environment: Environment, folder: Path) -> None:
        self.question, self.folder = question, folder
        folder.mkdir(parents=True, exist_ok=True)
        size = question.size
        ports = free_ports(size + PORTS_MORE)
        self.started = monotonic()
        self.helpers = [
            self._start(Place(0, size, ports, role), environment)
            for role in (question.scheme.helpers if size > 1 else ())
        ]
        self.peers = [self._start(Place(rank, size, ports), environment) for rank in range(size)]

    def _start(self, place: Place, environment: Environment) -> subprocess.Popen[bytes]:
        """A peer alone gets as many cores as it has threads; of several each has its own, in turn
        where there are too few."""
        question, name = self.question, f"{place.role}{place.rank}"
        asked = self.folder / f"{name}.question"
        asked.write_text(json.dumps(question.as_dict(place)), encoding="utf-8")
        keeps = environments.keeps(environment.framework)
        variables = worker_variables(question.threads, environment.project, keeps=keeps)
        variables |= fresh_caches(self.folder / f"{name}.caches") | environment.variables()
        variables |= LOOPBACK | question.scheme.variables(place)
        variables |= {"BENCH_CACHE": str(cache.root())}
        words = ("-m", "bench.worker.peer", str(asked), str(self.folder), str(os.getpid()))
        with (
            pinned(self._cores(place)),
            open(self.folder / f"{name}.log", "w", encoding="utf-8") as log,
        ):
            return subprocess.Popen(
                [environment.python, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=variables,
                start_new_session=True,
            )

    def _cores(self, place: Place) -> Sequence[int]:
        threads = self.question.threads
        all_of_them = cores.chosen(threads * self.question.size)
        if place.role != "peer":
            return all_of_them
        first = place.rank * threads
        return [all_of_them[(first + k) % len(all_of_them)] for k in range(threads)]

    def __enter__(self) -> PeerGroup:
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()

    def wait(self, seconds: float) -> GroupEnd:
        """Until all peers have ended, or have to be killed: after `seconds`, or where one ended
        badly and others have not noticed in time."""
        end, lost = monotonic() + seconds, 0.0
        while any(peer.poll() is None for peer in self.peers) and monotonic() < end:
            if not lost and any(peer.poll() for peer in self.peers):
                lost = monotonic()
                end = min(end, lost + PATIENCE_SECONDS)
            sleep(POLL_SECONDS)
        hung = tuple(rank for rank, peer in enumerate(self.peers) if peer.poll() is None)
        self.kill()
        answers = tuple(self._answer(rank) for rank in range(self.question.size))
        codes = tuple(peer.returncode for peer in self.peers)
        late = "" if lost else f"no answer after {seconds:.0f} s"
        return GroupEnd(answers, hung, codes, self._reason(answers, hung, codes, late))

    def _answer(self, rank: int) -> GroupRaw:
        try:
            found: GroupRaw = json.loads((self.folder / f"{rank}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found

    def _reason(
        self, answers: Sequence[GroupRaw], hung: Sequence[int], codes: Sequence[int], late: str
    ) -> str:
        """The first rank's trouble that was not a consequence of another's, in one line."""
        told = [a["reason"] for a in answers if a.get("reason")]
        if told:
            return str(told[0])
        dead = [rank for rank, code in enumerate(codes) if code and rank not in hung]
        if dead:
            return f"rank {dead[0]} ended with {ending(codes[dead[0]])}{self._last_line(dead[0])}"
        return f"rank {hung[0]}: {late or 'hung'}{self._last_line(hung[0])}" if hung else ""

    def _last_line(self, rank: int) -> str:
        text = (self.folder / f"peer{rank}.log").read_text(errors="replace", encoding="utf-8")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return f": {lines[-1][:200]}" if lines else ""

    def kill(self) -> None:
        """All processes and what they started."""
        for process in (*self.peers, *self.helpers):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        for process in (*self.peers, *self.helpers):
            process.wait()

    def left(self) -> int:
        """How many processes of the group there are still, whoever started them."""
        ours = {process.pid for process in (*self.peers, *self.helpers)}
        return sum(_session(process) in ours for process in psutil.process_iter())


def _session(process: psutil.Process) -> int:
    """The session a living process is of; 0 of one that is gone, or waits to be."""
    try:
        return 0 if process.status() == psutil.STATUS_ZOMBIE else os.getsid(process.pid)
    except (psutil.Error, ProcessLookupError):
        return 0


def ending(code: int) -> str:
    """An exit status in words."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"


def free_ports(count: int) -> tuple[int, ...]:
    """Ports of the loopback that nobody had a moment ago."""
    with contextlib.ExitStack() as stack:
        found = []
        for _ in range(count):
            taken = stack.enter_context(socket.socket())
            taken.bind(("127.0.0.1", 0))
            found.append(int(taken.getsockname()[1]))
    return tuple(found)
