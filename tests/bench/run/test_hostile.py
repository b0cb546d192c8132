"""Runs with damaged files that are gone on with: `bench run --resume`, to its end.

Launches and certificates are missing, and what is missing is done: in environments that are not
there, or in one whose worker answers at once. How many files: tests/support/mutate.py.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import load_run
from bench.records.record import MEASUREMENT, Job, Record
from bench.records.store import Run
from bench.report.layouts import terminal
from bench.run import environments, session
from tasks.data import cache
from tasks.data.arrays import Arrays
from tasks.data.family import About, Decoded
from tests.support.hostile import Numbers, Seen, call, check, numbers, quick_commands, tell
from tests.support.mutate import Mutant, mutants, tries
from tests.support.records import about, certificate, record, run_file

PART = 0.10  # of all examples
FRAMEWORKS = ("pytorch", "mxnet")
NAMES = ("pytorch:eager", "mxnet:hybrid")
FILES = ("run.json", "launch", "certificate", "ceiling.json")
# What is there of the run. The launches of a block are a sitting: it is there whole, or done anew.
LEFT: dict[str, Callable[[Job], bool]] = {
    "all but a launch": lambda job: not (job.block == 1 and job.cell.label),
    "a sitting": lambda job: job.block == 0,
    "a sitting, one certificate": lambda job: job.block == 0 and job.id != _second_proof(job),
    "certificates": lambda job: job.kind == "certify",
    "one certificate": lambda job: job.kind == "certify" and job.id != _second_proof(job),
}
CEILING = {
    "schema": 2, "device": "cpu", "threads": 2, "precisions": ["fp32"],
    "answers": {"pytorch": {"fp32": {"flops": 2e11}, "copy": {"bytes_per_second": 3e10}}},
}  # fmt: skip
# A worker that takes the job that it is given and answers with a record that is there already.
WORKER = """#!{python} -IS
import json, pathlib, sys
module, job, answer = sys.argv[2:5]
job = json.loads(pathlib.Path(job).read_text())
if module != "bench.worker.launch":
    sys.exit("nothing but launches")
record = json.loads(pathlib.Path(__file__).with_name(job["kind"] + ".json").read_text())
record["launch"]["job"] = job
pathlib.Path(answer).write_text(json.dumps(record))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with data, environments that answer at once, none at all, and a run of two blocks."""
    home = tmp_path_factory.mktemp("home")
    raw = about(implementations=NAMES, launches=2)
    raw["machine"] = session.machine("cpu")
    raw["suite"]["measurement"] = MEASUREMENT
    x, y = np.zeros((3, 2), np.float32), np.zeros(3, np.float32)
    rows = Decoded(About("some", "here", "free"), Arrays(x, y, x, y), embedded=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_CACHE", str(home / "cache"))
        prepared = cache.keep("digits", rows)
    folder = prepared.folder.relative_to(home / "cache")
    raw["datasets"]["fnn-mnist"] |= {"folder": str(folder), "sha256": prepared.sha256}
    for framework in FRAMEWORKS:
        write_environment(home / "quick" / f"{framework}-cpu", framework)
    Run.create(home / "run", run_file(raw))
    return home


def write_environment(place: Path, framework: str) -> None:
    """As `bench setup` leaves one, with `WORKER` for its interpreter."""
    python = place / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(WORKER.format(python=sys.executable))
    python.chmod(0o755)
    for kind, made in (("certify", certificate()), ("measure", record())):
        python.with_name(f"{kind}.json").write_text(json.dumps(made))
    facts = {
        "framework": framework, "status": "ready", "version": "1", "python": str(python),
        "requirements": environments.digest(framework, "cpu"),
    }  # fmt: skip
    (place / "environment.json").write_text(json.dumps(facts))


def _second_proof(job: Job) -> str:
    """Its own id where a job certifies the second contender."""
    return job.id if job.kind == "certify" and job.cell.implementation == NAMES[1] else ""


def answered(job: Job) -> Record:
    """The record of a job."""
    name = job.cell.implementation
    made = certificate() if job.kind == "certify" else record(name, job.block)
    made["launch"]["job"] = job.as_dict()
    return made


def left(jobs: list[Job], which: str) -> dict[str, str]:
    """File name → text of the records that are there."""
    return {f"{job.id}.json": json.dumps(answered(job)) for job in jobs if LEFT[which](job)}


class Broken:
    """A run of which something is left, laid out anew for each example."""

    def __init__(self, begun: Path, path: Path, kind: str) -> None:
        self.path = path
        self.whole = (begun / "run.json").read_bytes()
        jobs = session.resume(begun).jobs
        self.records = {which: left(jobs, which) for which in LEFT}
        first = {"launch": "measure", "certificate": "certify"}.get(kind)
        job = next((job for job in jobs if job.kind == first), None)
        self.target = path / (f"launches/{job.id}.json" if job else kind)
        self.good = json.dumps(answered(job) if job else CEILING).encode()
        if kind == "run.json":
            self.good = self.whole

    def lay(self, which: str, damaged: bytes) -> None:
        """What is left of the run, and the damaged file; nothing that an earlier try made."""
        shutil.rmtree(self.path, ignore_errors=True)
        for folder in ("launches", "logs"):
            (self.path / folder).mkdir(parents=True)
        (self.path / "run.json").write_bytes(self.whole)
        for name, text in self.records[which].items():
            (self.path / "launches" / name).write_text(text)
        self.target.write_bytes(damaged)


@pytest.mark.parametrize("kind", FILES)
def test_a_run_with_a_damaged_file_is_gone_on_with_or_refused_in_a_line(
    home: Path,
    tmp_path: Path,
    kind: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(home / "cache"))
    shown: list[bool] = [True]
    layout = terminal.show
    monkeypatch.setattr(terminal, "show", lambda *x: layout(*x) if shown[-1] else None)
    monkeypatch.setattr("bench.cli.run.publish", lambda *_: None)  # test_hostile of records has it
    quick_commands(monkeypatch)
    broken = Broken(home / "run", tmp_path / "run", kind)
    honest: dict[tuple[str, str], Numbers] = {}
    seen = Seen()

    def go_on(which: str, envs: str, damaged: bytes) -> int:
        monkeypatch.setenv("BENCH_ENVS", str(home / envs))
        broken.lay(which, damaged)
        capsys.readouterr()  # of an earlier call
        status = call("run", "--resume", "--out", str(broken.path))
        told = capsys.readouterr()
        print(told.out, end="")  # `check` reads it again
        print(told.err, end="", file=sys.stderr)
        return 1 if status == 2 and "nothing was measured" in told.err else status

    def expected(which: str, envs: str) -> Numbers:
        if (which, envs) not in honest:
            assert go_on(which, envs, broken.good) in (0, 1)
            honest[which, envs] = numbers(load_run(broken.path))
        return honest[which, envs]

    @tries(PART / len(FILES))
    @given(
        mutants(json.loads(broken.good)),
        st.sampled_from(sorted(LEFT)),
        st.sampled_from(("none",) * 7 + ("quick",)),
        st.sampled_from((False,) * 29 + (True,)),
    )
    def resumed(mutant: Mutant, which: str, envs: str, laid_out: bool) -> None:
        shown.append(laid_out)  # the whole document takes longer than all before it
        whole = expected(which, envs)
        status = go_on(which, envs, mutant.data)
        check("resume", status, capsys, mutant)
        seen[envs, status] += 1
        if mutant.alters and status != 2:
            now = numbers(load_run(broken.path))
            assert now.items() <= whole.items(), f"a number came from a damaged field: {mutant.how}"

    resumed()
    tell(f"resume, {kind}", seen)
    assert seen["none", 2] > 0, "no file was refused: the door does not look"
    gone_on = sum(count for (_, status), count in seen.items() if status != 2)
    assert gone_on > 0 or kind == "run.json"  # in which hardly any other value fits
