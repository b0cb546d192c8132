"""A framework of the user's own: read from its file, certified by the command, or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapters import outside
from bench.run.environments import PROJECT
from tasks.errors import UserError
from tests.support.adapter_files import FAULTY, GOOD, MISTAKES, make_ready
from tests.support.command import bench


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "mynet.py").write_text(GOOD)
    make_ready(tmp_path / "mynet.py", tmp_path / "envs")
    return tmp_path


def launches(run: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text())["launch"] for path in sorted(run.glob("launches/*.json"))]


@pytest.mark.parametrize("name", sorted(set(MISTAKES) - {"a name of the suite's"}))
def test_a_mistake_is_one_line(tmp_path: Path, name: str) -> None:
    text, words = MISTAKES[name]
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(UserError) as refused:
        outside.read(tmp_path / "mine.py")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["a name of the suite's", "no header", "nowhere"])
def test_the_command_says_it_in_one_line(tmp_path: Path, name: str) -> None:
    text, words = MISTAKES.get(name, ("", "it cannot be read: No such file"))
    if text:
        (tmp_path / "mine.py").write_text(text)
    done = bench("verify", "--adapter", "mine.py", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("bench: --adapter mine.py: ")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_its_module_and_environment_follow_from_text_and_pins(tmp_path: Path) -> None:
    def read(text: str) -> outside.OutsideAdapter:
        (tmp_path / "mine.py").write_text(text)
        return outside.read(tmp_path / "mine.py")

    first, other = read(GOOD), read(GOOD + "\n# changed\n")
    assert first.module != other.module
    assert first.environment == other.environment
    assert read(GOOD.replace("2.4.6", "2.4.5")).environment != first.environment
    assert first.framework.title == "MyNet"
    assert [row.name for row in first.framework.implementations] == ["mynet:plain"]


def test_pins_that_cannot_be_installed_are_one_line(tmp_path: Path) -> None:
    text = GOOD.replace("numpy==2.4.6", "numpy @ file:///nowhere/numpy-1.0-py3-none-any.whl")
    (tmp_path / "mine.py").write_text(text)
    done = bench("verify", "--adapter", "mine.py", cwd=tmp_path)
    assert done.returncode == 2
    assert "it could not be installed" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_it_is_certified_on_every_family_and_its_hash_is_in_the_record(home: Path) -> None:
    words = ["--adapter", "mynet.py", "--threads", "1", "--out", "r", "--json"]
    done = bench("verify", *words, cwd=home)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["passed"] == found["of"] == 7
    assert {row["task"].split("-")[1] for row in found["certificates"]} == {
        "fnn", "cnn", "rnn", "lstm",
    }  # fmt: skip
    module = outside.read(home / "mynet.py").module
    assert {launch["job"]["module"] for launch in launches(home / "r")} == {module}
    assert json.loads((home / "r" / "run.json").read_text())["request"]["adapters"] == [module]


def test_a_planted_fault_is_refused(home: Path) -> None:
    (home / "faulty.py").write_text(FAULTY)  # the same pins: the same environment
    done = bench("verify", "--adapter", "faulty.py", "--threads", "1", "--json", cwd=home)
    assert done.returncode == 1, done.stderr
    rows = json.loads(done.stdout)["certificates"]
    assert {row["status"] for row in rows} == {"unverified"}


def test_a_run_goes_on_and_is_reported_without_the_file(home: Path) -> None:
    words = ["--implementations", "mynet", "--tasks", "fnn-binary-8", "--threads", "1"]
    asked = ["run", "--profile", "smoke", "--adapter", "mynet.py", *words, "--out", "r"]
    done = bench(*asked, cwd=home)
    assert done.returncode == 0, done.stdout + done.stderr
    (home / "mynet.py").unlink()
    (measured,) = (home / "r" / "launches").glob("b000*mynet-plain~*")
    measured.unlink()
    assert bench("report", "r", "--out", "before", cwd=home).returncode == 0
    again = bench("run", "--resume", "--out", "r", cwd=home)
    assert again.returncode == 0, again.stderr
    assert measured.exists()
    for file in (home / "cache" / "adapters").glob("*/*.py"):
        file.write_text(GOOD + "\n# changed\n")
    refused = bench("run", "--resume", "--out", "r", cwd=home)
    assert (refused.returncode, "was changed" in refused.stderr) == (2, True)


def test_the_example_can_be_read() -> None:
    """Whether it is certified is asked by `nox -s outside`."""
    read = outside.read(PROJECT / "tests" / "outside" / "paddle_adapter.py")
    assert read.framework.title == "PaddlePaddle"
