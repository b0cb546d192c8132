"""Two classes from a few numbers a row: "fair" (8 features, real) and "binary20" (generated).

x float32 (N, features), every feature standardised with the mean and deviation of the training
rows; y float32 (N,), 0 or 1. One row in five is for testing, the same share of either class.
"""

from __future__ import annotations

import numpy as np

from tasks.data.arrays import Arrays
from tasks.data.family import About, DataFamily, Decoded
from tasks.data.split import stratified

FAIR = About(
    "fair-affairs",
    "Fair's survey of 6,366 marriages (1978), shipped with statsmodels",
    "included in statsmodels with permission of the author",
)
BINARY20 = About(
    "make-classification-20",
    "5,000 generated rows (scikit-learn make_classification, seed 0)",
    "generated: no rights reserved",
)


def make_fair() -> Decoded:
    """Eight answers of a survey (age, years married, children, …); 1 where affairs > 0.

    6,366 rows, 32 % of them 1: answering 0 always is right in 67.8 % of the rows.
    """
    from statsmodels.datasets import fair

    table = fair.load_pandas().data
    x = table.drop(columns="affairs").to_numpy(np.float64)
    y = (table["affairs"].to_numpy() > 0).astype(np.float32)
    return Decoded(FAIR, _standardised(x, y), embedded=True)


def make_binary20() -> Decoded:
    """20 features, 10 of them informative and 5 their mixtures; 2 % of the labels are wrong.

    Generated, because no real set at hand fits: scikit-learn's breast cancer has 30 features and
    569 rows, fewer than a certificate's 20 steps take, and its 114 test rows would resolve
    accuracy to 0.9 points only. Four clusters a class, so that the hidden layer is needed.
    """
    from sklearn.datasets import make_classification

    x, y = make_classification(
        5000, 20, n_informative=10, n_redundant=5, n_clusters_per_class=4,
        flip_y=0.04, class_sep=1.5, random_state=0,
    )  # fmt: skip
    return Decoded(BINARY20, _standardised(x, y.astype(np.float32)), embedded=True)


def _standardised(x: np.ndarray, y: np.ndarray) -> Arrays:
    train, test = stratified(y, 0.2)
    x = ((x - x[train].mean(axis=0)) / x[train].std(axis=0)).astype(np.float32)
    return Arrays(x[train], y[train], x[test], y[test])


FAMILIES = (DataFamily("fair", FAIR, make_fair), DataFamily("binary20", BINARY20, make_binary20))
