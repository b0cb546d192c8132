"""The certificate: proof that an implementation did the task's work.

Each check compares the contender with the float64 oracle (adapters.reference) on the same
weights and rows. Errors are norm-relative, ||a - b|| / ||b||, the worst over the parameters
where there are several. Pure apart from calling the two adapters: no clock, no file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from adapters.base import Adapter
from adapters.reference import Reference
from tasks.spec import SGD, Task, parameter_shapes
from tasks.weights import Weights, initial_weights

STEPS = 20
PREDICT_BATCH = 13  # does not divide the rows, so a dropped remainder shows

# float32 keeps 24 bits (6e-8). Sums over some hundred terms and a few layers leave outputs
# within 1e-5 and gradients within 1e-4; recurrence multiplies rounding along the sequence.
_BOUNDS = {"outputs": 1e-5, "gradients": 1e-4, "losses": 1e-4, "update": 1e-2, "calls": 1e-3}
_RECURRENT = {"losses": 1e-3}


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
        return self.error <= self.bound


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


def certify(adapter: Adapter, task: Task, x: np.ndarray, y: np.ndarray, seed: int) -> Certificate:
    """Run every check. x, y: at least (STEPS + 1) · batch rows of the task's real data.

    Dropout is set to rate 0 (random masks have no common trajectory).
    """
    task = task.without_dropout()
    weights = initial_weights(task, seed)
    batch = task.batch_size
    rows = np.random.default_rng(seed).permutation(len(x))[: (STEPS + 1) * batch]
    order = rows.reshape(STEPS + 1, batch).astype(np.int32)
    oracle = Reference(adam=adapter.adam_form)
    checks = [
        *_structure(adapter, task, weights, x, y),
        *_forward(adapter, oracle, task, weights, x, y, order[0], seed),
        *_gradients(adapter, oracle, task, weights, x, y, order[0], seed),
        *_trajectory(adapter, oracle, task, weights, x, y, order[1:], seed),
    ]
    return Certificate(tuple(checks), adapter.adam_form, seed)


def bound(task: Task, check: str) -> float:
    """The bound of one check for a task's family."""
    if task.family in ("rnn", "lstm") and check in _RECURRENT:
        return _RECURRENT[check]
    return _BOUNDS[check]


def _structure(
    adapter: Adapter, task: Task, weights: Weights, x: np.ndarray, y: np.ndarray
) -> list[Check]:
    """Names, shapes and count of the parameters, and that loading and reading back is exact."""
    adapter.build(task, weights, seed=0)
    adapter.stage(x[:1], y[:1])
    got = adapter.weights()
    shapes = {name: value.shape for name, value in got.items()}
    same = shapes == parameter_shapes(task)
    differing = sorted(set(shapes.items()) ^ set(parameter_shapes(task).items()))
    detail = "" if same else f"differing: {differing[:3]}"
    checks = [Check("parameters", float(not same), 0.0, detail)]
    if same:
        worst = max(relative(got[name], weights[name]) for name in weights)
        checks.append(Check("loaded weights", worst, 0.0))
    return checks


def _forward(
    adapter: Adapter,
    oracle: Reference,
    task: Task,
    weights: Weights,
    x: np.ndarray,
    y: np.ndarray,
    rows: np.ndarray,
    seed: int,
) -> list[Check]:
    """Outputs on one batch, in batches that leave a remainder."""
    outputs = []
    for each in (adapter, oracle):
        each.build(task, weights, seed)
        outputs.append(each.predict(each.stage(x[rows], y[rows]), PREDICT_BATCH))
    kind = Check("output type", float(outputs[0].dtype != np.float32), 0.0, str(outputs[0].dtype))
    return [kind, Check("outputs", relative(*outputs), bound(task, "outputs"))]


def _gradients(
    adapter: Adapter,
    oracle: Reference,
    task: Task,
    weights: Weights,
    x: np.ndarray,
    y: np.ndarray,
    rows: np.ndarray,
    seed: int,
) -> list[Check]:
    """Gradients of one batch, read from one SGD step at rate 1: g = w_before - w_after."""
    plain = task.with_optimizer(SGD(1.0))
    oracle.build(plain, weights, seed)
    loss, expected = oracle.gradients(oracle.stage(x[rows], y[rows])[0], y[rows])
    adapter.build(plain, weights, seed)
    got_loss = float(adapter.train(adapter.stage(x, y), rows[None]))
    adapter.wait()
    after = adapter.weights()
    got = {name: weights[name].astype(np.float64) - after[name] for name in weights}
    return [
        Check("loss", relative(np.array(got_loss), np.array(loss)), bound(task, "outputs")),
        _worst("gradients", got, expected, bound(task, "gradients")),
    ]


def _trajectory(
    adapter: Adapter,
    oracle: Reference,
    task: Task,
    weights: Weights,
    x: np.ndarray,
    y: np.ndarray,
    order: np.ndarray,
    seed: int,
) -> list[Check]:
    """STEPS steps one call each, against the oracle; then the same steps in one call."""
    losses = []
    for each in (oracle, adapter):
        each.build(task, weights, seed)
        data = each.stage(x, y)
        losses.append(np.array([float(each.train(data, row[None])) for row in order]))
        each.wait()
    expected = {name: value - weights[name] for name, value in oracle.weights().items()}
    single = adapter.weights()
    got = {name: single[name].astype(np.float64) - weights[name] for name in weights}
    adapter.build(task, weights, seed)
    mean = float(adapter.train(adapter.stage(x, y), order))
    adapter.wait()
    many = adapter.weights()
    worst_loss = float(np.max(np.abs(losses[1] - losses[0]) / np.abs(losses[0])))
    return [
        Check("losses", worst_loss, bound(task, "losses"), f"worst of {len(order)} steps"),
        _worst("update", got, expected, bound(task, "update")),
        Check(
            "mean loss",
            abs(mean - losses[0].mean()) / abs(losses[0].mean()),
            bound(task, "losses"),
            "all steps in one call",
        ),
        _worst("calls", many, single, bound(task, "calls")),
    ]


def _worst(
    name: str, got: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray], limit: float
) -> Check:
    errors = {key: relative(got[key], expected[key]) for key in expected}
    # max() would step over a NaN: it must win.
    key = max(errors, key=lambda k: np.inf if np.isnan(errors[k]) else errors[k])
    return Check(name, errors[key], limit, f"worst in {key}")
