"""Film reviews for networks that attend: IMDb as in reviews.py, else a generated language in which
words pair by what they are about, wherever they stand.

The language of language.py pairs words by nearness, which a recurrent network sees at once and a
table of places does not give: attention learns it from far more rows than there are. Here a review
judges two to four subjects (its plot, its actors, say). A judgement names its subject and so does a
denial, which turns every judgement of that subject, before it or after. Each is one word among
fillers, with a full stop behind it, and the order is random.

    word word plot-is-excellent . word deny-the-actors . word word word actors-are-dull .

All judgements of a review agree once denials are heard, and that is the label. Three subjects in
ten are denied, whether they are judged or not, so that the number of denials says nothing. A bag
of words is right for three reviews in four; who pairs the words by subject is always right. x, y
as in reviews.py; 60 words in the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tasks.data import reviews
from tasks.data.arrays import Arrays
from tasks.data.family import About, DataFamily, Decoded

TRAIN_ROWS, TEST_ROWS = 20_000, 2_000
START, STOP = 1, 3
SUBJECTS, FORMS = 4, 2
_EACH = SUBJECTS * FORMS
# Word number: the first of its kind + FORMS · subject + form.
DENIALS = range(4, 4 + _EACH)
FAVOURABLE = range(DENIALS.stop, DENIALS.stop + _EACH)
UNFAVOURABLE = range(FAVOURABLE.stop, FAVOURABLE.stop + _EACH)
FILLER = range(UNFAVOURABLE.stop, UNFAVOURABLE.stop + 90)
_DENIED = 0.3
_MEAN_FILLERS, _MOST_FILLERS = 6, 40

EMBEDDED = About(
    "generated-reviews-subjects",
    "generated reviews whose words pair by subject (tasks/data/subjects.py, seed 0)",
    "generated: no rights reserved",
)
# An id of its own: IMDb in the cache lies by family.
_IMDB = replace(reviews.IMDB, id=f"{reviews.IMDB.id}-subjects")


def make() -> Decoded:
    """Balanced reviews, TRAIN_ROWS and TEST_ROWS of them."""
    rng = np.random.default_rng(0)
    parts: list[np.ndarray] = []
    for rows in (TRAIN_ROWS, TEST_ROWS):
        y = rng.permutation(np.arange(rows) % 2 == 1)
        x = np.zeros((rows, reviews.LENGTH), np.int32)
        for row, favourable in zip(x, y, strict=True):
            words = review(bool(favourable), rng)[-reviews.LENGTH :]
            row[reviews.LENGTH - len(words) :] = words
        parts += [x, y.astype(np.float32)]
    return Decoded(EMBEDDED, Arrays(*parts), embedded=True)


def review(favourable: bool, rng: np.random.Generator) -> list[int]:
    """The words of one review."""
    judged = set(rng.permutation(SUBJECTS)[: rng.integers(2, SUBJECTS + 1)].tolist())
    said: list[int] = []
    for subject in range(SUBJECTS):
        is_denied = rng.random() < _DENIED
        if is_denied:
            said.append(_word(DENIALS, subject, rng))
        if subject in judged:
            kind = FAVOURABLE if favourable != is_denied else UNFAVOURABLE
            said += [_word(kind, subject, rng) for _ in range(rng.integers(1, 4))]
    words = [START]
    for number in rng.permutation(len(said)):
        words += [*_fillers(rng), said[number], STOP]
    return words


def _word(kind: range, subject: int, rng: np.random.Generator) -> int:
    return kind[FORMS * subject + int(rng.integers(FORMS))]


def _fillers(rng: np.random.Generator) -> list[int]:
    """Words that say nothing, the first numbers more often, as in a real language."""
    count = min(int(rng.geometric(1 / (_MEAN_FILLERS + 1))) - 1, _MOST_FILLERS)
    return [FILLER[int(len(FILLER) * u**2)] for u in rng.random(count)]


def decode(files: Sequence[Path]) -> Decoded:
    """IMDb; `UserError` as `reviews.decode`."""
    return replace(reviews.decode(files), about=_IMDB)


FAMILY = DataFamily(
    name="reviews-subjects",
    embedded=EMBEDDED,
    make=make,
    canonical=_IMDB.id,
    find=reviews.find,
    decode=decode,
    wanted=reviews.FAMILY.wanted,
)
