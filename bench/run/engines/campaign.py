"""A run on an engine's nodes: the same plan as here, one run for each type of machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from bench.plan.blocks import NodeBlock, blocks_of
from bench.plan.jobs import Done, pending
from bench.records.beside import written
from bench.records.record import Job
from bench.records.schema import RunFile
from bench.records.store import write_atomically
from bench.run import ceiling
from bench.run.engines.base import Delivery, Engine, NodeFacts, NodeLost, Ready
from bench.run.engines.supervise import PATIENCE_SECONDS, Supervisor
from bench.run.launches import NOBODY, Events, clean, keep, whole_sitting
from bench.run.session import Session

Say = Callable[[str], None]


def looked_at(
    engine: Engine, nodes: Sequence[str], device: str, ours: Mapping[str, Any], say: Say
) -> dict[str, NodeFacts]:
    """Node → what it is, of those that can take part: their suite is the one that plans."""
    found: dict[str, NodeFacts] = {}
    for node in nodes:
        try:
            facts = engine.look(node, device)
        except NodeLost as error:
            say(f"{node} left out: {error}")
            continue
        if dict(facts.suite) != dict(ours):
            say(f"{node} left out: it has another version of this suite ({facts.suite})")
        else:
            found[node] = facts
    return found


@dataclass(frozen=True)
class ClusterRun:
    """engine: with nodes that were looked at. sessions: machine type → its run, open. ours: the
    suite that plans. patience_seconds: without a node that blocks wait for."""

    engine: Engine
    nodes: Mapping[str, NodeFacts]
    sessions: Mapping[str, Session]
    say: Say
    ours: Mapping[str, Any]
    events: Mapping[str, Events]
    patience_seconds: float = PATIENCE_SECONDS

    def run(self, certify_anew: bool = False) -> int:
        """Certificates, then searches and sittings; how many blocks no node was left for."""
        launches = {kind: clean(one.run) for kind, one in self.sessions.items()}
        abouts = {kind: one.run.about() for kind, one in self.sessions.items()}
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            made = pool.map(lambda at: self._ready(at[0], at[1].type, abouts), self.nodes.items())
            ready = {n: f.type for (n, f), fit in zip(self.nodes.items(), made, strict=True) if fit}
        supervisor = Supervisor(
            self.engine, abouts, ready,
            lambda block, node, record: self._keep(launches, block, node, record),
            self.say, lambda node: self._admitted(node, abouts),
            lambda block: _still(block, launches), certify_anew,
            self.patience_seconds,
        )  # fmt: skip
        left = 0
        for certifying in (True, False):
            blocks = [
                block
                for kind, one in self.sessions.items()
                for block in blocks_of(_next(one, launches[kind], certifying), kind)
            ]
            left += len(supervisor.run(blocks))
        return left

    def _ready(self, node: str, kind: str, abouts: Mapping[str, RunFile]) -> bool:
        """Whether a node has environments and data; said where it has not."""
        if kind not in abouts:
            self.say(f"{node} left out: this campaign has no run of its type of machine")
            return False
        self.say(f"{node}: environments and data")
        place = self.sessions[kind].run.path / ceiling.FILE
        # One of each type is enough, and the others' then need not wait for it.
        first = next(iter(n for n, f in self.nodes.items() if f.type == kind), node)
        wanted = abouts[kind].request.measure and not place.exists() and node == first
        try:
            made = self.engine.prepare(node, abouts[kind], wanted)
        except NodeLost as error:
            made = Ready(f"it is gone ({error})")
        if made.reason:
            self.say(f"{node} left out: {made.reason}")
        elif made.ceiling:
            write_atomically(place, made.ceiling)
        return not made.reason

    def _admitted(self, node: str, abouts: Mapping[str, RunFile]) -> str:
        """The type of a node that came later; "" of one that cannot take part."""
        device = next(iter(abouts.values())).request.device
        facts = looked_at(self.engine, [node], device, self.ours, self.say).get(node)
        return facts.type if facts and self._ready(node, facts.type, abouts) else ""

    def _keep(
        self, launches: dict[str, dict[str, Done]], block: NodeBlock, node: str, came: Delivery
    ) -> None:
        """Into its run, with where it was measured."""
        one = self.sessions[block.machine]
        job = next(job for job in block.jobs if job.id == came.job_id)
        machine = written(one.run.about().machine)
        came.record["launch"]["place"] = {"block": block.id, "node": node, "machine": machine}
        if came.log:
            write_atomically(one.run.logs / f"{job.id}.log", came.log)
        launch = keep(one.run, job, came.record)
        launches[block.machine][job.id] = Done.of(launch)
        self.events.get(block.machine, NOBODY).done(job, launch)


def _next(one: Session, launches: dict[str, Done], certifying: bool) -> list[Job]:
    """What is still to be done; of a sitting that is not whole, all."""
    found: list[Job] = []
    for job in pending(one.jobs, launches):
        if (job.kind == "certify") == certifying and job not in found:
            sitting = job.kind == "measure"
            found += whole_sitting(one.run, one.jobs, job, launches) if sitting else [job]
    return found


def _still(block: NodeBlock, launches: Mapping[str, Mapping[str, Done]]) -> NodeBlock | None:
    """What is still to be done of a block: by now its curve may have ended."""
    jobs = tuple(pending(block.jobs, launches[block.machine]))
    return replace(block, jobs=jobs) if jobs else None
