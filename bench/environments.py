"""One virtual environment per framework: made with pip, kept between calls, described in a file.

A framework that cannot be installed or imported is not an error here: its description says
``uninstallable`` and why, and every cell that needs it becomes a typed row.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from adapters import IMPLEMENTATIONS
from bench.store import write_atomically
from tasks.errors import UserError

PROJECT = Path(__file__).resolve().parents[1]
SHARED_GROUP = "worker"
# Keras needs TensorFlow's packages: made after it, so that pip finds them in its cache.
_AFTER = {"keras": "tensorflow"}


@dataclass(frozen=True)
class Environment:
    """A framework's environment as it is on disk. `python` is its interpreter."""

    framework: str
    status: Literal["ready", "missing", "uninstallable"]
    python: str
    reason: str = ""
    version: str = ""
    requirements: str = ""


def folder() -> Path:
    """Where the environments live: $BENCH_ENVS, else .envs beside the project's files."""
    return Path(os.environ.get("BENCH_ENVS", PROJECT / ".envs"))


def requirements(framework: str, device: str) -> list[str]:
    """The pins of a framework's dependency group (its CUDA flavour where there is one)."""
    groups = tomllib.loads((PROJECT / "pyproject.toml").read_text())["dependency-groups"]
    group = f"{framework}-cuda" if device == "cuda" and f"{framework}-cuda" in groups else framework
    if group not in groups:
        raise UserError(f"pyproject.toml has no dependency group {group!r}")
    return [*groups[SHARED_GROUP], *groups[group]]


def describe(framework: str, device: str) -> Environment:
    """What is on disk for a framework now."""
    where = folder() / f"{framework}-{device}"
    python = str(_python(where))
    hint = f"run `nox -s bench` or `bench setup --device {device}`"
    try:
        raw = json.loads((where / "environment.json").read_text())
        found = Environment(**{**raw, "python": python})
    except (OSError, ValueError, TypeError):
        return Environment(framework, "missing", python, f"not made yet: {hint}")
    if found.requirements != _digest(framework, device):
        return Environment(framework, "missing", python, f"its pins changed: {hint}")
    if found.status == "ready" and not Path(python).exists():
        return Environment(framework, "missing", python, f"its interpreter is gone: {hint}")
    return found


def setup(
    frameworks: Iterable[str], device: str, say: Callable[[str], None] = print
) -> Mapping[str, Environment]:
    """Make what is missing, two at a time; returns all descriptions by framework."""
    wanted = list(dict.fromkeys(frameworks))
    first = [f for f in wanted if f not in _AFTER]
    then = [f for f in wanted if f in _AFTER]
    with ThreadPoolExecutor(2) as pool:
        futures = {f: pool.submit(_ensure, f, device, say) for f in first}

        def after(framework: str) -> Environment:
            if _AFTER[framework] in futures:
                futures[_AFTER[framework]].result()
            return _ensure(framework, device, say)

        with ThreadPoolExecutor(max(1, len(then))) as late:
            late_futures = {f: late.submit(after, f) for f in then}
        futures |= late_futures
    return {f: futures[f].result() for f in wanted}


def _ensure(framework: str, device: str, say: Callable[[str], None]) -> Environment:
    found = describe(framework, device)
    if found.status == "ready":
        return found
    say(f"making the environment of {framework} ({device})")
    made = _make(framework, device, folder() / f"{framework}-{device}")
    say(f"{framework}: {made.status} {made.version}{made.reason}")
    return made


def _make(framework: str, device: str, where: Path) -> Environment:
    where.mkdir(parents=True, exist_ok=True)
    log = where / "setup.log"
    python = str(_python(where))
    install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    steps = (
        ([sys.executable, "-m", "venv", str(where)], "cannot make a virtual environment"),
        ([*install, *requirements(framework, device)], "pip could not install it"),
        ([python, "-c", f"import adapters.{framework}"], "it is installed but cannot be imported"),
    )
    made = Environment(framework, "ready", python, requirements=_digest(framework, device))
    environment = worker_environment(1)
    with open(log, "w") as output:
        for command, failure in steps:
            done = subprocess.run(
                command, stdout=output, stderr=subprocess.STDOUT, env=environment, check=False
            )
            if done.returncode:
                reason = f"{failure}: {_last_error(log)}"
                made = Environment(
                    framework, "uninstallable", python, reason, "", made.requirements
                )
                break
    if made.status == "ready":
        made = Environment(
            framework, "ready", python, "", _version(framework, python), made.requirements
        )
    write_atomically(where / "environment.json", json.dumps(asdict(made), indent=1))
    return made


def worker_environment(threads: int) -> dict[str, str]:
    """The environment variables of every worker: thread pools set before any import, and no
    setting of the user's shell that would change a framework or pytest behind our back."""
    kept = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("PYTEST_", "TF_", "KERAS_", "MXNET_", "XLA_", "TORCH"))
    }
    pools = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "VECLIB_MAXIMUM")
    return kept | {
        **{f"{pool}_NUM_THREADS": str(threads) for pool in pools},
        "PYTHONPATH": str(PROJECT),
        "PYTHONHASHSEED": "0",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTEST_PLUGINS": "pytest_benchmark.plugin",
    }


def _digest(framework: str, device: str) -> str:
    text = "\n".join([sys.version, *requirements(framework, device)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _python(where: Path) -> Path:
    return where / "bin" / "python"


def _version(framework: str, python: str) -> str:
    package = next(i.package for i in IMPLEMENTATIONS if i.framework == framework)
    code = (
        "import importlib.metadata as m; "
        f"print(m.version(m.packages_distributions()[{package!r}][0]))"
    )
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _last_error(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return ((errors or lines)[-1] if lines else "no output")[:300]
