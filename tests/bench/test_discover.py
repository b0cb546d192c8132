"""What is found because its file stands in a folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import adapters
from bench import discover
from tasks.errors import UserError

ABOUT = """
from adapters.base import Framework, Implementation

FRAMEWORK = Framework(
    name="newnet", title="NewNet", order=0, package="newnet",
    implementations=(
        Implementation("newnet", "eager", "adapters.newnet.contender", "newnet", "new"),
    ),
)
"""


@pytest.fixture
def newnet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The about.py of one more framework, yet to be written, in a folder beside the others."""
    monkeypatch.setattr(adapters, "__path__", [*adapters.__path__, str(tmp_path)])
    (tmp_path / "newnet").mkdir()
    kept = (discover.frameworks, discover.implementations, discover.tuners)
    for each in kept:
        each.cache_clear()
    yield tmp_path / "newnet" / "about.py"
    for each in kept:
        each.cache_clear()
    for name in [name for name in sys.modules if name.startswith("adapters.newnet")]:
        del sys.modules[name]


def test_frameworks_are_in_their_order_and_the_oracle_and_mutants_are_none() -> None:
    names = [framework.name for framework in discover.frameworks()]
    assert names == ["tensorflow", "pytorch", "keras", "mxnet", "jax", "sklearn"]
    assert {one.framework for one in discover.implementations()} == set(names)


def test_a_tuner_is_for_its_searches_only() -> None:
    assert "keras:keras-tuner" in {one.name for one in discover.tuners()}
    assert discover.does("keras:keras-tuner", "tune-random")
    assert not discover.does("keras:keras-tuner", "fnn-mnist")
    assert discover.does("keras:tensorflow", "fnn-mnist")


def test_a_new_framework_is_a_new_folder(newnet: Path) -> None:
    newnet.write_text(ABOUT)
    assert discover.frameworks()[0].title == "NewNet"
    assert discover.implementations()[0].name == "newnet:eager"
    assert discover.frameworks()[0].interface == ("newnet",)


@pytest.mark.parametrize(
    "text",
    [
        "FRAMEWORK = ",
        "import no_such_module",
        "FRAMEWORKS = ()",
        "FRAMEWORK = 'newnet'",
        ABOUT.replace('"newnet"', '"othernet"'),
        ABOUT.replace('Implementation("newnet"', 'Implementation("othernet"'),
        ABOUT.replace(ABOUT[ABOUT.index("implementations=") :], "implementations=())"),
    ],
)
def test_a_broken_description_is_named(newnet: Path, text: str) -> None:
    newnet.write_text(text)
    with pytest.raises(UserError, match=r"newnet/about\.py"):
        discover.frameworks()


def test_members_are_the_modules_of_a_package_in_order_of_their_names() -> None:
    names = [module.__name__ for module in discover.members("tasks.spec")]
    assert names == sorted(names)
    assert "tasks.spec.layers" in names
