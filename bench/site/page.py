"""The front page over a folder of runs: one file, its data, style and script in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from bench.records import many
from bench.records.results import Results
from bench.records.store import Run
from bench.site import timeline
from bench.site.content import content
from tasks.errors import UserError

FILES = Path(__file__).parent / "files"
SCRIPTS = ("model.js", "elements.js", "answers.js", "tables.js", "charts.js", "main.js")
LIMIT_BYTES = 8 * 2**20
MADE_BY = "bench publish"  # in the page, so that another's index.html is not written over


def write(folder: Path, price: float | None = None, history: Path | None = None) -> Path:
    """FOLDER/index.html over all runs in the folder and its folders; the same runs give the same
    bytes. price: money an hour of the machine. `UserError` where there is no run, one cannot be
    read, the page would be over 8 MB, or another file has its name."""
    place = folder / "index.html"
    if (folder / "run.json").exists():
        raise UserError(f"{folder} is one run; name the folder that holds it (or: bench report)")
    found = many.runs_under(folder)
    if not found:
        raise UserError(f"{folder} holds no run; bench run --out {folder}/NAME makes one")
    if place.exists() and MADE_BY not in place.read_text(encoding="utf-8", errors="replace"):
        raise UserError(f"{place} is there and is not of `{MADE_BY}`; move it away first")
    runs = {run.relative_to(folder).as_posix(): Results.read(Run.open(run)) for run in found}
    made = text(runs, price, timeline.kept(history) if history else ())
    if (size := len(made.encode())) > LIMIT_BYTES:
        raise UserError(f"the page would be {size / 2**20:.1f} MiB of 8; publish fewer runs")
    place.write_text(made, encoding="utf-8")
    return place


def text(runs: Mapping[str, Results], price: float | None = None, history: Any = ()) -> str:
    """The page."""
    alone, sides = timeline.split(runs)
    data = content(alone, timeline.changes(sides))
    data |= {"history": list(history), "price": price}
    environment = Environment(
        loader=PackageLoader("bench.site", "files"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("page.html").render(
        made_by=MADE_BY,
        data=embedded(data),
        style=(FILES / "style.css").read_text(encoding="utf-8"),
        script="\n".join((FILES / name).read_text(encoding="utf-8") for name in SCRIPTS),
    )


def embedded(data: Any) -> str:
    """JSON that ends no script and begins no comment, whatever words are in it."""
    made = json.dumps(data, allow_nan=False, separators=(",", ":"), sort_keys=True)
    for sign in "<>&":
        made = made.replace(sign, f"\\u{ord(sign):04x}")
    return made
