"""Ray as the engine: it knows the nodes and brings the records back; it holds no framework.

A node that may measure has the resource `SLOT`, once (`START` says how it is started). Whatever is
done on a node takes it, so nothing is done beside a measurement, and it is bound to its node (hard
affinity) and never tried again: Ray would go on in mid-block on another machine.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any

from bench.plan.blocks import NodeBlock
from bench.records.schema import RunFile
from bench.run.engines import node as there
from bench.run.engines.base import Delivery, Engine, NodeFacts, NodeLost, Ready
from bench.run.engines.local import text_of
from tasks.errors import UserError

SLOT = "bench_slot"
INSTALL = "install it with: pip install 'framework-bench[ray]'"
START = (
    f"""start nodes that may measure with: ray start --resources '{{"{SLOT}": 1}}' --address …"""
)


class OnRay(Engine):
    """The nodes of a Ray cluster. Without an address, a cluster of this machine alone is begun."""

    def __init__(self, address: str | None = None) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            self.ray: Any = import_module("ray")
            self.errors: Any = import_module("ray.exceptions")
            self.scheduling: Any = import_module("ray.util.scheduling_strategies")
        except ImportError as error:
            raise UserError(f"--on ray needs Ray ({error}); {INSTALL}") from None
        self.own = not self.ray.is_initialized()
        words: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
        words |= {"address": address} if address else {"resources": {SLOT: 1}}
        if not address:
            words["include_dashboard"] = False
        try:
            if self.own:
                self.ray.init(**words)
        except (ConnectionError, ValueError, RuntimeError) as error:
            line = " ".join(str(error).split())[:200]
            raise UserError(f"--address {address}: no Ray cluster answers there: {line}") from None
        self.look_at = self._bound(there.look)
        self.make_ready = self._bound(there.make_ready)
        self.work = self._bound(there.work, num_returns="streaming")

    def _bound(self, function: Callable[..., Any], **options: Any) -> Any:
        """As a task that takes the slot, without a second try."""
        resources = {SLOT: 1}
        return self.ray.remote(num_cpus=0, resources=resources, max_retries=0, **options)(function)

    def _on(self, node: str, task: Any, gpus: bool = False) -> Any:
        affinity = self.scheduling.NodeAffinitySchedulingStrategy(node, soft=False)
        # Without this Ray would hide the GPUs from what the node does.
        count = self._alive().get(node, {}).get("GPU", 0) if gpus else 0
        return task.options(scheduling_strategy=affinity, num_gpus=count)

    def _alive(self) -> dict[str, dict[str, float]]:
        """Node → its resources."""
        return {n["NodeID"]: n["Resources"] for n in self.ray.nodes() if n["Alive"]}

    def nodes(self) -> Sequence[str]:
        return [node for node, has in self._alive().items() if has.get(SLOT, 0) >= 1]

    def look(self, node: str, device: str) -> NodeFacts:
        return NodeFacts(**json.loads(self._answer(node, self.look_at, device)))

    def prepare(self, node: str, about: RunFile, ceiling: bool) -> Ready:
        words = (text_of(about), ceiling)
        return Ready(*self._answer(node, self.make_ready, *words))

    def _answer(self, node: str, task: Any, *words: object) -> Any:
        try:
            return self.ray.get(self._on(node, task, gpus=True).remote(*words))
        except self.errors.RayTaskError as error:
            raise UserError(f"{node}: {error.cause}") from None
        except self.errors.RayError as error:
            raise NodeLost(_line(error)) from None

    def submit(
        self, block: NodeBlock, node: str, about: RunFile, certify_anew: bool = False
    ) -> Iterator[Delivery]:
        words = (text_of(about), there.jobs_text(block.jobs), certify_anew)
        gpus = about.request.device != "cpu"
        try:
            for reference in self._on(node, self.work, gpus).remote(*words):
                job_id, record, log = self.ray.get(reference)
                yield Delivery(job_id, json.loads(record), log)
        except self.errors.RayTaskError as error:
            raise UserError(f"{node}: {error.cause}") from None
        except self.errors.RayError as error:
            raise NodeLost(_line(error)) from None

    def lost(self, node: str) -> bool:
        return node not in self._alive()

    def close(self) -> None:
        if self.own:
            self.ray.shutdown()


def _line(error: BaseException) -> str:
    """Which kind of error, and its first sentence."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
