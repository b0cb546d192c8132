"""What is to be done for a deployment run, in order. Pure.

Every export comes once, then each route is loaded, proven and timed: every route once before any
twice, so that drift of the machine hits all alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.deploy.routes import export_of
from bench.records.deployment import RouteFacts, identity


@dataclass(frozen=True)
class DeployProfile:
    """seconds: of each timed part of a process; 0: certificates alone. load: whether the load
    generator takes part in the first launch."""

    name: str
    seconds: float
    launches: int
    load: bool


PROFILES = {
    "certify": DeployProfile("certify", 0.0, 1, False),
    "smoke": DeployProfile("smoke", 0.1, 1, True),
    "quick": DeployProfile("quick", 0.5, 3, True),
    "full": DeployProfile("full", 2.0, 5, True),
}


@dataclass(frozen=True)
class ExportJob:
    """Write one format. of: the export it is made from, where it is turned from another file."""

    task: str
    framework: str
    format: str
    of: str = ""

    @property
    def route(self) -> RouteFacts:
        """As its record names it."""
        return RouteFacts(framework=self.framework, format=self.format)

    @property
    def id(self) -> str:
        """Of its record."""
        return identity("export", self.task, self.route)


@dataclass(frozen=True)
class ServeJob:
    """Load one file in one runtime."""

    task: str
    route: RouteFacts
    launch: int

    @property
    def id(self) -> str:
        """Of its record."""
        return identity("serve", self.task, self.route, self.launch)


def export_jobs(tasks: Sequence[str], routes: Sequence[RouteFacts]) -> list[ExportJob]:
    """Each framework and format once a task; what is turned from another file behind that."""
    found: dict[ExportJob, None] = {}
    for task in tasks:
        for route in routes:
            of = export_of(route.framework, route.format).of
            if of:
                found.setdefault(ExportJob(task, route.framework, of))
            found.setdefault(ExportJob(task, route.framework, route.format, of))
    return list(found)


def serve_jobs(
    tasks: Sequence[str], routes: Sequence[RouteFacts], launches: int
) -> Iterator[ServeJob]:
    """Every route of every task once before any twice; odd launches in the other direction."""
    pairs = [(task, route) for task in tasks for route in routes]
    for launch in range(launches):
        for task, route in pairs[:: -1 if launch % 2 else 1]:
            yield ServeJob(task, route, launch)
