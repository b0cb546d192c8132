"""The certificate of a file: what honest exports give passes, and every fault of one is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from adapters.deployment import Artefact
from adapters.reference.oracle import Reference, round_mantissa
from bench.proof.artefact import (
    accepted,
    certify_artefact,
    score_of,
    set_as_asked,
    sizes,
)
from bench.proof.checks import Certificate
from tasks.catalogue.every import TASKS
from tasks.spec.network import Task
from tasks.weights import Weights, initial_weights

Predict = Callable[[np.ndarray], np.ndarray]
FNN, CNN, RNN, LSTM = (
    next(task for task in TASKS if task.name == name)
    for name in ("fnn-mnist", "cnn-64-10", "rnn-sequence", "lstm-forecast")
)
FOUR = (FNN, CNN, RNN, LSTM)


def learned(task: Task) -> Weights:
    """Weights with no zero in them, as training leaves them."""
    rng = np.random.default_rng(3)
    fresh = initial_weights(task, 1)
    return {k: v + 0.05 * rng.standard_normal(v.shape, np.float32) for k, v in fresh.items()}


def rows(task: Task) -> np.ndarray:
    return np.random.default_rng(0).random((64, *task.input_shape), np.float32)


def model(task: Task, weights: Weights | None = None, precision: str = "fp32") -> Predict:
    """NumPy in float32 as a runtime."""
    made = Reference(precision=precision)  # type: ignore[arg-type]
    made.build(task, learned(task) if weights is None else weights, 0)
    return lambda x: made.predict(made.stage(x, np.zeros(len(x))), len(x))


def proof(task: Task, predict: Predict, artefact: Artefact | None = None) -> Certificate:
    checks = certify_artefact(task, learned(task), artefact or Artefact("m"), predict, rows(task))
    return Certificate(checks, "", 0)


@pytest.mark.parametrize("task", FOUR, ids=lambda task: task.name)
def test_an_honest_file_passes(task: Task) -> None:
    found = proof(task, model(task))
    assert found.passed, found.reason()


def test_channels_first_is_given_what_it_asks_for() -> None:
    honest = model(CNN)
    turned = Artefact("m", layout="channels first")
    assert proof(CNN, lambda x: honest(x.transpose(0, 2, 3, 1)), turned).passed


def test_what_was_traced_is_never_asked_and_sequences_have_two_lengths() -> None:
    for task in FOUR:
        assert 2 not in {batch for batch, _ in sizes(task, Artefact("m"))}
    lengths = {length for _, length in sizes(LSTM, Artefact("m"))}
    assert lengths == {None, 9, 17}
    fixed = Artefact("m", batch=2, length=12)
    assert sizes(LSTM, fixed) == [(2, None), (2, None)]


def test_a_file_of_one_size_that_says_so_passes() -> None:
    honest = model(LSTM)

    def only(x: np.ndarray) -> np.ndarray:
        if x.shape[:2] != (2, 12):
            raise ValueError(f"got {x.shape}")
        return honest(x)

    assert proof(LSTM, only, Artefact("m", batch=2, length=12)).passed
    refused = proof(LSTM, only)
    assert "got (1, 12, 1)" in refused.reason()


def frozen_batch(task: Task) -> Predict:
    """Answers two rows, whatever it was given."""
    honest = model(task)
    return lambda x: honest(np.resize(x, (2, *x.shape[1:])))


def frozen_length(task: Task) -> Predict:
    """Reads the first steps alone, as many as were traced."""
    honest = model(task)
    return lambda x: honest(x[:, : task.input_shape[0]])


def wrong_layout(task: Task) -> Predict:
    """Takes rows as channels first that are channels last."""
    honest = model(task)
    n, *_ = task.input_shape
    return lambda x: honest(np.ascontiguousarray(x.reshape(len(x), 3, n, n).transpose(0, 2, 3, 1)))


def kernel_of_another_layout(task: Task) -> Predict:
    """The dense kernel behind the convolution has its rows in the order C, H, W."""
    weights = learned(task)
    name = "3_dense/kernel"
    kernel = weights[name].reshape(31, 31, 32, -1).transpose(2, 0, 1, 3)
    return model(task, weights | {name: kernel.reshape(weights[name].shape)})


def bfloat16(task: Task) -> Predict:
    """Computes in bfloat16 unasked, as OpenVINO does where the processor can."""
    return model(task, precision="bf16")


def half_weights(task: Task) -> Predict:
    """Weights kept in half precision, as OpenVINO's save_model does unasked."""
    halved = {k: v.astype(np.float16).astype(np.float32) for k, v in learned(task).items()}
    return model(task, halved)


def rounded_weights(task: Task) -> Predict:
    """Weights of ten bits of mantissa (TF32)."""
    return model(task, {k: round_mantissa(v, 13) for k, v in learned(task).items()})


def dropped_state(task: Task) -> Predict:
    """The state is not carried from a step to the next: only the last step is seen."""
    honest = model(task)
    return lambda x: honest(x[:, -1:])


def state_of_the_last_call(task: Task) -> Predict:
    """What a call leaves is added to the next one's answer, by a little."""
    honest, left = model(task), [0.0]

    def predict(x: np.ndarray) -> np.ndarray:
        found = honest(x) * (1 + left[0])
        left[0] = 2e-6 * float(np.sign(x[0].sum() - x[-1].sum()))
        return found

    return predict


def backwards(task: Task) -> Predict:
    """Reads sequences from behind."""
    honest = model(task)
    return lambda x: honest(np.ascontiguousarray(x[:, ::-1]))


def untrained(task: Task) -> Predict:
    """The weights of before the training."""
    return model(task, initial_weights(task, 1))


def no_bias(task: Task) -> Predict:
    """The last layer's bias is lost."""
    weights = learned(task)
    last = list(weights)[-1]
    return model(task, weights | {last: np.zeros_like(weights[last])})


def probabilities(task: Task) -> Predict:
    """A softmax that the task's outputs have not."""
    honest = model(task)

    def predict(x: np.ndarray) -> np.ndarray:
        e = np.exp(honest(x))
        return np.asarray(e / e.sum(axis=1, keepdims=True))

    return predict


def dropout_left_on(task: Task) -> Predict:
    """Exported in training mode: a hidden value in fifty is dropped, another at each call."""
    honest, rng = model(task), np.random.default_rng(0)
    return lambda x: honest(x * (rng.random(x.shape) > 0.02).astype(np.float32))


def transposed_answer(task: Task) -> Predict:
    """Outputs (units, N)."""
    honest = model(task)
    return lambda x: honest(x).T


FAULTS = (
    (frozen_batch, FOUR), (frozen_length, (RNN, LSTM)), (wrong_layout, (CNN,)),
    (kernel_of_another_layout, (CNN,)), (bfloat16, FOUR), (half_weights, FOUR),
    (rounded_weights, FOUR), (dropped_state, (RNN, LSTM)), (state_of_the_last_call, FOUR),
    (backwards, (RNN, LSTM)), (untrained, FOUR), (no_bias, FOUR), (probabilities, (FNN, CNN)),
    (dropout_left_on, FOUR), (transposed_answer, FOUR),
)  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "task"),
    [(fault, task) for fault, tasks in FAULTS for task in tasks],
    ids=lambda part: part.name if isinstance(part, Task) else part.__name__,
)
def test_a_fault_is_refused(fault: Callable[[Task], Predict], task: Task) -> None:
    assert not proof(task, fault(task)).passed


def test_threads_and_precision_must_be_as_asked() -> None:
    settings = {"threads": 2, "precision": "bf16"}
    assert [c.passed for c in set_as_asked(settings, 2, "bf16")] == [True, True]  # type: ignore[arg-type]
    assert [c.passed for c in set_as_asked(settings, 2, "fp32")] == [True, False]  # type: ignore[arg-type]
    assert [c.passed for c in set_as_asked(settings, 1, "bf16")] == [False, True]  # type: ignore[arg-type]
    assert [c.passed for c in set_as_asked({}, 1, "fp32")] == [False, False]


def test_a_lower_precision_is_judged_by_what_it_loses_of_the_score() -> None:
    def passes(task: Task, score: float) -> bool:
        return all(check.passed for check in accepted(task, score, 0.9))

    assert passes(FNN, 0.892)
    assert not passes(FNN, 0.89)
    assert passes(FNN, 0.95)
    assert passes(LSTM, 0.908)
    assert not passes(LSTM, 0.91)
    assert passes(LSTM, 0.5)


def test_scores_are_those_of_the_tasks() -> None:
    binary = replace(FNN, loss="binary_crossentropy")
    assert score_of(FNN, np.eye(3)[[0, 1, 1]], np.array([0, 1, 2])) == pytest.approx(2 / 3)
    assert score_of(binary, np.array([[1.0], [-1.0]]), np.array([1.0, 1.0])) == 0.5
    assert score_of(LSTM, np.array([[1.0], [3.0]]), np.array([1.0, 1.0])) == pytest.approx(2**0.5)
