"""Which launches were disturbed by others, from what each record holds. Pure.

Two signs, both relative to the launch's own CPU time, so that no wall clock is needed; and on a
GPU, any other process seen computing on it:

- more than 5 % of the CPU time used while it ran was stolen by the hypervisor or taken by other
  processes. In quiet launches of recorded runs it is 0.2 to 2.4 %; the two launches of
  results/cpu-quick above 5 % are the two that made its noise floor 31 %;
- it was put aside, a CPU second, three times as often as the median launch of its cell. There is
  no absolute bound: a framework's own thread pools put one another aside, 20 to 1,000 times a
  second in the same runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from bench.records import tidy
from bench.records.record import Record, job_of

OTHERS_SHARE = 0.05
SWITCHES_RATIO = 3.0
SWITCHES_LAUNCHES = 3  # fewer have no median to speak of


def others_share(record: Record) -> float:
    """CPU time that others got while it ran, as a fraction of all used; 0 where not recorded."""
    seen = record["launch"].get("disturbance", {})
    taken = float(seen.get("steal_seconds", 0.0) + seen.get("others_cpu_seconds", 0.0))
    used = taken + float(record["launch"].get("cpu_seconds", 0.0))
    return taken / used if used else 0.0


def _switch_rate(record: Record) -> float:
    seconds = float(record["launch"].get("cpu_seconds", 0.0))
    seen = record["launch"].get("disturbance", {}).get("involuntary_switches", 0.0)
    return float(seen) / seconds if seconds else 0.0


def reasons(records: Sequence[Record]) -> dict[str, str]:
    """Job id → why that launch counts as disturbed; launches that do not are absent."""
    found: dict[str, str] = {}
    for group in tidy.by_cell(list(records)).values():
        launches = tidy.ended_well(group)
        rates = [_switch_rate(r) for r in launches]
        usual = median(rates) if len(rates) >= SWITCHES_LAUNCHES else float("inf")
        for record, rate in zip(launches, rates, strict=True):
            share, job = others_share(record), job_of(record)
            others = record["launch"].get("device_use", {}).get("other_processes", 0)
            if others:
                found[job.id] = f"{others} other processes computed on its device"
            elif share > OTHERS_SHARE:
                found[job.id] = f"others got {share:.0%} of the CPU time"
            elif usual and rate > SWITCHES_RATIO * usual:
                found[job.id] = f"put aside {rate / usual:.1f} times as often as usual"
    return found


def note(records: Sequence[Record]) -> str:
    """One sentence for a report; empty when no launch was disturbed."""
    why = reasons(records)
    hit = [job for job in map(job_of, records) if job.id in why]
    if not hit:
        return ""
    shown = [f"{j.cell.contender}, block {j.block}: {why[j.id]}" for j in hit[:3]]
    more = [f"and {len(hit) - 3} more"] if len(hit) > 3 else []
    again = len({(j.cell.task, j.block) for j in map(job_of, records) if j.repeat})
    anew = f" Blocks measured anew: {again}; their first records are kept, not used."
    return (
        f"Disturbed launches: {len(hit)} of {len(tidy.ended_well(list(records)))} "
        f"({'; '.join([*shown, *more])}).{anew if again else ''} `bench doctor` says what to do."
    )
