"""Environments: pins stand beside their framework; what cannot be installed is described."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.discover import implementations
from bench.run import environments
from bench.run.environments import Source
from bench.run.pins import pins
from tasks.errors import UserError


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_ENVS", str(tmp_path / "envs"))


def checkout(folder: Path, files: Mapping[str, str]) -> Path:
    """A revision of this project with these files in it."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


BEFORE = """
[dependency-groups]
worker = ["pytest==9"]
torchlike = ["torchlike==1", "numpy==2"]
torchlike-cuda = ["torchlike[cuda]==1", "numpy==2"]
oldnet = ["oldnet==3"]
"""
NOW = {
    "adapters/pins.toml": 'worker = ["pytest==9"]',
    "adapters/torchlike/pins.toml": """
[torchlike]
pythons = ["3.11", "3.12"]
cpu = ["torchlike==1", "numpy==2"]
cuda = ["torchlike[cuda]==1", "numpy==2"]
""",
    "adapters/oldnet/pins.toml": '[oldnet]\ncpu = ["oldnet==3"]',
}


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_every_environment_has_exact_pins_of_numpy_and_of_what_it_is_for(device: str) -> None:
    for environment in {i.environment for i in implementations()}:
        requirements = environments.requirements(environment, device)
        assert all("==" in pin for pin in requirements)
        assert any(pin.startswith("numpy==") for pin in requirements)


def test_cuda_has_its_own_flavour_where_there_is_one() -> None:
    assert "tensorflow[and-cuda]==2.21.0" in environments.requirements("tensorflow", "cuda")
    assert environments.requirements("sklearn", "cuda") == environments.requirements(
        "sklearn", "cpu"
    )


def test_pins_are_read_the_same_from_revisions_before_and_after_they_moved(tmp_path: Path) -> None:
    before = Source(checkout(tmp_path / "before", {"pyproject.toml": BEFORE}))
    now = Source(checkout(tmp_path / "now", NOW))
    for environment in ("torchlike", "oldnet"):
        for device in ("cpu", "cuda"):
            found = environments.requirements(environment, device, now)
            assert found == environments.requirements(environment, device, before)
            assert found[0] == "pytest==9"
    assert environments.requirements("torchlike", "cuda", now)[1] == "torchlike[cuda]==1"
    assert environments.requirements("oldnet", "cuda", now) == ["pytest==9", "oldnet==3"]
    assert pins(now.project, "torchlike", "cpu").pythons == ("3.11", "3.12")
    assert pins(before.project, "torchlike", "cpu").pythons == ()


def test_a_pin_of_the_users_replaces_the_revisions(tmp_path: Path) -> None:
    source = Source(checkout(tmp_path, NOW), ("torchlike==0.9",))
    assert environments.requirements("torchlike", "cpu", source)[1] == "torchlike==0.9"


@pytest.mark.parametrize("files", [NOW, {"pyproject.toml": BEFORE}], ids=["now", "before"])
def test_an_unknown_environment_is_a_clear_line(tmp_path: Path, files: Mapping[str, str]) -> None:
    with pytest.raises(UserError, match="'theano'"):
        environments.requirements("theano", "cpu", Source(checkout(tmp_path, files)))


@pytest.mark.parametrize(
    "text", ["[oldnet", 'oldnet = ["oldnet==3"]', '[oldnet]\ncuda = ["x==1"]', "[oldnet]\ncpu = 3"]
)
def test_a_broken_file_of_pins_is_named(tmp_path: Path, text: str) -> None:
    source = Source(checkout(tmp_path, NOW | {"adapters/oldnet/pins.toml": text}))
    with pytest.raises(UserError, match=r"adapters/oldnet/pins\.toml"):
        environments.requirements("oldnet", "cpu", source)


def test_what_pip_cannot_install_is_uninstallable_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = str(tmp_path / "no-such-1.0-py3-none-any.whl")
    monkeypatch.setattr(environments, "requirements", lambda *asked: [missing])
    made = environments.setup(["mxnet"], "cpu", say=lambda line: None)["mxnet"]
    assert made.status == "uninstallable"
    assert "it could not be installed" in made.reason
    assert "\n" not in made.reason
    assert environments.describe("mxnet", "cpu") == made


def test_a_failure_says_which_interpreter_the_pins_are_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        "adapters/pins.toml": "",
        "adapters/mxnet/pins.toml": '[mxnet]\npythons = ["2.7"]\ncpu = ["./no-such.whl"]',
    }
    source = Source(checkout(tmp_path / "other", files))
    made = environments.setup(["mxnet"], "cpu", lambda line: None, source)["mxnet"]
    assert made.status == "uninstallable"
    assert "its pins are for Python 2.7" in made.reason


def test_what_is_not_made_yet_says_how_to_make_it() -> None:
    found = environments.describe("mxnet", "cpu")
    assert found.status == "missing"
    assert "bench setup" in found.reason
