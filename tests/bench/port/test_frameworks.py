"""`bench certify` on ports of Keras models to PyTorch: the right ones pass, faults are placed.

One process a framework and model, whatever the number of faults. Here a part of the faults is
tried; `nox -s ports` tries all of tests/bench/port/planted.py (BENCH_PORTS=all).
"""

from __future__ import annotations

import os

import pytest

from bench.port.certify import PortVerdict, certify
from bench.run import environments
from tasks.errors import UserError
from tests.bench.port.planted import CNN, LSTM, PROGRAMS, Planted

ALL = os.environ.get("BENCH_PORTS") == "all"
MODELS = {"cnn": CNN, "lstm": LSTM}
# In `nox -s tests` one of each kind: of layers, modes, gradients, memory and the optimizer.
QUICK = {
    "wrong flatten", "dropout left on", "a gradient cut off", "Adam's default epsilon",
    "swapped gates", "state kept between calls",
}  # fmt: skip
# Last and alone: by then the frameworks' environments are made.
pytestmark = pytest.mark.quiet
TRIED = [
    (model, fault) for model, faults in MODELS.items() for fault in faults
    if ALL or fault.name in QUICK
]  # fmt: skip
Verdicts = dict[tuple[str, str], PortVerdict | UserError]


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    for name in ("keras", "pytorch"):
        found = environments.describe(name, "cpu")
        if found.status != "ready":
            pytest.skip(f"the environment of {name} is not ready: {found.reason}")
    answers: Verdicts = {}
    for model in MODELS:
        folder = tmp_path_factory.mktemp(model)
        faults = [fault for name, fault in TRIED if name == model]
        right = PROGRAMS / f"torch_{model}.py"
        ports = [right, *(fault.write(right.name, folder) for fault in faults)]
        names = ["", *(fault.name for fault in faults)]
        made = certify(PROGRAMS / f"keras_{model}.py", ports, say=lambda line: None)
        answers |= {(model, n): verdict for n, verdict in zip(names, made, strict=True)}
    return answers


@pytest.mark.parametrize("model", MODELS)
def test_the_right_port_passes(verdicts: Verdicts, model: str) -> None:
    verdict = verdicts[model, ""]
    assert isinstance(verdict, PortVerdict), verdict
    assert [stage for stage in verdict.stages if stage.status != "same"] == []


@pytest.mark.parametrize(("model", "fault"), TRIED, ids=lambda v: getattr(v, "name", v))
def test_a_planted_fault_is_placed(verdicts: Verdicts, model: str, fault: Planted) -> None:
    verdict = verdicts[model, fault.name]
    assert isinstance(verdict, PortVerdict), verdict
    assert verdict.parting is not None
    assert fault.place in verdict.parting.place
    assert fault.said in verdict.parting.said


def test_enough_kinds_are_planted() -> None:
    planted = {fault.name for faults in MODELS.values() for fault in faults}
    assert len(planted) >= 40
    assert planted >= QUICK
