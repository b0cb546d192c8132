"""The proof must refuse every fault of the catalogue and let every correct variant pass.

Here on the NumPy reference, where most faults can live; `nox -s mutants` tries them, and those
made inside a framework, in all of them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, get_args

import pytest

from adapters.mutants.catalogue import CORRECT, FAULTS
from adapters.mutants.mutant import Kind, Mutant
from adapters.mutants.small import SMALL
from adapters.reference.oracle import Reference
from bench.audit import planted
from bench.audit.extra import NUMPY
from bench.audit.mutants import judge, tasks_for
from bench.proof.settings import unlike_job
from tasks.spec.network import Task

# Of the settings only whether they differ from the job's is asked here: a launch each takes long.
HERE = [
    m for m in FAULTS if m.exists_in("numpy") and not m.unseeable and m.kind != "settings"
]  # fmt: skip
SETTINGS = [m for m in FAULTS if m.exists_in("numpy") and not m.unseeable and m.kind == "settings"]
SEED = 1
# Long sequences take long, and a variant that is let through there says little more.
VARIANTS = [
    (m, t) for m in CORRECT if m.exists_in("numpy") for t in tasks_for(m, len(SMALL) - 1)
]  # fmt: skip


def name(value: Mutant | Task) -> str:
    return value.name.replace(" ", "-")


def pair(mutant: Mutant, task: Task) -> Any:
    """A launch reads a clock."""
    marks = [pytest.mark.quiet] if mutant.judged_by == "launch" else []
    return pytest.param(mutant, task, marks=marks)


PAIRS = [pair(m, task) for m in HERE for task in tasks_for(m)]


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who notes its steps down for later does those of whole rounds in the end: few are enough
    where one takes milliseconds, as here."""
    budget = replace(planted.BUDGET, round_steps=8, turns=1, slice_seconds=0.01)
    monkeypatch.setattr(planted, "BUDGET", budget)


@pytest.mark.parametrize(("mutant", "task"), PAIRS, ids=name)
def test_fault_is_refused(mutant: Mutant, task: Task) -> None:
    verdict = judge(mutant, NUMPY, Reference(precision="fp32"), task, SEED)
    assert verdict.refused, "it passed: a hole in the proof"


@pytest.mark.parametrize("mutant", SETTINGS, ids=name)
def test_settings_unlike_the_job_are_told(mutant: Mutant) -> None:
    settings = mutant.make(Reference(precision="fp32")).settings()
    assert unlike_job(settings, "cpu", "fp32", threads=1)


@pytest.mark.parametrize(("variant", "task"), [pair(m, t) for m, t in VARIANTS], ids=name)
def test_correct_variant_passes(variant: Mutant, task: Task) -> None:
    verdict = judge(variant, NUMPY, Reference(precision="fp32"), task, SEED)
    assert not verdict.refused, verdict.refused_by


@pytest.mark.parametrize("task", SMALL, ids=name)
def test_the_honest_reference_passes(task: Task) -> None:
    honest = Mutant("honest", "correct", lambda adapter: adapter)
    verdict = judge(honest, NUMPY, Reference(precision="fp32"), task, SEED)
    assert not verdict.refused, verdict.refused_by


def test_every_fault_can_show_in_a_small_task() -> None:
    assert [m.name for m in (*FAULTS, *CORRECT) if not tasks_for(m)] == []


def test_the_catalogue_is_broad() -> None:
    count = Counter(m.kind for m in FAULTS)
    assert set(count) == set(get_args(Kind)) - {"correct"}
    assert min(count.values()) >= 4
    assert len(FAULTS) >= 120
    assert len(CORRECT) >= 8
    assert sum(bool(m.unseeable) for m in FAULTS) <= len(FAULTS) // 20


def test_names_are_unique() -> None:
    names = Counter(m.name for m in (*FAULTS, *CORRECT))
    assert [n for n, times in names.items() if times > 1] == []
