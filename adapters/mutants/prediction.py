"""Predictions that are not those of the network as it is trained."""

from __future__ import annotations

from typing import SupportsFloat

import numpy as np

from adapters.base import Adapter, Data
from adapters.mutants.mutant import NUMPY, Array, Faulty, Mutant, Twinned, Wrapped
from tasks.spec.layers import Dropout
from tasks.spec.network import Task
from tasks.weights import Weights


class Stale(Twinned):
    """Predicts with a copy that nothing ever refreshes."""


class OneCallBehind(Twinned):
    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        self.refresh(self.inner.weights())
        return super().train(data, order, warps)


class AfterSomeCalls(Twinned):
    """The copy is refreshed after single steps only, or after calls of several only."""

    def __init__(self, inner: Adapter, single: bool) -> None:
        super().__init__(inner)
        self.single = single

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        loss = super().train(data, order, warps)
        if (len(order) == 1) == self.single:
            self.refresh(self.inner.weights())
        return loss


class AtFirstPrediction(Twinned):
    """The copy is made at the first prediction, as an exported graph is."""

    def begin(self) -> None:
        self.exported = False

    def predict(self, data: Data, batch_size: int) -> Array:
        if not self.exported:
            self.refresh(self.inner.weights())
            self.exported = True
        return super().predict(data, batch_size)


class Averaged(Twinned):
    """Predicts with a running mean of the weights."""

    def begin(self) -> None:
        self.mean = self.first

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        loss = super().train(data, order, warps)
        now = self.inner.weights()
        self.mean = {name: 0.5 * self.mean[name] + 0.5 * now[name] for name in now}
        self.refresh(self.mean)
        return loss


class PartlyRefreshed(Twinned):
    """Some parameters of the copy are forgotten when it is refreshed."""

    def forgotten(self, name: str) -> bool:
        return name.endswith("/bias")

    def predict(self, data: Data, batch_size: int) -> Array:
        now = self.inner.weights()
        kept = {n: self.first[n] if self.forgotten(n) else value for n, value in now.items()}
        self.refresh(kept)
        return super().predict(data, batch_size)


class LastLayerForgotten(PartlyRefreshed):
    def forgotten(self, name: str) -> bool:
        return name.startswith(f"{len(self.asked.layers) - 1}_")


class BestSoFar(Twinned):
    """Predicts with the weights after the call of the lowest loss."""

    def begin(self) -> None:
        self.lowest = float("inf")

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        loss = super().train(data, order, warps)
        if float(loss) < self.lowest:
            self.lowest = float(loss)
            self.refresh(self.inner.weights())
        return loss


class FirstStepsOnly(Twinned):
    """The copy follows the first twenty steps."""

    def begin(self) -> None:
        self.done = 0

    def train(self, data: Data, order: Array, warps: Array | None = None) -> SupportsFloat:
        loss = super().train(data, order, warps)
        self.done += len(order)
        if self.done <= 20:
            self.refresh(self.inner.weights())
        return loss


class Remembered(Wrapped):
    """Outputs once given for staged rows are given again, whatever was trained since."""

    def begin(self) -> None:
        self.given: list[tuple[Data, int, Array]] = []

    def predict(self, data: Data, batch_size: int) -> Array:
        for known, size, outputs in self.given:
            if known is data and size == batch_size:
                return outputs.copy()
        outputs = self.inner.predict(data, batch_size)
        self.given.append((data, batch_size, outputs.copy()))
        return outputs


class PredictionTrains(Wrapped):
    """A step is taken on the first row before every prediction but the first."""

    def begin(self) -> None:
        self.predicted = False

    def predict(self, data: Data, batch_size: int) -> Array:
        if self.predicted:
            self.inner.train(data, np.zeros((1, self.asked.batch_size), np.int32))
        self.predicted = True
        return self.inner.predict(data, batch_size)


class WeightsBackAtPrediction(Wrapped):
    """A prediction puts back the weights of the build, and training goes on from them."""

    def build(self, task: Task, weights: Weights, seed: int) -> None:
        self.first = {name: value.copy() for name, value in weights.items()}
        super().build(task, weights, seed)

    def predict(self, data: Data, batch_size: int) -> Array:
        outputs = self.inner.predict(data, batch_size)
        self.inner.build(self.asked, self.first, self.seed)
        return outputs


class TrainingMode(Faulty):
    """eval() forgotten: values are dropped in inference too."""

    def predict(self, data: Data, batch_size: int) -> Array:
        x = data[0]
        batches = [x[i : i + batch_size] for i in range(0, len(x), batch_size)]
        return np.concatenate([self._forward(batch, training=True)[0] for batch in batches])


class TrainingModeAfterTraining(TrainingMode):
    """The network is put into training mode by the first step, and never out of it."""

    def predict(self, data: Data, batch_size: int) -> Array:
        if self.t:
            return super().predict(data, batch_size)
        return Faulty.predict(self, data, batch_size)


class EvaluationMode(Faulty):
    """train() forgotten: after the first prediction nothing is dropped any more."""

    def predict(self, data: Data, batch_size: int) -> Array:
        outputs = super().predict(data, batch_size)
        self.task = self.task.without_dropout()
        return outputs


MUTANTS: tuple[Mutant, ...] = (
    Mutant("predictions by the first weights", "prediction", Stale),
    Mutant("predictions one call behind", "prediction", OneCallBehind),
    Mutant("predictions not refreshed by calls of several steps", "prediction",
           lambda a: AfterSomeCalls(a, single=True)),
    Mutant("predictions not refreshed by single steps", "prediction",
           lambda a: AfterSomeCalls(a, single=False)),
    Mutant("weights folded in at the first prediction", "prediction", AtFirstPrediction),
    Mutant("predictions by averaged weights", "prediction", Averaged),
    Mutant("predictions by biases of the build", "prediction", PartlyRefreshed),
    Mutant("predictions by a last layer of the build", "prediction", LastLayerForgotten),
    Mutant("predictions by the weights of the lowest loss", "prediction", BestSoFar),
    Mutant("predictions follow the first 20 steps", "prediction", FirstStepsOnly),
    Mutant("outputs remembered over training", "prediction", Remembered),
    Mutant("a prediction takes a step", "prediction", PredictionTrains),
    Mutant("a prediction puts the first weights back", "prediction", WeightsBackAtPrediction),
    Mutant("dropout in inference", "prediction", lambda _: TrainingMode(), needs=Dropout,
           frameworks=NUMPY),
    Mutant("dropout in inference after training", "prediction",
           lambda _: TrainingModeAfterTraining(), needs=Dropout, frameworks=NUMPY),
    Mutant("no dropout after a prediction", "prediction", lambda _: EvaluationMode(),
           needs=Dropout, frameworks=NUMPY),
)  # fmt: skip
