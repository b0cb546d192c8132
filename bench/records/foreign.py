"""Whether a launch belongs to a run. Pure."""

from __future__ import annotations

from bench.records.fingerprint import same_machine
from bench.records.points import threads_of
from bench.records.record import Job
from bench.records.schema import Launch, RunFile


def why_foreign(about: RunFile, launch: Launch) -> str:
    """Why a launch is none of this run, as words behind its name; empty when it is one. Types of
    machine are never pooled."""
    if field := _not_asked(about, launch.job):
        return f"is no launch of this run: launch.job.{field} is not what run.json asks for"
    place = launch.launch.place
    if place is not None and not same_machine(place.machine, about.machine):
        return (
            f"is no launch of this run: it was measured on another type of machine ({place.node}: "
            f"{place.machine.cpu}, {place.machine.cores} cores)"
        )
    return ""


def _not_asked(about: RunFile, job: Job) -> str:
    """The first field of a job that the run was not asked for; empty when it was."""
    request, cell = about.request, job.cell
    kept = about.tasks.get(cell.task)
    fits = {
        "cell.task": cell.task in request.tasks,
        "cell.implementation": cell.implementation in request.implementations,
        "cell.device": cell.device == request.device,
        "cell.precision": cell.precision == request.precision,
        "cell.threads": cell.threads == threads_of(request, cell.task),
        "work": job.work == (kept.definition if kept else {}),
    }
    return next((name for name, is_asked in fits.items() if not is_asked), "")
