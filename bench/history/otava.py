"""Change points by Apache Otava (E-divisive with Student's t-test), as a command.

Otava pins NumPy and pulls in clients of databases, so it has an environment of its own, made
with pip when it is first needed. It gets one CSV file a
series and answers with one JSON object a series and line.
"""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

from bench.history.series import Series
from bench.records.store import write_atomically
from bench.run import installing
from bench.run.environments import folder
from tasks.errors import UserError

PIN = "apache-otava==0.8.0"
# Otava looks for the best split, so an unchanged series gives a false change point 20 to 40
# times as often as its p-value says (3,000 simulated series of 8 to 40 runs with normal noise:
# 1.3 to 2.4 % at 0.001, 0.03 to 0.07 % at 0.00002). This level, divided by the number of series,
# keeps the chance of any false change in a check under 5 %.
P_VALUE = 0.001
# Otava leaves out, without a word, what is older than a year or later than now.
ALWAYS = ["--since", "1970-01-02", "--until", "2100-01-01"]


@dataclass(frozen=True)
class ChangePoint:
    """A change point in a series: the index of its first run, the means before and after."""

    index: int
    before: float
    after: float


def find(
    series: Sequence[Series], say: Callable[[str], None] = print
) -> list[tuple[Series, tuple[ChangePoint, ...]]]:
    """Change points of each series that can be judged; the least size is twice what
    its runs vary by.

    `UserError` when Otava cannot be installed or answers for less than it was asked.
    """
    judged = sorted((one for one in series if not one.unjudged), key=_magnitude)
    if not judged:
        return []
    program = executable(say)
    answers: list[tuple[Series, tuple[ChangePoint, ...]]] = []
    with tempfile.TemporaryDirectory() as work:
        for magnitude, group in groupby(judged, key=_magnitude):
            members = list(group)
            found = _analyze(program, Path(work), members, magnitude, P_VALUE / len(judged))
            answers += zip(members, found, strict=True)
    return answers


def _magnitude(series: Series) -> float:
    """Twice what its runs vary by, up to whole percent, one at least: one call of Otava judges all
    of one magnitude."""
    return max(1, ceil(200 * series.varies_by)) / 100


def _analyze(
    program: Path, work: Path, series: list[Series], magnitude: float, p_value: float
) -> list[tuple[ChangePoint, ...]]:
    names = [f"s{number}" for number in range(len(series))]
    scales = [write_csv(work / f"{n}.csv", s) for n, s in zip(names, series, strict=True)]
    config = work / "otava.yaml"
    config.write_text(
        json.dumps({"tests": {n: _test(work / f"{n}.csv") for n in names}}), encoding="utf-8"
    )
    options = ["--output", "json", "-M", repr(magnitude), "-P", repr(p_value), *ALWAYS]
    done = subprocess.run(
        [str(program), "analyze", "--config-file", str(config), *options, *names],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    answers = parse(done.stdout)
    if done.returncode or answers.keys() != set(names):
        errors = [x for x in done.stderr.splitlines() if not x.startswith("INFO")]
        last = errors[-1] if errors else f"exit status {done.returncode}"
        raise UserError(f"Apache Otava could not judge the history: {last}")
    return [
        tuple(ChangePoint(f.index, f.before * scale, f.after * scale) for f in answers[name])
        for name, scale in zip(names, scales, strict=True)
    ]


def _test(file: Path) -> dict[str, Any]:
    columns = {"time_column": "time", "attributes": ["run"]}
    return {
        "type": "csv", "file": str(file), **columns, "metrics": {"value": {"column": "value"}},
    }  # fmt: skip


def write_csv(path: Path, series: Series) -> float:
    """One row a run: time, run, value. Returns what the values were divided by.

    Otava prints six decimals, too few for microseconds; hence values relative to their median.
    """
    scale = abs(median(point.value for point in series.points)) or 1.0
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["time", "run", "value"])
        writer.writerows([p.created, p.run, p.value / scale] for p in series.points)
    return scale


def parse(text: str) -> dict[str, tuple[ChangePoint, ...]]:
    """Otava's standard output with ``--output json``: one ``{test: [groups]}`` a line.

    `UserError` when a line is not of that form.
    """
    answers: dict[str, tuple[ChangePoint, ...]] = {}
    try:
        for line in text.splitlines():
            for name, groups in json.loads(line).items():
                answers[name] = tuple(
                    ChangePoint(int(c["index"]), float(c["mean_before"]), float(c["mean_after"]))
                    for group in groups
                    for c in group["changes"]
                )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"Apache Otava's answer was not understood: {line[:100]}") from None
    return answers


def requirements() -> list[str]:
    """What its environment is installed from."""
    return [PIN]


def executable(say: Callable[[str], None] = print) -> Path:
    """Otava's command, its environment made when missing; `UserError` when pip cannot."""
    where = folder() / "otava"
    program, stamp, log = (where / part for part in ("bin/otava", "environment", "setup.log"))
    digest = hashlib.sha256("\n".join([sys.version, *requirements()]).encode()).hexdigest()
    if program.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == digest:
        return program
    say("making the environment of Apache Otava")
    where.mkdir(parents=True, exist_ok=True)
    install = [*installing.install(str(where / "bin" / "python")), *requirements()]
    with open(log, "w", encoding="utf-8") as output:
        for command in (installing.virtual_environment(where, sys.executable), install):
            done = subprocess.run(
                command, stdout=output, stderr=subprocess.STDOUT, env=installing.variables(),
                check=False,
            )  # fmt: skip
            if done.returncode:
                raise UserError(f"Apache Otava could not be installed; the reason is in {log}")
    write_atomically(stamp, digest)
    return program
