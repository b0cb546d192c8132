"""``bench setup``: the frameworks' environments."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli.options import DeviceOption, Implementations, chosen
from bench.machine.devices.kinds import kind_of
from bench.plan.request import matching_implementations
from bench.run import environments, interpreters
from bench.run.making import LOG
from tasks.errors import UserError


def setup(
    device: DeviceOption = "cpu",
    implementations: Implementations = None,
    python: Annotated[
        list[str] | None,
        typer.Option(
            "--python",
            metavar="3.12[=PATH]",
            help="3.12=PATH: a Python to choose from, beside those on the path, in pyenv's folder "
            "and uv's own. 3.12 alone: no other version. May be given several times; what has "
            "another Python than it would get now is made anew.",
            show_default="for each framework the first that it prefers and this machine has",
        ),
    ] = None,
) -> None:
    """Make the frameworks' environments (uv where it is, else pip; kept between calls)."""
    kind_of(device)
    said = interpreters.wanted(python or ())
    wanted = matching_implementations(chosen(implementations))
    made = environments.setup([i.environment for i in wanted], device, typer.echo, said=said)
    if all(e.status != "ready" for e in made.values()):
        raise UserError(
            f"no framework could be installed; see {LOG} in each folder of {environments.folder()}"
        )
