"""The wheel holds all that the suite reads, and runs from an empty folder without the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bench.run.environments import PROJECT
from tests.support import task_files

FOLDERS = ("bench", "adapters", "tasks")
NOT_READ = {"README.md", "architecture.svg"}  # of no use without the checkout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("build", reason="the package build is not installed")
    source, out = tmp_path_factory.mktemp("source") / "project", tmp_path_factory.mktemp("dist")
    left = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for folder in FOLDERS:
        shutil.copytree(PROJECT / folder, source / folder, ignore=left)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, source / name)
    words = [sys.executable, "-m", "build", "--wheel", "--outdir", str(out), str(source)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=out)
    if done.returncode and "Could not find a version" in done.stdout + done.stderr:
        pytest.skip("setuptools cannot be fetched")
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = out.glob("framework_bench-*-py3-none-any.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's files alone; the libraries are those of the tests' environment."""
    place = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(place)
    return place


def test_it_holds_every_file_of_the_packages(installed: Path) -> None:
    for folder in FOLDERS:
        for path in (PROJECT / folder).rglob("*"):
            name = path.relative_to(PROJECT)
            if path.is_file() and "__pycache__" not in path.parts and path.name not in NOT_READ:
                assert (installed / name).read_bytes() == path.read_bytes(), name
    tops = {path.name.split("-")[0] for path in installed.iterdir()}
    assert tops == {*FOLDERS, "framework_bench"}


def bench(installed: Path, cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The installed command, in a folder that is not the checkout's."""
    left_out = ("BENCH_ENVS", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    added = {"PYTHONPATH": str(installed), "BENCH_CACHE": str(cwd / "cache"), "COLUMNS": "80"}
    code = "import sys; from bench.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-P", "-c", code, *words], capture_output=True, text=True, cwd=cwd,
        env=kept | added, check=False,
    )  # fmt: skip


def test_it_measures_and_reports_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    task_files.write_data(tmp_path)
    (tmp_path / "mine.py").write_text(task_files.GOOD)
    asked = ("--task", "mine.py", "--implementations", "sklearn", "--threads", "1")
    asked += ("--env", f"sklearn={sys.executable}")
    done = bench(installed, tmp_path, "run", "--profile", "smoke", *asked, "--out", "mine")
    assert done.returncode == 0, done.stdout + done.stderr
    about = json.loads((tmp_path / "mine" / "run.json").read_text())
    assert about["suite"]["revision"] == ""
    assert bench(installed, tmp_path, "report", "mine", "--out", "again").returncode == 0
    assert (tmp_path / "again" / "index.html").exists()
    (code,) = (tmp_path / "cache" / "code").iterdir()  # what workers see: the suite, no library
    assert {path.name for path in code.iterdir()} == set(FOLDERS)
    (launch,) = (tmp_path / "mine" / "launches").glob("b000*sklearn-mlp~cpu*.json")
    assert "sklearn" not in json.loads(launch.read_text())["launch"]["environment"].get(
        "PYTHONPATH", ""
    )


def test_what_needs_a_checkout_says_so_and_the_rest_is_listed(
    installed: Path, tmp_path: Path
) -> None:
    done = bench(installed, tmp_path, "regress", "--base", "main")
    assert done.returncode == 2
    assert "is no checkout" in done.stderr
    assert done.stderr.count("\n") == 1
    listed = bench(installed, tmp_path, "list")
    assert listed.returncode == 0
    assert "run `bench setup --device cpu`" in " ".join(listed.stdout.split())
    assert "nox" not in listed.stdout
    assert all(len(line) <= 80 for line in listed.stdout.splitlines())
