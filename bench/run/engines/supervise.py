"""Hands blocks to nodes until all are done, whatever becomes of the nodes.

One thread a node waits for its records; all that is decided and kept happens in the caller's
thread. A record of a certificate or a search counts when it comes; those of a sitting when all are
there. What a lost node has not delivered is planned anew as a block with another id, and nothing
that it might still have sent is listened to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic

from bench.plan.again import NODE_LOST
from bench.plan.blocks import NodeBlock
from bench.records.record import Outcome, failure_record
from bench.records.schema import RunFile
from bench.run.engines.base import Delivery, Engine, NodeLost

LOOK_SECONDS = 1.0  # between looks at which nodes there are
PATIENCE_SECONDS = 600.0  # without any node that blocks are waiting for
MOST_ATTEMPTS = 10  # of a block: then it is the block that kills its nodes

Keep = Callable[[NodeBlock, str, Delivery], None]
"""(block, node, record): called once for each job of each block."""


@dataclass(frozen=True)
class Said:
    """Heard of a node's thread about its block: a record, the end (None), or what went wrong."""

    node: str
    block: NodeBlock
    what: Delivery | BaseException | None


@dataclass
class Supervisor:
    """One campaign. abouts: machine type → run.json. types: node → machine type; further nodes of
    a type that there is are taken in by `admit`, which answers "" for one that is not wanted.
    still: what of a block is wanted when its turn comes; None: nothing."""

    engine: Engine
    abouts: Mapping[str, RunFile]
    types: dict[str, str]
    keep: Keep
    say: Callable[[str], None] = lambda line: None
    admit: Callable[[str], str] = lambda node: ""
    still: Callable[[NodeBlock], NodeBlock | None] = lambda block: block
    certify_anew: bool = False
    patience_seconds: float = PATIENCE_SECONDS
    heard: SimpleQueue[Said] = field(default_factory=SimpleQueue)
    busy: dict[str, NodeBlock] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    staged: dict[str, dict[str, Delivery]] = field(default_factory=dict)
    """NodeBlock id → job id → record."""

    def run(self, blocks: Iterable[NodeBlock]) -> list[NodeBlock]:
        """Do all; those that no node was left for. What a node raises itself, which is no loss
        of it, is raised here."""
        waiting = list(blocks)
        idle_since = looked = monotonic()
        self._start(waiting, self._look())
        while waiting or self.busy:
            try:
                said = self.heard.get(timeout=LOOK_SECONDS)
            except Empty:
                said = None
            again = self._hear(said) if said is not None else None
            if again is not None:
                waiting.insert(0, again)
            if said is None or said.what is None or isinstance(said.what, NodeLost):
                nodes = self._look() if monotonic() - looked > LOOK_SECONDS else list(self.types)
                looked = monotonic()
                self._start(waiting, nodes)
            idle_since = monotonic() if self.busy else idle_since
            if not self.busy and monotonic() - idle_since > self.patience_seconds:
                return waiting
        return []

    def _look(self) -> list[str]:
        """The nodes that there are; new ones are asked what they are, once."""
        there = [node for node in self.engine.nodes() if node not in self.gone]
        for node in there:
            if node not in self.types:
                self.types[node] = self.admit(node)
        return there

    def _start(self, waiting: list[NodeBlock], nodes: Iterable[str]) -> None:
        """Give every idle node its next block."""
        for node in nodes:
            if node in self.busy or node in self.gone:
                continue
            if self.engine.lost(node):
                self.gone.add(node)
                continue
            block = self._next(waiting, self.types.get(node, ""))
            if block is None:
                continue
            self.busy[node] = block
            self.staged[block.id] = {}
            Thread(target=self._listen, args=(node, block), name=block.id, daemon=True).start()

    def _next(self, waiting: list[NodeBlock], machine: str) -> NodeBlock | None:
        """Taken out of those that wait."""
        while (found := next((b for b in waiting if b.machine == machine), None)) is not None:
            waiting.remove(found)
            if (wanted := self.still(found)) is not None:
                return wanted
        return None

    def _listen(self, node: str, block: NodeBlock) -> None:
        """In the node's thread: tell of all that comes."""
        about = self.abouts[block.machine]
        try:
            for delivery in self.engine.submit(block, node, about, self.certify_anew):
                self.heard.put(Said(node, block, delivery))
            self.heard.put(Said(node, block, None))
        except BaseException as error:
            self.heard.put(Said(node, block, error))

    def _hear(self, said: Said) -> NodeBlock | None:
        """Keep what counts; the block to be planned anew, if one is."""
        block = said.block
        staged = self.staged[block.id]
        if isinstance(said.what, Delivery):
            staged[said.what.job_id] = said.what
            if not block.counts_whole:
                self.keep(block, said.node, said.what)
            return None
        self.busy.pop(said.node)
        if isinstance(said.what, NodeLost):
            self.gone.add(said.node)
        elif said.what is not None:
            raise said.what
        return self._over(block, said.node, said.what)

    def _over(self, block: NodeBlock, node: str, lost: NodeLost | None) -> NodeBlock | None:
        """A block has ended. It is whole, or what is missing is planned anew. A block that ended
        by itself has no more to come: its jobs were refused on the node (pending)."""
        staged = self.staged.pop(block.id)
        whole = len(staged) == len(block.jobs) or lost is None
        if whole and block.counts_whole:
            for delivery in staged.values():
                self.keep(block, node, delivery)
        if whole:
            return None
        again = block.again(set() if block.counts_whole else set(staged))
        if again.attempt < MOST_ATTEMPTS:
            self.say(f"{block.id}: its node was lost ({lost}); planned anew as {again.id}")
            return again
        self.say(f"{block.id}: {again.attempt} nodes were lost at it; given up")
        reason = f"{NODE_LOST} in each of {again.attempt} attempts"
        for job in again.jobs:
            self.keep(block, node, Delivery(job.id, failure_record(job, Outcome("crash", reason))))
        return None
