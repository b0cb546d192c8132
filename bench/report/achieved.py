"""What a task's matrix products achieve: operations a second, their share of the ceiling. Pure."""

from __future__ import annotations

from bench.records.beside import CeilingFile, OldCeilingAnswer
from bench.records.metrics import WORK_METRICS
from bench.records.record import SCHEMA
from bench.records.results import CellResult, Results
from bench.report.blocks import Row, Table, columns
from bench.run import ceiling
from bench.run.ceiling import Ceiling
from bench.stats import Estimate

COLUMNS = columns(
    "implementation",
    "training GFLOP/s",
    "of the ceiling",
    "inference GFLOP/s",
    "of the ceiling",
)


def ceiling_of(results: Results) -> Ceiling | None:
    """The machine's ceiling in the run's precision; None where it was not measured."""
    measured = results.ceiling or _of_evidence(results)
    return ceiling.best(measured, results.about.request.precision)


def _of_evidence(results: Results) -> CeilingFile | None:
    """Runs from before there was a ceiling.json have float32's in their evidence."""
    evidence = results.evidence
    rates = {
        entry.asked.framework: entry.measured
        for entry in (evidence.answers.values() if evidence else ())
        if isinstance(entry.measured, OldCeilingAnswer)
    }
    if evidence is None or not rates:
        return None
    answers = {
        name: {
            "fp32": {"flops": rate.flops},
            "copy": {"bytes_per_second": rate.copy_bytes_per_second},
        }
        for name, rate in rates.items()
    }
    kept = {"schema": SCHEMA, "device": "cpu", "threads": evidence.threads}
    return CeilingFile.model_validate({**kept, "precisions": ("fp32",), "answers": answers})


def table(results: Results, task: str, title: str, most: Ceiling | None) -> Table | None:
    """The fastest in training first; None without a ceiling, or where nothing was timed.

    title: what the rows are of."""
    if most is None:
        return None
    both = [[r.estimate(m) for m in WORK_METRICS] for r in results.of_task(task)]
    rates = [
        (result, estimates)
        for result, estimates in zip(results.of_task(task), both, strict=True)
        if estimates[0] is not None
    ]
    rates.sort(key=lambda pair: -pair[1][0].value if pair[1][0] else 0.0)
    rows = tuple(_row(result, estimates, most) for result, estimates in rates)
    return Table(f"Operations a second in {title}", COLUMNS, rows) if rows else None


def _row(result: CellResult, estimates: list[Estimate | None], most: Ceiling) -> Row:
    texts: list[str] = []
    for e in estimates:
        texts += ["", ""] if e is None else [_plain(e.value / 1e9), share(e.value / most.flops)]
    return (result.cell.implementation, *texts)


def _plain(x: float) -> str:
    return f"{x:,.0f}" if x >= 100 else f"{x:.3g}"


def share(part: float) -> str:
    """As a percentage with two digits that count: "37%", "0.42%"."""
    return f"{100 * part:.2g}%" if part < 0.995 else f"{100 * part:.0f}%"


def note(most: Ceiling) -> str:
    """The ceiling in words."""
    copied = most.copy_bytes_per_second
    memory = f"; memory is copied at {copied / 1e9:,.1f} GB/s, read and written" if copied else ""
    rate = f"{most.flops / 1e9:,.0f} GFLOP/s in {most.precision}"
    return f"Ceiling: a large matrix product runs at {rate} ({most.by}){memory}."
