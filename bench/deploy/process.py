"""One process of a deployment: started pinned, with empty caches, and read when it has ended."""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from bench.machine import cores
from bench.machine.cores import pinned
from bench.run import environments
from bench.run.code import importable
from bench.run.variables import fresh_caches, worker_variables
from tasks.data import cache

TIMEOUT_SECONDS = 900.0  # AOTInductor compiles for a minute on two cores


def asked(
    module: str,
    request: dict[str, Any],
    python: str,
    over: str = "",
    timeout: float = TIMEOUT_SECONDS,
    answer: Path | None = None,
) -> dict[str, Any]:
    """The answer of `python -m MODULE REQUEST ANSWER`, or how it ended without one. answer: where
    it shall lie, for a process that answers with more than JSON."""
    threads = int(request["threads"])
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        question, place = home / "request.json", answer or home / "answer.json"
        question.write_text(json.dumps(request), encoding="utf-8")
        with pinned(cores.chosen(threads)):
            process = subprocess.Popen(
                [python, "-m", module, str(question), str(place)],
                env=variables(threads, over, home), cwd=folder, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                text=True, encoding="utf-8", errors="replace",
            )  # fmt: skip
        try:
            _, said = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return {"status": "timeout", "reason": f"stopped after {timeout:.0f} s"}
        if process.returncode or not place.exists():
            return {"status": "crash", "reason": _how(process.returncode, said)}
        if answer is not None:
            return {"status": "ok", "reason": ""}
        found: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
        return found


def variables(threads: int, over: str, home: Path) -> dict[str, str]:
    """A worker's, as a documented row has it. over: the framework whose environment is below."""
    keeps = environments.keeps(over) if over else ()
    wanted = worker_variables(threads, importable(), "documented", keeps)
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "BENCH_CACHE": str(cache.root())}
    return wanted | fresh_caches(home / "caches") | quiet | {"TMPDIR": str(home)}


def _how(code: int, said: str) -> str:
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return f"the process died with {how}" + (f": {lines[-1][:300]}" if lines else "")
