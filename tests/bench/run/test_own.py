"""Environments of the user's own: what is named, what is looked at, and that nothing is written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from bench.run import environments, own
from bench.run.environments import Source
from tasks.errors import UserError
from tests.support.command import bench


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment made by hand: its interpreter. It sees what the tests' own has."""
    home = tmp_path_factory.mktemp("site")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    python = home / "bin" / "python"
    (packages,) = home.glob("lib/python3*/site-packages")
    (packages / "theirs.pth").write_text(sysconfig.get_path("purelib") + "\n")
    # Imported at every start, and compiled into this folder where that is not forbidden.
    (packages / "sitecustomize.py").write_text("")
    return python


def files(home: Path) -> dict[str, tuple[int, int]]:
    """Every file, with its size and when it was changed."""
    found = {p: p.lstat() for p in home.rglob("*")}
    return {str(p): (status.st_size, status.st_mtime_ns) for p, status in found.items()}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pytorch", "write it like"),
        ("=/bin/sh", "write it like"),
        ("pytorch=", "write it like"),
        ("theano=/bin/sh", "no framework 'theano'"),
        ("pytorch=/nowhere/python", "no program /nowhere/python"),
        ("pytorch=/etc/passwd", "no program"),
    ],
)
def test_what_cannot_be_meant_is_one_line(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        own.named([text])


def test_a_framework_names_all_its_environments_and_one_of_them_itself() -> None:
    found = own.named(["keras_backends=/bin/ls", "keras=/bin/sh"])
    assert found == {"keras": "/bin/sh", "keras_backends": "/bin/ls"}


def test_it_is_looked_at_and_its_certificates_are_kept_by_what_it_has(theirs: Path) -> None:
    source = Source(own={"sklearn": str(theirs)})
    before = files(theirs.parents[1])
    found = environments.describe("sklearn", "cpu", source)
    assert (found.status, found.own, found.carried) == ("ready", True, "")
    assert found.version.count(".") == 2
    assert files(theirs.parents[1]) == before
    assert found.requirements != environments.describe("sklearn", "cpu").requirements


def test_no_python_and_no_framework_are_reasons(theirs: Path, tmp_path: Path) -> None:
    (tmp_path / "python").write_text("#!/bin/sh\nexit 3\n")
    (tmp_path / "python").chmod(0o755)
    for python, said in ((tmp_path / "python", "does not answer"), (theirs, "No module named")):
        found = environments.describe("mxnet", "cpu", Source(own={"mxnet": str(python)}))
        assert found.status == "uninstallable"
        assert said in found.reason
        assert "\n" not in found.reason


def test_an_older_python_is_refused_and_so_is_one_without_numpy(tmp_path: Path) -> None:
    for number, packages, said in (("3.8.1", {"numpy": "1"}, "3.8.1"), ("3.12.0", {}, "NumPy")):
        told = json.dumps({"python": number, "build": "", "packages": packages})
        (tmp_path / "python").write_text(f"#!/bin/sh\necho '{told}'\n")
        (tmp_path / "python").chmod(0o755)
        assert said in own.look(str(tmp_path / "python"), os.environ)[1]


def test_what_it_lacks_is_carried_on_a_path_of_its_own(tmp_path: Path) -> None:
    made = tmp_path / "pin"
    (made / "pytest_benchmark").mkdir(parents=True)
    (made / "pytest_benchmark" / "__init__.py").write_text("")
    (made / "pyproject.toml").write_text('[project]\nname = "pytest-benchmark"\nversion = "0"\n')
    assert own.carried({"pytest": "9", "pytest-benchmark": "5"}, ["pytest==9"], tmp_path) == (
        "",
        "",
    )
    folder, reason = own.carried({"numpy": "2"}, ["pytest-benchmark==no-such"], tmp_path)
    assert folder == ""
    assert "none could be fetched" in reason
    assert not list(tmp_path.glob("carried-*"))


def test_a_campaign_in_it_measures_writes_nothing_there_and_says_whose_it_is(
    theirs: Path, tmp_path: Path
) -> None:
    before = files(theirs.parents[1])
    words = ("campaign", "cpu", "--env", f"sklearn={theirs}", "--implementations", "sklearn")
    words += ("--tasks", "fnn-mnist", "--precisions", "fp32", "--sittings", "1", "--out", "mine")
    done = bench(*words, "--threads", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "fp32 fnn-mnist sitting 1" in done.stdout
    assert files(theirs.parents[1]) == before
    report = bench("report", "mine/fp32", cwd=tmp_path)
    assert report.returncode == 0
    assert "In environments of the user's own" in (tmp_path / "mine/fp32/report.md").read_text()

    again = bench(*words, "--threads", "1", cwd=tmp_path)
    assert again.returncode == 0
    assert "sitting" not in again.stdout.split("launches in")[0]
    without = bench("run", "--resume", "--out", "mine/fp32", cwd=tmp_path)
    assert without.returncode == 2
    assert "give --env sklearn=PYTHON again" in without.stderr
