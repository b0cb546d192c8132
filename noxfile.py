"""Every command a person or CI runs: bench, tests, verify, overhead."""

from __future__ import annotations

import nox

nox.needs_version = ">=2024.4.15"
nox.options.sessions = ["bench"]
nox.options.reuse_existing_virtualenvs = True
nox.options.default_venv_backend = "venv"

PYPROJECT = nox.project.load_toml("pyproject.toml")


def runner(session: nox.Session, *groups: str) -> None:
    """Install the suite itself: no framework in it."""
    wanted = nox.project.dependency_groups(PYPROJECT, *groups) if groups else []
    session.install("-e", ".", *wanted)


def option(session: nox.Session, name: str, default: str) -> str:
    """The value of `--name VALUE` among the arguments after ``--``."""
    arguments = session.posargs
    return arguments[arguments.index(name) + 1] if name in arguments[:-1] else default


@nox.session
def bench(session: nox.Session) -> None:
    """Environments, a run (default profile: quick) and its report. Options go to `bench run`."""
    runner(session)
    session.run("bench", "setup", "--device", option(session, "--device", "cpu"))
    session.run("bench", "run", *session.posargs)


@nox.session
def verify(session: nox.Session) -> None:
    """Certificates of every task and implementation, and the refusal of every mutant."""
    runner(session, "tests")
    session.run("bench", "setup", "--device", option(session, "--device", "cpu"))
    session.run("pytest", "-q", "tests/test_mutants.py")
    session.run("bench", "verify", *session.posargs)
