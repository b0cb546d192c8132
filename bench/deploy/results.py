"""What became of each route of a deployment. Pure: records in, facts out.

A launch is a fresh process, so the interval of a median is over launches, of its logarithm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isnan
from statistics import median
from typing import Literal

from bench.proof.artefact import KEPT_STRICTLY
from bench.records.deployment import DeployRecord, LoadScenario, RouteFacts, Served, identity
from bench.records.results import Results
from bench.stats import Estimate, paired_ratio, positive_mean

STRICT = 1 - KEPT_STRICTLY
RouteWord = Literal["certified", "fixed", "refused", "failed", "none", "not installed"]
_WORDS: Mapping[str, RouteWord] = {
    "unsupported": "none", "unverified": "refused", "uninstallable": "not installed",
}  # fmt: skip


@dataclass(frozen=True)
class RouteResult:
    """A task's model on one route. launches: in order; those that ended well have `served`."""

    task: str
    route: RouteFacts
    export: DeployRecord
    launches: tuple[DeployRecord, ...]

    @property
    def way(self) -> str:
        """Format and runtime, without the framework."""
        return self.route.name.partition(":")[2]

    @property
    def _last_word(self) -> DeployRecord:
        """The first launch that did not end well, else the first; the export where none was."""
        bad = [one for one in self.launches if one.status != "ok"]
        return (*bad, *self.launches, self.export)[0]

    @property
    def word(self) -> RouteWord:
        """What became of it."""
        told = self._last_word
        if told.status != "ok":
            return _WORDS.get(told.status, "failed")
        fixed = self.export.export and (self.export.export.batch or self.export.export.length)
        return "fixed" if fixed else "certified"

    @property
    def reason(self) -> str:
        """Why it is not certified at every size; empty where it is."""
        if self._last_word.status != "ok":
            return self._last_word.reason
        facts = self.export.export
        if not facts or not (facts.batch or facts.length):
            return ""
        sizes = [f"batch {facts.batch}"] if facts.batch else []
        sizes += [f"length {facts.length}"] if facts.length else []
        return f"only {' and '.join(sizes)}: {facts.words}"

    @cached_property
    def served(self) -> tuple[Served, ...]:
        """Of the launches that ended well."""
        return tuple(one.served for one in self.launches if one.status == "ok" and one.served)

    def _median(self, values: Iterable[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return median(known) if known else None

    @cached_property
    def medians(self) -> Mapping[int, float]:
        """Launch → its median latency, microseconds."""
        return {
            one.launch: one.served.latency.p50
            for one in self.launches
            if one.status == "ok" and one.served and one.served.latency
        }

    @property
    def estimate(self) -> Estimate | None:
        """Of the median latency."""
        return positive_mean(list(self.medians.values())) if self.medians else None

    @property
    def latency(self) -> float:
        """Its value; 0 where nothing was timed."""
        return self.estimate.value if self.estimate else 0.0

    @property
    def interval(self) -> str:
        """Value and interval as printed."""
        found = self.estimate
        if found is None:
            return ""
        value = f"{found.value:,.1f}"
        return value if isnan(found.low) else f"{value} ({found.low:,.1f} to {found.high:,.1f})"

    @property
    def p90(self) -> float | None:
        """Microseconds, the median launch."""
        return self._median(one.latency.p90 if one.latency else None for one in self.served)

    @property
    def p99(self) -> float | None:
        """Microseconds, the median launch."""
        return self._median(one.latency.p99 if one.latency else None for one in self.served)

    @property
    def rows_per_second(self) -> float | None:
        """At 256 rows a call."""
        return self._median(one.rows_per_second for one in self.served)

    @property
    def cold_seconds(self) -> float | None:
        """Import, load, first answer."""
        return self._median(one.import_ + one.load + one.first for one in self.served)

    @property
    def peak_bytes(self) -> float | None:
        """Of the whole process."""
        return self._median(one.peak_rss_bytes for one in self.served)

    @property
    def installed_bytes(self) -> float | None:
        """Of the runtime and what it needs."""
        return self._median(one.installed_bytes for one in self.served)

    @property
    def score(self) -> float | None:
        """On the test rows."""
        return self._median(one.score for one in self.served)

    @property
    def apart(self) -> float | None:
        """The load generator's median less its cost, over ours of the same process, less 1."""
        return next((x for x in map(_apart, self.served) if x is not None), None)

    @property
    def is_full_width(self) -> bool:
        """Whether it computes in float32."""
        return self.route.width == "fp32" and "int8" not in self.route.format

    @property
    def strictly(self) -> bool | None:
        """Whether a lower precision keeps 99.9 % of the score; None where it was not asked."""
        proofs = [one.proof for one in self.launches if one.proof]
        lost = [c for proof in proofs for c in proof.checks if c.name == "score lost"]
        if not lost:
            return None
        return all(check.error is not None and check.error <= STRICT for check in lost)

    @property
    def export_seconds(self) -> float | None:
        """Of writing the file."""
        return self.export.export.seconds if self.export.export else None

    @property
    def bytes(self) -> float | None:
        """Of the file."""
        return self.export.export.bytes if self.export.export else None

    def scenario(self, name: str) -> LoadScenario | None:
        """Of the load generator; None where it was not asked."""
        every = [s for one in self.served for s in one.load_generator if s.scenario == name]
        return every[0] if every else None

    def generator(self, name: str, what: str) -> float | None:
        """A number of a scenario that was valid."""
        found = self.scenario(name)
        value = getattr(found, what) if found and (found.valid or name != "server") else None
        return None if value is None else float(value)


def _apart(served: Served) -> float | None:
    if served.latency is None:
        return None
    for one in served.load_generator:
        if one.scenario == "single stream" and one.p50 and one.cost is not None:
            return (one.p50 - one.cost) / served.latency.p50 - 1
    return None


def route_results(results: Results) -> tuple[RouteResult, ...]:
    """Every route that was asked for and has come to something, task by task."""
    exports = {one.id: one for one in results.deployments if one.stage == "export"}
    launches: dict[tuple[str, str], list[DeployRecord]] = {}
    for one in results.deployments:
        if one.stage == "serve":
            launches.setdefault((one.task, one.route.name), []).append(one)
    found = []
    for task in results.about.request.tasks:
        for route in map(RouteFacts.of, results.about.request.routes):
            written = RouteFacts(framework=route.framework, format=route.format)
            own = launches.get((task, route.name), [])
            export = exports.get(identity("export", task, written))
            if export is not None and (own or export.status != "ok"):
                ordered = tuple(sorted(own, key=lambda one: one.launch))
                found.append(RouteResult(task, route, export, ordered))
    return tuple(found)


def ratio(a: RouteResult, b: RouteResult) -> Estimate | None:
    """How many times a's median latency is b's, over the launches that both have."""
    if not a.medians.keys() & b.medians.keys():
        return None
    return paired_ratio(a.medians, b.medians)
