"""`bench certify` on ports of Keras models to PyTorch: the right ones pass, faults are placed.

One process a framework and model, whatever the number of faults. Here a part of the faults is
tried; all of tests/bench/port/planted.py with BENCH_PORTS=all in the environment.
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
# The others need some seconds more of the judge each.
QUICK = {
    "wrong flatten", "kernel turned over", "average for maximum", "relu6", "epsilon of batch norm",
    "momentum of batch norm", "batch norm always in training", "dropout left on",
    "another dropout rate", "one mask for all rows", "sum for mean", "softmax twice",
    "Adam's default epsilon", "a layer without optimizer", "a gradient cut off", "swapped gates",
    "state kept between calls", "padding not trained", "gradients cut in time",
    "a second trained bias", "momentum forgotten",
}  # fmt: skip
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


def test_enough_kinds_are_tried() -> None:
    assert len(QUICK) >= 15
    assert {fault.name for faults in MODELS.values() for fault in faults} >= QUICK
