"""Campaigns on an engine: nothing is lost or doubled, whatever becomes of the nodes."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.base import Implementation
from bench.plan.blocks import NodeBlock, blocks_of
from bench.plan.jobs import make_jobs
from bench.records.record import Job, Request
from bench.records.results import Results
from bench.run.engines import supervise
from bench.run.engines.campaign import ClusterRun, looked_at
from bench.run.session import Session
from tasks.errors import UserError
from tests.support.fakes.cluster import MACHINE, SUITE, Dying
from tests.support.plans import begin, plan_of

NAMES = ("fake:one", "fake:two", "fake:three")
TASKS = ("fnn-mnist", "lstm-forecast")


def campaign(
    tmp_path: Path, engine: Dying, launches: int, said: list[str] | None = None
) -> ClusterRun:
    """A run for each type of machine of the engine's nodes."""
    rows = [Implementation("fake", n.split(":")[1], "m", "p", "fake") for n in NAMES]
    plan = plan_of(Request("quick", TASKS, NAMES, threads=2, launches=launches), rows)
    say = (said if said is not None else []).append
    nodes = looked_at(engine, engine.nodes(), "cpu", SUITE, say)
    sessions = {}
    for number, facts in enumerate({f.type: f for f in nodes.values()}.values()):
        run, jobs = begin(tmp_path / f"run-{number}", plan, machine=dict(facts.machine))
        sessions[facts.type] = Session(run, plan, jobs, {})
    return ClusterRun(engine, nodes, sessions, say, SUITE, {})


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "LOOK_SECONDS", 0.001)


def test_a_hundred_nodes_die_and_nothing_is_lost_doubled_or_of_two_machines(
    tmp_path: Path,
) -> None:
    engine = Dying(["a CPU", "a CPU", "another CPU"], kills=100)
    campaigned = campaign(tmp_path, engine, launches=40)
    assert campaigned.run() == 0
    assert len(engine.dead) == 100
    assert len(campaigned.sessions) == 2
    for session in campaigned.sessions.values():
        records = session.run.records()
        assert set(records) == {job.id for job in session.jobs}
        of_block: dict[str, set[str]] = {}
        for launch in records.values():
            place = launch.launch.place
            assert place is not None
            of_block.setdefault(place.block, set()).add(place.node)
            assert (session.run.logs / f"{launch.job.id}.log").read_text() == f"by {place.node}"
            assert engine.cpus[place.node] == place.machine.cpu
        assert all(len(nodes) == 1 for nodes in of_block.values())
        sittings = [b for b in of_block if not b.startswith("certify")]
        assert len({b.split("#")[0] for b in sittings}) == len(sittings) == 80
        assert Results.read(session.run).measured
    assert any(not block.endswith("#0") for block, _ in engine.attempts)


def test_no_attempt_is_made_twice_under_one_id(tmp_path: Path) -> None:
    engine = Dying(["a CPU"] * 3, kills=20, seed=3)
    campaign(tmp_path, engine, launches=8).run()
    assert max(Counter(block for block, _ in engine.attempts).values()) == 1


def test_a_block_that_kills_its_nodes_is_a_typed_record(tmp_path: Path) -> None:
    engine = Dying(["a CPU"], kills=10**6, share=1.0)
    said: list[str] = []
    campaigned = campaign(tmp_path, engine, launches=1, said=said)
    assert campaigned.run() == 0
    (session,) = campaigned.sessions.values()
    reasons = {launch.reason for launch in session.run.records().values()}
    assert reasons == {"the node was lost in each of 10 attempts"}
    assert any("given up" in line for line in said)


def test_without_a_node_the_rest_is_left_and_can_be_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Dying(["a CPU"], kills=1)
    monkeypatch.setattr(engine, "nodes", lambda: [n for n in ("node-0",) if n not in engine.dead])
    campaigned = campaign(tmp_path, engine, launches=30)
    left = replace(campaigned, patience_seconds=0.01).run()
    assert left > 0
    (session,) = campaigned.sessions.values()
    engine.dead.clear()
    engine.kills = 0
    engine.working.clear()
    nodes = looked_at(engine, ["node-0"], "cpu", SUITE, print)
    again = ClusterRun(engine, nodes, campaigned.sessions, print, SUITE, {})
    assert again.run() == 0
    assert set(session.run.records()) == {job.id for job in session.jobs}


def test_a_node_with_another_suite_is_left_out(tmp_path: Path) -> None:
    said: list[str] = []
    engine = Dying(["a CPU"], kills=0)
    assert looked_at(engine, engine.nodes(), "cpu", SUITE | {"revision": "x"}, said.append) == {}
    assert "another version" in said[0]


def test_a_report_never_pools_types_of_machine(tmp_path: Path) -> None:
    engine = Dying(["a CPU"], kills=0)
    campaigned = campaign(tmp_path, engine, launches=1)
    campaigned.run()
    (session,) = campaigned.sessions.values()
    path = sorted(session.run.launches.glob("*.json"))[0]
    raw = json.loads(path.read_text())
    raw["launch"]["place"]["machine"] = MACHINE | {"cpu": "another CPU"}
    path.write_text(json.dumps(raw))
    with pytest.raises(UserError, match="another type of machine"):
        Results.read(session.run)


def plan_jobs(launches: int = 2) -> list[Job]:
    rows = [Implementation("fake", n.split(":")[1], "m", "p", "fake") for n in NAMES]
    return make_jobs(plan_of(Request("quick", TASKS, NAMES, launches=launches), rows))


def test_blocks_hold_the_whole_plan_in_its_order() -> None:
    jobs = plan_jobs()
    blocks = blocks_of(jobs)
    assert [job for block in blocks for job in block.jobs] == jobs
    assert len({block.id for block in blocks}) == len(blocks)
    assert {len(b.jobs) for b in blocks if b.counts_whole} == {len(NAMES) + 1}


def test_a_lost_sitting_is_planned_whole_and_a_lost_certificate_not() -> None:
    certificates, *_ = blocks = blocks_of(plan_jobs())
    sitting: NodeBlock = blocks[-1]
    done = {certificates.jobs[0].id}
    assert certificates.again(done).jobs == certificates.jobs[1:]
    assert sitting.again(set()).jobs == sitting.jobs
    assert sitting.again(set()).id != sitting.id
