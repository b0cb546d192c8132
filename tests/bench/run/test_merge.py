"""Shards put together are the run that one machine would have made; all else is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from bench.plan.jobs import make_jobs
from bench.records.record import Outcome, failure_record
from bench.records.store import Run
from bench.run import session
from bench.run.merge import merge
from tasks.errors import UserError
from tests.support.command import bench
from tests.support.records import about, run_file

TASKS = ("fnn-mnist", "lstm-forecast", "tune-random")
NAMES = ("pytorch:loop", "sklearn:mlp")


def measured(
    path: Path, shard: int = 1, shards: int = 1, raw: dict[str, Any] | None = None
) -> Path:
    """A run in which every job has a record, which depends on nothing but the job."""
    raw = about(TASKS, NAMES, shard=shard, shards=shards) | (raw or {})
    run = Run.create(path, run_file(raw))
    for job in make_jobs(session.plan_of(run.about())):
        run.add(job.id, failure_record(job, Outcome("ok")))
        (run.logs / f"{job.id}.log").write_text(job.id)
    return path


@pytest.fixture
def shards(tmp_path: Path) -> list[Path]:
    return [measured(tmp_path / f"shard-{at}", at, 3) for at in (1, 2, 3)]


def contents(path: Path) -> dict[str, str]:
    files = [*path.glob("launches/*"), *path.glob("logs/*")]
    return {str(file.relative_to(path)): file.read_text() for file in files}


def test_three_shards_are_one_run(tmp_path: Path, shards: list[Path]) -> None:
    whole = measured(tmp_path / "whole")
    merged = merge(shards[::-1], tmp_path / "merged", "bench merge")
    assert contents(merged.path) == contents(whole)
    assert merged.about().request == Run.open(whole).about().request
    sittings = [{p.name for p in path.glob("launches/b*")} for path in shards]
    assert sum(map(len, sittings)) == len(set().union(*sittings))
    assert all(sittings)


def test_each_shard_certifies_what_it_measures(shards: list[Path]) -> None:
    for path in shards:
        jobs = [launch.job for launch in Run.open(path).records().values()]
        certified = {job.cell.task for job in jobs if job.kind == "certify"}
        assert certified == {job.cell.task for job in jobs if job.kind != "certify"}


def test_twice_is_refused(tmp_path: Path, shards: list[Path]) -> None:
    merge(shards, tmp_path / "merged", "bench merge")
    with pytest.raises(UserError, match="already holds a run"):
        merge(shards, tmp_path / "merged", "bench merge")
    with pytest.raises(UserError, match="shard 1/3 is there twice"):
        merge([shards[0], shards[0], shards[1]], tmp_path / "twice", "bench merge")
    shutil.copytree(shards[2], tmp_path / "copy")
    with pytest.raises(UserError, match="shard 3/3 is there twice"):
        merge([*shards, tmp_path / "copy"], tmp_path / "twice", "bench merge")
    with pytest.raises(UserError, match="is no shard"):
        merge([tmp_path / "merged", *shards], tmp_path / "again", "bench merge")
    with pytest.raises(UserError, match="shard 2/3 is missing"):
        merge([shards[0], shards[2]], tmp_path / "two", "bench merge")
    assert not (tmp_path / "twice").exists()


OTHERS: dict[str, dict[str, Any]] = {
    "machine.cpu": {"machine": about()["machine"] | {"cpu": "another"}},
    "suite.revision": {"suite": about()["suite"] | {"revision": "another"}},
    "request.seed": {"request": about(TASKS, NAMES, shard=2, shards=3, seed=9)["request"]},
    "request.shards": {"request": about(TASKS, NAMES, shard=2, shards=4)["request"]},
    "bounds": {"bounds": {"outputs": 1.0}},
    "budget.turns": {"budget": about()["budget"] | {"turns": 3}},
}


@pytest.mark.parametrize("field", OTHERS)
def test_a_foreign_shard_is_refused(tmp_path: Path, shards: list[Path], field: str) -> None:
    foreign = measured(tmp_path / "foreign", 2, 3, OTHERS[field])
    with pytest.raises(UserError, match=f"another run .*: {field} differs"):
        merge([shards[0], foreign, shards[2]], tmp_path / "merged", "bench merge")


def test_a_launch_of_another_shard_is_refused(tmp_path: Path, shards: list[Path]) -> None:
    name = next(p.name for p in shards[0].glob("launches/b*"))
    shutil.copyfile(shards[0] / "launches" / name, shards[1] / "launches" / name)
    with pytest.raises(UserError, match="is not of this shard"):
        merge(shards, tmp_path / "merged", "bench merge")


def test_an_unfinished_shard_is_refused(tmp_path: Path, shards: list[Path]) -> None:
    next(shards[1].glob("launches/b*")).unlink()
    with pytest.raises(UserError, match=r"not finished \(1 launches are missing\)"):
        merge(shards, tmp_path / "merged", "bench merge")


def test_a_certificate_that_was_refused_once_stands(tmp_path: Path, shards: list[Path]) -> None:
    name = next(p.name for p in shards[0].glob("launches/certify*sklearn*"))
    place = next(path for path in shards[::-1] if (path / "launches" / name).exists())
    raw = json.loads((place / "launches" / name).read_text())
    raw["launch"] |= {"status": "unverified", "reason": "outputs"}
    (place / "launches" / name).write_text(json.dumps(raw))
    merged = merge(shards, tmp_path / "merged", "bench merge")
    assert merged.records()[name.removesuffix(".json")].status == "unverified"


@pytest.mark.parametrize("text", ["4/3", "0/3", "1", "a/b", "1/0", "-1/3", "1/3/3"])
def test_a_shard_that_is_none_is_one_line(tmp_path: Path, text: str) -> None:
    said = bench("run", "--shard", text, cwd=tmp_path)
    assert said.returncode == 2
    assert said.stderr.count("\n") == 1
    assert "write it like 1/3" in said.stderr
