"""KerasTuner's random search around the Keras adapter: the article's code path.

KerasTuner would draw its own configurations. So that its cost can be compared with Optuna's on
the same trials, its RandomSearchOracle here hands out the suite's list; model, weights, rows and
epochs are those of ``keras:tensorflow``, through `HyperModel.build` and `HyperModel.fit`, the
two methods that KerasTuner documents for this. Everything else is KerasTuner's own and its cost:
the extra build that finds the space, clear_session and gc.collect before each trial, its JSON
state after each, and the checkpoint of the best epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras_tuner

from adapters.base import Device, Precision, Setting, Unsupported
from adapters.keras import contender as adapter
from adapters.tuner import Steps, Tuner
from tasks.spec.search import RATES, UNITS, Point, Search


class Contender(adapter.Contender, Tuner):
    """The Keras adapter on TensorFlow, with KerasTuner for its searches."""

    def __init__(self, mode: str, device: Device, precision: Precision, threads: int) -> None:
        if mode != "keras-tuner":
            raise Unsupported(f"the mode is keras-tuner, not {mode!r}")
        super().__init__("tensorflow", device, precision, threads)

    def settings(self) -> dict[str, Setting]:
        return super().settings() | {"keras_tuner": keras_tuner.__version__}

    def search(self, search: Search, points: Sequence[Point], steps: Steps, folder: Path) -> None:
        if search.sampler != "random":
            raise Unsupported("only KerasTuner's random search is driven here")
        oracle = _Listed(points)
        model = _Model(self, steps)
        tuner = _Search(oracle, model, steps, directory=str(folder), project_name="keras_tuner")
        tuner.search(verbose=0)


class _Listed(keras_tuner.oracles.RandomSearchOracle):
    """RandomSearchOracle, but for where the values come from."""

    def __init__(self, points: Sequence[Point]) -> None:
        super().__init__(
            objective=keras_tuner.Objective("val_accuracy", "max"),
            max_trials=len(points),
            seed=1,  # draws nothing that is used
            max_consecutive_failed_trials=len(points) + 1,
        )
        self._points = list(points)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        point = self._points[int(trial_id)]
        values = {"units": point.units, "learning_rate": point.learning_rate}
        return {"status": keras_tuner.engine.trial.TrialStatus.RUNNING, "values": values}


class _Model(keras_tuner.HyperModel):
    """The article's `build_model(hp)`, and `fit` by the suite's epochs."""

    def __init__(self, contender: Contender, steps: Steps) -> None:
        super().__init__()
        self._contender = contender
        self._steps = steps

    def build(self, hp: Any) -> Any:
        units = hp.Int("units", min_value=UNITS[0], max_value=UNITS[-1], step=UNITS.step)
        rate = hp.Choice("learning_rate", list(RATES))
        self._steps.build(Point(units, rate))
        return self._contender._model

    def fit(self, hp: Any, model: Any, *_: Any, callbacks: Any, **__: Any) -> dict[str, float]:
        for callback in callbacks:
            callback.set_model(model)

        def after_epoch(epoch: int, accuracy: float) -> None:
            for callback in callbacks:
                callback.on_epoch_end(epoch, {"val_accuracy": accuracy})

        return {"val_accuracy": self._steps.learn(after_epoch)}


class _Search(keras_tuner.Tuner):
    """keras_tuner.Tuner, telling the suite where a trial begins and ends."""

    def __init__(self, oracle: Any, model: _Model, steps: Steps, **options: Any) -> None:
        self._steps = steps
        super().__init__(oracle, model, **options)

    def pre_create_trial(self) -> None:
        if len(self.oracle.trials) < self.oracle.max_trials:  # not the call that finds the end
            self._steps.begin()

    def on_trial_end(self, trial: Any) -> None:
        super().on_trial_end(trial)
        lines = (trial.message or "").strip().splitlines()
        self._steps.end(lines[-1] if lines else "")
