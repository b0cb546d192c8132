"""Everything a published report consists of, written into one folder."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from bench.records import tidy
from bench.records.store import Run, Snapshot
from bench.report import charts, search_report, view
from bench.report import tables as report


def write(run: Run, out: Path) -> list[Path]:
    """index.html with its tables, and beside it Markdown, LaTeX, CSV, Parquet and the figures.

    The same records give the same bytes. `out` is made where it is missing.
    """
    out.mkdir(parents=True, exist_ok=True)
    run = Snapshot(run.path)
    tables = report.task_tables(run)
    frame = tidy.tidy(run.about(), list(run.records().values()))
    paths = [out / name for name in ("report.md", "report.tex", "table.csv", "table.parquet")]
    paths[0].write_text(report.markdown(run, tables))
    paths[1].write_text(latex(tables))
    frame.to_csv(paths[2], index=False)
    frame.to_parquet(paths[3], index=False)
    drawn = charts.write(run, out)
    paths += [path for one in drawn for path in (one.svg, one.png)]
    paths += search_report.write_trials(run, out)
    page = out / "index.html"
    page.write_text(html(run, tables, drawn, paths))
    return [page, *paths]


def html(
    run: Run, tables: list[report.TaskTable], drawn: list[charts.Drawn], files: list[Path]
) -> str:
    """The page: one file with its style, its script and its pictures in it."""
    environment = Environment(
        loader=PackageLoader("bench.report", "layouts"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    here = Path(__file__).parent / "layouts"
    return environment.get_template("page.html").render(
        view.page(run, tables, drawn, files),
        style=(here / "style.css").read_text(),
        script=(here / "script.js").read_text(),
    )


def latex(tables: list[report.TaskTable]) -> str:
    """One booktabs table a task."""
    parts = ["% needs \\usepackage{booktabs}"]
    for one in tables:
        frame = pd.DataFrame(list(one.rows), columns=list(report.HEADINGS))
        styled = frame.style.hide(axis="index").format(escape="latex")
        styled = styled.format_index(escape="latex", axis="columns")
        parts.append(
            styled.to_latex(
                hrules=True, column_format="ll" + "r" * (len(report.HEADINGS) - 2),
                caption=_escaped(one.title), label=f"tab:{one.task}", position_float="centering",
            )
        )  # fmt: skip
    return "\n".join(parts)


def _escaped(text: str) -> str:
    """Text in which nothing is a LaTeX command."""
    special = {c: f"\\{c}" for c in "&%$#_{}"}
    special |= {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(special.get(c, c) for c in text)
