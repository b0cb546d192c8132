"""Each gate's truth table: what BASE and NEW can be, and the exit status. Green is only what was
judged, and 1 is a regression and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product
from xml.etree import ElementTree

import pytest

from bench.cli.regress import judged
from bench.history.alike import in_order
from bench.history.entries import check_whole, entry_of
from bench.history.series import exit_code, not_judged, series_of
from bench.judge.compare import Comparison, Gate, compare
from bench.judge.verdict import Rule
from bench.records.fingerprint import differences
from bench.records.record import Record
from bench.records.results import Results
from bench.report.comparison import junit
from tasks.errors import UserError
from tests.bench.judge.test_compare import LAUNCHES, NAMES, failed, launches
from tests.support import records
from tests.support.records import about

STATES = ("ok", "missing", "dropped", "failed", "fewer", "same", "foreign", "unfinished")
WHY = {
    "missing": "never run",
    "dropped": "was not asked for",
    "failed": "nothing measured in",
    "fewer": "3 launches",
    "same": "are in both runs",
    "foreign": "machine cpu",
    "unfinished": "is not finished",
}
DAYS = 9  # runs of a history before the newest


@cache
def state(name: str, run: int, slower: float = 1.0) -> Results:
    """A run in one of the states that a side can be in; "same" has the launches of run 0."""
    run = 0 if name == "same" else run
    made, changes = launches(run, slower=slower), {}
    others = [r for r in made if _name(r) == NAMES[1]]
    if name == "dropped":
        changes = {"implementations": NAMES[1:]}
    if name in ("missing", "dropped"):
        made = others
    if name == "failed":
        made = failed(made)
    if name == "fewer":
        changes = {"launches": LAUNCHES // 2}
        made = [r for r in made if r["launch"]["job"]["block"] < LAUNCHES // 2]
    if name == "unfinished":
        made = made[:-7]
    raw = about(("fnn-mnist",), NAMES, launches=LAUNCHES) | {"pairing": "both"}
    raw["request"] |= changes
    raw["created"] = f"2026-01-{1 + run:02d}T03:00:00+00:00"
    if name == "foreign":
        raw["machine"] |= {"cpu": "another"}
    return records.results(made, raw)


def _name(made: Record) -> str:
    return str(made["launch"]["job"]["cell"]["implementation"])


def by_compare(base: str, new: str, slower: float = 1.0) -> Comparison:
    a, b = state(base, 0), state(new, 1, slower)
    return compare(a, b, differing=differences(a.about, b.about))


def by_regress(base: str, new: str, slower: float = 1.0) -> Comparison:
    return judged(state(base, 0), state(new, 1, slower), Rule(), Gate())


def by_history(base: str, new: str) -> int:
    """Runs of one state, then the newest. Otava would look at what can be judged and find no
    change."""
    entries = {}
    runs = [state(base, day) for day in range(1, DAYS)] + [state(base, 0)]
    runs += [state(base, 0) if new == "same" else state(new, DAYS + 1)]
    try:
        for run in runs:
            check_whole(run)
            entries[entry_of(run).id] = entry_of(run)
    except UserError:
        return 2
    series = series_of(entries.values())
    unseen = not_judged(series, in_order(entries.values()))
    return exit_code(series, [], unseen=bool(unseen))


# Where both sides are whole and alike; what NEW has more than BASE is not compared.
COMPARED = {("ok", "ok"), ("foreign", "foreign")}
COMPARED |= {("dropped", new) for new in ("ok", "dropped", "missing", "failed")}
COMPARED |= {("same", "ok")}  # BASE is run 0 in any case
# A value of fewer launches is a value; who was never there is not missed; a run that is added again
# is the newest one still, and a history of one run, however often added, is too short.
PRESENT = ("ok", "fewer")
ABSENT = ("missing", "dropped", "failed")
KEPT = {(base, new) for base in PRESENT for new in PRESENT}
KEPT |= {(base, new) for base in ABSENT for new in (*PRESENT, *ABSENT)}
KEPT |= {("foreign", "foreign")}
KEPT |= {(base, "same") for base in STATES if base not in ("unfinished", "same")}


@pytest.mark.parametrize("gate", [by_compare, by_regress], ids=["compare", "regress"])
@pytest.mark.parametrize(("base", "new"), list(product(STATES, STATES)))
def test_only_two_whole_runs_of_one_machine_are_green(
    gate: Callable[[str, str], Comparison], base: str, new: str
) -> None:
    found = gate(base, new)
    assert found.exit_code == (0 if (base, new) in COMPARED else 2)
    said = " ".join([*found.unseen, *(u.reason for u in found.unjudged)])
    explained = {base, new} - {"ok"}
    explained -= {"dropped"} if base == "dropped" else set()
    explained -= {"same"} if new != "same" else set()
    if found.exit_code == 2 and len(explained) == 1:
        assert WHY[explained.pop()] in said


@pytest.mark.parametrize(("base", "new"), list(product(STATES, STATES)))
def test_a_history_is_green_over_what_its_newest_run_was_judged_in(base: str, new: str) -> None:
    assert by_history(base, new) == (0 if (base, new) in KEPT else 2)


@pytest.mark.parametrize("gate", [by_compare, by_regress], ids=["compare", "regress"])
@pytest.mark.parametrize("new", [s for s in STATES if s not in ("missing", "dropped", "failed")])
def test_a_regression_is_one_unless_nothing_can_be_said(
    gate: Callable[..., Comparison], new: str
) -> None:
    """Half as fast: 1 where it was measured, whatever else is missing; 2 on another machine."""
    found = gate("ok", new, 2.0)
    unsure = new in ("same", "foreign", "fewer", "unfinished")
    assert found.exit_code == (2 if unsure else 1), found.unseen


@pytest.mark.parametrize("new", ["dropped", "missing", "failed"])
def test_every_lost_cell_is_a_case_of_junit(new: str) -> None:
    cases = ElementTree.fromstring(junit(by_compare("ok", new))).findall(".//testcase")
    errors = [case.get("name") for case in cases if case.find("error") is not None]
    assert NAMES[0] in errors
