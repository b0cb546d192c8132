"""What `bench run --on` does: look at the nodes, open a run for each type of machine, and do it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

import typer
from rich.console import Console

from bench.cli.progress import Progress
from bench.cli.report import publish
from bench.records.record import Request
from bench.records.results import Results
from bench.records.schema import Machine
from bench.records.store import Run
from bench.report.layouts import terminal
from bench.run import session
from bench.run.engines.base import Engine, NodeFacts
from bench.run.engines.campaign import ClusterRun, looked_at
from bench.run.engines.local import Local
from bench.run.engines.ray_cluster import START, OnRay
from bench.run.launches import Events, forget_outer
from bench.run.session import RUNS, Session
from bench.run.task_file import OwnTasks
from tasks.errors import UserError


class EngineName(StrEnum):
    local = "local"
    ray = "ray"


def engine_of(name: EngineName | None, address: str | None) -> Engine | None:
    """The engine that was asked for; None for none."""
    if name is EngineName.ray:
        return OnRay(address)
    if address is not None:
        raise UserError("--address is of a Ray cluster; add --on ray")
    return Local() if name is EngineName.local else None


def looked(engine: Engine, device: str, console: Console) -> dict[str, NodeFacts]:
    """The nodes that can take part; `UserError` where none can."""
    nodes = engine.nodes()
    if not nodes:
        raise UserError(f"no node of the cluster has a slot; {START}")
    found = looked_at(engine, nodes, device, session.suite(), _say(console))
    if not found:
        raise UserError("no node can take part; start one with this version of the suite")
    return found


def run_on(
    engine: Engine,
    nodes: dict[str, NodeFacts],
    asked: Callable[[], tuple[Request, OwnTasks]],
    out: Path | None,
    data_dir: Path | None,
    resume: bool,
    certify_anew: bool,
    console: Console,
) -> None:
    """Do the whole plan on each type of machine, and publish a run of each."""
    types = {facts.type: facts for facts in nodes.values()}
    place = out or RUNS / "campaign"
    sessions: dict[str, Session] = {}
    if resume:
        sessions = _begun(place, types)
    else:
        request, own = asked()
        for number, (kind, facts) in enumerate(types.items(), 1):
            folder = place if len(types) == 1 else place / f"machine-{number}"
            fitting = replace(request, threads=min(request.threads, facts.threads))
            sessions[kind] = session.start(
                fitting, folder, data_dir, own=own, elsewhere=facts.machine
            )
    left = _work(ClusterRun(engine, nodes, sessions, _say(console), session.suite(), {}),
                 certify_anew, console)  # fmt: skip
    engine.close()
    for one in sessions.values():
        results = Results.read(one.run)
        terminal.show(results, console)
        publish(results, one.run.path, console)
    if left:
        raise UserError(f"{left} blocks had no node left; go on with: bench run --on … --resume")


def _begun(place: Path, types: Mapping[str, NodeFacts]) -> dict[str, Session]:
    """Machine type → its run of an earlier call; `UserError` where there is none of any."""
    whole = (place / "run.json").exists()
    found = {}
    for folder in [place] if whole else sorted(place.glob("machine-*")):
        machine = Run.open(folder).about().machine
        for kind, facts in types.items():
            if Machine.model_validate(dict(facts.machine)) == machine:
                found[kind] = opened = session.resume(folder, elsewhere=facts.machine)
                forget_outer(opened.run, opened.jobs, opened.frameworks)
    if not found:
        raise UserError(f"{place} holds no run of the types of machine that there are now")
    return found


def _work(campaign: ClusterRun, certify_anew: bool, console: Console) -> int:
    """All of it; Ctrl-C keeps what is finished."""
    with ExitStack() as stack:
        events: dict[str, Events] = {}
        for kind, one in campaign.sessions.items():
            stack.enter_context(one.run.locked())
            events[kind] = Events(done=Progress(one, console).done)
        try:
            return replace(campaign, events=events).run(certify_anew)
        except KeyboardInterrupt:
            typer.echo("interrupted; what is finished is kept: go on with --resume", err=True)
            raise typer.Exit(130) from None


def _say(console: Console) -> Callable[[str], None]:
    return lambda line: console.print(line, markup=False, highlight=False)
