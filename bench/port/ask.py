"""A program's numbers, from a process of its own in its own Python."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.port.interpreter import Interpreter
from bench.port.program import Program
from bench.run.code import importable
from bench.run.session import default_threads
from bench.run.variables import fresh_caches, worker_variables
from tasks.errors import UserError

PortArrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Asking:
    """What both programs are asked with. steps: of the optimizer. seconds: that a program may
    take for everything. data, weights: the user's own .npz files."""

    seed: int = 0
    steps: int = 24
    seconds: float = 600.0
    data: Path | None = None
    weights: Path | None = None


@dataclass(frozen=True, eq=False)
class Numbers:
    """What one program answered. groups: arrays by name, by the question they answer (written by
    bench.worker.port). losses: of the steps, and of those from weights nudged by rounding."""

    name: str
    groups: Mapping[str, PortArrays]
    losses: Mapping[str, Sequence[float]]
    told: frozenset[str]
    takes_dropout: bool
    versions: Mapping[str, str]
    folder: Path | None = None

    def group(self, name: str) -> PortArrays:
        """The arrays of one question, none where the program does not answer it."""
        return self.groups.get(name, {})


def ask(
    programs: Sequence[Program],
    interpreter: Interpreter,
    asking: Asking,
    folder: Path,
    given: Path | None = None,
) -> list[Numbers | UserError]:
    """The numbers of programs that run in one process, or what is wrong with each, in one line.

    given: the folder of the first program's answer, whose rows and weights these get.
    """
    folders = [folder / str(number) for number in range(len(programs))]
    for place in folders:
        place.mkdir(parents=True)
    question = folder / "question.json"
    files = asdict(asking)
    files |= {name: str(files[name].absolute()) for name in ("data", "weights") if files[name]}
    question.write_text(
        json.dumps(
            files
            | {
                "programs": [
                    {"file": str(p.file.absolute()), "folder": str(place)}
                    for p, place in zip(programs, folders, strict=True)
                ],
                "given": str(given) if given else None,
            }
        ),
        encoding="utf-8",
    )
    end = _run(interpreter, question, asking.seconds * len(programs))
    return [_read(p, place, end) for p, place in zip(programs, folders, strict=True)]


def _run(interpreter: Interpreter, question: Path, seconds: float) -> str:
    """Until it ends or its time is over; how it ended, where it ended badly."""
    variables = worker_variables(
        default_threads(), importable(), "documented", interpreter.keeps
    ) | fresh_caches(question.parent)
    variables |= {"TF_CPP_MIN_LOG_LEVEL": "2", **interpreter.variables}
    log = question.with_suffix(".log")
    command = [interpreter.python, "-m", "bench.worker.port", str(question)]
    try:
        with open(log, "w", encoding="utf-8") as file:
            process = subprocess.Popen(
                command, env=variables, cwd=question.parent, stdin=subprocess.DEVNULL,
                stdout=file, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
    except OSError as error:
        raise UserError(f"{interpreter.python}: {error.strerror or error}") from error
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        return f"did not return within {seconds:.0f} s"
    finally:
        _end(process)
    if not code:
        return ""
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
    lines = [
        x.strip()
        for x in log.read_text(errors="replace", encoding="utf-8").splitlines()
        if x.strip()
    ]
    return f"ended the process with {how}" + (f" ({lines[-1][:200]})" if lines else "")


def _end(process: subprocess.Popen[bytes]) -> None:
    """It, and whatever it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _read(program: Program, folder: Path, end: str) -> Numbers | UserError:
    path = folder / "answer.json"
    if not path.exists():
        doing = folder / "doing"
        call = doing.read_text(encoding="utf-8") if doing.exists() else "its process"
        return UserError(f"{program.name}: {call} {end or 'ended the process with exit status 0'}")
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if "refused" in facts:
        return UserError(f"{program.name}: {facts['refused']}")
    groups: dict[str, PortArrays] = {}
    with np.load(folder / "arrays.npz", allow_pickle=False) as file:
        for number, (group, name) in enumerate(facts["names"]):
            groups.setdefault(group, {})[name] = file[f"a{number}"]
    return Numbers(
        program.name, groups, facts["losses"], frozenset(facts["told"]), facts["takes_dropout"],
        facts["versions"], folder,
    )  # fmt: skip
