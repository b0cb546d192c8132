"""From a run to what the page shows: plain dictionaries and text, laid out by page.html."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from bench import discover
from bench.claims import programs
from bench.claims.facts import ARTICLES, Facts
from bench.claims.judging import Judged, judge_all
from bench.judge import breakeven, questions
from bench.judge.questions import Groups
from bench.records import tidy
from bench.records.record import Record
from bench.records.store import Run
from bench.report import achieved, answer
from bench.report import tables as report
from bench.report.charts import Drawn
from bench.run import probes
from tasks.catalogue.every import CATALOGUE
from tasks.spec.layers import Layer
from tasks.spec.network import Task, output_shapes
from tasks.spec.search import Search

MOST_ROWS = 2000  # of a larger run the page shows the first, and says where the rest is
MOST_SECTIONS = 60
BESIDE = {
    "report.md": "the tables as Markdown",
    "report.tex": "as LaTeX (booktabs)",
    "table.csv": "every metric of every cell, tidy, as CSV",
    "table.parquet": "the same as Parquet",
}


def page(
    run: Run, tables: Sequence[report.TaskTable], drawn: Sequence[Drawn], files: Sequence[Path]
) -> dict[str, Any]:
    """Everything the template needs. `files` are those written beside the page."""
    about, records = run.about(), list(run.records().values())
    groups = tidy.by_cell(records)
    judged = cache(partial(questions.against_best, groups))
    answers = probes.load(run).get("answers", {})
    facts = Facts(groups, about, answers, programs.sizes(), judged)
    rows = [{"task": one.task, "cells": row} for one in tables for row in one.rows]
    names = {path.name for path in files}
    return {
        "about": about,
        "created": about["created"],
        "machine": _machine(about),
        "answer": answer.sentences(groups, about, judged),
        "claims": framework_table(judge_all(facts)),
        "beyond": _beyond(facts),
        "programs": _programs(),
        "figures": [_figure(one) for one in drawn],
        "headings": report.HEADINGS,
        "mode_headings": breakeven.HEADINGS,
        "work_headings": achieved.HEADINGS,
        "rows": rows[:MOST_ROWS],
        "all_rows": len(rows),
        "row_tasks": list(dict.fromkeys(row["task"] for row in rows)),
        "row_implementations": sorted({row["cells"][0] for row in rows}),
        "tasks": [_task(one, groups) for one in tables[:MOST_SECTIONS]],
        "all_tasks": len(tables),
        "failures": _failures(groups, about)[:MOST_ROWS],
        "settings": settings_table(records),
        "versions": _versions(records),
        "beside": {name: words for name, words in BESIDE.items() if name in names},
    }


def _machine(about: dict[str, Any]) -> dict[str, str]:
    facts = dict(about["machine"])
    memory = facts.pop("memory_bytes", None)
    shown = {"cpu": "unknown", "cores": "?"} | {key: str(value) for key, value in facts.items()}
    if memory:
        shown["memory"] = f"{memory / 2**30:.0f} GiB"
    request = about["request"]
    return shown | {
        "device": request["device"],
        "precision": request["precision"],
        "threads": str(request["threads"]),
        "launches": str(request.get("launches", "")),
        "profile": request["profile"],
    }


def _titles() -> dict[str, str]:
    return {framework.name: framework.title for framework in discover.frameworks()}


def framework_table(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """One row a framework of the articles, its claims under pros and cons."""
    titles = _titles()
    return [
        {
            "framework": titles[framework],
            **{
                side: [j for j in judged if (j.claim.framework, j.claim.side) == (framework, side)]
                for side in ("pro", "con")
            },
        }
        for framework in ARTICLES
    ]


def _beyond(facts: Facts) -> list[str]:
    """Implementations that the articles do not speak of."""
    names = facts.about["request"]["implementations"]
    return [name for name in names if name.split(":")[0] not in ARTICLES]


def _programs() -> list[dict[str, Any]]:
    sizes, titles = programs.sizes(), _titles()
    return [
        {
            "family": family,
            "sources": [
                (titles[f], programs.path(f, family).read_text(), sizes[f][family]) for f in sizes
            ],
        }
        for family in programs.FAMILIES
    ]


def _figure(drawn: Drawn) -> dict[str, str]:
    encoded = base64.b64encode(drawn.svg.read_bytes()).decode()
    return {
        "name": drawn.chart.name,
        "title": drawn.chart.title,
        "reading": drawn.chart.reading,
        "source": f"data:image/svg+xml;base64,{encoded}",
    }


def _task(one: report.TaskTable, groups: Groups) -> dict[str, Any]:
    known = {work.name: work for work in CATALOGUE}.get(one.task)
    task = known.base if isinstance(known, Search) else known
    return {
        "name": one.task,
        "title": one.title.partition(": ")[2],
        "model": model(task) if task else [],
        "training": _training(task) if task else "",
        "rows": one.rows,
        "notes": one.notes,
        "modes": one.modes,
        "work": one.work,
        "certificates": _certificates(one.task, groups),
    }


def model(task: Task) -> list[dict[str, str]]:
    """The layers in order, each with the shape of one row after it."""
    drawn = [{"layer": "input", "shape": _shape(task.input_shape)}]
    for layer, shape in zip(task.layers, output_shapes(task), strict=True):
        drawn.append({"layer": _layer(layer), "shape": _shape(shape)})
    return drawn


def _layer(layer: Layer) -> str:
    values = [str(v) for v in vars(layer).values() if v != "linear"]
    return " ".join([type(layer).__name__, *values])


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _training(task: Task) -> str:
    loss = task.loss.replace("_", " ")
    extra = ", early stopping" if task.early_stopping else ""
    extra += ", augmented images" if task.augmentation else ""
    rate = task.optimizer.learning_rate
    return f"{loss}, Adam {rate:g}, batch {task.batch_size}, {task.epochs} epochs{extra}"


def _certificates(task: str, groups: Groups) -> dict[str, Any]:
    """Checks × implementations: measured error, beside the bound."""
    errors: dict[str, dict[str, str]] = {}
    bounds: dict[str, str] = {}
    names: list[str] = []
    for cell, group in groups.items():
        for record in group if cell.task == task and not cell.label else ():
            certificate = record["launch"].get("certificate")
            if certificate:
                names.append(cell.implementation)
                for check in certificate["checks"]:
                    mark = "" if check["passed"] else " refused"
                    errors.setdefault(check["name"], {})[cell.implementation] = (
                        f"{check['error']:.1e}{mark}"
                    )
                    bounds[check["name"]] = f"{check['bound']:.0e}"
    rows = [
        (check, bounds[check], [found.get(n, "") for n in names]) for check, found in errors.items()
    ]
    return {"names": names, "rows": rows}


def _failures(groups: Groups, about: dict[str, Any]) -> list[dict[str, str]]:
    found = []
    for cell, group in groups.items():
        status, reason = tidy.cell_status(group)
        if status != "ok":
            found.append(
                {
                    "task": cell.task,
                    "implementation": cell.contender,
                    "status": status,
                    "reason": reason,
                    "command": tidy.command_for(cell, about),
                }
            )
    return found


def settings_table(records: Sequence[Record]) -> dict[str, Any]:
    """Settings × implementations, those that differ first; a setting that changed over the tasks
    shows every value."""
    seen: dict[str, dict[str, dict[str, None]]] = {}
    for record in records:
        settings = record["launch"].get("settings") or {}
        name = record["launch"]["job"]["cell"]["implementation"]
        for key, value in settings.items():
            seen.setdefault(key, {}).setdefault(name, {})[str(value)] = None
    names = sorted({name for by_name in seen.values() for name in by_name})
    rows = [
        (key, [", ".join(sorted(by_name.get(n, {"–": None}))) for n in names])
        for key, by_name in sorted(seen.items())
    ]
    rows.sort(key=lambda row: len(set(row[1])) == 1)
    return {"names": names, "rows": rows}


def _versions(records: Sequence[Record]) -> dict[str, str]:
    """Implementation → its framework's version."""
    found = {}
    for record in records:
        settings = record["launch"].get("settings") or {}
        if "version" in settings:
            found[record["launch"]["job"]["cell"]["implementation"]] = str(settings["version"])
    return dict(sorted(found.items()))
