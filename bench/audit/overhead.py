"""What the suite costs: one implementation through the suite against a bare hand-written loop.

``python -m bench.audit.overhead --framework F --mode M --task T``, inside that implementation's own
environment; the tasks are those of `bench.audit.bare.loops`. Both sides are built from the same
weights in one process, and first shown to do the same work. The suite's side is timed by pytest-
benchmark's `pedantic` itself, as in bench/worker/rounds.py: one call with all rounds. `pedantic`
calls `setup` before and `teardown` after each round, outside its clock: there the bare loop runs,
in `setup` (bare first) and `teardown` (suite first) by turns. So the two are interleaved without
imitating or correcting anything. The bare side is timed as `pedantic` times: perf_counter around
one call, garbage collection off.

A ratio is bare seconds / suite seconds of one pair: 1 when the suite costs nothing, less than 1
when it is slower. A round has the steps of the suite's own rounds, or fewer where those would take
over `ROUND_SECONDS`. Inference takes milliseconds, so it gets up to `INFER_FACTOR` times as many
pairs, for `INFER_SECONDS`.

One process is one launch, and launches differ, probably by where each side's weights come to lie
in memory: keras:torch inferred fnn-mnist at 0.89, 0.90, 1.00 and 1.01 in four launches of the same
code, and the interval over the pairs of one process knows nothing of it. So an answer under
`overhead_summary.BOUND` asks for more `launches`, and the median over all of them is judged;
`nox -s overhead` does that. What passed at once is not repeated, so the rule forgives some costs
at the very bound; it does not hide one that most launches have.

The answer is written in every case: the ratios, ``unsupported`` with the adapter's reason where it
refuses the task, or ``failed`` with what went wrong (and then the exit status is 1).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Callable
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

from adapters.base import Unsupported
from bench.audit.bare import loops as bare_loops
from bench.audit.overhead_pair import Pair, build, differences, scale, worker_of
from bench.audit.overhead_summary import BOUND, KINDS, LAUNCHES, ratio

TOLERANCE = 1e-3
_MARK = "OVERHEAD_THREADS"


def test_train(pair: Pair, benchmark: Any) -> None:
    """Rounds of the size's steps; collected by pytest only when `measure` asks for this file."""
    pair.keep("train", *interleave(benchmark, pair.suite_train, pair.bare_train, pair.pairs))


def test_infer(pair: Pair, benchmark: Any) -> None:
    """Passes over the test rows at batch 256."""
    pair.keep("infer", *interleave(benchmark, pair.suite_infer, pair.bare_infer, pair.infer_pairs))


def interleave(
    benchmark: Any, suite: Callable[[], None], bare: Callable[[], None], rounds: int
) -> tuple[list[float], list[float]]:
    """Seconds of `rounds` pairs in alternating order, after two untimed calls of each."""
    found: list[float] = []
    before, after = count(), count()

    def timed() -> None:
        started = perf_counter()
        bare()
        found.append(perf_counter() - started)

    def setup() -> None:
        if next(before) % 2 == 0:
            timed()

    def teardown() -> None:
        if next(after) % 2 == 1:
            timed()

    for _ in range(2):
        suite()
        bare()
    benchmark.pedantic(suite, setup=setup, teardown=teardown, rounds=rounds)
    return list(benchmark.stats.stats.data), found


class _Plugin:
    """Gives the two tests their pair."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair

    def pytest_generate_tests(self, metafunc: Any) -> None:
        if "pair" in metafunc.fixturenames:
            metafunc.parametrize("pair", [self.pair], ids=["pair"])


def measure(pair: Pair) -> None:
    """The tests of this file under pytest, with the arguments the worker gives it."""
    import pytest

    arguments = ["-q", "-x", "--noconftest", "--import-mode=importlib", "-p", "no:cacheprovider"]
    arguments += ["-c", os.devnull, "--rootdir", str(Path(__file__).parent)]
    if code := pytest.main([*arguments, str(Path(__file__))], plugins=[_Plugin(pair)]):
        raise RuntimeError(f"the measurement ended with pytest code {int(code)}")


def ratios(pair: Pair) -> dict[str, Any]:
    """Both kinds, measured, and how many launches there shall be in all."""
    measure(pair)
    found = ratio("train", pair.seconds) | ratio("infer", pair.seconds)
    under = any(found[f"{kind}_ratio"] < BOUND for kind in KINDS)
    return found | {"launches": LAUNCHES if under else 1}


def parse(words: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench.audit.overhead")
    parser.add_argument("--framework", required=True)
    parser.add_argument("--mode", required=True)
    parser.add_argument("--device", default="cpu", choices=["cpu"], help="bare loops run on CPU")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--task", default=bare_loops.TASKS[0], choices=bare_loops.TASKS)
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--json", type=Path, required=True)
    return parser.parse_args(words)


def answer(arguments: argparse.Namespace) -> dict[str, Any]:
    """Check, then measure; raises where the two sides do not do the same work."""
    pair = build(arguments)
    differ = differences(pair)
    if not max(differ.values()) <= TOLERANCE:
        raise RuntimeError(f"suite and bare loop do not do the same work: {differ}")
    scale(pair)
    found = {"differences": differ, "steps": len(pair.order), **ratios(pair)}
    return found | pair.seconds


def main(words: list[str]) -> int:
    """Write the answer, whatever it is; 1 when there are no ratios where there should be."""
    arguments = parse(words)
    if os.environ.get(_MARK) != str(arguments.threads):
        # Thread pools read the environment when they are loaded: start again in a worker's.
        environment = worker_of(arguments) | {_MARK: str(arguments.threads)}
        os.execve(
            sys.executable, [sys.executable, "-m", "bench.audit.overhead", *words], environment
        )
    found: dict[str, Any]
    try:
        found = answer(arguments)
    except Unsupported as why:
        found = {"unsupported": str(why)}
    except Exception as error:
        traceback.print_exc()
        found = {"failed": f"{type(error).__name__}: {error}"}
    asked = {k: v for k, v in vars(arguments).items() if k != "json"}
    arguments.json.write_text(json.dumps(asked | found, indent=1))
    return int("failed" in found)


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    # Frameworks' thread pools can hang at interpreter exit; the answer is already written.
    os._exit(status)
