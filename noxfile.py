"""Every command a person or CI runs: bench, tests, report, verify, overhead, calibrate, regress."""

from __future__ import annotations

import json
from pathlib import Path

import nox

nox.needs_version = ">=2024.4.15"
nox.options.sessions = ["bench"]
nox.options.reuse_existing_virtualenvs = True
nox.options.default_venv_backend = "venv"

# One of each family; tests/bare holds a loop for each.
OVERHEAD_TASKS = ("fnn-mnist", "cnn-64-10", "rnn-sequence", "lstm-forecast")
PYPROJECT = nox.project.load_toml("pyproject.toml")


def runner(session: nox.Session, *groups: str) -> None:
    """Install the suite itself: no framework in it."""
    wanted = nox.project.dependency_groups(PYPROJECT, *groups) if groups else []
    session.install("-e", ".", *wanted)


def option(session: nox.Session, name: str, default: str) -> str:
    """The value of `--name VALUE` among the arguments after ``--``."""
    given = session.posargs
    return given[given.index(name) + 1] if name in given[:-1] else default


def setup(session: nox.Session) -> list[dict[str, str]]:
    """Make all environments; returns what `bench list` says of the implementations."""
    device = option(session, "--device", "cpu")
    session.run("bench", "setup", "--device", device, "--implementations", "*")
    text = session.run("bench", "list", "--device", device, "--json", silent=True)
    return list(json.loads(str(text))["implementations"])


@nox.session
def bench(session: nox.Session) -> None:
    """Environments, a run (default profile: quick) and its report. Options go to `bench run`."""
    runner(session)
    session.run("bench", "setup", "--device", option(session, "--device", "cpu"))
    session.run("bench", "run", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Lint, types, unit tests, and the conformance of every framework in its own environment."""
    runner(session, "tests")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    implementations = setup(session)
    session.run("pytest", *session.posargs)
    for row in implementations:
        if row["status"] != "ready":
            session.warn(f"{row['implementation']} not tested: {row['reason']}")
            continue
        conformance = ["-m", "pytest", "-q", "tests/conformance.py"]
        if not row["usual"]:  # the mutants were refused in the framework's usual mode
            conformance += ["-k", "not mutants"]
        session.run(
            row["python"], *conformance, "--implementation", row["implementation"], external=True
        )


@nox.session
def report(session: nox.Session) -> None:
    """Every published run's report made anew from its records; fails where one is not the same."""
    runner(session)
    for run in sorted(Path("results").glob("*/run.json")):
        session.run("bench", "report", str(run.parent), silent=True)
    session.run("git", "diff", "--exit-code", "--stat", "--", "results", external=True)


@nox.session
def verify(session: nox.Session) -> None:
    """Certificates of every task and implementation, and the refusal of every mutant."""
    runner(session, "tests")
    session.run("bench", "setup", "--device", option(session, "--device", "cpu"))
    session.run("pytest", "-q", "tests/test_mutants.py")
    session.run("bench", "verify", *session.posargs)


@nox.session
def overhead(session: nox.Session) -> None:
    """The suite against bare loops: every ratio must be at least 0.97."""
    runner(session, "tests")
    out = Path(session.create_tmp())
    for earlier in out.glob("*.json"):
        earlier.unlink()
    for row in setup(session):
        framework, mode = row["implementation"].split(":")
        for task in OVERHEAD_TASKS if row["status"] == "ready" and row["usual"] else ():
            answer = out / f"{framework}-{mode}-{task}.json"
            command = ["-m", "tests.overhead", "--framework", framework, "--mode", mode]
            command += ["--task", task, "--json", str(answer), *session.posargs]
            session.run(row["python"], *command, external=True)
    session.run("python", "-m", "tests.overhead_summary", str(out))


@nox.session
def calibrate(session: nox.Session) -> None:
    """False alarms and power of the verdicts, measured on this machine; options go to
    tests/calibrate.py. Stopped, it goes on where it was; the table goes to results/calibration."""
    runner(session, "tests")
    session.run("python", "-m", "tests.calibrate", "run", *session.posargs)


@nox.session
def regress(session: nox.Session) -> None:
    """Two revisions or versions, interleaved: `-- --base REV` or
    `-- --base tensorflow-cpu==2.20.0 --new tensorflow-cpu==2.21.0`."""
    runner(session)
    session.run("bench", "regress", *session.posargs)
