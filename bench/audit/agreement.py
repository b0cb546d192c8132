"""Do two runs say the same? Verdicts of both on the same questions, side by side.

``python -m bench.audit.agreement A B [--out results/agreement]`` writes agreement.csv, one row a
question, and agreement.md. Exit status 1 where one run says faster and the other slower.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from bench.judge.verdict import Decision, Verdict
from bench.records.fingerprint import differences
from bench.records.metrics import judged
from bench.records.results import Results
from bench.records.store import Run
from bench.site import pairs
from tasks.errors import UserError

COLUMNS = ["task", "division", "metric", "base", "new", "a", "a_low", "a_high", "a_says", "b",
           "b_low", "b_high", "b_says", "together"]  # fmt: skip
Together = Literal["agree", "one decides", "both undecided", "differ", "contradict"]
AnswerKey = tuple[str, str, str, str, str]


def together(a: Decision, b: Decision) -> Together:
    """How two verdicts on one question stand to one another."""
    if a == b:
        return "both undecided" if a == "undecided" else "agree"
    if "undecided" in (a, b):
        return "one decides"
    return "contradict" if {a, b} == {"better", "worse"} else "differ"


def table(a: Results, b: Results) -> pd.DataFrame:
    """Columns `COLUMNS`: every question that both runs answered; base and new in the order of A.
    a, b: new over base (scores: new minus base) with 95 % intervals."""
    first, second = verdicts(a), verdicts(b)
    rows = []
    for key, verdict in first.items():
        other = second.get(key)
        if other is None:
            continue
        said = together(verdict.outcome, other.outcome)
        rows.append((*key, *verdict.change, verdict.outcome, *other.change, other.outcome, said))
    return pd.DataFrame(rows, columns=COLUMNS)


def verdicts(results: Results) -> dict[AnswerKey, Verdict]:
    """Task, division, metric, base, new → the verdict; each pair both ways round."""
    found: dict[AnswerKey, Verdict] = {}
    for m in judged():
        for contest, verdict in pairs.answers(results, m.name):
            q = verdict.question
            first, last = sorted((q.base, q.new))
            turned = verdict if q.base == first else pairs.turned(verdict)
            found[contest.task, contest.division, m.name, first, last] = turned
    return found


def text(found: pd.DataFrame, a: Results, b: Results, unlike: Sequence[str]) -> str:
    """The summary, as Markdown."""
    counts = found["together"].value_counts()
    both = found[(found["a_says"] != "undecided") & (found["b_says"] != "undecided")]
    agree = int(counts.get("agree", 0))
    lines = [
        "# Agreement of two runs",
        "",
        f"Made by `python -m bench.audit.agreement {a.path} {b.path}`.",
        "",
        f"A: {a.name} ({a.about.created[:10]}). B: {b.name} ({b.about.created[:10]}). "
        f"{len(found)} questions (two implementations, one metric) were answered by both.",
        "",
        "| verdicts | questions |",
        "|---|---:|",
        *(f"| {word} | {int(counts.get(word, 0))} |" for word in Together.__args__),  # type: ignore[attr-defined]
        "",
        f"Where both decide, {agree} of {len(both)} agree"
        + (f" ({agree / len(both):.1%})." if len(both) else "."),
        "",
    ]
    if unlike:
        lines += ["The runs differ, so that verdicts may differ for that reason:", ""]
        lines += [f"- {line}" for line in unlike] + [""]
    return "\n".join([*lines, *_contradictions(found)]) + "\n"


def _contradictions(found: pd.DataFrame) -> list[str]:
    against = found[found["together"] == "contradict"]
    if against.empty:
        return ["No pair of verdicts contradicts another (faster in one, slower in the other)."]
    lines = [f"{len(against)} contradict one another (new over base, 95 % intervals):", ""]
    lines += ["| task | metric | base | new | A | B |", "|---|---|---|---|---|---|"]
    return lines + [
        f"| {r.task} | {r.metric} | {r.base} | {r.new} "
        f"| {r.a:.3f} ({r.a_low:.3f} to {r.a_high:.3f}) "
        f"| {r.b:.3f} ({r.b_low:.3f} to {r.b_high:.3f}) |"
        for r in against.itertuples()
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0: no contradiction; 1: one; 2: nothing that both answered, or no run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("a", type=Path)
    parser.add_argument("b", type=Path)
    parser.add_argument("--out", type=Path, default=Path("results/agreement"))
    asked = parser.parse_args(arguments)
    try:
        a, b = (Results.read(Run.open(path)) for path in (asked.a, asked.b))
        if asked.a.resolve() == asked.b.resolve():
            raise UserError(f"{asked.a} is both A and B: a run always agrees with itself")
        found = table(a, b)
        if found.empty:
            raise UserError(f"{asked.a} and {asked.b} have no question in common")
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    asked.out.mkdir(parents=True, exist_ok=True)
    found.to_csv(asked.out / "agreement.csv", index=False, float_format="%.5g")
    summary = text(found, a, b, differences(a.about, b.about))
    (asked.out / "agreement.md").write_text(summary, encoding="utf-8")
    print(summary, end="")
    return int((found["together"] == "contradict").any())


if __name__ == "__main__":
    sys.exit(main())
