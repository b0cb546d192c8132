"""What runs beside the tests: its status counts, what it prints comes last, nothing is left."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil
import pytest

from bench.audit.everything import beside, everything

TESTS = """
import pytest

def test_first():
    assert {first}

@pytest.mark.quiet
def test_quiet():
    assert {quiet}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules of this folder are run, and its tests alone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # they take long to import
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = quiet\n")
    write(tmp_path)


def write(folder: Path, first: str = "True", quiet: str = "True") -> None:
    (folder / "test_some.py").write_text(TESTS.format(first=first, quiet=quiet))


def program(name: str, text: str) -> tuple[str, ...]:
    Path(f"{name}.py").write_text(text)
    return (name,)


def test_all_that_is_right_is_right(capfd: pytest.CaptureFixture[str]) -> None:
    said = program("says", "print('conformance of all')")
    assert everything([], first=[], others=[said]) == 0
    printed = capfd.readouterr().out
    assert printed.count("1 passed, 1 deselected") == 2
    first, quiet = printed.split("conformance of all")
    assert "not quiet" in first
    assert "quiet" in quiet


@pytest.mark.parametrize("broken", [{"first": "False"}, {"quiet": "False"}])
def test_a_failing_test_of_either_part_fails(tmp_path: Path, broken: dict[str, str]) -> None:
    write(tmp_path, **broken)
    assert everything([], first=[], others=[]) == 1


def test_what_fails_beside_fails_and_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    fails = program("fails", "import sys; print('not certified'); sys.exit(1)")
    after = program("after", "print('went on')")
    assert everything([], first=[], others=[fails, after]) == 1
    printed = capfd.readouterr().out
    assert "not certified" in printed
    assert "went on" not in printed


def test_lint_that_fails_ends_it_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    fails = program("lint", "import sys; sys.exit(1)")
    sleeps = program("sleeps", "import time; time.sleep(600)")
    started = time.monotonic()
    assert everything([], first=[fails], others=[sleeps]) == 1
    assert time.monotonic() - started < 300
    assert "passed" not in capfd.readouterr().out


def test_a_choice_may_leave_one_part_empty_but_not_both() -> None:
    assert everything(["-k", "first"], first=[], others=[]) == 0
    assert everything(["-k", "nothing_of_the_kind"], first=[], others=[]) == 1


def test_a_part_that_lost_its_tests_fails(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text("def test_first():\n    pass\n")
    assert everything([], first=[], others=[]) == 1


def test_nothing_outlives_it() -> None:
    program("child", "import pathlib, time\npathlib.Path('on').touch()\ntime.sleep(600)")
    parent = program(
        "parent", "import subprocess, sys\nsubprocess.run([sys.executable, 'child.py'])"
    )
    with beside([parent]) as running:
        ends = time.monotonic() + 60
        while not Path("on").exists():
            assert time.monotonic() < ends, "the child does not start"
            time.sleep(0.05)
        leader = psutil.Process(running.process.pid)
        family = [leader, *leader.children(recursive=True)]
        assert len(family) >= 2
        assert all(each.nice() > 0 for each in family)
    assert not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in family)


def test_it_is_this_python() -> None:
    which = program("which", "import sys\nprint(sys.executable)")
    with beside([which]) as running:
        assert running.process.wait() == 0
        running.output.seek(0)
        assert running.output.read().decode().strip() == sys.executable
