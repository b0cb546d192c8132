"""Damaged and foreign files, over every reader: one line and exit status 2, or an honest report.

2,000 mutated files in `nox -s tests`; `nox -s hostile` makes 50,000 (BENCH_EXAMPLES).
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench import load_run
from bench.cli import main as cli
from bench.history import store
from bench.records.store import Run
from tasks.errors import UserError
from tests.support.mutate import Mutant, mutants
from tests.support.records import about, certificate, record, run_file

EXAMPLES = int(os.environ.get("BENCH_EXAMPLES", "2000"))
FULL_REPORTS = 100  # one accepted file in so many is also reported whole, with its figures
FILES = ("run.json", "launch", "certificate", "ceiling.json", "evidence.json", "history")
COMMANDS: dict[str, tuple[str, ...]] = {
    "compare": ("compare", "RUN", "OTHER", "--force"),
    "export junit": ("export", "RUN", "--format", "junit"),
    "export mllog": ("export", "RUN", "--format", "mllog"),
    "export pytest-benchmark": ("export", "RUN", "--format", "pytest-benchmark"),
    "history add": ("history", "add", "RUN", "--history", "KEPT"),
    "history show": ("history", "show", "--history", "HISTORY"),
    "history check": ("history", "check", "--history", "HISTORY"),
    "resume": ("run", "--resume", "--out", "RUN"),
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small whole run, a second one, and a history of the first."""
    home = tmp_path_factory.mktemp("good")
    for name in ("run", "other"):
        raw = about(implementations=("pytorch:eager", "mxnet:hybrid"), launches=2)
        run = Run.create(home / name, run_file(raw))
        made = [certificate(), certificate("mxnet:hybrid")]
        for block in range(2):
            made += [record("pytorch:eager", block), record("mxnet:hybrid", block, 0.2)]
        for each in made:
            run.add(each["launch"]["job"]["id"], each)
        write_beside(run.path)
    assert call(("history", "add", str(home / "run"), "--history", str(home / "history"))) == 0
    return home


def write_beside(path: Path) -> None:
    """A ceiling and an evidence file as `bench run` and `bench evidence` write them."""
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


def call(arguments: tuple[str, ...]) -> int:
    """A command in this process; its exit status. Any other exception is the test's failure."""
    try:
        cli.main(list(arguments))
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def place(home: Path, kind: str) -> Path:
    """Where a kind of file stands in the copied run."""
    if kind == "history":
        return next((home / "history").glob("*.json"))
    named = {"launch": "measure0~fnn-mnist~pytorch-eager", "certificate": "certify0~*pytorch-eager"}
    pattern = f"launches/{named[kind]}.json" if kind in named else kind
    return next((home / "run").glob(pattern))


def numbers(frame: pd.DataFrame) -> dict[tuple[str, ...], float]:
    """Cell and metric → value."""
    keys = ["task", "implementation", "label", "metric"]
    kept = frame[frame["metric"] != ""]
    return {tuple(row[:-1]): row[-1] for row in kept[[*keys, "value"]].itertuples(index=False)}


@pytest.mark.parametrize("kind", FILES)
def test_a_mutated_file_is_one_line_or_an_honest_report(
    good: Path, kind: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = json.loads(place(good, kind).read_text())
    before = numbers(load_run(good / "run"))
    seen = {"refused": 0, "read": 0}
    home = good / f"try-{kind}"
    shutil.copytree(good, home, ignore=shutil.ignore_patterns("try-*"))
    target = place(home, kind)

    @settings(
        max_examples=max(1, EXAMPLES // len(FILES)), deadline=None, database=None,
        derandomize=True, suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(mutants(whole), st.integers(0, len(COMMANDS) - 1))
    def every_reader(mutant: Mutant, which: int) -> None:
        target.write_bytes(mutant.data)
        accepted = readable(home, kind, before, mutant)
        seen["read" if accepted else "refused"] += 1
        chosen = list(COMMANDS)[which:][:1] if not accepted else list(COMMANDS)
        for name in chosen:
            shutil.rmtree(home / "kept", ignore_errors=True)
            check(name, call(filled(COMMANDS[name], home)), capsys, mutant)
        if accepted and seen["read"] % FULL_REPORTS == 1:
            arguments = ("report", str(home / "run"), "--out", str(home / "out"))
            check("report", call(arguments), capsys, mutant)

    monkeypatch.setenv("BENCH_ENVS", str(good / "envs"))
    every_reader()
    assert seen["refused"] > 0, "no mutant was refused: the door does not look"
    print(kind, seen)


def readable(home: Path, kind: str, before: dict[tuple[str, ...], float], mutant: Mutant) -> bool:
    """Whether `load_run` takes the run; and then no altered field has changed a number."""
    try:
        if kind == "history":
            store.load(home / "history")
        frame = load_run(home / "run")
    except UserError as error:
        assert "\n" not in str(error), mutant.how
        return False
    if mutant.alters:
        left = numbers(frame).items()  # a number that is gone comes from nowhere
        assert left <= before.items(), f"a number came from an altered field: {mutant.how}"
    return True


def filled(words: tuple[str, ...], home: Path) -> tuple[str, ...]:
    """A command with its folders."""
    folders: dict[str, Any] = {"RUN": "run", "OTHER": "other", "HISTORY": "history", "KEPT": "kept"}
    return tuple(str(home / folders[word]) if word in folders else word for word in words)


def check(name: str, status: int, capsys: pytest.CaptureFixture[str], mutant: Mutant) -> None:
    """Exit status 0, 1 or 2; with 2 the reason is one line on stderr, and never a traceback."""
    told = capsys.readouterr()
    assert status in (0, 1, 2), (name, mutant.how, status)
    assert "Traceback" not in told.err + told.out, (name, mutant.how)
    if status == 2 and told.err.startswith("bench:"):
        assert len(told.err.strip().splitlines()) == 1, (name, mutant.how, told.err)
