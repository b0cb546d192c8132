"""The suite from Python, in a notebook or a script: what the commands do, with typed answers.

    from bench.interface import compare, load_run, run, setup, verify

    setup("pytorch,jax")
    mine = run(profile="smoke", implementations="pytorch,jax", out="runs/mine")
    mine.table                  # a DataFrame, one row a cell and metric
    mine                        # in a notebook: what the run says, its values and its figures

Options have the names that they have on the command line. A mistake raises `UserError` with the
line that the command would print.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.cli.options import globs
from bench.cli.run import beside, carry_out, own_tasks, request_of, take_adapters
from bench.discover import Divisions
from bench.judge import compare as comparing
from bench.judge.compare import Gate
from bench.judge.verdict import DEFAULT, Rule
from bench.plan.request import PROFILES, matching_implementations
from bench.records.fingerprint import differences
from bench.records.results import Results
from bench.records.tidy import load_run
from bench.report.answers import Certified, Compared, Measured
from bench.run import adapter_file, environments, interpreters, own, session
from bench.run.environments import Environment, Source
from tasks.errors import UserError

__all__ = ["Certified", "Compared", "Measured", "compare", "load_run", "run", "setup", "verify"]
Names = str | Sequence[str]


def setup(
    implementations: Names | None = None,
    device: str = "cpu",
    python: Sequence[str] = (),
    say: Callable[[str], None] = print,
) -> dict[str, Environment]:
    """Make the frameworks' environments, as `bench setup`; environment → what came of it."""
    rows = matching_implementations(None if implementations is None else _texts(implementations))
    wanted = [row.environment for row in rows]
    said = interpreters.wanted(python)
    return dict(environments.setup(wanted, device, say, said=said))


def run(
    *,
    profile: str = "quick",
    out: str | Path | None = None,
    budget: float | None = None,
    margin: float | None = None,
    launches: int | None = None,
    certify: bool = False,
    report: bool = True,
    quiet: bool = False,
    **options: Any,
) -> Measured:
    """Measure, as `bench run`, and write the report unless told otherwise.

    budget: seconds until which sittings are added, the profile's where nothing is said and
    launches are not. margin: the relative difference that matters. quiet: say nothing meanwhile.
    Further options: tasks, task, implementations, adapter, division, device, precision, threads,
    seed, data_dir, env. `UserError` for a mistake; a framework that fails is a row of the table.
    """
    if profile not in PROFILES:
        raise UserError(f"profile {profile!r}: choose from {', '.join(PROFILES)}")
    chosen = PROFILES[profile]
    if budget is None and launches is None:
        budget = chosen.budget_seconds
    opened = _opened(
        "run", profile, out, RunOptions(**options),
        launches=chosen.launches if launches is None else launches,
        margin=chosen.margin if margin is None else margin, budget_seconds=budget,
    )  # fmt: skip
    _done(opened, quiet, certify)
    found = Measured(Results.read(opened.run))
    if report:
        found.report()
    return found


def verify(*, out: str | Path | None = None, quiet: bool = False, **options: Any) -> Certified:
    """Certificates only, as `bench verify`: of all tasks, unless tasks or task say otherwise.
    Options as of `run`."""
    asked = RunOptions(**options)
    if asked.tasks is None and not asked.task and not asked.adapter:
        asked = replace(asked, tasks="*")
    opened = _opened("verify", "smoke", out, asked, measure=False)
    _done(opened, quiet, True)
    return Certified(Results.read(opened.run))


def compare(
    base: str | Path | Measured,
    new: str | Path | Measured,
    rule: Rule = DEFAULT,
    gate: Gate | None = None,
    force: bool = False,
) -> Compared:
    """Judge `new` against `base`, as `bench compare`. `UserError` where their fingerprints differ;
    force: show the numbers all the same, and judge nothing."""
    sides = [one if isinstance(one, Measured) else Measured.read(one) for one in (base, new)]
    differing = differences(sides[0].results.about, sides[1].results.about)
    if differing and not force:
        raise UserError(f"not comparable: {'; '.join(differing)} (force=True shows the numbers)")
    found = comparing.compare(sides[0].results, sides[1].results, rule, gate, differing)
    return Compared(found)


@dataclass(frozen=True)
class RunOptions:
    """What `run` and `verify` both take. tasks, implementations: globs, several between commas or
    in a list. task, adapter: files of the user's. env: framework → the user's interpreter."""

    tasks: Names | None = None
    task: Sequence[str | Path] = ()
    implementations: Names | None = None
    adapter: Sequence[str | Path] = ()
    division: Divisions | None = None
    device: str = "cpu"
    precision: str = "fp32"
    threads: int | None = None
    seed: int = 0
    data_dir: str | Path | None = None
    env: Mapping[str, str | Path] | None = None

    def words(self) -> list[str]:
        """As one would write them behind a command."""
        found: list[str] = []
        for field in fields(self):
            value = getattr(self, field.name)
            if value == field.default or value is None:
                continue
            each = [value]
            if isinstance(value, Mapping):
                each = [f"{name}={place}" for name, place in value.items()]
            elif field.name in ("task", "adapter"):
                each = list(value)
            for one in each:
                text = ",".join(one) if isinstance(one, list | tuple) else str(one)
                found += [f"--{field.name.replace('_', '-')}", text]
        return found


def _opened(
    command: str, profile: str, out: str | Path | None, asked: RunOptions, **more: Any
) -> session.Session:
    """A new run. more: what belongs to one of the commands alone."""
    given = take_adapters([Path(path) for path in asked.adapter], asked.device)
    rows, tasks = _joined(asked.implementations), _joined(asked.tasks)
    folder = Path(asked.data_dir) if asked.data_dir else None
    tasks_given = own_tasks([Path(path) for path in asked.task], tasks, folder)
    if command == "run":
        rows = beside(given, rows, asked.division)
    elif given:
        tasks_given = adapter_file.small_tasks() | tasks_given
        rows = rows or ",".join(r.name for one in given for r in one.framework.implementations)
    request = request_of(
        profile, tasks, rows, asked.division, tasks_given,
        device=asked.device, precision=asked.precision, seed=asked.seed,
        threads=asked.threads or session.default_threads(), **more,
    )  # fmt: skip
    source = Source(own=own.named(f"{name}={path}" for name, path in (asked.env or {}).items()))
    words = [command, *(["--profile", profile] if command == "run" else []), *asked.words()]
    place = Path(out) if out else None
    return session.start(request, place, folder, source, own=tasks_given, words=words)


def _done(opened: session.Session, quiet: bool, certify_anew: bool) -> None:
    console = Console(file=io.StringIO()) if quiet else Console()
    carry_out(opened, console, quiet, certify_anew)


def _texts(names: Names) -> list[str]:
    return globs(names if isinstance(names, str) else ",".join(names))


def _joined(names: Names | None) -> str | None:
    return names if names is None or isinstance(names, str) else ",".join(names)
