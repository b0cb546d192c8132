"""The gate of a comparison: green only for what it could have seen. Pure.

Every question is turned so that above zero is worse, d with estimate m, error se and degrees of
freedom df. Its one-sided bound is U = m + t(.95, df) · se. The largest U of several is a bound for
all of them together, whatever their number and dependence (intersection-union; Berger 1982): if
some true d were at least max U, its own U would have to miss it, which happens in 5 %. So
X = exp(max U) - 1 is printed as "no regression above X %", and the gate is green when X is under
the tolerance that was declared before.

Two tiers. *Primary* are the means over tasks, one an implementation and kind (of several metrics of
a kind, the mean with the mean of their errors, which holds for any dependence); all of them must be
under the tolerance. And no single question may be a regression: one-sided p-values, false
discoveries controlled at the rule's alpha over the questions in scope, and m above the margin.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf, isfinite, log1p, sqrt

from bench.judge.verdict import Question, Rule, Verdict, corrected, known, least_known
from bench.records.metrics import QuestionKind
from bench.stats import POWER, Effect, from_log, quantile

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Tolerance:
    """The largest worsening that passes, declared before: of times, of memory, of scores (in
    their own unit)."""

    timing: float = 0.05
    memory: float = 0.02
    score: float = 0.005

    def of(self, kind: QuestionKind, ratio: bool) -> float:
        """On the scale that is judged."""
        if kind == "memory":
            return log1p(self.memory)
        return log1p(self.timing) if ratio else self.score


DEFAULT = Tolerance()


@dataclass(frozen=True)
class Primary:
    """The mean over tasks of one implementation in one kind; `effect` above zero is worse.

    tolerance: on the effect's scale, logarithms when `ratio`.
    """

    implementation: str
    kind: QuestionKind
    ratio: bool
    effect: Effect
    tolerance: float
    tasks: int

    @property
    def bound(self) -> float:
        """U: the worst that 95 % admit."""
        return upper(self.kind, self.effect)

    @property
    def green(self) -> bool:
        """Whether the bound is under the tolerance."""
        return self.bound < self.tolerance

    def detectable(self, alpha: float) -> float:
        """The smallest worsening that a test at `alpha` would have found with 80 % power."""
        return self.effect.detectable(alpha)

    def more_sittings(self, power: float = POWER) -> float:
        """How many more would show the tolerance if nothing is worse; inf where none would."""
        needed = self.effect.launches_for(self.tolerance, 1 - CONFIDENCE, 1, power)
        if not isfinite(needed):
            return inf
        return max(1.0, ceil(max(needed, least_known(self.kind, self.effect))) - self.effect.n)


def upper(kind: QuestionKind, worse: Effect) -> float:
    """U = m + t(.95, df) · se of a worsening; inf where the error is not known well enough."""
    if not worse.error > 0 or not known(kind, worse):
        return inf
    return worse.mean + quantile(CONFIDENCE, worse.df) * worse.error


def worsening(q: Question) -> Effect:
    """The effect, above zero where it is worse."""
    return replace(q.effect, mean=-q.effect.mean) if q.higher_is_better else q.effect


def regressions(questions: Sequence[Question], rule: Rule) -> list[float | None]:
    """Corrected one-sided p of each question that is a regression, None of each that is not."""
    if not questions:
        return []
    effects = [worsening(q) for q in questions]
    ps = corrected([e.p_above() for e in effects])
    return [
        p if q.enough and p <= rule.alpha and e.mean > rule.on_scale(q.ratio) else None
        for q, e, p in zip(questions, effects, ps, strict=True)
    ]


def answered(verdicts: Sequence[Verdict], rule: Rule) -> list[Verdict]:
    """The verdicts in scope with "worse" said of regressions and of nothing else."""
    found = regressions([v.question for v in verdicts], rule)
    return [_answered(v, p) for v, p in zip(verdicts, found, strict=True)]


def _answered(v: Verdict, p: float | None) -> Verdict:
    if p is not None:
        return Verdict(v.question, "worse", p)
    if v.outcome == "worse":
        return Verdict(v.question, "undecided", v.p, 1)
    return v


def primaries(
    questions: Sequence[Question], tolerance: Tolerance = DEFAULT, shift: float = 0.0
) -> list[Primary]:
    """Of each implementation and kind, the mean over tasks.

    shift: standard deviation of what all of a run's times differ by from another run's, on the log
    scale; it does not average out over tasks.
    """
    groups: dict[tuple[str, QuestionKind, bool], dict[str, list[Effect]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for q in questions:
        groups[q.new, q.kind, q.ratio][q.task].append(worsening(q))
    return [
        Primary(
            name, kind, ratio, _over_tasks(by_task.values()).widened(shift=shift * timed(kind)),
            tolerance.of(kind, ratio), len(by_task),
        )
        for (name, kind, ratio), by_task in groups.items()
    ]  # fmt: skip


def timed(kind: QuestionKind) -> bool:
    """Whether a machine that is slower on another day would move it."""
    return kind not in ("memory", "accuracy")


def _over_tasks(by_task: Iterable[Sequence[Effect]]) -> Effect:
    tasks = [_over_metrics(effects) for effects in by_task]
    mean = sum(e.mean for e in tasks) / len(tasks)
    error = sqrt(sum(e.error**2 for e in tasks)) / len(tasks)
    return Effect(mean, error, min(e.df for e in tasks), min(e.n for e in tasks))


def _over_metrics(effects: Sequence[Effect]) -> Effect:
    """Their errors depend on one another as they come from the same launches: the mean of the
    errors is what they can amount to at most."""
    k = len(effects)
    mean, error = (sum(x) / k for x in zip(*((e.mean, e.error) for e in effects), strict=True))
    return Effect(mean, error, min(e.df for e in effects), min(e.n for e in effects))


def unit(p: Primary) -> str:
    """Which of the three tolerances is its own: times, memory or scores."""
    if p.kind == "memory":
        return "memory"
    return "times" if p.ratio else "scores"


def text(size: float, ratio: bool) -> str:
    """A size on the judged scale, for people."""
    if not isfinite(size):
        return "an unknown size"
    return f"{from_log(size) - 1:.1%}" if ratio else f"{size:.4f}"


def seen(found: Sequence[Primary], cells: Sequence[Question] = ()) -> str:
    """No regression above X, one X a tolerance; empty without a question. cells: the single
    questions in scope, of which the widest is named too."""
    parts = []
    for name in ("times", "memory", "scores"):
        own = [p for p in found if unit(p) == name]
        if own:
            worst = max(own, key=lambda p: p.bound)
            parts.append(f"{text(max(0.0, worst.bound), worst.ratio)} in {name}")
    if not parts:
        return ""
    said = f"no regression above {', '.join(parts)} (95 %, each implementation's mean over tasks"
    single = max((upper(q.kind, worsening(q)) for q in cells if q.ratio), default=0.0)
    return f"{said}; in a single cell and metric above {text(single, True)})"


def unseen(found: Sequence[Primary], rule: Rule, questions: int) -> list[str]:
    """Of each kind that is not green, in words: X, what could have been seen, what would show it.

    questions: how many are in scope, as a regression must clear their correction.
    """
    lines = []
    failing = [p for p in found if not p.green]
    power = 1 - (1 - POWER) / max(1, len(found))  # so that all primaries together have 80 %
    for kind in dict.fromkeys(p.kind for p in failing):
        own = [p for p in failing if p.kind == kind]
        worst = max(own, key=lambda p: (p.bound, p.effect.error))
        least = worst.detectable(rule.alpha / max(1, questions))
        more = worst.more_sittings(power)
        count = f"about {more:.0f}" if more < 1000 else "more than 1000"
        lines.append(
            f"{kind}: {len(own)} of {sum(p.kind == kind for p in found)} implementations not shown "
            f"to be within {text(worst.tolerance, worst.ratio)}; {worst.implementation} may be "
            f"worse by {text(worst.bound, worst.ratio)}; the smallest change that {worst.effect.n} "
            f"sittings find is {text(least, worst.ratio)}; {count} more would show the tolerance"
        )
    return lines
