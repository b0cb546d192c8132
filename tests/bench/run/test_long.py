"""Long runs: what the runner itself costs a launch, what it remembers, how well it tells the end.

The launches are fakes that answer at once with a real record. `nox -s faults` does 5,000 of them
(BENCH_LAUNCHES) and writes the figures into results/faults.
"""

from __future__ import annotations

import copy
import itertools
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

import psutil
import pytest

from bench.plan import eta
from bench.plan.jobs import make_jobs
from bench.records.record import Cell, Job, Record, Request
from bench.records.schema import Launch
from bench.run import launches
from bench.run.launches import Events, run_jobs
from bench.run.sitting import Seat
from tests.support import faults
from tests.support.fakes.misbehaving import implementation
from tests.support.plans import READY, SMALL, begin, plan_of
from tests.support.records import certificate, record

LAUNCHES = int(os.environ.get("BENCH_LAUNCHES", "120"))
MODES = ("honest", "rubbish", "raise", "slow")
MIB = 2**20


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that answer at once."""
    proof, measured = json.dumps(certificate()), json.dumps(record())

    def answer(job: Job) -> Record:
        made: Record = json.loads(proof if job.kind == "certify" else measured)
        made["launch"]["job"] = copy.deepcopy(job.as_dict())
        return made

    def sit(seats: Sequence[Seat], *_: object) -> list[Record]:
        return [answer(seat.job) for seat in seats]

    monkeypatch.setattr(launches, "sit", sit)
    monkeypatch.setattr(launches, "_alone", lambda run, job, *_: answer(job))


@pytest.mark.usefixtures("at_once")
def test_a_long_run_costs_little_and_remembers_little(tmp_path: Path) -> None:
    names = tuple(f"fake:{mode}" for mode in MODES)
    sittings = min(1000, LAUNCHES // (len(MODES) + 1))
    request = Request("smoke", ("fnn-mnist",), names, launches=sittings)
    run, jobs = begin(tmp_path / "run", plan_of(request, map(implementation, MODES), budget=SMALL))
    moments: list[float] = []
    memory: list[int] = []
    process = psutil.Process()

    def done(job: Job, launch: Launch) -> None:
        moments.append(perf_counter())
        if len(moments) % 50 == 0:
            memory.append(process.memory_info().rss)

    run_jobs(run, jobs, READY, Events(done=done))
    steps = [after - before for before, after in itertools.pairwise(moments)]
    cost, grown = median(steps), (max(memory) - memory[len(memory) // 5]) / MIB
    said = f"{len(moments)} launches: {1000 * cost:.1f} ms each (median), {grown:+.1f} MiB"
    faults.NOTES.append(said)
    print(f"\n{said}")
    assert len(moments) == len(jobs)
    assert cost <= 0.050, said
    assert grown <= 20, said


def plan(tasks: tuple[str, ...]) -> list[Job]:
    request = Request("quick", tasks, ("fake:honest", "fake:rubbish"), launches=12)
    return make_jobs(plan_of(request, [implementation("honest"), implementation("rubbish")]))


PACES: dict[str, Callable[[Cell, str], float]] = {
    "all alike": lambda cell, kind: 3.0,
    "certificates are slow": lambda cell, kind: 40.0 if kind == "certify" else 5.0,
    "sittings are slow": lambda cell, kind: 1.0 if kind == "certify" else 20.0,
    "one task is slow": lambda cell, kind: 60.0 if cell.task == "lstm-forecast" else 2.0,
}


@pytest.mark.parametrize("pace", PACES)
def test_half_way_the_time_left_is_told_within_a_fifth(pace: str) -> None:
    """With 15 % of noise a job; and a sitting's jobs are told of together, at its end."""
    import random

    jobs = plan(("fnn-mnist", "rnn-sequence", "lstm-forecast"))
    rng = random.Random(1)
    seconds = [PACES[pace](job.cell, job.kind) * rng.uniform(0.85, 1.15) for job in jobs]
    known, spent, late = eta.Pace(), 0.0, 0.0
    for at, (job, taken) in enumerate(zip(jobs, seconds, strict=True)):
        spent += taken
        late += taken
        after = jobs[at + 1] if at + 1 < len(jobs) else None
        if after is None or after.kind == "certify" or not launches.same_sitting(job, after):
            known.took(job, late)
            late = 0.0
        else:
            known.took(job, 0.0)
        if late == 0.0 and spent >= sum(seconds) / 2:
            told, true = known.left(jobs[at + 1 :]), sum(seconds) - spent
            assert told is not None
            assert abs(told - true) <= 0.2 * true
            break


def test_words_for_what_is_left() -> None:
    assert [eta.words(s) for s in (None, 0.2, 61.0, 600.0, 9000.0)] == [
        "", "about 1 s left", "about 61 s left", "about 10 min left", "about 2.5 h left",
    ]  # fmt: skip
