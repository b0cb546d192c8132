"""Many runs as one table, which never mixes conditions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import load_run
from bench.records import many
from bench.records.store import Run
from bench.report import many_runs, publish
from tasks.errors import UserError
from tests.support.command import bench
from tests.support.records import about, record, run_file, stored

NAMES = ("pytorch:eager", "mxnet:hybrid")


def published(path: Path, seconds: float, **changes: Any) -> Path:
    """A run of two contenders with its table, without the rest of its report."""
    run = Run.create(path, run_file(about(("fnn-mnist",), NAMES) | changes))
    results = stored(run, [record(name, 0, seconds * (1 + at)) for at, name in enumerate(NAMES)])
    publish._tables(results, path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    other = about()["machine"] | {"cpu": "another CPU"}
    for at, seconds in enumerate((0.1, 0.11, 0.12)):
        published(tmp_path / "runs" / f"run-{at}", seconds)
    published(tmp_path / "runs" / "elsewhere" / "run-3", 1.0, machine=other)
    return tmp_path / "runs"


def test_a_folder_is_the_rows_of_its_runs(folder: Path) -> None:
    frame = load_run(folder)
    alone = {path: load_run(path) for path in many.runs_under(folder)}
    assert len(frame) == sum(map(len, alone.values()))
    for path, rows in alone.items():
        own = frame[frame["run"] == path.relative_to(folder).as_posix()]
        assert own["value"].tolist() == rows["value"].tolist()
        assert own["metric"].astype(str).tolist() == rows["metric"].tolist()


def test_conditions_are_never_pooled(folder: Path) -> None:
    cells = many.over_runs(many.read(folder)).to_pandas()
    speeds = cells[(cells["metric"] == "train_throughput")]
    runs = speeds.set_index(["cpu", "implementation"])["runs"].to_dict()
    assert runs == {
        ("a CPU", NAMES[0]): 3, ("a CPU", NAMES[1]): 3,
        ("another CPU", NAMES[0]): 1, ("another CPU", NAMES[1]): 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"bounds": {"outputs": 1.0}},
        {"budget": about()["budget"] | {"turns": 3}},
        {"suite": about()["suite"] | {"measurement": 2}},
        {"machine": about()["machine"] | {"cores": 4}},
    ],
)
def test_what_makes_other_conditions(folder: Path, changes: dict[str, Any]) -> None:
    published(folder / "other", 0.1, **changes)
    assert len(list(many.names(many.read(folder)["conditions"]))) == 3


def test_other_data_is_another_row(folder: Path) -> None:
    data = about()["datasets"]["fnn-mnist"] | {"sha256": "1" * 64}
    published(folder / "other", 0.1, datasets={"fnn-mnist": data})
    cells = many.over_runs(many.read(folder)).to_pandas()
    here = cells[(cells["metric"] == "train_throughput") & (cells["cpu"] == "a CPU")]
    assert sorted(here["runs"]) == [1, 1, 3, 3]


def test_a_table_older_than_the_records_is_not_believed(folder: Path) -> None:
    path = folder / "run-0"
    Run(path).add("x", json.loads(next((path / "launches").glob("*.json")).read_text()))
    with pytest.raises(UserError, match="answers another job"):
        many.read(folder)


def test_the_interval_is_over_runs() -> None:
    logs = np.log([100.0, 110.0, 120.0])
    value, low, high, spread = many_runs.over(logs.mean(), logs.std(ddof=1), 3)
    assert value == pytest.approx(109.696, abs=1e-3)
    # Student's 0.975 quantile for two degrees of freedom is 4.3027.
    assert high / value == pytest.approx(np.exp(4.3027 * logs.std(ddof=1) / 3**0.5), rel=1e-4)
    assert value / low == pytest.approx(high / value)
    assert spread == pytest.approx(logs.std(ddof=1))


def test_the_command(folder: Path, tmp_path: Path) -> None:
    done = bench("report", str(folder), "--out", str(tmp_path / "out"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "out" / "report.md").read_text()
    assert "4 runs" in text
    assert text.count("threads\n\n### fnn-mnist, tuned") == 2  # a table each type of machine
    done = bench("report", str(tmp_path / "out"), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("text", ["", "PAR1", "{}"])
def test_a_spoiled_table_is_one_line(folder: Path, text: str) -> None:
    (folder / "run-1" / many.TABLE).write_text(text)
    with pytest.raises(UserError, match="cannot be read as a table"):
        many.read(folder)


def test_a_shard_is_no_run(folder: Path) -> None:
    request = about(("fnn-mnist",), NAMES, shard=1, shards=3)["request"]
    published(folder / "shard", 0.1, request=request)
    with pytest.raises(UserError, match="is a shard"):
        many.read(folder)
