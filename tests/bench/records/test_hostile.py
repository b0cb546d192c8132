"""Damaged and foreign files, over every reader: one line and exit status 2, or an honest report.

The damaged journals of searches, entries of histories, and runs that are gone on with have tests
of their own. How many files: tests/support/mutate.py.
"""

from __future__ import annotations

import json
import shutil
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import load_run
from bench.history import store
from bench.records.beside import written
from bench.records.record import Record
from bench.records.store import Run
from tasks.errors import UserError
from tests.bench.deploy import test_report as deployments
from tests.support.groups import file_of, usual
from tests.support.hostile import Numbers, Seen, call, check, numbers, quick_commands, tell
from tests.support.mutate import Mutant, mutants, tries
from tests.support.records import about, certificate, record, run_file, search, turned

PART = 0.7  # of all examples
# Kind of file → the run it stands in, and its place.
FILES = {
    "run.json": ("run", "run/run.json"),
    "launch": ("run", "run/launches/measure0~fnn-mnist~pytorch-eager.json"),
    "launch in turns": ("turned", "run/launches/measure0~fnn-mnist~pytorch-eager.json"),
    "search": ("searched", "run/launches/search0~tune-random~pytorch-eager.json"),
    "certificate": ("run", "run/launches/certify0~fnn-mnist~pytorch-eager.json"),
    "ceiling.json": ("run", "run/ceiling.json"),
    "evidence.json": ("run", "run/evidence.json"),
    "distributed.json": ("run", "run/distributed.json"),
    "deployment": ("deployed", "run/deploy/serve~fnn-mnist~*~0.json"),
    "history": ("run", "history/*.json"),
}
COMMANDS: dict[str, tuple[str, ...]] = {
    "compare": ("compare", "RUN", "OTHER", "--force"),
    "export junit": ("export", "RUN", "--format", "junit"),
    "export mllog": ("export", "RUN", "--format", "mllog"),
    "export pytest-benchmark": ("export", "RUN", "--format", "pytest-benchmark"),
    "history add": ("history", "add", "RUN", "--history", "KEPT"),
    "history show": ("history", "show", "--history", "HISTORY"),
    "history check": ("history", "check", "--history", "HISTORY"),
}
REPORT = {"report": ("report", "RUN", "--out", "OUT")}
HISTORY = ("load_run", "history show", "history show", "history check")
# One reader a file. A report of a file that is read takes more than a second, with its figures.
READERS = ("load_run", *(name for name in COMMANDS if name not in HISTORY)) * 20 + ("report",)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small whole runs, each with a history of it."""
    home = tmp_path_factory.mktemp("good")
    names = ("pytorch:eager", "mxnet:hybrid")
    proofs = [certificate(name) for name in names]
    for name, seconds in (("run", 0.1), ("other", 0.13)):
        blocks = product(range(3), enumerate(names))
        times = [record(n, block, seconds * (1 + at)) for block, (at, n) in blocks]
        write(home / name, [*proofs, *times])
    write(home / "turned", [*proofs, *map(turned, times)])
    write(home / "deployed", [*proofs, *times])
    write_deployments(home / "deployed" / "run")
    write(home / "searched", [search(name) for name in names], "tune-random")
    return home


def write(home: Path, made: list[Record], task: str = "fnn-mnist") -> None:
    """A run directory of these records, with all that may stand in one, and its history."""
    raw = about((task,), ("pytorch:eager", "mxnet:hybrid"), launches=3)
    run = Run.create(home / "run", run_file(raw))
    for each in made:
        run.add(each["launch"]["job"]["id"], each)
    write_beside(run.path)
    assert call("history", "add", str(run.path), "--history", str(home / "history")) == 0


def write_deployments(path: Path) -> None:
    """As of a run that `bench deploy` went on with."""
    found = deployments.results()
    place = path / "run.json"
    raw = json.loads(place.read_text())
    raw["request"]["routes"] = list(found.about.request.routes)
    place.write_text(json.dumps(raw))
    for made in found.deployments:
        Run.open(path).add_deployment(made.id, made.model_dump(mode="json", by_alias=True))


def write_beside(path: Path) -> None:
    """What `bench run`, `bench evidence` and `bench distribute` write beside the records."""
    rate = {"fp32": {"flops": 2e11}, "copy": {"bytes_per_second": 3e10}}
    asked = {"schema": 2, "device": "cpu", "threads": 2, "precisions": ["fp32"]}
    (path / "ceiling.json").write_text(json.dumps(asked | {"answers": {"pytorch": rate}}))
    curve = {"id": "curve~pytorch~fnn-mnist~1~0", "part": "curve", "framework": "pytorch",
             "task": "fnn-mnist", "threads": 1, "launch": 0}  # fmt: skip
    entry = {"request": curve, "answer": {"samples_per_second": {"32": 1e5}}}
    raw = about()
    evidence = {"schema": 2, "created": raw["created"], "machine": raw["machine"], "threads": 2}
    text = json.dumps(evidence | {"answers": {curve["id"]: entry}})
    (path / "evidence.json").write_text(text)
    groups = written(file_of(usual()))
    (path / "distributed.json").write_text(json.dumps(groups))


@pytest.mark.parametrize("kind", FILES)
def test_a_mutated_file_is_one_line_or_an_honest_report(
    good: Path,
    kind: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, place = FILES[kind]
    home = tmp_path / "home"
    shutil.copytree(good / name, home)
    shutil.copytree(good / ("other" if name == "run" else name) / "run", home / "other")
    target = next(home.glob(place))
    before = numbers(load_run(home / "run"))
    readers, seen = HISTORY if kind == "history" else READERS, Seen()

    @tries(PART / len(FILES))
    @given(mutants(json.loads(target.read_text())), st.sampled_from(readers))
    def every_reader(mutant: Mutant, reader: str) -> None:
        target.write_bytes(mutant.data)
        shutil.rmtree(home / "kept", ignore_errors=True)
        if mutant.alters or reader == "load_run":
            status = loaded(home, kind, before, mutant)
        if reader != "load_run":
            status = call(*filled((COMMANDS | REPORT)[reader], home))
            check(reader, status, capsys, mutant)
        seen[reader, status] += 1

    quick_commands(monkeypatch)
    every_reader()
    tell(kind, seen)
    refused = sum(count for (_, status), count in seen.items() if status == 2)
    assert 0 < refused < seen.total(), "the door does not look, or lets nothing in"


def loaded(home: Path, kind: str, before: Numbers, mutant: Mutant) -> int:
    """`load_run`, 0 or 2 as a command would end; no altered field has changed a number."""
    try:
        if kind == "history":
            store.load(home / "history")
        left = numbers(load_run(home / "run"))
    except UserError as error:
        assert "\n" not in str(error), mutant.how
        return 2
    if mutant.alters:  # a number that is gone comes from nowhere
        assert left.items() <= before.items(), f"a number came from an altered field: {mutant.how}"
    return 0


def filled(words: tuple[str, ...], home: Path) -> tuple[str, ...]:
    """A command with its folders."""
    folders: dict[str, Any] = {
        "RUN": "run", "OTHER": "other", "HISTORY": "history", "KEPT": "kept", "OUT": "out",
    }  # fmt: skip
    return tuple(str(home / folders[word]) if word in folders else word for word in words)
