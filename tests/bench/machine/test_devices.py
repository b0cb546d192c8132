"""The device layer, on a GPU that is made up: what is asked of it, and what ends in a record."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from bench.judge import disturbed
from bench.machine import readings
from bench.machine.devices import cpu, cuda
from bench.machine.devices.kinds import KINDS, Watch
from bench.records import metrics
from bench.records.record import Request
from bench.records.results import Results
from bench.records.schema import Launch
from bench.run import session
from bench.run.launches import run_jobs
from tasks.errors import UserError
from tests.support.fakes.misbehaving import implementation
from tests.support.fakes.nvml import JOULES_A_LOOK, TOTAL_BYTES, FakeNvml
from tests.support.plans import READY, SMALL, begin, plan_of

HELD = 3 * 2**30


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., FakeNvml]]:
    """Puts a made-up GPU into this process."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def put(*arguments: object, **named: object) -> FakeNvml:
        fake = FakeNvml(*arguments, **named)  # type: ignore[arg-type]
        monkeypatch.setitem(sys.modules, "pynvml", fake)
        cuda._nvml.cache_clear()
        return fake

    yield put
    cuda._nvml.cache_clear()


def test_without_a_driver_the_reason_is_said(gpu: Callable[..., FakeNvml]) -> None:
    gpu(driver=False)
    assert "no NVIDIA driver" in cuda.why_not()
    with pytest.raises(UserError, match="--device cuda: no NVIDIA driver"):
        session.check_device("cuda")


@pytest.mark.parametrize(
    ("visible", "there"),
    [("0", True), ("GPU-1", True), ("5", False), ("GPU-9", False), ("", False)],
)
def test_the_visible_gpu_is_meant(
    gpu: Callable[..., FakeNvml], monkeypatch: pytest.MonkeyPatch, visible: str, there: bool
) -> None:
    gpu()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert (cuda.why_not() == "") is there
    assert there or "set CUDA_VISIBLE_DEVICES" in cuda.why_not()


def test_facts_for_the_fingerprint(gpu: Callable[..., FakeNvml]) -> None:
    gpu()
    assert cuda.facts() == {
        "name": "Fake GPU",
        "memory_bytes": TOTAL_BYTES,
        "driver": "999.1",
        "version": "13.1",
    }
    assert session.machine("cuda")["cuda_name"] == "Fake GPU"
    assert session.machine("cpu") == readings.machine()


def test_a_precision_the_device_lacks_is_refused(gpu: Callable[..., FakeNvml]) -> None:
    gpu()
    session.check_device("cuda", "tf32")
    with pytest.raises(UserError, match="a cpu device has fp32, bf16"):
        session.check_device("cpu", "tf32")


def test_what_is_watched(gpu: Callable[..., FakeNvml]) -> None:
    fake = gpu({11: HELD, 22: 5}, busy=40)
    watch = Watch(KINDS["cuda"], 11)
    watch.begin()
    watch.look()
    fake.processes, fake.busy = {11: HELD // 2}, 60
    watch.look()
    watch.end()
    assert watch.found() == {
        "peak_memory_bytes": HELD,
        "mean_busy_percent": 50.0,
        "joules": JOULES_A_LOOK,
        "other_processes": 1,
    }


def test_energy_of_a_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two packages whose counters are readable; a counter that began anew is no reading."""
    monkeypatch.setattr(cpu, "POWERCAP", tmp_path)
    assert cpu.joules() is None
    for package, microjoules in (("intel-rapl:0", 4_000_000), ("intel-rapl:1", 1_500_000)):
        (tmp_path / package).mkdir()
        (tmp_path / package / "energy_uj").write_text(f"{microjoules}\n")
    assert cpu.joules() == 5.5
    watch = Watch(KINDS["cpu"], os.getpid())
    for microjoules in (4_750_000, 5_000_000):  # worked, stood still, worked
        watch.begin()
        (tmp_path / "intel-rapl:0" / "energy_uj").write_text(f"{microjoules}\n")
        watch.end()
        (tmp_path / "intel-rapl:1" / "energy_uj").write_text("1600000\n")
    assert watch.found() == {"joules": 1.0}
    watch.begin()
    (tmp_path / "intel-rapl:0" / "energy_uj").write_text("10\n")
    watch.end()
    assert watch.found() == {"joules": 1.0}


def _launch(folder: Path, data: Path) -> tuple[Launch, Results]:
    """The measuring launch of one contender that says it is on cuda, and its run."""
    request = Request("smoke", ("fnn-mnist",), ("fake:honest",), device="cuda")
    plan = plan_of(request, [implementation("honest")], data, SMALL)
    run, jobs = begin(folder / "run", plan)
    run_jobs(run, jobs[:2], READY)
    results = Results.read(run)
    (measured,) = (launch for launch in results.launches if launch.kind == "measure")
    return measured, results


def _workers() -> dict[int, int]:
    """Those of the runner, and no other process that the tests have started."""
    found = {}
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile; a zombie is one too
            if "bench.worker.launch" in child.cmdline():
                found[child.pid] = HELD
    return found


def test_a_launch_keeps_what_its_device_did(
    tmp_path: Path, data: Path, gpu: Callable[..., FakeNvml]
) -> None:
    gpu(_workers, busy=80)
    launch, results = _launch(tmp_path, data)
    assert launch.status == "ok", launch.reason
    assert metrics.metric("device_memory").read(launch) == HELD
    # Counted while it works: its start, each turn, the change after each of four phases, its end.
    periods = 1 + len(launch.launch.turns) + 4 + 1
    assert metrics.metric("energy").read(launch) == JOULES_A_LOOK * periods
    assert launch.launch.device_use.mean_busy_percent == 80
    assert not any("on its device" in why for why in disturbed.reasons(results).values())


def test_another_process_on_the_gpu_disturbs(
    tmp_path: Path, data: Path, gpu: Callable[..., FakeNvml]
) -> None:
    gpu(lambda: _workers() | {1: 2**20})
    _, results = _launch(tmp_path, data)
    (why,) = disturbed.reasons(results).values()
    assert why == "1 other processes computed on its device"


def test_in_a_container_nobody_is_a_stranger(gpu: Callable[..., FakeNvml]) -> None:
    """There the driver tells the host's numbers: our own worker is one that nobody here knows."""
    gpu({70_001: HELD, 70_002: 5}, busy=80)
    watch = Watch(KINDS["cuda"], 11)
    watch.look()
    assert watch.found() == {"mean_busy_percent": 80.0}
    assert cuda.running() == [70_001, 70_002]
