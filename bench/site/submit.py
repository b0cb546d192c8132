"""A run of somebody else's machine: is it whole, certified, of one machine, possible, unchanged?

What is checked is what can be checked from afar. That the times were taken at all, a reader cannot
see: the page names the machine and the command, so that anybody can measure it again.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from bench.proof.plausible import implausible
from bench.records.fingerprint import same_machine
from bench.records.metrics import WORK_METRICS
from bench.records.record import MEASUREMENT
from bench.records.results import CellResult, Results
from bench.records.store import Run
from bench.report.achieved import ceiling_of
from tasks.errors import UserError

SUMS = "SHA256SUMS"
TAKEN = ("run.json", "ceiling.json", "evidence.json", "distributed.json")
FOLDERS = ("launches", "deploy")
MOST_FILES = 20_000
MOST_BYTES = 20 * 2**20  # of one submission: all published runs together stay small


def files(run: Path) -> tuple[Path, ...]:
    """The records of a run, in order. `UserError` for links and for what is too much."""
    found = [run / name for name in TAKEN if (run / name).exists()]
    found += [path for name in FOLDERS for path in sorted((run / name).glob("*.json"))]
    for path in (run, *(run / name for name in FOLDERS), *found):
        if path.is_symlink():
            raise UserError(f"{path} is a link; a submission holds its own files")
    size = sum(path.stat().st_size for path in found)
    if len(found) > MOST_FILES or size > MOST_BYTES:
        raise UserError(
            f"{run} has {len(found):,} records of {size >> 20} MiB; a submission has at most "
            f"{MOST_FILES:,} of {MOST_BYTES >> 20} MiB: measure fewer tasks"
        )
    return tuple(found)


def sums(run: Path) -> str:
    """SHA-256 of every record, as `sha256sum` writes and checks them."""
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(run).as_posix()}\n"
        for path in files(run)
    )


def faults(run: Path) -> list[str]:
    """What speaks against a run, a line each; empty where nothing does. `UserError` for a folder
    that is no readable run, or for a record that does not fit its schema or its run."""
    return [*_changed(run), *_of_results(Results.read(Run.open(run)))]


def add(run: Path, folder: Path) -> Path:
    """Copy a run's records, and nothing else of it, into FOLDER/<its name>, with their sums; the
    new folder. Nothing is written where something speaks against it."""
    name = run.resolve().name
    if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
        raise UserError(f"{name!r} is no name for a published run: letters, digits, - and _")
    place = folder / name
    if place.exists():
        raise UserError(f"{place} is there already; give the run's folder another name")
    try:
        for path in files(run):
            target = place / path.relative_to(run)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        (place / SUMS).write_text(sums(place), encoding="utf-8")
    except BaseException:  # nothing half copied stays
        shutil.rmtree(place, ignore_errors=True)
        raise
    return place


def _changed(run: Path) -> Iterator[str]:
    """Records that are not what the run's own sums say; a run without sums has none to break."""
    place = run / SUMS
    if not place.exists():
        return
    told = set(place.read_text(encoding="utf-8", errors="replace").splitlines())
    there = set(sums(run).splitlines())
    names = {line.split("  ", 1)[-1] for line in told ^ there}
    yield from (f"{name} is not what {SUMS} says" for name in sorted(names))


def _of_results(results: Results) -> Iterator[str]:
    about = results.about
    if about.request.shards > 1:
        yield "it is a shard of a run; bench merge makes a run of all its shards"
    if about.suite.measurement != MEASUREMENT:
        yield f"it was measured in way {about.suite.measurement}, and this is {MEASUREMENT}"
    if not about.suite.revision:
        yield "it does not say of which revision of this suite it is"
    if not results.measured and not results.deployments:
        yield "nothing in it was measured"
    if results.measured and ceiling_of(results) is None:
        yield "it has no ceiling.json, so its speeds cannot be held against the machine's own"
    for result in results.cells:
        yield from _of_cell(results, result)
    for record in results.deployments:
        if record.stage == "serve" and record.status == "ok" and not _proven(record.proof):
            yield f"{record.id} was served without a certificate that passed"


def _proven(proof: object) -> bool:
    return bool(getattr(proof, "passed", False))


def _of_cell(results: Results, result: CellResult) -> Iterator[str]:
    about, name = results.about, f"{result.cell.task} {result.cell.contender}"
    if result.good and result.proof != "passed":
        what = "in spite of a refused" if result.proof else "without a"
        yield f"{name} was measured {what} certificate"
    if result.good and not about.digest(result.cell.task):
        yield f"{name}: run.json keeps no definition of the task"
    places = [x.launch.place for x in result.launches if x.launch.place is not None]
    if any(not same_machine(place.machine, about.machine) for place in places):
        yield f"{name}: launches of another machine than run.json names"
    most = ceiling_of(results)
    for metric in WORK_METRICS:
        for block, flops in result.values(metric).items():
            if reason := implausible(flops, most.flops if most else None):
                yield f"{name}, sitting {block}: {reason}"
                break
