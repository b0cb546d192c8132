"""The parts of a record as types: numbers, certificates, readings, searches.

Strict: no text is taken for a number, no number may be infinite, an unknown key is refused. What
pytest-benchmark writes beside its samples is left as it is; nothing here reads it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bench.records.record import Status

Seconds = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
LossValue = Annotated[float, Field(ge=0)] | None
"""None where it was not finite: a file holds no NaN."""
Phase = Literal["learn", "train", "step", "infer", "latency"]


def _iso(text: str) -> str:
    datetime.fromisoformat(text)
    return text


Moment = Annotated[str, AfterValidator(_iso)]


class Strict(BaseModel):
    """Frozen, strict, and closed: what is not named here is refused."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", allow_inf_nan=False, populate_by_name=True
    )


class CheckRecord(Strict):
    """One check of a certificate. `error` None: it was not finite."""

    name: str
    error: Annotated[float, Field(ge=0)] | None
    bound: Annotated[float, Field(ge=0)]
    detail: str = ""
    passed: bool
    kind: str = ""
    unit: str = ""
    again_up_to: Annotated[float, Field(ge=0)] = 0.0


class CertificateRecord(Strict):
    """The proof of equal work, as `bench.proof` gave it. made, digest: when, and of what it was
    made from (bench.run.kept); a run may hold one that is older than itself."""

    passed: bool
    reason: str
    adam_form: Literal["epsilon", "epsilon-hat"]
    seed: Count = 0
    made: Moment | None = None
    digest: str = ""
    checks: tuple[CheckRecord, ...]

    @model_validator(mode="after")
    def _agrees(self) -> CertificateRecord:
        if self.passed != (bool(self.checks) and all(c.passed for c in self.checks)):
            raise ValueError("says another verdict than its checks")
        return self


class DisturbanceRecord(Strict):
    """What others did while a launch ran (bench.machine.readings)."""

    steal_seconds: Seconds = 0.0
    others_cpu_seconds: Seconds = 0.0
    involuntary_switches: float = Field(default=0, ge=0)


class TurnRecord(Strict):
    """One turn of a sitting: every contender had a slice in it. It counts or not by what others
    did while it lasted, never by its times, and for all contenders alike.

    others_seconds, steal_seconds: of CPU time on the sitting's cores. cause: what disturbed it;
    a turn with a cause counts only where too few quiet ones were had.
    """

    number: Count
    phase: Phase
    seconds: Positive
    others_seconds: Seconds
    steal_seconds: Seconds
    counts: bool
    cause: str = ""


class DeviceUse(Strict):
    """What the runner saw of the device (bench.machine.devices)."""

    peak_memory_bytes: Positive | None = None
    mean_busy_percent: Annotated[float, Field(ge=0)] | None = None
    joules: Seconds | None = None
    other_processes: Count = 0


class StartSeconds(Strict):
    """Parts of the start, in seconds; a search has no first step."""

    import_: Seconds | None = Field(default=None, alias="import")
    build: Seconds | None = None
    stage: Seconds | None = None
    first_step: Seconds | None = None
    first_round: Seconds | None = None


class LaunchReadings(Strict):
    """What the worker read of the training and around the rounds."""

    first_loss: LossValue = None
    epoch_losses: tuple[LossValue, ...] = ()
    epoch_scores: tuple[LossValue, ...] = ()
    validation_losses: tuple[LossValue, ...] = ()
    final_loss: LossValue = None
    test_score: LossValue = None
    best_epoch: Annotated[int, Field(ge=1)] | None = None
    target: Positive | None = None
    epochs_to_target: Annotated[int, Field(ge=1)] | None = None
    time_to_target: Seconds | None = None
    learn_seconds: Seconds | None = None
    work_after_wait_seconds: float | dict[str, float] | None = None


class TrialPhases(Strict):
    """Seconds of a trial by phase."""

    tuner: Seconds
    build: Seconds
    compile: Seconds
    train: Seconds
    evaluate: Seconds


class TrialRecord(Strict):
    """One trial of a search; see results/README.md."""

    index: Count
    number: Count
    start: Count
    units: Annotated[int, Field(ge=1)]
    learning_rate: Positive
    weights: str
    status: Status | Literal["pruned"]
    reason: str
    validation_accuracy: Share | None
    epoch_accuracies: tuple[Share, ...]
    epoch_losses: tuple[LossValue, ...]
    seconds: Seconds
    """0 of a trial that took its process with it."""
    phases: TrialPhases
    rss_bytes: Annotated[int, Field(gt=0)]


class BestTrial(Strict):
    """The trial with the best validation accuracy."""

    index: Count
    units: Annotated[int, Field(ge=1)]
    learning_rate: Positive
    validation_accuracy: Share


class Retrained(Strict):
    """The best configuration trained on all rows and scored on the test rows once."""

    rows: Annotated[int, Field(ge=1)]
    epoch_losses: tuple[LossValue, ...]
    test_accuracy: Share
    seconds: Positive


class SearchRecord(Strict):
    """One hyper-parameter search."""

    sampler: Literal["random", "grid", "tpe"]
    trials_wanted: Count
    prune: bool
    epochs: Annotated[int, Field(ge=1)]
    rows: Annotated[int, Field(ge=1)]
    optuna: str
    open_seconds: Seconds
    loop_seconds: Seconds
    resumed_trials: Count
    starts: Count
    trials: tuple[TrialRecord, ...]
    best: BestTrial | None = None
    retrained: Retrained | None = None
