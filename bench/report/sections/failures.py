"""Each cell that could not be measured, or not in every launch, and what repeats it."""

from __future__ import annotations

from bench.records.results import Results
from bench.report import repeat
from bench.report.blocks import Block, Code, Note, Section, Table, label
from bench.report.context import Context

ORDER = 70
COLUMNS = (
    label("task"), label("implementation"), label("status"), label("reason", wrap=True),
)  # fmt: skip
INTRODUCTION = "Cells that could not be measured, or not in every launch."
COMMANDS = "The commands that repeat them"
TASK = f"For {repeat.TASK} put the file of your own task."
DATA = f"For {repeat.DATA} put the folder that holds the canonical data files."
NOTHING = "Nothing: every launch of every cell ended well."


def sections(results: Results, context: Context) -> list[Section]:
    """Says so, too, where nothing failed; a run that trained groups only has it in their part."""
    if not results.cells and results.distributed is not None:
        return []
    failed = [result for result in results.cells if result.failed]
    blocks: tuple[Block, ...] = (Note(NOTHING),)
    if failed:
        rows = tuple((r.cell.task, r.cell.contender, r.status, r.reason) for r in failed)
        commands = list(dict.fromkeys(repeat.command(r.cell, results.about) for r in failed))
        table = Table("Failed cells", COLUMNS, rows, bad=frozenset(range(len(rows))))
        blocks = (Note(INTRODUCTION), table, Code("\n".join(commands), COMMANDS))
        if any(f"--task {repeat.TASK}" in command for command in commands):
            blocks = (*blocks, Note(TASK, small=True))
        if any(f"--data-dir {repeat.DATA}" in command for command in commands):
            blocks = (*blocks, Note(DATA, small=True))
    return [Section("failures", "What failed", blocks)]
