"""The verdict of ``nox -s overhead`` from made-up answers."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from bench.audit.overhead_summary import main

MEASURED = {
    "framework": "fake", "mode": "fast", "task": "fnn-mnist",
    "train_ratio": 0.99, "train_low": 0.98, "train_high": 1.0,
    "infer_ratio": 0.975, "infer_low": 0.96, "infer_high": 0.99,
    "suite_train_seconds": [1.0] * 12, "suite_infer_seconds": [0.1] * 40,
}  # fmt: skip
REFUSED = {"framework": "fake", "mode": "fast", "task": "tune", "unsupported": "no such layer"}


def answers(folder: Path, *rows: dict[str, object]) -> Path:
    for number, row in enumerate(rows):
        (folder / f"{number}.json").write_text(json.dumps(row))
    return folder


def test_a_refused_task_does_not_fail_and_the_table_says_why(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(answers(tmp_path, MEASURED, REFUSED), out) == 0
    text = (out / "overhead.md").read_text()
    assert "| fake:fast | tune | no such layer |  |" in text
    assert "0.975 (0.960 to 0.990)" in text
    rows = list(csv.DictReader((out / "overhead.csv").open()))
    assert [row["ratio"] for row in rows] == ["0.990", "0.975", "", ""]
    assert [row["pairs"] for row in rows] == ["12", "40", "0", "0"]


@pytest.mark.parametrize(
    "row",
    [
        MEASURED | {"task": "b", "infer_ratio": 0.969},
        {**REFUSED, "unsupported": "", "failed": "it broke"},
    ],
    ids=["under", "broken"],
)
def test_a_ratio_under_the_bound_or_a_broken_measurement_fails(
    row: dict[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {key: value for key, value in row.items() if value != ""}
    out = tmp_path / "out"
    assert main(answers(tmp_path, MEASURED, row), out) == 1
    assert "FAILED (bound 0.97)" in capsys.readouterr().out
    assert "FAILED (bound 0.97)" in (out / "overhead.md").read_text()


def test_the_median_over_launches_is_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One unlucky launch of five does not fail; three do, and so does one that broke."""
    out = tmp_path / "out"
    launches = [MEASURED | {"infer_ratio": value} for value in (0.89, 1.01, 0.98, 1.0, 0.95)]
    assert main(answers(tmp_path, *launches), out) == 0
    assert "0.980 (0.890 to 1.010, 5 launches)" in (out / "overhead.md").read_text()
    row = list(csv.DictReader((out / "overhead.csv").open()))[1]
    assert (row["launches"], row["pairs"]) == ("5", "200")
    launches[1:3] = [MEASURED | {"infer_ratio": 0.96}] * 2
    assert main(answers(tmp_path, *launches)) == 1
    assert "fake:fast fnn-mnist infer 0.960" in capsys.readouterr().out
    launches[1:] = [MEASURED] * 3 + [{**REFUSED, "task": "fnn-mnist", "failed": "it broke"}]
    del launches[4]["unsupported"]
    assert main(answers(tmp_path, *launches)) == 1
    assert "fake:fast fnn-mnist failed" in capsys.readouterr().out


def test_nothing_measured_fails(tmp_path: Path) -> None:
    assert main(answers(tmp_path, REFUSED)) == 1
