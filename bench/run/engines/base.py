"""What an engine is: it knows machines and has them do blocks. The suite plans, keeps and judges.

An engine supervises and nothing else: a node does one block at a time, a block stays on its node,
records come back as they are made, and nothing is ever tried again by the engine itself: a second
try could go on in another place in mid-block. `bench.run.engines.supervise` decides what is done
about a lost node.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.plan.blocks import NodeBlock
from bench.records.record import Record
from bench.records.schema import RunFile


class NodeLost(Exception):
    """A node went away in the middle of a block."""


@dataclass(frozen=True)
class NodeFacts:
    """What a node says of itself before anything is planned: its machine's fingerprint, the suite
    that is installed there, and how many threads it can run at once."""

    machine: Mapping[str, Any]
    suite: Mapping[str, Any]
    threads: int

    @property
    def type(self) -> str:
        """Of machine: nodes with the same are interchangeable, others are never pooled."""
        text = json.dumps(self.machine, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Ready:
    """A node that was made ready for a run. reason: why it cannot do it, empty where it can.
    ceiling: the text of its ceiling.json, where that was asked for."""

    reason: str = ""
    ceiling: str = ""


@dataclass(frozen=True)
class Delivery:
    """One record as it comes from a node. log: what its worker printed."""

    job_id: str
    record: Record
    log: str = ""


class Engine(ABC):
    """Every method but `close` may raise `NodeLost` for the node that it is asked about."""

    @abstractmethod
    def nodes(self) -> Sequence[str]:
        """Names of the nodes that are alive and have a slot, busy ones too. A name never comes
        again for another machine."""

    @abstractmethod
    def look(self, node: str, device: str) -> NodeFacts:
        """What a node is."""

    @abstractmethod
    def prepare(self, node: str, about: RunFile, ceiling: bool) -> Ready:
        """Make environments and data there, once. ceiling: measure the machine's, too."""

    @abstractmethod
    def submit(
        self, block: NodeBlock, node: str, about: RunFile, certify_anew: bool = False
    ) -> Iterator[Delivery]:
        """Have a node do a block, and nothing else meanwhile; a record for each job, as they are
        made. `NodeLost` when the node goes away before it has done the block."""

    @abstractmethod
    def lost(self, node: str) -> bool:
        """Whether a node is gone."""

    def close(self) -> None:
        """Let go of the machines; nothing where there is nothing to let go of."""
        return
