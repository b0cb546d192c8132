"""What the certificate covers, as a table in adapters/README.md, from what was measured.

    python -m bench.audit.coverage --honest results/certificate/honest.jsonl \
        --mutants results/certificate [--readme adapters/README.md]

honest: lines of bench.audit.honest. mutants: a folder with JSON files of bench.audit.mutants. The
table stands between two marks of the README, and everything between them is written anew.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.mutants.catalogue import FAULTS

BEGIN, END = "<!-- coverage -->", "<!-- /coverage -->"
LIMITS = (
    "More work than the task asks with the same results: a prediction made twice, a mode for "
    "debugging that an adapter does not read back. It costs the contender its own speed and is no "
    "wrong answer.",
    "A fault that shows in fewer than half of the draws of weights and rows and is smaller than "
    "the step that sends a check to further draws.",
    "A fault of a call length, batch size or row count that is neither certified nor timed, or one "
    "that begins after more steps than a round, an epoch's prediction and the uneven calls have.",
    "In networks too costly for the oracle the long calls are tried on a narrower network of the "
    "same layers and on the middle of the images: a fault of the wide one alone, in long calls "
    "alone, is not seen.",
    "Outputs are compared on a sample of the rows of a large set, drawn anew with each seed.",
    "In lower precisions, whatever is of the size of their own rounding.",
)


@dataclass(frozen=True)
class Coverage:
    """One kind of fault as one check refuses it. honest: the largest error of honest work there;
    None where that check was in no honest line. faults: how many it refused; smallest: the smallest
    error among them."""

    kind: str
    check: str
    faults: int
    bound: float
    smallest: float
    honest: float | None

    @property
    def margin(self) -> str:
        """How many times as far off the mildest fault is as the worst honest work."""
        if not self.honest or self.bound == 0.0:
            return ""
        return f"{self.smallest / self.honest:.2g}"


def rows(
    honest: Iterable[Mapping[str, Any]], verdicts: Iterable[Mapping[str, Any]]
) -> list[Coverage]:
    """By kind, and within it the checks that refuse most first."""
    largest: dict[str, float] = defaultdict(float)
    for line in honest:
        for name, error in line["errors"].items():
            largest[_stem(name)] = max(largest[_stem(name)], error)
    refused: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for verdict in verdicts:
        if verdict.get("bound") is not None:
            refused[verdict["kind"], _stem(verdict["refused_by"])].append(verdict)
    found = [
        Coverage(
            kind,
            check,
            len({verdict["mutant"] for verdict in some}),
            max(verdict["bound"] for verdict in some),
            min(_number(verdict["error"]) for verdict in some),
            largest.get(check),
        )
        for (kind, check), some in refused.items()
    ]
    return sorted(found, key=lambda row: (row.kind, -row.faults, row.check))


def _stem(check: str) -> str:
    """A check's name without the number of a layer or a row that it is about."""
    words = check.split(" ", 1)
    check = f"dropout {words[1]}" if "_dropout" in words[0] and len(words) > 1 else check
    return check.split(" (")[0]


def _number(error: Any) -> float:
    """No number at all counts as far off."""
    return float("inf") if error is None or error != error else float(error)


def by_launch(verdicts: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Kind → how many faults a launch refuses around its timed rounds, before any check."""
    found: dict[str, set[str]] = defaultdict(set)
    for verdict in verdicts:
        if verdict["refused_by"].startswith("launch: "):
            found[verdict["kind"]].add(verdict["mutant"])
    return {kind: len(names) for kind, names in sorted(found.items())}


def document(
    table: Iterable[Coverage], launched: Mapping[str, int], lines: int, wronged: int
) -> str:
    """The text between the marks."""
    text = [
        "Which check refuses which faults, over what bound, and how far honest work is under it. "
        "A fault is counted at the first check that refuses it; the margin is the error of the "
        "mildest of them over the largest of honest work. Counts have none: nothing may be wrong.",
        "",
        "| kind of fault | check | faults | bound | mildest fault | honest, worst | margin |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for row in table:
        worst = "" if row.honest is None else f"{row.honest:.1e}"
        text.append(
            f"| {row.kind} | {row.check} | {row.faults} | {row.bound:.0e} | {row.smallest:.1e} "
            f"| {worst} | {row.margin} |"
        )
    in_launches = ", ".join(f"{count} of {kind}" for kind, count in launched.items()) or "none"
    text += [
        "",
        f"Refused in a launch, by its settings or by work going on after `wait`: {in_launches}.",
        "",
        f"Honest work: {lines} certificates of real tasks, {wronged} of them refused.",
        "",
        "What it cannot see:",
        "",
        *(f"- {limit}" for limit in LIMITS),
    ]
    unseeable = [mutant for mutant in FAULTS if mutant.unseeable]
    text += [f"- {mutant.name}: {mutant.unseeable}." for mutant in unseeable]
    return "\n".join(text)


def written(readme: str, text: str) -> str:
    """The README with `text` between the marks. Raises `ValueError` where it has none."""
    before, _, rest = readme.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"the README has no {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--honest", type=Path, required=True)
    parser.add_argument("--mutants", type=Path, required=True)
    parser.add_argument("--readme", type=Path, default=Path("adapters/README.md"))
    asked = parser.parse_args()
    honest = [json.loads(line) for line in asked.honest.read_text().splitlines()]
    files = sorted(asked.mutants.glob("*.json"))
    verdicts = [verdict for path in files for verdict in json.loads(path.read_text())["verdicts"]]
    wronged = sum(not line["passed"] for line in honest)
    text = document(rows(honest, verdicts), by_launch(verdicts), len(honest), wronged)
    asked.readme.write_text(written(asked.readme.read_text(), text))


if __name__ == "__main__":
    main()
