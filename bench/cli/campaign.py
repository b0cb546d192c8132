"""``bench campaign``: all precisions of a device in the minutes that there are."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated, get_args

import typer
from rich.console import Console

from adapters.base import Device, Precision
from bench.cli.options import (
    DataDir,
    DivisionOption,
    Env,
    Implementations,
    Out,
    Seed,
    Tasks,
    Threads,
    globs,
    seconds,
    source_of,
)
from bench.cli.progress import Progress
from bench.cli.run import request_of, say_data
from bench.machine.devices.kinds import kind_of
from bench.plan.request import PROFILES
from bench.run import campaign, session
from bench.run.session import RUNS, Session
from tasks.errors import UserError

ALIASES: dict[str, Device] = {"gpu": "cuda"}
PROFILE = "quick"


def campaign_(
    device: Annotated[str, typer.Argument(help="gpu, or a device as `bench list` names it.")],
    budget: Annotated[str, typer.Option(metavar="25m", help="Time there is (s, m or h).")] = "25m",
    precisions: Annotated[
        str | None,
        typer.Option(metavar="fp32,bf16", help="In this order.", show_default="the device's"),
    ] = None,
    tasks: Tasks = None,
    implementations: Implementations = None,
    division: DivisionOption = "both",
    threads: Threads = None,
    sittings: Annotated[int, typer.Option(min=1, help="Of every task, at the most.")] = 3,
    seed: Seed = 0,
    out: Out = None,
    data_dir: DataDir = None,
    env: Env = None,
) -> None:
    """Certificates and sittings in every precision of a device, as far as the time goes.

    Stopped, or out of time, the same command goes on. A folder of the campaign is a run of one
    precision; `bench report` makes its report, on any machine."""
    console = Console()
    kind = ALIASES.get(device, device)
    wanted = _precisions(kind, precisions)
    source, place = source_of(env), out or RUNS / f"campaign-{device}"
    sessions = []
    for precision in wanted:
        request = request_of(
            PROFILE, tasks, implementations, division,
            device=kind, precision=precision, threads=threads or session.default_threads(),
            launches=sittings, seed=seed, margin=PROFILES[PROFILE].margin,
        )  # fmt: skip
        folder = place / precision
        begun = (folder / "run.json").exists()
        sessions.append(
            session.resume(folder, source) if begun else session.start(
                request, folder, data_dir, source)
        )  # fmt: skip
    say_data(sessions[0])
    left = _work(sessions, seconds(budget, "--budget"), console)
    done = sum(len(one.run.records()) for one in sessions)
    console.print(
        f"{done} launches in {place}; the reports: ", end="", highlight=False, markup=False
    )
    console.print(
        "; ".join(f"bench report {one.run.path}" for one in sessions), highlight=False, markup=False
    )
    if left:
        console.print(f"no time for {len(left)}: {', '.join(left[:6])}", highlight=False)
        console.print("the same command goes on with them", highlight=False)


def _precisions(device: Device, text: str | None) -> list[Precision]:
    """Those asked for, else all that the device has; `UserError` for what it has not."""
    able = kind_of(device).PRECISIONS
    if text is None:
        return list(able)
    found = [known for word in globs(text) for known in get_args(Precision) if known == word]
    if len(found) != len(globs(text)) or any(one not in able for one in found):
        raise UserError(f"--precisions {text!r}: a {device} device has {', '.join(able)}")
    return found


def _work(sessions: list[Session], budget_seconds: float, console: Console) -> list[str]:
    """Ctrl-C keeps what is finished."""
    with ExitStack() as stack:
        watching = {}
        for one in sessions:
            stack.enter_context(one.run.locked())
            watching[one.run.path] = Progress(one, console)

        def say(text: str) -> None:
            console.print(text, highlight=False, markup=False)

        try:
            return campaign.run(
                sessions, budget_seconds, say, lambda one: watching[one.run.path].events
            )
        except KeyboardInterrupt:
            console.print("interrupted; all finished launches are kept: the same command goes on")
            raise typer.Exit(130) from None
