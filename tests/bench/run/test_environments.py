"""Environments: what cannot be installed is described with its reason, never an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.contenders import IMPLEMENTATIONS
from bench.run import environments
from tasks.errors import UserError


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_ENVS", str(tmp_path / "envs"))


def test_every_framework_has_exact_pins_of_itself_and_numpy() -> None:
    for framework in {i.environment for i in IMPLEMENTATIONS}:
        pins = environments.requirements(framework, "cpu")
        assert all("==" in pin for pin in pins)
        assert any(pin.startswith("numpy==") for pin in pins)


def test_cuda_has_its_own_flavour_where_there_is_one() -> None:
    assert "tensorflow[and-cuda]==2.21.0" in environments.requirements("tensorflow", "cuda")
    assert environments.requirements("pytorch", "cuda") == environments.requirements(
        "pytorch", "cpu"
    )


def test_an_unknown_group_is_a_clear_line() -> None:
    with pytest.raises(UserError, match="no dependency group 'theano'"):
        environments.requirements("theano", "cpu")


def test_what_pip_cannot_install_is_uninstallable_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = str(tmp_path / "no-such-1.0-py3-none-any.whl")
    monkeypatch.setattr(environments, "requirements", lambda *asked: [missing])
    made = environments.setup(["mxnet"], "cpu", say=lambda line: None)["mxnet"]
    assert made.status == "uninstallable"
    assert "pip could not install it" in made.reason
    assert "\n" not in made.reason
    assert environments.describe("mxnet", "cpu") == made


def test_what_is_not_made_yet_says_how_to_make_it() -> None:
    found = environments.describe("mxnet", "cpu")
    assert found.status == "missing"
    assert "bench setup" in found.reason


def test_workers_see_no_setting_of_the_users_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TF_ENABLE_ONEDNN_OPTS", "PYTEST_ADDOPTS", "KERAS_BACKEND", "MXNET_ENGINE_TYPE"):
        monkeypatch.setenv(name, "x")
    seen = environments.worker_environment(3)
    assert seen["OMP_NUM_THREADS"] == "3"
    assert not {"TF_ENABLE_ONEDNN_OPTS", "PYTEST_ADDOPTS", "KERAS_BACKEND"} & seen.keys()
