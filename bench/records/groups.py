"""RUN/distributed.json as types: groups of processes that trained together (bench.distributed)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from adapters.base import Setting
from bench.records.parts import CertificateRecord, Count, Moment, Positive, Seconds, Strict
from bench.records.record import Status
from bench.records.schema import Machine, Suite

GroupKind = Literal["certify", "measure", "alone", "lose"]
AtLeastOne = Annotated[int, Field(ge=1, le=2**53)]
RoundSeconds = Annotated[float, Field(gt=1e-9, lt=1e9)]  # so that no speed is infinite


class GroupRounds(Strict):
    """Rounds of training: the samples of one, of the whole group, and the seconds of each."""

    samples: AtLeastOne
    seconds: Annotated[tuple[RoundSeconds, ...], Field(min_length=1)]


class GroupTask(Strict):
    """What a group found of one task. strong: rounds of the task's own batch, shared by all; weak:
    of a batch that grows with the group. steps: of a round. reduction: seconds of averaging arrays
    like the model's gradients, each call. first_step: seconds of building and one step."""

    certificate: CertificateRecord | None = None
    strong: GroupRounds | None = None
    weak: GroupRounds | None = None
    steps: Count = 0
    reduction: tuple[RoundSeconds, ...] = ()
    first_step: Seconds | None = None


class LostPeer(Strict):
    """What became of a group one of whose peers was killed. ending: the others raised an error, or
    ended otherwise by themselves, or hung until they were killed. seconds: from the death to the
    last of them. left: processes of the group that were still there afterwards."""

    ending: Literal["error", "ended", "hang"]
    seconds: Seconds
    left: Count


class GroupRecord(Strict):
    """One group: who, how many, what was asked, how it ended. threads: of each process. starts:
    seconds of the slowest peer to import and to join. status "ok": it answered, and where it was
    asked for certificates, every task has one that passed."""

    name: str
    """framework:way, or framework:mode of an implementation that trained alone."""
    kind: GroupKind
    size: AtLeastOne
    threads: AtLeastOne
    launch: Count = 0
    status: Status
    reason: str
    settings: dict[str, Setting] = Field(default_factory=dict)
    starts: dict[str, Seconds] = Field(default_factory=dict)
    tasks: dict[str, GroupTask] = Field(default_factory=dict)
    lost: LostPeer | None = None

    @model_validator(mode="after")
    def _agrees(self) -> GroupRecord:
        proofs = [task.certificate for task in self.tasks.values()]
        proven = bool(proofs) and all(proof and proof.passed for proof in proofs)
        if self.kind == "certify" and self.status == "ok" and not proven:
            raise ValueError("is ok without a passed certificate of every task")
        if self.kind == "lose" and self.status == "ok" and self.lost is None:
            raise ValueError("is ok and does not say how its peer was lost")
        return self

    @property
    def framework(self) -> str:
        """The part before the colon."""
        return self.name.split(":")[0]


class DistributedFile(Strict):
    """RUN/distributed.json. cores: that the processes could use. sizes: of the groups that were
    asked for. tasks: their digests. groups: by a key that names what was asked."""

    schema_: Literal[2] = Field(alias="schema")
    created: Moment
    suite: Suite
    machine: Machine
    cores: AtLeastOne
    sizes: tuple[AtLeastOne, ...]
    tasks: dict[str, str]
    patience_seconds: Positive
    groups: dict[str, GroupRecord]

    def of(self, kind: GroupKind, name: str = "") -> Iterator[GroupRecord]:
        """Those of one kind, and of one scheme or implementation where it is named."""
        return (g for g in self.groups.values() if g.kind == kind and name in ("", g.name))

    @property
    def schemes(self) -> tuple[str, ...]:
        """All that are in it, in the order in which they were asked."""
        return tuple(dict.fromkeys(g.name for g in self.groups.values() if g.kind != "alone"))
