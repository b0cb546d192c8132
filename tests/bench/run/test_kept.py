"""Certificates made before are taken again, and only when nothing they were made of has changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.records.record import Job, Request
from bench.records.store import Run
from bench.run import kept, launches
from bench.run.environments import Environment
from bench.run.launches import run_jobs
from tests.support.fakes import misbehaving
from tests.support.plans import READY, SMALL, begin, plan_of

HERE = READY["fake"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept.cache, "root", lambda: tmp_path / "cache")


def certificates(path: Path, data: Path, modes: list[str]) -> tuple[Run, list[Job]]:
    names = tuple(f"fake:{mode}" for mode in modes)
    plan = plan_of(
        Request("smoke", ("fnn-mnist",), names),
        map(misbehaving.implementation, modes),
        data,
        SMALL,
    )
    run, jobs = begin(path, plan)
    return run, [job for job in jobs if job.kind == "certify"]


def test_one_that_passed_is_taken_again(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    run, jobs = certificates(tmp_path / "first", data, ["honest"])
    run_jobs(run, jobs, READY)
    made = run.records()[jobs[0].id].launch.certificate
    assert made is not None and made.passed and made.made and len(made.digest) == 64

    def none(*arguments: Any) -> Any:
        raise AssertionError("a worker was started")

    monkeypatch.setattr(launches, "launch", none)
    other, again = certificates(tmp_path / "second", data, ["honest"])
    run_jobs(other, again, READY, certify_anew=False)
    assert other.records()[again[0].id].launch.certificate == made
    third, asked = certificates(tmp_path / "third", data, ["honest"])
    with pytest.raises(AssertionError, match="a worker was started"):
        run_jobs(third, asked, READY)


def test_one_that_was_refused_is_made_again(tmp_path: Path, data: Path) -> None:
    run, jobs = certificates(tmp_path / "first", data, ["early"])
    run_jobs(run, jobs, READY)
    assert run.records()[jobs[0].id].status == "unverified"
    assert kept.take(jobs[0], HERE) is None


@pytest.mark.parametrize(
    "changed",
    [
        lambda job: (replace(job, seed=job.seed + 1), HERE),
        lambda job: (replace(job, cell=replace(job.cell, threads=7)), HERE),
        lambda job: (replace(job, cell=replace(job.cell, precision="bf16")), HERE),
        lambda job: (replace(job, module="adapters.other"), HERE),
        lambda job: (replace(job, data="elsewhere"), HERE),
        lambda job: (replace(job, work={**job.work, "epochs": 3}), HERE),
        lambda job: (job, replace(HERE, requirements="others")),
        lambda job: (job, replace(HERE, version="2")),
    ],
)
def test_whatever_it_was_made_of_is_in_its_digest(tmp_path: Path, data: Path, changed: Any) -> None:
    _, jobs = certificates(tmp_path / "run", data, ["honest"])
    assert kept.digest(*changed(jobs[0])) != kept.digest(jobs[0], HERE)


def test_changed_code_is_in_it_too(tmp_path: Path, data: Path) -> None:
    _, jobs = certificates(tmp_path / "run", data, ["honest"])
    digests: list[str] = []
    for text in ("a = 1\n", "a = 2\n"):
        project = tmp_path / f"project{len(digests)}"
        (project / "adapters" / "mine").mkdir(parents=True)
        (project / "adapters" / "mine" / "model.py").write_text(text)
        environment = Environment("fake", "ready", HERE.python, project=str(project))
        digests.append(kept.digest(jobs[0], environment))
    assert digests[0] != digests[1]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"launch": {"status": "ok"}, "x": }', "null"])
def test_a_broken_file_is_as_none(tmp_path: Path, data: Path, text: str) -> None:
    _, jobs = certificates(tmp_path / "run", data, ["honest"])
    place = tmp_path / "cache" / "certificates" / f"{kept.digest(jobs[0], HERE)}.json"
    place.parent.mkdir(parents=True)
    place.write_text(text)
    assert kept.take(jobs[0], HERE) is None
