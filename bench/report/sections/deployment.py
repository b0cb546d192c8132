"""The same models in every format and runtime: what works, what it weighs, how fast it answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import isnan
from statistics import median

from bench.deploy.results import RouteResult, ratio, route_results
from bench.records.results import Results
from bench.report.blocks import Block, Column, Details, Note, Section, Table, label
from bench.report.context import Context
from bench.stats import Estimate

ORDER = 55
OF_DEPLOYMENTS = True
MIB, KIB = 2**20, 2**10
NEAR = 0.1
INTRODUCTION = (
    "The weights of a task are trained once and put into every framework's network, which is "
    "written to a file in each format and loaded by each runtime in fresh processes. A file is "
    "certified where its answers are within 1e-5 of the float64 oracle, at batch sizes and "
    "sequence lengths that the export did not see; only what is certified is timed."
)
SIGNS = {
    "certified": "certified at any batch size, and length of a sequence",
    "fixed": "certified at the one batch size or length that it takes",
    "refused": "its answers are not the model's",
    "failed": "the converter or the runtime raised an error",
    "none": "there is no such converter",
    "not installed": "its environment could not be made",
}


def sections(results: Results, context: Context) -> list[Section]:
    """None of a run without deployments."""
    found = route_results(results)
    if not found:
        return []
    blocks: list[Block] = [Note(INTRODUCTION), *overview(results)]
    for task in results.about.request.tasks:
        own = [one for one in found if one.task == task]
        blocks.append(Section(f"deployment-{task}", task, _of_task(own)))
    blocks += [table for table in _networks(results) if table.rows]
    blocks.append(Details("Every route that does not work, or not at every size", _reasons(found)))
    return [Section("deployment", "Deployment: formats and runtimes", tuple(blocks))]


def overview(results: Results) -> list[Table]:
    """Format and runtime against framework: of how many tasks the files are the model."""
    found = route_results(results)
    names = list(dict.fromkeys(one.route.framework for one in found))
    ways = list(dict.fromkeys((one.way) for one in found))
    rows = []
    for way in ways:
        cells = []
        for name in names:
            own = [one.word for one in found if (one.route.framework, one.way) == (name, way)]
            cells.append(_counted(own))
        rows.append((way, *cells))
    legend = "Of the tasks: " + "; ".join(f"{sign}, {words}" for sign, words in SIGNS.items()) + "."
    headings = (label("format and runtime"), *map(label, names))
    return [Table("What works", headings, tuple(rows), legend)] if rows else []


def _counted(words: Sequence[str]) -> str:
    """ "4 certified", or "3 certified, 1 failed"."""
    return ", ".join(f"{count} {word}" for word, count in Counter(words).items())


def _of_task(own: Sequence[RouteResult]) -> tuple[Block, ...]:
    good = sorted((one for one in own if one.latency), key=lambda one: one.latency)
    if not good:
        return (Note("Nothing was timed."),)
    narrow = _narrowed(own)
    compared = _compared(good)
    return (_speed(good), *compared, _weight(good), *([narrow] if narrow.rows else []))


def _compared(good: Sequence[RouteResult]) -> tuple[Note, ...]:
    """How far the load generator's median, less its cost, lies from ours of the same launch."""
    apart = [one.apart for one in good if one.apart is not None]
    if not apart:
        return ()
    near = sum(abs(value) <= NEAR for value in apart)
    text = (
        f"LoadGen's median less its cost lies within {NEAR:.0%} of ours of the same process on "
        f"{near} of {len(apart)} routes (the median difference: {median(apart):+.1%})."
    )
    return (Note(text, small=True),)


def _narrowed(own: Sequence[RouteResult]) -> Table:
    """Lower precisions beside the same way in float32: what they lose of the score, and gain."""
    full = {(one.route.framework, one.route.runtime): one for one in own if one.is_full_width}
    rows = []
    for one in own:
        other = full.get((one.route.framework, one.route.runtime))
        if one.is_full_width or other is None:
            continue
        times = ratio(other, one)
        size = one.bytes and other.bytes and one.bytes / other.bytes
        scores = (_text(other.score, ".4g"), _text(one.score, ".4g"))
        strict = "" if one.strictly is None else ("yes" if one.strictly else "no")
        told = "" if times is None else _times(times)
        rows.append((one.route.name, one.word, *scores, strict, told, _text(size, ".2f")))
    headings = (label("route"), label("status"), Column("float32's score"), Column("its score"),
                label("99.9 % kept"), label("single rows"), Column("file size"))  # fmt: skip
    legend = (
        "A lower precision is accepted where it keeps 99 % of float32's score (of an error: adds "
        "1 % at most), as MLPerf's rules ask; 99.9 % is their stricter bound. Speed and file are "
        "beside the same framework and runtime in float32, with the 95 % interval over launches."
    )
    return Table("Lower precision", headings, tuple(rows), legend)


def _times(speed: Estimate) -> str:
    """Above 1 it gained."""
    faster = speed.value >= 1
    value, low, high = speed.value, speed.low, speed.high
    if not faster:
        value, low, high = 1 / value, 1 / high, 1 / low
    word = "faster" if faster else "slower"
    interval = "" if isnan(speed.low) else f" ({low:.2f} to {high:.2f})"
    return f"{value:.2f} times {word}{interval}"


def _speed(good: Sequence[RouteResult]) -> Table:
    headings = (
        "p50 µs", "p90", "p99", "rows/s at 256", "LoadGen p50", "its cost", "offline/s", "server/s",
    )  # fmt: skip
    rows = tuple(
        (
            one.route.name, one.interval, _text(one.p90, ",.0f"), _text(one.p99, ",.0f"),
            _text(one.rows_per_second, ",.0f"),
            _text(one.generator("single stream", "p50"), ",.1f"),
            _text(one.generator("single stream", "cost"), ".1f"),
            _text(one.generator("offline", "rate"), ",.0f"),
            _text(one.generator("server", "rate"), ",.0f"),
        )
        for one in good
    )  # fmt: skip
    legend = (
        "Single rows, one after the other, fastest median first, with its 95 % interval over "
        "launches. LoadGen is MLPerf's load generator; its cost is what a query takes of a model "
        "that does nothing, and is part of its p50. Server: the largest Poisson rate whose 99th "
        "percentile is within 10 ms."
    )
    return Table("Speed", (label("route"), *map(Column, headings)), rows, legend)


def _weight(good: Sequence[RouteResult]) -> Table:
    headings = ("export s", "file KiB", "installed MiB", "cold start s", "peak MiB", "score")
    rows = tuple(
        (
            one.route.name, _text(one.export_seconds, ".1f"), _text(one.bytes, ",.0f", KIB),
            _text(one.installed_bytes, ",.0f", MIB), _text(one.cold_seconds, ".2f"),
            _text(one.peak_bytes, ",.0f", MIB), _text(one.score, ".4g"),
        )
        for one in good
    )  # fmt: skip
    legend = (
        "Cold start: importing the runtime, reading the file and the first answer, in a fresh "
        "process with empty caches. Installed: the runtime and all that it needs."
    )
    return Table("Weight and cold start", (label("route"), *map(Column, headings)), rows, legend)


def _networks(results: Results) -> list[Table]:
    """Latency against rate, a table a task; and how a server ended that did not end well."""
    headings = ("rate asked/s", "sent", "answered", "rejected", "failed", "p50 ms", "p90", "p99")
    tables = []
    for one in results.deployments:
        if one.network is None:
            continue
        seen = [("closed, one client", one.network.closed)]
        seen += [("open", point) for point in one.network.points]
        rows = tuple(
            (
                loop, "" if loop != "open" else f"{at.asked:,.0f}", str(at.sent), str(at.answered),
                str(at.rejected), str(at.failed), _text(at.p50, ",.2f"), _text(at.p90, ",.2f"),
                _text(at.p99, ",.2f"),
            )
            for loop, at in seen
        )  # fmt: skip
        ended = f" It ended as {one.status}: {one.reason}." if one.status != "ok" else ""
        legend = (
            f"{one.route.name} behind {one.network.server} on this machine, JSON over HTTP. Open: "
            "requests are sent when they are due, a Poisson stream, and a latency begins then."
            + ended
        )
        title = f"{one.task} over the network"
        tables.append(Table(title, (label("loop"), *map(Column, headings)), rows, legend))
    return tables


def _text(value: float | None, form: str, unit: float = 1) -> str:
    return "" if value is None else format(value / unit, form)


def _reasons(found: Sequence[RouteResult]) -> tuple[Block, ...]:
    """Each in the converter's or the runtime's own words."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    for one in found:
        if one.word != "certified":
            rows.setdefault((one.route.name, one.word, one.reason), []).append(one.task)
    headings = (
        label("route"),
        label("status"),
        label("tasks", wrap=True),
        label("reason", wrap=True),
    )
    table = tuple(
        (name, word, ", ".join(tasks), reason) for (name, word, reason), tasks in rows.items()
    )
    return (Table("Routes that do not work, or not at every size", headings, table),)
