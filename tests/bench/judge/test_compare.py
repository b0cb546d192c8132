"""The gate: its three exit statuses, what it refuses, and its four formats."""

from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from bench.judge.compare import compare, differences
from bench.records.record import AA_LABEL, Outcome, Record, failure_record
from bench.records.results import Results
from bench.records.store import Run
from bench.report.comparison import as_json, junit, markdown, text
from bench.run.environments import PROJECT
from tasks.catalogue.every import TASKS
from tasks.spec.form import definition, digest
from tasks.spec.layers import Dense, Flatten
from tests.support.command import bench
from tests.support.records import about, certificate, job, record, run_file, stored

NAMES = ("pytorch:eager", "mxnet:hybrid")
LAUNCHES = 6


def spread(block: int) -> float:
    return 1 + 0.004 * (block * 7 % 5)


def launches(slower: float = 1.0, memory: float = 1.0, score: float = 0.9) -> list[Record]:
    found = [certificate(name) for name in NAMES]
    for block in range(LAUNCHES):
        for name, label in ((NAMES[0], ""), (NAMES[1], ""), (NAMES[0], AA_LABEL)):
            factor = slower if name == NAMES[0] else 1.0
            one = record(name, block, 0.1 * spread(block) * factor, label)
            one["launch"]["seconds"]["import"] *= spread(block)
            if name == NAMES[0]:
                one["launch"]["peak_rss_bytes"] = round(one["launch"]["peak_rss_bytes"] * memory)
            one["launch"]["readings"]["test_score"] = score + 1e-4 * (block % 2)
            found.append(one)
    return found


def make(path: Path, records: list[Record], pairing: str = "", **changes: Any) -> Results:
    """A run directory of these records, read again; `changes` are of the request."""
    raw = about(("fnn-mnist",), NAMES, launches=LAUNCHES, **changes) | {"pairing": pairing}
    for each in records:  # a record of other threads would be no launch of this run
        each["launch"]["job"]["cell"]["threads"] = raw["request"]["threads"]
    return stored(Run.create(path, run_file(raw)), records)


@pytest.fixture
def base(tmp_path: Path) -> Results:
    return make(tmp_path / "base", launches())


def test_equal_runs_pass(base: Results, tmp_path: Path) -> None:
    found = compare(base, make(tmp_path / "new", launches()))
    assert (found.status, found.exit_code) == ("no regression", 0)
    assert not found.paired
    assert len(found.verdicts) == 2 * 11


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"slower": 1.1}, "throughput"),
        ({"slower": 1.1}, "latency"),
        ({"memory": 1.1}, "memory"),
        ({"score": 0.8}, "accuracy"),
    ],
)
def test_every_kind_is_gated(base: Results, tmp_path: Path, changed: Any, kind: str) -> None:
    found = compare(base, make(tmp_path / "new", launches(**changed)))
    assert found.exit_code == 1
    assert kind in {v.question.kind for v in found.regressions}


def test_cold_start_is_gated(base: Results, tmp_path: Path) -> None:
    records = launches()
    for one in records:
        if one["launch"].get("seconds"):
            one["launch"]["seconds"]["import"] *= 1.5
    found = compare(base, make(tmp_path / "new", records))
    assert {v.question.kind for v in found.regressions} == {"cold start"}


def test_targets_no_longer_reached_are_gated(base: Results, tmp_path: Path) -> None:
    records = launches()
    for number, one in enumerate(records):
        if one["launch"].get("readings") and number % 5:
            one["launch"]["readings"] |= {"time_to_target": None, "learn_seconds": 2.0}
    found = compare(base, make(tmp_path / "new", records))
    assert {v.question.kind for v in found.regressions} == {"time to target"}


def test_fail_on_looks_only_where_it_is_told(base: Results, tmp_path: Path) -> None:
    new = make(tmp_path / "new", launches(memory=1.1))
    assert compare(base, new, fail_on="any").exit_code == 1
    assert compare(base, new, fail_on="slower").exit_code == 0
    assert compare(base, new, fail_on="accuracy").exit_code == 0


def failed(records: list[Record], some: int = 100) -> list[Record]:
    """The first measuring launches of the first contender, gone wrong."""
    found = []
    for one in records:
        cell = one["launch"]["job"]
        mine = cell["kind"] == "measure" and cell["cell"]["implementation"] == NAMES[0]
        if mine and not cell["cell"]["label"] and some > 0:
            some -= 1
            one = failure_record(job(NAMES[0], cell["block"]), Outcome("crash", "died <&> \x00"))
        found.append(one)
    return found


def anew(records: list[Record]) -> list[Record]:
    """The same launches and once more, as blocks that were disturbed are measured."""
    again = copy.deepcopy(records)
    for one in again:
        one["launch"]["job"] |= {"repeat": 1, "id": f"r{one['launch']['job']['id']}"}
    return [*records, *again]


BROKEN = {
    "truncated, some blocks anew": anew(launches()[:-7]),
    "empty": [],
    "certificates only": launches()[:2],
    "truncated": launches()[:-7],
    "one launch each": launches()[:5],
    "first contender failed": failed(launches()),
    "one launch failed": failed(launches(), 1),
    "unverified": [certificate(NAMES[0], passed=False), *launches()[1:][2::3]],
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_was_not_measured_is_never_green(base: Results, tmp_path: Path, name: str) -> None:
    found = compare(base, make(tmp_path / "new", BROKEN[name]))
    assert (found.status, found.exit_code) == ("could not judge", 2)
    assert found.unjudged
    suite = ElementTree.fromstring(junit(found)).find("testsuite")
    assert suite is not None
    assert int(suite.get("errors", "0")) > 0


def test_two_failed_runs_are_not_equal_runs(tmp_path: Path) -> None:
    everything = [
        failure_record(job(name, block), Outcome("crash", "died"))
        for name in NAMES
        for block in range(LAUNCHES)
    ]
    runs = [make(tmp_path / side, everything) for side in ("a", "b")]
    assert compare(*runs).exit_code == 2


def test_a_regression_beside_a_failed_cell_is_a_regression(base: Results, tmp_path: Path) -> None:
    records = [
        one
        for one in launches(slower=1.2)
        if one["launch"]["job"]["cell"]["implementation"] == NAMES[0]
    ]
    found = compare(base, make(tmp_path / "new", records))
    assert found.exit_code == 1
    assert found.unjudged


def test_runs_measured_interleaved_are_paired(tmp_path: Path) -> None:
    """A drift of 10 % a block hides 4 % from Welch, not from pairs of the same block."""
    drifting = []
    for slower in (1.0, 1.04):
        records = [certificate(name) for name in NAMES]
        for block in range(LAUNCHES):
            for name in NAMES:
                seconds = 0.1 * 1.1**block * slower * (1 + 0.001 * (block % 2))
                records.append(record(name, block, seconds))
        drifting.append(records)
    for pairing, paired in (("x", True), ("", False)):
        runs = [
            make(tmp_path / f"{side}{pairing}", records, pairing=pairing)
            for side, records in zip("ab", drifting, strict=True)
        ]
        found = compare(*runs, fail_on="slower")
        assert found.paired is paired
        assert bool(found.regressions) is paired


def test_fingerprints_name_what_differs() -> None:
    other = about(threads=4)
    other["machine"] |= {"cpu": "another", "python": "3.14"}
    other["datasets"]["fnn-mnist"]["sha256"] = "1" * 64
    found = " ".join(differences(run_file(), run_file(other)))
    assert "threads: 2 against 4" in found
    assert "machine cpu" in found
    assert "data of fnn-mnist" in found
    assert "python" not in found
    assert differences(run_file(), run_file()) == []


def test_formats_parse_and_escape(base: Results, tmp_path: Path) -> None:
    found = compare(base, make(tmp_path / "new", failed(launches(), 1)))
    texts = {"text": text(found), "markdown": markdown(found), "junit": junit(found)}
    done = bench("compare", "base", "new", "--format", "json", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    texts["json"] = done.stdout
    assert json.loads(texts["json"])["exit_code"] == 2
    cases = ElementTree.fromstring(texts["junit"]).findall(".//testcase")
    assert len(cases) == 2 * 11 + 1
    rows = [line for line in texts["markdown"].splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 2 * 11
    assert {row.count("|") for row in rows} == {8}
    assert "could not judge" in texts["text"].splitlines()[-1]


def test_xml_survives_what_a_log_can_hold(base: Results, tmp_path: Path) -> None:
    found = compare(base, make(tmp_path / "new", failed(launches())))
    assert "\x00" not in junit(found)
    messages = [e.get("message", "") for e in ElementTree.fromstring(junit(found)).iter("error")]
    assert any("died <&> " in m for m in messages)


def test_exit_statuses_of_the_command(base: Results, tmp_path: Path) -> None:
    make(tmp_path / "same", launches())
    make(tmp_path / "slow", launches(slower=1.1))
    make(tmp_path / "void", [])
    for name, code in (("same", 0), ("slow", 1), ("void", 2)):
        done = bench("compare", "base", name, cwd=tmp_path)
        assert done.returncode == code, done.stdout + done.stderr
        assert done.stderr == ""
    assert bench("compare", "base", "slow", "--margin", "20%", cwd=tmp_path).returncode == 0


MISTAKES = [
    (["nowhere", "base"], "does not exist"),
    (["base", "other"], "not comparable: threads: 2 against 4"),
    (["base", "base", "--margin", "lots"], "no fraction"),
    (["base", "base", "--margin", "0"], "no fraction"),
    (["base", "hollow"], "is no run of this suite: created: Field required (and 6 more)"),
]


@pytest.mark.parametrize(("arguments", "words"), MISTAKES)
def test_a_mistake_is_one_line_and_exit_2(
    base: Results, tmp_path: Path, arguments: list[str], words: str
) -> None:
    make(tmp_path / "other", launches(), threads=4)
    (tmp_path / "hollow").mkdir()
    (tmp_path / "hollow" / "run.json").write_text('{"schema": 2}')
    done = bench("compare", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_task_edited_between_two_runs_is_refused(base: Results, tmp_path: Path) -> None:
    """The same name, one layer wider: no change of speed could be put down to the software."""
    first = next(task for task in TASKS if task.name == "fnn-mnist")
    wider = replace(first, layers=(Flatten(), Dense(129, "relu"), Dense(10)))
    raw = about(("fnn-mnist",), NAMES, launches=LAUNCHES)
    raw["tasks"] = {"fnn-mnist": {"digest": digest(wider), "definition": definition(wider)}}
    records = launches()
    for one in records:
        one["launch"]["job"]["work"] = definition(wider)
    stored(Run.create(tmp_path / "edited", run_file(raw)), records)
    differing = f"task fnn-mnist: {digest(first)} against {digest(wider)}"
    done = bench("compare", "base", "edited", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"bench: not comparable: {differing} (")
    assert done.stderr.count("\n") == 1
    forced = bench("compare", "base", "edited", "--force", cwd=tmp_path)
    assert forced.returncode == 0, forced.stderr
    assert f"fingerprints differ: {differing}" in forced.stdout


def test_force_compares_and_says_what_differs(base: Results, tmp_path: Path) -> None:
    make(tmp_path / "other", launches(), threads=4)
    done = bench("compare", "base", "other", "--force", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "fingerprints differ: threads: 2 against 4" in done.stdout


def test_judging_twice_and_after_a_kill_is_the_same_bit_for_bit(
    base: Results, tmp_path: Path
) -> None:
    """Records are whole or absent, and nothing random is left in judging: a process killed
    while it copies the run, then finished in another order, gives the same bytes."""
    wanted = as_json(compare(base, base))
    code = f"""
import json, time
from pathlib import Path
from bench.records.store import Run
old = Run.open(Path({str(base.path)!r}))
new = Run.create(Path({str(tmp_path / "copy")!r}), old.about())
for path in sorted(old.launches.glob("*.json"), reverse=True):
    new.add(path.stem, json.loads(path.read_text())); print(path, flush=True); time.sleep(0.05)
"""
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    for _ in range(5):
        process.stdout.readline()
    time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    copy = Run.open(tmp_path / "copy")
    assert compare(base, Results.read(copy)).exit_code == 2
    kept = copy.records()
    for path in sorted((base.path / "launches").glob("*.json")):
        if path.stem not in kept:
            copy.add(path.stem, json.loads(path.read_text()))
    again = as_json(compare(base, Results.read(copy)))
    assert again == wanted.replace('"new": "base"', '"new": "copy"')
