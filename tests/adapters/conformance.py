"""What every adapter must do, run inside its framework's own environment:

python -m pytest tests/adapters/conformance.py --implementation pytorch:eager
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.base import Adapter, Unsupported
from adapters.mutants.catalogue import FAULTS
from adapters.mutants.mutant import Mutant, Wrapped
from adapters.mutants.small_graphs import FROZEN, graph_rows
from adapters.reference.oracle import Reference, warp
from bench.discover import implementations
from bench.proof.certify import certify
from bench.proof.settings import unlike_job
from tasks.catalogue.cnn import CATS_DOGS
from tasks.draws import draw_warps
from tasks.spec.layers import Dense, Dropout, Flatten
from tasks.spec.network import Task, parameter_shapes
from tasks.spec.training import SGD
from tasks.weights import initial_weights
from tests.support.small import (
    CNN,
    FNN,
    LSTM_FLOAT,
    LSTM_WORDS,
    RNN_TANH,
    SMALL,
    random_rows,
)  # fmt: skip

THREADS = 2
# Of `nox -s conformance` only: what takes long to compile, and shows little that the others do not.
LONG = pytest.mark.long
CERTIFIED = [
    pytest.param(task, marks=[LONG] if task in (RNN_TANH, LSTM_FLOAT) else []) for task in SMALL
]
# One fault of every kind that can be planted around any adapter, on the first task that it shows
# in: those that the first groups of checks refuse, so that little is compiled. Dropout's kind and
# that of graphs have tests of their own. The rest of the catalogue is tried by bench.audit.mutants,
# and in NumPy by test_mutants.py.
SOON = {
    "learning rate 1 % higher", "predictions one call behind", "the last loss for the mean",
    "rows staged last predicted", "the last time step not read", "half precision in even batches",
    "augmentation's maps inverted", "outputs of the call before", "inputs cut at 4",
    "outputs always in the same array", "a training seen before not done again",
}  # fmt: skip
LEFT_ON = {
    "anomaly detection left on", "every value checked for NaN", "tf.function run eagerly",
    "jax.jit switched off", "JAX's own checks switched on", "compiled with run_eagerly",
}  # fmt: skip
OF_A_GRAPH = "frozen arrays that are trained"
OF_EVERY_KIND: dict[str, Mutant] = {fault.kind: fault for fault in FAULTS if fault.name in SOON}


@pytest.fixture(scope="module")
def adapter(request: pytest.FixtureRequest) -> Iterator[Adapter]:
    name = request.config.getoption("--implementation")
    row = next(i for i in implementations() if i.name == name)
    module = importlib.import_module(row.module)
    yield module.Contender(row.mode, "cpu", "fp32", THREADS)


@pytest.fixture
def framework(request: pytest.FixtureRequest, adapter: Adapter) -> str:
    """The framework, in its usual mode: only that one has programs."""
    name = request.config.getoption("--implementation")
    row = next(i for i in implementations() if i.name == name)
    if not row.usual:
        pytest.skip("the programs are tested in the usual mode")
    return row.framework


@pytest.mark.parametrize("task", CERTIFIED, ids=lambda t: t.name)
def test_certificate(adapter: Adapter, task: Task) -> None:
    certificate = certify(adapter, task, *random_rows(task), seed=1)
    assert certificate.passed, certificate.reason()


def test_every_kind_has_its_mutant() -> None:
    anywhere = {
        fault.kind
        for fault in FAULTS
        if fault.judged_by == "certificate" and not fault.frameworks and not fault.unseeable
    }
    assert len(OF_EVERY_KIND) == len(SOON)
    assert OF_EVERY_KIND.keys() | {"dropout", "graphs"} == anywhere


@pytest.mark.parametrize("kind", sorted(OF_EVERY_KIND))
def test_mutants_of_every_kind_are_refused(adapter: Adapter, kind: str) -> None:
    mutant = OF_EVERY_KIND[kind]
    task = next(t for t in SMALL if mutant.applies(t))
    assert not certify(mutant.make(adapter), task, *random_rows(task), seed=1).passed, mutant.name


def test_a_fault_of_a_graph_is_refused(adapter: Adapter) -> None:
    mutant = next(fault for fault in FAULTS if fault.name == OF_A_GRAPH)
    try:
        certificate = certify(mutant.make(adapter), FROZEN, *graph_rows(FROZEN, 400), seed=1)
    except Unsupported as refusal:
        pytest.skip(str(refusal))
    assert not certificate.passed


def test_settings_are_read_back(adapter: Adapter) -> None:
    settings = adapter.settings()
    assert settings["threads"] == THREADS
    assert settings["device"] == "cpu"
    assert settings["precision"] == "fp32"
    assert settings["version"]


def test_settings_tell_of_modes_for_debugging(
    adapter: Adapter, request: pytest.FixtureRequest
) -> None:
    """MXNet's is chosen before it is imported: tests/adapters/test_mxnet_engine.py."""
    framework = request.config.getoption("--implementation").split(":")[0]
    faults = [f for f in FAULTS if framework in f.frameworks and f.name.split(": ")[1] in LEFT_ON]
    if not faults:
        pytest.skip("it has none that can be switched on and off")
    job: tuple[Any, ...] = ("cpu", "fp32", THREADS)
    for fault in faults:
        faulty = fault.make(adapter)
        faulty.build(FNN, initial_weights(FNN, 3), 0)
        assert "for debugging" in unlike_job(faulty.settings(), *job), fault.name
        adapter.build(FNN, initial_weights(FNN, 3), 0)
        assert unlike_job(adapter.settings(), *job) == ""


@pytest.mark.parametrize("task", [FNN, LSTM_WORDS], ids=lambda t: t.name)
def test_weights_survive_and_never_alias(adapter: Adapter, task: Task) -> None:
    weights = initial_weights(task, 3)
    kept = {name: value.copy() for name, value in weights.items()}
    x, y = random_rows(task)
    adapter.build(task, weights, 0)
    data = adapter.stage(x, y)
    first = adapter.weights()
    adapter.train(data, np.arange(32, dtype=np.int32).reshape(2, 16))
    adapter.wait()
    for name, value in kept.items():
        assert np.array_equal(weights[name], value), "the caller's arrays were changed"
        assert np.array_equal(first[name], value), "an array given out was changed later"
    assert any(not np.array_equal(adapter.weights()[n], kept[n]) for n in kept)


@pytest.mark.parametrize("task", [FNN.without_dropout(), LSTM_WORDS], ids=lambda t: t.name)
def test_a_restart_leaves_nothing_behind(adapter: Adapter, task: Task) -> None:
    """It may keep what was compiled: what is trained after it, with another learning rate before,
    is what is trained after a build."""
    weights = initial_weights(task, 3)
    x, y = random_rows(task)
    order = np.resize(np.arange(len(x), dtype=np.int32), (12, task.batch_size))

    def trained() -> tuple[list[float], np.ndarray]:
        data = adapter.stage(x, y)
        losses = [float(adapter.train(data, rows)) for rows in (order, order[:1], order[1:2])]
        outputs = adapter.predict(data, 50)
        adapter.wait()
        return losses, outputs

    adapter.build(task, weights, 5)
    losses, outputs = trained()
    other = replace(task.optimizer, learning_rate=0.01)
    adapter.restart(task.with_optimizer(other), weights, 6)
    assert trained()[0][1] != losses[1]
    adapter.restart(task, weights, 5)
    again, outputs_again = trained()
    assert again == pytest.approx(losses, rel=1e-5)
    assert np.linalg.norm(outputs_again - outputs) <= 1e-5 * np.linalg.norm(outputs)


@pytest.mark.parametrize("task", SMALL, ids=lambda t: t.name)
def test_predict_gives_every_row_whatever_the_batch(adapter: Adapter, task: Task) -> None:
    """And those that the oracle gives."""
    x, y = random_rows(task, rows=37)
    whole = predicted(adapter, task, x, y)
    assert whole.dtype == np.float32
    right = predicted(Reference(), task, x, y)
    assert np.linalg.norm(whole - right) <= 1e-5 * np.linalg.norm(right)
    for batch in (1, 16, 37):
        parts = adapter.predict(adapter.stage(x, y), batch)
        assert np.linalg.norm(parts - whole) <= 1e-5 * np.linalg.norm(whole)


def predicted(each: Adapter, task: Task, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """All rows in one batch, by fresh weights."""
    each.build(task, initial_weights(task, 3), 0)
    return each.predict(each.stage(x, y), 64)


def test_training_learns(adapter: Adapter) -> None:
    task = FNN.without_dropout()
    x, y = random_rows(task)
    adapter.build(task, initial_weights(task, 3), 0)
    data = adapter.stage(x, y)
    order = np.stack([np.random.default_rng(i).permutation(400)[:16] for i in range(300)])
    order = order.astype(np.int32)
    first = float(adapter.train(data, order[:20]))
    adapter.train(data, order)
    last = float(adapter.train(data, order[:20]))
    assert last < 0.75 * first


class OtherDropout(Wrapped):
    """Every dropout with another rate."""

    rate: float | None = None

    def task(self, task: Task) -> Task:
        layers = list(task.layers)
        for index, layer in enumerate(task.layers):
            if isinstance(layer, Dropout) and layer.rate and self.rate is not None:
                layers[index] = Dropout(self.rate)
        return replace(task, layers=tuple(layers))


@pytest.mark.parametrize("rate", [0.45, 0.55])
def test_mutants_with_another_rate_of_dropout_are_refused(adapter: Adapter, rate: float) -> None:
    """The rates that are hardest to tell. The honest one passes: `test_certificate` has this task
    too."""
    faulty = OtherDropout(adapter)
    faulty.rate = rate
    certificate = certify(faulty, FNN, *random_rows(FNN), seed=1)
    assert not certificate.passed
    assert "dropout" in certificate.reason()


EXAMPLES = {
    "fnn": ((28, 28), 10, "float32", 15),
    "cnn": ((64, 64, 3), 10, "float32", 4),
    "rnn": ((10, 1), 1, "float32", 15),
    "lstm": ((12,), 1, "int32", 15),
}
"""Family → one row's shape, outputs, type and the epochs that are enough, for the programs of
adapters/<framework>/programs."""


@pytest.mark.parametrize("family", sorted(EXAMPLES))
def test_the_example_program_learns(family: str, framework: str) -> None:
    """A bright band's place is told, or the last value of a sequence, or whether it is large."""
    shape, outputs, dtype, epochs = EXAMPLES[family]
    rng = np.random.default_rng(0)
    x = rng.random((640, *shape)).astype(dtype)
    if dtype == "int32":
        x = rng.integers(0, 50, (640, *shape)).astype(dtype)
        y = (x[:, -1] > 25).astype("float32")
    elif outputs == 1:
        y = x.reshape(640, -1)[:, -1].astype("float32")
    else:
        y = rng.integers(0, outputs, 640).astype("int32")
        for row, label in enumerate(y):
            x[row, 2 * label : 2 * label + 2] += 2
    program = importlib.import_module(f"adapters.{framework}.programs.{family}")
    found = program.predict(program.train(x, y, epochs), x)
    assert found.shape == (640, outputs)
    if outputs > 1:
        assert (found.argmax(1) == y).mean() > 0.5
    elif dtype == "int32":
        assert ((found[:, 0] > 0) == (y > 0.5)).mean() > 0.75
    else:
        assert ((found[:, 0] - y) ** 2).mean() < 0.5 * y.var()


def test_the_dynamic_and_format_programs_run(framework: str) -> None:
    """In the framework's usual mode, and in its own formats: what the claims are measured on."""
    dynamic = importlib.import_module(f"adapters.{framework}.programs.dynamic")
    step = next(iter(dynamic.MODES.values()))()
    rng = np.random.default_rng(0)
    for length in (5, 9, 5):
        x = rng.standard_normal((8, length, 8)).astype("float32")
        assert np.isfinite(step(x, np.ones(8, "float32")))
    exports = importlib.import_module(f"adapters.{framework}.programs.exports")
    x = rng.standard_normal((4, 784)).astype("float32")
    with tempfile.TemporaryDirectory() as folder:
        trip, model = next(iter(exports.FORMATS.values())), exports.make()
        assert np.allclose(exports.answers(model, x), trip(model, x, Path(folder)), atol=1e-5)


def test_augmented_pixels(adapter: Adapter) -> None:
    """The very pixels an augmented step trains on, read through the contract.

    With zero weights, target -1/2 and a squared error, the gradient by a dense kernel is its
    input: one step of SGD at rate 1 writes the warped image into the weights, negated. Every
    framework within 1/510 of the oracle means any two of them within 1/255.
    """
    shape, rows = (64, 48, 3), 12
    x = smooth_images(rows, shape)
    y = np.full(rows, -0.5, np.float32)
    task = replace(
        CNN, input_shape=shape, layers=(Flatten(), Dense(1)), loss="mean_squared_error",
        optimizer=SGD(1.0), batch_size=1,
    )  # fmt: skip
    maps = draw_warps(CATS_DOGS.augmentation, rows, 1, shape, seed=4)
    nothing = {name: np.zeros(s, np.float32) for name, s in parameter_shapes(task).items()}
    errors = []
    adapter.build(task, nothing, 0)
    for row in range(rows):
        adapter.restart(task, nothing, 0)
        data = adapter.stage(x, y)
        float(adapter.train(data, np.array([[row]], np.int32), maps[row : row + 1]))
        adapter.wait()
        pixels = -adapter.weights()["1_dense/kernel"].reshape(shape)
        expected = warp(x[row : row + 1].astype(np.float64), maps[row])[0]
        errors.append(np.abs(pixels - expected))
        assert np.abs(expected - x[row]).mean() > 0.02, "a warp that moves nothing shows nothing"
    assert np.mean(errors) <= 1 / 510
    assert np.max(errors) <= 8 / 255  # borders included


def smooth_images(rows: int, shape: tuple[int, ...]) -> np.ndarray:
    """float32 (rows, *shape) in 0…1: sums of waves some pixels long, as in photographs."""
    rng = np.random.default_rng(6)
    ys, xs = np.mgrid[0 : shape[0], 0 : shape[1]]
    images = np.zeros((rows, *shape))
    for _ in range(8):
        fy, fx, phase = rng.uniform(-0.5, 0.5, (3, rows, 1, 1, shape[2]))
        images += np.sin(fy * ys[None, ..., None] + fx * xs[None, ..., None] + 6 * phase)
    return ((images / 16) + 0.5).clip(0, 1).astype(np.float32)


def test_warps_follow_the_rule(adapter: Adapter) -> None:
    """Training on warped rows equals training on rows the oracle warped."""
    x, y = random_rows(CNN, rows=16)
    rng = np.random.default_rng(2)
    maps = np.tile(np.float32([1, 0, 0, 0, 1, 0]), (1, 16, 1))
    maps += rng.uniform(-0.2, 0.2, maps.shape).astype(np.float32)
    maps[..., [2, 5]] *= 10
    order = np.arange(16, dtype=np.int32)[None]
    moved = []
    for each, rows, warps in (
        (adapter, x, maps),
        (Reference(), warp(x, maps[0]).astype(np.float32), None),
    ):
        weights = initial_weights(CNN, 3)
        each.build(CNN, weights, 0)
        loss = float(each.train(each.stage(rows, y), order, warps))
        moved.append(loss)
    assert moved[0] == pytest.approx(moved[1], rel=1e-4)


@pytest.mark.parametrize("task", [pytest.param(FNN, marks=LONG), CNN], ids=lambda t: t.name)
def test_certificate_in_bfloat16(
    request: pytest.FixtureRequest, adapter: Adapter, task: Task
) -> None:
    """Last in this file: some precisions are a setting of the whole process."""
    name = request.config.getoption("--implementation")
    row = next(i for i in implementations() if i.name == name)
    try:
        mixed = importlib.import_module(row.module).Contender(row.mode, "cpu", "bf16", THREADS)
    except Unsupported as why:
        pytest.skip(str(why))
    assert mixed.settings()["precision"] == "bf16"
    certificate = certify(mixed, task, *random_rows(task), seed=1, precision="bf16")
    assert certificate.passed, certificate.reason()
