"""Campaigns on Ray: two nodes on this machine. `nox -s ray`; elsewhere Ray is not installed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

import psutil
import pytest

from bench.plan.blocks import blocks_of
from bench.records.results import Results
from bench.records.schema import Launch
from bench.records.store import Run
from bench.run import session
from bench.run.engines.campaign import ClusterRun, looked_at
from bench.run.engines.local import Local
from bench.run.environments import PROJECT
from tasks.errors import UserError

ray = pytest.importorskip("ray", reason="Ray is an extra: `nox -s ray` runs these")

from bench.run.engines.ray_cluster import SLOT, OnRay  # noqa: E402

TASK, ROW = "fnn-mnist", "sklearn:mlp"
SHARE_OF_A_CORE = 0.01


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head that measures nothing."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    yield made
    ray.shutdown()
    made.shutdown()


def add_node(cluster: Any) -> Any:
    return cluster.add_node(num_cpus=1, resources={SLOT: 1})


def begun(path: Path, launches: int) -> session.Session:
    from bench.cli.run import request_of

    request = request_of("smoke", TASK, ROW, device="cpu", threads=1, launches=launches)
    return session.start(request, path, None)


def campaign(engine: Any, begun: session.Session, said: list[str]) -> ClusterRun:
    ours = session.suite()
    nodes = looked_at(engine, engine.nodes(), "cpu", ours, said.append)
    (kind,) = {facts.type for facts in nodes.values()}
    return ClusterRun(engine, nodes, {kind: begun}, said.append, ours, {})


def content(launch: Launch) -> tuple[object, ...]:
    """What of a record no clock decides."""
    facts = launch.launch
    checks = [check.name for check in facts.certificate.checks] if facts.certificate else []
    phases = sorted(b.extra_info.phase for b in launch.benchmarks)
    return launch.job, facts.status, launch.job.work, phases, checks, facts.packages


def test_two_nodes_give_what_this_machine_gives(tmp_path: Path, cluster: Any) -> None:
    add_node(cluster), add_node(cluster)
    said: list[str] = []
    here, there = begun(tmp_path / "here", 4), begun(tmp_path / "there", 4)
    assert campaign(Local(), here, said).run() == 0
    engine = OnRay(cluster.address)
    assert campaign(engine, there, said).run() == 0
    ours, theirs = here.run.records(), there.run.records()
    assert ours.keys() == theirs.keys() == {job.id for job in here.jobs}
    for job_id, launch in ours.items():
        assert content(launch) == content(theirs[job_id])
    sittings = {x.launch.place.node for x in theirs.values() if x.launch.place}
    assert sittings == set(engine.nodes())
    assert Results.read(there.run).measured


def test_a_killed_node_is_measured_anew_elsewhere(tmp_path: Path, cluster: Any) -> None:
    first, _ = add_node(cluster), add_node(cluster)
    said: list[str] = []
    one = begun(tmp_path / "run", 4)
    engine = OnRay(cluster.address)
    whole = campaign(engine, one, said)

    def kill() -> None:
        while len(list(one.run.launches.glob("b*"))) < 2:  # a sitting is done, others go on
            sleep(0.1)
        cluster.remove_node(first, allow_graceful=False)

    killer = Thread(target=kill)
    killer.start()
    assert whole.run() == 0
    killer.join()
    records = one.run.records()
    assert records.keys() == {job.id for job in one.jobs}
    of_block: dict[str, set[str]] = {}
    for launch in records.values():
        assert launch.launch.place is not None
        of_block.setdefault(launch.launch.place.block, set()).add(launch.launch.place.node)
    assert all(len(nodes) == 1 for nodes in of_block.values())
    assert len(engine.nodes()) == 1
    anew = [line for line in said if "planned anew" in line]
    assert len(anew) <= 1, anew
    assert {block.name for block in blocks_of(one.jobs)} == {
        block.split("~" + next(iter(whole.sessions)))[0] for block in of_block
    }


def test_what_ray_itself_costs(tmp_path: Path, cluster: Any) -> None:
    """CPU time of Ray's own processes and of the supervisor while both nodes measure. What could
    disturb a measurement is its node's own daemon; head and supervisor need not be on that node, so
    they are printed beside it."""
    add_node(cluster), add_node(cluster)
    engine = OnRay(cluster.address)
    one = begun(tmp_path / "run", 6)
    whole = campaign(engine, one, [])
    sleep(5)  # of Ray's start
    before, started = _cpu(), monotonic()
    assert whole.run() == 0
    seconds = monotonic() - started
    used = {name: after - before.get(name, 0.0) for name, after in _cpu().items()}
    share = sum(used.values()) / seconds
    daemons = {name: x / seconds for name, x in used.items() if name.startswith("raylet")}
    said = ", ".join(f"{name} {x:.2f} s" for name, x in used.items())
    print(f"\nRay and the supervisor: {share:.2%} of a core over {seconds:.0f} s: {said}")
    print(f"the daemon of a node: {max(daemons.values()):.2%} of a core at most")
    assert len(daemons) == 3, "the head's and two nodes'"
    assert 0 < max(daemons.values()) <= SHARE_OF_A_CORE


def _cpu() -> dict[str, float]:
    """Seconds by name of Ray's daemons, those of a node by their process, and of this process."""
    used: dict[str, float] = {}
    me = psutil.Process()
    for process in [me, *me.children(recursive=True)]:
        try:
            name = process.name() if process != me else "supervisor"
            if name in ("raylet", "gcs_server", "supervisor"):
                times = process.cpu_times()
                name = f"raylet {process.pid}" if name == "raylet" else name
                used[name] = used.get(name, 0.0) + times.user + times.system
        except psutil.NoSuchProcess:
            continue
    return used


def test_two_nodes_of_ray_start(tmp_path: Path) -> None:
    """As a user starts them: a head, two nodes, and one command that measures."""
    command = str(Path(sys.executable).parent / "ray")
    variables = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(PROJECT)}
    address = "127.0.0.1:26379"
    slot = ("--resources", f'{{"{SLOT}": 1}}', "--num-cpus", "1")
    starts = (
        ("--head", "--port", "26379", "--include-dashboard", "false", "--num-cpus", "0"),
        ("--address", address, *slot),
        ("--address", address, *slot),
    )
    out, processes = tmp_path / "run", []
    try:
        for words in starts:
            processes.append(
                subprocess.Popen(
                    [command, "start", "--block", *words], env=variables, start_new_session=True,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                )
            )  # fmt: skip
            sleep(10)
        words = ("--on", "ray", "--address", address, "--profile", "smoke", "--launches", "2")
        done = subprocess.run(
            [sys.executable, "-m", "bench", "run", *words, "--implementations", ROW,
             "--out", str(out)],
            env=variables, capture_output=True, text=True, check=False, cwd=tmp_path,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    finally:
        for process in processes:
            for child in psutil.Process(process.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    child.kill()
            process.kill()
            process.wait()
    places = [x.launch.place for x in Run.open(out).records().values()]
    assert len({place.node for place in places if place}) == 2


def test_without_a_cluster_or_a_slot_it_is_one_line(tmp_path: Path, cluster: Any) -> None:
    from rich.console import Console

    from bench.cli.cluster import looked

    engine = OnRay(cluster.address)
    with pytest.raises(UserError, match="has a slot"):
        looked(engine, "cpu", Console())
