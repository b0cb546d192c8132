"""Does the same seed give the same losses? Each implementation is launched again and again, in
fresh processes, from one seed, on one thread of the CPU, and its losses are compared bit by bit.

``python -m bench.audit.repeatable [--implementations GLOBS] [--tasks GLOBS] [--launches 2]
[--seed 0] [--budget 10m] [--out results/repeatable]`` writes report.md and record.json. Unasked:
the usual rows of both divisions, on one task of each family, two launches of two epochs each.

Exit status 1 where launches differ although the framework's documents ask for seeds alone
(`repeating` in adapters/*/about.py); 2 where nothing could be compared.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from shlex import join
from time import monotonic
from typing import Any

from bench.audit.repeatable_summary import Repeats, page, said
from bench.cli.options import chosen, globs, seconds
from bench.plan.jobs import make_jobs
from bench.plan.request import PROFILES, Plan, contenders, matching_tasks
from bench.records.parts import LaunchReadings
from bench.records.record import Budget, Job, Request
from bench.records.store import write_json
from bench.run import session
from bench.run.launches import clean, launch
from bench.run.session import Session
from tasks.errors import UserError

# Two epochs of learning are what is compared; the timed rounds after them are as few as can be.
BUDGET = Budget(2, 25, 256, 1, 0.001, 600.0)
NO_TIME = "no time was left for it (--budget)"


def jobs_of(plan: Plan) -> list[list[Job]]:
    """The launches of each implementation on each task, all with the seed of the first sitting,
    and without A/A copies."""
    found: dict[tuple[str, str], list[Job]] = {}
    for job in make_jobs(plan):
        if job.kind == "measure" and not job.cell.label:
            same = replace(job, seed=plan.request.seed)
            found.setdefault((job.cell.task, job.cell.implementation), []).append(same)
    return list(found.values())


def repeats_of(opened: Session, jobs: Sequence[Job]) -> Repeats:
    """Launch them, one after the other; the first that fails is the last."""
    first = jobs[0]
    environment = opened.frameworks[first.framework]
    found = Repeats(first.cell.implementation, first.cell.task, first.division, environment.version)
    if environment.status != "ready":
        return replace(found, reason=environment.reason)
    for job in jobs:
        # Launched alone, and so in no turns, it is no record of a run: only its losses are read.
        answer = launch(opened.run, job, environment)["launch"]
        if answer["status"] != "ok":
            return replace(found, reason=f"{answer['status']}: {answer['reason']}")
        read = LaunchReadings.model_validate_json(json.dumps(answer["readings"]))
        losses = tuple(loss for loss in (read.first_loss, *read.epoch_losses) if loss is not None)
        found = replace(found, losses=(*found.losses, losses))
    return found


def repeats(opened: Session, until: float) -> list[Repeats]:
    """Every implementation on every task, a line on the terminal each. until: begin none after
    that moment of the monotonic clock."""
    clean(opened.run)
    rows = []
    for jobs in jobs_of(opened.plan):
        cell = jobs[0].cell
        if monotonic() > until:
            version = opened.frameworks[jobs[0].framework].version
            row = Repeats(cell.implementation, cell.task, jobs[0].division, version, reason=NO_TIME)
        else:
            row = repeats_of(opened, jobs)
        print(f"{cell.task} {cell.implementation}: {row.reason or said(row)}", flush=True)
        rows.append(row)
    return rows


def begin(asked: argparse.Namespace, folder: Path) -> Session:
    """A run in that folder, on one thread; `UserError` for a mistake."""
    tasks = PROFILES["quick"].tasks if asked.tasks is None else globs(asked.tasks)
    names = tuple(task.name for task in matching_tasks(tasks))
    among = contenders(chosen(asked.implementations), names, "both")
    if asked.launches < 2:
        raise UserError(f"--launches {asked.launches}: two at least are compared")
    try:
        request = Request(
            "smoke", names, tuple(i.name for i in among), launches=asked.launches, seed=asked.seed
        )
    except ValueError as error:
        raise UserError(f"--{error}") from None
    opened = session.start(request, folder, None)
    return replace(opened, plan=replace(opened.plan, budget=BUDGET))


def about(opened: Session, asked: argparse.Namespace) -> dict[str, Any]:
    """What the record says beside its rows."""
    facts = opened.run.about()
    return {
        "created": facts.created,
        "suite": facts.suite.model_dump(),
        "machine": facts.machine.model_dump(exclude_none=True),
        "seed": asked.seed,
        "launches": asked.launches,
        "epochs": BUDGET.learn_epochs,
        "threads": opened.request.threads,
    }


def lines(facts: dict[str, Any]) -> list[str]:
    """The same for a reader."""
    machine = facts["machine"]
    return [
        f"{facts['launches']} launches of each, in processes of their own, with seed "
        f"{facts['seed']}, {facts['threads']} thread, on {machine['cpu']} ({machine['os']}): the "
        f"loss of the first step and the mean losses of {facts['epochs']} epochs, bit by bit. "
        f"{facts['created'][:10]}."
    ]


def write(folder: Path, rows: Sequence[Repeats], facts: dict[str, Any], command: str) -> str:
    """Both files; returns the report."""
    found = [
        asdict(row) | {"identical": row.identical, "spread": row.spread if row.compared else None}
        for row in rows
    ]
    text = page(rows, lines(facts), command)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "record.json", facts | {"rows": found}, indent=1)
    (folder / "report.md").write_text(text, encoding="utf-8")
    return text


def parser() -> argparse.ArgumentParser:
    """The options."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--implementations")
    options.add_argument("--tasks")
    options.add_argument("--launches", type=int, default=2)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--budget", help="begin nothing after so long: 90s, 10m, 1h")
    options.add_argument("--out", type=Path, default=Path("results/repeatable"))
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status as the module says."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    asked = parser().parse_args(words)
    started = monotonic()
    try:
        limit = float("inf") if asked.budget is None else seconds(asked.budget, "--budget")
        with tempfile.TemporaryDirectory(prefix="bench-repeatable-") as place:
            opened = begin(asked, Path(place) / "run")
            rows = repeats(opened, started + limit)
            facts = about(opened, asked)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    if not any(row.compared for row in rows):
        print("nothing could be compared; the reasons stand above", file=sys.stderr)
        return 2
    command = join(["python", "-m", "bench.audit.repeatable", *words])
    print(write(asked.out, rows, facts, command))
    return int(any(row.breaks_its_word for row in rows))


if __name__ == "__main__":
    sys.exit(main())
