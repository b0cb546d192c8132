"""The folder: parallel jobs, spoiled and older files."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from bench.history import store
from bench.history.series import series_of
from bench.records.beside import HistoryEntry, written
from tasks.errors import UserError
from tests.bench.history.made import about, edited, entry, kept
from tests.support.records import record


def _add(folder: Path, made: HistoryEntry, start: Any) -> None:
    start.wait()
    store.append(folder, made)


def test_100_processes_at_once_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    """80 runs of their own, and 20 processes that add the same run."""
    moments = [f"2026-01-01T00:{n // 60:02}:{n % 60:02}" for n in range(80)]
    launch = record("pytorch:eager", 0)
    own = [kept(about(0), [{**launch, "datetime": moment}]) for moment in moments]
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
