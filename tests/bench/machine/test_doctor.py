"""`bench doctor`: each verdict from made-up readings; the command on the machine at hand."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.cli import doctor as command
from bench.machine import cores, doctor
from bench.machine.devices import cuda
from bench.machine.doctor import GIB, Finding, Gpu, MachineReadings, Process, judge
from tests.support.command import bench
from tests.support.fakes.nvml import FakeNvml

QUIET = MachineReadings(
    threads=8, cores=8, quota_cores=None, busy_cores=0.05, steal_cores=0.0, load=0.1,
    processes=(), memory_bytes=16 * GIB, disk_bytes=100 * GIB, governors=("performance",),
    turbo=False, throttled=0, on_battery=False, clock="tsc", gpus=(),
)  # fmt: skip


def warnings(**changed: Any) -> list[Finding]:
    return [f for f in judge(replace(QUIET, **changed)) if f.verdict == "warn"]


def test_a_quiet_machine_is_fit() -> None:
    assert warnings() == []
    assert len(judge(QUIET)) == len(doctor.CHECKS)


@pytest.mark.parametrize(
    ("changed", "what", "advice"),
    [
        ({"busy_cores": 1.0}, "CPU used by others", "stop these"),
        ({"steal_cores": 0.5}, "stolen by the hypervisor", "dedicated"),
        ({"quota_cores": 2.5}, "CPU limit of the container", "--threads 2"),
        ({"threads": 16}, "threads", "--threads 8"),
        ({"load": 7.0}, "load of the last minute", "wait"),
        ({"throttled": 3}, "times slowed down for heat", "cooling"),
        ({"governors": ("performance", "powersave")}, "frequency governor", "cpupower"),
        ({"on_battery": True}, "power", "plug"),
        ({"turbo": True}, "turbo", "heat"),
        ({"memory_bytes": GIB}, "free memory", "out-of-memory"),
        ({"disk_bytes": GIB}, "free disk", "GiB"),
        ({"clock": "hpet"}, "clock source", "tsc"),
        ({"gpus": (Gpu("H", 0.0, (77,)),)}, "H", "CUDA_VISIBLE_DEVICES"),
        ({"gpus": (Gpu("H", 60.0, ()),)}, "H", "CUDA_VISIBLE_DEVICES"),
    ],
)
def test_each_fault_warns_alone_and_says_what_to_do(
    changed: dict[str, Any], what: str, advice: str
) -> None:
    (found,) = warnings(**changed)
    assert found.what == what
    assert advice in found.advice


@pytest.mark.parametrize("name", ["steal_cores", "throttled", "governors", "turbo", "clock"])
def test_what_cannot_be_read_is_neither_good_nor_bad(name: str) -> None:
    found = judge(replace(QUIET, **{name: None}))
    assert [f.verdict for f in found].count("unknown") == 1
    assert not warnings(**{name: None})


def test_the_worst_comes_first() -> None:
    found = warnings(disk_bytes=GIB, turbo=True, busy_cores=4.0, steal_cores=1.0)
    assert [f.what for f in found] == [
        "CPU used by others", "stolen by the hypervisor", "turbo", "free disk",
    ]  # fmt: skip
    verdicts = [f.verdict for f in judge(replace(QUIET, clock=None, turbo=True))]
    assert verdicts == ["warn", "unknown"] + ["ok"] * (len(verdicts) - 2)


def test_heavy_processes_are_named() -> None:
    busy = (Process(12, "cc1plus", 0.9), Process(13, "top", 0.01))
    (found,) = warnings(busy_cores=1.0, processes=busy)
    assert "cc1plus (12, 0.9 cores)" in found.value
    assert "top" not in found.value


def test_memory_is_what_the_container_still_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    free = command._memory_bytes()
    assert free > 1000
    monkeypatch.setattr(cores, "memory_left", lambda: 1000)
    assert command._memory_bytes() == 1000


def test_the_gpu_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda._nvml.cache_clear()
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml({4711: 2**30}, busy=7))
    assert command._gpus() == (Gpu("Fake GPU", 7.0, (4711,)),)
    cuda._nvml.cache_clear()
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml(driver=False))
    assert command._gpus() == ()
    cuda._nvml.cache_clear()


def test_the_command_reads_this_machine(tmp_path: Path) -> None:
    done = bench("doctor", "--json", "--threads", "4096", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = {row["what"]: row for row in json.loads(done.stdout)}
    assert found["threads"]["verdict"] == "warn"
    assert "GiB" in found["free memory"]["value"]
    strict = bench("doctor", "--strict", "--threads", "4096", cwd=tmp_path)
    assert strict.returncode == 1
    assert "worth fixing first" in strict.stdout
    assert bench("doctor", "--threads", "0", cwd=tmp_path).returncode == 2
