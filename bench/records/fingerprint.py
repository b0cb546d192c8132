"""What two runs must have in common before they are compared. Pure."""

from __future__ import annotations

from dataclasses import asdict

from bench.records.schema import RunFile


def fingerprint(about: RunFile) -> dict[str, str]:
    """What must be equal before two runs may be compared, as flat text.

    The interpreter's version is left out of the machine: it belongs to the software compared.
    """
    request = about.request
    facts: dict[str, object] = {
        "device": request.device,
        "precision": request.precision,
        "threads": request.threads,
        "measurement version": about.suite.measurement,
    }
    machine = about.machine.model_dump(exclude={"python"})
    facts |= {f"machine {key}": value for key, value in machine.items()}
    facts |= {f"budget {key}": value for key, value in asdict(about.budget).items()}
    facts |= {f"bound of {key}": value for key, value in about.bounds.items()}
    facts |= {f"data of {task}": data.sha256 for task, data in about.datasets.items()}
    facts |= {f"task {task}": about.digest(task) for task in request.tasks}
    return {name: str(value) for name, value in facts.items()}


_OF_A_TASK = ("data of ", "task ")


def differences(base: RunFile, new: RunFile) -> list[str]:
    """Where two runs' fingerprints differ, one line each; of tasks only those that both have."""
    a, b = fingerprint(base), fingerprint(new)
    names = [n for n in a if n in b]
    names += [n for n in sorted(a.keys() ^ b.keys()) if not n.startswith(_OF_A_TASK)]
    return [f"{n}: {a.get(n)} against {b.get(n)}" for n in names if a.get(n) != b.get(n)]
