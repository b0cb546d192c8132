"""A section, a figure or a format more is a file more: nothing else is touched.

Tried in a copy of the source tree, with the copy's own command and report.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.records.store import Run
from bench.run.environments import PROJECT
from tests.support.command import bench
from tests.support.records import about, record, run_file, stored

SECTION = """
from bench.report.blocks import Note, Section
ORDER = 55
def sections(results, context):
    return [Section("weather", "Weather", (Note("It rained on & after <b>Monday</b>."),))]
"""
FIGURE = """
from matplotlib.figure import Figure
NAME, TITLE, READING, ORDER = "clouds", "Clouds", "How many clouds there were.", 5
def draw(results):
    figure = Figure()
    figure.subplots().plot([1, 2], [3, 4])
    return figure
"""
FORMAT = """
NAME, SHOWS_FAILURES = "names", True
def export(results, options):
    return "".join(f"{result.cell.implementation}\\n" for result in results.contenders)
"""
WRITE = """
import sys
from pathlib import Path
from bench.records.results import Results
from bench.records.store import Run
from bench.report import publish
publish.write(Results.read(Run.open(Path("run"))), Path("out"))
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources with three files more, and a run beside them."""
    copy = tmp_path_factory.mktemp("tree")
    left = shutil.ignore_patterns("__pycache__", "*.pyc")
    for folder in ("bench", "adapters", "tasks"):
        shutil.copytree(PROJECT / folder, copy / folder, ignore=left)
    report = copy / "bench" / "report"
    (report / "sections" / "weather.py").write_text(SECTION)
    (report / "figures" / "clouds.py").write_text(FIGURE)
    (report / "exports" / "names.py").write_text(FORMAT)
    stored(Run.create(copy / "run", run_file(about())), [record("pytorch:eager", 0)])
    return copy


@pytest.fixture(scope="module")
def written(tree: Path) -> Path:
    subprocess.run(
        [sys.executable, "-c", WRITE], cwd=tree, env={"PYTHONPATH": str(tree)}, check=True
    )
    return tree / "out"


def test_a_section_is_a_file(written: Path) -> None:
    page = (written / "index.html").read_text()
    assert '<h2 id="head-weather">Weather</h2>' in page
    assert '<a href="#weather">Weather</a>' in page
    assert "It rained on &amp; after &lt;b&gt;Monday&lt;/b&gt;." in page
    assert page.index('id="tasks"') < page.index('id="weather"') < page.index('id="failures"')
    assert "## Weather" in (written / "report.md").read_text()
    assert "\\section{Weather}" in (written / "report.tex").read_text()


def test_a_figure_is_a_file(written: Path) -> None:
    assert (written / "clouds.svg").exists() and (written / "clouds.png").exists()
    page = (written / "index.html").read_text()
    assert page.index('id="figure-clouds"') < page.index('id="figure-throughput"')
    assert 'alt="Clouds. How many clouds there were."' in page
    assert "![Clouds](clouds.svg)" in (written / "report.md").read_text()


def test_a_format_is_a_file(tree: Path) -> None:
    done = bench("export", "run", "--format", "names", cwd=tree, project=tree)
    assert (done.returncode, done.stdout) == (0, "pytorch:eager\n"), done.stderr
    unknown = bench("export", "run", "--format", "nothing", cwd=tree, project=tree)
    assert unknown.returncode == 2
    assert "names" in unknown.stderr


def test_the_copy_is_what_ran(tree: Path) -> None:
    """Else the tests above would show nothing of the files that were added."""
    told = "import bench, json; print(json.dumps(list(bench.__path__)))"
    done = subprocess.run(
        [sys.executable, "-c", told], cwd=tree, env={"PYTHONPATH": str(tree)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)[0] == str(tree / "bench")
