"""A run as tables of text and as Markdown. Reads records; writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench import stats
from bench.judge import breakeven, disturbed, questions, settling
from bench.judge import verdict as judge
from bench.records import tidy
from bench.records.metrics import metric
from bench.records.record import AA_LABEL, Cell, Record, job_of
from bench.records.store import Run
from bench.report import achieved, search_report
from bench.run import ceiling
from bench.stats import Estimate
from tasks.catalogue.every import TASKS

HEADINGS = (
    "implementation", "certificate", "score", "to target s", "train samples/s", "± 95 %",
    "step p50 ms", "infer samples/s", "infer p50 µs", "p99 µs", "cold start s", "memory MiB",
)  # fmt: skip


@dataclass(frozen=True)
class TaskTable:
    """One task's printed table: headings, one row of text a contender, and its notes.

    modes: rows under `breakeven.HEADINGS`, where a framework was measured in several modes.
    work: rows under `achieved.HEADINGS`, where the run measured the machine's ceiling.
    """

    task: str
    title: str
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    modes: tuple[tuple[str, ...], ...] = ()
    work: tuple[tuple[str, ...], ...] = ()


def task_tables(run: Run) -> list[TaskTable]:
    """Everything a reader is shown, as text; the terminal and Markdown only lay it out."""
    about = run.about()
    groups = tidy.by_cell(list(run.records().values()))
    judged = questions.against_best(groups)
    most = ceiling.best(ceiling.load(run), about["request"]["precision"])
    tables = []
    for name in (n for n in about["request"]["tasks"] if n not in search_report.NAMES):
        mine = {cell: group for cell, group in groups.items() if cell.task == name}
        found = {cell: tidy.estimates(group) for cell, group in mine.items()}
        order = sorted(
            (cell for cell in mine if not cell.label),
            key=lambda cell: -found[cell]["train_throughput"].value if found[cell] else 0.0,
        )
        rows = tuple(_text_row(cell, groups, found[cell]) for cell in order)
        notes = [judge.sentence(verdict) for verdict in judged.get(name, [])]
        notes += _notes(name, mine, about)
        modes = tuple(map(breakeven.row, breakeven.paybacks(mine, name)))
        work = tuple(achieved.rows(groups, name, most))
        if work:
            notes.insert(0, achieved.note(most))
        tables.append(TaskTable(name, _title(name, about), rows, tuple(notes), modes, work))
    return tables


def _title(name: str, about: dict[str, Any]) -> str:
    data = about["datasets"][name]
    request = about["request"]
    summary = next((t.summary for t in TASKS if t.name == name), "")
    return (
        f"{name}: {summary} ({data['id']}; {request['device']}, {request['precision']}, "
        f"{request['threads']} threads)"
    )


def _text_row(
    cell: Cell, groups: dict[Cell, list[Record]], found: dict[str, Estimate]
) -> tuple[str, ...]:
    proof = tidy.certificate_word(groups, cell)
    if not found:
        status = tidy.missing_word(groups[cell])
        words = (proof, status) if proof else (status, "")
        return (cell.contender, *words, *[""] * (len(HEADINGS) - 3))

    def value(name: str, scale: float = 1.0, form: str = ",.0f") -> str:
        return format(found[name].value * scale, form) if name in found else ""

    speed = found["train_throughput"]
    cold = sum(found[name].value for name in ("import", "build", "first_step"))
    return (
        cell.contender,
        proof or "none",
        value("test_score", form=".4f"),
        _to_target(found, groups[cell]),
        value("train_throughput"),
        f"{speed.half_width:.1%}" if speed.n > 1 else "1 launch",
        value("step_latency_p50", 1e3, ".3f"),
        value("infer_throughput"),
        value("infer_latency_p50", 1e6),
        value("infer_latency_p99", 1e6),
        f"{cold:.2f}",
        value("peak_rss", 1 / 2**20),
    )


def _to_target(found: dict[str, Estimate], group: list[Record]) -> str:
    """Seconds to the target score; or in how many launches it was reached; or nothing to reach."""
    if "time_to_target" in found:
        return f"{found['time_to_target'].value:.2f}"
    readings = [record["launch"]["readings"] for record in tidy.good(group)]
    if not any("target" in reading for reading in readings):
        return ""
    reached = sum(reading["time_to_target"] is not None for reading in readings)
    return f"{reached} of {len(readings)} runs"


def _notes(name: str, groups: dict[Cell, list[Record]], about: dict[str, Any]) -> list[str]:
    notes = []
    if target := _target(name, about):
        notes.append(target)
    floor = floor_of(groups)
    if floor is not None:
        notes.append(
            f"Noise floor (A/A, one implementation against itself, {floor.n} pairs of launches): "
            f"ratio {floor.value:.3f}, 95 % interval {floor.low:.3f} to {floor.high:.3f}. "
            f"Differences in training speed below {stats.noise_floor(floor):.1%} mean nothing here."
        )
    mine = [record for group in groups.values() for record in group]
    if any("peak_rss_from" not in record["launch"] for record in tidy.ended_well(mine)):
        notes.append(
            "Memory was read by getrusage here, which is never under the runner's own peak "
            "(some 230 MiB): lower values are shown as that."
        )
    if disturbance := disturbed.note(mine):
        notes.append(disturbance)
    if forms := _adam_forms(groups):
        notes.append(forms)
    if restless := settling.note({c: g for c, g in groups.items() if not c.label}):
        notes.append(restless)
    notes += _early_stopping(groups)
    for cell, group in groups.items():
        status, reason = tidy.cell_status(group)
        if status != "ok":
            notes.append(f"{cell.contender}: {status}: {reason}")
            notes.append(f"  repeat it: {tidy.command_for(cell, about)}")
    return notes


def _target(name: str, about: dict[str, Any]) -> str:
    """What the score is and which one counts as learned."""
    data = about["datasets"][name]
    if data.get("target") is None:
        return ""
    words = {
        "accuracy": "accuracy on the test rows, target at least",
        "rmse": "root mean squared error on the test rows, target at most",
    }
    return f"Score: {words[data['metric']]} {data['target']:g}."


def _adam_forms(groups: dict[Cell, list[Record]]) -> str:
    """Who computes which form of Adam, where contenders differ in it."""
    forms: dict[str, list[str]] = {}
    for cell, group in groups.items():
        for record in group:
            form = record["launch"].get("certificate", {}).get("adam_form")
            if form and cell.implementation not in forms.setdefault(form, []):
                forms[form].append(cell.implementation)
    if len(forms) < 2:
        return ""
    named = "; ".join(f"{form}: {', '.join(sorted(who))}" for form, who in sorted(forms.items()))
    return f"Forms of Adam ({named}): certified each, but scores can part where gradients are tiny."


def _early_stopping(groups: dict[Cell, list[Record]]) -> list[str]:
    """Which epoch each launch kept, where the task stops early, and whether all agree by seed."""
    kept: dict[str, dict[int, int]] = {}
    for cell, group in groups.items():
        for record in tidy.good(group):
            best = record["launch"]["readings"].get("best_epoch")
            if best is not None and not cell.label:
                kept.setdefault(cell.implementation, {})[job_of(record).seed] = best
    if not kept:
        return []
    common = set.intersection(*(set(seeds) for seeds in kept.values()))
    same = sum(len({seeds[seed] for seeds in kept.values()}) == 1 for seed in common)
    epochs = "; ".join(
        f"{name} {', '.join(str(e) for _, e in sorted(seeds.items()))}"
        for name, seeds in kept.items()
    )
    agreement = f"the best epoch is the same in all for {same} of {len(common)} seeds"
    return [f"Early stopping: {agreement} ({epochs})."]


def floor_of(groups: dict[Cell, list[Record]]) -> Estimate | None:
    """The A/A ratio of training throughput among these cells; None without two pairs."""
    speed = metric("train_throughput")
    for cell, group in groups.items():
        if cell.label == AA_LABEL:
            twin = groups.get(replace(cell, label=""), [])
            a, b = (tidy.values(speed, tidy.good(g)) for g in (group, twin))
            if len(a.keys() & b.keys()) > 1:
                return stats.paired_ratio(a, b)
    return None


def markdown(run: Run, tables: Sequence[TaskTable] | None = None) -> str:
    """The same tables (made here when not given) as GitHub Markdown, with the machine and
    versions under them."""
    about = run.about()
    lines = ["# Benchmark run", "", f"Made {about['created']} by `{about['command']}`.", ""]
    if any(tidy.good([record]) for record in run.records().values()):
        lines += ["![Speed of each contender as a share of the fastest, by task](speed.svg)", ""]
    for one in task_tables(run) if tables is None else tables:
        lines += [f"## {one.title}", "", "| " + " | ".join(HEADINGS) + " |"]
        lines.append("|" + "|".join(["---", "---"] + ["---:"] * (len(HEADINGS) - 2)) + "|")
        lines += ["| " + " | ".join(map(markdown_text, row)) + " |" for row in one.rows]
        lines += [
            "",
            *_second(breakeven.HEADINGS, one.modes),
            *_second(achieved.HEADINGS, one.work),
        ]
        lines += [*[f"{markdown_text(note)}  " for note in one.notes], ""]
    lines += search_report.markdown(run)
    lines += ["## Machine and versions", ""]
    lines += [f"- {key}: {value}" for key, value in about["machine"].items()]
    lines += [f"- {name}: {text}" for name, text in _settings(run).items()]
    return "\n".join(lines) + "\n"


def _second(headings: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """A further Markdown table of a task; nothing without rows."""
    if not body:
        return []
    rows = [headings, ["---", *["---:"] * (len(headings) - 1)], *body]
    return ["| " + " | ".join(row) + " |" for row in rows] + [""]


def _settings(run: Run) -> dict[str, str]:
    found = {}
    for record in run.records().values():
        settings = record["launch"].get("settings")
        if settings:
            name = record["launch"]["job"]["cell"]["implementation"]
            found[name] = ", ".join(f"{k}={v}" for k, v in settings.items())
    return dict(sorted(found.items()))


def markdown_text(text: str) -> str:
    """Text that neither ends a table's cell nor starts HTML."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def certificate_rows(run: Run) -> list[dict[str, Any]]:
    """One row a certificate: who, how it ended, the worst error of each check."""
    rows: list[dict[str, Any]] = []
    for record in run.records().values():
        launch = record["launch"]
        if launch["job"]["kind"] != "certify":
            continue
        certificate = launch.get("certificate", {})
        cell = launch["job"]["cell"]
        rows.append(
            {
                "task": cell["task"],
                "implementation": cell["implementation"],
                "status": launch["status"],
                "worst": _worst_check(certificate.get("checks", [])),
                "adam": certificate.get("adam_form", ""),
                "reason": launch["reason"],
                "checks": certificate.get("checks", []),
            }
        )
    return rows


def _worst_check(checks: list[dict[str, Any]]) -> str:
    """The check that came nearest to its bound, as "name error / bound"."""
    measured = [c for c in checks if c["bound"] > 0]
    if not measured:
        return ""
    worst = max(measured, key=lambda c: float(c["error"] / c["bound"]))
    return f"{worst['name']} {worst['error']:.1e} (bound {worst['bound']:.0e})"
