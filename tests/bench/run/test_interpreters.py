"""Which Python an environment gets, and that uv and pip both make one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.run import environments, installer, installing, interpreters
from bench.run.environments import Environment
from bench.run.interpreters import AskedPythons, BasePython, choose, find, minor_of, wanted
from bench.run.making import make
from tasks.errors import UserError

HERE = minor_of(sys.version)


def forget() -> None:
    for each in (find, interpreters.ask, installer._settings):
        each.cache_clear()


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine with no Python but this one, and no uv: an empty home and an empty path."""
    for name in ("path", "pyenv", "data", "home"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("UV_PYTHON_INSTALL_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(installing, "uv", lambda: "")
    forget()
    yield tmp_path
    forget()


def program(path: Path, version: str, **changes: bool) -> str:
    """A made-up interpreter that says it is this version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    said = {"build": f"{version} (main)", "able": True, "plain": True} | changes
    path.write_text(f"#!/bin/sh\necho '{json.dumps(said)}'\n")
    path.chmod(0o755)
    return str(path)


def test_this_one_is_found_even_where_nothing_is_on_the_path(alone: Path) -> None:
    assert choose(["3.99", HERE]).build == sys.version
    assert choose([]).minor == HERE


def test_the_first_that_the_machine_has_is_taken(alone: Path) -> None:
    on_path = program(alone / "path" / "python3.98", "3.98.2")
    assert choose(["3.99", "3.98", HERE]).program == on_path
    uvs = program(alone / "data/uv/python/cpython-3.99.0-linux/bin/python3.99", "3.99.0")
    forget()
    assert choose(["3.99", "3.98", HERE]).program == uvs
    assert choose([HERE, "3.99"]).build == sys.version


def test_of_one_version_pyenv_has_the_newest_first(alone: Path) -> None:
    for patch in (9, 10):
        place = alone / "pyenv" / "versions" / f"3.98.{patch}" / "bin" / "python3.98"
        newest = program(place, f"3.98.{patch}")
    program(alone / "path" / "python3.98", "3.98.1")
    assert choose(["3.98"]).build.startswith("3.98.1 ")  # the path is the user's own order
    (alone / "path" / "python3.98").write_text("#!/bin/sh\nexit 127\n")  # as pyenv's shims do
    forget()
    assert choose(["3.98"]).program == newest


@pytest.mark.parametrize("what", ["able", "plain"])
def test_what_can_make_no_environment_is_passed_over(alone: Path, what: str) -> None:
    program(alone / "path" / "python3.98", "3.98.2", **{what: False})
    assert choose(["3.98", HERE]).minor == HERE


def test_where_there_is_none_it_is_said_how_to_get_one(alone: Path) -> None:
    with pytest.raises(UserError, match=r"3\.99, 3\.98; this machine has none.*3\.99=PATH.*uv"):
        choose(["3.99", "3.98"])


def test_uv_fetches_the_preferred_one_where_there_is_none(
    alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installing, "uv", lambda: "/bin/uv")
    assert choose(["3.99", "3.98"]) == BasePython("3.99")
    assert choose(["3.99", HERE]).minor == HERE  # what is there is not fetched
    assert installing.virtual_environment(Path("place"), "3.99")[-3:] == [
        "--python", "3.99", "place",
    ]  # fmt: skip


def test_a_named_interpreter_is_one_more_and_a_version_alone_is_the_only_one(alone: Path) -> None:
    named = program(alone / "elsewhere" / "python", "3.98.4")
    said = wanted([f"3.98={named}"])
    assert choose([HERE, "3.98"], said).minor == HERE
    assert choose(["3.98", HERE], said).program == named
    assert choose([HERE, "3.98"], wanted(["3.98", f"3.98={named}"])).program == named
    with pytest.raises(UserError, match=r"for Python 3\.97, which --python leaves out"):
        choose(["3.97"], AskedPythons(versions=("3.98",)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("python3", "write it like"),
        ("3.12=", "write it like"),
        ("2.7", "write it like"),
        ("3.12=/nowhere/python", "no CPython"),
        ("3.12=/bin/true", "no CPython"),
        (f"3.97={sys.executable}", f"it is Python {HERE}"),
    ],
)
def test_what_cannot_be_meant_is_one_line(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        wanted([text])


# --- environments ---------------------------------------------------------------------------------


def kept(build: str) -> Environment:
    """scikit-learn's environment as if it had been made with that interpreter."""
    place = environments.where("sklearn", "cpu")
    (place / "bin").mkdir(parents=True)
    program(place / "bin" / "python", build)
    pins = environments.requirements("sklearn", "cpu", python=minor_of(build))
    facts = {
        "framework": "sklearn", "status": "ready", "python": "", "version": "1", "build": build,
        "requirements": environments._digest(build, pins),
    }  # fmt: skip
    (place / "environment.json").write_text(json.dumps(facts))
    return environments.describe("sklearn", "cpu")


def test_what_is_there_is_kept_whatever_interpreter_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_ENVS", str(tmp_path))
    found = kept("3.12.7 (main)")
    assert (found.status, found.interpreter) == ("ready", "3.12.7")
    assert environments.setup(["sklearn"], "cpu", print)["sklearn"] == found
    asked = wanted(["3.99"])
    said: list[str] = []
    refused = environments.setup(["sklearn"], "cpu", said.append, said=asked)["sklearn"]
    assert refused.status == "uninstallable"
    assert "which --python leaves out" in said[0]
    assert environments.describe("sklearn", "cpu") == found  # nothing was touched


def test_one_of_an_interpreter_that_the_pins_are_not_for_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_ENVS", str(tmp_path))
    found = kept("3.99.1 (main)")
    assert (found.status, found.reason[:17]) == ("missing", "its pins changed:")


def test_pins_differ_by_interpreter() -> None:
    for python, version in (("3.11", "0.10.2"), ("3.12", "0.12.0.1"), ("3.13", "0.12.0.1")):
        assert f"jax=={version}" in environments.requirements("jax", "cpu", python=python)
    assert "numpy==1.26.4" in environments.requirements("mxnet", "cpu", python="3.12")


# --- uv and pip, for real -------------------------------------------------------------------------


def wheel(folder: Path) -> Path:
    """A package of one module, which needs no index."""
    path = folder / "tiny_thing-1.0-py3-none-any.whl"
    about = "tiny_thing-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("tiny_thing.py", "VALUE = 1\n")
        file.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny-thing\nVersion: 1.0\n"
        )
        file.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{about}/RECORD", "")
    return path


@pytest.fixture(scope="module")
def uv(tmp_path_factory: pytest.TempPathFactory) -> str:
    """uv's own program, on the path or fetched by pip."""
    if there := installing.uv():
        return there
    place = tmp_path_factory.mktemp("uv")
    words = [sys.executable, "-m", "pip", "install", "-q", "--target", str(place), "uv>=0.7"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"uv cannot be fetched: {done.stderr.strip()[-200:]}")
    return str(place / "bin" / "uv")


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_an_environment_is_made_and_a_failure_is_a_line(
    tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    program = request.getfixturevalue("uv") if tool == "uv" else ""
    monkeypatch.setattr(installing, "uv", lambda: program)
    place, thing = tmp_path / "made", str(wheel(tmp_path))
    place.mkdir()
    (place / "left over").write_text("from before")
    assert make(place, find(HERE) or BasePython(""), [thing], "tiny_thing", {}) == ""
    assert not (place / "left over").exists()
    code = "import sys, tiny_thing; print(sys.prefix, tiny_thing.VALUE)"
    words = [str(place / "bin" / "python"), "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(place), "1"]
    assert list(place.rglob("tiny_thing*.pyc"))  # a first import must not compile
    reason = make(place, find(HERE) or BasePython(""), [thing + ".gone"], "tiny_thing", {})
    assert reason.startswith(f"it could not be installed on Python {HERE}: ")
    assert "\n" not in reason
    assert (place / "pyvenv.cfg").read_text().count("uv =") == (tool == "uv")


def test_uv_is_told_what_pip_is_told_unless_the_user_told_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nextra-index-url = file:///a\n  file:///b\n")
    monkeypatch.setattr(installing, "uv", lambda: "/bin/uv")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in [*os.environ]:
        if name.startswith(("UV_", "PIP_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_FIND_LINKS", "/x /y")
    forget()
    found = installing.variables()
    assert found["UV_FIND_LINKS"] == "/x,/y"
    assert found["UV_INDEX"].split()[-2:] == ["file:///a", "file:///b"]
    assert found["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://example.invalid/simple")
    assert "UV_FIND_LINKS" not in installing.variables()
    monkeypatch.setattr(installing, "uv", lambda: "")
    assert "UV_INDEX" not in installing.variables()
    forget()
