"""What a unit of a calibration's extra work costs, measured in sittings of its own.

A contender sits beside itself with many units more; the ratio of a timed phase is judged as any
other is: turn by turn (Hodges-Lehmann), then over sittings. First one sitting tells how many units
are about `EFFECT`, then sittings with those are held until the cost is known to `ACCURACY`. All on
a machine as quiet as can be had: what work costs is no matter of neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import expm1
from pathlib import Path
from time import monotonic

from bench import stats
from bench.audit.calibrate_trials import CONTENDERS, TIMED, Campaign, measured
from bench.audit.extra import WORKED, implementation
from bench.judge import pairs
from bench.plan.more import sitting_seconds
from bench.records.metrics import metric
from bench.records.results import Results
from bench.stats import Effect
from tasks.errors import UserError

PILOT_UNITS = 1000
EFFECT = 0.3  # that the units of the probe shall have: large, and still much the same work
LEAST_EFFECT = 0.002  # of the pilot that is taken for one; below it, the probe gets 150 times more
ACCURACY = 0.03  # standard error of a unit's cost, relative to it
SITTINGS, MOST_PROBES = 4, 5  # of a probe, and how many of them at the most
PROBED = 3  # contenders of a probe's sitting: with the A/A copy


def with_costs(out: Path, c: Campaign) -> Campaign:
    """The campaign with what it measures before its trials. `UserError` where the cost of a unit
    stays too uncertain."""
    pilot = dict.fromkeys(WORKED, PILOT_UNITS)
    effects = _effects([_probed(out / "pilot", c, pilot, 1)])
    units = {
        phase: round(PILOT_UNITS * EFFECT / max(LEAST_EFFECT, expm1(effects[phase].mean)))
        for phase in WORKED
    }
    started = monotonic()
    probes = [_probed(out / "probe0", c, units, SITTINGS)]
    seconds = max((monotonic() - started) / SITTINGS, sitting_seconds(probes[0], c.task))
    while max(uncertainty(e) for e in _effects(probes).values()) > ACCURACY:
        if len(probes) == MOST_PROBES:
            raise UserError(
                f"what a unit of work costs is uncertain ({_said(_effects(probes))}): begin in "
                "another --out when less else runs"
            )
        probes.append(_probed(out / f"probe{len(probes)}", c, units, SITTINGS, len(probes)))
    one_percent = {
        phase: units[phase] / (100 * expm1(e.mean)) for phase, e in _effects(probes).items()
    }
    return replace(c, units=one_percent, sitting_seconds=seconds * CONTENDERS / PROBED)


def uncertainty(effect: Effect) -> float:
    """Standard error of the extra time relative to the extra time; infinite where none is seen."""
    extra = expm1(effect.mean)
    return effect.error * (1 + extra) / extra if extra > 0 else float("inf")


def _probed(
    path: Path, c: Campaign, units: Mapping[str, int], sittings: int, seed: int = 0
) -> Results:
    contenders = [c.contender("plain"), implementation(c.implementation, "loaded", units)]
    return measured(path, c, contenders, sittings, "quiet", seed)


def _effects(probes: list[Results]) -> dict[str, Effect]:
    """Phase → how much longer the loaded contender takes, over the sittings of all probes."""
    effects: dict[str, Effect] = {}
    for name, phase in TIMED.items():
        m, logs = metric(name), list[float]()
        for results in probes:
            plain, loaded = results.contenders
            if ".loaded." in plain.cell.mode:
                plain, loaded = loaded, plain
            logs += pairs.sittings(m, plain, loaded).values()
        longer = logs if m.better == "lower" else [-x for x in logs]
        effects[phase] = stats.sittings_effect(enumerate(longer))
    return effects


def _said(effects: Mapping[str, Effect]) -> str:
    return ", ".join(f"{phase} ±{uncertainty(e):.0%}" for phase, e in effects.items())
