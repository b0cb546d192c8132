"""The suite from Python: the same answers as the commands, as frames and typed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib
import pandas as pd
import pytest
from matplotlib.figure import Figure

from bench.interface import Measured, RunOptions, compare, load_run, run, setup
from bench.records.tidy import COLUMNS
from bench.report.answers import CERTIFICATES, VERDICTS, Certified
from bench.run.environments import PROJECT
from tasks.errors import UserError
from tests.support import task_files

PUBLISHED = PROJECT / "results" / "cpu-both"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("interface")
    task_files.write_data(place)
    (place / "mine.py").write_text(task_files.GOOD)
    return place


@pytest.fixture(scope="module")
def measured(folder: Path) -> Measured:
    """A task of the user's, in scikit-learn, which the suite's own environment has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_CACHE", str(folder / "cache"))
        return run(
            profile="smoke", task=[folder / "mine.py"], implementations="sklearn",
            env={"sklearn": sys.executable}, threads=1, out=folder / "run", quiet=True,
        )  # fmt: skip


def test_a_run_is_measured_reported_and_read_again(measured: Measured, folder: Path) -> None:
    assert (folder / "run" / "index.html").exists()
    assert list(measured.table.columns) == list(COLUMNS)
    speed = measured.table.set_index(["metric", "label"])["value"]
    assert speed["train_throughput", ""] > 0
    pd.testing.assert_frame_equal(load_run(folder / "run"), measured.table)
    assert Measured.read(folder / "run").results.about == measured.results.about
    assert set(measured.table["certificate"]) == {"passed"}


def test_it_is_recorded_as_the_command_that_does_the_same(measured: Measured) -> None:
    words = measured.results.about.command
    assert words.startswith("bench run --profile smoke --task …/mine.py --implementations sklearn")
    assert "--threads 1" in words
    assert "--seed" not in words


def test_a_list_of_names_is_as_commas() -> None:
    options = RunOptions(tasks=["a-*", "b"], env={"jax": "/x"}, seed=3)
    assert options.words() == ["--tasks", "a-*,b", "--seed", "3", "--env", "jax=/x"]


def test_certificates_alone(measured: Measured) -> None:
    found = Certified(measured.results)
    assert found.passed
    assert list(found.table.columns) == CERTIFICATES
    assert 0 < found.table["share_of_bound"].item() < 1
    assert "sklearn:mlp" in found._repr_html_()


def test_verdicts_are_those_of_the_report() -> None:
    found = Measured.read(PUBLISHED)
    assert list(found.verdicts.columns) == VERDICTS
    speed = found.verdicts.query("task == 'fnn-mnist' and metric == 'train_throughput'")
    assert set(speed["verdict"]) <= {"slower", "undecided"} and "slower" in set(speed["verdict"])
    assert set(speed["base"]) == {"jax:flax", "tensorflow:graph"}  # one a division
    assert ((speed["low"] < speed["change"]) & (speed["change"] < speed["high"])).all()
    assert any("fastest" in line or "ahead" in line for s in found.sentences.values() for line in s)


def test_two_runs_are_compared_as_by_the_command() -> None:
    found = compare(PUBLISHED, Measured.read(PUBLISHED))
    assert found.comparison.exit_code in (0, 2)
    assert not found.comparison.regressions
    assert list(found.table.columns) == VERDICTS
    assert found.answer in found._repr_html_()


def test_mistakes_are_the_lines_of_the_commands(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no implementation matches"):
        run(implementations="theano", out=tmp_path / "a")
    with pytest.raises(UserError, match="choose from smoke"):
        run(profile="fast")
    with pytest.raises(UserError, match="write it like 3"):
        setup("sklearn", python=["2.7"])
    with pytest.raises(UserError, match="not comparable"):
        compare(PUBLISHED, PROJECT / "results" / "cpu-quick")
    with pytest.raises(TypeError, match="no_such"):
        run(no_such=1)


def test_figures_are_the_reports_own_whatever_the_user_has_set(
    measured: Measured, tmp_path: Path
) -> None:
    backend = matplotlib.get_backend()
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "savefig.dpi": 20}):
        again = Measured.read(measured.path)
        assert all(isinstance(figure, Figure) for figure in again.figures.values())
        again.report(tmp_path)
        shown = again._repr_html_()
    assert matplotlib.get_backend() == backend
    assert shown == measured._repr_html_()
    assert shown.count("data:image/png;base64,") == len(measured.figures) > 1
    for path in tmp_path.iterdir():
        assert (measured.path / path.name).read_bytes() == path.read_bytes(), path.name


NOTEBOOK = """
import matplotlib, matplotlib.pyplot as plt, sys
before = matplotlib.get_backend()
from bench.interface import Measured, compare, load_run, verify
proof = verify(task=["mine.py"], implementations="sklearn", threads=1,
               env={"sklearn": sys.executable}, out="proof")
mine = Measured.read("../run")
print(proof.passed, len(load_run("../run")), compare(mine, mine).answer)
---
mine
---
mine.table[["metric", "value"]]
---
assert matplotlib.get_backend() == before
plt.plot([1, 2]);
"""


def test_in_a_real_notebook_with_figures_inline(
    measured: Measured, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    nbformat = pytest.importorskip("nbformat")
    here = folder / "notebook"
    here.mkdir()
    for name in ("mine.py", "wine.csv"):
        (here / name).write_bytes((folder / name).read_bytes())
    monkeypatch.setenv("BENCH_CACHE", str(folder / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    monkeypatch.setenv("IPYTHONDIR", str(folder / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(folder / "jupyter"))
    cells = [nbformat.v4.new_code_cell(part) for part in NOTEBOOK.split("---\n")]
    book = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(
        book, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(here)}}
    ).execute()
    first, whole, table, plot = (cell["outputs"] for cell in book["cells"])
    assert "True" in "".join(output.get("text", "") for output in first)
    html = whole[0]["data"]["text/html"]
    assert "sklearn:mlp" in html
    assert "data:image/png;base64," in html
    assert "train_throughput" in table[0]["data"]["text/html"]
    assert any("image/png" in output.get("data", {}) for output in plot)  # the user's own, inline
    kept = json.loads((here / "proof" / "run.json").read_text())
    assert kept["command"].startswith("bench verify --task mine.py")
