"""Machines of users: paths, homes, caches, rights, locks, interpreters that have gone."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import stat
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.machine import readings
from bench.records.record import Request
from bench.records.store import Run, write_atomically
from bench.run import environments, installer
from bench.run.launches import run_jobs
from tasks.data import cache, prepare
from tasks.errors import UserError
from tests.support.command import bench
from tests.support.fakes.misbehaving import implementation
from tests.support.plans import READY, SMALL, begin, plan_of
from tests.support.records import run_file

ODD = ("a [/tag] %20 ü '\"", "new\nline")


@pytest.mark.parametrize("name", ODD)
def test_a_run_in_an_odd_folder_is_made_reported_and_listed(tmp_path: Path, name: str) -> None:
    place = tmp_path / name
    place.mkdir(parents=True)
    words = ["--tasks", "rnn-sequence", "--implementations", "pytorch:loop", "--out", "r"]
    done = bench("run", "--profile", "smoke", *words, cwd=place)
    assert done.returncode == 2, done.stderr
    assert "nothing was measured" in done.stderr
    again = bench("report", str(place / "r"), cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "Traceback" not in done.stderr + again.stderr


def test_a_name_of_bytes_that_are_no_text(tmp_path: Path) -> None:
    place = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe"))
    words = ["--tasks", "rnn-sequence", "--implementations", "pytorch:loop"]
    done = bench("run", "--profile", "smoke", *words, "--out", str(place), cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "nothing was measured" in done.stderr
    assert "?" in json.loads((place / "run.json").read_text())["command"]
    assert (place / "report.md").exists()


def test_a_checkout_in_a_folder_with_brackets_measures(tmp_path: Path, data: Path) -> None:
    """pytest takes a bracket in a path for a parameter: the rounds are named as a module."""
    project = tmp_path / "check[out]"
    project.mkdir()
    for name in ("bench", "adapters", "tasks", "tests"):
        shutil.copytree(
            environments.PROJECT / name, project / name,
            ignore=shutil.ignore_patterns("__pycache__"),
        )  # fmt: skip
    request = Request("smoke", ("fnn-mnist",), ("fake:honest",))
    run, jobs = begin(tmp_path / "run", plan_of(request, [implementation("honest")], data, SMALL))
    ready = environments.Environment("fake", "ready", sys.executable, project=str(project))
    run_jobs(run, jobs, {"fake": ready})
    assert {x.status for x in run.records().values()} == {"ok"}, [
        x.reason for x in run.records().values()
    ]


def test_without_a_home_the_cache_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCH_CACHE", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cache, "user_cache_path", lambda name: Path("~/.cache") / name)
    with pytest.raises(UserError, match="set BENCH_CACHE"):
        prepare.prepare("series")
    assert not list(tmp_path.iterdir()), "no folder named ~ is made"


def test_a_second_user_reads_what_the_first_has_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    folder = prepare.prepare("series").folder
    others = stat.S_IROTH | stat.S_IXOTH
    assert folder.stat().st_mode & others == others
    assert all(path.stat().st_mode & stat.S_IROTH for path in folder.iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed")
def test_another_uid_without_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's `--user 12345`: the cache is read, what cannot be written is one line."""
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    prepare.prepare("series")
    for place in (tmp_path, *tmp_path.parents):
        if place != Path("/") and str(place).startswith("/tmp/"):
            place.chmod(place.stat().st_mode | 0o755)
    code = (
        "import os\n"
        "from tasks.data import prepare\n"
        "from tasks.errors import UserError\n"
        "import statsmodels.datasets.co2.data\n"
        "os.setgid(12345); os.setuid(12345); os.environ.pop('HOME', None)\n"
        "print(prepare.prepare('series').rows)\n"
        "try:\n    prepare.prepare('sequence')\n"
        "except UserError as error:\n    print('one line:', error)\n"
    )
    variables = os.environ | {"PYTHONPATH": str(environments.PROJECT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=variables, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "one line: cannot write the data cache" in done.stdout


def test_no_locks_is_not_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run.create(tmp_path / "run", run_file())

    def flock(handle: object, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    with run.locked(), pytest.raises(UserError, match="by another process"), run.locked():
        pass
    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(UserError, match=r"keeps no locks \(No locks available\)"), run.locked():
        pass


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_folder_that_cannot_be_written_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    run = Run.create(tmp_path / "run", run_file())

    def refuse(*words: object, **more: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(UserError, match=os.strerror(number)), run.locked():
        pass


def test_a_full_disk_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(tmp_path / "record.json", "{}")
    assert not list(tmp_path.iterdir())


def test_half_installed_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = SimpleNamespace(metadata={"Name": None, "Version": None}, _path="/x/half.dist-info")
    raising = SimpleNamespace(_path="/x/worse.dist-info")
    whole = SimpleNamespace(metadata={"Name": "NumPy", "Version": "2"})
    monkeypatch.setattr(metadata, "distributions", lambda: [broken, raising, whole])
    with pytest.raises(AttributeError):
        _ = raising.metadata
    monkeypatch.setattr(metadata, "distributions", lambda: [broken, whole])
    found = readings.packages()
    assert found == {"numpy": "2", "half.dist-info (half installed)": "unknown"}


@pytest.mark.parametrize("left", ["dangling", "half", "file"])
def test_an_environment_that_is_broken_is_made_anew(tmp_path: Path, left: str) -> None:
    place, python = tmp_path / "envs" / "torch-cpu", tmp_path / "envs/torch-cpu/bin/python"
    python.parent.mkdir(parents=True)
    (place / "lib").mkdir()
    (place / "lib" / "old.py").write_text("")
    if left == "dangling":
        python.symlink_to("/nonexistent/python3.11")
    if left == "file":
        shutil.rmtree(place)
        place.write_text("")
        with pytest.raises(UserError, match="cannot make environments"):
            installer.cleared(place, python, tmp_path)
        return
    installer.cleared(place, python, tmp_path)
    assert not list(place.iterdir())


def test_an_interpreter_that_cannot_be_started_is_a_reason(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("w", encoding="utf-8") as output:
        assert installer.failed([str(tmp_path / "none")], {}, output)
    assert "cannot be started: No such file" in installer.last_error(log)


def test_settings_of_pip_that_send_packages_elsewhere_are_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "pip.conf"
    config.write_text(
        "[global]\nindex-url = https://example.invalid/simple\nproxy = http://p:1\n"
        "[install]\nuser = true\ntarget = /elsewhere\nno-deps = true\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    monkeypatch.setenv("PIP_PREFIX", "/elsewhere")
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    found = installer.installer_environment()
    assert found["PIP_INDEX_URL"] == "https://example.invalid/simple"
    assert found["PIP_PROXY"] == "http://p:1"
    assert not {"PIP_USER", "PIP_TARGET", "PIP_NO_DEPS", "PIP_PREFIX"} & set(found)
    assert found["PIP_CONFIG_FILE"] == os.devnull


def test_all_workers_are_given_the_same_cores(tmp_path: Path, data: Path) -> None:
    request = Request("smoke", ("fnn-mnist",), ("fake:honest", "fake:rubbish"))
    modes = [implementation("honest"), implementation("rubbish")]
    run, jobs = begin(tmp_path / "run", plan_of(request, modes, data, SMALL))
    run_jobs(run, jobs, READY)
    given = {x.launch.settings["threads"] for x in run.records().values() if x.kind == "measure"}
    assert len(given) == 1
