"""Everything a published report consists of, written into one folder."""

from __future__ import annotations

from pathlib import Path

from bench.records import tidy
from bench.records.results import Results
from bench.report import charts, trials
from bench.report.document import document
from bench.report.layouts import latex, markdown, page

LAYOUTS = {"index.html": page.text, "report.md": markdown.text, "report.tex": latex.text}


def write(results: Results, out: Path) -> list[Path]:
    """index.html, and beside it Markdown, LaTeX, CSV, Parquet, the figures; the paths, the page
    first.

    The same records give the same bytes. `out` is made where it is missing.
    """
    out.mkdir(parents=True, exist_ok=True)
    tables = _tables(results, out)
    drawn = charts.write(results, out)
    pictures = [out / f"{figure.name}.{kind}" for figure in drawn for kind in ("svg", "png")]
    names = [*LAYOUTS, *(path.name for path in tables)]
    whole = document(results, drawn, names)
    for name, text in LAYOUTS.items():
        (out / name).write_text(text(whole), encoding="utf-8")
    return [*(out / name for name in LAYOUTS), *tables, *pictures]


def _tables(results: Results, out: Path) -> list[Path]:
    """The tidy table as CSV and Parquet; trials.csv where the run has searches."""
    frame = tidy.tidy(results)
    paths = [out / "table.csv", out / "table.parquet"]
    frame.to_csv(paths[0], index=False)
    with paths[1].open("wb") as file:  # by its handle: a path may hold bytes that are no text
        frame.to_parquet(file, index=False)
    every_trial = trials.frame(results)
    if not every_trial.empty:
        paths.append(out / "trials.csv")
        every_trial.to_csv(paths[-1], index=False)
    return paths
