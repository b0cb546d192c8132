"""An engine whose nodes die when a test says so: quick, and without any process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from threading import Lock

from bench.plan.blocks import NodeBlock
from bench.records.record import Outcome, failure_record
from bench.records.schema import RunFile
from bench.run.engines.base import Delivery, Engine, NodeFacts, NodeLost, Ready

MACHINE = {
    "cpu": "a CPU", "cores": 2, "memory_gib": 24, "architecture": "x86_64", "os": "Linux 6.1",
    "python": "3.11.7",
}  # fmt: skip
SUITE = {"version": "1", "revision": "abc", "measurement": 2}


class Dying(Engine):
    """`kills` times in all a node dies, at a random record or right behind the last; another one of
    its type comes then."""

    def __init__(self, cpus: Sequence[str], kills: int, seed: int = 0, share: float = 0.12) -> None:
        self.rng, self.lock, self.kills, self.share = Random(seed), Lock(), kills, share
        self.cpus = {f"node-{at}": cpu for at, cpu in enumerate(cpus)}
        self.dead: set[str] = set()
        self.working: set[str] = set()
        self.attempts: list[tuple[str, str]] = []

    def nodes(self) -> Sequence[str]:
        with self.lock:
            return [name for name in self.cpus if name not in self.dead]

    def look(self, node: str, device: str) -> NodeFacts:
        return NodeFacts(MACHINE | {"cpu": self.cpus[node]}, SUITE, 2)

    def prepare(self, node: str, about: RunFile, ceiling: bool) -> Ready:
        return Ready()

    def submit(
        self, block: NodeBlock, node: str, about: RunFile, certify_anew: bool = False
    ) -> Iterator[Delivery]:
        with self.lock:
            assert node not in self.working, "two blocks at once on one node"
            self.working.add(node)
            self.attempts.append((block.id, node))
        for job in block.jobs:
            self._maybe_die(node)
            yield Delivery(job.id, failure_record(job, Outcome("ok")), f"by {node}")
        self._maybe_die(node)
        with self.lock:
            self.working.discard(node)

    def _maybe_die(self, node: str) -> None:
        with self.lock:
            if len(self.dead) < self.kills and self.rng.random() < self.share:
                self.dead.add(node)
                self.cpus[f"node-{len(self.cpus)}"] = self.cpus[node]
                raise NodeLost(f"{node} was killed")

    def lost(self, node: str) -> bool:
        return node in self.dead
