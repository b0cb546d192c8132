"""History: entries, series and verdicts, parallel jobs, and Apache Otava on a real change."""

from __future__ import annotations

import json
import math
import multiprocessing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.history import otava, store
from bench.history.entries import entry_of
from bench.history.series import MIN_RUNS, Series, change_at, exit_code, sentence, series_of
from bench.judge import questions
from bench.judge.questions import Side
from bench.records.beside import HistoryEntry, written
from bench.records.metrics import metric
from bench.records.record import Outcome, Record, failure_record
from bench.records.results import Results
from bench.records.store import Run
from bench.run.environments import PROJECT
from tasks.catalogue.every import TASKS
from tasks.errors import UserError
from tasks.spec.form import definition, digest
from tasks.spec.layers import Dense
from tests.support import records
from tests.support.command import bench
from tests.support.records import job, record, run_file

PUBLISHED = PROJECT / "results" / "cpu-quick"


def about(day: int, **machine: Any) -> dict[str, Any]:
    """run.json of a day."""
    made = records.about(implementations=("pytorch:eager", "mxnet:hybrid"))
    created = f"2026-{1 + day // 28:02d}-{1 + day % 28:02d}T03:00:00+00:00"
    return made | {"created": created, "machine": made["machine"] | machine}


def kept(raw: dict[str, Any], made: list[Record], revision: str = "") -> HistoryEntry:
    """The entry of a run of these records."""
    return entry_of(records.results(made, raw), revision)


def launches(seconds: float = 0.1, spread: float = 0.01) -> list[Record]:
    """Two blocks with an A/A pair that differs by `spread`."""
    return [
        record("pytorch:eager", block, seconds * (1 + spread * (label == "A/A") * block), label)
        for block in (0, 1)
        for label in ("", "A/A")
    ]


def entry(day: int, seconds: float = 0.1, **machine: Any) -> HistoryEntry:
    return kept(about(day, **machine), launches(seconds), revision=f"r{day}")


def speed(entries: list[HistoryEntry]) -> Series:
    (found,) = [s for s in series_of(entries) if s.metric == "train_throughput"]
    return found


def noisy(days: int, slower_from: int = 10**6, by: float = 1.2) -> list[HistoryEntry]:
    rng = np.random.default_rng(4)
    return [
        entry(d, 0.1 * math.exp(rng.normal(0, 0.01)) * (by if d >= slower_from else 1.0))
        for d in range(days)
    ]


def test_an_entry_keeps_values_launches_floor_and_versions() -> None:
    made = entry(3)
    (cell,) = made.cells
    speeds = cell.values["train_throughput"]
    assert sorted(speeds.launches) == ["0", "1"]
    assert speeds.value == pytest.approx(np.sqrt(speeds.launches["0"] * speeds.launches["1"]))
    assert made.floors["train_throughput"] > 0.005
    assert cell.packages == {"numpy": "2"}
    assert cell.task == about(3)["tasks"]["fnn-mnist"]["digest"]
    assert made.measurement == 1


def test_the_floor_is_the_judges_own_as_a_share_of_the_value() -> None:
    scored = launches(spread=0.03)
    for number, each in enumerate(scored):
        each["launch"]["readings"]["test_score"] = 0.9 + 0.01 * number
    results = records.results(scored, about(0))
    (original, copy) = results.twins()[0]
    floors, own = entry_of(results).floors, questions.floors(results)
    assert floors.keys() == own.keys()
    speed = metric("train_throughput")
    asked = questions.question(
        "fnn-mnist", speed, Side("", original), Side("", copy), math.nan, True, "higher"
    )
    assert asked is not None
    ends = [abs(end) for end in asked.effect.interval()]
    assert floors["train_throughput"] == pytest.approx(math.expm1(max(ends)))
    mean = np.mean([r["launch"]["readings"]["test_score"] for r in scored[::2]])
    assert floors["test_score"] == pytest.approx(own["test_score"] / mean)


def test_an_id_is_the_same_after_a_resume_and_another_for_a_twin() -> None:
    """Two CI jobs can begin the same command in the same second."""
    early, late = record("pytorch:eager", 0), record("mxnet:hybrid", 0)
    early["datetime"], late["datetime"] = "2026-01-01T00:00:01", "2026-01-01T00:00:02"
    begun, resumed = kept(about(0), [early]), kept(about(0), [late, early])
    assert begun.id == resumed.id
    twin = kept(about(0), [{**early, "datetime": "2026-01-01T00:00:01.5"}])
    assert twin.id != begun.id


def test_a_block_measured_anew_leaves_the_id() -> None:
    first = record("pytorch:eager", 0)
    anew = json.loads(json.dumps(record("pytorch:eager", 0, 0.2)))
    anew["datetime"] = "2026-01-02T00:00:00"
    anew["launch"]["job"] |= {"repeat": 1, "id": first["launch"]["job"]["id"] + "~again"}
    assert kept(about(0), [first]).id == kept(about(0), [first, anew]).id


def test_a_run_without_a_measurement_is_refused() -> None:
    broken = failure_record(job("pytorch:eager", 0), Outcome("crash", "x"))
    with pytest.raises(UserError, match="nothing was measured"):
        kept(about(0), [broken])


def edited(raw: dict[str, Any], *path: Any, to: Any) -> dict[str, Any]:
    """The same run.json with another value at a place."""
    copy: dict[str, Any] = json.loads(json.dumps(raw))
    place: Any = copy
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return copy


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("machine", "cpu"), "d"),
        (("machine", "cores"), 4),
        (("machine", "memory_gib"), 48),
        (("machine", "architecture"), "aarch64"),
        (("budget", "train_rounds"), 99),
        (("suite", "measurement"), 2),
        (("datasets", "fnn-mnist", "sha256"), "1" * 64),
        (("tasks", "fnn-mnist", "digest"), "another"),
    ],
)
def test_what_makes_another_series(place: tuple[str, ...], value: Any) -> None:
    other = kept(edited(about(1), *place, to=value), launches())
    found = [s for s in series_of([entry(0), other]) if s.metric == "train_throughput"]
    assert [len(s.points) for s in found] == [1, 1]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("machine", "os"), "Linux 7"),
        (("machine", "python"), "3.12.1"),
        (("suite", "version"), "9"),
        (("suite", "revision"), "def"),
        (("command",), "bench run --tasks fnn-mnist"),
    ],
)
def test_what_a_history_watches_makes_no_other_series(place: tuple[str, ...], value: Any) -> None:
    other = kept(edited(about(1), *place, to=value), launches())
    assert len(speed([entry(0), other]).points) == 2


def test_other_threads_are_another_series() -> None:
    more = launches()
    for each in more:
        each["launch"]["job"]["cell"] |= {"threads": 8}
    found = series_of([entry(0), kept(about(1), more)])
    assert [len(s.points) for s in found if s.metric == "train_throughput"] == [1, 1]


def test_a_task_edited_under_its_name_is_another_series() -> None:
    """One layer's units: the name says nothing of it, the digest does."""
    task = next(work for work in TASKS if work.name == "fnn-mnist")
    number, dense = next((n, x) for n, x in enumerate(task.layers) if isinstance(x, Dense))
    layers = list(task.layers)
    layers[number] = replace(dense, units=dense.units + 1)
    wider = replace(task, layers=tuple(layers))
    assert wider.name == task.name
    facts = {"digest": digest(wider), "definition": definition(wider)}
    raw = edited(about(1), "tasks", "fnn-mnist", to=facts)
    same, other = kept(about(1), launches()), kept(raw, launches())
    assert len(speed([entry(0), same]).points) == 2
    found = [s for s in series_of([entry(0), other]) if s.metric == "train_throughput"]
    assert [len(s.points) for s in found] == [1, 1]
    assert found[0].name == found[1].name
    assert found[0].fingerprint != found[1].fingerprint


def test_a_change_names_the_run_and_what_else_is_new_there() -> None:
    series = speed([entry(0), entry(1, 0.2, os="Linux 7.0")])
    change = change_at(series, 1, series.points[0].value, series.points[1].value)
    assert change.worse
    assert change.relative == pytest.approx(-0.5)
    assert "WORSE" in sentence(change)
    assert "revision r1" in sentence(change)
    assert "os Linux 6.1 → Linux 7.0" in sentence(change)
    latency = replace(series, metric="step_latency_p50", better="lower")
    assert not change_at(latency, 1, 2.0, 1.0).worse
    assert change_at(latency, 1, 1.0, 2.0).worse
    assert change_at(latency, 1, 0.0, 2.0).relative == math.inf


def test_the_score_of_a_regression_is_an_error() -> None:
    error = kept(records.about(["rnn-sequence"]), [record(task="rnn-sequence")])
    better = {s.metric: s.better for s in series_of([error])}
    assert better["test_score"] == "lower"
    assert better["train_throughput"] == "higher"
    assert {s.better for s in series_of([entry(0)]) if s.metric == "test_score"} == {"higher"}


def test_runs_are_ordered_by_their_moment_whatever_its_zone() -> None:
    east = kept(about(0) | {"created": "2026-01-01T04:30:00+02:00"}, launches(0.1))
    utc = kept(about(0) | {"created": "2026-01-01T03:00:00+00:00"}, launches(0.2))
    assert [p.run for p in speed([utc, east]).points] == [east.id, utc.id]


def test_exit_codes() -> None:
    whole = speed(noisy(MIN_RUNS))
    short = replace(whole, points=whole.points[:-1])
    unfloored = replace(whole, points=tuple(replace(p, floor=math.nan) for p in whole.points))
    worse = change_at(whole, 4, 2.0, 1.0)
    better = change_at(whole, 4, 1.0, 2.0)
    assert exit_code([whole], []) == 0
    assert exit_code([whole], [better]) == 0
    assert exit_code([whole], [worse]) == 1
    assert exit_code([whole], [worse], since="2026-01-05") == 1
    assert exit_code([whole], [worse], since="2026-01-06") == 0
    assert exit_code([short], []) == 2
    assert exit_code([unfloored], []) == 2
    assert exit_code([whole, short], []) == 0


def test_what_stopped_working_is_not_unchanged() -> None:
    entries = noisy(10)
    broken = [failure_record(job("pytorch:eager", b), Outcome("crash", "boom")) for b in (0, 1)]
    last = kept(about(10), [*broken, record("mxnet:hybrid", 0)])
    gone = speed_of(series_of([*entries, last]), "pytorch:eager")
    assert "boom" in gone.missing
    assert exit_code([gone], []) == 2
    assert exit_code([gone], [], since="2026-02-01") == 0
    assert speed_of(series_of([*entries, last, entry(11)]), "pytorch:eager").missing == ""


def speed_of(series: list[Series], implementation: str) -> Series:
    (found,) = [
        s for s in series
        if s.metric == "train_throughput" and s.cell.implementation == implementation
    ]  # fmt: skip
    return found


def _add(folder: Path, made: HistoryEntry, start: Any) -> None:
    start.wait()
    store.append(folder, made)


def test_100_processes_at_once_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    """80 runs of their own, and 20 processes that add the same run."""
    own = [kept(about(0), [{**record("pytorch:eager", 0), "datetime": str(n)}])
           for n in range(80)]  # fmt: skip
    work = [*own, *[entry(1)] * 20]
    context = multiprocessing.get_context("fork")
    start = context.Barrier(len(work))
    jobs = [context.Process(target=_add, args=(tmp_path, made, start)) for made in work]
    for process in jobs:
        process.start()
    for process in jobs:
        process.join(60)
    assert [process.exitcode for process in jobs] == [0] * 100
    wanted = {made.id: made for made in work}
    assert {e.id: e for e in store.load(tmp_path)} == wanted
    assert len(wanted) == 81
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(f"{i}.json" for i in wanted)


def test_what_a_killed_job_left_is_not_read(tmp_path: Path) -> None:
    store.append(tmp_path, entry(0))
    (tmp_path / ".x.part").write_text('{"id": ')
    (tmp_path / ".x.json").write_text('{"id": ')
    assert len(store.load(tmp_path)) == 1


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema": 1}', '{"schema": 99}'])
def test_a_spoiled_entry_names_its_file(tmp_path: Path, content: str) -> None:
    (tmp_path / "spoiled.json").write_text(content)
    with pytest.raises(UserError, match="spoiled"):
        store.load(tmp_path)


# Standard output of apache-otava 0.8.0 for two made-up series (13th run 20 % lower; one run).
OTAVA_SAID = (
    '{"s3": [{"time": 1578873600, "attributes": {"run": "r12"}, "changes": [{"metric": "value", '
    '"index": 12, "time": 1578873600, "forward_change_percent": "-21", "magnitude": "0.268949", '
    '"mean_before": "1.012544", "stddev_before": "0.027314", "mean_after": "0.797939", '
    '"stddev_after": "0.017802", "pvalue": "0.000000"}]}]}\n{"short": []}\n'
)


def test_otavas_answer_is_read() -> None:
    found = otava.parse(OTAVA_SAID)
    assert found == {"s3": (otava.ChangePoint(12, 1.012544, 0.797939),), "short": ()}


@pytest.mark.parametrize("text", ["No regressions found", "[]", '{"a": [{}]}', '{"a": 1}'])
def test_another_answer_is_said_not_guessed(text: str) -> None:
    with pytest.raises(UserError, match="not understood"):
        otava.parse(text)


def test_microseconds_keep_their_digits(tmp_path: Path) -> None:
    series = speed(noisy(3))
    tiny = replace(series, points=tuple(replace(p, value=p.value * 1e-12) for p in series.points))
    scale = otava.write_csv(tmp_path / "x.csv", tiny)
    rows = (tmp_path / "x.csv").read_text().splitlines()[1:]
    values = [float(row.split(",")[2]) for row in rows]
    assert [v * scale for v in values] == pytest.approx([p.value for p in tiny.points])
    assert max(values) == pytest.approx(1.0, rel=0.1)


def test_what_pip_cannot_install_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_ENVS", str(tmp_path / "envs"))
    missing = str(tmp_path / "no-such-1.0-py3-none-any.whl")
    monkeypatch.setattr(otava, "requirements", lambda: [missing])
    with pytest.raises(UserError, match="could not be installed; the reason is in") as caught:
        otava.executable(say=lambda line: None)
    assert "\n" not in str(caught.value)
    assert "no-such-1.0" in (tmp_path / "envs" / "otava" / "setup.log").read_text()


@pytest.mark.parametrize("script", ["echo '{}'", "echo 'ERROR: no input' >&2", "exit 3"])
def test_a_series_otava_passed_over_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    """Where it cannot read a file, Otava logs an error, leaves the series out, and exits with 0."""
    fake = tmp_path / "otava"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    monkeypatch.setattr(otava, "executable", lambda say: fake)
    with pytest.raises(UserError, match="could not judge the history"):
        otava.find([speed(noisy(10))])


@pytest.fixture(scope="module")
def installed() -> Path:
    """Otava's own environment, made by pip where it is missing."""
    try:
        return otava.executable()
    except UserError as error:
        pytest.skip(str(error))


def test_otava_names_the_run_where_it_changed(installed: Path) -> None:
    slow, even = speed(noisy(14, slower_from=9)), speed(noisy(14))
    answers = {one.points: found for one, found in otava.find([slow, even])}
    (found,) = answers[slow.points]
    assert slow.points[found.index].revision == "r9"
    assert found.after / found.before == pytest.approx(1 / 1.2, rel=0.02)
    assert answers[even.points] == ()


def test_a_hundred_even_series_raise_no_alarm(installed: Path) -> None:
    """At Otava's own p-value about two of them would (see bench/history/otava.py)."""
    rng = np.random.default_rng(7)
    model = speed(noisy(14))
    even = [
        replace(model, metric=f"m{n}", points=tuple(
            replace(p, value=1e5 * math.exp(rng.normal(0, 0.03)), floor=0.01) for p in model.points
        ))
        for n in range(100)
    ]  # fmt: skip
    found = otava.find(even)
    assert len(found) == 100
    assert not any(points for _, points in found)


def test_a_change_inside_the_floor_is_none(installed: Path) -> None:
    slow = speed(noisy(14, slower_from=9))
    wide = replace(slow, points=tuple(replace(p, floor=0.3) for p in slow.points))
    assert otava.find([wide]) == [(wide, ())]


def test_runs_older_than_a_year_and_of_a_clock_ahead_count(installed: Path) -> None:
    slow = speed(noisy(14, slower_from=9))
    for year in ("2019", "2099"):
        moved = replace(
            slow, points=tuple(replace(p, created=year + p.created[4:]) for p in slow.points)
        )
        assert len(otava.find([moved])[0][1]) == 1


def test_commands_end_to_end(installed: Path, tmp_path: Path) -> None:
    """add, show and check with real exit codes: first too few runs, then even, then slower."""
    envs = str(installed.parents[2])

    def add(days: range, seconds: float) -> None:
        rng = np.random.default_rng(1)
        for day in days:
            run = Run.create(tmp_path / f"run{day}", run_file(about(day)))
            for each in launches(seconds * math.exp(rng.normal(0, 0.01))):
                run.add(each["launch"]["job"]["id"], each)
        folders = [f"run{day}" for day in days]
        assert bench("history", "add", *folders, "--history", "h", cwd=tmp_path).returncode == 0

    def check(*options: str) -> Any:
        command = ["history", "check", "--history", "h", *options]
        return bench(*command, cwd=tmp_path, BENCH_ENVS=envs)

    add(range(2), 0.1)
    assert check().returncode == 2
    add(range(2, 10), 0.1)
    even = check()
    assert even.returncode == 0, even.stdout
    add(range(10, 16), 0.13)
    assert "16" in bench("history", "show", "--history", "h", cwd=tmp_path).stdout
    done = check()
    assert done.returncode == 1
    assert "WORSE: fnn-mnist pytorch:eager cpu 2t train_throughput -2" in done.stdout
    assert "20260111T030000-" in done.stdout
    assert check("--since", "2026-02-01").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "nowhere"], "does not exist"),
        (["show", "--history", "nowhere"], "no history"),
        (["check", "--history", "empty"], "holds no run"),
        (["check", "--history", "empty", "--since", "yesterday"], "not a date"),
        (["check", "--history", "short"], "could not be judged"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(tmp_path: Path, arguments: list[str], words: str) -> None:
    (tmp_path / "empty").mkdir()
    store.append(tmp_path / "short", entry(0))
    done = bench("history", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_published_run_can_be_kept(tmp_path: Path) -> None:
    made = entry_of(Results.read(Run.open(PUBLISHED)))
    assert {c.cell.implementation for c in made.cells} == {
        "keras:tensorflow", "mxnet:hybrid", "pytorch:eager", "tensorflow:graph",
    }  # fmt: skip
    assert made.floors["train_throughput"] == pytest.approx(0.312, abs=0.001)
    store.append(tmp_path, made)
    assert store.load(tmp_path) == [made]


def old(made: HistoryEntry) -> dict[str, Any]:
    """The same entry as schema 1 wrote it."""
    raw = written(made) | {"schema": 1}
    del raw["measurement"]
    raw["machine"] = dict(raw["machine"])
    raw["machine"]["memory_bytes"] = raw["machine"].pop("memory_gib") * 2**30 - 4096
    for cell in raw["cells"]:
        del cell["task"], cell["score"]
    return raw


def test_an_entry_of_schema_1_is_read_and_not_compared_with_a_newer_one(tmp_path: Path) -> None:
    for day in (0, 1):
        made = entry(day)
        (tmp_path / f"{made.id}.json").write_text(json.dumps(old(made)))
    store.append(tmp_path, entry(2))
    entries = store.load(tmp_path)
    assert [e.cells[0].task for e in entries[:2]] == ["", ""]
    found = [s for s in series_of(entries) if s.metric == "train_throughput"]
    assert sorted(len(s.points) for s in found) == [1, 2]


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("cells", 0, "values", "train_throughput", "value"), 1.0, "not the mean"),
        (("cells", 0, "values", "train_throughput", "launches"), {}, "by block"),
        (("cells", 0, "values", "nonsense"), {"value": 1.0, "launches": {"0": 1.0}}, "no metric"),
        (("id",), "20260101T000000-000000000000", "another run"),
        (("created",), "0001-01-01T00:00:00+05:00", "created"),
        (("machine", "cores"), -2, "machine.cores"),
        (("cells", 0, "cell", "threads"), "2", "threads"),
    ],
)
def test_an_entry_that_contradicts_itself_names_the_field(
    tmp_path: Path, place: tuple[Any, ...], value: Any, words: str
) -> None:
    made = entry(0)
    raw = edited(written(made), *place, to=value)
    (tmp_path / f"{made.id}.json").write_text(json.dumps(raw))
    with pytest.raises(UserError, match=words) as caught:
        store.load(tmp_path)
    assert f"{made.id}.json" in str(caught.value)
