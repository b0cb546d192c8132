"""Options that `bench run` alone takes."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from bench.cli.cluster import EngineName
from bench.plan.request import PROFILES


class ProfileName(StrEnum):
    smoke = "smoke"
    quick = "quick"
    full = "full"


ProfileOption = Annotated[
    ProfileName,
    typer.Option(help="; ".join(f"{p.name}: {p.summary}" for p in PROFILES.values())),
]
LaunchesOption = Annotated[
    int | None,
    typer.Option(min=1, help="Sittings of every task.", show_default="of the profile"),
]
BudgetOption = Annotated[
    str | None,
    typer.Option(
        metavar="20m",
        help="Add sittings where doubt is left, until then (s, m or h).",
        show_default="the profile's; none with --launches",
    ),
]
MarginOption = Annotated[
    str | None,
    typer.Option(
        metavar="5%", help="Relative difference that matters.", show_default="of the profile"
    ),
]
PruneOption = Annotated[
    bool, typer.Option("--prune", help="Searches: end trials below the median early.")
]
CertifyOption = Annotated[
    bool,
    typer.Option(
        "--certify", help="Make certificates anew that were made of the same code before."
    ),
]
SweepOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="AXIS=32..1024",
        help="A curve: the tasks with one thing of them at several values (batch, threads, "
        "width, length). May be given several times; each is a curve of its own.",
    ),
]
ShardOption = Annotated[
    str | None,
    typer.Option(metavar="I/N", help="Only this part of the sittings; see `bench merge`."),
]
OnOption = Annotated[
    EngineName | None,
    typer.Option(help="Who hands out the sittings: ray: a cluster's nodes; local: this one."),
]
AddressOption = Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Of the Ray cluster.")]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Finish an interrupted run; its own options hold.")
]
