"""What claims are judged by: the run's cells, the probes' answers, the programs' sizes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bench.claims.programs import Size
from bench.judge.leads import Judged
from bench.judge.questions import Groups
from bench.records import tidy

Word = Literal["supported", "contradicted", "undecided", "not measurable here"]
Answer = tuple[Word, str]
"""The verdict of one piece of evidence, and the sentence that shows its numbers."""

ARTICLES = ("tensorflow", "pytorch", "keras", "mxnet")
NOT_MEASURED = "Not measured with this run; the command “bench evidence RUN” does it."
MORE_THAN_HALF = 0.5


@dataclass(frozen=True)
class Facts:
    """All that can be asked. answers: id → request and answer, of `bench.run.probes`. judged: the
    run's verdicts by metric."""

    groups: Groups
    about: dict[str, Any]
    answers: dict[str, Any]
    sizes: dict[str, dict[str, Size]]
    judged: Judged

    def answer(self, part: str, framework: str) -> dict[str, Any] | None:
        """One part's answer; None where it was not measured or has no result."""
        entry = self.answers.get(f"{part}~{framework}")
        found = entry["answer"] if entry else None
        return None if found is None or "reason" in found else found

    def implementations(self, framework: str) -> list[str]:
        """The framework's measured implementations, tuners apart, in the run's order."""
        have = {c.implementation for c, g in self.groups.items() if tidy.good(g)}
        return [
            n for n in self.about["request"]["implementations"]
            if n in have and n.startswith(f"{framework}:")
        ]  # fmt: skip


def count(values: Sequence[bool]) -> str:
    """How many are true, of how many."""
    return f"{sum(values)}/{len(values)}"


def each(values: dict[str, Any], say: Callable[[Any], str]) -> str:
    """Frameworks with what is said of each, those of the articles first."""
    order = [f for f in ARTICLES if f in values] + [f for f in values if f not in ARTICLES]
    return ", ".join(f"{name} {say(values[name])}" for name in order)
