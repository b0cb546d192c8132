"""Options that more than one command takes, and their values from text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from adapters.base import Device, Precision
from bench.discover import Divisions
from bench.run import own
from bench.run.environments import Source
from tasks.errors import UserError

Tasks = Annotated[
    str | None,
    typer.Option(
        "--tasks", metavar="GLOB", help="Tasks by name, e.g. 'fnn-*'; commas between several."
    ),
]
Implementations = Annotated[
    str | None,
    typer.Option(
        "--implementations",
        metavar="GLOB",
        help="By framework or framework:mode, e.g. 'keras' or '*:eager'; commas between several.",
        show_default="the first documented row of each framework",
    ),
]


DivisionOption = Annotated[
    Divisions | None,
    typer.Option(
        "--division",
        help="documented: one row a framework, as its documents tell a user to write it; tuned: "
        "the fastest certified form; both: never ranked together. Of implementations that are "
        "named, those of it.",
        show_default="documented",
    ),
]
DeviceOption = Annotated[Device, typer.Option(help="Where to compute: cpu, cuda.")]
PrecisionOption = Annotated[
    Precision, typer.Option(help="Of the products: float32, TF32 (GPUs) or bfloat16 mixed.")
]
Threads = Annotated[
    int | None,
    typer.Option(min=1, help="CPU threads for every framework.", show_default="all cores"),
]
Seed = Annotated[int, typer.Option(help="Seed of the first block; each block adds one.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Run directory.", show_default="runs/<time>"),
]
DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", metavar="DIR", help="Folder with the canonical data files."),
]
Env = Annotated[
    list[str] | None,
    typer.Option(
        "--env",
        metavar="NAME=PYTHON",
        help="An environment of your own for a framework: its interpreter. Nothing is installed "
        "into it. May be given several times.",
        show_default="the suite's",
    ),
]
TaskFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--task",
        metavar="FILE.py",
        help="A task of your own (tasks/README.md says how to write one). Without --tasks only "
        "it is done. May be given several times.",
    ),
]
AdapterFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--adapter",
        metavar="FILE.py",
        help="A framework of your own: its adapter in one file, with its pins in a header "
        "(adapters/README.md). May be given several times.",
    ),
]


MemoryLimit = Annotated[
    str | None,
    typer.Option(
        "--memory-limit",
        metavar="4G",
        help="Most memory of a worker, kept by the system: what would be over it cannot be had.",
        show_default="what is free",
    ),
]


def size_bytes(text: str | None, option: str) -> int | None:
    """ "512M", "4G" or a plain number of bytes, None for None; `UserError` for anything else, and
    for less than 64 MiB, in which no worker starts."""
    if text is None:
        return None
    units = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    value = float(found[1]) * units.get(found[2].upper(), 1) if found else 0.0
    if not 2**26 <= value < 2**60:
        raise UserError(f"{option} {text!r} is no size of 64M or more; write it like 512M or 4G")
    return int(value)


def source_of(env: list[str] | None) -> Source:
    """This checkout, with the environments of the user's own; `UserError` as `own.named`."""
    return Source(own=own.named(env or ()))


def fraction(text: str, option: str) -> float:
    """ "5%" or "0.05" → 0.05; `UserError` for anything that is no fraction between 0 and 1."""
    try:
        value = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1:
        raise UserError(f"{option} {text!r} is no fraction; write it like 5% or 0.05")
    return value


def seconds(text: str, option: str) -> float:
    """ "90s", "20m", "2h" or a plain number of seconds; `UserError` for anything else."""
    unit = {"s": 1, "m": 60, "h": 3600}.get(text[-1:], 0)
    try:
        value = float(text[:-1]) * unit if unit else float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise UserError(f"{option} {text!r} is no duration; write it like 90s, 20m or 2h")
    return value


def globs(text: str) -> list[str]:
    """Patterns between commas; `UserError` when there is none."""
    found = [part.strip() for part in text.split(",") if part.strip()]
    if not found:
        raise UserError("an empty pattern matches nothing; leave the option out for everything")
    return found


def chosen(text: str | None) -> list[str] | None:
    """Globs, or None where nothing was chosen."""
    return None if text is None else globs(text)


PriceOption = Annotated[
    str | None,
    typer.Option(
        "--price", metavar="0.10/h", help="What an hour of the machine costs: shows money to the "
        "target.", show_default="no money is shown",
    ),
]  # fmt: skip


def price_of(text: str | None) -> float | None:
    """ "0.10/h" or "0.10" → money an hour, None for None; `UserError` for anything else."""
    if text is None:
        return None
    try:
        value = float(text.removesuffix("/h"))
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise UserError(f"--price {text!r} is no price an hour; write it like 0.10/h")
    return value
