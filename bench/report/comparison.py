"""A comparison as text, Markdown, JSON and JUnit XML. Pure: a `Comparison` in, text out."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any
from xml.etree import ElementTree

from bench.judge import verdict
from bench.judge.compare import Comparison, Unjudged
from bench.judge.gate import Primary
from bench.judge.verdict import MOST_LAUNCHES, Verdict
from bench.report.blocks import Column, Row, Table, label
from bench.report.exporting import printable
from bench.report.layouts import markdown as layout

COLUMNS = (
    label("task"), label("implementation"), label("metric"), label("verdict"),
    Column("NEW / BASE"), Column("95 % interval"), Column("launches"),
)  # fmt: skip


def table(c: Comparison) -> Table:
    """One row a verdict, in the order they were asked."""
    return Table(f"{c.base} against {c.new}", COLUMNS, tuple(_row(v) for v in c.verdicts))


def _row(v: Verdict) -> Row:
    q = v.question
    form = ".3f" if q.ratio else "+.4f"
    value, low, high = v.change
    interval = f"{low:{form}} to {high:{form}}" if low == low else ""
    return (q.task, q.new, q.metric, _word(v), f"{value:{form}}", interval, str(q.effect.n))


def _word(v: Verdict) -> str:
    if v.outcome != "undecided":
        return v.word
    more = v.more_launches
    return f"undecided (+{more})" if more <= MOST_LAUNCHES else f"undecided (+>{MOST_LAUNCHES})"


def tail(c: Comparison) -> list[str]:
    """What follows the table: what could not be judged or seen, notes, and the answer last."""
    lines = [f"not judged: {_where(u)}: {u.reason}" for u in c.unjudged]
    lines += [f"not shown: {reason}" for reason in c.unseen]
    lines += [f"note: {note}" for note in c.notes]
    return [*lines, answer(c)]


def answer(c: Comparison) -> str:
    """One line: the status, and what was seen."""
    if c.regressions:
        named = (f"{v.question.new} {v.question.metric} ({v.question.task})" for v in c.regressions)
        return f"regression: {', '.join(named)}"
    if c.status == "no regression":
        return c.seen
    if c.void or not c.seen:
        return c.status
    return f"{c.status}: {c.seen}"


def _where(u: Unjudged) -> str:
    return " ".join(part for part in (u.task, u.implementation, u.metric) if part)


def text(c: Comparison) -> str:
    """Aligned columns and the lines under them; never broken, so that a log keeps it whole."""
    verdicts = table(c)
    lines = [tuple(column.heading for column in verdicts.columns), *verdicts.rows]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    aligned = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
    return "\n".join([verdicts.title, "", *aligned, "", *tail(c)]) + "\n"


def markdown(c: Comparison) -> str:
    """A GitHub table and the lines under it: for a pull request's comment."""
    verdicts = table(c)
    lines = [f"## {layout.escaped(verdicts.title)}: {c.status}", ""]
    lines += layout.rows(verdicts.columns, verdicts.rows)
    lines += ["", *[f"- {layout.escaped(line)}" for line in tail(c)]]
    return "\n".join(lines) + "\n"


def as_json(c: Comparison) -> str:
    """Everything, for programs; numbers that are not finite become null."""
    found = {
        "base": c.base,
        "new": c.new,
        "paired": c.paired,
        "fail_on": c.gate.fail_on,
        "status": c.status,
        "exit_code": c.exit_code,
        "answer": answer(c),
        "primaries": [_json_primary(p) for p in c.primaries],
        "unseen": c.unseen,
        "verdicts": [_json_verdict(c, v) for v in c.verdicts],
        "unjudged": [asdict(u) for u in c.unjudged],
        "notes": list(c.notes),
    }
    return json.dumps(found, indent=1, allow_nan=False)


def _json_verdict(c: Comparison, v: Verdict) -> dict[str, Any]:
    q = v.question
    value, low, high = v.change
    return {
        "task": q.task,
        "implementation": q.new,
        "metric": q.metric,
        "kind": q.kind,
        "verdict": v.word,
        "regression": v in c.regressions,
        "scale": "ratio" if q.ratio else "difference",
        "value": _finite(value),
        "low": _finite(low),
        "high": _finite(high),
        "p": v.p,
        "launches": q.effect.n,
        "more_launches": v.more_launches,
    }


def _json_primary(p: Primary) -> dict[str, Any]:
    return {
        "implementation": p.implementation,
        "kind": p.kind,
        "tasks": p.tasks,
        "scale": "ratio" if p.ratio else "difference",
        "worse": _finite(p.effect.mean),
        "bound": _finite(p.bound),
        "tolerance": p.tolerance,
        "green": p.green,
    }


def _finite(x: float) -> float | None:
    return x if abs(x) < float("inf") else None


def junit(c: Comparison) -> str:
    """One test case a verdict: regressions are failures, unjudged cells errors, undecided and
    out-of-scope verdicts are skipped."""
    cases = [_case(c, v) for v in c.verdicts]
    for u in c.unjudged:
        case = _element("testcase", classname=u.task, name=f"{u.implementation} {u.metric}".strip())
        case.append(_element("error", message=u.reason))
        cases.append(case)
    if c.status == "could not judge" and not c.unjudged:  # never a green report of nothing
        case = _element("testcase", classname="gate", name="judged")
        case.append(_element("error", message="; ".join(c.unseen) or "nothing was compared"))
        cases.append(case)
    counts = {
        name: str(sum(case.find(tag) is not None for case in cases))
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
    }
    suite = _element("testsuite", name="bench compare", tests=str(len(cases)), **counts)
    suite.extend(cases)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    text: str = ElementTree.tostring(root, encoding="unicode")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + text + "\n"


def _case(c: Comparison, v: Verdict) -> ElementTree.Element:
    q = v.question
    case = _element("testcase", classname=q.task, name=f"{q.new} {q.metric}")
    if v in c.regressions:
        case.append(_element("failure", message=verdict.sentence(v)))
    elif v.outcome == "undecided" or v not in c.in_scope:
        case.append(_element("skipped", message=verdict.sentence(v)))
    return case


def _element(tag: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.Element(tag, {k: printable(v) for k, v in attributes.items()})
