"""Which launches were disturbed by others, from what each record holds. Pure.

In a sitting the turns say it: one that counts although something disturbed it. What others used
while a launch lasted says nothing there, as it was stopped while the other contenders worked.

For launches measured alone, two signs, both relative to the launch's own CPU time, so that no wall
clock is needed; and on a GPU, any other process seen computing on it:

- more than 5 % of the CPU time used while it ran was stolen by the hypervisor or taken by other
  processes. In quiet launches of recorded runs it is 0.2 to 2.4 %; the two launches of
  results/cpu-quick above 5 % are the two that made its noise floor 31 %;
- it was put aside, a CPU second, three times as often as the median launch of its cell. There is
  no absolute bound: a framework's own thread pools put one another aside, 20 to 1,000 times a
  second in the same runs.
"""

from __future__ import annotations

from statistics import median

from bench.records.results import CellResult, Results
from bench.records.schema import Launch

OTHERS_SHARE = 0.05
SWITCHES_RATIO = 3.0
SWITCHES_LAUNCHES = 3  # fewer have no median to speak of


def others_share(launch: Launch) -> float:
    """CPU time that others got while it ran, as a fraction of all used; 0 where not recorded."""
    seen = launch.launch.disturbance
    taken = seen.steal_seconds + seen.others_cpu_seconds
    used = taken + (launch.launch.cpu_seconds or 0.0)
    return taken / used if used else 0.0


def _switch_rate(launch: Launch) -> float:
    seconds = launch.launch.cpu_seconds or 0.0
    return launch.launch.disturbance.involuntary_switches / seconds if seconds else 0.0


def reasons(results: Results) -> dict[str, str]:
    """Job id → why that launch counts as disturbed; launches that do not are absent."""
    found: dict[str, str] = {}
    for result in results.cells:
        found |= _of_cell(result)
    return found


def _of_cell(result: CellResult) -> dict[str, str]:
    found: dict[str, str] = {}
    rates = [_switch_rate(x) for x in result.ended_well]
    usual = median(rates) if len(rates) >= SWITCHES_LAUNCHES else float("inf")
    for launch, rate in zip(result.ended_well, rates, strict=True):
        share = others_share(launch)
        others = launch.launch.device_use.other_processes
        if others:
            found[launch.job.id] = f"{others} other processes computed on its device"
        elif launch.launch.turns:
            found |= _of_turns(launch)
        elif share > OTHERS_SHARE:
            found[launch.job.id] = f"others got {share:.0%} of the CPU time"
        elif usual and rate > SWITCHES_RATIO * usual:
            found[launch.job.id] = f"put aside {rate / usual:.1f} times as often as usual"
    return found


def _of_turns(launch: Launch) -> dict[str, str]:
    counting = [turn for turn in launch.launch.turns if turn.counts]
    hit = sum(bool(turn.cause) for turn in counting)
    return {launch.job.id: f"{hit} of {len(counting)} turns that count"} if hit else {}


def note(results: Results) -> str:
    """One sentence for a report; empty when no launch was disturbed."""
    why = reasons(results)
    jobs = [launch.job for launch in results.launches]
    hit = [job for job in jobs if job.id in why]
    if not hit:
        return ""
    shown = [f"{j.cell.contender}, block {j.block}: {why[j.id]}" for j in hit[:3]]
    more = [f"and {len(hit) - 3} more"] if len(hit) > 3 else []
    again = len({(j.cell.task, j.block) for j in jobs if j.repeat})
    anew = f" Blocks measured anew: {again}; their first records are kept, not used."
    measured = sum(len(result.ended_well) for result in results.cells)
    return (
        f"Disturbed launches: {len(hit)} of {measured} "
        f"({'; '.join([*shown, *more])}).{anew if again else ''} `bench doctor` says what to do."
    )
