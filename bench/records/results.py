"""A run as read: built once, immutable. What every judge, report and export starts from.

`Results` holds the cells of a run, each with its launches; nothing here reads a file but
`Results.read`, and nothing writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import get_args

from adapters.base import Division
from bench.records.beside import CeilingFile, EvidenceFile, old_ceiling
from bench.records.deployment import DeployRecord
from bench.records.foreign import why_foreign
from bench.records.groups import DistributedFile
from bench.records.metrics import ALL_METRICS, Direction, Metric, metric
from bench.records.parts import CertificateRecord, LaunchReadings
from bench.records.record import AA_LABEL, Cell, Status
from bench.records.schema import Launch, RunFile
from bench.records.store import Run
from bench.stats import Estimate
from tasks.errors import UserError

DIVISIONS: tuple[Division, ...] = get_args(Division)


@dataclass(frozen=True)
class CellResult:
    """One cell and its launches: certificate first, then by block."""

    cell: Cell
    launches: tuple[Launch, ...]
    certificate: CertificateRecord | None = None
    """An A/A copy has its twin's."""

    @cached_property
    def ended_well(self) -> tuple[Launch, ...]:
        """The measuring launches that ended well, also those that were measured anew."""
        return tuple(x for x in self.launches if x.kind != "certify" and x.status == "ok")

    @cached_property
    def good(self) -> tuple[Launch, ...]:
        """The launches that count: those that ended well, of each block the last measured."""
        last: dict[int, Launch] = {}
        for launch in self.ended_well:
            before = last.get(launch.job.block)
            if before is None or launch.job.repeat >= before.job.repeat:
                last[launch.job.block] = launch
        counted = {id(launch) for launch in last.values()}
        return tuple(launch for launch in self.launches if id(launch) in counted)

    @cached_property
    def failed(self) -> tuple[Launch, ...]:
        """The launches that did not end well, certificates too."""
        return tuple(x for x in self.launches if x.status != "ok")

    @property
    def status(self) -> Status:
        """The first launch that did not end well says it; else "ok"."""
        return self.failed[0].status if self.failed else "ok"

    @property
    def reason(self) -> str:
        """Why, and of how many launches; empty when all ended well."""
        if not self.failed:
            return ""
        measured = sum(x.kind == "measure" for x in self.launches)
        count = f" ({len(self.failed)} of {measured} launches)" if measured else ""
        return self.failed[0].reason + count

    @property
    def division(self) -> Division:
        """Documented or tuned, as its jobs say; never ranked with a cell of the other."""
        return self.launches[0].job.division

    @property
    def missing(self) -> str:
        """Why a cell has no value: its status, or that its launches are still to come."""
        return "pending" if self.status == "ok" else self.status

    @property
    def proof(self) -> str:
        """ "passed", "refused", or "" where no certificate was made."""
        if self.certificate is None:
            return ""
        return "passed" if self.certificate.passed else "refused"

    @cached_property
    def _values(self) -> dict[str, dict[int, float]]:
        return {}

    def values(self, m: Metric | str) -> Mapping[int, float]:
        """Block → the metric's value, of the launches that count and have one."""
        row = metric(m) if isinstance(m, str) else m
        if row.name not in self._values:
            read = {x.job.block: row.read(x) for x in self.good}
            self._values[row.name] = {b: v for b, v in read.items() if v is not None}
        return self._values[row.name]

    @cached_property
    def _slices(self) -> dict[str, dict[int, dict[int, float]]]:
        return {}

    def slices(self, phase: str) -> Mapping[int, Mapping[int, float]]:
        """Block → turn → median seconds of a phase, of the launches that count; a launch that did
        not sit in turns has an empty one."""
        if phase not in self._slices:
            self._slices[phase] = {x.job.block: x.slices(phase) for x in self.good}
        return self._slices[phase]

    def estimate(self, m: Metric | str) -> Estimate | None:
        """The metric over the launches that count. None where any of them lacks it: the mean
        time of those runs that reached a target would flatter one that often does not."""
        row = metric(m) if isinstance(m, str) else m
        values = list(self.values(row).values())
        if not values or len(values) != len(self.good):
            return None
        return row.mean(values)

    @cached_property
    def estimates(self) -> Mapping[str, Estimate]:
        """Metric name → estimate; a metric without one is absent."""
        pairs = ((m.name, self.estimate(m)) for m in ALL_METRICS)
        return {name: estimate for name, estimate in pairs if estimate is not None}

    @property
    def readings(self) -> tuple[LaunchReadings, ...]:
        """What the worker read, of each launch that counts."""
        return tuple(x.launch.readings for x in self.good)

    @property
    def version(self) -> str:
        """The framework's own version, of the first launch that names one."""
        versions = (x.launch.settings.get("version") for x in self.launches)
        return next((str(v) for v in versions if v), "")

    @property
    def python(self) -> str:
        """The version of the interpreter that it ran on; empty where nothing was measured."""
        told = (x.machine_info.get("python_version") for x in self.launches)
        return next((str(version) for version in told if version), "")


@dataclass(frozen=True)
class Results:
    """A run: what was asked (`about`), what came of it (`cells`), and what lies beside it."""

    name: str
    about: RunFile
    cells: tuple[CellResult, ...]
    ceiling: CeilingFile | None = None
    evidence: EvidenceFile | None = None
    distributed: DistributedFile | None = None
    path: Path = field(default=Path(), compare=False)
    deployments: tuple[DeployRecord, ...] = ()

    @staticmethod
    def read(run: Run) -> Results:
        """A run directory; `UserError` naming file and field where something does not fit."""
        about, launches = run.about(), run.records().values()
        for launch in launches:
            if reason := why_foreign(about, launch):
                raise UserError(f"{run.launches}/{launch.job.id}.json {reason}")
        ceiling = run.beside("ceiling.json", CeilingFile)
        evidence = run.beside("evidence.json", EvidenceFile)
        found = Results.of(about, launches, ceiling, evidence, run.path)
        distributed = run.beside("distributed.json", DistributedFile)
        deployments = tuple(run.deployments().values())
        return replace(found, distributed=distributed, deployments=deployments)

    @staticmethod
    def of(
        about: RunFile,
        launches: Iterable[Launch],
        ceiling: CeilingFile | None = None,
        evidence: EvidenceFile | None = None,
        path: Path = Path(),
    ) -> Results:
        """From what is already in memory."""
        ceiling = ceiling or (old_ceiling(evidence) if evidence else None)
        name = path.name.encode(errors="replace").decode()  # of bytes that are no text: "?"
        return Results(name, about, cells_of(launches), ceiling, evidence, path=path)

    def with_launches(self, launches: Iterable[Launch]) -> Results:
        """The same run with these launches and no others."""
        return replace(self, cells=cells_of(launches))

    @cached_property
    def by_cell(self) -> Mapping[Cell, CellResult]:
        """Cell → its result."""
        return {result.cell: result for result in self.cells}

    @property
    def launches(self) -> tuple[Launch, ...]:
        """All of them, cell by cell."""
        return tuple(launch for result in self.cells for launch in result.launches)

    @cached_property
    def by_id(self) -> Mapping[str, Launch]:
        """Job id → its launch."""
        return {launch.job.id: launch for launch in self.launches}

    @cached_property
    def contenders(self) -> tuple[CellResult, ...]:
        """All cells but the A/A copies."""
        return tuple(result for result in self.cells if not result.cell.label)

    @cached_property
    def _by_task(self) -> dict[str, tuple[CellResult, ...]]:
        found: dict[str, tuple[CellResult, ...]] = {}
        for result in self.cells:
            found[result.cell.task] = (*found.get(result.cell.task, ()), result)
        return found

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that have cells, in the order of the request."""
        asked = self.about.request.tasks
        return tuple(t for t in asked if t in self._by_task) + tuple(
            t for t in self._by_task if t not in asked
        )

    def of_task(self, task: str) -> tuple[CellResult, ...]:
        """A task's contenders, A/A copies left out."""
        return tuple(r for r in self._by_task.get(task, ()) if not r.cell.label)

    def only(self, task: str) -> Results:
        """The same run with one task's cells, A/A copies too."""
        return replace(self, cells=self._by_task.get(task, ()))

    @cached_property
    def divisions(self) -> tuple[Division, ...]:
        """Those that have cells, documented before tuned."""
        return tuple(d for d in DIVISIONS if any(r.division == d for r in self.cells))

    def of_division(self, division: Division) -> Results:
        """The same run with one division's cells, A/A copies too."""
        return replace(self, cells=tuple(r for r in self.cells if r.division == division))

    def twins(self) -> tuple[tuple[CellResult, CellResult], ...]:
        """Each A/A copy's original and the copy."""
        pairs = (
            (self.by_cell.get(replace(copy.cell, label="")), copy)
            for copy in self.cells
            if copy.cell.label == AA_LABEL
        )
        return tuple((original, copy) for original, copy in pairs if original is not None)

    def score(self, task: str) -> str:
        """What a task's score is: "accuracy" or "rmse"."""
        facts = self.about.datasets.get(task)
        return facts.metric if facts else "accuracy"

    def better(self, m: Metric | str, task: str) -> Direction:
        """Which way is good for a metric in a task."""
        row = metric(m) if isinstance(m, str) else m
        return row.better_for(self.score(task))

    @property
    def measured(self) -> bool:
        """Whether any launch counts."""
        return any(result.good for result in self.cells)


def cells_of(launches: Iterable[Launch]) -> tuple[CellResult, ...]:
    """Launches grouped by cell, in the order in which the cells first appear."""
    groups: dict[Cell, list[Launch]] = {}
    for launch in launches:
        groups.setdefault(launch.cell, []).append(launch)
    certificates = {
        launch.cell: launch.launch.certificate
        for launch in (x for group in groups.values() for x in group)
        if launch.launch.certificate is not None
    }
    return tuple(
        CellResult(
            cell,
            tuple(sorted(group, key=lambda x: (x.kind, x.job.block))),
            certificates.get(replace(cell, label="")),
        )
        for cell, group in groups.items()
    )
