"""The engine that needs no engine: this machine as the one node of a campaign."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from bench.plan.blocks import NodeBlock
from bench.records.beside import written
from bench.records.schema import RunFile
from bench.run.engines import node as there
from bench.run.engines.base import Delivery, Engine, NodeFacts, Ready


class Local(Engine):
    """This machine."""

    def nodes(self) -> Sequence[str]:
        return ("this machine",)

    def look(self, node: str, device: str) -> NodeFacts:
        return NodeFacts(**json.loads(there.look(device)))

    def prepare(self, node: str, about: RunFile, ceiling: bool) -> Ready:
        return Ready(*there.make_ready(text_of(about), ceiling))

    def submit(
        self, block: NodeBlock, node: str, about: RunFile, certify_anew: bool = False
    ) -> Iterator[Delivery]:
        words = (text_of(about), there.jobs_text(block.jobs), certify_anew)
        for job_id, record, log in there.work(*words):
            yield Delivery(job_id, json.loads(record), log)

    def lost(self, node: str) -> bool:
        return False


def text_of(about: RunFile) -> str:
    """run.json as it travels to a node."""
    return json.dumps(written(about))
