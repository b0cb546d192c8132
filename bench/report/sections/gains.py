"""What tuning gains: each framework's tuned modes against its documented ones."""

from __future__ import annotations

from collections.abc import Sequence

from bench.judge import divisions
from bench.judge.divisions import GAINED, Gain
from bench.records.results import Results
from bench.report import departures
from bench.report.blocks import Block, Column, Note, Section, Table, label
from bench.report.context import Context
from bench.stats import Estimate

ORDER = 55
WORDS = {"train_throughput": "training", "infer_throughput": "inference"}
READING = (
    "Speed of a framework's tuned mode over that of its documented one (in “keras:tensorflow / "
    "fit”, of keras:tensorflow over keras:fit), in samples a second, launches paired by block: "
    "2.00 is twice as fast; under 1 the documented program is the faster one. Each interval is its "
    "row's own, without correction for the number of rows."
)


def sections(results: Results, context: Context) -> list[Section]:
    """None of a run of one division, or in which no framework was measured in both."""
    gains = divisions.gains(results)
    if not gains:
        return []
    tables = (_table(gains, metric) for metric in GAINED)
    blocks: list[Block] = [table for table in tables if table.rows]
    blocks.append(Note(READING, small=True))
    if beyond := departures.of(results):
        title = departures.TITLE.replace("these", "the")
        blocks.append(Section("departures", title, beyond))
    return [Section("gains", "What tuning gains", tuple(blocks))]


def _table(gains: Sequence[Gain], metric: str) -> Table:
    """A row each pair that has the metric."""
    columns = (
        label("task"), label("tuned / documented"),
        Column(f"{WORDS[metric]}, times as fast"), Column("95 % interval"),
    )  # fmt: skip
    rows = tuple(
        (gain.task, f"{gain.tuned} / {gain.documented.split(':')[1]}", *_texts(ratio))
        for gain in gains
        if (ratio := gain.ratios.get(metric)) is not None
    )
    return Table(f"What tuning gains in {WORDS[metric]}", columns, rows)


def _texts(ratio: Estimate) -> tuple[str, str]:
    interval = f"{ratio.low:.2f} to {ratio.high:.2f}" if ratio.n > 1 else "1 launch"
    return f"{ratio.value:.2f}", interval
