"""A campaign: in which order, when it stops, and what it begins on a GPU that is made up."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cli import main as cli
from bench.machine.devices import cuda
from bench.records.record import Request
from bench.records.store import Run
from bench.run import campaign
from bench.run.campaign import Deadline, Step
from bench.run.session import Session
from tests.support.fakes.misbehaving import implementation
from tests.support.fakes.nvml import FakeNvml
from tests.support.plans import READY, SMALL, begin, plan_of

TASKS = ("fnn-mnist", "rnn-sequence")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A made-up GPU in this process."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml())
    cuda._nvml.cache_clear()
    yield
    cuda._nvml.cache_clear()


def sessions(folder: Path) -> list[Session]:
    """Two precisions of two tasks, two sittings each."""
    found = []
    for precision in ("fp32", "bf16"):
        request = Request("smoke", TASKS, ("fake:fine",), launches=2)
        request = replace(request, precision=precision)  # type: ignore[arg-type]
        plan = plan_of(request, [implementation("fine")], budget=SMALL)
        run, jobs = begin(folder / precision, plan)
        found.append(Session(run, plan, jobs, READY))
    return found


def test_certificates_first_then_every_task_once_before_any_twice(tmp_path: Path) -> None:
    names = [step.name for step in campaign.steps(sessions(tmp_path))]
    assert names == [
        "fp32 fnn-mnist certificates", "fp32 rnn-sequence certificates",
        "bf16 fnn-mnist certificates", "bf16 rnn-sequence certificates",
        "fp32 fnn-mnist sitting 1", "fp32 rnn-sequence sitting 1",
        "fp32 fnn-mnist sitting 2", "fp32 rnn-sequence sitting 2",
        "bf16 fnn-mnist sitting 1", "bf16 rnn-sequence sitting 1",
        "bf16 fnn-mnist sitting 2", "bf16 rnn-sequence sitting 2",
    ]  # fmt: skip


def test_a_step_that_would_end_too_late_is_not_begun(tmp_path: Path) -> None:
    by_name: dict[str, Step] = {step.name: step for step in campaign.steps(sessions(tmp_path))}
    deadline = Deadline(100.0, now=lambda: 70.0)
    sitting = by_name["fp32 fnn-mnist sitting 1"]
    assert deadline.allows(sitting)  # nothing is known of sittings yet
    deadline.took(sitting, 40.0)
    assert not deadline.allows(by_name["bf16 fnn-mnist sitting 2"])
    assert not deadline.allows(by_name["fp32 rnn-sequence sitting 1"])  # as long as any so far
    assert deadline.allows(by_name["fp32 rnn-sequence certificates"])
    deadline.took(by_name["fp32 rnn-sequence sitting 1"], 20.0)
    assert deadline.allows(by_name["fp32 rnn-sequence sitting 2"])
    assert not Deadline(100.0, now=lambda: 101.0).allows(sitting)


def test_on_a_gpu_every_precision_is_a_run_and_what_cannot_be_done_has_its_reason(
    gpu: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BENCH_ENVS", str(tmp_path / "envs"))
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    words = ["campaign", "gpu", "--implementations", "pytorch:loop", "--tasks", "rnn-sequence"]
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, "--out", str(tmp_path / "gpu")])
    assert ended.value.code == 0
    for precision in ("fp32", "tf32", "bf16"):
        run = Run.open(tmp_path / "gpu" / precision)
        assert run.about().request.device == "cuda"
        assert {x.status for x in run.records().values()} == {"uninstallable"}
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, "--precisions", "fp16"])
    assert ended.value.code == 2
    assert "a cuda device has fp32, tf32, bf16" in capsys.readouterr().err
