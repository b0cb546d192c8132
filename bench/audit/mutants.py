"""Does the proof see faults? Every fault of the catalogue, and every correct variant, is tried.

``python -m bench.audit.mutants --implementation pytorch:eager --out FILE.json``, inside that
framework's environment, tries what can be made there on small tasks (adapters/mutants/small.py).
What FILE.json holds already is kept, so a stopped campaign goes on. ``numpy:fp32`` is the NumPy
reference, in which the faults inside an arithmetic live.

``python -m bench.audit.mutants summary DIR OUT`` writes the table of all files of DIR to
OUT/mutants.md, and fails where a fault passed that could be seen, or a correct variant did not.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from adapters.base import Adapter, Unsupported
from adapters.mutants.catalogue import CORRECT, FAULTS
from adapters.mutants.mutant import Mutant
from adapters.mutants.small import CNN, SMALL, rows
from adapters.mutants.small_graphs import GRAPHS, graph_rows
from bench.audit.mutants_summary import write_summary
from bench.audit.planted import contender, refused_by_launch
from bench.proof.certify import certify
from tasks.spec.network import Task

GRAPH_ROWS = 400


@dataclass(frozen=True)
class FaultVerdict:
    """What became of one mutant on one task. refused_by: the check, or the error it died of; empty
    when it passed. error, bound: of that check, where it has them. unsupported: why it could not be
    tried."""

    mutant: str
    kind: str
    task: str
    seed: int
    refused_by: str = ""
    error: float | None = None
    bound: float | None = None
    unsupported: str = ""

    @property
    def refused(self) -> bool:
        """Whether anything refused it."""
        return bool(self.refused_by)


def judge(mutant: Mutant, name: str, adapter: Adapter, task: Task, seed: int) -> FaultVerdict:
    """Try one mutant of `adapter`, which is the implementation `name`, on random rows.

    A fault that stops with an error is refused: in a run its launch would have failed, and nothing
    been timed."""
    named = (mutant.name, mutant.kind, task.name, seed)
    try:
        if mutant.judged_by == "launch":
            reason = refused_by_launch(mutant, name, task, *rows_for(task), seed)
            return FaultVerdict(*named, refused_by=f"launch: {reason}" if reason else "")
        certificate = certify(mutant.make(adapter), task, *rows_for(task), seed)
    except Unsupported as why:
        return FaultVerdict(*named, unsupported=str(why))
    except Exception as error:  # whatever a framework raises at a fault
        return FaultVerdict(*named, refused_by=f"{type(error).__name__}: {error}"[:200])
    failed = next((check for check in certificate.checks if not check.passed), None)
    if failed is None:
        return FaultVerdict(*named)
    return FaultVerdict(*named, failed.name, failed.error, failed.bound)


def tasks_for(mutant: Mutant, most: int = 1) -> list[Task]:
    """The first tasks a mutant can show in. A launch gets the one whose steps take long enough for
    work that is left over to be told from noise."""
    if mutant.judged_by == "launch":
        return [CNN]
    return [task for task in (*SMALL, *GRAPHS) if mutant.applies(task)][:most]


def rows_for(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Random rows and targets of a small task."""
    return graph_rows(task, GRAPH_ROWS) if task.is_graph else rows(task)


def chosen(kind: str, framework: str, most: int, own: bool) -> list[tuple[Mutant, Task]]:
    """The mutants that can be made in a framework (own: in no other), each with the first tasks it
    can show in."""
    return [
        (mutant, task)
        for mutant in (*FAULTS, *CORRECT)
        if mutant.exists_in(framework) and kind in ("", mutant.kind)
        if mutant.frameworks or not own
        for task in tasks_for(mutant, most)
    ]


def campaign(asked: argparse.Namespace) -> None:
    """Try all that is not in the file yet; it is written after each."""
    name, out = asked.implementation, asked.out
    seeds = [int(seed) for seed in asked.seeds.split(",")]
    known: dict[str, Any] = {"implementation": name, "verdicts": []}
    if out.exists():
        known = json.loads(out.read_text())
    done = {(v["mutant"], v["task"], v["seed"]) for v in known["verdicts"]}
    adapter = contender(name)
    known["settings"] = adapter.settings()
    for mutant, task in chosen(asked.kind, name.split(":")[0], asked.tasks, asked.own):
        for seed in seeds:
            if (mutant.name, task.name, seed) in done:
                continue
            verdict = judge(mutant, name, adapter, task, seed)
            known["verdicts"].append(asdict(verdict))
            part = out.with_suffix(".part")  # whole or not at all, should it be stopped
            part.write_text(json.dumps(known, indent=1))
            part.replace(out)
            said = verdict.refused_by or verdict.unsupported or "passed"
            print(f"{mutant.kind}: {mutant.name} ({task.name}, seed {seed}): {said}", flush=True)


def main(words: list[str]) -> int:
    """The command line; the exit status is the summary's."""
    if words[:1] == ["summary"]:
        return write_summary(Path(words[1]), Path(words[2]))
    parser = argparse.ArgumentParser(prog="bench.audit.mutants", description=__doc__)
    parser.add_argument("--implementation", required=True, metavar="F:M")
    parser.add_argument("--kind", default="", help="only faults of this kind")
    parser.add_argument("--seeds", default="0", help="comma-separated")
    parser.add_argument("--tasks", type=int, default=1, help="tasks a mutant, at most")
    parser.add_argument("--own", action="store_true", help="only what is made inside the framework")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    asked = parser.parse_args(words)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    campaign(asked)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
