"""Task files as a user writes them, and the mistakes that users make in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

HEAD = """
import numpy as np

from tasks.own.sources import Csv, Npz, Pictures
from tasks.spec.layers import LSTM, Conv2D, Dense, Embedding, Flatten
from tasks.spec.network import Task

"""
TASK = """TASK = Task(
    name="wine",
    family="fnn",
    summary="4 features, Dense 16 relu, Dense 3",
    data="wine",
    input_shape=(4,),
    layers=(Dense(16, "relu"), Dense(3)),
    loss="sparse_categorical_crossentropy",
    metric="accuracy",
    epochs=3,
    round_steps=20,
)
"""
CSV = 'DATA = Csv("wine.csv", target="kind")\n'
GOOD = HEAD + TASK + CSV

# The whole text of a task file → what the line about it must say.
MISTAKES: dict[str, tuple[str, str]] = {
    "no task": (HEAD + CSV, "it has no TASK"),
    "no task but a number": ("TASK = 3\n", "TASK is int"),
    "broken Python": (HEAD + "TASK = Task(\n", "SyntaxError"),
    "raises": (HEAD + TASK + "raise RuntimeError('no luck')\n", "RuntimeError: no luck (line 20)"),
    "exits": ("import sys\nsys.exit(0)\n", "it exits (SystemExit 0)"),
    "ends its process": ("import os\nos._exit(0)\n", "ended with exit status 0"),
    "dies": ("import os\nos.kill(os.getpid(), 11)\n", "ended with signal SIGSEGV"),
    "a module is lacking": ("import no_such_module\n", "No module named 'no_such_module'"),
    "field unknown": (HEAD + TASK.replace("epochs=3", "epoch=3") + CSV, "TypeError"),
    "field of another type": (HEAD + TASK.replace("epochs=3", "epochs='3'") + CSV, "TASK.epochs"),
    "epochs below one": (HEAD + TASK.replace("epochs=3", "epochs=0") + CSV, "above 0"),
    "a layer by its name": (HEAD + TASK.replace("Dense(3)", "'Dense'") + CSV, "layers are Flatten"),
    "a layer of one's own": (
        "from dataclasses import dataclass\n\n@dataclass(frozen=True)\nclass GroupNorm:\n    "
        "size: int = 1\n" + HEAD + TASK.replace("Dense(3)", "GroupNorm(), Dense(3)") + CSV,
        "no part of type 'GroupNorm'",
    ),
    "activation unknown": (HEAD + TASK.replace('"relu"', '"gelu"') + CSV, "TASK.layers[0]"),
    "layers that do not fit": (
        HEAD + TASK.replace("(4,)", "(2, 2)") + CSV, "put a Flatten before it",
    ),
    "nothing left of an image": (
        HEAD + TASK.replace("(4,)", "(2, 2, 1)").replace("Dense(16", "Conv2D(4, 3") + CSV,
        "leaves nothing",
    ),
    "units and classes": (HEAD + TASK.replace("Dense(3)", "Dense(2)") + CSV, "from 0 to 1"),
    "loss and metric": (HEAD + TASK.replace('"accuracy"', '"rmse"') + CSV, "TASK.metric"),
    "family and layers": (HEAD + TASK.replace('"fnn"', '"cnn"') + CSV, "TASK.family"),
    "name unfit for files": (HEAD + TASK.replace('="wine"', '="../wine"', 1) + CSV, "TASK.name"),
    "name of the suite's": (
        HEAD + TASK.replace('="wine"', '="fnn-mnist"', 1) + CSV, "there is a task 'fnn-mnist'",
    ),
    "data of the suite's": (HEAD + TASK.replace('data="wine"', 'data="digits"') + CSV, "another"),
    "no data": (HEAD + TASK, "it has no DATA"),
    "data of the suite in another shape": (
        HEAD + TASK.replace('data="wine"', 'data="digits"'), "TASK.input_shape",
    ),
    "data of no kind": (HEAD + TASK + "DATA = 3\n", "DATA is int"),
    "columns": (HEAD + TASK.replace("(4,)", "(5,)") + CSV, "4 columns beside the target"),
    "no such column": (HEAD + TASK + 'DATA = Csv("wine.csv", target="price")\n', "no column"),
    "no such file": (HEAD + TASK + 'DATA = Csv("beer.csv")\n', "beer.csv cannot be read as CSV"),
    "text in a line": (HEAD + TASK + 'DATA = Csv("text.csv")\n', "line 3, column b: 'old'"),
    "a value missing": (HEAD + TASK + 'DATA = Csv("missing.csv")\n', "line 3, column b is empty"),
    "nan": (HEAD + TASK + 'DATA = Csv("nan.csv")\n', "line 3, column b: nan is a missing value"),
    "ragged": (HEAD + TASK + 'DATA = Csv("ragged.csv")\n', "line 3 has 4 values, the first has 5"),
    "empty": (HEAD + TASK + 'DATA = Csv("empty.csv")\n', "is empty"),
    "a heading only": (HEAD + TASK + 'DATA = Csv("heading.csv")\n', "is empty"),
    "another separator": (HEAD + TASK + 'DATA = Csv("semicolon.csv")\n', "one column only"),
    "no text file": (HEAD + TASK + 'DATA = Csv("bytes.csv")\n', "cannot be read as CSV"),
    "few rows": (HEAD + TASK + 'DATA = Csv("few.csv")\n', "fewer than a batch of 32"),
    "classes that are none": (HEAD + TASK + 'DATA = Csv("halves.csv")\n', "class numbers"),
    "no NPZ": (HEAD + TASK + 'DATA = Npz("wine.csv")\n', "is no NPZ, which is a zip of arrays"),
    "NPZ without x": (HEAD + TASK + 'DATA = Npz("other.npz")\n', "must give x and y"),
    "NPZ with a pickle": (HEAD + TASK + 'DATA = Npz("pickle.npz")\n', "it holds pickled objects"),
    "NPZ with another shape": (HEAD + TASK + 'DATA = Npz("shape.npz")\n', "x_train is (80, 3)"),
    "no pictures": (HEAD + TASK + 'DATA = Pictures("nowhere")\n', "is no folder"),
    "one class": (HEAD + TASK + 'DATA = Pictures("one")\n', "two folders or more"),
    "a function that gives nothing": (HEAD + TASK + "def DATA():\n    pass\n", "must give x and y"),
    "a function that raises": (
        HEAD + TASK + "def DATA():\n    return 1 / 0\n", "ZeroDivisionError: division by zero",
    ),
    "lengths": (
        HEAD + TASK + "def DATA():\n    return np.ones((90, 4)), np.ones(80)\n", "as x has",
    ),
    "values that are infinite": (
        HEAD + TASK + "def DATA():\n    return np.full((90, 4), np.inf), np.arange(90) % 3\n",
        "missing or infinite",
    ),
    "objects": (
        HEAD + TASK + "def DATA():\n    return np.full((90, 4), None), np.arange(90) % 3\n",
        "not of numbers",
    ),
}  # fmt: skip
# Those that the reading process itself cannot answer, or that the runner sees.
ENDS = {"ends its process", "dies", "name of the suite's", "data of the suite's", "no data",
        "data of the suite in another shape", "raises"}  # fmt: skip
HANGS = "while True:\n    pass\n"


def write_data(folder: Path) -> None:
    """The files that the task files name."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, 400)
    table = np.column_stack([rng.standard_normal((400, 4)) + kind[:, None], kind])
    lines = [",".join(f"{value:g}" for value in row) for row in table]
    heading = "a,b,c,d,kind"
    texts = {
        "wine": [heading, *lines],
        "text": [heading, lines[0], "1,old,3,4,0", *lines],
        "missing": [heading, lines[0], "1,,3,4,0", *lines],
        "nan": [heading, lines[0], "1,nan,3,4,0", *lines],
        "ragged": [heading, lines[0], "1,2,3,0", *lines],
        "empty": [],
        "heading": [heading],
        "semicolon": [line.replace(",", ";") for line in lines],
        "few": [heading, *lines[:20]],
        "halves": [heading, *(f"{line}.5" for line in lines)],
    }
    for name, content in texts.items():
        (folder / f"{name}.csv").write_text("".join(f"{line}\n" for line in content))
    (folder / "bytes.csv").write_bytes(b"\xff\xfe\x00\x81" * 40)
    np.savez(folder / "other.npz", a=table)
    np.savez(folder / "pickle.npz", x=np.array([{}, {}], object), y=kind[:2])
    np.savez(folder / "shape.npz", x=table[:100, :3], y=kind[:100])
    np.savez(folder / "good.npz", x=table[:, :4], y=kind)
    (folder / "one" / "cats").mkdir(parents=True)
