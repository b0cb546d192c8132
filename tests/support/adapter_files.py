"""Adapter files as a user writes them, and the mistakes that users make in them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bench.run.environments import PROJECT

HEADER = """# /// script
# dependencies = ["numpy==2.4.6"]
#
# [tool.framework-bench]
# name = "mynet"
# title = "MyNet"
# package = "numpy"
# modes = { plain = "the oracle itself" }
# ///
"""
BODY = """
from adapters.reference.oracle import Reference


class Contender(Reference):
    def __init__(self, mode, device, precision, threads):
        super().__init__(mode, device, precision, threads)
"""
GOOD = HEADER + BODY
# Adam's second moment forgets faster than the task says.
FAULTY = (
    GOOD
    + """
    def build(self, task, weights, seed):
        from dataclasses import replace

        super().build(task, weights, seed)
        self.task = task.with_optimizer(replace(task.optimizer, beta_2=0.99)) if hasattr(
            task.optimizer, "beta_2"
        ) else task
"""
)
MISTAKES: dict[str, tuple[str, str]] = {
    "no header": (BODY, "it must have one header"),
    "two headers": (HEADER + "\n" + GOOD, "it must have one header"),
    "header without an end": (GOOD.replace("# ///\n", ""), "it must have one header"),
    "no TOML": (GOOD.replace('"mynet"', "mynet"), "its header is no TOML"),
    "no table": (GOOD.replace("tool.framework-bench", "tool.other"), "has no table"),
    "a key that is none": (GOOD.replace("# title", "# titel"), "has no key 'titel'"),
    "a name unfit for files": (GOOD.replace('"mynet"', '"../my"'), "name in its header"),
    "a name of the suite's": (GOOD.replace('"mynet"', '"pytorch"'), "framework 'pytorch' already"),
    "no package": (GOOD.replace('package = "numpy"', "package = 3"), "package in its header"),
    "no modes": (GOOD.replace('plain = "the oracle itself"', ""), "modes in its header"),
    "a mode with a colon": (GOOD.replace("plain =", '"a:b" ='), "mode 'a:b'"),
    "a division that is none": (
        GOOD.replace("# modes", '# division = "fast"\n# modes'), "documented or tuned",
    ),
    "dependencies that are no pins": (GOOD.replace("==2.4.6", ">=2"), "'numpy>=2' is no pin"),
    "dependencies that are a text": (
        GOOD.replace('["numpy==2.4.6"]', '"numpy==2.4.6"'), "must be a list of texts",
    ),
    "no adapter": (HEADER + "x = 1\n", "it has no class Contender"),
    "no Python": (GOOD + "def\n", "it is no Python"),
    "empty": ("", "it has no class Contender"),
}  # fmt: skip


def make_ready(file: Path, envs: Path) -> None:
    """The file's environment as if it had been made: this interpreter."""
    code = (
        "import sys; from pathlib import Path; from bench import discover; "
        "from bench.run import environments as e; "
        "name = discover.add_adapter(Path(sys.argv[1])).environment; "
        "print(name, e.digest(name, 'cpu'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)], cwd=PROJECT, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    name, digest = done.stdout.split()
    place = envs / f"{name}-cpu"
    program = place / "bin" / "python"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    program.chmod(0o755)
    made = {
        "framework": name, "status": "ready", "python": str(program), "reason": "",
        "version": "1.0", "requirements": digest,
    }  # fmt: skip
    (place / "environment.json").write_text(json.dumps(made))
