"""The journal of one search: Optuna's study in a file, read whole or refused.

Every trial's entry stands in it as an attribute of the study, beside Optuna's own account of the
trial. What the two say of one trial must agree, and no number may have a type or a sign that no
search writes: a search never goes on from a file that something else has altered.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from bench.records.record import DIED, Outcome, Status
from bench.worker.trial import PHASES
from tasks.spec.search import RATES, UNITS

SPACE = {
    "units": optuna.distributions.IntDistribution(UNITS[0], UNITS[-1], step=UNITS.step),
    "learning_rate": optuna.distributions.CategoricalDistribution(RATES),
}
NAME = "search"
STATES = {"ok": TrialState.COMPLETE, "pruned": TrialState.PRUNED}
STATUSES = (*get_args(Status), "pruned")
DEATHS = ("crash", "out-of-memory")  # after which the runner starts the worker again
_NUMBER = (int, float)
_TYPES: dict[str, type | tuple[type, ...]] = {
    "index": int, "number": int, "start": int, "units": int, "rss_bytes": int,
    "learning_rate": _NUMBER, "seconds": _NUMBER, "validation_accuracy": (*_NUMBER, type(None)),
    "weights": str, "status": str, "reason": str,
    "epoch_accuracies": list, "epoch_losses": list, "phases": dict,
}  # fmt: skip


class Damaged(Exception):
    """A search's file is not as a search writes it; the text says which and where."""

    def __init__(self, file: Path, what: str) -> None:
        place = f"searches/{file.parent.name}"
        super().__init__(f"{place}/{file.name}: {what}; remove {place} to begin the search anew")


def open_study(folder: Path) -> optuna.Study:
    """The study of a search, new or as it was left; what a kill left half written is removed.

    Only one process has the run (its lock), so a lock of Optuna's is of a dead one. `Damaged`
    where the file is none of a search, or disagrees with itself.
    """
    folder.mkdir(parents=True, exist_ok=True)
    journal = folder / "journal.log"
    for lock in folder.glob("journal.log.*"):
        lock.unlink()
    if journal.exists():
        text = journal.read_bytes()
        journal.write_bytes(text[: text.rfind(b"\n") + 1])
    try:
        storage = JournalStorage(JournalFileBackend(str(journal)))
        study = optuna.create_study(
            storage=storage, study_name=NAME, direction="maximize", load_if_exists=True
        )
        fault = _fault_of_study(study, storage)
    except Exception as error:  # Optuna checks nothing: whatever it then trips over
        raise Damaged(journal, f"cannot be read ({type(error).__name__})") from error
    if fault:
        raise Damaged(journal, fault)
    return study


def entries(study: optuna.Study) -> list[dict[str, Any]]:
    """The finished trials in order, with the seconds that telling Optuna took afterwards."""
    kept = study.user_attrs
    found: list[dict[str, Any]] = []
    while (entry := kept.get(f"trial {len(found)}")) is not None:
        tell = kept.get(f"tell {len(found)}", 0.0)
        phases = entry["phases"] | {"tuner": entry["phases"]["tuner"] + tell}
        found.append(entry | {"seconds": entry["seconds"] + tell, "phases": phases})
    return found


def death_of(folder: Path) -> Outcome | None:
    """How the process before this one died, as the runner noted; None where it noted nothing."""
    noted = folder / DIED
    if not noted.exists():
        return None
    try:
        raw = json.loads(noted.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise Damaged(noted, f"cannot be read ({type(error).__name__})") from error
    if not isinstance(raw, dict) or set(raw) != {field.name for field in fields(Outcome)}:
        raise Damaged(noted, "does not say how a process ended")
    if raw["status"] not in DEATHS or not isinstance(raw["reason"], str):
        raise Damaged(noted, "names no way in which a process dies")
    return Outcome(**raw)


def _fault_of_study(study: optuna.Study, storage: JournalStorage) -> str:
    """The first thing in a journal that no search writes; empty where all is well."""
    first = storage.get_study_id_from_name(NAME) == 0  # a later one follows one that was deleted
    if not first or len(storage.get_all_studies()) != 1 or len(study.directions) != 1:
        return "does not hold one study"
    if study.direction is not optuna.study.StudyDirection.MAXIMIZE:
        return "looks for the least accuracy"
    kept = study.user_attrs
    starts, count = kept.get("starts", 0), 0
    while (entry := kept.get(f"trial {count}")) is not None:
        tell = kept.get(f"tell {count}", 0.0)
        if fault := _fault_of_entry(entry, count) or _fault_of_number(tell, "its telling"):
            return f"trial {count}: {fault}"
        count += 1
    if _fault_of_number(starts, "") or type(starts) is not int:
        return "starts is no count"
    if any(kept[f"trial {index}"]["start"] > starts for index in range(count)):
        return "a trial is of a start that never was"
    told = sum(key.startswith("trial ") for key in kept)
    return "a trial before the last has no entry" if told != count else _fault_of_trials(study)


def _fault_of_entry(entry: Any, index: int) -> str:
    """What is wrong with an entry by itself."""
    if not isinstance(entry, dict) or set(entry) != set(_TYPES):
        return "has not the fields of a trial"
    for name, value in entry.items():
        if isinstance(value, bool) or not isinstance(value, _TYPES[name]):
            return f"{name} is of another type"
    faults = (_fault_of_number(value, name) for name, value in _numbers(entry))
    if fault := next(filter(None, faults), ""):
        return fault
    scores = entry["epoch_accuracies"]
    last = scores[-1:] if entry["status"] == "ok" else [None]
    wrong = (
        (entry["index"] != index, "index is another trial's"),
        (set(entry["phases"]) != set(PHASES), "has not the phases of a trial"),
        (entry["status"] not in STATUSES, "status is none of a trial"),
        (min(entry[name] for name in ("units", "learning_rate", "rss_bytes")) == 0, "has a zero"),
        (max(scores, default=0) > 1, "a score is above 1"),
        (last != [entry["validation_accuracy"]], "its score is not its last epoch's"),
    )
    return next((what for is_so, what in wrong if is_so), "")


def _numbers(entry: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Whatever has to be a number in an entry, with its name."""
    for name, value in entry.items():
        if isinstance(value, int | float):
            yield name, value
        elif isinstance(value, list):
            yield from ((name, each) for each in value)
        elif isinstance(value, dict):
            yield from ((f"{name}.{key}", each) for key, each in value.items())


def _fault_of_number(value: Any, name: str) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{name} is no number"
    return "" if 0 <= value < float("inf") else f"{name} is below 0 or not finite"


def _fault_of_trials(study: optuna.Study) -> str:
    """Where Optuna's account of a trial and the trial's entry disagree. A framework's own tuner
    leaves entries alone: Optuna knows of none of its trials."""
    trials, known = study.get_trials(deepcopy=False), {e["number"]: e for e in entries(study)}
    if len(known) != len(entries(study)):
        return "two entries are of one trial"
    if trials and not known.keys() <= {trial.number for trial in trials}:
        return "an entry is of a trial that Optuna does not know"
    faults = (
        (trial.number, _disagreement(trial, known.get(trial.number)))
        for trial in trials
        if trial.state != TrialState.WAITING
    )
    return next((f"Optuna's trial {number}: {fault}" for number, fault in faults if fault), "")


def _disagreement(trial: FrozenTrial, entry: dict[str, Any] | None) -> str:
    if any(SPACE.get(name) != space for name, space in trial.distributions.items()):
        return "has another space"
    if entry is None:  # it was under way when its process ended: it is run again
        under_way = (TrialState.RUNNING, TrialState.FAIL)
        return "" if trial.state in under_way else "has no entry"
    if trial.params != {name: entry[name] for name in SPACE}:
        return "has other parameters than its entry"
    scores = entry["epoch_accuracies"]
    if any(scores[step : step + 1] != [x] for step, x in trial.intermediate_values.items()):
        return "has other scores than its entry"
    if trial.state == TrialState.RUNNING:
        return ""
    if trial.state != STATES.get(entry["status"], TrialState.FAIL):
        return "ended otherwise than its entry says"
    is_score = trial.state != TrialState.COMPLETE or trial.value == entry["validation_accuracy"]
    return "" if is_score else "has another value than its entry"
