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

import numpy as np
import pytest

from bench.judge.compare import Gate, compare
from bench.judge.gate import Tolerance
from bench.records.fingerprint import differences
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


def launches(
    run: int = 0, slower: float = 1.0, memory: float = 1.0, score: float = 0.9
) -> list[Record]:
    """A run's records, noisy by 0.4 %; the first contender is changed. No two runs are alike."""
    rng = np.random.default_rng(run)
    found = [certificate(name) for name in NAMES]
    for block in range(LAUNCHES):
        for name, label in ((NAMES[0], ""), (NAMES[1], ""), (NAMES[0], AA_LABEL)):
            changed = name == NAMES[0]
            noise, start = np.exp(rng.normal(0, 0.004, 2)).tolist()
            one = record(name, block, 0.1 * noise * (slower if changed else 1.0), label)
            one["launch"]["seconds"]["import"] *= start
            one["launch"]["peak_rss_bytes"] = round(2**28 * start * (memory if changed else 1.0))
            one["launch"]["readings"]["test_score"] = (score if changed else 0.9) + 1e-4 * (
                block % 2
            )
            found.append(one)
    return found


def make(path: Path, made: list[Record], pairing: str = "both", **changes: Any) -> Results:
    """A run directory of these records, read again; `changes` are of the request. Two runs of one
    `pairing` were measured interleaved."""
    raw = about(("fnn-mnist",), NAMES, **({"launches": LAUNCHES} | changes)) | {"pairing": pairing}
    for each in made:  # a record of other threads would be no launch of this run
        each["launch"]["job"]["cell"]["threads"] = raw["request"]["threads"]
    return stored(Run.create(path, run_file(raw)), made)


@pytest.fixture
def base(tmp_path: Path) -> Results:
    return make(tmp_path / "base", launches())


def test_equal_runs_pass_for_what_was_seen(base: Results, tmp_path: Path) -> None:
    found = compare(base, make(tmp_path / "new", launches(1)))
    assert (found.status, found.exit_code) == ("no regression", 0)
    assert found.paired
    assert len(found.verdicts) == 2 * 11
    assert {p.kind for p in found.primaries} == {v.question.kind for v in found.verdicts}
    assert all(0 < p.bound < p.tolerance for p in found.primaries if p.kind == "latency")
    assert found.seen.startswith("no regression above 0.")


def test_what_was_too_noisy_to_be_seen_is_not_green(base: Results, tmp_path: Path) -> None:
    """Equal within their noise of 12 %: no verdict says worse, and the gate says what it cannot."""
    rng = np.random.default_rng(1)
    noisy = launches(1)
    for one in noisy[2:]:
        factor = float(np.exp(rng.normal(0, 0.12)))
        for phase in one["benchmarks"]:
            phase["stats"]["data"] = [factor * seconds for seconds in phase["stats"]["data"]]
    found = compare(base, make(tmp_path / "new", noisy))
    assert (found.regressions, found.exit_code) == ((), 2)
    said = " ".join(found.unseen)
    assert "of 2 implementations not shown to be within 5.0%" in said
    assert "the smallest change that 6 sittings find is" in said
    assert "more would show the tolerance" in said
    wider = Gate(tolerance=Tolerance(timing=0.5))
    assert compare(base, found_again(tmp_path / "new"), asked=wider).exit_code == 0


def found_again(path: Path) -> Results:
    return Results.read(Run.open(path))


def test_one_changed_cell_among_equal_means_is_red(base: Results, tmp_path: Path) -> None:
    """6 % in one phase of one cell: the mean over its kind is within 5 %, the cell is not."""
    made = launches(1)
    for one in made[2:]:
        if one["launch"]["job"]["cell"]["implementation"] == NAMES[0]:
            step = one["benchmarks"][2]["stats"]
            step["data"] = [1.06 * seconds for seconds in step["data"]]
    found = compare(base, make(tmp_path / "new", made))
    assert found.exit_code == 1
    assert {v.question.metric for v in found.regressions} == {
        "step_latency_p50", "step_latency_p95",
    }  # fmt: skip
    assert all(p.green for p in found.primaries)


def test_runs_measured_apart_are_green_only_with_a_known_difference(tmp_path: Path) -> None:
    runs = [make(tmp_path / f"run{n}", launches(n), pairing="") for n in (0, 1)]
    found = compare(*runs)
    assert (found.exit_code, found.paired) == (2, False)
    assert any("bench regress" in reason for reason in found.unseen)
    assert compare(*runs, asked=Gate(between_runs=0.005)).exit_code == 0
    assert compare(*runs, asked=Gate(between_runs=0.05)).exit_code == 2
    assert compare(*runs, asked=Gate("accuracy")).exit_code == 0  # paired by seed in any case
    slow = make(tmp_path / "slow", launches(2, slower=1.1), pairing="")
    assert compare(runs[0], slow).exit_code == 2  # within what two days can differ by
    assert compare(runs[0], slow, asked=Gate(between_runs=0.005)).exit_code == 1
    slowest = make(tmp_path / "slowest", launches(3, slower=2.0), pairing="")
    assert compare(runs[0], slowest).exit_code == 1


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
    found = compare(base, make(tmp_path / "new", launches(1, **changed)))
    assert found.exit_code == 1
    assert kind in {v.question.kind for v in found.regressions}


def test_cold_start_is_gated(base: Results, tmp_path: Path) -> None:
    made = launches(1)
    for one in made:
        if one["launch"].get("seconds"):
            one["launch"]["seconds"]["import"] *= 1.5
    found = compare(base, make(tmp_path / "new", made))
    assert {v.question.kind for v in found.regressions} == {"cold start"}


def test_targets_no_longer_reached_are_gated(base: Results, tmp_path: Path) -> None:
    made = launches(1)
    for number, one in enumerate(made):
        if one["launch"].get("readings") and number % 5:
            one["launch"]["readings"] |= {"time_to_target": None, "learn_seconds": 2.0}
    found = compare(base, make(tmp_path / "new", made))
    assert {v.question.kind for v in found.regressions} == {"time to target"}


def test_fail_on_looks_only_where_it_is_told(base: Results, tmp_path: Path) -> None:
    new = make(tmp_path / "new", launches(1, memory=1.1))
    assert compare(base, new).exit_code == 1
    assert compare(base, new, asked=Gate("slower")).exit_code == 0
    assert compare(base, new, asked=Gate("accuracy")).exit_code == 0


def failed(made: list[Record], some: int = 100) -> list[Record]:
    """The first measuring launches of the first contender, gone wrong."""
    found = []
    for one in made:
        cell = one["launch"]["job"]
        mine = cell["kind"] == "measure" and cell["cell"]["implementation"] == NAMES[0]
        if mine and not cell["cell"]["label"] and some > 0:
            some -= 1
            one = failure_record(job(NAMES[0], cell["block"]), Outcome("crash", "died <&> \x00"))
        found.append(one)
    return found


def anew(made: list[Record]) -> list[Record]:
    """The same launches and once more, as blocks that were disturbed are measured."""
    again = copy.deepcopy(made)
    for one in again:
        one["launch"]["job"] |= {"repeat": 1, "id": f"r{one['launch']['job']['id']}"}
    return [*made, *again]


BROKEN = {
    "truncated, some blocks anew": anew(launches(1)[:-7]),
    "empty": [],
    "certificates only": launches(1)[:2],
    "truncated": launches(1)[:-7],
    "one launch each": launches(1)[:5],
    "first contender failed": failed(launches(1)),
    "one launch failed": failed(launches(1), 1),
    "unverified": [certificate(NAMES[0], passed=False), *launches(1)[1:][2::3]],
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_was_not_measured_is_never_green(base: Results, tmp_path: Path, name: str) -> None:
    found = compare(base, make(tmp_path / "new", BROKEN[name]))
    assert (found.status, found.exit_code) == ("could not judge", 2)
    assert found.unjudged
    suite = ElementTree.fromstring(junit(found)).find("testsuite")
    assert suite is not None
    assert int(suite.get("errors", "0")) > 0


def test_a_run_says_nothing_of_itself(base: Results) -> None:
    found = compare(base, base)
    assert (found.exit_code, found.regressions) == (2, ())
    assert "the same folder" in found.unseen[0]


def test_two_failed_runs_are_not_equal_runs(tmp_path: Path) -> None:
    everything = [
        failure_record(job(name, block), Outcome("crash", "died"))
        for name in NAMES
        for block in range(LAUNCHES)
    ]
    runs = [make(tmp_path / side, everything) for side in ("a", "b")]
    assert compare(*runs).exit_code == 2


def test_a_regression_beside_a_failed_cell_is_a_regression(base: Results, tmp_path: Path) -> None:
    made = [
        one
        for one in launches(1, slower=1.2)
        if one["launch"]["job"]["cell"]["implementation"] == NAMES[0]
    ]
    found = compare(base, make(tmp_path / "new", made))
    assert found.exit_code == 1
    assert found.unjudged


def test_runs_measured_interleaved_are_paired(tmp_path: Path) -> None:
    """A drift of 10 % a block hides 4 % from Welch, not from pairs of the same block."""
    drifting = []
    for slower in (1.0, 1.04):
        made = [certificate(name) for name in NAMES]
        for block in range(LAUNCHES):
            for name in NAMES:
                noise = 1 + 0.001 * (block % 2) + 0.0005 * (block % 3) * slower
                made.append(record(name, block, 0.1 * 1.1**block * slower * noise))
        drifting.append(made)
    for pairing, paired in (("x", True), ("", False)):
        runs = [
            make(tmp_path / f"{side}{pairing}", made, pairing=pairing)
            for side, made in zip("ab", drifting, strict=True)
        ]
        found = compare(*runs, asked=Gate("slower", between_runs=0.001))
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
    found = compare(base, make(tmp_path / "new", failed(launches(1), 1)))
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
    assert texts["text"].splitlines()[-1].startswith("could not judge: no regression above")


def test_xml_survives_what_a_log_can_hold(base: Results, tmp_path: Path) -> None:
    found = compare(base, make(tmp_path / "new", failed(launches(1))))
    assert "\x00" not in junit(found)
    messages = [e.get("message", "") for e in ElementTree.fromstring(junit(found)).iter("error")]
    assert any("died <&> " in m for m in messages)


def test_exit_statuses_of_the_command(base: Results, tmp_path: Path) -> None:
    make(tmp_path / "equal", launches(1))
    make(tmp_path / "slow", launches(1, slower=1.1))
    make(tmp_path / "void", [])
    for name, code in (("equal", 0), ("slow", 1), ("void", 2), ("base", 2)):
        done = bench("compare", "base", name, cwd=tmp_path)
        assert done.returncode == code, done.stdout + done.stderr
        assert done.stderr == ""
    wide = ("--margin", "20%", "--tolerance", "20%")
    assert bench("compare", "base", "slow", *wide, cwd=tmp_path).returncode == 0
    assert bench("compare", "base", "slow", *wide[:2], cwd=tmp_path).returncode == 2


MISTAKES = [
    (["nowhere", "base"], "does not exist"),
    (["base", "other"], "not comparable: threads: 2 against 4"),
    (["base", "base", "--margin", "lots"], "no fraction"),
    (["base", "base", "--margin", "0"], "no fraction"),
    (["base", "base", "--tolerance", "x"], "--tolerance"),
    (["base", "base", "--between-runs", "x"], "--between-runs"),
    (["base", "hollow"], "is no run of this suite: created: Field required (and 6 more)"),
]


@pytest.mark.parametrize(("arguments", "words"), MISTAKES)
def test_a_mistake_is_one_line_and_exit_2(
    base: Results, tmp_path: Path, arguments: list[str], words: str
) -> None:
    make(tmp_path / "other", launches(1), threads=4)
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
    made = launches(1)
    for one in made:
        one["launch"]["job"]["work"] = definition(wider)
    stored(Run.create(tmp_path / "edited", run_file(raw)), made)
    differing = f"task fnn-mnist: {digest(first)} against {digest(wider)}"
    done = bench("compare", "base", "edited", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"bench: not comparable: {differing} (")
    assert done.stderr.count("\n") == 1
    forced = bench("compare", "base", "edited", "--force", cwd=tmp_path)
    assert forced.returncode == 2, forced.stderr
    assert f"another machine, task or way of measuring: {differing}" in forced.stdout


def test_force_shows_the_numbers_and_judges_nothing(base: Results, tmp_path: Path) -> None:
    make(tmp_path / "other", launches(1, slower=2.0), threads=4)
    done = bench("compare", "base", "other", "--force", cwd=tmp_path)
    assert done.returncode == 2, done.stdout
    assert "another machine, task or way of measuring: threads: 2 against 4" in done.stdout
    assert "slower" in done.stdout


def test_judging_twice_and_after_a_kill_is_the_same_bit_for_bit(
    base: Results, tmp_path: Path
) -> None:
    """Records are whole or absent, and nothing random is left in judging: a process killed
    while it copies the run, then finished in another order, gives the same bytes."""
    new = make(tmp_path / "new", launches(1))
    wanted = as_json(compare(base, new))
    code = f"""
import json, time
from pathlib import Path
from bench.records.store import Run
old = Run.open(Path({str(new.path)!r}))
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
    for path in sorted((new.path / "launches").glob("*.json")):
        if path.stem not in kept:
            copy.add(path.stem, json.loads(path.read_text()))
    again = as_json(compare(base, Results.read(copy)))
    assert again == wanted.replace('"new": "new"', '"new": "copy"')
