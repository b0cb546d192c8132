"""Damaged entries of a history: one line that names the file, and never a number that was altered.

The commands themselves meet such files in tests/bench/records/test_hostile.py. How many files:
tests/support/mutate.py.
"""

from __future__ import annotations

import json
from math import isclose
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.history import otava, store
from bench.history.entries import check, entry_of
from bench.history.series import Series, change_at, exit_code, sentence, series_of
from bench.records.beside import HistoryEntry, written
from tasks.errors import UserError
from tests.support.hostile import Seen, tell
from tests.support.mutate import Mutant, mutants, tries
from tests.support.records import about, certificate, record, results

ENTRIES, VALUES = 0.08, 0.02  # of all examples
Numbers = set[tuple[str, float]]


def entry(day: int) -> HistoryEntry:
    """Two contenders with an A/A pair and two blocks."""
    made = [certificate(), certificate("mxnet:hybrid")]
    for block in (0, 1):
        seconds = 0.1 + 0.001 * block + 0.0001 * day
        made += [record("pytorch:eager", block, seconds), record("mxnet:hybrid", block, 0.2)]
        made.append(record("pytorch:eager", block, seconds * (1 + 0.01 * block), "A/A"))
    raw = about() | {"created": f"2026-11-{1 + day:02d}T12:00:00+00:00"}
    return entry_of(results(made, raw), f"revision {day}")


def points(series: list[Series], run: str) -> Numbers:
    """What one run shows in these series: (metric, value)."""
    return {(s.metric, p.value) for s in series for p in s.points if p.run == run}


def shown(folder: Path) -> list[Series]:
    """What `add`, `show` and `check` do with a history's files, Otava's own process left out."""
    entries = store.load(folder)
    series = series_of(entries)
    for number, each in enumerate(series):
        assert each.name and each.fingerprint
        assert each.unjudged
        if len(each.points) > 1:
            first, *_, last = (point.value for point in each.points)
            assert sentence(change_at(each, len(each.points) - 1, first, last))
        otava.write_csv(folder / f".{number % 3}.csv", each)
    assert exit_code(series, []) == 2
    again = folder / "again"
    for kept in entries:
        store.append(again, kept)
    assert store.load(again) == entries
    for path in again.iterdir():
        path.unlink()
    return series


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs of one fingerprint."""
    folder = tmp_path_factory.mktemp("history")
    for day in range(3):
        store.append(folder, entry(day))
    return folder


def test_a_mutated_entry_is_one_line_or_shows_no_altered_number(history: Path) -> None:
    good = entry(1)
    target = history / f"{good.id}.json"
    values = points(shown(history), good.id)
    assert len(values) > 20
    seen = Seen()

    @tries(ENTRIES)
    @given(mutants(written(good)))
    def each(mutant: Mutant) -> None:
        target.write_bytes(mutant.data)
        try:
            series = shown(history)
        except UserError as error:
            seen["entry", 2] += 1
            assert "\n" not in str(error), mutant.how
            assert str(target) in str(error), mutant.how
            return
        seen["entry", 0] += 1
        for metric, value in points(series, good.id) - values:  # the mean of its launches all but
            near = [x for name, x in values if name == metric and isclose(x, value, rel_tol=1e-6)]
            assert near and not mutant.alters, mutant.how

    each()
    store.append(history, good)
    tell("history entry", seen)
    assert seen["entry", 2] > 0 < seen["entry", 0]


@tries(VALUES)
@given(place=st.data())
def test_no_value_survives_a_change_of_any_size(place: st.DataObject) -> None:
    """Not only sign and type: a value that is another number no longer fits its launches."""
    raw = written(ENTRY)
    cell = place.draw(st.sampled_from(raw["cells"]))
    kept = cell["values"][place.draw(st.sampled_from(sorted(cell["values"])))]
    factor = place.draw(st.floats(-1e6, 1e6).filter(lambda x: abs(x - 1) > 1e-6))
    where = place.draw(st.sampled_from(["value", *kept["launches"]]))
    holder = kept if where == "value" else kept["launches"]
    changed = holder[where] * factor
    if changed == holder[where]:
        return
    holder[where] = changed
    with pytest.raises(ValueError, match="not the mean of its launches"):
        check(HistoryEntry.model_validate_json(json.dumps(raw)))


ENTRY = entry(0)
