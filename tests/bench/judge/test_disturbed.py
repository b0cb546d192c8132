"""Disturbed launches: marked by who used the CPU; of one measured anew the second counts."""

from __future__ import annotations

import copy
import subprocess
import sys
from typing import Any

import pytest

from bench.judge import disturbed
from bench.records.metrics import metric
from bench.records.record import Record
from bench.records.results import Results
from bench.records.store import Run
from bench.run.environments import PROJECT
from tests.support.noise import RECORDED
from tests.support.records import job, record, results
from tests.support.records import launch as as_read


def launch(block: int, steal: float = 0.0, others: float = 0.0, switches: int = 100,
           **where: Any) -> Record:  # fmt: skip
    made = record(block=block, **where)
    made["launch"]["cpu_seconds"] = 10.0
    made["launch"]["disturbance"] = {
        "steal_seconds": steal, "others_cpu_seconds": others, "involuntary_switches": switches,
    }  # fmt: skip
    return made


def again(made: Record, seconds: float = 0.2) -> Record:
    """The same launch measured a second time."""
    new = copy.deepcopy(record(block=made["launch"]["job"]["block"], seconds=seconds))
    new["launch"]["job"] |= {"id": "r~" + made["launch"]["job"]["id"], "repeat": 1}
    return new


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ({"steal": 0.6}, "6% of the CPU time"),
        ({"others": 0.4, "steal": 0.2}, "6% of the CPU time"),
        ({"switches": 400}, "4.0 times as often"),
        ({"steal": 0.4}, ""),
        ({"switches": 250}, ""),
    ],
)
def test_a_launch_is_marked_with_its_reason(seen: dict[str, Any], words: str) -> None:
    found = disturbed.reasons(results([launch(0), launch(1), launch(2), launch(3, **seen)]))
    assert list(found) == ([job(block=3).id] if words else [])
    assert words in "".join(found.values())


@pytest.mark.parametrize(("disturbed_ones", "words"), [(0, ""), (2, "2 of 3 turns that count")])
def test_in_a_sitting_its_turns_say_it(disturbed_ones: int, words: str) -> None:
    """While it was stopped the other contenders worked: that is nobody else's work."""
    made = launch(0, others=30.0, switches=10_000)
    made["launch"]["turns"] = [
        {
            "number": n, "phase": "train", "seconds": 1.0, "others_seconds": 0.0,
            "steal_seconds": 0.0, "counts": n < 3, "cause": "others" if n < disturbed_ones else "",
        }
        for n in range(4)
    ]  # fmt: skip
    found = disturbed.reasons(results([made]))
    assert list(found.values()) == ([words] if words else [])


def test_switches_need_launches_to_compare_with() -> None:
    assert disturbed.reasons(results([launch(0), launch(1, switches=10_000)])) == {}


def test_another_cells_switching_is_no_measure() -> None:
    calm = [launch(b, switches=1) for b in range(3)]
    busy = [launch(b, switches=1000, implementation="keras:tensorflow") for b in range(3)]
    assert disturbed.reasons(results([*calm, *busy])) == {}


def test_a_record_without_readings_is_not_marked() -> None:
    assert disturbed.reasons(results(record(block=b) for b in range(4))) == {}


def test_the_published_runs_outliers_are_found() -> None:
    """The two A/A launches at 24 % and 5 % of the CPU: they made that pair's interval 31 % wide."""
    published = Results.read(Run.open(RECORDED))
    assert sorted(disturbed.reasons(published)) == [
        "b002~fnn-mnist~tensorflow-graph-aa~cpu~fp32",
        "b004~fnn-mnist~tensorflow-graph-aa~cpu~fp32",
    ]
    assert "Disturbed launches: 2 of 25" in disturbed.note(published)


def test_the_second_measurement_counts_and_the_first_is_kept() -> None:
    records = [launch(0), launch(1, steal=5.0), launch(2)]
    second = again(records[1])
    seen = results([*records, second])
    (cell,) = seen.cells
    speed = metric("train_throughput")
    with_it = cell.values(speed)
    assert with_it[1] == speed.read(as_read(second))
    assert with_it[0] == speed.read(as_read(records[0]))
    assert len(cell.good) == 3
    assert len(cell.launches) == 4
    assert "Blocks measured anew: 1" in disturbed.note(seen)


def test_a_second_measurement_that_failed_leaves_the_first() -> None:
    first, second = launch(0, steal=5.0), again(launch(0))
    second["launch"]["status"] = "timeout"
    (cell,) = results([first, second]).cells
    assert cell.good == (as_read(first),)


@pytest.mark.parametrize(("theirs", "least", "most"), [(False, 0.5, 9.0), (True, 0.0, 0.4)])
def test_what_a_worker_starts_is_its_own(theirs: bool, least: float, most: float) -> None:
    """A process that burns CPU and still runs: ours in our session, another's in its own."""
    program = (
        "import subprocess, sys, time\n"
        "from bench.machine import readings\n"
        "burn = [sys.executable, '-c', 'while True: pass']\n"
        "before = readings._session_seconds()\n"
        f"child = subprocess.Popen(burn, start_new_session={theirs})\n"
        "time.sleep(2)\n"
        "print(readings._session_seconds() - before)\n"
        "child.kill()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True,
        start_new_session=True, cwd=PROJECT,
    )  # fmt: skip
    assert least <= float(done.stdout) <= most
