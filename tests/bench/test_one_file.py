"""One file a thing: a framework, a task, a metric, a device are found because their file is there.

Done in a copy of the sources, with the command itself; no other file of the copy is touched.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from bench.run.environments import PROJECT
from tests.support.command import bench

ADDED = {
    "adapters/added/__init__.py": "",
    "adapters/added/about.py": """
from adapters.base import Framework, Implementation

FRAMEWORK = Framework(
    name="added", title="Added", order=99, package="numpy",
    implementations=(
        Implementation("added", "plain", "adapters.added.contender", "numpy", "the oracle itself"),
    ),
)
""",
    "adapters/added/pins.toml": '[added]\ncpu = ["numpy==2.4.6"]\n',
    "adapters/added/contender.py": """
from adapters.reference.oracle import Reference


class Contender(Reference):
    def __init__(self, mode, device, precision, threads):
        super().__init__(mode, device, precision, threads)
""",
    "tasks/catalogue/added.py": """
from dataclasses import replace

from tasks.catalogue.fnn import TASKS as FNN
from tasks.spec.layers import Dense, Flatten

ORDER = 99
TASKS = (
    replace(
        FNN[0], name="added-task", summary="one more", layers=(Flatten(), Dense(16), Dense(10))
    ),
)
""",
    "bench/machine/devices/abacus.py": """
PRECISIONS = ("fp32",)
CEILINGS = PRECISIONS


def why_not():
    return "no abacus on this desk"


def facts():
    return {"name": "abacus"}


def joules():
    return None


def use(pid):
    return {}


def others(pid):
    return []
""",
}
METRIC = """METRICS: tuple[Metric, ...] = (
    Metric(
        "added_loss", "", "lower", "loss of the first step", _reading("first_loss"), False,
        column=PrintedColumn("added loss", ".4f", place=99),
    ),
"""  # a row, in the file of all metrics
RUN = ("run", "--profile", "smoke", "--tasks", "added-task", "--implementations", "added")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources with one more of each."""
    copy = tmp_path_factory.mktemp("copy") / "tree"
    for name in ("bench", "adapters", "tasks"):
        shutil.copytree(
            PROJECT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )
    shutil.copy(PROJECT / "pyproject.toml", copy)
    for name, text in ADDED.items():
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_text(text)
    rows = copy / "bench" / "records" / "metrics.py"
    text = rows.read_text()
    assert text.count("METRICS: tuple[Metric, ...] = (\n") == 3  # METRICS, WORK_, SEARCH_
    rows.write_text(text.replace(METRIC.splitlines()[0] + "\n", METRIC, 1))
    return copy


@pytest.fixture(scope="module")
def home(tree: Path) -> Path:
    """A folder to work in, where the framework's environment is ready: this interpreter."""
    place = tree.parent / "home" / "envs" / "added-cpu"
    (place / "bin").mkdir(parents=True)
    program = place / "bin" / "python"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    program.chmod(0o755)
    asked = "from bench.run import environments as e; print(e.digest('added', 'cpu'))"
    digest = subprocess.run(
        [sys.executable, "-c", asked], cwd=tree, capture_output=True, text=True, check=True
    ).stdout.strip()
    made = {
        "framework": "added", "status": "ready", "python": str(program), "reason": "",
        "version": "1.0", "requirements": digest,
    }  # fmt: skip
    (place / "environment.json").write_text(json.dumps(made))
    return tree.parent / "home"


@pytest.fixture(scope="module")
def run(tree: Path, home: Path) -> Path:
    """A run of the new framework on the new task, by the command."""
    done = bench(*RUN, "--threads", "1", "--out", "r", cwd=home, project=tree)
    assert done.returncode == 0, done.stdout + done.stderr
    (home / "r" / "printed.txt").write_text(done.stdout)
    return home / "r"


def test_each_is_listed(tree: Path, home: Path) -> None:
    done = bench("list", "--json", cwd=home, project=tree)
    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout)
    (task,) = (row for row in listed["tasks"] if row["task"] == "added-task")
    assert task["summary"] == "one more"
    (row,) = (r for r in listed["implementations"] if r["implementation"] == "added:plain")
    assert (row["status"], row["version"], row["summary"]) == ("ready", "1.0", "the oracle itself")
    (device,) = (row for row in listed["devices"] if row["device"] == "abacus")
    assert device == {
        "device": "abacus", "precisions": ["fp32"], "reason": "no abacus on this desk",
    }  # fmt: skip


def test_a_new_device_is_asked_whether_it_is_here(tree: Path, home: Path) -> None:
    done = bench("run", "--device", "abacus", "--out", "none", cwd=home, project=tree)
    assert (done.returncode, done.stderr) == (
        2, "bench: --device abacus: no abacus on this desk\n",
    )  # fmt: skip


def test_a_new_framework_is_certified_and_measured_on_a_new_task(run: Path) -> None:
    table = pd.read_csv(run / "table.csv", keep_default_na=False)
    mine = table[table["label"] == ""].set_index("metric")
    assert set(mine["implementation"]) == {"added:plain"}
    assert set(mine["task"]) == {"added-task"}
    assert set(mine["status"]) == {"ok"}
    assert set(mine["certificate"]) == {"passed"}
    assert mine.loc["train_throughput", "value"] > 0
    assert "added:plain" in (run / "printed.txt").read_text()
    for name in ("report.md", "index.html", "report.tex"):
        assert "added-task" in (run / name).read_text(), name


def test_a_new_metric_stands_in_the_table_and_in_the_report(run: Path) -> None:
    table = pd.read_csv(run / "table.csv", keep_default_na=False)
    (row,) = table[(table["metric"] == "added_loss") & (table["label"] == "")].itertuples()
    (path,) = run.glob("launches/b000~added-task~added-plain~cpu~fp32.json")
    first = json.loads(path.read_text())["launch"]["readings"]["first_loss"]
    assert row.value == pytest.approx(first)
    assert "added loss" in (run / "report.md").read_text()
    assert f"{first:.4f}" in (run / "report.md").read_text()
