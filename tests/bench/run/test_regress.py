"""Two sides interleaved: whose code and pins, in what order, and that pairs are recognised."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bench.discover import implementations
from bench.judge.compare import compare
from bench.records.record import Request
from bench.records.results import Results
from bench.run import environments, regress, revisions
from bench.run.environments import HERE, PROJECT, Source
from bench.run.session import Session
from tasks.errors import UserError
from tests.support.command import bench
from tests.support.fakes.misbehaving import implementation
from tests.support.plans import READY, SMALL, begin, plan_of


def test_pins_replace_those_of_the_same_name_and_have_their_own_environment() -> None:
    source = revisions.source_of("tensorflow-cpu==2.20.0, numpy==2.3.0")
    found = environments.requirements("tensorflow", "cpu", source)
    assert {"tensorflow-cpu==2.20.0", "numpy==2.3.0"} <= set(found)
    assert len(found) == len(environments.requirements("tensorflow", "cpu"))
    assert environments.where("tensorflow", "cpu", source) != environments.where(
        "tensorflow", "cpu"
    )
    # TensorFlow's pin says nothing of PyTorch's packages but NumPy.
    only = revisions.source_of("tensorflow-cpu==2.20.0")
    assert environments.where("pytorch", "cpu", only) == environments.where("pytorch", "cpu")


def test_a_pin_concerns_the_frameworks_that_have_it() -> None:
    sources = {"base": Source(PROJECT, ("tensorflow-cpu==2.20.0",)), "new": HERE}
    names = regress.affected(sources, "cpu")
    assert {name.split(":")[0] for name in names} == {"tensorflow", "keras"}
    usual = [i.name for i in implementations() if i.usual and i.name in names]
    assert usual == ["tensorflow:graph", "keras:tensorflow"]
    with pytest.raises(UserError, match="theano"):
        regress.affected({"base": Source(PROJECT, ("theano==1",))}, "cpu")
    assert len(regress.affected({"base": HERE, "new": HERE}, "cpu")) >= 4


def test_a_revision_is_unpacked_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    git = ["git", "-C", str(repository), "-c", "user.name=x", "-c", "user.email=x@x"]
    subprocess.run([*git, "init", "-q"], check=True)
    for text in ("ancient", "old", "new"):
        (repository / "pyproject.toml").write_text(text)
        if text == "old":
            (repository / "bench" / "worker").mkdir(parents=True)
            (repository / "bench" / "worker" / "turns.py").write_text("")
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "-qm", text], check=True)
    monkeypatch.setattr(revisions, "PROJECT", repository)
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    source = revisions.source_of("HEAD~1")
    assert (source.project / "pyproject.toml").read_text() == "old"
    assert (repository / "pyproject.toml").read_text() == "new"
    with pytest.raises(UserError, match="worker of an older kind"):
        revisions.source_of("HEAD~2")
    with pytest.raises(UserError, match="name a revision"):
        revisions.source_of("no-such-branch")


def session(path: Path, folder: Path) -> Session:
    request = Request("smoke", ("fnn-mnist",), ("fake:honest",), launches=2)
    plan = plan_of(request, [implementation("honest")], folder, SMALL)
    run, jobs = begin(path, plan, pairing="p")
    return Session(run, plan, jobs, READY)


def test_sides_take_turns_in_going_first(tmp_path: Path, data: Path) -> None:
    sides = {name: session(tmp_path / name, data) for name in ("base", "new")}
    seen: list[tuple[str, str]] = []
    regress.interleave(sides, lambda side, job, launch: seen.append((side, job.id)))
    assert [side for side, _ in seen] == ["base", "new", *2 * ["base"], *4 * ["new"], *2 * ["base"]]
    launches = [side.run.records() for side in sides.values()]
    assert launches[0].keys() == launches[1].keys() == {job.id for job in sides["base"].jobs}
    for name, launch in launches[0].items():
        assert launch.launch.turns == launches[1][name].launch.turns, "they did not sit together"
    assert not any((side.run.path / "tmp").exists() for side in sides.values())
    assert compare(*(Results.read(side.run) for side in sides.values())).paired


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--base", "."], "are the same"),
        (["--base", "theano==1.0"], "no framework's pins name"),
        (["--base", "no-such-revision"], "name a revision"),
        (["--base", "numpy==1.0", "--implementations", "theano"], "no implementation matches"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(tmp_path: Path, arguments: list[str], words: str) -> None:
    done = bench("regress", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
