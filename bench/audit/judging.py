"""How often the judge errs and how much it sees, on made-up tables: ``results/judging``.

    python -m bench.audit.judging [--tables 1000] [--out results/judging]

Nothing is measured: laws of noise (bench/audit/laws.py) give contenders that do not differ, or by
5 %, and the judge answers as in a report. Seeded, so the same tables give the same file.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from bench import stats
from bench.audit.laws import FRESH, LAWS, TableSize
from bench.judge import gate, spending
from bench.judge.borrowing import borrow
from bench.judge.validity import checks
from bench.judge.verdict import DEFAULT, FINEST, Question, Verdict

SHAPES = (
    TableSize(4, 5, 3),
    TableSize(4, 5, 4),
    TableSize(4, 5, 6),
    TableSize(1, 5, 6),
    TableSize(12, 4, 3),
)
EFFECTS = (0.0, 0.0, 0.0, 0.05, 0.10)
LOOKS = TableSize(4, 5, spending.LOOKS[-1][0])
GATE = TableSize(4, 4, 4)
BOTH_SIDES = replace(GATE, contenders=2 * GATE.contenders)
DECIDED = ("better", "worse")


def asked(logs: np.ndarray) -> list[Question]:
    """Every pair of contenders of every task, by their log seconds (tasks, contenders, sittings),
    or with turns, which give a sitting's own value as in a report."""
    found = []
    for task, cells in enumerate(logs):
        for a, b in combinations(range(len(cells)), 2):
            found.append(_question(f"task{task}", f"c{a}", f"c{b}", cells[b] - cells[a]))
    return found


def _question(task: str, base: str, new: str, differences: np.ndarray) -> Question:
    each = differences
    if differences.ndim > 1:
        each = np.array([stats.hodges_lehmann(turns) for turns in differences])
    effect = stats.sittings_effect(enumerate(each.tolist()), FINEST)
    return Question(task, "step_latency_p50", "latency", base, new, effect, False)


def true_effects(shape: TableSize) -> np.ndarray:
    """Of each pair, in the order of `asked`, where contenders have `EFFECTS`."""
    own = EFFECTS[-shape.contenders :]
    one = [own[b] - own[a] for a, b in combinations(range(shape.contenders), 2)]
    return np.tile(one, shape.tasks)


@dataclass(frozen=True)
class Tally:
    """Of tables of one law and shape, as shares. false: tables of equal contenders with a verdict
    that one differs. equal: questions of them answered "equivalent". power: pairs that differ by
    5 or 10 % and are told apart. covered: 95 % intervals that hold the truth."""

    false: float
    equal: float
    power: float
    covered: float


def tally(name: str, shape: TableSize, tables: int) -> Tally:
    """Judge so many tables of equal contenders, and a third as many of unequal ones."""
    rng = np.random.default_rng([tables, *shape.axes, sum(name.encode())])
    law = {**LAWS, **FRESH}[name]
    false = equal = covered = questions = 0
    for _ in range(tables):
        verdicts = spending.once(asked(law(rng, shape)), [])
        false += any(v.outcome in DECIDED for v in verdicts)
        equal += sum(v.outcome == "equivalent" for v in verdicts)
        covered += sum(_covers(v) for v in verdicts)
        questions += len(verdicts)
    own = np.array(EFFECTS[-shape.contenders :])
    real = true_effects(shape) != 0
    seen = pairs = 0
    for _ in range(tables // 3):
        logs = law(rng, shape)
        shifted = logs + own.reshape(1, -1, *[1] * (logs.ndim - 2))
        outcomes = np.array([v.outcome in DECIDED for v in spending.once(asked(shifted), [])])
        seen += int(outcomes[real].sum())
        pairs += int(real.sum())
    return Tally(false / tables, equal / questions, seen / max(1, pairs), covered / questions)


def _covers(v: Verdict) -> bool:
    low, high = v.question.effect.interval()
    return low <= 0 <= high


def looked(name: str, tables: int) -> tuple[float, float, float]:
    """Runs that go on until every question is answered, of 16 sittings at most: tables of equal
    contenders with a false verdict, the share of their questions answered "equivalent", and the
    mean number of sittings until a pair that differs is told apart (16 where it never is)."""
    rng = np.random.default_rng([tables, 7, sum(name.encode())])
    law = {**LAWS, **FRESH}[name]
    false = 0
    equal: list[float] = []
    took: list[float] = []
    for _ in range(tables):
        verdicts = spending.in_looks(asked(law(rng, LOOKS)), [], spending.LOOKS)
        false += any(v.outcome in DECIDED for v in verdicts)
        equal.append(float(np.mean([v.outcome == "equivalent" for v in verdicts])))
    real = true_effects(LOOKS) != 0
    for _ in range(tables // 3):
        logs = law(rng, LOOKS)
        own = np.array(EFFECTS).reshape(1, -1, *[1] * (logs.ndim - 2))
        took.append(float(_sittings(asked(logs + own))[real].mean()))
    return false / tables, float(np.mean(equal)), float(np.mean(took))


def _sittings(questions: Sequence[Question]) -> np.ndarray:
    """Of each question, how many sittings it took to be told apart."""
    took = np.full(len(questions), LOOKS.sittings)
    for number in range(len(spending.LOOKS), 0, -1):
        verdicts = spending.in_looks(questions, [], spending.LOOKS[:number])
        apart = np.array([v.outcome in DECIDED for v in verdicts])
        took[apart] = spending.LOOKS[number - 1][0]
    return took


def doubted(name: str, tables: int, bias: float) -> tuple[float, float]:
    """A/A pairs of four tasks in three sittings, the second label slower by `bias`: how often the
    metric is not judged, and how often variances are multiplied."""
    rng = np.random.default_rng([tables, 8, sum(name.encode())])
    law = {**LAWS, **FRESH}[name]
    void = wider = 0
    for _ in range(tables):
        pairs = asked(law(rng, TableSize(4, 2, 3)))
        moved = (replace(q, effect=replace(q.effect, mean=q.effect.mean + bias)) for q in pairs)
        (check,) = checks(list(moved)).values()
        void += bool(check.void)
        wider += check.factor > 1
    return void / tables, wider / tables


def gated(name: str, tables: int, worse: float, shift: float = 0.0) -> tuple[float, float]:
    """Comparisons of two runs of four implementations on four tasks: how often green, and red.

    worse: of the last implementation in one task. shift: standard deviation of a run's own speed,
    which the gate is told; 0 where both were measured interleaved.
    """
    rng = np.random.default_rng([tables, 9, sum(name.encode()), round(1000 * (worse + shift))])
    law = {**LAWS, **FRESH}[name]
    green = red = 0
    for _ in range(tables):
        logs = law(rng, BOTH_SIDES)
        sides = logs[:, ::2], logs[:, 1::2] + np.sqrt(2) * shift * rng.normal()
        sides[1][-1, -1] += worse
        questions = list(_between(*sides, shift > 0))
        sure = borrow(questions)
        between = float(np.sqrt(2)) * shift
        widened = [replace(q, effect=q.effect.widened(shift=between)) for q in sure]
        is_red = any(p is not None for p in gate.regressions(widened, DEFAULT))
        primaries = gate.primaries(sure, shift=between)
        red += is_red
        green += not is_red and all(p.green for p in primaries)
    return green / tables, red / tables


def _between(base: np.ndarray, new: np.ndarray, apart: bool) -> Iterator[Question]:
    for task in range(GATE.tasks):
        for one in range(GATE.contenders):
            before, after = base[task, one], new[task, one]
            question = _question(f"task{task}", "BASE", f"c{one}", after - before)
            if apart:
                x, y = (np.median(v, -1) if v.ndim > 1 else v for v in (before, after))
                effect = stats.unpaired_effect(y.tolist(), x.tolist(), False, FINEST)
                question = replace(question, effect=effect)
            yield question


def rows(tables: int) -> dict[str, dict[str, list[str]]]:
    """Section → law → its cells, in per cent."""
    names = [*LAWS, *FRESH]
    by_shape = [[tally(name, shape, tables) for name in names] for shape in SHAPES]
    looks = [looked(name, tables // 2) for name in names]
    unbiased = [doubted(name, tables, 0.0) for name in names]
    biased = [doubted(name, tables, 0.03) for name in names]
    verdicts = {
        name: [
            f"{t.false:.1%} / {t.power:.0%} / {t.equal:.0%} / {t.covered:.1%}"
            for t in (tallies[number] for tallies in by_shape)
        ]
        for number, name in enumerate(names)
    }
    return {
        "verdicts": verdicts,
        "looks": {
            name: [f"{false:.1%}", f"{equal:.0%}", f"{took:.1f}"]
            for name, (false, equal, took) in zip(names, looks, strict=True)
        },
        "a_a": {
            name: [f"{void:.1%} / {wider:.1%}", f"{also:.1%} / {also_wider:.1%}"]
            for name, (void, wider), (also, also_wider) in zip(names, unbiased, biased, strict=True)
        },
        "gate": {name: _gate_row(name, tables // 2) for name in names},
    }


def _gate_row(name: str, tables: int) -> list[str]:
    cases = ((0.0, 0.0), (0.1, 0.0), (0.0, 0.02))
    return [f"{g:.0%} / {r:.1%}" for g, r in (gated(name, tables, *case) for case in cases)]


def markdown(found: Mapping[str, Mapping[str, Sequence[str]]], tables: int) -> str:
    """For people."""
    shapes = [f"{s.tasks} tasks × {s.contenders}, {s.sittings} sittings" for s in SHAPES]
    lines = [
        "# What the judge's rules do, by simulation",
        "",
        f"Made by `python -m bench.audit.judging --tables {tables}`; nothing was measured. "
        "The laws below “not chosen on” were not looked at when the rule was chosen, but for the "
        "recorded launches and the cells of their own noise, which asked for its factor by task "
        "and its degrees of freedom.",
        "",
        "## One look",
        "",
        "Tables of equal contenders with any false verdict / pairs 5 or 10 % apart that are told "
        "apart / equal pairs shown to be equivalent / coverage of 95 % intervals.",
        "",
        *_table(shapes, found["verdicts"]),
        "",
        "## Looks until everything is answered",
        "",
        f"At {', '.join(str(n) for n, _ in spending.LOOKS)} sittings, 4 tasks of 5 contenders; "
        "how many sittings it took until a pair that differs was told apart.",
        "",
        *_table(
            ("equal: tables with a false verdict", "equal pairs shown", "5 and 10 %: after"),
            found["looks"],
        ),
        "",
        "## A/A pairs",
        "",
        "A pair in each of four tasks, three sittings: metric not judged / variances multiplied.",
        "",
        *_table(("nothing differs", "one label 3 % slower"), found["a_a"]),
        "",
        "## The gate",
        "",
        "Two runs of 4 tasks × 4 implementations, 4 sittings, tolerance 5 %: green / red.",
        "",
        *_table(
            ("equal, interleaved", "one cell 10 % worse", "equal, apart, shift of 2 % known"),
            found["gate"],
        ),
    ]
    return "\n".join(lines) + "\n"


def _table(columns: Sequence[str], body: Mapping[str, Sequence[str]]) -> list[str]:
    head = ["| law | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    lines = [f"| {name} | " + " | ".join(cells) + " |" for name, cells in body.items()]
    lines.insert(len(LAWS), "| *not chosen on:* |" + " |" * len(columns))
    return head + lines


def main() -> None:
    """Write judging.md and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path("results") / "judging")
    chosen = parser.parse_args()
    text = markdown(rows(chosen.tables), chosen.tables)
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / "judging.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
