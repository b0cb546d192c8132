"""The CI workflow: valid YAML, pinned, with least rights, calling commands that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

from bench.cli.main import app
from bench.run.environments import PROJECT

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
PATH = PROJECT / ".github" / "workflows" / "bench.yml"


@pytest.fixture(scope="module")
def workflow() -> dict[Any, Any]:
    return yaml.safe_load(PATH.read_text())


def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_it_is_a_workflow(workflow: dict[Any, Any]) -> None:
    triggers = workflow[True]  # YAML 1.1 reads the key `on` as a boolean
    assert {"pull_request", "schedule"} <= triggers.keys()
    for job in workflow["jobs"].values():
        assert job["runs-on"]
        assert job["timeout-minutes"] <= 360
    for step in steps(workflow):
        assert ("uses" in step) != ("run" in step), step


def test_actions_are_pinned_to_a_commit(workflow: dict[Any, Any]) -> None:
    used = [step["uses"] for step in steps(workflow) if "uses" in step]
    assert used
    for name in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", name), name


def test_rights_are_the_least(workflow: dict[Any, Any]) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    rights = {name: job["permissions"] for name, job in workflow["jobs"].items()}
    assert rights == {
        "compare": {"contents": "read", "pull-requests": "write"},
        "nightly": {"contents": "write"},
    }


def test_nothing_a_stranger_writes_reaches_a_shell(workflow: dict[Any, Any]) -> None:
    """Titles, branch names and bodies go through `env`, never into the script's text."""
    for step in steps(workflow):
        assert "${{" not in step.get("run", ""), step


def called(workflow: dict[Any, Any]) -> set[str]:
    text = "\n".join(step.get("run", "") for step in steps(workflow))
    return set(re.findall(r"\bbench ([a-z]+)", text))


def test_it_calls_commands_that_exist(workflow: dict[Any, Any]) -> None:
    known = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    assert called(workflow) == {"doctor", "export", "history", "regress", "run", "setup"}
    assert called(workflow) <= known


def test_a_verdict_is_the_exit_status(workflow: dict[Any, Any]) -> None:
    (gate,) = [
        s for s in workflow["jobs"]["compare"]["steps"] if "bench regress" in s.get("run", "")
    ]
    assert 'exit "$status"' in gate["run"]
    for step in steps(workflow):
        assert not step.get("continue-on-error"), step


def test_it_is_short() -> None:
    assert len(Path(PATH).read_text().splitlines()) < 140
