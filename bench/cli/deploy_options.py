"""Options that `bench deploy` alone takes."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class DeployProfileName(StrEnum):
    certify = "certify"
    smoke = "smoke"
    quick = "quick"
    full = "full"


DeployProfileOption = Annotated[
    DeployProfileName,
    typer.Option(
        help="certify: certificates alone; smoke, quick, full: 0.1, 0.5 or 2 seconds for each "
        "timed part of 1, 3 or 5 launches."
    ),
]
RoutesOption = Annotated[
    str | None,
    typer.Option(
        "--routes",
        metavar="GLOB",
        help="framework:format:runtime or its beginning, e.g. 'pytorch' or '*:onnx'; commas "
        "between several.",
        show_default="all",
    ),
]
ProcessesOption = Annotated[
    int | None,
    typer.Option(min=1, help="Fresh processes of every route.", show_default="of the profile"),
]
DeployBudgetOption = Annotated[
    str | None,
    typer.Option(metavar="20m", help="Begin no second launch of a route after that time."),
]
SetupOption = Annotated[
    bool, typer.Option("--setup", help="Make the environments that are missing first.")
]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="Exit status 1 unless every route is certified.")
]
