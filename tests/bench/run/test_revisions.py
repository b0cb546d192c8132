"""Revisions are whole or unpacked again, and what git says is passed on."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from bench.run import revisions
from bench.run.pins import package, pins_of
from tasks.errors import UserError
from tests.support.command import bench


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of one commit that could be this suite's."""
    place = tmp_path / "repository"
    (place / "bench" / "worker").mkdir(parents=True)
    (place / "bench" / "worker" / "turns.py").write_text("")
    (place / "pyproject.toml").write_text("one")
    git(place, "init", "-q")
    git(place, "add", "-A")
    git(place, "commit", "-qm", "one")
    monkeypatch.setattr(revisions, "PROJECT", place)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    return place


def git(place: Path, *words: str) -> None:
    command = ["git", "-C", str(place), "-c", "user.name=x", "-c", "user.email=x@x", *words]
    subprocess.run(command, check=True, capture_output=True)


@pytest.mark.parametrize("left", ["nothing", "a file less", "half a file", "only an empty folder"])
def test_a_half_unpacked_revision_is_unpacked_again(repository: Path, left: str) -> None:
    place = revisions.source_of("HEAD").project
    if left == "nothing":
        shutil.rmtree(place)
    if left == "a file less":
        (place / "bench" / "worker" / "turns.py").unlink()
    if left == "half a file":
        (place / "pyproject.toml").write_text("o")
    if left == "only an empty folder":
        shutil.rmtree(place)
        place.mkdir()
    assert revisions.source_of("HEAD").project == place
    assert (place / "pyproject.toml").read_text() == "one"
    assert (place / "bench" / "worker" / "turns.py").exists()
    assert not list(place.parent.glob(".making-*"))


def test_without_git_a_revision_is_one_line(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(UserError, match="no `git` on the PATH"):
        revisions.source_of("HEAD")
    assert revisions.described(repository) == ""


def test_a_shallow_clone_says_so(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "pyproject.toml").write_text("two")
    git(repository, "commit", "-qam", "two")
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", str(shallow))
    monkeypatch.setattr(revisions, "PROJECT", shallow)
    with pytest.raises(UserError, match="this clone is shallow"):
        revisions.source_of("HEAD~1")


def test_gits_own_reason_is_told(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / ".git" / "HEAD").write_text("nonsense")
    with pytest.raises(UserError, match="not a git repository"):
        revisions.source_of("HEAD")


def test_a_folder_inside_of_another_repository_has_no_revision(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an installed package: the revision of what lies around it would be a wrong one."""
    inside = repository / "bench"
    assert revisions.described(repository)
    assert revisions.described(inside) == ""
    monkeypatch.setattr(revisions, "PROJECT", inside)
    with pytest.raises(UserError, match="no checkout"):
        revisions.source_of("HEAD")


@pytest.mark.parametrize(
    "text",
    [
        "tensorflow_cpu==2.20.0", "Tensorflow-CPU==2.20.0", "tensorflow.cpu == 2.20.0",
        "tensorflow-cpu===2.20.0 ,",
    ],
)  # fmt: skip
def test_a_package_has_one_name_however_it_is_written(text: str) -> None:
    assert pins_of(text) == ("tensorflow-cpu==2.20.0",)
    assert package(text) == "tensorflow-cpu"


@pytest.mark.parametrize("text", ["torch==", "==1", "torch==1; rm", "torch==1,torch==2", "-e ==1"])
def test_no_exact_pin_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"no exact pin|pins a package twice"):
        pins_of(text)


def test_one_code_against_itself_is_refused(tmp_path: Path) -> None:
    """By the pin that the checkout has already: the same environment twice."""
    same = next(pin for pin in pins_of_the_checkout() if pin.startswith("torch=="))
    done = bench("regress", "--base", same, "--implementations", "pytorch", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "nothing to compare" in done.stderr
    assert not (tmp_path / "envs").exists(), "no environment is made for nothing"


def pins_of_the_checkout() -> list[str]:
    from bench.run.environments import requirements

    return requirements("pytorch", "cpu")
