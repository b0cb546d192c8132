"""IMDb without trusting its pickle, and a generated language that a bag of words cannot read."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.data import arrays, language, plainlists, prepare, reviews
from tasks.errors import UserError

REAL = Path(__file__).parents[4] / "shared" / "data"
HEADER = {"descr": "|O", "fortran_order": False}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def objects(rows: list[Any]) -> np.ndarray:
    made = np.empty(len(rows), object)
    made[:] = rows
    return made


def imdb(folder: Path, x: np.ndarray, y: np.ndarray | None = None) -> Path:
    y = np.arange(len(x)) % 2 if y is None else y
    np.savez(folder / "imdb.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    return folder


def with_pickle(folder: Path, raw: bytes, rows: int = 2) -> Path:
    """An imdb.npz whose x_train is this pickle."""
    imdb(folder, objects([[1], [2]]))
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {**HEADER, "shape": (rows,)})
    with zipfile.ZipFile(folder / "imdb.npz", "w") as archive:
        archive.writestr("x_train.npy", member.getvalue() + raw)
    return folder


class Harm:
    """Its pickle makes a folder when it is read by pickle.load."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_lists_are_read_as_numpy_wrote_them(tmp_path: Path) -> None:
    rows = [[1, 2, 70_000], [], [5]]
    imdb(tmp_path, objects(rows))
    assert plainlists.lists(tmp_path / "imdb.npz", "x_train") == rows


def test_encoding_is_that_of_keras() -> None:
    long = list(range(1, 251))
    x = reviews._encoded([[1, 5, 9_996, 9_997], long, long[:199], long[:200]])
    assert x.shape == (4, 200) and x.dtype == np.int32
    assert x[0, -5:].tolist() == [1, 4, 8, 9_999, 2] and not x[0, :-5].any()
    assert x[1].tolist() == list(range(54, 254)), "the last 200 words"
    assert x[2, 0] == 1 and x[3, 0] == 4, "200 words leave no room for the start"


@pytest.mark.parametrize("inside", [False, True])
def test_a_malicious_pickle_runs_nothing(tmp_path: Path, own_cache: Path, inside: bool) -> None:
    harmed = tmp_path / "harmed"
    harm = Harm(harmed)
    raw = pickle.dumps(objects([[1], harm]) if inside else harm)
    with pytest.raises(UserError, match=r"x_train is refused: it asks for posix.mkdir; replace"):
        prepare.prepare("reviews", with_pickle(tmp_path, raw))
    assert not harmed.exists() and not own_cache.exists()
    pickle.loads(raw)
    assert harmed.exists(), "the pickle would have done harm"


@pytest.mark.parametrize(
    "rows", [[[1], ["a"]], [[1], (2,)], [[1], [True]], [[1], [2.0]], [[1], [[2]]], [[1], None]]
)
def test_only_lists_of_ints_are_admitted(tmp_path: Path, rows: list[Any]) -> None:
    with pytest.raises(UserError, match="something else than lists of ints"):
        prepare.prepare("reviews", with_pickle(tmp_path, pickle.dumps(objects(rows))))


@pytest.mark.parametrize(
    "raw", [b"", b"\x80\x02", b"garbage", pickle.dumps([[1], [2]]), pickle.dumps(np.dtype("O"))]
)
def test_other_pickles_are_refused(tmp_path: Path, raw: bytes) -> None:
    with pytest.raises(UserError, match="x_train is refused"):
        prepare.prepare("reviews", with_pickle(tmp_path, raw))


def test_no_name_is_looked_up_for_a_pickle() -> None:
    for module, name in (("numpy", "load"), ("builtins", "eval"), ("numpy.core", "multiarray")):
        with pytest.raises(pickle.UnpicklingError):
            plainlists._Unpickler(io.BytesIO()).find_class(module, name)
    assert plainlists._Unpickler(io.BytesIO()).find_class("numpy", "dtype") is plainlists._Inert


def test_other_contents_are_refused(tmp_path: Path, own_cache: Path) -> None:
    with pytest.raises(UserError, match=r"is not IMDb.*expected 949c739e.*replace"):
        prepare.prepare("reviews", imdb(tmp_path, objects([[1], [2]])))
    with pytest.raises(UserError, match=r"is not IMDb.*y_train has shape"):
        prepare.prepare("reviews", imdb(tmp_path, objects([[1], [2]]), np.zeros(3, int)))
    with pytest.raises(UserError, match="beyond 64 bits"):
        prepare.prepare("reviews", imdb(tmp_path, objects([[1], [2**70]])))
    with pytest.raises(UserError, match="x_train is refused: it is no array of lists"):
        prepare.prepare("reviews", imdb(tmp_path, np.zeros((2, 200), np.int32)))
    np.savez(tmp_path / "imdb.npz", x=np.zeros(1))
    with pytest.raises(UserError, match="has no array x_train"):
        prepare.prepare("reviews", tmp_path)
    (tmp_path / "imdb.npz").write_bytes(b"PK cut")
    with pytest.raises(UserError, match="is damaged"):
        prepare.prepare("reviews", tmp_path)
    assert not own_cache.exists()


def test_a_file_that_matches_decodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imdb(tmp_path, objects([[7], [8], [9]]))
    monkeypatch.setattr(reviews, "digest", lambda _: reviews.IMDB_SHA256)
    made = reviews.decode([tmp_path / "imdb.npz"]).arrays
    rng, order = np.random.RandomState(113), np.arange(3)
    rng.shuffle(order)
    assert (made.x_train[:, -1] - 10).tolist() == order.tolist()
    assert made.y_train.tolist() == (order % 2).tolist()


def test_real_imdb() -> None:
    if not (REAL / "imdb").is_dir():
        pytest.skip(f"no real IMDb at {REAL / 'imdb'}")
    prepared = prepare.prepare("reviews", REAL)
    assert (prepared.id, prepared.sha256) == ("imdb", reviews.IMDB_SHA256)
    loaded = arrays.load(prepared.folder)
    assert loaded.x_train[1, 11:17].tolist() == [1, 194, 1153, 194, 8255, 78], "Keras's second row"
    assert loaded.y_train.mean() == loaded.y_test.mean() == 0.5


def label_of(words: np.ndarray) -> float:
    """Read a generated review as its grammar says: pair each negation with its judgement."""
    votes, negated = set(), False
    for word in words.tolist():
        if word in language.NEGATIONS:
            negated = True
        elif word == language.STOP:
            negated = False
        elif word in language.FAVOURABLE or word in language.UNFAVOURABLE:
            votes.add((word in language.FAVOURABLE) != negated)
    assert len(votes) == 1, "all opinions of a review agree"
    return float(votes.pop())


@pytest.fixture(scope="module")
def generated() -> arrays.Arrays:
    return language.reviews(200)


def test_the_label_is_a_function_of_the_sequence(generated: arrays.Arrays) -> None:
    assert [label_of(row) for row in generated.x_test] == generated.y_test.tolist()
    assert generated.y_train.mean() == generated.y_test.mean() == 0.5
    assert generated.x_train.max() < 10_000 and (generated.x_train[:, 0] == 0).all(), "none is cut"


def test_a_bag_of_words_cannot_read_it(generated: arrays.Arrays) -> None:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    def bag(x: np.ndarray) -> np.ndarray:
        return np.stack([np.bincount(row, minlength=language.FILLER.stop)[1:] for row in x])

    train, test = bag(generated.x_train), bag(generated.x_test)
    forest = RandomForestClassifier(50, min_samples_leaf=20, random_state=0)
    for model in (LogisticRegression(max_iter=300), forest):  # linear, and with interactions
        model.fit(train, generated.y_train)
        assert 0.5 < model.score(test, generated.y_test) <= 0.65


def test_negations_are_far_from_their_judgements(generated: arrays.Arrays) -> None:
    gaps = []
    for row in generated.x_test:
        for number, word in enumerate(row):
            if word in language.NEGATIONS:
                gaps.append(int(np.flatnonzero(row[number:] == language.STOP)[0]) - 2)
    assert np.mean(gaps) > 4 and np.mean(np.array(gaps) >= 10) > 0.15
