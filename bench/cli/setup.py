"""``bench setup``: the frameworks' environments."""

from __future__ import annotations

import typer

from bench.cli.options import DeviceOption, Implementations, chosen
from bench.machine.devices.kinds import kind_of
from bench.plan.request import matching_implementations
from bench.run import environments
from tasks.errors import UserError


def setup(device: DeviceOption = "cpu", implementations: Implementations = None) -> None:
    """Make the frameworks' environments (pip; kept between calls)."""
    kind_of(device)
    wanted = matching_implementations(chosen(implementations))
    made = environments.setup([i.environment for i in wanted], device, say=typer.echo)
    if all(e.status != "ready" for e in made.values()):
        raise UserError("no framework could be installed; see setup.log in each folder of .envs")
