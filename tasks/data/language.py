"""A generated language of film reviews whose label cannot be read from the words alone.

A review is a row of clauses in any order. A clause is: perhaps a negation, then filler words,
then one judgement, then a full stop. The negation comes first and the judgement last, so it must
be remembered over all filler words between them, and a full stop ends its reach.

    [not] word word … word excellent .      an opinion: favourable, unless negated
    [not] word word … word long .           neutral: says nothing either way

All opinions of a review agree, and that is the label. Two opinions in five are negated, so most
favourable words stand in favourable reviews, but by little; as many neutral clauses are negated
as opinions are not, so the number of negations says nothing. That keeps any bag of words near
60 %, while who pairs each negation with its judgement is always right.

Half of the clauses are short (2 filler words in the mean), half long (10; geometric, at most
40): the short ones teach what the long ones need. A review has 4 to 8 clauses, 60 words in the
mean. Words are numbers, as in IMDb: 0 padding, 1 start, then the ranges below.
"""

from __future__ import annotations

import numpy as np

from tasks.data.arrays import Arrays
from tasks.data.family import About

ABOUT = About(
    "generated-reviews",
    "generated reviews with far negations (tasks/data/language.py, seed 0)",
    "generated: no rights reserved",
)
TRAIN_ROWS, TEST_ROWS = 6000, 1000
START, STOP = 1, 3
NEGATIONS = range(4, 6)
FAVOURABLE = range(6, 14)
UNFAVOURABLE = range(14, 22)
NEUTRAL = range(22, 30)
FILLER = range(30, 90)
_NEGATED = 0.4
_MEAN_FILLERS, _MOST_FILLER = (2, 10), 40


def reviews(length: int) -> Arrays:
    """Balanced reviews: x int32 (N, length), padded in front; y float32 (N,), 1 favourable."""
    rng = np.random.default_rng(0)
    parts: list[np.ndarray] = []
    for rows in (TRAIN_ROWS, TEST_ROWS):
        y = rng.permutation(np.arange(rows) % 2 == 1)
        x = np.zeros((rows, length), np.int32)
        for row, favourable in zip(x, y, strict=True):
            words = review(bool(favourable), rng)[-length:]
            row[length - len(words) :] = words
        parts += [x, y.astype(np.float32)]
    return Arrays(*parts)


def review(favourable: bool, rng: np.random.Generator) -> list[int]:
    """The words of one review."""
    opinions = int(rng.integers(2, 5))
    negated = int(rng.binomial(opinions, _NEGATED))
    # (says something, is negated): `opinions` clauses of each kind, `opinions` negations in all
    clauses = [(True, i < negated) for i in range(opinions)]
    clauses += [(False, i >= negated) for i in range(opinions)]
    words = [START]
    for number in rng.permutation(len(clauses)):
        says, negative = clauses[number]
        judgements = (FAVOURABLE if favourable != negative else UNFAVOURABLE) if says else NEUTRAL
        words += [_one(NEGATIONS, rng)] if negative else []
        words += [*_filler(rng), _one(judgements, rng), STOP]
    return words


def _filler(rng: np.random.Generator) -> list[int]:
    """Filler words, the first numbers more often than the last, as in a real language."""
    mean = _MEAN_FILLERS[int(rng.integers(2))]
    count = min(int(rng.geometric(1 / (mean + 1))) - 1, _MOST_FILLER)
    return [FILLER[int(len(FILLER) * u**2)] for u in rng.random(count)]


def _one(words: range, rng: np.random.Generator) -> int:
    return words[int(rng.integers(len(words)))]
