"""How often the certificate refuses honest work: many seeds, one implementation, real tasks.

    python -m bench.audit.honest --prepare DATA.json --tasks 'fnn-*'
    python -m bench.audit.honest --implementation pytorch:eager --data DATA.json \
        --tasks 'fnn-*' --seeds 0-50 --out FILE.jsonl

The first runs where the suite is installed and names the folders of the data; the second in the
framework's environment. FILE gets one line a task and seed; what is there is not done again.
"""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path
from time import process_time
from typing import Any

from adapters.base import Adapter, Unsupported
from bench.discover import implementations
from bench.proof.certify import Certificate, certify
from tasks.catalogue.every import TASKS
from tasks.data import arrays
from tasks.spec.network import Task


def prepare(file: Path, tasks: Iterable[Task]) -> None:
    """Make or find the data of the tasks; `file` gets family → folder."""
    from tasks.data import prepare as data  # needs what frameworks' environments lack

    folders = {task.data: str(data.prepare(task.data, None).folder) for task in tasks}
    file.write_text(json.dumps(folders, indent=1))


def adapter_of(name: str, precision: str, threads: int) -> Adapter:
    """A contender of the implementation `name` on the CPU."""
    row = next(i for i in implementations() if i.name == name)
    module = importlib.import_module(row.module)
    made: Adapter = module.Contender(row.mode, "cpu", precision, threads)
    return made


def campaign(
    name: str,
    precision: str,
    tasks: Iterable[Task],
    seeds: range,
    data: Path,
    out: Path,
    kept: Path | None,
) -> None:
    """One line of `out` for each task and seed that it does not hold yet."""
    folders = json.loads(data.read_text())
    done = {(line["task"], line["seed"]) for line in lines(out) if line["implementation"] == name}
    adapter = adapter_of(name, precision, threads=1)
    for task in tasks:
        rows = arrays.load(Path(folders[task.data]))
        for seed in (s for s in seeds if (task.name, s) not in done):
            began = process_time()
            try:
                found = certify(
                    adapter, task, rows.x_train, rows.y_train, seed, precision, rows.x_test,  # type: ignore[arg-type]
                    kept,
                )  # fmt: skip
            except Unsupported as why:
                print(f"{task.name}: unsupported: {why}", flush=True)
                break
            line = {"implementation": name, "task": task.name, "seed": seed, **summary(found)}
            line["cpu_seconds"] = round(process_time() - began, 2)
            with out.open("a") as file:
                file.write(json.dumps(line) + "\n")
            print(
                f"{task.name} {seed}: {line['reason'] or 'passed'} ({line['cpu_seconds']} s)",
                flush=True,
            )


def summary(certificate: Certificate) -> dict[str, Any]:
    """Verdict and reason, every error, and which checks needed further draws."""
    return {
        "passed": certificate.passed,
        "reason": certificate.reason(),
        "errors": {check.name: check.error for check in certificate.checks},
        "drawn_again": [c.name for c in certificate.checks if "median of" in c.detail],
    }


def lines(file: Path) -> list[dict[str, Any]]:
    """What a campaign has written so far."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prepare", type=Path)
    parser.add_argument("--implementation")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--kept", type=Path, help="a folder for the oracle's answers")
    parser.add_argument("--tasks", default="*")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--seeds", default="0-50", help="first-last, both included, or one")
    asked = parser.parse_args()
    tasks = [task for task in TASKS if fnmatch(task.name, asked.tasks)]
    if asked.prepare:
        prepare(asked.prepare, tasks)
        return
    first, _, last = asked.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    campaign(asked.implementation, asked.precision, tasks, seeds, asked.data, asked.out, asked.kept)


if __name__ == "__main__":
    main()
