"""How finely a run decided, how long it took, and whether runs agree. Pure: results in, figures
out; `bench.audit.precision` makes the runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb, isnan
from statistics import median
from typing import Literal

from bench.audit.neighbour import Condition
from bench.judge import questions
from bench.judge.divisions import contests
from bench.judge.verdict import Decision, Verdict
from bench.records.metrics import SPEED
from bench.records.parts import Seconds, Strict, TurnRecord
from bench.records.results import Results
from bench.records.schema import Launch
from bench.run.sitting import PAUSE_SECONDS, PHASES

ASKED = (SPEED, "step_latency_p50", "infer_throughput", "infer_latency_p50")
AskedOf = tuple[str, str, str, str]
"""Task, metric and the two contenders of a question, these in the order of their names."""
StagePart = Literal[
    "rounds of learning", "rounds in turns", "waking and switching in turns", "turns put aside",
    "imports", "building", "staging data", "first steps and rounds", "rest of the sittings",
    "certificates", "starting and preparing data", "the machine's ceiling",
    "after the last sitting",
]  # fmt: skip
TIMED_PARTS: tuple[StagePart, ...] = ("rounds of learning", "rounds in turns")


class FinishedRun(Strict):
    """When what of a run was done, in seconds since its command was started.

    begun: run.json was written. ceiling: the machine's, None where it was not measured. records:
    job id → its record was written. ended: the command had ended.
    """

    condition: Condition
    number: int
    options: tuple[str, ...]
    begun: Seconds
    ceiling: Seconds | None
    records: dict[str, Seconds]
    ended: Seconds

    @property
    def name(self) -> str:
        """As its folder is named."""
        return f"{self.condition}-{self.number}"


@dataclass(frozen=True)
class RunFigures:
    """What one run shows.

    half_widths: of the training-speed ratios of all pairs, relative to the ratio. asked: how many
    speed questions there are, those that lack a launch too. verdicts: of each pair, the second name
    against the first. parts: seconds by what they went to; their sum is the wall time. disturbed:
    share of the turns that had a cause.
    """

    run: FinishedRun
    half_widths: tuple[float, ...]
    asked: int
    verdicts: Mapping[AskedOf, Verdict]
    parts: Mapping[StagePart, float]
    disturbed: float

    @property
    def median_half_width(self) -> float:
        """Infinite where no ratio was measured."""
        return median(self.half_widths) if self.half_widths else float("inf")

    @property
    def greatest_half_width(self) -> float:
        """Infinite where no ratio was measured."""
        return max(self.half_widths, default=float("inf"))

    @property
    def answered(self) -> float:
        """Share of the speed questions that are decided or equivalent."""
        known = sum(v.outcome != "undecided" for v in self.verdicts.values())
        return known / self.asked if self.asked else 0.0

    @property
    def minutes(self) -> float:
        """Of wall time."""
        return self.run.ended / 60

    @property
    def timed(self) -> float:
        """Share of the wall time in timed rounds."""
        return sum(self.parts[part] for part in TIMED_PARTS) / self.run.ended


def figures(results: Results, run: FinishedRun) -> RunFigures:
    """All figures of one run."""
    verdicts = speed_verdicts(results)
    turns = _turns(results)
    return RunFigures(
        run,
        tuple(_half_width(v) for (_, metric, *_), v in verdicts.items() if metric == SPEED),
        questions_asked(results),
        verdicts,
        parts(results, run),
        sum(bool(turn.cause) for turn in turns) / len(turns) if turns else 0.0,
    )


def speed_verdicts(results: Results) -> dict[AskedOf, Verdict]:
    """The verdicts on every pair of every contest in the four speeds, each a table of its own, as
    in a report."""
    a_a = questions.a_a_questions(results)
    verdicts: dict[AskedOf, Verdict] = {}
    for name in ASKED:
        asked = [q for _, q in questions.pairs_of(results, name)]
        for v in questions.answered(results, asked, a_a) if asked else ():
            q = v.question
            first, second = sorted((q.base, q.new))
            verdicts[q.task, q.metric, first, second] = v if q.new == second else _turned(v)
    return verdicts


def _turned(v: Verdict) -> Verdict:
    turned: dict[Decision, Decision] = {"better": "worse", "worse": "better"}
    return Verdict(v.question.turned(), turned.get(v.outcome, v.outcome), v.p, v.more_launches)


def questions_asked(results: Results) -> int:
    """All pairs of contenders in the four speeds, but for those who say that they cannot."""
    able = (
        sum(r.status != "unsupported" for r in contest.cells(results))
        for contest in contests(results)
    )
    return len(ASKED) * sum(comb(count, 2) for count in able)


def _half_width(v: Verdict) -> float:
    ratio, low, high = v.change
    width = (high - low) / 2 / ratio
    return float("inf") if isnan(width) else width


def parts(results: Results, run: FinishedRun) -> dict[StagePart, float]:
    """Seconds of the wall time by what they went to.

    A sitting lasts from the record before it to its own; what of that is not in its records
    (processes that start and end, pytest, evaluation, choosing what is next) is its rest.
    """
    first = run.begun if run.ceiling is None else run.ceiling
    certificates, sittings, last = _stages(results, run, first)
    measured = [x for x in results.launches if x.kind == "measure" and x.status == "ok"]
    turns = _turns(results)
    counting = sum(turn.seconds for turn in turns if turn.counts)
    pauses = PAUSE_SECONDS * sum(bool(turn.cause) for turn in turns)
    learning = sum(float(x.rounds("learn").sum()) for x in measured)
    rounds = sum(float(x.rounds(phase).sum()) for x in measured for phase in PHASES)
    inside: dict[StagePart, float] = {
        "rounds of learning": learning,
        "rounds in turns": rounds,
        "waking and switching in turns": counting - rounds,
        "turns put aside": sum(turn.seconds for turn in turns if not turn.counts) + pauses,
        "imports": _start(measured, "import_"),
        "building": _start(measured, "build"),
        "staging data": _start(measured, "stage"),
        "first steps and rounds": _start(measured, "first_step", "first_round"),
    }
    return inside | {
        "rest of the sittings": sittings - sum(inside.values()),
        "certificates": certificates,
        "starting and preparing data": run.begun,
        "the machine's ceiling": first - run.begun,
        "after the last sitting": run.ended - last,
    }


def _stages(results: Results, run: FinishedRun, first: float) -> tuple[float, float, float]:
    """Seconds of all certificates, of all sittings, and when the last of them was over."""
    ends: dict[tuple[str, str, int, str], float] = {}
    for x in results.launches:
        alone = x.cell.contender if x.kind == "certify" else ""
        stage = (x.kind, x.cell.task, x.job.block, alone)
        ends[stage] = max(ends.get(stage, 0.0), run.records[x.job.id])
    seconds = {"certify": 0.0, "measure": 0.0, "search": 0.0}
    for (kind, *_), end in sorted(ends.items(), key=lambda item: item[1]):
        seconds[kind] += end - first
        first = end
    return seconds["certify"], seconds["measure"] + seconds["search"], first


def _turns(results: Results) -> list[TurnRecord]:
    """Every turn of every sitting, once; who had no seat in one has none in its record."""
    of_sitting: dict[tuple[str, int], tuple[TurnRecord, ...]] = {}
    for x in results.launches:
        if x.launch.turns:
            of_sitting[x.cell.task, x.job.block] = x.launch.turns
    return [turn for turns in of_sitting.values() for turn in turns]


def _start(launches: Sequence[Launch], *names: str) -> float:
    return sum(getattr(x.launch.seconds, name) or 0.0 for x in launches for name in names)


@dataclass(frozen=True)
class Promised:
    """What a run of a condition is to show: at most these half-widths and minutes, at least this
    share of questions answered. None: nothing is promised."""

    median_half_width: float
    answered: float
    greatest_half_width: float | None = None
    minutes: float | None = None


PROMISED: Mapping[Condition, Promised] = {
    "quiet": Promised(0.03, 0.90, greatest_half_width=0.10, minutes=10.0),
    "bursts": Promised(0.06, 0.75),
}


def broken(runs: Sequence[RunFigures]) -> list[str]:
    """The promises that are not kept, a sentence each."""
    return [
        *(f"{run.run.name}: {words}" for run in runs for words in _broken(run)),
        *contradictions(runs),
    ]


def _broken(run: RunFigures) -> Iterator[str]:
    promised = PROMISED.get(run.run.condition)
    if promised is None:
        return
    if not run.median_half_width <= promised.median_half_width:
        yield (
            f"the median half-width of training-speed ratios is {run.median_half_width:.1%}, "
            f"{promised.median_half_width:.0%} is promised"
        )
    greatest = promised.greatest_half_width
    if greatest is not None and not run.greatest_half_width <= greatest:
        yield (
            f"the greatest half-width of a training-speed ratio is "
            f"{run.greatest_half_width:.1%}, {greatest:.0%} is promised"
        )
    if not run.answered >= promised.answered:
        yield (
            f"{run.answered:.1%} of the speed questions are answered, "
            f"{promised.answered:.0%} are promised"
        )
    if promised.minutes is not None and not run.minutes <= promised.minutes:
        yield f"it took {run.minutes:.1f} minutes, {promised.minutes:.0f} are promised"


def contradictions(runs: Sequence[RunFigures]) -> list[str]:
    """Where a contender is faster in one run and slower in another, a sentence each."""
    sentences = []
    for one, other in combinations(runs, 2):
        for key in sorted(one.verdicts.keys() & other.verdicts.keys()):
            outcomes = {run.verdicts[key].outcome for run in (one, other)}
            if outcomes == {"better", "worse"}:
                task, metric, first, second = key
                said = " and ".join(_said(run, run.verdicts[key]) for run in (one, other))
                sentences.append(f"{task}, {metric}: {second} is {said}, of {first}")
    return sentences


def _said(run: RunFigures, v: Verdict) -> str:
    return f"{v.word} in {run.run.name} ({v.change[0]:.3f})"


def agreement(runs: Sequence[RunFigures]) -> tuple[int, int]:
    """Of how many questions of two runs both give the same verdict, and how many there are."""
    same = both = 0
    for one, other in combinations(runs, 2):
        common = one.verdicts.keys() & other.verdicts.keys()
        both += len(common)
        same += sum(one.verdicts[k].outcome == other.verdicts[k].outcome for k in common)
    return same, both
