"""``bench certify``: two programs of a user's that claim to be one model."""

from __future__ import annotations

import json
import shutil
import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from bench.cli.options import Env, seconds, source_of
from bench.port.ask import Asking, Numbers
from bench.port.certify import PortVerdict, certify, versions
from bench.port.stage import Stage
from tasks.errors import UserError

FIRST_COLUMN = 20


def certify_(
    a: Annotated[Path, typer.Argument(metavar="A.py", help="The model as it was.")],
    b: Annotated[Path, typer.Argument(metavar="B.py", help="The port of it.")],
    env: Env = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="NPZ", help="Your own rows: arrays x and y.",
                     show_default="made from INPUT and TARGET"),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option("--weights", metavar="NPZ", help="Weights by A's names, loaded into both.",
                     show_default="drawn, of the size of A's own"),
    ] = None,
    steps: Annotated[int, typer.Option(min=2, max=1000, help="Training steps.")] = 24,
    timeout: Annotated[
        str, typer.Option("--timeout", metavar="TIME", help="For each program.")
    ] = "10m",
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of rows and weights.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:  # fmt: skip
    """Is B the same model as A? Says where they part: layer, loss, gradient, step.

    Exit status 0: they are one model, 1: they part, 2: a program could not be asked.
    """
    for path in (data, weights):
        if path is not None and not path.is_file():
            raise UserError(f"{path}: there is no such file")
    asking = Asking(seed, steps, seconds(timeout, "--timeout"), data, weights)

    def say(line: str) -> None:
        typer.echo(line, err=True)

    (verdict,) = certify(a, [b], asking, source_of(env), say)
    if isinstance(verdict, UserError):
        raise verdict
    typer.echo(json.dumps(as_dict(verdict), indent=1) if as_json else "\n".join(lines(verdict)))
    raise typer.Exit(0 if verdict.parting is None else 1)


def conclusion(verdict: PortVerdict) -> str:
    """In one sentence whether they are one model, or where they part."""
    if (parting := verdict.parting) is not None:
        return f"They part at {parting.place}: {parting.said}."
    return f"{verdict.b.name} is the same model as {verdict.a.name}."


def lines(verdict: PortVerdict) -> list[str]:
    """All comparisons, then the conclusion."""
    found = [_program("A", verdict.a), _program("B", verdict.b), ""]
    for stage in verdict.stages:
        found += _row(stage.name, _words(stage))
        found += [line for remark in stage.remarks for line in _row("", f"(remark) {remark}")]
    return [*found, "", conclusion(verdict)]


def _program(letter: str, one: Numbers) -> str:
    return f"{letter}  {one.name}  ({versions(one)})"


def _words(stage: Stage) -> str:
    if stage.status == "part":
        return f"PART at {stage.place}: {stage.said}"
    return f"{stage.status}: {stage.said}"


def _row(first: str, words: str) -> list[str]:
    width = max(60, min(shutil.get_terminal_size((100, 24)).columns, 120))
    indent = " " * FIRST_COLUMN
    return textwrap.wrap(f"{first:{FIRST_COLUMN}}{words}", width, subsequent_indent=indent)


def as_dict(verdict: PortVerdict) -> dict[str, Any]:
    """The same as JSON."""
    parting = verdict.parting
    return {
        "same": parting is None,
        "place": parting.place if parting else "",
        "conclusion": conclusion(verdict),
        "programs": [{"file": n.name, "versions": versions(n)} for n in (verdict.a, verdict.b)],
        "comparisons": [asdict(stage) for stage in verdict.stages],
    }
