"""A part a task: what it is, the table of its cells, modes, work, notes, certificates.

Where the run holds documented and tuned rows, each division has a part of its own in the task's:
they are never ranked together.
"""

from __future__ import annotations

from bench.judge import breakeven
from bench.judge.divisions import Contest, contests
from bench.records.results import Results
from bench.report import achieved, cell_table, certificates, departures, remarks
from bench.report.blocks import Block, Details, Flow, Note, Notes, Section, Table, columns
from bench.report.context import Context
from bench.report.sections.searches import NAMES
from bench.run.ceiling import Ceiling
from tasks.catalogue.every import TASKS
from tasks.spec.form import definition
from tasks.spec.layers import Layer
from tasks.spec.network import Task, output_shapes
from tasks.spec.training import Optimizer

ORDER = 50


def sections(results: Results, context: Context) -> list[Section]:
    """One section that holds one a task, in the order of the request; searches have their own."""
    most = achieved.ceiling_of(results)
    cells = bool(results.cells) or results.distributed is None  # else it trained groups only
    tasks = [task for task in results.about.request.tasks if cells and task not in NAMES]
    parts = tuple(_task(results, context, task, most) for task in tasks)
    return [Section("tasks", "Task by task", parts)] if parts else []


def _task(results: Results, context: Context, name: str, most: Ceiling | None) -> Section:
    known = next((task for task in TASKS if task.name == name), None) or results.about.task(name)
    blocks: list[Block] = [Note(_sentence(results, name, known))]
    if known is not None:
        blocks.append(Flow(f"Layers of {name}", model(known)))
    if len(results.divisions) > 1:
        blocks += [
            _division(results, context, contest, most) for contest in contests(results, name)
        ]
    else:
        blocks += _cells(results.only(name), context, name, name, most)
    if proof := certificates.of_task(results, name):
        blocks.append(proof)
    return Section(f"task-{name}", name, tuple(blocks))


def _division(
    results: Results, context: Context, contest: Contest, most: Ceiling | None
) -> Section:
    """One division's part of a task; under the tuned rows, what they do beyond the documents."""
    task, division = contest.task, contest.division
    own = results.only(task).of_division(division)
    blocks = _cells(own, context, task, f"{task}, {division}", most)
    if beyond := departures.of(own):
        blocks.append(Details(departures.TITLE, beyond))
    return Section(f"task-{task}-{division}", f"{task}, {division}", tuple(blocks))


def _cells(
    own: Results, context: Context, task: str, title: str, most: Ceiling | None
) -> list[Block]:
    """The table of these cells, the fastest in training first, and what is said of them."""
    rows = tuple(cell_table.row(r) for r in cell_table.ordered(own.of_task(task)))
    blocks: list[Block] = [
        Table(f"Cells of {title}", cell_table.COLUMNS, rows, bad=cell_table.bad(rows))
    ]
    if modes := tuple(map(breakeven.row, breakeven.paybacks(own, task))):
        blocks.append(Table(f"Modes in {title}", columns(*breakeven.HEADINGS), modes))
    work = achieved.table(own, task, title, most)
    notes = remarks.of(own, context, task)
    if work is not None and most is not None:
        blocks.append(work)
        notes.insert(0, achieved.note(most))
    blocks.append(Notes(tuple(notes), f"Remarks on {title}"))
    return blocks


def _sentence(results: Results, name: str, known: Task | None) -> str:
    """What the task is, on which data, how it is trained."""
    request, data = results.about.request, results.about.datasets[name]
    where = f"({data.id}; {request.device}, {request.precision}, {request.threads} threads)"
    if known is None:
        return f"{where}."
    used = f" Data: {data.note}." if data.note else ""
    return f"{known.summary} {where}. Training: {_training(known)}.{used}"


def _training(task: Task) -> str:
    loss = task.loss.replace("_", " ")
    extra = ", early stopping" if task.early_stopping else ""
    extra += ", augmented images" if task.augmentation else ""
    rules = " then ".join(_rule(update.optimizer) for update in task.rules)
    return f"{loss}, {rules}, batch {task.batch_size}, {task.epochs} epochs{extra}"


def _rule(optimizer: Optimizer) -> str:
    return f"{type(optimizer).__name__} {optimizer.learning_rate:g}"


def model(task: Task) -> tuple[tuple[str, str], ...]:
    """The layers in order, each with the shape of one row after it."""
    layers = (
        (_layer(layer), _shape(shape))
        for layer, shape in zip([n.layer for n in task.nodes], output_shapes(task), strict=True)
    )
    return (("input", _shape(task.input_shape)), *layers)


def _layer(layer: Layer) -> str:
    said = definition(layer)  # without what is at the default of a younger field
    values = [str(v) for name, v in said.items() if name != "type" and v != "linear"]
    return " ".join([type(layer).__name__, *values])


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
