"""What claims are judged by: a run's results, its evidence, the sizes of programs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar

from bench.claims.programs import ProgramSize
from bench.judge.leads import Judged
from bench.records.beside import EvidenceRequest
from bench.records.parts import Strict
from bench.records.results import Results

ClaimVerdict = Literal["supported", "contradicted", "undecided", "not measurable here"]
A = TypeVar("A", bound=Strict)
V = TypeVar("V")

ARTICLES = ("tensorflow", "pytorch", "keras", "mxnet")
NOT_MEASURED = "Not measured with this run; the command “bench evidence RUN” does it."
NOT_DISTRIBUTED = "Not measured with this run; the command “bench distribute RUN” does it."
MORE_THAN_HALF = 0.5


@dataclass(frozen=True)
class ClaimFacts:
    """All that can be asked. sizes: framework → family → size of its program. judged: the run's
    verdicts by metric."""

    results: Results
    sizes: Mapping[str, Mapping[str, ProgramSize]]
    judged: Judged

    def answers(self, part: type[A]) -> Iterator[tuple[EvidenceRequest, A]]:
        """All answers of one type, with what was asked."""
        evidence = self.results.evidence
        for entry in evidence.answers.values() if evidence else ():
            if isinstance(entry.measured, part):
                yield entry.asked, entry.measured

    def answer(self, part: type[A], framework: str) -> A | None:
        """One framework's answer; None where it was not measured or has no result."""
        own = (found for asked, found in self.answers(part) if asked.framework == framework)
        return next(own, None)

    def implementations(self, framework: str) -> list[str]:
        """The framework's measured implementations, tuners apart, in the run's order."""
        have = {r.cell.implementation for r in self.results.contenders if r.good}
        return [
            name for name in self.results.about.request.implementations
            if name in have and name.startswith(f"{framework}:")
        ]  # fmt: skip


class Conclusion(NamedTuple):
    """The verdict of one piece of evidence, and the sentence that shows its numbers."""

    verdict: ClaimVerdict
    text: str


@dataclass(frozen=True)
class Evidence:
    """`method`: what is measured and how. `rule`: when it supports the claim, and when it
    contradicts it; anything between stays undecided. `conclude`: the rule, for a framework."""

    name: str
    method: str
    rule: str
    conclude: Callable[[ClaimFacts, str], Conclusion]


def count(values: Sequence[bool]) -> str:
    """How many are true, of how many."""
    return f"{sum(values)}/{len(values)}"


def each(values: Mapping[str, V], say: Callable[[V], str]) -> str:
    """Frameworks with what is said of each, those of the articles first."""
    order = [f for f in ARTICLES if f in values] + [f for f in values if f not in ARTICLES]
    return ", ".join(f"{name} {say(values[name])}" for name in order)
