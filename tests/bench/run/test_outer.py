"""What failed for an outer reason is tried again; what was begun is gone on with, or refused."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.machine import cores, doctor, readings
from bench.plan.again import is_outer
from bench.records.record import Outcome, Request, Status, failure_record
from bench.records.results import Results
from bench.records.store import Run
from bench.run import environments, kept, regress, session
from bench.run.environments import Source
from bench.run.launches import forget_outer, run_jobs
from bench.run.process import Worker
from tasks.errors import UserError
from tests.bench.machine.test_doctor import warnings
from tests.bench.run.test_regress import session as side
from tests.support.fakes.misbehaving import implementation
from tests.support.plans import READY, SMALL, begin, plan_of
from tests.support.records import job, launch


@pytest.mark.parametrize(
    ("status", "reason", "again"),
    [
        ("uninstallable", "not made yet", True),
        ("crash", "the worker died with signal SIGKILL", True),
        ("crash", "the worker died with signal SIGTERM: x", True),
        ("crash", "the worker died with signal SIGSEGV", False),
        ("crash", "the worker died with exit status 3", False),
        ("timeout", "stopped after 4 s", True),
        ("out-of-memory", "stopped at 9 GiB", True),
        ("error", "RuntimeError", False),
        ("unverified", "outputs", False),
        ("diverged", "", False),
    ],
)
def test_outer_reasons(status: Status, reason: str, again: bool) -> None:
    made = launch(failure_record(job(), Outcome(status, reason)))
    assert is_outer(made, {"pytorch"}) is again
    if status == "uninstallable":
        assert not is_outer(made, set()), "its environment is still not there"


def test_what_was_not_installed_is_measured_once_it_is(tmp_path: Path, data: Path) -> None:
    """Run without the environment of one, then with it: the same as with all from the start."""
    names = ("fake:honest", "fake:rubbish")
    modes = [implementation("honest"), implementation("rubbish")]
    run, jobs = begin(
        tmp_path / "run", plan_of(Request("smoke", ("fnn-mnist",), names), modes, data, SMALL)
    )
    gone = {"fake": environments.Environment("fake", "missing", "", "not made yet")}
    run_jobs(run, jobs, gone)
    assert {x.status for x in run.records().values()} == {"uninstallable"}
    assert forget_outer(run, jobs, gone) == []
    assert len(forget_outer(run, jobs, READY)) == 2
    run_jobs(run, jobs, READY)
    records = run.records()
    assert set(records) == {one.id for one in jobs}
    assert {x.status for x in records.values()} == {"ok"}


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BENCH_ENVS", str(tmp_path / "envs"))
    request = Request("smoke", ("rnn-sequence",), ("pytorch:eager",))
    session.start(request, tmp_path / "run", None, Source(pins=("torch==2.12.0",)))
    return tmp_path / "run"


def test_a_run_goes_on_with_its_own_pins(begun: Path) -> None:
    opened = session.resume(begun)
    wanted = environments.where("pytorch", "cpu", Source(pins=("torch==2.12.0",)))
    assert opened.frameworks["pytorch"].python == str(wanted / "bin" / "python")
    assert opened.frameworks["pytorch"].python != environments.describe("pytorch", "cpu").python


@pytest.mark.parametrize("what", ["code", "environments"])
def test_other_code_or_pins_are_refused(begun: Path, what: str) -> None:
    raw = json.loads((begun / "run.json").read_text())
    if what == "code":
        raw["source"]["code"] = "0" * 64
    else:
        raw["source"]["environments"]["pytorch"] = "0"
    (begun / "run.json").write_text(json.dumps(raw))
    with pytest.raises(UserError, match="begun with other"):
        session.resume(begun)


def test_the_digest_of_code_sees_a_changed_file(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(environments.PROJECT / "bench" / "worker", project / "bench" / "worker")
    before = kept.code.__wrapped__(str(project))
    with (project / "bench" / "worker" / "turns.py").open("a") as file:
        file.write("# changed\n")
    assert kept.code.__wrapped__(str(project)) != before


def test_altered_data_are_refused(begun: Path, tmp_path: Path) -> None:
    folder = json.loads((begun / "run.json").read_text())["datasets"]["rnn-sequence"]["folder"]
    path = tmp_path / "cache" / folder / "y_test.npy"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(bytes(raw))
    with pytest.raises(UserError, match="gone from the cache, or has changed"):
        session.resume(begun)


def test_one_side_of_a_comparison_is_not_gone_on_with_alone(begun: Path) -> None:
    raw = json.loads((begun / "run.json").read_text())
    (begun / "run.json").write_text(json.dumps(raw | {"pairing": "a b"}))
    with pytest.raises(UserError, match="bench regress --resume --out"):
        session.resume(begun)
    assert session.resume(begun, beside=True).resumed


def test_a_comparison_that_was_stopped_is_gone_on_with_as_a_whole(
    tmp_path: Path, data: Path
) -> None:
    """A sitting that only one side has kept is measured anew by both."""
    sides = {name: side(tmp_path / name, data) for name in ("base", "new")}
    regress.interleave(sides, lambda *_: None)
    before = {name: one.run.records() for name, one in sides.items()}
    sitting = [one.id for one in sides["new"].jobs if one.kind == "measure" and one.block == 1]
    for name in sitting:
        sides["new"].run.remove(name)
    regress.interleave(sides, lambda *_: None)
    for name, one in sides.items():
        after = one.run.records()
        assert after.keys() == before[name].keys()
        for key, record in after.items():
            assert (record == before[name][key]) is (key not in sitting)
    results = [Results.read(one.run) for one in sides.values()]
    for name in sitting:
        turns = [r.by_id[name].launch.turns for r in results]
        assert turns[0] == turns[1]


def test_control_groups_that_cannot_be_read_are_not_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores, "GROUPS", tmp_path / "none")
    assert not cores.readable()
    assert cores.quota() is None
    assert not warnings(groups_readable=False)
    found = doctor._quota(SimpleNamespace(quota_cores=None, groups_readable=False))  # type: ignore[arg-type]
    assert found.verdict == "unknown"


def test_load_on_cores_that_are_not_ours_is_no_disturbance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stat = tmp_path / "stat"
    monkeypatch.setattr(readings, "STAT", stat)
    monkeypatch.setattr(cores, "allowed", lambda: (1,))
    stat.write_text("cpu 999 0 0 0 0 0 0 7\ncpu0 900 0 0 0 0 0 0 5\ncpu1 99 0 0 0 0 0 0 2\n")
    busy, steal = readings._cpu_totals()
    assert (busy * readings._TICK, steal * readings._TICK) == (99, 2)


def test_memory_that_the_kernel_took_is_typed_with_the_limit(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that the kernel kills for its control group's limit is no crash."""
    request = Request("smoke", ("fnn-mnist",), ("fake:hang",))
    run, jobs = begin(tmp_path / "run", plan_of(request, [implementation("hang")], data, SMALL))
    (run.path / "tmp").mkdir()
    monkeypatch.setattr(cores, "memory_limit", lambda: 2**30)
    monkeypatch.setattr(cores, "oom_kills", lambda: 3)
    with Worker(run, jobs[0], READY["fake"]) as worker:
        worker.kill()
        assert "SIGKILL" in worker.record()["launch"]["reason"]
    with Worker(run, jobs[0], READY["fake"]) as worker:
        monkeypatch.setattr(cores, "oom_kills", lambda: 4)
        worker.kill()
        found = worker.record()["launch"]
    assert found["status"] == "out-of-memory"
    assert "at the memory limit of 1.0 GiB of its control group" in found["reason"]


GROUP = Path("/sys/fs/cgroup/memory")


@pytest.mark.skipif(
    not os.access(GROUP / "cgroup.procs", os.W_OK) or os.geteuid() != 0,
    reason="control groups of version 1 that we may write are needed",
)
def test_half_a_core_and_a_gibibyte_for_real(tmp_path: Path) -> None:
    """Set by the kernel's own control groups: seen, and threads and fingerprint follow."""
    import subprocess

    folders = [Path("/sys/fs/cgroup") / kind / f"bench-{os.getpid()}" for kind in ("cpu", "memory")]
    try:
        for folder in folders:
            folder.mkdir()
        (folders[0] / "cpu.cfs_quota_us").write_text("50000")
        (folders[1] / "memory.limit_in_bytes").write_text(str(2**30))
        code = (
            "import os, json\n"
            f"for folder in {[str(f) for f in folders]}:\n"
            "    open(folder + '/cgroup.procs', 'w').write(str(os.getpid()))\n"
            "from bench.run import session\n"
            "print(json.dumps([session.default_threads(), session.machine('cpu')]))\n"
        )
        variables = os.environ | {"PYTHONPATH": str(environments.PROJECT)}
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=variables, check=False
        )
    except OSError as error:
        pytest.skip(f"control groups cannot be made here: {error}")
    finally:
        for folder in folders:
            if folder.exists():
                folder.rmdir()
    threads, machine = json.loads(done.stdout)
    assert threads == 1
    assert machine["quota_cores"] == 0.5
    assert machine["memory_gib"] == 1
    assert machine != session.machine("cpu")


def test_sweeping_leaves_records_alone(tmp_path: Path, data: Path) -> None:
    request = Request("smoke", ("fnn-mnist",), ("fake:honest",))
    run, _ = begin(tmp_path / "run", plan_of(request, [implementation("honest")], data, SMALL))
    (run.launches / ".b000~x.json.123").write_text("half")
    (run.launches / "whole.json").write_text("{}")
    Run(run.path).sweep()
    assert [path.name for path in run.launches.iterdir()] == ["whole.json"]
