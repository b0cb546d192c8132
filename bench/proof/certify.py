"""The certificate: proof that an implementation did the task's work.

Each check compares the contender with the float64 oracle (adapters.reference.oracle) on the same
weights and rows. Errors are norm-relative, ||a - b|| / ||b||, the worst over the parameters
where there are several. Pure apart from calling the two adapters: no clock, no file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from adapters.base import Adapter, Precision
from adapters.reference.oracle import Reference
from bench.proof.bounds import (
    KINKS,
    LARGE_EPSILON,
    LOWER_DRAWS,
    LOWER_LEAST,
    ONE_UNIT,
    SINGLE_ROWS,
    bound,
    lower_bound,
    relative,
    typical,
    without_worst,
)
from tasks.draws import draw_warps
from tasks.spec.network import Task, parameter_shapes
from tasks.spec.training import SGD, Adam
from tasks.weights import Weights, initial_weights

STEPS = 20
PREDICT_BATCH = 13  # does not divide the rows, so a dropped remainder shows


@dataclass(frozen=True)
class Check:
    """One comparison. `error` is norm-relative unless `detail` says otherwise."""

    name: str
    error: float
    bound: float
    detail: str = ""

    @property
    def passed(self) -> bool:
        """NaN never passes."""
        return bool(self.error <= self.bound)


@dataclass(frozen=True)
class Certificate:
    """The verdict over all checks, for one task × implementation × device × precision."""

    checks: tuple[Check, ...]
    adam_form: str
    seed: int

    @property
    def passed(self) -> bool:
        """True when there are checks and all hold."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    def reason(self) -> str:
        """The first failed check in words, or an empty string."""
        for check in self.checks:
            if not check.passed:
                detail = f" ({check.detail})" if check.detail else ""
                return f"{check.name}: error {check.error:.2g} over bound {check.bound:.0e}{detail}"
        return ""

    def as_dict(self) -> dict[str, object]:
        """JSON form, with the derived verdicts."""
        checks = [asdict(c) | {"passed": c.passed} for c in self.checks]
        return {
            "passed": self.passed,
            "reason": self.reason(),
            "adam_form": self.adam_form,
            "seed": self.seed,
            "checks": checks,
        }


@dataclass(frozen=True)
class _Trial:
    """What every check starts from: both adapters, the same weights, the same rows."""

    adapter: Adapter
    oracle: Reference
    task: Task
    weights: Weights
    x: np.ndarray
    y: np.ndarray
    order: np.ndarray  # int32 (STEPS, batch)
    seed: int
    by_layer: bool = False  # in lower precisions, where a bias's few gradients nearly cancel

    def build(self, each: Adapter, task: Task) -> Any:
        """A fresh model and optimizer; returns the staged rows."""
        each.build(task, self.weights, self.seed)
        return each.stage(self.x, self.y)

    def update(self, each: Adapter) -> Weights:
        """How far the weights have moved, once all work is done."""
        each.wait()
        after = each.weights()
        return self.parts({n: after[n].astype(np.float64) - w for n, w in self.weights.items()})

    def parts(self, weights: Weights) -> Weights:
        """What is compared: each parameter, or those of a layer together."""
        if not self.by_layer:
            return weights
        layers: dict[str, list[np.ndarray]] = {}
        for name, value in weights.items():
            layers.setdefault(name.split("/")[0], []).append(value.ravel())
        return {layer: np.concatenate(values) for layer, values in layers.items()}


def certify(
    adapter: Adapter,
    task: Task,
    x: np.ndarray,
    y: np.ndarray,
    seed: int,
    precision: Precision = "fp32",
) -> Certificate:
    """Run the checks, up to the first group that fails.

    x, y: the task's training rows; few of them are used again. precision: what the contender
    says it computes in; under fp32's the bounds follow the oracle's own error in it.
    """
    task = _provable(task)
    rows = np.random.default_rng(seed).permutation(len(x))
    order = np.resize(rows, (STEPS, task.batch_size)).astype(np.int32)
    oracle = Reference(adam=adapter.adam_form)
    trial = _Trial(adapter, oracle, task, initial_weights(task, seed), x, y, order, seed)
    groups = (_structure, _forward, _gradients, _trajectory, _epsilon, _augmented)
    own: dict[str, float] = {}
    if precision != "fp32":
        trial = replace(trial, by_layer=True)
        lower = replace(trial, adapter=Reference(precision=precision, adam=adapter.adam_form))
        for turn in range(LOWER_DRAWS):
            lower = replace(lower, order=np.roll(order, turn, axis=0))
            for check in (check for group in groups for check in group(lower)):
                own[check.name] = max(own.get(check.name, 0.0), check.error)
    checks: list[Check] = []
    for group in groups:
        checks += _widened(group(trial), own) if own else group(trial)
        if not all(check.passed for check in checks):
            break  # what follows would only repeat the fault
    return Certificate(tuple(checks), adapter.adam_form, seed)


def _widened(checks: list[Check], own: Mapping[str, float]) -> list[Check]:
    """The checks with bounds from what the oracle errs in the lower precision, and one more."""
    found = []
    for check in checks:
        # One batch's loss is one number, and may be right by chance: the worst of many is not.
        allowed = own["losses" if check.name.endswith("loss") else check.name]
        limit = lower_bound(check.bound, allowed) if check.bound else 0.0
        found.append(replace(check, bound=limit))
        if check.name == "outputs":
            least = LOWER_LEAST * allowed
            detail = f"outputs err by {check.error:.1e}, the oracle in it by {allowed:.1e}"
            found.append(Check("precision", float(check.error < least), 0.0, detail))
    return found


def certify_all(
    adapter: Adapter,
    tasks: Mapping[str, Task],
    x: np.ndarray,
    y: np.ndarray,
    seed: int,
    precision: Precision = "fp32",
) -> Certificate:
    """One certificate over several tasks on the same rows; each check named "<key>: <check>". Up to
    the first task that fails."""
    checks: list[Check] = []
    for key, task in tasks.items():
        found = certify(adapter, task, x, y, seed, precision)
        checks += [replace(check, name=f"{key}: {check.name}") for check in found.checks]
        if not found.passed:
            break
    return Certificate(tuple(checks), adapter.adam_form, seed)


def _provable(task: Task) -> Task:
    """The task as it is certified: without dropout (random masks have no common trajectory), and
    at the learning rate of its `Proof` where it has one."""
    task = task.without_dropout()
    if task.proof is None or not isinstance(task.optimizer, Adam):
        return task
    return task.with_optimizer(replace(task.optimizer, learning_rate=task.proof.learning_rate))


def _structure(t: _Trial) -> list[Check]:
    """Names, shapes and count of the parameters, and that loading and reading back is exact."""
    t.build(t.adapter, t.task)
    got = t.adapter.weights()
    shapes = {name: value.shape for name, value in got.items()}
    differing = sorted(set(shapes.items()) ^ set(parameter_shapes(t.task).items()))
    if differing:
        return [Check("parameters", float(len(differing)), 0.0, f"differing: {differing[:3]}")]
    worst = max(relative(got[name], t.weights[name]) for name in got)
    return [Check("parameters", 0.0, 0.0), Check("loaded weights", worst, 0.0)]


def _forward(t: _Trial) -> list[Check]:
    """Outputs on one batch, in batches that leave a remainder."""
    rows = t.order[0]
    outputs = []
    for each in (t.adapter, t.oracle):
        each.build(t.task, t.weights, t.seed)
        outputs.append(each.predict(each.stage(t.x[rows], t.y[rows]), PREDICT_BATCH))
    kind = Check("output type", float(outputs[0].dtype != np.float32), 0.0, str(outputs[0].dtype))
    return [kind, Check("outputs", relative(*outputs), bound(t.task, "outputs"))]


def _gradients(t: _Trial) -> list[Check]:
    """Loss and gradients of one batch; the latter read from one SGD step at rate 1."""
    rows = t.order[0]
    plain = t.task.with_optimizer(SGD(1.0))
    data = t.build(t.oracle, plain)
    loss, by_name = t.oracle.gradients(data[0][rows], t.y[rows])
    expected = t.parts(by_name)
    got_loss = float(t.adapter.train(t.build(t.adapter, plain), rows[None]))
    got = {name: -moved for name, moved in t.update(t.adapter).items()}
    check = _worst("gradients", got, expected, bound(t.task, "gradients"))
    found = [check]
    if not t.by_layer and check.bound < check.error <= KINKS:
        found = [replace(check, bound=KINKS, detail=f"{check.detail}; see row by row")]
        found.append(_row_by_row(t, plain, check.bound))
    return [
        Check("loss", relative(np.array(got_loss), np.array(loss)), bound(t.task, "outputs")),
        *found,
        _worst("gradients, typical", got, expected, bound(t.task, "typical"), typical),
    ]


def _row_by_row(t: _Trial, plain: Task, limit: float) -> Check:
    """The median error over batches that each repeat one row, whose gradient is that row's."""
    rows = t.order[0][:SINGLE_ROWS]
    few = replace(t, x=t.x[rows], y=t.y[rows])
    data = few.build(t.oracle, plain)
    errors = []
    for row in range(len(rows)):
        _, expected = t.oracle.gradients(data[0][[row]], few.y[[row]])
        t.adapter.train(few.build(t.adapter, plain), np.full_like(t.order[:1], row))
        got = {name: -moved for name, moved in t.update(t.adapter).items()}
        errors.append(_worst("", got, expected, limit).error)
    within = sum(error <= limit for error in errors)
    detail = f"median; {within} of {len(errors)} rows within the bound"
    return Check("gradients, row by row", float(np.median(errors)), limit, detail)


def _trajectory(t: _Trial) -> list[Check]:
    """All steps one call each, against the oracle; then the same steps in one call."""
    losses, moved = [], []
    for each in (t.oracle, t.adapter):
        data = t.build(each, t.task)
        losses.append(np.array([float(each.train(data, row[None])) for row in t.order]))
        moved.append(t.update(each))
    mean = float(t.adapter.train(t.build(t.adapter, t.task), t.order))
    at_once = t.update(t.adapter)
    limit = bound(t.task, "losses")
    worst_loss = float(np.max(np.abs(losses[1] - losses[0]) / np.abs(losses[0])))
    mean_loss = float(abs(mean - losses[0].mean()) / abs(losses[0].mean()))
    return [
        Check("losses", worst_loss, limit, f"worst of {STEPS} steps"),
        *_moved("update", moved[1], moved[0], t),
        Check("mean loss", mean_loss, limit, "all steps in one call"),
        *_moved("calls", at_once, moved[1], t),
    ]


def _epsilon(t: _Trial) -> list[Check]:
    """A short trajectory under an epsilon that matters: its form, and that it is passed on."""
    if not isinstance(t.task.optimizer, Adam):
        return []
    task = t.task.with_optimizer(replace(t.task.optimizer, epsilon=LARGE_EPSILON))
    moved = []
    for each in (t.adapter, t.oracle):
        each.train(t.build(each, task), t.order[:5])
        moved.append(t.update(each))
    return _moved("epsilon", moved[0], moved[1], t)


def _augmented(t: _Trial) -> list[Check]:
    """The loss of one batch of augmented images: each framework's sampler, inside its step."""
    if t.task.augmentation is None:
        return []
    batch = t.order[:1]
    warps = draw_warps(t.task.augmentation, 1, batch.shape[1], t.task.input_shape, t.seed)
    got, expected = (
        float(each.train(t.build(each, t.task), batch, warps)) for each in (t.adapter, t.oracle)
    )
    error = abs(got - expected) / abs(expected)
    return [Check("augmented loss", error, bound(t.task, "losses"))]


def _moved(name: str, got: Weights, expected: Weights, t: _Trial) -> list[Check]:
    """How far the weights moved, by norm and by the typical element; see the bounds above."""
    check = _worst(name, got, expected, bound(t.task, "update"))
    found = [check]
    if not t.by_layer and check.bound < check.error <= ONE_UNIT:
        few = _worst(f"{name}, few apart", got, expected, check.bound, without_worst)
        found = [replace(check, bound=ONE_UNIT, detail=f"{check.detail}; see few apart"), few]
    return [*found, _worst(f"{name}, typical", got, expected, bound(t.task, "typical"), typical)]


def _worst(
    name: str,
    got: Weights,
    expected: Weights,
    limit: float,
    measure: Callable[[np.ndarray, np.ndarray], float] = relative,
) -> Check:
    errors = {key: measure(got[key], expected[key]) for key in expected}
    # max() would step over a NaN: it must win.
    key = max(errors, key=lambda k: np.inf if np.isnan(errors[k]) else errors[k])
    return Check(name, errors[key], limit, f"worst in {key}")
