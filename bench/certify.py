"""The certificate: proof that an implementation did the task's work.

Each check compares the contender with the float64 oracle (adapters.reference) on the same
weights and rows. Errors are norm-relative, ||a - b|| / ||b||, the worst over the parameters
where there are several. Pure apart from calling the two adapters: no clock, no file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from adapters.base import Adapter
from adapters.reference import Reference
from tasks.augment import draw_warps
from tasks.spec import SGD, Adam, Task, parameter_shapes
from tasks.weights import Weights, initial_weights

STEPS = 20
PREDICT_BATCH = 13  # does not divide the rows, so a dropped remainder shows

# float32 keeps 24 bits (6e-8). Sums over some hundred terms and a few layers leave outputs
# within 1e-5 and gradients within 1e-4; recurrence multiplies rounding along the sequence.
# Weights after some steps are compared twice. A hidden unit within rounding of relu's kink
# passes its gradient in one framework and not in the other: rare, honest, and it moves that
# unit's weights by up to a step's share, so the norm is given 2e-2. The typical element (the
# median) does not see such a unit and is held to 1e-3, which the faults we know exceed.
_BOUNDS = {"outputs": 1e-5, "gradients": 1e-4, "losses": 1e-4, "update": 2e-2, "typical": 1e-3}
_RECURRENT = {"losses": 1e-3}
# As large as the gradients themselves: Adam's two forms then part at the first step, and an
# implementation that keeps its own epsilon is seen whatever the task's gradients are.
LARGE_EPSILON = 1e-3
# In a net of millions of relu and pool units some lie within rounding of their kink, and pass
# their gradient in float64 but not in float32. With N units of which a share p does so, the
# gradient is off by about sqrt(p) (float32: some 1e-4) for every honest implementation. So where
# a gradient is over its bound, the oracle itself is run in float32 on the same batch, and the
# contender may err this many times as far, but never over the cap.
_FLOAT32_FACTOR, _FLOAT32_CAP = 4.0, 2e-3


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


def relative(a: np.ndarray, b: np.ndarray) -> float:
    """||a - b|| / ||b||, or ||a|| where b is zero; infinite when shapes differ."""
    if np.shape(a) != np.shape(b):
        return float("inf")
    scale = float(np.linalg.norm(b))
    distance = float(np.linalg.norm(np.asarray(a, np.float64) - b))
    return distance / scale if scale else distance


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

    def build(self, each: Adapter, task: Task) -> Any:
        """A fresh model and optimizer; returns the staged rows."""
        each.build(task, self.weights, self.seed)
        return each.stage(self.x, self.y)

    def update(self, each: Adapter) -> Weights:
        """How far the weights have moved, once all work is done."""
        each.wait()
        after = each.weights()
        return {n: after[n].astype(np.float64) - w for n, w in self.weights.items()}


def certify(adapter: Adapter, task: Task, x: np.ndarray, y: np.ndarray, seed: int) -> Certificate:
    """Run the checks, up to the first group that fails.

    x, y: the task's training rows; few of them are used again.
    """
    task = _provable(task)
    rows = np.random.default_rng(seed).permutation(len(x))
    order = np.resize(rows, (STEPS, task.batch_size)).astype(np.int32)
    oracle = Reference(adam=adapter.adam_form)
    trial = _Trial(adapter, oracle, task, initial_weights(task, seed), x, y, order, seed)
    checks: list[Check] = []
    for group in (_structure, _forward, _gradients, _trajectory, _epsilon, _augmented):
        checks += group(trial)
        if not all(check.passed for check in checks):
            break  # what follows would only repeat the fault
    return Certificate(tuple(checks), adapter.adam_form, seed)


def certify_all(
    adapter: Adapter, tasks: Mapping[str, Task], x: np.ndarray, y: np.ndarray, seed: int
) -> Certificate:
    """One certificate over several tasks on the same rows; each check named "<key>: <check>". Up to
    the first task that fails."""
    checks: list[Check] = []
    for key, task in tasks.items():
        found = certify(adapter, task, x, y, seed)
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


def bound(task: Task, check: str) -> float:
    """The bound of one check for a task's family, or the task's own."""
    if check == "typical" and task.proof is not None:
        return task.proof.typical
    if task.family in ("rnn", "lstm") and check in _RECURRENT:
        return _RECURRENT[check]
    return _BOUNDS[check]


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
    loss, expected = t.oracle.gradients(data[0][rows], t.y[rows])
    got_loss = float(t.adapter.train(t.build(t.adapter, plain), rows[None]))
    got = {name: -moved for name, moved in t.update(t.adapter).items()}
    check = _worst("gradients", got, expected, bound(t.task, "gradients"))
    if check.bound < check.error <= _FLOAT32_CAP:
        check = _allowing_float32(check, t, expected)
    return [
        Check("loss", relative(np.array(got_loss), np.array(loss)), bound(t.task, "outputs")),
        check,
        _worst("gradients, typical", got, expected, bound(t.task, "typical"), typical),
    ]


def _allowing_float32(check: Check, t: _Trial, expected: Weights) -> Check:
    """The check with its bound raised to what float32 itself costs on this batch."""
    plain = Reference(precision="fp32")
    rows = t.order[0]
    _, rounded = plain.gradients(t.build(plain, t.task)[0][rows], t.y[rows])
    own = _worst("", rounded, expected, 0.0).error
    limit = min(max(check.bound, _FLOAT32_FACTOR * own), _FLOAT32_CAP)
    detail = f"{check.detail}; the oracle in float32 errs by {own:.1e}"
    return replace(check, bound=limit, detail=detail)


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
        *_moved("update", moved[1], moved[0], t.task),
        Check("mean loss", mean_loss, limit, "all steps in one call"),
        *_moved("calls", at_once, moved[1], t.task),
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
    return _moved("epsilon", moved[0], moved[1], t.task)


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


def typical(a: np.ndarray, b: np.ndarray) -> float:
    """Median of |a - b| over the elements where b is not zero, relative to their RMS of b."""
    if np.shape(a) != np.shape(b):
        return float("inf")
    used = b != 0
    if not used.any():
        return relative(a, b)
    scale = np.sqrt(np.mean(b[used] ** 2))
    return float(np.median(np.abs(a[used] - b[used])) / scale)


def _moved(name: str, got: Weights, expected: Weights, task: Task) -> list[Check]:
    """Two checks of how far the weights moved: by norm, and by the typical element."""
    return [
        _worst(name, got, expected, bound(task, "update")),
        _worst(f"{name}, typical", got, expected, bound(task, "typical"), typical),
    ]


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
