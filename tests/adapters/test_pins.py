"""The pins: exact, for a GPU no build for CPUs, and a reason where one is not the newest."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from bench.audit import versions
from bench.discover import implementations
from bench.run.pins import pins

PROJECT = Path(__file__).parents[2]
ENVIRONMENTS = sorted({row.environment for row in implementations()})


def torch_of(environment: str, device: str) -> Requirement | None:
    own = map(Requirement, pins(PROJECT, environment, device).requirements)
    return next((one for one in own if one.name == "torch"), None)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_on_a_gpu_no_build_of_pytorch_for_cpus_is_installed(environment: str) -> None:
    on_gpu, on_cpu = torch_of(environment, "cuda"), torch_of(environment, "cpu")
    if on_gpu is None or on_cpu is None:
        pytest.skip("it has no PyTorch")
    version = re.match(r"==([0-9.]+)", str(on_cpu.specifier))
    assert version
    assert on_cpu.specifier.contains(f"{version[1]}+cpu")
    assert not on_gpu.specifier.contains(f"{version[1]}+cpu")
    assert on_gpu.specifier.contains(version[1])
    assert on_gpu.specifier.contains(f"{version[1]}+cu130")


def test_every_pinned_package_is_in_the_table_of_the_newest() -> None:
    assert set(versions.pinned()) == set(versions.kept())


def test_what_is_behind_says_why_and_nothing_else_does() -> None:
    assert [*versions.behind(versions.pinned(), versions.kept())] == sorted(versions.reasons())
    assert all(len(reason.split()) > 3 for reason in versions.reasons().values())


def test_an_older_pin_is_seen() -> None:
    found = {"a": {"a==1"}, "b": {"b==2", "b==1.9"}, "c": {"c==3"}}
    newest = {"a": ("2", "1"), "b": ("2", "2"), "c": ("4", "3.1")}
    assert [*versions.behind(found, newest)] == ["b==1.9", "c==3"]


def test_a_pin_for_later_interpreters_is_held_against_the_newest_of_all() -> None:
    later = "c==3; python_version >= '3.12'"
    found = {"c": {"c==2; python_version < '3.12'", later}, "d": {"d==2"}}
    newest = {"c": ("3", "2"), "d": ("3", "2")}
    assert [*versions.behind(found, newest)] == []
    assert [*versions.behind(found, newest | {"c": ("4", "2")})] == ["c==3"]
    assert [*versions.behind(found, newest | {"c": ("3", "2.1")})] == ["c==2"]


def test_the_table_is_of_the_oldest_interpreter_of_the_pins() -> None:
    table = tomllib.loads(versions.TABLE.read_text())
    assert table["python"] == versions.OLDEST
    for environment in ENVIRONMENTS:
        pythons = pins(PROJECT, environment, "cpu").pythons
        assert min(pythons, key=lambda name: int(name.split(".")[1])) == table["python"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_every_interpreter_has_one_pin_of_each_package(environment: str, device: str) -> None:
    found = pins(PROJECT, environment, device)
    for python in found.pythons:
        names = [Requirement(pin).name for pin in found.on(python)]
        assert sorted(set(names)) == sorted(names)
        assert set(names) == {Requirement(pin).name for pin in found.requirements} - (
            {"setuptools"} if python == "3.11" else set()
        )
        assert not any(";" in pin for pin in found.on(python))


def test_pips_answer_is_read() -> None:
    assert versions.answered("torch", "torch (2.15.0)\nAvailable versions: 2.15.0") == "2.15.0"
    with pytest.raises(ValueError, match="otherwise than expected"):
        versions.answered("torch", "ERROR: No matching distribution found")


@pytest.mark.parametrize("name", ["mxnet", "numpy"])
def test_the_readmes_versions_are_the_pinned_ones(name: str) -> None:
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    told = re.findall(rf"{name} ([0-9]+(?:\.[0-9]+)+)", text, re.IGNORECASE)
    own = map(Requirement, pins(PROJECT, "mxnet", "cpu").requirements)
    assert {f"=={version}" for version in told} == {str(p.specifier) for p in own if p.name == name}
