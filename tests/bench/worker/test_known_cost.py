"""The clock is true: contenders of known cost are read within 2 % or 50 µs of it, and none is
filtered for how it works: by bursts, with a process of its own, or allocating all the time."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from bench import stats
from bench.audit.neighbour import Condition, beside
from bench.machine import cores
from bench.machine.meter import Meter
from bench.plan.request import PROFILES
from bench.records.metrics import metric
from bench.records.record import Request
from bench.records.schema import Launch
from bench.run.environments import PROJECT
from bench.run.launches import run_jobs
from bench.run.sitting import PHASES
from tests.support.fakes import known
from tests.support.plans import READY, begin, plan_of

pytestmark = pytest.mark.quiet
STEPS = 25
OWN_WAYS = ("bursty", "helper", "churn")
FEW_STEPS, FEWEST_QUIET, ATTEMPTS = 5, 3, 3
WITHIN: dict[Condition, float] = {"quiet": 0.01, "bursts": 0.02}


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory, data: Path) -> dict[str, Launch]:
    """Mode → its measuring launch."""
    return sat(tmp_path_factory.mktemp("known"), data, known.MODES, STEPS, turns=5)


def sat(
    path: Path, data: Path, modes: tuple[str, ...], steps: int, turns: int, threads: int = 1
) -> dict[str, Launch]:
    """One sitting of these modes: mode → its launch."""
    names = tuple(f"fake:{mode}" for mode in modes)
    request = Request("smoke", ("fnn-mnist",), names, threads=threads)
    budget = replace(PROFILES["smoke"].budget, round_steps=steps, turns=turns)
    plan = plan_of(request, map(known.implementation, modes), data, budget)
    run, jobs = begin(path / "run", plan)
    run_jobs(run, [job for job in jobs if job.kind == "measure"], READY)
    found = {}
    for launch in run.records().values():
        assert launch.status == "ok", launch.reason
        if not launch.cell.label:
            found[launch.cell.mode] = launch
    return found


def near(seen: float, truth: float) -> bool:
    return abs(seen - truth) <= max(0.02 * truth, 50e-6)


def quiet_turns(launch: Launch, phase: str) -> set[int]:
    """The turns of a phase in which nothing disturbed."""
    return {t.number for t in launch.launch.turns if t.phase == phase and not t.cause}


def quiet(launch: Launch) -> bool:
    return all(len(quiet_turns(launch, phase)) >= FEWEST_QUIET for phase in PHASES)


def skip_if_loaded(launch: Launch) -> None:
    """What a clock reads on a machine that never was quiet proves nothing about the clock."""
    if not quiet(launch):
        causes = sorted({t.cause for t in launch.launch.turns if t.cause})
        pytest.skip(f"the machine is too loaded for {FEWEST_QUIET} quiet turns: {causes[-1]}")


def middle(launch: Launch, phase: str) -> float:
    """Median seconds of a round in the turns that nothing disturbed."""
    skip_if_loaded(launch)
    slices = launch.slices(phase)
    return float(np.median([slices[turn] for turn in quiet_turns(launch, phase)]))


@pytest.mark.parametrize("mode", ["sleep", "async"])
def test_training_takes_what_it_takes_also_when_it_returns_early(
    records: dict[str, Launch], mode: str
) -> None:
    assert near(middle(records[mode], "train"), STEPS * known.STEP_SECONDS)
    assert near(middle(records[mode], "step"), known.STEP_SECONDS)
    speed = metric("train_throughput").read(records[mode])
    assert speed == pytest.approx(32 / known.STEP_SECONDS, rel=0.02)


def test_inference_takes_what_it_takes(records: dict[str, Launch]) -> None:
    samples = records["sleep"].samples("infer")
    assert near(middle(records["sleep"], "infer"), -(-samples // 256) * known.BATCH_SECONDS)
    assert near(middle(records["sleep"], "latency"), known.BATCH_SECONDS)


def test_nothing_takes_nothing(records: dict[str, Launch]) -> None:
    for phase in ("train", "step", "infer", "latency"):
        assert near(middle(records["null"], phase), 0.0), phase


def test_building_is_read_apart(records: dict[str, Launch]) -> None:
    seconds = records["sleep"].launch.seconds
    assert seconds.build is not None and seconds.first_step is not None
    assert seconds.build >= known.BUILD_SECONDS
    assert seconds.first_step >= known.STEP_SECONDS
    skip_if_loaded(records["sleep"])
    assert near(seconds.build, known.BUILD_SECONDS)
    assert near(seconds.first_step, known.STEP_SECONDS)


def test_garbage_left_behind_is_no_late_work(records: dict[str, Launch]) -> None:
    """Its launch ended as ok, as `records` asserts, though a collection takes long."""
    late = records["litter"].launch.readings.work_after_wait_seconds
    assert isinstance(late, dict)
    each = float(np.median(records["litter"].rounds("train")))
    assert late["train"] < max(0.1 * each, 2e-3)


def test_memory_that_is_held_is_seen(records: dict[str, Launch]) -> None:
    seen = metric("peak_rss").read(records["alloc"])
    base = metric("peak_rss").read(records["null"])
    assert seen is not None and base is not None
    assert seen - base == pytest.approx(known.HELD_BYTES, rel=0.02)


# --- contenders that work in a way of their own ---------------------------------------------------


@pytest.fixture(scope="module", params=WITHIN)
def own_ways(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, data: Path
) -> tuple[Condition, dict[str, Launch]]:
    """Mode → its launch, of a sitting with enough turns that nothing disturbed.

    Where there are none, sleepers alone say whether it was the machine (then nothing can be said)
    or the contenders: their own work taken for somebody else's.
    """
    if cores.usable() < 2:
        pytest.skip("a helper that computes meanwhile needs a second core")
    for _ in range(ATTEMPTS):
        with beside(request.param):
            launches = few_steps(tmp_path_factory.mktemp("own"), data, "sleep", *OWN_WAYS)
            if quiet(launches["sleep"]):
                return request.param, launches
            alone = few_steps(tmp_path_factory.mktemp("alone"), data, "sleep")
        skip_if_loaded(alone["sleep"])
    causes = sorted({t.cause for t in launches["sleep"].launch.turns if t.cause})
    pytest.fail(f"quiet where sleepers sit alone, but beside {OWN_WAYS}: {causes}")


def few_steps(path: Path, data: Path, *modes: str) -> dict[str, Launch]:
    """A sitting of short turns on two cores: a pause of a neighbour has room for some."""
    return sat(path, data, modes, FEW_STEPS, turns=8, threads=2)


@pytest.mark.parametrize("mode", OWN_WAYS)
@pytest.mark.parametrize("phase", PHASES)
def test_who_works_in_its_own_way_is_read_as_true(
    own_ways: tuple[Condition, dict[str, Launch]], mode: str, phase: str
) -> None:
    condition, launches = own_ways
    turns = quiet_turns(launches[mode], phase)
    own, sleep = launches[mode].slices(phase), launches["sleep"].slices(phase)
    ratio = np.exp(stats.hodges_lehmann([np.log(own[t] / sleep[t]) for t in sorted(turns)]))
    assert ratio == pytest.approx(known.TIMES[mode], rel=WITHIN[condition])


@contextmanager
def with_helper() -> Iterator[tuple[subprocess.Popen[bytes], psutil.Process]]:
    """A session leader that sleeps, and its helper, which computes."""
    code = """
from time import sleep
from tests.support.fakes import known
process = known.helper()
process.stdin.write("60\\n")
process.stdin.flush()
sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT, start_new_session=True) as one:
        try:
            ends = time.monotonic() + 60
            while not psutil.Process(one.pid).children():
                assert time.monotonic() < ends, "it has no helper"
                time.sleep(0.05)
            yield one, psutil.Process(one.pid).children()[0]
        finally:
            one.send_signal(signal.SIGKILL)


def test_a_helpers_work_is_its_contenders_also_on_a_loaded_machine() -> None:
    """By the kernel's own count of the helper, read inside the meter's two readings."""
    meter = Meter(cores.allowed())
    with with_helper() as (leader, helper):
        stat = Path(f"/proc/{helper.pid}/schedstat")
        ours_before, others_before = meter.read([leader.pid]), meter.read([])
        before = int(stat.read_text().split()[0])
        ends = time.monotonic() + 60
        while (worked := int(stat.read_text().split()[0]) - before) < 3e8:
            assert time.monotonic() < ends, "the helper does not compute"
            time.sleep(0.05)
        others, ours = meter.read([]), meter.read([leader.pid])
    assert ours.since(ours_before).ours >= worked
    assert others.since(others_before).ours < worked / 2  # nobody's who is not asked about
