"""``bench regress``: measure two sides interleaved, then judge as `bench compare` does."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.compare import (
    FailOnName,
    FailOnOption,
    Format,
    Margin,
    MemoryTolerance,
    ScoreTolerance,
    TimeTolerance,
    gate_of,
    show,
)
from bench.cli.options import chosen, fraction, globs
from bench.cli.run import say_data
from bench.judge.compare import Comparison, Gate, compare
from bench.judge.verdict import Rule
from bench.plan.request import matching_implementations, matching_tasks
from bench.records.fingerprint import differences
from bench.records.record import Job, Request
from bench.records.results import Results
from bench.records.schema import Launch
from bench.run import environments, session
from bench.run.regress import affected, interleave
from bench.run.revisions import WORKING_TREE, source_of
from bench.run.source import same
from tasks.errors import UserError

LAUNCHES = 10
SIDES = ("base", "new")


def regress(
    base: Annotated[
        str,
        typer.Option(
            metavar="SPEC",
            help="A revision, or a pin like torch==2.12.0.",
            show_default="needed, but with --resume",
        ),
    ] = "",
    new: Annotated[str, typer.Option(metavar="SPEC", help="The same; . is this checkout.")] = (
        WORKING_TREE
    ),
    tasks: Annotated[str, typer.Option(metavar="GLOB", help="Tasks by name.")] = "fnn-mnist",
    implementations: Annotated[
        str | None, typer.Option(metavar="GLOB", show_default="those the pins concern")
    ] = None,
    launches: Annotated[int, typer.Option(min=1, help="Processes a cell and side.")] = LAUNCHES,
    threads: Annotated[int | None, typer.Option(min=1, show_default="all cores")] = None,
    margin: Margin = "2%",
    tolerance: TimeTolerance = "5%",
    memory_tolerance: MemoryTolerance = "2%",
    score_tolerance: ScoreTolerance = 0.005,
    fail_on: FailOnOption = FailOnName.any,
    format_: Annotated[Format, typer.Option("--format", help="What to print.")] = Format.text,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", show_default="runs/regress-<time>")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option("--data-dir", metavar="DIR")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Finish a stopped one in --out; its own sides hold.")
    ] = False,
) -> None:
    """Measure BASE and NEW interleaved and judge. Exit status as for bench compare."""
    rule = Rule(margin=fraction(margin, "--margin"))
    asked = gate_of(fail_on, tolerance, memory_tolerance, score_tolerance)
    if resume:
        if base or out is None:
            raise UserError("--resume goes on with what --out holds, and takes no --base")
        sides = {side: session.resume(out / side, beside=True) for side in SIDES}
    else:
        if not base:
            raise UserError("--base names what to compare with: a revision, or torch==2.12.0")
        sides = _begun(base, new, tasks, implementations, launches, threads, out, data_dir)
        say_data(sides["new"])
    try:
        interleave(sides, _progress)
    except KeyboardInterrupt:
        place = sides["base"].run.path.parent
        _say(f"interrupted; go on with: bench regress --resume --out {place}")
        raise typer.Exit(130) from None
    before, after = (Results.read(side.run) for side in sides.values())
    found = judged(before, after, rule, asked)
    show(found, format_)
    raise typer.Exit(found.exit_code)


def judged(base: Results, new: Results, rule: Rule, asked: Gate) -> Comparison:
    """Both sides compared; what their fingerprints differ in is never judged."""
    return compare(base, new, rule, asked, differences(base.about, new.about))


def _begun(
    base: str,
    new: str,
    tasks: str,
    implementations: str | None,
    launches: int,
    threads: int | None,
    out: Path | None,
    data_dir: Path | None,
) -> dict[str, session.Session]:
    """Both sides, with their environments made. `UserError` where they would measure the same."""
    sources = {"base": source_of(base), "new": source_of(new)}
    names = affected(sources, "cpu")
    wanted = {i.name for i in matching_implementations(chosen(implementations))}
    names = [name for name in names if name in wanted]
    if not names:
        named = implementations or "what is measured unasked"
        raise UserError(f"{named!r} matches nothing that the pins concern; see --implementations")
    request = Request(
        profile="quick",
        tasks=tuple(t.name for t in matching_tasks(globs(tasks))),
        implementations=tuple(names),
        threads=threads or session.default_threads(),
        launches=launches,
    )
    groups = [i.environment for i in matching_implementations(names)]
    if same(sources["base"], sources["new"], groups, "cpu"):
        raise UserError(f"{base} and {new} are the same code and pins: nothing to compare")
    for source in sources.values():
        environments.setup(groups, "cpu", _say, source)
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    place = out or session.RUNS / f"regress-{now}"
    pairing = f"{base} {new} {now}"
    return {
        side: session.start(request, place / side, data_dir, source, pairing=pairing)
        for side, source in sources.items()
    }


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _progress(side: str, job: Job, launch: Launch) -> None:
    how = launch.status if launch.status == "ok" else f"{launch.status}: {launch.reason}"
    _say(f"{side} {job.id}: {how}")
