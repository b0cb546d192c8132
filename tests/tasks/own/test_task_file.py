"""A user's task file: read whole, or refused in one line, whatever it does."""

from __future__ import annotations

import re
from pathlib import Path
from time import monotonic

import numpy as np
import pytest
from PIL import Image

from bench.run.task_file import PROJECT, OwnTask, read_all
from tasks.data import arrays
from tasks.errors import UserError
from tasks.own import read
from tests.support.task_files import CSV, ENDS, GOOD, HANGS, HEAD, MISTAKES, TASK, write_data


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    write_data(folder)
    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))


def task_of(files: Path, text: str, seconds: float = 60.0) -> OwnTask:
    path = files / "mine.py"
    path.write_text(text)
    (own,) = read_all([path], seconds=seconds).values()
    return own


@pytest.mark.parametrize("name", sorted(set(MISTAKES) - ENDS))
def test_a_mistake_is_answered_in_one_line(files: Path, tmp_path: Path, name: str) -> None:
    text, words = MISTAKES[name]
    (files / "mine.py").write_text(text)
    said = read.answer(files / "mine.py", tmp_path)
    assert words in said["error"]
    assert "\n" not in said["error"]


@pytest.mark.parametrize("name", sorted(ENDS))
def test_a_mistake_is_one_line_that_names_the_file(files: Path, name: str) -> None:
    text, words = MISTAKES[name]
    with pytest.raises(UserError) as refused:
        task_of(files, text)
    assert str(refused.value).startswith(f"--task {files / 'mine.py'}: ")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_hangs_is_stopped(files: Path) -> None:
    started = monotonic()
    with pytest.raises(UserError, match="not done after 2 s"):
        task_of(files, HANGS, seconds=2.0)
    assert monotonic() - started < 20


def test_a_file_that_is_not_there(files: Path) -> None:
    with pytest.raises(UserError, match="there is no such file"):
        read_all([files / "nowhere.py"])


def test_two_files_may_not_bring_one_name(files: Path) -> None:
    (files / "mine.py").write_text(GOOD)
    with pytest.raises(UserError, match="there is a task 'wine' already"):
        read_all([files / "mine.py", files / "mine.py"])


def test_a_csv_is_split_and_standardised_by_its_training_rows(files: Path) -> None:
    own = task_of(files, GOOD)
    assert (own.task.name, own.prepared.family, own.prepared.rows) == ("wine", "own", (320, 80))
    rows = arrays.load(own.prepared.folder)
    assert (rows.x_train.dtype, rows.y_train.dtype) == (np.float32, np.int32)
    assert np.abs(rows.x_train.mean(axis=0)).max() < 1e-5
    assert np.abs(rows.x_train.std(axis=0) - 1).max() < 1e-5
    assert 0.001 < np.abs(rows.x_test.mean(axis=0)).max() < 0.5
    shares = np.bincount(rows.y_train) / 320 - np.bincount(rows.y_test) / 80
    assert np.abs(shares).max() < 0.01


def test_its_place_in_the_cache_follows_from_its_content(files: Path) -> None:
    first, second = task_of(files, GOOD).prepared, task_of(files, GOOD).prepared
    assert first.folder == second.folder
    assert first.sha256[:12] in first.folder.name
    raw = GOOD.replace('target="kind"', 'target="kind", standardise=False')
    assert task_of(files, raw).prepared.folder != first.folder


def test_columns_can_be_time_steps(files: Path) -> None:
    text = TASK.replace("(4,)", "(4, 1)").replace("Dense(16, ", "LSTM(8), Dense(16, ")
    own = task_of(files, HEAD + text.replace('"fnn"', '"lstm"') + CSV)
    assert arrays.load(own.prepared.folder).x_train.shape == (320, 4, 1)


def test_arrays_come_from_an_npz_or_a_function(files: Path) -> None:
    by_file = task_of(files, HEAD + TASK + 'DATA = Npz("good.npz")\n')
    code = 'def DATA():\n    a = np.load(r"{}")\n    return a["x"], a["y"]\n'
    by_function = task_of(files, HEAD + TASK + code.format(files / "good.npz"))
    assert by_file.prepared.sha256 == by_function.prepared.sha256
    four = code.replace('return a["x"], a["y"]', 'return a["x"], a["y"], a["x"][:9], a["y"][:9]')
    own = task_of(files, HEAD + TASK + four.format(files / "good.npz"))
    assert own.prepared.rows == (400, 9)


def test_a_folder_of_pictures(files: Path, tmp_path: Path) -> None:
    for number, name in enumerate(("cats", "dogs")):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for count in range(50):
            colour = (250 * number, count, 0)
            Image.new("RGB", (12, 9), colour).save(tmp_path / "pictures" / name / f"{count}.png")
    text = HEAD + TASK.replace("(4,)", "(6, 8, 3)").replace("Dense(16", "Flatten(), Dense(16")
    own = task_of(files, text + f'DATA = Pictures(r"{tmp_path / "pictures"}")\n')
    rows = arrays.load(own.prepared.folder)
    assert rows.x_train.shape == (80, 6, 8, 3)
    assert rows.x_train.dtype == np.float32
    assert rows.x_train[rows.y_train == 1][:, ..., 0].mean() == pytest.approx(250 / 255)
    (tmp_path / "pictures" / "cats" / "broken.png").write_bytes(b"\x89PNG nothing")
    with pytest.raises(UserError, match=r"broken\.png cannot be read as picture"):
        task_of(files, text + f'DATA = Pictures(r"{tmp_path / "pictures"}")\n')


def test_a_task_may_take_a_set_of_the_suite(files: Path) -> None:
    text = TASK.replace('data="wine"', 'data="fair"').replace("(4,)", "(8,)")
    text = text.replace("Dense(3)", "Dense(1)").replace("sparse_categorical", "binary")
    own = task_of(files, HEAD + text)
    assert (own.prepared.family, own.prepared.id) == ("fair", "fair-affairs")


def test_the_example_of_the_readme_works_as_it_stands(tmp_path: Path) -> None:
    page = (PROJECT / "tasks" / "README.md").read_text(encoding="utf-8")
    part = page.split("## Your own model, your own data")[1]
    (text,) = re.findall(r"```python\n(.*?)```", part.split("\n## ")[0], re.S)
    rows = np.random.default_rng(0).integers(0, 2, (100, 13))
    heading = ",".join(f"f{n}" for n in range(12)) + ",left"
    np.savetxt(tmp_path / "customers.csv", rows, "%d", ",", header=heading, comments="")
    own = task_of(tmp_path, text)
    assert (own.task.name, own.prepared.id, own.prepared.rows) == ("churn", "customers", (80, 20))
