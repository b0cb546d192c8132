"""The figures of `bench.audit.precision` for people (precision.md) and programs (precision.csv)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

from bench.audit.precision_figures import (
    PROMISED,
    RunFigures,
    StagePart,
    agreement,
    broken,
    contradictions,
)
from bench.records.store import write_atomically

COLUMNS = ("condition", "run", "figure", "value")


def write_summary(runs: Sequence[RunFigures], out: Path) -> str:
    """Write precision.md and precision.csv into `out`; returns the first."""
    text = markdown(runs)
    write_atomically(out / "precision.md", text)
    write_atomically(out / "precision.csv", table(runs))
    return text


def table(runs: Sequence[RunFigures]) -> str:
    """CSV, one row a run and figure: shares, half-widths and agreement as fractions, else the unit
    in the figure's name. Over all runs, condition and run are empty."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for run in runs:
        for name, value in _figures(run).items():
            rows.writerow([run.run.condition, run.run.number, name, f"{value:.6g}"])
    same, both = agreement(runs)
    rows.writerow(["", "", "verdicts that agree", same])
    rows.writerow(["", "", "verdicts compared", both])
    rows.writerow(["", "", "contradictions", len(contradictions(runs))])
    return text.getvalue()


def _figures(run: RunFigures) -> dict[str, float]:
    return {
        "median half-width of training speed": run.median_half_width,
        "greatest half-width of training speed": run.greatest_half_width,
        "speed questions": run.asked,
        "share of speed questions answered": run.answered,
        "minutes": run.minutes,
        "share of the time in timed rounds": run.timed,
        "share of turns disturbed": run.disturbed,
        **{f"seconds: {part}": seconds for part, seconds in run.parts.items()},
    }


def markdown(runs: Sequence[RunFigures]) -> str:
    """The same for people, with the promises that are not kept."""
    options = " ".join(runs[0].run.options)
    command = f"bench run {options}".strip()
    lines = ["# How finely the default run decides", ""]
    count = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
    lines.append(
        f"{count} of `{command}`: alone on the machine (quiet), or beside a neighbour "
        "that computes for a second and rests for a second on average (bursts). Speed questions: "
        "every pair of a task in training, step, inference and single row; answered are those "
        "decided or equivalent. Half-widths: of the 95 % intervals of training-speed ratios."
    )
    lines += ["", *_run_table(runs), "", "## Where the time goes", "", *_part_table(runs)]
    lines += ["", "## Do runs agree?", "", *_agreement(runs), "", "## Promises", ""]
    faults = broken(runs)
    lines += [f"- not kept: {fault}" for fault in faults] or ["All are kept."]
    return "\n".join(lines) + "\n"


def _run_table(runs: Sequence[RunFigures]) -> Iterator[str]:
    yield (
        "| run | median half-width | greatest | questions answered | minutes | in timed rounds | "
        "turns disturbed |"
    )
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for run in runs:
        yield (
            f"| {run.run.name} | {run.median_half_width:.1%} | {run.greatest_half_width:.1%} | "
            f"{run.answered:.0%} of {run.asked} | {run.minutes:.1f} | {run.timed:.0%} | "
            f"{run.disturbed:.0%} |"
        )
    for condition in dict.fromkeys(run.run.condition for run in runs):
        if promised := PROMISED.get(condition):
            greatest = promised.greatest_half_width
            yield (
                f"| *promised, {condition}* | {promised.median_half_width:.0%} | "
                f"{'' if greatest is None else f'{greatest:.0%}'} | {promised.answered:.0%} | "
                f"{'' if promised.minutes is None else f'{promised.minutes:.0f}'} | | |"
            )


def _part_table(runs: Sequence[RunFigures]) -> Iterator[str]:
    yield "| seconds | " + " | ".join(run.run.name for run in runs) + " |"
    yield "|---|" + "---:|" * len(runs)
    for part in get_args(StagePart):
        cells = (f"{run.parts[part]:.1f} ({run.parts[part] / run.run.ended:.0%})" for run in runs)
        yield f"| {part} | {' | '.join(cells)} |"
    yield "| *all* | " + " | ".join(f"{run.run.ended:.1f}" for run in runs) + " |"


def _agreement(runs: Sequence[RunFigures]) -> Iterator[str]:
    same, both = agreement(runs)
    if not both:
        yield "There are no two runs to compare."
        return
    yield f"Of {both} questions that two runs both ask, {same / both:.1%} have the same verdict."
    against = contradictions(runs)
    yield "" if against else "None is faster in one run and slower in another."
    yield from (f"- {sentence}" for sentence in against)
