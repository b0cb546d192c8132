"""TensorFlow's programs for a GPU, as far as they show without one: they are traced, not run there.

Run in TensorFlow's environment:
.envs/tensorflow-cpu/bin/python -m pytest tests/adapters/test_tensorflow_on_cuda.py
"""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tasks.spec.layers import LSTM, SimpleRNN
from tasks.spec.network import Task
from tasks.weights import initial_weights
from tests.adapters import conformance
from tests.support.small import CNN, FNN, LSTM_WORDS, random_rows

tf = pytest.importorskip("tensorflow", reason="needs TensorFlow's own environment; see above")
contender_module = importlib.import_module("adapters.tensorflow.contender")
recurrent = importlib.import_module("adapters.tensorflow.recurrent")
ORDER = np.arange(48, dtype=np.int32).reshape(3, 16)
UNITS, FEATURES = 4, 3


def contender(cuda: bool) -> Any:
    """Made for the CPU; then told that it is on a GPU."""
    made = contender_module.Contender("graph", "cpu", "fp32", conformance.THREADS)
    made._cuda = cuda
    return made


def trained(task: Task, cuda: bool) -> tuple[Any, list[np.ndarray]]:
    """The contender after some steps, and its weights."""
    made = contender(cuda)
    made.build(task, initial_weights(task, 3), 0)
    made.train(made.stage(*random_rows(task, rows=48)), ORDER)
    return made, list(made.weights().values())


@pytest.mark.parametrize("task", [FNN.without_dropout(), CNN], ids=lambda task: task.name)
def test_row_numbers_lie_on_the_gpu_and_lead_to_the_same_steps(task: Task) -> None:
    """int32 would be kept on the host and copied in every step of the loop."""
    made, weights = trained(task, cuda=True)
    _, _, order = made._trainer(16, False).structured_input_signature[0]
    assert order.dtype == tf.int64
    for here, there in zip(weights, trained(task, cuda=False)[1], strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-6)


@pytest.fixture
def asked_of_cudnn(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What CudnnRNN is called with; there is no kernel of it here, so zeros come of it."""
    asked: list[dict[str, Any]] = []

    def kernel(**given: Any) -> Any:
        asked.append(given)
        steps, rows, _ = given["input"].shape
        return SimpleNamespace(output=tf.zeros((steps, rows, UNITS), given["input"].dtype))

    monkeypatch.setattr(tf.raw_ops, "CudnnRNN", kernel)
    return asked


def last_state(layer: LSTM | SimpleRNN, dtype: Any, training: bool, cuda: bool = True) -> Any:
    gates = 4 if isinstance(layer, LSTM) else 1
    shapes = {"kernel": FEATURES, "recurrent": UNITS}
    parts = {name: tf.ones((rows, gates * UNITS), dtype) for name, rows in shapes.items()}
    parts["bias"] = tf.ones(gates * UNITS, dtype)
    x = tf.ones((2, 40, FEATURES), dtype)
    return recurrent.last_state(layer, parts, x, recurrent.Place(False, cuda), training, False)


@pytest.mark.parametrize("layer", [LSTM(UNITS), SimpleRNN(UNITS, "tanh")], ids=["lstm", "rnn"])
@pytest.mark.parametrize("training", [True, False])
def test_cudnn_is_told_whether_it_trains(
    asked_of_cudnn: list[dict[str, Any]], layer: LSTM | SimpleRNN, training: bool
) -> None:
    last_state(layer, tf.float32, training)
    assert [given["is_training"] for given in asked_of_cudnn] == [training]


def test_prediction_of_a_whole_model_does_not_train(asked_of_cudnn: list[dict[str, Any]]) -> None:
    model = contender_module.Model(
        LSTM_WORDS, initial_weights(LSTM_WORDS, 3), "eager", True, tf.float32
    )
    words = tf.zeros((2, *LSTM_WORDS.input_shape), tf.int64)
    with pytest.raises(tf.errors.InvalidArgumentError):  # its units are others than the zeros'
        model(words, training=False)
    assert [given["is_training"] for given in asked_of_cudnn] == [False]


def test_cudnn_takes_bfloat16_and_the_cpus_kernel_does_not(
    asked_of_cudnn: list[dict[str, Any]],
) -> None:
    state = last_state(LSTM(UNITS), tf.bfloat16, training=True)
    (given,) = asked_of_cudnn
    assert {given[name].dtype for name in ("input", "input_h", "params")} == {tf.bfloat16}
    assert state.dtype == tf.bfloat16
    assert last_state(LSTM(UNITS), tf.bfloat16, training=True, cuda=False).dtype == tf.bfloat16
    assert len(asked_of_cudnn) == 1


def test_this_tensorflow_has_cudnns_kernel_for_what_it_is_given() -> None:
    definition = tf.raw_ops.CudnnRNN.__doc__
    assert "bfloat16" in definition
    assert "is_training" in definition
