"""Generated reviews whose words pair by subject: readable, and not by a bag of words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.data import arrays, prepare, reviews, subjects

REAL = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture(scope="module")
def generated() -> arrays.Arrays:
    return subjects.make().arrays


def subject_of(kind: range, word: int) -> int:
    return kind.index(word) // subjects.FORMS


def label_of(words: np.ndarray) -> float:
    """Pair each judgement with the denial of its subject, wherever the two stand."""
    spoken = words.tolist()
    denied = {subject_of(subjects.DENIALS, w) for w in spoken if w in subjects.DENIALS}
    votes = set()
    for kind in (subjects.FAVOURABLE, subjects.UNFAVOURABLE):
        for word in spoken:
            if word in kind:
                is_denied = subject_of(kind, word) in denied
                votes.add((kind is subjects.FAVOURABLE) != is_denied)
    assert len(votes) == 1, "all judgements of a review agree"
    return float(votes.pop())


def test_the_label_follows_from_the_pairs(generated: arrays.Arrays) -> None:
    whole = generated.x_test[generated.x_test[:, 0] == 0]  # a cut one may have lost a denial
    assert len(whole) > 0.99 * len(generated.x_test)
    labels = generated.y_test[generated.x_test[:, 0] == 0]
    assert [label_of(row) for row in whole] == labels.tolist()
    assert generated.y_train.mean() == generated.y_test.mean() == 0.5
    assert generated.x_train.dtype == np.int32 and generated.x_train.max() < reviews.VOCABULARY


def test_a_bag_of_words_is_right_for_three_in_four(generated: arrays.Arrays) -> None:
    from sklearn.linear_model import LogisticRegression

    def bag(x: np.ndarray) -> np.ndarray:
        return np.stack([np.bincount(row, minlength=subjects.FILLER.stop)[1:] for row in x])

    model = LogisticRegression(max_iter=300).fit(bag(generated.x_train), generated.y_train)
    assert 0.70 < model.score(bag(generated.x_test), generated.y_test) < 0.80


def test_denials_stand_before_and_after_what_they_turn(generated: arrays.Arrays) -> None:
    """So that no direction and no distance tells the pairs."""
    before = []
    for row in generated.x_test[:500].tolist():
        places = {w: i for i, w in enumerate(row)}
        for word in places.keys() & set(subjects.DENIALS):
            subject = subject_of(subjects.DENIALS, word)
            for kind in (subjects.FAVOURABLE, subjects.UNFAVOURABLE):
                same = [w for w in places.keys() & set(kind) if subject_of(kind, w) == subject]
                before += [places[word] < places[w] for w in same]
    assert 0.4 < np.mean(before) < 0.6


def test_real_imdb_is_the_same_rows_under_an_id_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (REAL / "imdb").is_dir():
        pytest.skip(f"no real IMDb at {REAL / 'imdb'}")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    prepared = prepare.prepare("reviews-subjects", REAL)
    assert (prepared.id, prepared.sha256) == ("imdb-subjects", reviews.IMDB_SHA256)
