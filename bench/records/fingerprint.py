"""What two runs must have in common before they are compared. Pure."""

from __future__ import annotations

from dataclasses import asdict

from bench.records.schema import Machine, RunFile


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


def same_memory(a_gib: int, b_gib: int) -> bool:
    """Whether memory in whole GiB is the same but for a reboot, which may take it across a half:
    of 8 GiB and more one GiB up or down. What is smaller is a container's limit, and exact."""
    return a_gib == b_gib or (min(a_gib, b_gib) >= 8 and abs(a_gib - b_gib) <= 1)


def same_machine(a: Machine, b: Machine) -> bool:
    """Whether launches of one may stand beside launches of the other, whole or in a run."""
    steady = b.model_copy(update={"memory_gib": a.memory_gib})
    return a == steady and same_memory(a.memory_gib, b.memory_gib)


OF_A_TASK = ("data of ", "task ")


def differences(base: RunFile, new: RunFile) -> list[str]:
    """Where two runs' fingerprints differ, one line each; of tasks only those that both have."""
    a, b = fingerprint(base), fingerprint(new)
    if same_memory(base.machine.memory_gib, new.machine.memory_gib):
        b["machine memory_gib"] = a["machine memory_gib"]
    names = [n for n in a if n in b]
    names += [n for n in sorted(a.keys() ^ b.keys()) if not n.startswith(OF_A_TASK)]
    return [f"{n}: {a.get(n)} against {b.get(n)}" for n in names if a.get(n) != b.get(n)]
