"""`bench certify` on programs in NumPy: verdicts and exit statuses, and every mistake one line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.port.ask import Asking, Numbers
from bench.port.certify import PortVerdict, certify
from bench.port.interpreter import interpreter
from bench.port.program import read
from bench.run.environments import HERE, PROJECT, Source
from tasks.errors import UserError
from tests.bench.port.numpy_programs import RIGHT
from tests.support.command import bench

QUICK = Asking(steps=6, seconds=60)
# What is replaced in the right program, by what → the place and the words that are said.
FAULTS = {
    "another activation": (
        "np.tanh(x @", "np.maximum(0, x @", "layer `one`", "it is the first"),
    "a bias left out of the sum": (
        ' + model.parts["one/bias"])', ")", "layer `one`", "it is the first"),
    "columns mixed": (
        'return {"one": one,', 'one = one[:, ::-1]\n    return {"one": one,', "layer `one`",
        "axis 1 runs the other way"),
    "a loss of sums": ("return np.mean((f", "return 16 * np.mean((f", "the loss", "16 times"),
    "a gradient doubled": (
        '"one/bias": hidden.sum(0)', '"one/bias": 2 * hidden.sum(0)', "the gradient of `one/bias`",
        "2 times"),
    "gradients of the sum": (
        "out = 2 * (found", "out = 32 * (found", "the gradient of `two/bias`", "all of"),
    "a rate": ("np.float32(0.05)", "np.float32(0.02)", "step 1", "SGD(learning rate 0.02"),
    "momentum forgotten": ("0.9 * model.moving[name] + ", "", "step 2", "momentum 0.9"),
    "one array slower": (
        "np.float32(0.05) *", 'np.float32(0.05 if name != "two/bias" else 0.01) *',
        "the step of `two/bias`", "1/5 of as far"),
    "weights in another order": (
        'def weights(model):\n    return {name: part.copy()',
        'def weights(model):\n    return {name: part[::-1].copy()', "weight `one/kernel`",
        "another order"),
    "a state that is kept": (
        "def forward(model, x):\n", "def forward(model, x):\n"
        "    model.count = getattr(model, 'count', 0) + 1\n    x = x + 0.1 * model.count\n",
        "prediction", "second time"),
    "a weight more": (
        "for name, part in model.parts.items()}\n\n\ndef load",
        "for name, part in model.parts.items()} | {'three': np.ones(2)}\n\n\ndef load",
        "weight `three`", "only"),
}  # fmt: skip


def program(folder: Path, name: str, *edits: str, text: str = RIGHT) -> Path:
    for old, new in zip(edits[::2], edits[1::2], strict=True):
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / name
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PortVerdict]:
    folder = tmp_path_factory.mktemp("programs")
    first = program(folder, "model.py")
    names = ["right", *FAULTS]
    ports = [program(folder, "right.py")]
    ports += [program(folder, f"fault{n}.py", *f[:2]) for n, f in enumerate(FAULTS.values())]
    found = certify(first, ports, QUICK, say=lambda line: None)
    assert all(isinstance(one, PortVerdict) for one in found), found
    return {n: v for n, v in zip(names, found, strict=True) if isinstance(v, PortVerdict)}


def test_a_right_port_is_the_same_model(verdicts: dict[str, PortVerdict]) -> None:
    stages = {stage.name: stage for stage in verdicts["right"].stages}
    assert {stage.status for stage in stages.values()} == {"same"}
    assert "SGD(learning rate 0.05, momentum 0.9)" in stages["optimizer"].said


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_placed(verdicts: dict[str, PortVerdict], name: str) -> None:
    parting = verdicts[name].parting
    assert parting is not None
    assert FAULTS[name][2] in parting.place
    assert FAULTS[name][3] in parting.said


def test_what_follows_from_a_parting_is_not_told_again(verdicts: dict[str, PortVerdict]) -> None:
    stages = {stage.name: stage for stage in verdicts["another activation"].stages}
    assert [name for name, stage in stages.items() if stage.status == "part"] == ["layers"]
    assert stages["optimizer"].said == "it follows from layer `one`"


def test_the_command_says_it_in_one_line(tmp_path: Path) -> None:
    program(tmp_path, "a.py")
    program(tmp_path, "b.py")
    program(tmp_path, "c.py", *FAULTS["a rate"][:2])
    right = bench("certify", "a.py", "b.py", "--steps", "6", cwd=tmp_path)
    assert (right.returncode, right.stderr) == (0, "")
    assert right.stdout.splitlines()[-1] == "b.py is the same model as a.py."
    wrong = bench("certify", "a.py", "c.py", "--steps", "6", "--json", cwd=tmp_path)
    assert wrong.returncode == 1
    answer = json.loads(wrong.stdout)
    assert answer["same"] is False
    assert answer["place"] == "the optimizer, in step 1"


# Text of the second program, or edits of the right one → what its one line says.
MISTAKES = {
    "no build": (("def build()", "def construct()"), "there is no `build`"),
    "no python": (("def build()", "def build("), "no Python"),
    "raises": (("return Model()", "return 1 / 0"), "`build` raised ZeroDivisionError"),
    "raises at once": (("import numpy as np", "import numpy as np\nraise OSError('gone')"), "gone"),
    "hangs": (("loss = loss_of", "while True: pass\n    loss = loss_of"), "`step` did not return"),
    "exits": (("return Model()", "raise SystemExit(3)"), "`build` ended the process"),
    "exits hard": (("return Model()", "import os; os._exit(5)"), "`build` ended the process with "),
    "wrong rows": (
        ('return layers(model, x, False)["two"]', "return np.ones((3, 2))"), "shape (3, 2)"),
    "no arrays": (("return {name: part.copy() for name, part in model.parts.items()}",
                   "return list(model.parts)"), "returned list"),
    "no number": (("    return loss\n", "    return 'low'\n"), "holds no numbers"),
    "many losses": (("    return loss\n", "    return np.ones(3)\n"), "the loss is one number"),
    "random": (("    return loss\n", "    return loss * np.random.rand()\n"), "`dropout`"),
    "not installed": (("import numpy as np", "import numpy as np, no_such_thing"), "no_such_thing"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line(tmp_path: Path, name: str) -> None:
    first = program(tmp_path, "a.py")
    edits, said = MISTAKES[name]
    asking = Asking(steps=4, seconds=8)
    try:
        (found,) = certify(first, [program(tmp_path, "b.py", *edits)], asking, say=print)
    except UserError as error:
        found = error
    assert isinstance(found, UserError)
    assert "b.py" in str(found)
    assert said in str(found)
    assert "\n" not in str(found)


def test_a_mistake_is_exit_status_2(tmp_path: Path) -> None:
    program(tmp_path, "a.py", "INPUT = (6,)", "INPUT = 6")
    program(tmp_path, "b.py")
    done = bench("certify", "a.py", "b.py", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "bench: a.py: its rows: INPUT must be the shape of one row, such as " \
        "(28, 28, 1)\n"  # fmt: skip
    assert bench("certify", "a.py", "none.py", cwd=tmp_path).returncode == 2
    assert bench("certify", "b.py", "b.py", "--data", "no.npz", cwd=tmp_path).returncode == 2


def test_own_rows_and_weights_are_used(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(40, 6)), rng.normal(size=(40, 2))
    np.savez(tmp_path / "rows.npz", x=x.astype(np.float32), y=y.astype(np.float32))
    own = {"one/kernel": np.eye(6, 5), "one/bias": np.ones(5), "two/kernel": np.ones((5, 2)),
           "two/bias": np.zeros(2)}  # fmt: skip
    np.savez(tmp_path / "own.npz", **{n: v.astype(np.float32) for n, v in own.items()})
    first, port = program(tmp_path, "a.py"), program(tmp_path, "b.py")
    asking = Asking(steps=4, data=tmp_path / "rows.npz", weights=tmp_path / "own.npz")
    (found,) = certify(first, [port], asking, say=print)
    assert isinstance(found, PortVerdict)
    numbers: Numbers = found.b
    assert np.array_equal(numbers.group("start")["one/kernel"], np.eye(6, 5))
    assert np.array_equal(numbers.group("rows")["x"][:40], x.astype(np.float32))
    assert found.parting is None


def test_an_interpreter_is_found_by_imports_and_options(tmp_path: Path) -> None:
    plain = program(tmp_path, "plain.py")
    assert interpreter(read(plain), HERE, print).python == sys.executable
    torch = program(tmp_path, "torch_.py", "import numpy as np", "import numpy as np\nimport torch")
    assert read(torch).packages == ("torch",)
    own = Source(PROJECT, own={"pytorch": "/somewhere/python"})
    assert interpreter(read(torch), own, print).python == "/somewhere/python"
    both = "import numpy as np\nimport torch, mxnet"
    with pytest.raises(UserError, match=r"together|is not ready"):
        interpreter(read(program(tmp_path, "both.py", "import numpy as np", both)), HERE, print)


def test_a_header_names_an_environment(tmp_path: Path) -> None:
    header = '# /// script\n# requires-python = ">=3.99"\n# dependencies = ["numpy"]\n# ///\n'
    path = program(tmp_path, "new.py", text=header + RIGHT)
    assert read(path).requirements == ("numpy",)
    with pytest.raises(UserError, match=r">=3\.99"):
        interpreter(read(path), HERE, print)
    path.write_text("# /// script\n# dependencies = 3\n# ///\n" + RIGHT)
    with pytest.raises(UserError, match="list of texts"):
        read(path)
